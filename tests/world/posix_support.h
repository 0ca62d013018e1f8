/* What the conformance cases share: gates, threads and deadlines. Compiled and rebound together
 * with the cases, so it calls POSIX only. */
#ifndef TESTS_WORLD_POSIX_SUPPORT_H
#define TESTS_WORLD_POSIX_SUPPORT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* How a case orders its threads without a clock: a level that only rises. */
struct posix_gate {
    pthread_mutex_t mutex;
    pthread_cond_t raised;
    uint32_t level;
};

void posix_gate_init(struct posix_gate *gate);

/* No thread may be waiting. The last raiser may still be on its way out of posix_gate_raise. */
void posix_gate_destroy(struct posix_gate *gate);

void posix_gate_raise(struct posix_gate *gate);

/* Returns when the gate has been raised at least `level` times. */
void posix_gate_wait(struct posix_gate *gate, uint32_t level);

/* A joinable thread with default attributes; its creation is checked. */
pthread_t posix_start(void *(*entry)(void *), void *argument);

/* Joins, checks that, and returns the thread's value. */
void *posix_finish(pthread_t thread);

/* One deadline is meant to pass, the other never to: an hour is beyond any lag of a machine or
 * of a simulated stall. */
enum { POSIX_SHORT_US = 3000 };
#define POSIX_FAR_US UINT64_C(3600000000)

/* The absolute time `after_us` from now on that clock. */
struct timespec posix_deadline(clockid_t clock, uint64_t after_us);

/* A second ago on that clock. */
struct timespec posix_past(clockid_t clock);

/* A deadline whose nanoseconds are out of range. */
struct timespec posix_malformed(clockid_t clock);

/* True once the clock shows the deadline or later. */
bool posix_passed(clockid_t clock, const struct timespec *deadline);

/* A duration as a timespec. */
struct timespec posix_span(uint64_t span_us);

/* b - a; b must not be earlier. Rounded down. */
uint64_t posix_between_us(const struct timespec *a, const struct timespec *b);

#endif
