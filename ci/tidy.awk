# The rules of ci/tidy.

BEGIN {
    COLUMNS_MAX = 100
    FILE_LINES_MAX = 600
    FUNCTION_LINES_MAX = 70

    # Where, what, and what to use instead. The folder is a pattern for the start of the path.
    ban("", "gets sprintf vsprintf strcpy strcat strtok alloca", "the form that knows the size")
    ban("core/", "usleep sleep nanosleep clock_nanosleep thrd_sleep", \
        "a deadline of core/timer: nothing is ordered by sleeping")
    ban("core/", "rand random rand_r drand48", "an id from a counter, or getrandom for a secret")
    ban("core/", "time gettimeofday timespec_get", "the core's clock function (monotonic)")
    ban("core/", "printf fprintf puts", "the trace port")
    ban("(harness/(explore|scenario|check)|fakes|reports)/", \
        "usleep sleep nanosleep time gettimeofday clock_gettime timespec_get", \
        "the world's clock: the simulation owns time")
    ban("(harness|fakes|reports)/", "rand random rand_r drand48 srand srandom getrandom", \
        "the choice stream: the explorer owns chance")

    while ((getline line < status_page) > 0)
        status_text = status_text line "\n"
}

# A call is a name before "(" that is no member and no part of a longer name.
function ban(where, names, instead,    i, count, list) {
    count = split(names, list, " ")
    for (i = 1; i <= count; i++) {
        bans++
        ban_where[bans] = "^" where
        ban_name[bans] = list[i]
        ban_call[bans] = "(^|[^A-Za-z0-9_.>])" list[i] " *\\("
        ban_instead[bans] = instead
    }
}

function refuse(line, text) {
    print FILENAME ":" line ": " text
    failed = 1
}

function end_of_file(name, lines) {
    if (name != "" && is_code && lines > FILE_LINES_MAX) {
        print name ":" lines ": more than " FILE_LINES_MAX " lines: split the file by topic"
        failed = 1
    }
}

# What kind of file this is; goldens and the like are data.
function start_of_file(    base) {
    end_of_file(previous, previous_lines)
    previous = FILENAME
    is_c = FILENAME ~ /\.[ch]$/
    is_code = is_c || FILENAME ~ /\.(S|awk|cmake)$/ ||
        FILENAME ~ /(^|\/)(CMakeLists\.txt|(ci|cmake)\/[a-z-]*)$/
    is_scenario = FILENAME ~ /(^|\/)scenarios\/.*\.scn$/
    function_line = 0
    seen_include = 0
    own_header = ""
    if (FILENAME ~ /\.c$/) {
        base = FILENAME
        sub(/\.c$/, ".h", base)
        if ((getline line < base) > 0) {
            own_header = base
            sub(/.*\//, "", own_header)
        }
        close(base)
    }
}

FNR == 1 { start_of_file() }
{ previous_lines = FNR }

is_code || is_scenario {
    text = $0
    gsub(/[\200-\277]/, "", text)
    if (length(text) > COLUMNS_MAX)
        refuse(FNR, length(text) " columns; the limit is " COLUMNS_MAX)
    if (/\t/ && (is_c || is_scenario))
        refuse(FNR, "a tab: indent by four spaces")
    if (/[ \t\r]$/)
        refuse(FNR, "white space at the end of the line")
    if (/(TO[D]O|FIX[M]E|XX[X])/ && !index(status_text, FILENAME))
        refuse(FNR, "left for later without a line in docs/STATUS.md that names this file")
}

is_c && /^\{/ { function_line = FNR }
is_c && /^\}/ {
    if (function_line && FNR - function_line - 1 > FUNCTION_LINES_MAX)
        refuse(function_line, "a function of " (FNR - function_line - 1) " lines; the limit is " \
            FUNCTION_LINES_MAX)
    function_line = 0
}

is_c && own_header != "" && !seen_include && /^#include/ {
    seen_include = 1
    included = $2
    gsub(/.*\/|"/, "", included)
    if (included != own_header)
        refuse(FNR, "the own header comes first: \"" own_header "\"")
}

is_c {
    if (/%[-+ #0-9.*]*p/ && /"/)
        refuse(FNR, "%p: addresses differ from run to run; print a name or an ordinal")
    # Strings and comments call nothing.
    code = $0
    gsub(/\\"/, "", code)
    gsub(/"[^"]*"/, "\"\"", code)
    gsub(/\/\*.*\*\//, "", code)
    sub(/\/\*.*/, "", code)
    if (code ~ /^ *\*( |$)/)
        code = ""
    if (code ~ /(^|[ ;{})])\/\//)
        refuse(FNR, "a // comment: write /* a sentence. */")
    if (code ~ /^ *typedef (struct|union|enum)/)
        refuse(FNR, "a typedef: spell out struct, union or enum")
    for (i = 1; i <= bans; i++)
        if (index(code, ban_name[i]) && FILENAME ~ ban_where[i] && code ~ ban_call[i])
            refuse(FNR, ban_name[i] "() is banned here; use " ban_instead[i])
}

END {
    end_of_file(previous, previous_lines)
    exit failed
}
