/* Work in a process of its own, so that nothing the program under test does can take the
 * harness down: the parent learns how it ended, and what it left in shared memory. */
#ifndef HARNESS_EXPLORE_WORKER_H
#define HARNESS_EXPLORE_WORKER_H

#include <stdbool.h>
#include <stddef.h>

enum { WORKER_TICK_MS = 200 };
enum worker_end { WORKER_RETURNED, WORKER_EXITED, WORKER_KILLED };

struct worker_result {
    enum worker_end end;
    int code; /* what work() returned, an exit status, or a signal's number */
};

/* Zeroed memory that workers share with their parent; ends the process when there is none. */
void *worker_shared(size_t bytes);

/* Run work(argument) in a child process and wait for it. Output streams are flushed first,
 * in both processes. `tick` (may be NULL) is called every WORKER_TICK_MS meanwhile. */
struct worker_result worker_run(int (*work)(void *), void *argument, void (*tick)(void *),
                                void *tick_argument);

/* The same in two halves, for several at once. A worker that was started must be waited for. */
struct worker {
    int pid;
    int end; /* of a pipe that is closed when the worker is gone */
};
struct worker worker_start(int (*work)(void *), void *argument);
/* Whether it has ended without returning 0; for one that was not waited for. */
bool worker_is_lost(struct worker worker);
struct worker_result worker_wait(struct worker worker, void (*tick)(void *), void *tick_argument);

#endif
