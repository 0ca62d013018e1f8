/* Judges executions: built-in invariants and the check block of a scenario, over the records.
 *
 * Invariants are judged from what the fakes and the world witnessed; what the core says of itself
 * is never heard. Safety is judged record by record, liveness when the calm is over (the record
 * QUIESCE). The checks of the file are judged up to that moment and not beyond: taking the core
 * down afterwards is no part of the story. Safety of the invariants is judged to the very end.
 *
 * One execution has at most one violation: the first. Everything here belongs to the OS thread of
 * the world, allocates only when a run is larger than all before it, and depends on nothing but
 * the file and the records.
 */
#ifndef HARNESS_CHECK_CHECK_H
#define HARNESS_CHECK_CHECK_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "harness/check/record.h"
#include "harness/scenario/ast.h"
#include "harness/world/world.h"

struct check_set;

/* Properties have numbers that are the same in every execution and process: an invariant its enum,
 * the check at index i of the file SCN_INVARIANT_COUNT + i, then the scripts (a step that did not
 * get what it expected). */
enum {
    CHECK_FILE = SCN_INVARIANT_COUNT,
    CHECK_SCRIPT = CHECK_FILE + SCN_CHECKS_MAX,
    CHECK_PROPERTY_COUNT,
    CHECK_NAME_MAX = 64,
    CHECK_TEXT_MAX = 512,
    CHECK_WINDOWS_MAX = SCN_FAULTS_MAX + SCN_ACTORS_MAX * SCN_STEPS_MAX,
};

struct check_violation {
    uint32_t property;
    bool known;                  /* a known_bug line names it */
    char name[CHECK_NAME_MAX];   /* invariant, label of the check, or "left.seen" */
    struct scn_place place;      /* line in the file; 0 for an invariant that no line names */
    uint32_t record;             /* number of the record that shows it, 0: none does */
    uint64_t time_ns;
    char text[CHECK_TEXT_MAX];   /* one sentence, without a full stop */
};

/* Two violations of the same property, wherever in the run: what shrinking must preserve. */
bool check_same(const struct check_violation *left, const struct check_violation *right);

/* What runs have shown so far. Plain numbers: may live in shared memory and be added up. An
 * execution that was stopped in the midst, such as one that a search gave up, is no run. */
struct check_stats {
    uint64_t runs;                             /* executions ended */
    uint64_t judged;                           /* of them, those that reached the end of the calm */
    uint64_t exercised[SCN_INVARIANT_COUNT];   /* runs in which there was something to judge */
    uint64_t violated[CHECK_PROPERTY_COUNT];   /* runs that violated it */
    uint64_t reached[SCN_CHECKS_MAX];          /* runs in which a `sometimes` held */
    uint64_t struck[SCN_FAULTS_MAX];           /* runs in which that fault did */
    uint8_t windows[CHECK_WINDOWS_MAX];        /* 1: that `during` was open in some run */
};

void check_stats_add(struct check_stats *sum, const struct check_stats *more);

/* Compiles the checks of a file, which must outlive the set. Interns the names that it compares
 * with and keeps them (record_keep_words): call it outside executions. */
struct check_set *check_set_new(const struct scn_file *file);
void check_set_free(struct check_set *set);

/* Invariants for which nobody is a witness where the core is a process elsewhere, and why. */
#define CHECK_UNSEEN(X)                                                                            \
    X(NO_HELD_PUBLISHERS, "how long its store took is not seen")                                   \
    X(OUTBOUND_IS_BOUNDED, "when it took an event for stored is not seen")                         \
    X(LOCKS_EXCLUDE, "its lock store is its own")                                                  \
    X(LEASES_IN_TIME, "its lock store is its own")                                                 \
    X(NO_STUCK_LOCKS, "its lock store is its own")                                                 \
    X(ALERTS_ARE_TRUE, "alerts are in its log")                                                    \
    X(NO_IDLE_SANDBOX, "a sandbox is seen when something runs in it")                              \
    X(NO_ORPHANS, "a sandbox is seen when something runs in it")                                   \
    X(ONE_OWNER, "a sandbox is seen when something runs in it")                                    \
    X(NO_STRAY_SIGNALS, "signals are not seen")

/* The core is a process elsewhere: those are not judged, and threads may be so late. */
void check_outside(struct check_set *set, uint64_t margin_us);

/* Called at the first violation of an execution, in the middle of the record that shows it; it may
 * end the execution (world_fail) and need not return. May be NULL. */
typedef void (*check_listener)(void *context, const struct check_violation *violation);
void check_listen(struct check_set *set, check_listener listener, void *context);

/* An execution begins: forgets the one before. */
void check_begin(struct check_set *set);

/* Which run it is; called after check_begin, or never. An execution that has the number of the one
 * before repeats it, to see whether the same comes of it: it is judged, and not counted again. */
void check_number(struct check_set *set, uint64_t run);

/* A record_listener: record_subscribe(check_record, set), or call it by hand. */
void check_record(void *set, const struct record *record);

/* A promise of a script was not kept, such as an `expect` whose deadline passed: the step's place,
 * its name ("left.seen", or "left, line 23"), and one sentence. */
void check_script_failed(struct check_set *set, struct scn_place place, const char *name,
                         const char *text);

/* The execution ended like that. `finding` is the world's, or NULL; a finding that stands for an
 * invariant becomes its violation, unless a violation came first. WORLD_FOUND_UNCONTROLLED is the
 * harness's own fault and never one. Returns the violation, or NULL; valid until check_begin. */
const struct check_violation *check_end(struct check_set *set, const struct world_result *result,
                                        const struct world_finding *finding);

/* The first violation of this execution so far, or NULL. */
const struct check_violation *check_violated(const struct check_set *set);

/* The invariant that forbids such a finding, or -1. */
int check_invariant_of(enum world_finding_kind kind);

/* True if the property looks at such a record: a report shows these and may leave out the rest. */
bool check_concerns(const struct check_set *set, uint32_t property, const struct record *record);

/* True if a check of the file counts such a record: a report leaves these out last. */
bool check_counts(const struct check_set *set, uint32_t property, const struct record *record);

/* Statistics of all executions of this set since it was made. */
const struct check_stats *check_stats_of(const struct check_set *set);

/* --- the verdict on a file --- */

enum check_outcome { CHECK_PASSED, CHECK_VIOLATED, CHECK_INCONCLUSIVE };

struct check_reason {
    struct scn_place place;      /* line 0: no line in particular */
    char text[CHECK_TEXT_MAX];   /* "sometimes left.open before bot.token[1]: never reached" */
};

enum { CHECK_REASONS_MAX = 32 };

struct check_verdict {
    enum check_outcome outcome;
    uint32_t reason_count;       /* of what is left open, or fixed; a violation speaks for itself */
    uint32_t reasons_left_out;
    struct check_reason reasons[CHECK_REASONS_MAX];
};

struct check_circumstances {
    bool replay;                 /* of one schedule: what only many runs can show is not asked */
    bool wall_capped;            /* stopped by `wall=` */
};

/* Violated: a property was violated that is no known bug, or a known bug is no more ("fixed:
 * remove line 31"). Inconclusive: a `sometimes` was never reached, an `on` never exercised, a
 * `during` never open, a fault without `may` never struck, no run judged, or the wall cap was
 * hit. */
void check_verdict(const struct check_set *set, const struct check_stats *stats,
                   struct check_circumstances circumstances, struct check_verdict *verdict);

#endif
