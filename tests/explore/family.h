/* Families of generated programs, and all that they can do: their outcomes, by any search. */
#ifndef TESTS_EXPLORE_FAMILY_H
#define TESTS_EXPLORE_FAMILY_H

#include "generated.h"
#include "rig.h"

enum { BRUTE_MAX = SMALLER ? 1000 : 8000, OUTCOMES_MAX = 4096 };

/* Of what programs are made, and what may happen to them. */
struct family {
    const char *name;
    uint32_t programs;
    uint32_t ops;      /* below that one */
    uint32_t threads;  /* two and more */
    uint32_t left;     /* threads that nobody joins */
    uint32_t stalls, spurious;
    bool fakes;        /* beside them an actor and events */
    bool once;         /* each class is executed once, unless it ends in a cycle of locks */
    bool wired;        /* they use descriptors: wired.h */
};

/* Sorted; each once. */
struct outcomes {
    uint32_t count;
    uint32_t deadlocks; /* executions that ended in a cycle: who closes it makes no difference */
    uint64_t of[OUTCOMES_MAX];
};

/* From now on the program is that one of the family. */
void family_generate(const struct family *family, uint64_t seed);
/* From now on it is that one. */
void family_set(const struct family *family, const struct generated_program *program);
/* From now on such things may happen to programs. */
void family_limit(const struct family *family);
/* The program, as a message of a test that fails. */
void family_print(const struct family *family, uint64_t seed);

/* Explores the program that was generated last, within so many preemptions (UINT32_MAX: any) or
 * within other bounds. Deadlocks and the like are outcomes. A search that has to give up fails the
 * test. */
struct explore_stats family_search(enum explore_kind kind, uint32_t preemptions,
                                   struct outcomes *outcomes, uint64_t runs_max);
struct explore_stats family_explore(const struct strategy_options *how, struct outcomes *outcomes,
                                    uint64_t runs_max);

#endif
