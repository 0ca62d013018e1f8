/*
 * A program with an ordinary main, to be run inside a world.
 */
#include <stdlib.h>
#include <string.h>

int main(int argument_count, char **arguments)
{
    /* Volatile, or the compiler removes the pair of calls. */
    char *volatile memory = malloc(4);

    if (!memory || argument_count != 3 || strcmp(arguments[1], "one") != 0)
        return 1;
    free(memory);
    return 42;
}
