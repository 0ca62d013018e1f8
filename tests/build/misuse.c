/*
 * What is fatal on behalf of a prebuilt library is not open to our own sources.
 */
#include <stdio.h>

int misuse_entry(void);

int misuse_entry(void)
{
    return fopen("/dev/null", "r") != NULL;
}
