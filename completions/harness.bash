# Completion of the command line of harness, for bash. Commands and options are those that
# 'harness --help' and 'harness COMMAND --help' print.

_harness()
{
    local word=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]} known
    COMPREPLY=()
    if [ "$COMP_CWORD" -eq 1 ]; then
        known=$("$1" --help 2> /dev/null | sed -n '/^commands/,/^$/s/^  \([a-z]*\) .*/\1/p')
        mapfile -t COMPREPLY < <(compgen -W "$known --help --version" -- "$word")
    elif [[ $word == -* ]]; then
        known=$("$1" "$command" --help 2> /dev/null | sed -n 's/^  \(--[a-z0-9-]*\).*/\1/p')
        mapfile -t COMPREPLY < <(compgen -W "$known" -- "$word")
    else
        # Scenarios first; where there are none, or it is another kind of file, any.
        compopt -o filenames 2> /dev/null
        case $command in
        run | replay | step | explain | shrink | plan | fmt)
            mapfile -t COMPREPLY < <(compgen -f -X '!*.scn' -- "$word"; compgen -d -- "$word") ;;
        esac
        [ ${#COMPREPLY[@]} -gt 0 ] || mapfile -t COMPREPLY < <(compgen -f -- "$word")
    fi
}

complete -F _harness harness ./harness
