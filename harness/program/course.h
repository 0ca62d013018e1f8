/* What the parts of the course of a program share: main.c, phases.c. */
#ifndef HARNESS_PROGRAM_COURSE_H
#define HARNESS_PROGRAM_COURSE_H

#include "capture.h"
#include "harness/explore/decisive.h"
#include "harness/explore/explore.h"
#include "harness/explore/inevitable.h"
#include "harness/explore/worker.h"
#include "life.h"
#include "options.h"
#include "promises.h"
#include "reports/no_return.h"
#include "reports/symbols.h"

enum { SCREEN_MAX = 1 << 20, PHASES = 4, FAULT = 5 };

/* Part of the budget, under limits of its own. */
struct phase {
    struct world_limits limits;
    uint64_t first_run, runs; /* numbers of its executions; of them those of this shard */
    struct explore_stats stats;
};

/* What is counted over all phases. */
struct tally {
    struct explore_stats stats; /* only runs and new_lately */
    struct distinct distinct;
};

struct shared {
    struct explore_log log;
    struct explore_failure failure;
    struct phase phases[PHASES];
    uint32_t phase;          /* the one that runs, or failed */
    uint32_t phase_count;
    uint64_t first_phase_runs; /* of all shards */
    struct tally tally;
    uint32_t length;         /* choices of a typical execution; 0: not known yet */
    uint32_t choices_found;
    bool replayed;
    struct decisive decisive;
    struct inevitable inevitable;
    bool has_no_return, has_page;
    struct no_return no_return;
    /* Of the execution that went before everything else: */
    uint16_t threads;
    bool once_cut;
    uint32_t once_choices, once_steps;
    struct life life;        /* of the last execution */
    char problem[WORLD_TEXT_MAX];
    char reason[WORLD_TEXT_MAX]; /* of the failure that was told */
    char source[SYMBOL_PATH_MAX]; /* where it shows; "": not known */
    uint32_t source_line;
    struct promises promises;
    struct capture output;
    struct input input;
    char screen[SCREEN_MAX];
};

extern struct program_options options;
extern struct shared *shared;
extern struct life life; /* of the process that executes */

/* In a worker, once: makes this process ready for executions in the phase that runs, whose choices
 * go to `log` (NULL: nowhere) and whose output to `output`. */
void course_prepare(struct explore_log *log, struct capture *output);

/* Divides the budget. */
void phases_plan(void);
/* Unless it was given, it is smaller where the execution that went before has very many steps, or
 * so many threads that each step takes long. */
void phases_moderate(void);

/* Leaves what this shard has of it. False: the program ends with that status. */
bool phases_divide(int *status);

/* If executions of this phase were cut: tells what the threads of the first one repeated. */
struct worker_result phases_tell_endless(void);

/* What this shard has seen of that phase; NULL: nothing is divided. */
struct report_shard;
const struct report_shard *phases_part(uint32_t phase);

/* Over all phases. */
struct explore_stats phases_total(void);

/* Explores the phase that runs. In workers; returns what they do. */
struct worker_result phases_explore(void);

/* Replays what the corpus has of this program, the first that fails to the end: then *path is its
 * file, and the rest is as after phases_explore(), or (died) after a worker died of *signal. */
enum corpus_end { CORPUS_PASSED, CORPUS_FAILED, CORPUS_DIED, CORPUS_DAMAGED };
enum corpus_end remember_replay(char **words, int count, char **path, int *signal_number);

/* Keeps the failure that was told; one that took its process down. */
void remember_failure(char **words, int count);
void remember_death(char **words, int count, int signal_number);

/* False: shared->problem says why. */
bool phases_read_choices(uint16_t *choices, uint32_t *count);

#endif
