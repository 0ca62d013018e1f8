/*
 * Leaves the simulated world twice; the line numbers are part of the test.
 */
#include <stdlib.h>
#include <unistd.h>

int uncontrolled_entry(void);

int uncontrolled_entry(void)
{
    /* The child would run outside. */
    int child = fork();

    return child + system("true");
}
