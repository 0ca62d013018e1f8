/* A member of the library that the program does not need, and that could not be linked. */
#include <unistd.h>

int unused(void);

int unused(void)
{
    return (int)fork();
}
