/* Shared by the files of the reduced search only. */
#ifndef HARNESS_EXPLORE_REDUCED_H
#define HARNESS_EXPLORE_REDUCED_H

#include "strategy.h"

enum {
    REDUCED_THREADS = 64,      /* threads of one execution */
    REDUCED_NODES_MAX = 1 << 16,
    REDUCED_TOUCHES_MAX = 1 << 20,
};

/* An object that a transition touched. */
struct touch {
    const void *place;
    bool write;
};

enum node_kind { NODE_SCHEDULE, NODE_FORCED, NODE_VALUE };

/* A place in the current execution where something was chosen, or would have been. What a
 * thread does from its schedule node to the next one is its transition. */
struct node {
    uint64_t options;   /* threads that could run: one bit each */
    uint64_t backtrack; /* of them, those that have to be tried */
    uint64_t done;      /* those that were */
    uint64_t sleep;     /* those whose transition is covered elsewhere */
    uint32_t step;      /* first step after this node */
    uint32_t touches;   /* of the transition: first, in the pool */
    uint32_t touch_count;
    uint32_t value, values; /* NODE_VALUE: the one chosen, of so many */
    uint8_t kind;
    uint8_t thread;     /* that runs */
    uint8_t first;      /* option 0, what happens by default */
    struct { uint32_t touches, count; } print[REDUCED_THREADS]; /* of done and sleeping ones */
};

/* Vector clocks: for each thread, how many of its transitions happened before, itself
 * included. */
typedef uint32_t reduced_clock[REDUCED_THREADS];

struct reduced {
    struct strategy strategy;
    struct node *nodes;
    uint32_t depth;      /* nodes of the prefix to repeat, the last one with its new choice */
    uint32_t count;      /* nodes of this execution so far */
    struct touch *pool;
    uint32_t pool_used;
    reduced_clock *clocks; /* by node */
    uint32_t width;        /* of clocks: threads of the largest execution so far, rounded up */
    bool complete, redundant;
    bool overflow; /* something was too large to be told apart: the search cannot go on */
};

/* After an execution: finds the reversible races in it and marks what has to be tried. */
void reduced_races(struct reduced *self);

#endif
