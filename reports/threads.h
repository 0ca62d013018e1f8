/* For somebody who has stopped an execution in the midst. */
#ifndef REPORTS_THREADS_H
#define REPORTS_THREADS_H

#include <stdbool.h>
#include <stdio.h>

/* Where every thread and actor of this execution stands: what it waits for, and its stack where it
 * has one in the code under test. To be called between two steps. */
void threads_print(FILE *out);

/* Whether a debugger holds this process. */
bool threads_debugged(void);

#endif
