/* Strategies: how the choices of an execution are made.
 *
 * A strategy is a chooser with a memory between executions. What it does in execution number
 * n depends on its seed and on n alone (searches that enumerate depend on what came before;
 * others learn from the first few), so any single execution can be repeated by its number. */
#ifndef HARNESS_EXPLORE_STRATEGY_H
#define HARNESS_EXPLORE_STRATEGY_H

#include "harness/world/world.h"

/* Words of the scenario language and of --strategy. */
#define EXPLORE_STRATEGIES(X)                                                                      \
    X(AUTO, "auto", "members take turns: SURW, random walk, POS, PCT of several depths")           \
    X(RANDOM, "random", "a random walk: every option is equally likely")                           \
    X(PCT, "pct", "random priorities, lowered at depth-1 random places")                           \
    X(POS, "pos", "random priorities of operations, drawn anew after one in conflict")             \
    X(SURW, "surw", "orders of what threads share, each about equally likely")                     \
    X(RF, "rf", "what a thread sees is to come from a certain event of another one")               \
    X(DELAY, "delay", "threads in turn; `delays` times the next one is put off")                   \
    X(EXHAUSTIVE, "exhaustive", "every behaviour once, by partial-order reduction")                \
    X(DFS, "dfs", "depth first over all choices, with a bound on deviations")

enum explore_kind {
#define X(name, word, text) EXPLORE_##name,
    EXPLORE_STRATEGIES(X)
#undef X
    EXPLORE_KINDS
};

enum explore_bound { EXPLORE_UNBOUNDED, EXPLORE_PREEMPTIONS, EXPLORE_DELAYS };
#define EXPLORE_BOUND_WORDS {"", "preemption", "delay"}

struct learned;
struct split;

struct strategy {
    struct world_chooser chooser; /* first: the world calls back with it */
    /* Before execution number n. False: the search is complete, there is no such execution. */
    bool (*begin)(struct strategy *self, uint64_t n);
    /* After it, with the choices it made. NULL: not interested. */
    void (*end)(struct strategy *self, const struct world_choice *choices, uint32_t count);
    /* What makes the execution that was begun last, for reports: "pct depth=3". */
    const char *text;
    void (*free)(struct strategy *self); /* strategy_free, unless it holds more than itself */
    /* Whether the last execution was given up because others cover it. NULL: never. */
    bool (*redundant)(struct strategy *self);
    /* Asked before an execution is judged: whether it turned out to be none of those that are
     * looked for. Then it counts as redundant. NULL: never. */
    bool (*is_left_out)(struct strategy *self);
    /* So many executions, from the first on, teach it something: whoever begins with a later
     * one has to run them before. 0: none. */
    uint32_t learns;
    const struct split *split; /* NULL: it cannot be divided */
};

struct strategy_options {
    enum explore_kind kind;
    uint64_t seed;
    uint32_t depth;      /* pct; at least 1 */
    uint32_t delays;     /* delay */
    uint32_t deviations; /* dfs: preemptions, faults and early time jumps together */
    enum explore_bound bound; /* exhaustive: `deviations` preemptions, or `delays` */
    bool brute_force;    /* exhaustive within a bound: without reduction */
    uint32_t length;     /* choices of a typical execution; a hint */
};

/* Whether it enumerates, so that an execution depends on those before it. */
bool explore_is_search(enum explore_kind kind);

/* NULL when out of memory. Free with strategy->free. */
struct strategy *strategy_new(const struct strategy_options *options);

/* Gives back the strategy's own memory. */
void strategy_free(struct strategy *strategy);

struct strategy *strategy_random(uint64_t seed, uint32_t length, bool calm);
struct strategy *strategy_pct(uint64_t seed, uint32_t depth, uint32_t length);
struct strategy *strategy_pos(uint64_t seed, uint32_t length);
struct strategy *strategy_delay(uint64_t seed, uint32_t delays, uint32_t length);
/* `learned` is filled by somebody else; NULL: it learns by itself. */
struct strategy *strategy_surw(uint64_t seed, uint32_t length, struct learned *learned);
struct strategy *strategy_rf(uint64_t seed, uint32_t length);
/* `any_switch`: whatever is not choice 0 counts as a deviation. */
struct strategy *strategy_dfs(uint32_t deviations, bool any_switch);
/* Every behaviour once, or those that can come about with so many preemptions or delays. */
struct strategy *strategy_reduced(enum explore_bound kind, uint32_t limit);
struct strategy *strategy_portfolio(uint64_t seed, uint32_t length);

/* Follow these choices, then option 0 to the end. Strict: a choice that does not fit ends the
 * execution as WORLD_STOPPED with a text that names it; otherwise it counts as 0. The choices
 * must outlive the strategy. Its one execution can be repeated. */
struct strategy *strategy_replay(const uint16_t *choices, uint32_t count, bool strict);

#endif
