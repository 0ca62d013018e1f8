/*
 * Stands for a library that comes compiled, with one function that touches the outside.
 */
#include "prebuilt.h"

#include <stdio.h>

int prebuilt_twice(int number)
{
    return 2 * number;
}

int prebuilt_can_open(const char *path)
{
    return fopen(path, "r") != NULL;
}
