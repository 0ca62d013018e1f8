/* What executions have in common: which places several threads touch, and how often each thread
 * does. Where a switch matters differs from program to program; a sampler that knows can leave the
 * rest alone.
 *
 * Only the first LEARN_RUNS executions teach anything, so that what a strategy does in a later
 * one depends on its number alone. */
#ifndef HARNESS_EXPLORE_LEARN_H
#define HARNESS_EXPLORE_LEARN_H

#include <stdbool.h>
#include <stdint.h>

enum { LEARN_RUNS = 16, LEARN_NOTHING = UINT32_MAX };

struct learned;
struct world_step;

/* Whether a step is an event: world_next_place() named its object before. */
bool learn_is_event(const struct world_step *step);

/* NULL: no memory. */
struct learned *learned_new(void);
void learned_free(struct learned *learned);

/* Looks through the steps of execution n, the last one of the world; does nothing from
 * LEARN_RUNS on. What does not fit is left out. */
void learn(struct learned *learned, uint64_t n);

/* How many executions it has seen: the unit of learned_events(). */
uint32_t learned_runs(const struct learned *learned);

/* Places that more than one thread has touched while both were there, one of them writing:
 * numbered from 0 in the order in which they were met. */
uint32_t learned_shared(const struct learned *learned);
/* The number of a place, or LEARN_NOTHING if it is not one of them. */
uint32_t learned_place(const struct learned *learned, const void *place);

/* For each thread that was met, its events at the chosen places (`chosen` by number) and those of
 * all threads that it makes, summed over all executions. Fills at most max; how many threads
 * there are. The numbers are those of learned_thread(). */
uint32_t learned_events(const struct learned *learned, const bool *chosen, uint32_t *events,
                        uint32_t max);
/* How often the thread of that path touched that shared place, in all executions together: the
 * index-th such pair. False: there are fewer. */
struct learned_events {
    const void *place;
    uint64_t path;
    uint32_t count; /* 0: the place is not shared */
};
bool learned_events_at(const struct learned *learned, uint32_t index, struct learned_events *out);
/* The number of the thread of that path, or LEARN_NOTHING. */
uint32_t learned_thread(const struct learned *learned, uint64_t path);

enum { LEARN_THREADS_MAX = 1024, LEARN_PLACES_MAX = 4096 };

#endif
