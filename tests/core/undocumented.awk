# Prints the functions of a public header that have no comment: right above them, or behind the end
# of their declaration.
/^[ \t]*$/ || /^#/ || /^typedef/ { commented = 0; next }
/\*\/$/ && /^(\/\*| \*)/ { commented = 1; next }
/^[a-z][^{(]*[ *][a-z_]+\(/ {
    declaration = $0
    while (declaration !~ /;/ && (getline line) > 0) declaration = declaration line
    if (!commented && declaration !~ /\/\*/) {
        sub(/\(.*/, "", declaration)
        sub(/.*[ *]/, "", declaration)
        print FILENAME ": " declaration
    }
    commented = 0
}
