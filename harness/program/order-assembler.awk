# Puts calls around what assembler code in the source does to memory atomically (x86-64, AT&T
# syntax): locked instructions, exchanges, and moves to and from memory. See
# world/instrument_assembler.c.
#
#   awk -f order-assembler.awk FILE.s
#
# What adds 0 to something is a fence, and what is another thread's own has no address here. Both
# compilers enclose such code by #APP and #NO_APP.

# The last operand is wanted, or the first for an exchange that has it there; "" if none is memory.
function memory_operand(text,    i, depth, count, operands, one) {
    count = 1
    for (i = 1; i <= length(text); i++) {
        one = substr(text, i, 1)
        if (one == "(") depth++
        if (one == ")") depth--
        if (one == "," && depth == 0) {
            count++
        } else {
            operands[count] = operands[count] one
        }
    }
    register = ""
    found = ""
    for (i = 1; i <= count; i++) {
        gsub(/^[ \t]+|[ \t]+$/, "", operands[i])
        if (operands[i] ~ /^%[a-z0-9]+$/) {
            register = operands[i]
        } else if (operands[i] !~ /^[$%]/ && operands[i] != "") {
            found = operands[i]
        }
    }
    return found
}

# log2 of the bytes, by the name of the instruction or a register; -1: not known.
function size_of(name, register,    base) {
    if (name ~ /16b$/) return 4
    if (name ~ /8b$/) return 3
    base = substr(name, 1, length(name) - 1)
    if (base ~ /^(ad[cd]|and|bt[crs]|cmpxchg|dec|inc|neg|not|or|sbb|sub|xor|xadd|xchg|mov)$/) {
        return index("bwlq", substr(name, length(name))) - 1
    }
    if (register ~ /^%r([a-ds][xpi]|[bs]p|[0-9]+)$/) return 3
    if (register ~ /^%(e|r[0-9]+d$)/) return 2
    if (register ~ /^%([a-d]x|[sd]i|[sb]p|r[0-9]+w)$/) return 1
    if (register ~ /^%([a-d][lh]|[sd]il|[sb]pl|r[0-9]+b)$/) return 0
    return -1
}

# Below the stack pointer are 128 bytes that the function may use. Where it has no frame pointer,
# who walks the stack finds its frame by the stack pointer.
function call(what) {
    print "\tleaq -136(%rsp), %rsp"
    if (by_stack) print "\t.cfi_adjust_cfa_offset 136"
    print "\tcall __tsan_assembler_" what
    print "\tleaq 136(%rsp), %rsp"
    if (by_stack) print "\t.cfi_adjust_cfa_offset -136"
}

function call_around(memory, size, text) {
    print "\tmovq %rdi, -136(%rsp)"
    print "\tleaq " memory ", %rdi"
    call(size)
    print "\tmovq -136(%rsp), %rdi"
    print "\t" text
    call("end")
}

function statement(text,    name, rest, locked, atomic, fence, memory, size) {
    gsub(/^[ \t]+|[ \t]+$/, "", text)
    while (match(text, /^[A-Za-z0-9_.$]+:[ \t]*/)) {
        print substr(text, 1, RLENGTH)
        text = substr(text, RLENGTH + 1)
    }
    if (text == "lock") {
        pending = "lock "
        return
    }
    text = pending text
    pending = ""
    rest = text
    locked = sub(/^lock[ \t]+/, "", rest)
    name = rest
    sub(/[ \t].*/, "", name)
    sub(/^[^ \t]+[ \t]*/, "", rest)
    atomic = locked || name ~ /^(xchg|mov)[bwlq]?$/
    fence = name ~ /^(add|or)/ && rest ~ /^[$]0[ \t]*,/
    if (atomic && !fence && rest !~ /%[fg]s:/) {
        memory = memory_operand(rest)
        size = size_of(name, register)
        if (memory != "" && size >= 0) {
            call_around(memory, size, text)
            return
        }
    }
    print "\t" text
}

$1 == ".cfi_startproc" { by_stack = 1 }
$1 ~ /^[.]cfi_def_cfa(_register)?$/ { by_stack = $2 ~ /^(7|%rsp)/ }
$1 == ".cfi_remember_state" { remembered = by_stack }
$1 == ".cfi_restore_state" { by_stack = remembered }
$1 == ".cfi_endproc" { by_stack = 0 }
/^[ \t]*#APP/ { inside = 1 }
/^[ \t]*#NO_APP/ { inside = 0 }
!inside || /^[ \t]*#/ || /"/ { print; next }
{
    count = split($0, parts, ";")
    for (part = 1; part <= count; part++) statement(parts[part])
}
