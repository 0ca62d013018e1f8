/* Executions told as an order of steps, and a strategy that follows one as far as it can. */
#ifndef HARNESS_EXPLORE_ORDER_H
#define HARNESS_EXPLORE_ORDER_H

#include "explore.h"

/* A step as it can be found again in another execution: who makes it, and how many that one
 * made before. */
struct order_step {
    uint32_t thread;   /* index in the names */
    uint32_t number;
    uint32_t object;   /* of the execution it was taken from; 0: none */
    uint8_t op, access;
    bool unsignalled;  /* a wait ends that nobody ended */
};

enum { ORDER_NAMES_MAX = 2 * WORLD_ENTITIES_MAX, ORDER_VALUES_MAX = 1024 };

struct order_names {
    char text[ORDER_NAMES_MAX][WORLD_NAME_MAX]; /* the first is time */
    uint32_t count;
};

/* What was chosen beside the order, such as the waiter that a signal wakes. */
struct order_values {
    struct order_value {
        char label[32];
        uint16_t index;
    } list[ORDER_VALUES_MAX];
    uint32_t count;
};

/* The steps of the execution that has just ended in this process, to be freed by the caller;
 * NULL when out of memory. New names are added. */
struct order_step *order_take(struct order_names *names, uint32_t *count);

/* The name of a step's thread. */
const char *order_thread(const struct order_names *names, const struct order_step *step);

/* How far each thread of those names is in the execution that runs. */
struct order_track {
    const struct order_names *names;
    uint32_t made[ORDER_NAMES_MAX + 1];       /* steps, by thread; the last one is all others */
    uint32_t of_entity[WORLD_ENTITIES_MAX]; /* 1 + its place among the names; 0: not known yet */
    uint32_t scanned;
};
void order_track_begin(struct order_track *track, const struct order_names *names);
/* Its place among the names; ORDER_NAMES_MAX when it has none of them. */
uint32_t order_track_thread(struct order_track *track, uint16_t entity);
/* Counts the next step that was made since, and tells whose it was; false: there is none. */
bool order_track_next(struct order_track *track, uint32_t *thread);

/* Where each step stands in a list that has the steps of every thread from its first one on, in
 * order. */
struct order_index {
    uint32_t *places;
    uint32_t first[ORDER_NAMES_MAX + 2];
};
/* False when out of memory. Free with order_index_free(). */
bool order_index_make(struct order_index *index, const struct order_step *steps, uint32_t count);
void order_index_free(struct order_index *index);
/* UINT32_MAX: not in the list. */
uint32_t order_index_find(const struct order_index *index, uint32_t thread, uint32_t number);

/* Follow these choices, and keep the values among them. */
struct strategy *order_recorder(const uint16_t *choices, uint32_t count,
                                struct order_values *values);

/* Whenever there is a choice, whoever makes the first of these steps that is still to come and
 * possible goes on; where there is none, option 0 is taken. They are those of every thread from its
 * first one on, in order. Values are taken from the list, each from
 * the first with its label. All must outlive the strategy. */
struct strategy *order_strategy(const struct order_names *names, const struct order_step *steps,
                                uint32_t count, const struct order_values *values);

#endif
