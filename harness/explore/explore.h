/* Exploring: many executions of one program under test, until one fails or the budget ends.
 *
 * Knows nothing of sessions or scenarios: what an execution runs, and what makes it fail, is
 * told by a struct explore_subject. */
#ifndef HARNESS_EXPLORE_EXPLORE_H
#define HARNESS_EXPLORE_EXPLORE_H

#include "cost.h"
#include "distinct.h"
#include "strategy.h"
#include "token.h"

/* What is wrong with an execution; equal ids mean "the same promise is broken", which is what
 * shrinking keeps. 0: nothing. Ids from EXPLORE_CHECKS on are the subject's own; below it
 * are the kinds of findings of the world. */
enum { EXPLORE_PASSED = 0, EXPLORE_CHECKS = 1000 };

struct explore_subject {
    void *context;
    const char *name;          /* of thread 0 */
    void (*body)(void *context);
    /* Before every execution, outside of it: forget the last one. May be NULL. */
    void (*before)(void *context);
    /* After every execution: what was wrong with it. NULL: findings of the world alone. */
    uint32_t (*judge)(void *context, const struct world_result *result);
};

struct explore_stats {
    uint64_t runs;
    uint64_t distinct;         /* by dependence order */
    bool distinct_exact;
    uint64_t cut;              /* by the bound on steps or time */
    uint64_t first_cut;        /* the number of the first of them, from 1; of samplers only */
    uint64_t redundant;        /* begun by a search and given up; not among the runs */
    uint64_t steps_sum, choices_sum;
    uint32_t steps_min, steps_max;
    uint64_t new_lately;       /* distinct ones among the last thousand */
    bool complete;             /* the search has no more executions */
    bool searched;             /* by a search that is complete if the budget suffices, */
    enum explore_bound bound;  /* within so many of these: */
    uint32_t bound_count;
    bool out_of_time;
    bool stopped;              /* the strategy cannot go on: see world_stop_text() */
};

struct explore_failure {
    uint32_t id;               /* EXPLORE_PASSED: none */
    uint64_t run;              /* its number, from 0 */
    char strategy[48];
    uint64_t run_hash;
    struct explore_cost cost;  /* since it was verified */
    uint64_t accesses;         /* of the execution that was: world_accesses() */
    uint32_t ended_after;      /* executions, when they take too long to go on shrinking; or 0 */
    uint32_t count;            /* of choices */
    uint16_t choices[TOKEN_CHOICES_MAX];
};

struct explore_options {
    struct strategy_options strategy;
    struct strategy *custom;   /* instead of one made by these options; not freed. May be NULL */
    /* Where a strategy that learns is left for a later part of the same exploration, which goes
     * on with what it knows; *kept is NULL at first, and freed by the caller. May be NULL. */
    struct strategy **kept;
    uint64_t runs_max;
    uint64_t first_run;        /* number of the first execution */
    /* Told now and then; false ends the exploration as out_of_time. May be NULL. */
    bool (*progress)(void *context, const struct explore_stats *stats);
    void *progress_context;
    /* Told of every execution that counts, with its class hash. May be NULL. */
    void (*counted)(void *context, uint64_t class_hash);
    void *counted_context;
    bool count_no_classes;     /* who is told of them counts the distinct ones, too */
};

/* Explore. The world must be initialised and its limits set. Returns 0, or -1 when out of
 * memory. *stats and *failure may lie in shared memory: they are kept up to date. A
 * difference between an execution and its repetition is a fault of the harness and ends the
 * process with status 5; sampled are execution 0 and those whose number is a power of two. */
int explore_run(const struct explore_subject *subject, const struct explore_options *options,
                struct explore_stats *stats, struct explore_failure *failure);

/* Nothing explored yet. */
struct explore_stats explore_stats_begin(const struct explore_options *options);

/* Adds what a later part of the same exploration found; `hashes` are those of its executions
 * in order, already counted ones included in *distinct. */
void explore_stats_add(struct explore_stats *sum, const struct explore_stats *more,
                       struct distinct *distinct, const uint64_t *hashes);

/* The same without the distinct ones, which only their hashes tell. */
void explore_stats_sum(struct explore_stats *sum, const struct explore_stats *more);

/* Counts the class of execution number `runs` (from 1) in stats->new_lately and *distinct. */
void explore_count_class(struct explore_stats *stats, struct distinct *distinct, uint64_t runs,
                         uint64_t class_hash);

/* One execution by these choices. Returns what was wrong with it. */
uint32_t explore_replay(const struct explore_subject *subject, const uint16_t *choices,
                        uint32_t count, bool strict, struct world_result *result);

/* One execution by that strategy (as its execution 0). Returns what was wrong with it. */
uint32_t explore_execute(const struct explore_subject *subject, struct strategy *strategy,
                         struct world_result *result);

/* Replays the failure, strictly. True when it fails as it did, step by step; its cost and its
 * accesses are known from then on. */
bool explore_verify(const struct explore_subject *subject, struct explore_failure *failure);

/* How many of so many executions like that of the failure fit a bound on the time that is spent
 * on telling it: a bound on accesses and steps and not on a clock, so that the same is told each
 * time. All of them where an execution has few. */
uint32_t explore_affordable(const struct explore_failure *failure, uint32_t executions);

/* The choices of the last execution in this process. */
const struct world_choice *explore_choices(uint32_t *count);

/* Where choices are logged: call once per process. NULL: in private memory. */
struct explore_log {
    volatile uint32_t used;
    volatile uint64_t run;     /* number of the execution that is running */
    struct world_choice choices[TOKEN_CHOICES_MAX];
};
void explore_log_set(struct explore_log *log);

/* Make a failure better, as cost.h has it; each candidate must fail with the same id. *failure is
 * kept up to date, so that it is usable even if the process dies meanwhile. Spends at most `tries`
 * executions on making it smaller step by step, more on searches, all of them together at most 20
 * million steps, and only as many as are affordable; returns how many tries it spent. */
uint32_t explore_shrink(const struct explore_subject *subject, struct explore_failure *failure,
                        uint32_t tries);

#endif
