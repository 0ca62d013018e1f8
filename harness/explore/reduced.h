/* Shared by the files of the reduced search only. */
#ifndef HARNESS_EXPLORE_REDUCED_H
#define HARNESS_EXPLORE_REDUCED_H

#include "strategy.h"

/* Who acts: time, or an entity of the world, by its id + 1. */
enum {
    REDUCED_TIME = 0,
    REDUCED_THREADS = 64,
    REDUCED_NODES_MAX = 1 << 16,
    REDUCED_TOUCHES_MAX = 1 << 20,
    REDUCED_DEMANDS_MAX = 1 << 14,
};

/* An object that a transition touched. */
struct touch {
    const void *place;
    bool write;
    uint8_t how; /* enum world_how, of a place of the environment */
};

/* What a transition touches: where in the pool, how many. */
struct print {
    uint32_t touches, count;
    bool all; /* it ends the execution, so that it depends on everything */
    const void *mutex; /* that the thread wants next */
};

/* Stand for what the environment knows: the first one for all of it, which whoever meets anything
 * looks at, and the others for its places. */
enum { REDUCED_PLACES = 1 + WORLD_PLACES };
extern const char reduced_places[REDUCED_PLACES];

enum node_kind { NODE_SCHEDULE, NODE_FORCED, NODE_VALUE };

/* What a thread was about to do when time passed because it could not. */
struct pending {
    struct world_step step;
    uint8_t thread;
};

/* A place in the current execution where something was chosen, or would have been. What a
 * thread does from its schedule node to the next one is its transition; the passing of time is
 * one, too. */
struct node {
    uint64_t options;   /* threads that could run: one bit each */
    uint64_t backtrack; /* of them, those that have to be tried */
    uint64_t done;      /* those that were */
    uint64_t sleep;     /* those whose transition is covered elsewhere */
    uint8_t turns[REDUCED_THREADS]; /* the backtrack set in the order in which it grew */
    uint8_t turn_count;
    uint32_t step;      /* first step after this node */
    uint32_t touches;   /* of the transition: first, in the pool */
    uint32_t touch_count;
    uint32_t value, values; /* NODE_VALUE: the one chosen, of so many */
    uint8_t kind;
    uint8_t thread;     /* that runs */
    bool gave_up;       /* it goes on without what it waits for */
    bool relaxed;       /* time did not have to wait for it */
    bool stalls;        /* REDUCED_TIME: it may pass while threads are runnable */
    bool is_outside;    /* it is no thread of the program */
    uint8_t met;        /* enum world_met, of the transition, */
    bool meets;         /* something that the environment knows; */
    bool tells;         /* if not, all of it */
    bool cut;           /* of what follows the transition, something is beyond the bound; */
    bool whole;         /* for one of done, nothing was */
    bool given;         /* who has the next turn is searched elsewhere */
    uint32_t pending, pending_count; /* REDUCED_TIME: those that could not run */
    struct print print[REDUCED_THREADS]; /* of done and sleeping ones */
};

/* Threads that have to be tried at a node below the floor: see reduced_demand(). */
struct demand {
    uint64_t threads;
    uint32_t at, preferred; /* REDUCED_THREADS: all of them are wanted */
};

/* Vector clocks: for each thread, how many of its transitions happened before, itself
 * included. */
typedef uint32_t reduced_clock[REDUCED_THREADS];

struct reduced {
    struct strategy strategy;
    struct node *nodes;
    uint32_t depth;      /* nodes of the prefix to repeat, the last one with its new choice */
    uint32_t count;      /* nodes of this execution so far */
    uint32_t floor;      /* so many nodes stay as they are: the rest is searched elsewhere */
    bool fresh;          /* nothing was executed yet, but there is a prefix */
    bool paused;         /* until it is known what somebody else found */
    struct demand *demands; /* to be told to who searches the rest */
    uint32_t demand_count, demands_told;
    struct touch *pool;
    uint32_t pool_used;
    struct pending *pending; /* of this execution */
    uint32_t pending_used;
    reduced_clock *clocks; /* by node */
    uint32_t width;        /* of clocks: threads of the largest execution so far, rounded up */
    bool complete, redundant;
    struct bound *bound; /* on preemptions; NULL: none */
    bool beyond;         /* this execution is beyond it */
    bool closed;         /* its last transition is known */
    bool meets;          /* some transition ever met what the environment knows */
    bool idle;           /* nothing could happen any more */
    bool overflow; /* something was too large to be told apart: the search cannot go on */
};

static inline uint64_t reduced_bit(uint32_t thread)
{
    return 1ull << thread;
}

/* A waiter that woke without a reason: how often that may happen is limited for all together. */
static inline bool reduced_is_spurious(const struct world_step *step)
{
    return step->op == WORLD_OP_WAKE && step->result != 0;
}

/* A step that depends on nothing by its object. */
static inline bool reduced_is_apart(const struct world_step *step)
{
    return step->op == WORLD_OP_ADVANCE || step->access == WORLD_NONE ||
           (step->op == WORLD_OP_POINT && world_object_told(step->object));
}

/* Whether the rest of the execution followed without choices: it is no part of the search. */
static inline bool reduced_is_cut_off(void)
{
    uint32_t count;
    world_steps(&count);
    return world_steps_chosen() < count;
}

/* From now on one of these has to be tried at that node: the preferred one, or the first. False:
 * none of them could run there. */
bool reduced_demand(struct reduced *self, uint32_t at, uint64_t threads, uint32_t preferred);
/* All that could run there. */
void reduced_demand_all(struct reduced *self, uint32_t at);

/* The next to be tried there; REDUCED_THREADS: all were. */
uint32_t reduced_turn(struct node *node);
/* What follows the choice of the last node has been searched: goes on with the next. */
void reduced_resume(struct reduced *self);
/* Something that follows the choices of the first nodes is beyond the bound. */
void reduced_cut(struct reduced *self, uint32_t nodes);

extern const struct split reduced_split;

/* After an execution: finds the reversible races in it and marks what has to be tried. */
void reduced_races(struct reduced *self);

#endif
