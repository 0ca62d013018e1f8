/* State that the C library keeps for a program. */
#ifndef HARNESS_PROGRAM_LIBC_H
#define HARNESS_PROGRAM_LIBC_H

#include <stdbool.h>

/* Forget what the last execution left there. Quiet: getopt() prints no messages, which would go
 * to the real standard error, once in every execution. */
void libc_begin(bool quiet);

/* What it keeps of the program's memory. */
void libc_look(void (*look)(const char *from, const char *to));

/* The same for environment variables. */
void environment_begin(void);

#endif
