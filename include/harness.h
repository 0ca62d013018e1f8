/* Concurrent code in unit tests: explore a function, and let it choose, assume, promise and keep
 * histories.
 *
 *   static void body(void *argument) { ... pthread_create(...) ... HARNESS_ASSERT(sum == 2); ... }
 *
 *   struct harness_options options = {.runs = 5000};
 *   struct harness_result result = harness_explore(&options, body, NULL);
 *   if (result.verdict != HARNESS_HELD) ...
 *
 * Compile and link the test with harness-cc (docs/UNIT_TESTS.md). A program that calls
 * harness_explore() runs its main once, on one simulated thread at a time and in its default order;
 * only the bodies are explored. A program that does not is explored as a whole, and may use
 * everything else below in its main.
 *
 * An execution is one run of a body (or of main) under one order of its threads. Everything here
 * may be called by any simulated thread, unless it says otherwise; nothing needs to be set up
 * first. Texts that are passed in are copied. */
#ifndef HARNESS_H
#define HARNESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* --- exploring --- */

enum harness_verdict {
    HARNESS_HELD,         /* no execution failed */
    HARNESS_FAILED,       /* one did */
    HARNESS_INCONCLUSIVE, /* none did, but none came to its end, or something that must be true
                             sometimes never was */
    HARNESS_SKIPPED,      /* not explored: the environment asks to replay another exploration */
};

/* What is zero has its default. HARNESS_ variables of the environment (docs/PROGRAMS.md) win over
 * what stands here. */
struct harness_options {
    const char *name;            /* in reports; "exploration N" */
    uint64_t runs;               /* budget of executions; 10000 */
    const char *strategy;        /* "exhaustive", "random", ...: docs/EXPLORATION.md; "auto" */
    uint64_t seed;               /* of the strategy; 1 */
    uint32_t depth;              /* of pct; deviations of dfs; 3 */
    uint32_t steps;              /* bound on the steps of one execution; 50000 */
    bool no_delays;              /* no thread is kept from running while time passes */
    bool no_spurious_wakeups;    /* no condition wait ends without a signal */
    bool no_races;               /* accesses that nothing orders are no failure */
    bool memory_points;          /* another thread may go on before every access, too */
    bool quiet;                  /* do not print the failure */
};

/* The texts stay valid until the next exploration begins; they are never NULL. */
struct harness_result {
    enum harness_verdict verdict;
    uint64_t runs;               /* executions */
    uint64_t distinct;           /* of them, by the order of dependent steps; may be estimated */
    uint64_t cut;                /* by a bound, or by harness_assume() */
    uint64_t assumed;            /* of them, by harness_assume() */
    bool complete;               /* every behaviour was seen (strategy exhaustive, dfs) */
    const char *kind;            /* of the failure: "assert", "deadlock", "data_race", ... */
    const char *text;            /* one sentence: what failed, or why it is inconclusive */
    const char *token;           /* of the failing execution, as HARNESS_CHOICES takes it */
    const char *screen;          /* the whole report of the failure, as it is printed */
};

/* Run body(argument) again and again, under another interleaving each time, until an execution
 * fails or the budget is spent. A failure is verified, shrunk and printed to standard error.
 *
 * Every execution begins with globals, heap and main's stack as they are at the call, and nothing
 * that it changes is there afterwards: results leave only through the verdict. The body runs in a
 * thread of its own ("main" in reports; thread-locals are fresh), may create others, and must join
 * or detach them. Streams that are open stay outside. Calls come from main's thread only, while no
 * other thread runs and no mutex is held; anything else, and options that make no sense, end the
 * process with status 2 and a message. */
struct harness_result harness_explore(const struct harness_options *options,
                                      void (*body)(void *argument), void *argument);

/* Whether the caller is part of an execution that is explored. */
bool harness_exploring(void);

/* --- inside of executions --- */

/* A value from 0 to n - 1, chosen by the explorer; 0 is its default, and what it is outside of
 * explorations. n is from 1 to 65535. */
uint32_t harness_choose(uint32_t n);

/* Unless the condition is true, this execution is of no interest: it ends here, counts as cut, and
 * fails nothing. Outside of explorations it aborts. */
void harness_assume(bool condition);

/* A promise: where the condition is false, the execution fails with the text. Outside of
 * explorations the program ends with it. */
#define harness_always(condition, text) \
    harness_always_at((condition) ? true : false, text, __FILE__, __LINE__)
void harness_always_at(bool condition, const char *text, const char *file, unsigned line);

/* assert(), whether or not NDEBUG is defined. */
#define HARNESS_ASSERT(condition) harness_always(condition, #condition)

/* The condition must be true in at least one execution of the exploration that comes to its end, or
 * else the verdict is inconclusive. Calls of the same name count together. A name that no execution
 * comes to is unknown. At most 64 names of at most 63 bytes. Outside: nothing. */
void harness_sometimes(bool condition, const char *name);

/* Another thread may go on here. The name stands in the rows of a failure. Outside: nothing. */
void harness_point(const char *name);

/* --- histories: is there an order of the operations that explains all results? --- */

/* An operation on the object under test. */
struct harness_operation {
    const char *name;
    int64_t argument;
    int64_t result;   /* if it has returned */
    bool returned;    /* otherwise it may have taken effect, or not */
};

/* The object as it would be with a single thread. A state is plain bytes: two of them are the same
 * if their bytes are, so it has no pointers, and what is unused in it stays zero. */
struct harness_model {
    size_t state_bytes;
    /* The first state. It is all zeros before. NULL: that is it. */
    void (*init)(void *state);
    /* Change the state as the operation does. False: with that result it cannot happen in it.
     * Must do nothing else, and depend on nothing else. */
    bool (*step)(void *state, const struct harness_operation *operation);
};

enum { HARNESS_OPERATIONS_MAX = 256 };

/* Begin a history; the one before is forgotten. The model must stay until it is checked. */
void harness_history_begin(const struct harness_model *model);

/* The calling thread is about to begin an operation; the number is for its end. Both are places
 * where another thread may go on. At most HARNESS_OPERATIONS_MAX operations, names of 31 bytes. */
uint32_t harness_call(const char *name, int64_t argument);
void harness_return(uint32_t operation, int64_t result);

/* Unless the history is linearizable, the execution fails. It is if all operations could have taken
 * effect one after another, each at a moment between its call and its return, with just these
 * results. The report shows the shortest beginning of the history that is not. */
void harness_history_check(void);

#ifdef __cplusplus
}
#endif

#endif
