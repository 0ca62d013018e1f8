# Tells which symbols of an image lead out of the simulated world, and who refers to them.
#
# First file: facts, one a line ("rebound X", "harmless X" or "harmless X*", "fatal X ARCHIVE LIST",
# "undefined X", "weak X", "libc X": the C library has it). Second file: what "nm -A -u" or
# "nm -A -u -l" prints of the inputs.
# Exit status 1 if anything is refused.

# "/x/run.c.o" is run.c.o; "/x/liby.a:dump.o" is liby.a(dump.o).
function object_name(path,    at, member) {
    member = ""
    at = index(path, ".a:")
    if (at) {
        member = "(" substr(path, at + 3) ")"
        path = substr(path, 1, at + 1)
    }
    sub(/.*\//, "", path)
    return path member
}

# Where in the sources: from the debug information if there is any, or else the object's name.
function place(location, object) {
    if (location == "" || location ~ /:0$/ || location ~ /:\?$/) {
        sub(/\.o$/, "", object)
        return object
    }
    while (sub(/^\.\//, "", location))
        ;
    return location
}

function is_harmless(symbol,    i) {
    if (symbol in harmless)
        return 1
    for (i = 1; i <= prefix_count; i++)
        if (index(symbol, prefixes[i]) == 1)
            return 1
    return 0
}

# Prebuilt libraries may refer to what their list makes fatal; nobody else may.
function is_refused(symbol, object,    archive) {
    if (symbol in refused)
        return 1
    if (!(symbol in fatal))
        return 0
    archive = object
    sub(/\(.*/, "", archive)
    return index(fatal[symbol], " " archive " ") == 0
}

FNR == 1 { file++ }

file == 1 && $1 == "rebound" { rebound[$2] = 1; bound["world_" $2] = 1 }
file == 1 && $1 == "harmless" {
    if ($2 ~ /\*$/)
        prefixes[++prefix_count] = substr($2, 1, length($2) - 1)
    else
        harmless[$2] = 1
}
file == 1 && $1 == "fatal" {
    fatal[$2] = fatal[$2] " " $3 " "
    if ($2 in rebound) {
        print $4 ": error: " $2 " is simulated by now (rebound.txt); remove it here"
        failed = 1
    }
}
file == 1 && $1 == "libc" { libc[$2] = 1 }

# What is weak and nobody has is null; whoever calls it has asked for that.
file == 1 && ($1 == "undefined" || $1 == "weak" && $2 in libc) {
    if (!($2 in bound) && $2 != "world_uncontrolled" && !is_harmless($2)) {
        refused[$2] = 1
        order[++refused_count] = $2
    }
}

# PATH:   U SYMBOL<tab>FILE:LINE
file == 2 && match($0, /: +[UvVwW] /) {
    object = object_name(substr($0, 1, RSTART - 1))
    rest = substr($0, RSTART + RLENGTH)
    location = ""
    at = index(rest, "\t")
    if (at) {
        location = substr(rest, at + 1)
        rest = substr(rest, 1, at - 1)
    }
    if (is_refused(rest, object) && !((rest, object) in told)) {
        told[rest, object] = 1
        named[rest] = 1
        print "uncontrolled call: " rest ", referenced by " place(location, object) " (" object ")"
        failed = 1
        hint = 1
    }
}

END {
    for (i = 1; i <= refused_count; i++)
        if (!(order[i] in named)) {
            print "uncontrolled call: " order[i] ", referenced by an object that nm does not list"
            failed = 1
            hint = 1
        }
    if (hint) {
        print "  The simulated world has no such function, and passing it through would make runs"
        print "  differ. Call something else; or simulate it as world_NAME and list NAME in"
        print "  harness/world/rebound.txt; or, if it depends on nothing but its arguments, list it"
        print "  in harness/world/harmless.txt."
    }
    exit failed
}
