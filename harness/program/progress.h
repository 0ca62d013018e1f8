/* What a terminal sees while a program is explored: one line, on standard error, which is gone when
 * the work is done. Nothing is printed where that is no terminal, or to a unit test. */
#ifndef HARNESS_PROGRAM_PROGRESS_H
#define HARNESS_PROGRAM_PROGRESS_H

#include <stdint.h>

#include "harness/explore/worker.h"

/* From here on there is a line to be shown: the program explores its own main. */
void progress_begin(void);

/* As worker_run() without an argument. `what` is being done: words; NULL: it explores. */
struct worker_result progress_work(int (*body)(void *), const char *what);

/* For crew.tick: so many executions of the phase that runs; NULL where nothing is printed. */
typedef void (*progress_tick)(void *context, uint64_t runs);
progress_tick progress_of_crew(void);

/* Takes the line away. */
void progress_end(void);

#endif
