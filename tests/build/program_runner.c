/*
 * Runs the image of program.c, whose main is reached through the descriptor only.
 */
#include "harness/world/image.h"
#include "tiny_world.h"

#include <stdio.h>

extern const struct image image_program;

int main(int argument_count, char **arguments)
{
    int (*program_main)(int, char **) = (int (*)(int, char **))(uintptr_t)image_program.entry;
    int status = program_main(argument_count, arguments);

    printf("status %d, %u allocation(s)\n", status, tiny_world_mallocs());
    return status == 42 && tiny_world_mallocs() == 1 ? 0 : 1;
}
