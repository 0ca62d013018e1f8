/* Orders of the transitions of an execution, and how many preemptions or delays they need
 * (bound.h). */
#ifndef HARNESS_EXPLORE_BOUND_ORDER_H
#define HARNESS_EXPLORE_BOUND_ORDER_H

#include "reduced.h"

enum { BOUND_STATES_MAX = 1 << 13, BOUND_LINKS_MAX = 1 << 20, BOUND_TOUCHES_MAX = 1 << 20 };

/* Whether a thread that is about to make a transition could have gone on at once. */
enum bound_wait {
    BOUND_UNKNOWN,
    BOUND_NEVER_WAITS,
    BOUND_WAITS_FOR_MUTEX, /* unless the mutex is free */
};

struct bound_event {
    uint32_t node;
    uint32_t number;   /* of its thread, from 1 */
    uint8_t thread;
    uint8_t wait;      /* enum bound_wait */
    uint8_t looks;     /* such transitions of its thread in a row, this one included, at most 255 */
    uint32_t links, link_count; /* those before it at its mutex, newest first */
    uint32_t touches, touch_count;
    bool all;          /* it depends on everything */
};

/* What a transition did to an object in this execution; with other values it may do more. */
struct bound_touch {
    uint32_t object;
    bool write;
    bool frees; /* a mutex is free after it */
};

/* A transition that touched a mutex. */
struct bound_link {
    uint32_t event;
    bool is_free; /* the mutex is, after it */
};

struct bound_state {
    uint64_t hash; /* 0: none */
    uint32_t search, cost;
};

struct bound {
    enum explore_bound kind;
    uint32_t limit;
    uint32_t count;              /* of events */
    struct bound_event *events;
    struct bound_link *links;    /* of all events */
    struct bound_touch *touches;
    uint32_t links_used, touches_used;
    reduced_clock *clocks;       /* of each: what has to come before it, itself included */
    uint32_t *of_thread[REDUCED_THREADS]; /* its events, in order */
    uint32_t lengths[REDUCED_THREADS];
    uint32_t makers[REDUCED_THREADS]; /* the event that made it; UINT32_MAX: before all */
    uint32_t width;              /* threads that there are */
    uint32_t *order, order_count; /* an order within the limit, as far as it goes */
    uint8_t *tried;              /* while one is searched: at each place, how many threads */
    uint32_t *costs;             /* up to each place */
    struct bound_state states[2 * BOUND_STATES_MAX];
    uint32_t state_count, searches;
};

/* The preemptions or delays of bound->order. */
uint32_t bound_cost(const struct bound *bound);
/* Looks for an order of all events within the limit, and keeps it. False: there is none. True also
 * when it would take too long to tell, with an order that is empty. */
bool bound_search(struct bound *bound);

#endif
