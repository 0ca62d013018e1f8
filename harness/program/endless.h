/* What threads did at the end of an execution that had none: those that undo each other's work for
 * ever are stopped by the bound on steps only. */
#ifndef HARNESS_PROGRAM_ENDLESS_H
#define HARNESS_PROGRAM_ENDLESS_H

#include <stdio.h>

/* For each thread that repeats itself at the end of the last execution, kept by trail_watch(), a
 * line with what it repeats. How many there are. */
unsigned endless_tell(FILE *out);

#endif
