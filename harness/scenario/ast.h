/* What a scenario file says, after parsing and checking.
 *
 * All nodes and strings belong to the `struct scn_file` they hang on and die with it. A file is
 * handed out as const and is never changed afterwards, so threads may share it. Times are
 * microseconds. Every node keeps the place where it was written: findings at run time cite the
 * scenario.
 *
 * References are resolved by the checker: an interpreter follows indices and never compares names.
 */
#ifndef HARNESS_SCENARIO_AST_H
#define HARNESS_SCENARIO_AST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/scenario/words.h"

/* Limits. A file beyond one of them is refused with a diagnostic. */
enum {
    SCN_COLUMNS_MAX = 100,
    SCN_BYTES_MAX = 1 << 20,
    SCN_CORES_MAX = 4,
    SCN_ACTORS_MAX = 32,
    SCN_STEPS_MAX = 256,            /* of one actor, as written */
    SCN_OCCURRENCES_MAX = 4096,     /* of one actor, with repeat and times multiplied out */
    SCN_NESTING_MAX = 4,
    SCN_FAULTS_MAX = 64,
    SCN_DIRECTIVES_MAX = 4096,
    SCN_CHECKS_MAX = 128,
    SCN_ITEMS_MAX = 128,            /* attributes, filters, references or alternatives of a line */
    SCN_CORE_THREADS_MAX = 64,      /* threads of one pool */
    SCN_CORE_LETTERS = 6,           /* of a core's name, in the names of its threads */
    SCN_AGENT_LETTERS = 9,          /* of an agent's name, in that of its thread */
};

/* Lines and columns count from 1; a column is a character, not a byte. */
struct scn_place {
    uint32_t line;
    uint32_t column;
};

enum scn_value_kind {
    SCN_VALUE_NAME,                 /* text */
    SCN_VALUE_STRING,               /* text, without the quotes */
    SCN_VALUE_INT,                  /* low == high */
    SCN_VALUE_INTS,                 /* low..high */
    SCN_VALUE_TIME,                 /* low == high, microseconds */
    SCN_VALUE_RANGE,                /* low..high, microseconds */
    SCN_VALUE_SIGNED,               /* low == high, microseconds, may be negative */
};

struct scn_value {
    enum scn_value_kind kind;
    int word;                       /* index in the rule's words ("a|b|c"); -1 if it has none */
    const char *text;               /* as written, strings without quotes */
    int64_t low;
    int64_t high;
};

/* name=value. */
struct scn_attr {
    struct scn_place place;         /* of the name */
    struct scn_place value_place;
    const char *name;
    struct scn_value value;
};

struct scn_attrs {
    struct scn_attr *items;
    uint32_t count;
};

/* Between low and high, both included. */
struct scn_span {
    uint64_t low_us;
    uint64_t high_us;
};

/* One part of a dotted name, as written. */
struct scn_part {
    const char *name;
    char separator;                 /* before it: '.', '/', or 0 for the first */
    uint32_t index;                 /* name[3]; 0: not written */
    struct scn_attrs filters;       /* name[key=value, ...] */
};

/* What a dotted name turned out to mean. */
enum scn_ref_kind {
    SCN_REF_STEP,                   /* left.open, bot.token[3]: actor, step, occurrence */
    SCN_REF_FAULT,                  /* drop: fault, occurrence */
    SCN_REF_ACTOR,                  /* left; as a thread: the agent's or the backend's own */
    SCN_REF_CORE,                   /* core, or the name of one of several */
    SCN_REF_STORE,                  /* store */
    SCN_REF_LOCKS,                  /* store.locks */
    SCN_REF_MESSAGES,               /* store.messages */
    SCN_REF_CLOCK,                  /* clock */
    SCN_REF_GAUGE,                  /* left.received[kind=token]: gauge, its subject, filters */
    SCN_REF_THREAD,                 /* core/jobs[2]: core, thread, thread_index */
    SCN_REF_POINT,                  /* log.appended[4], box.call[2]: point, occurrence */
    SCN_REF_THREAD_POINT,           /* core/jobs[2].lock[17]: thread of core or actor, point */
    SCN_REF_EVENT,                  /* left.reconnect: event; its actor, fault or core */
};

/* A resolved name. Indices that do not apply are -1; counts that were not written are 0. */
struct scn_ref {
    struct scn_place place;
    const char *text;               /* as written */
    enum scn_ref_kind kind;
    int32_t actor;                  /* in scn_file.actors */
    int32_t step;                   /* in scn_actor.steps */
    int32_t fault;                  /* in scn_file.faults */
    int32_t core;                   /* in scn_file.cores; -1: any of them */
    enum scn_gauge gauge;           /* for SCN_REF_GAUGE */
    enum scn_event event;           /* for SCN_REF_EVENT */
    enum scn_thread thread;         /* for SCN_REF_THREAD and _THREAD_POINT where core >= 0 */
    uint32_t thread_index;          /* 1.. within a pool; 0: the thread is no pool, or any of it */
    uint32_t occurrence;            /* 1..; 0: not written, that is the last one where a wait is */
    const char *point;              /* "log.appended" or "lock", without brackets */
    struct scn_attrs filters;       /* all must match */
    const struct scn_part *parts;   /* as written */
    uint32_t part_count;
};

struct scn_refs {
    struct scn_ref *items;
    uint32_t count;
};

/* after, during, within, at, times, every, in order. Absent ones are zero. */
struct scn_modifiers {
    struct scn_refs after;          /* all must have ended */
    struct scn_ref *during;   /* begins between begin and end of this, or NULL */
    bool has_within;
    bool has_at;
    bool has_every;
    bool in_order;
    struct scn_place within_place;
    struct scn_span within;         /* counted from the moment of being enabled */
    uint64_t at_us;                 /* virtual time since the beginning */
    uint32_t times;                 /* 1 unless written */
    uint64_t every_us;              /* between the beginnings of two times */
};

/* One alternative of `expect`: KIND[field=value, ...]. */
struct scn_pattern {
    struct scn_place place;
    const char *kind;
    uint32_t occurrence;            /* KIND[3]; 0: not written */
    struct scn_attrs filters;
};

/* One line of an actor, or a `repeat`. Steps of an actor are one array in the order of the file;
 * the body of a repeat is the `span` steps that follow it, nested repeats included. */
struct scn_step {
    struct scn_place place;         /* of the verb */
    struct scn_place label_place;
    const char *label;              /* NULL if it has none */
    enum scn_verb verb;             /* or SCN_VERB_REPEAT */
    uint32_t repeat;                /* SCN_VERB_REPEAT: how often */
    uint32_t span;                  /* SCN_VERB_REPEAT: steps of the body */
    uint32_t occurrences;           /* in a whole run: all repeats around it, and its times */
    bool nothing;                   /* expect nothing */
    bool yes;                       /* answer NAME yes */
    const char *kind;               /* KIND of send, emit, publish; NAME of answer, ask, lease */
    const char *text;               /* emit KIND "text", answer NAME "text", or NULL */
    uint64_t wait_us;               /* wait TIME */
    struct scn_attrs attrs;
    struct scn_pattern *patterns;     /* expect: any one of them */
    uint32_t pattern_count;
    struct scn_modifiers modifiers;
};

/* A core instance. Without a `core` line there is one, called "core". */
struct scn_core {
    struct scn_place place;
    const char *name;
    struct scn_attrs attrs;         /* as written for it, or for all; defaults are not here */
};

/* `tab left right` makes two actors; each has its own steps. */
struct scn_actor {
    struct scn_place place;         /* of the name */
    enum scn_actor_kind kind;
    const char *name;
    int32_t core;                   /* via=, in scn_file.cores; the first one unless written */
    struct scn_attrs attrs;
    struct scn_step *steps;
    uint32_t step_count;
};

/* One line of `faults`. */
struct scn_fault {
    struct scn_place place;         /* of the word */
    struct scn_place label_place;
    const char *label;              /* NULL if it has none */
    const char *name;               /* unique in the file: the label, or "cut_left", "cut_left_2" */
    enum scn_fault_kind kind;
    bool may;                       /* the explorer decides whether */
    bool linked;                    /* target -> target_to */
    bool has_by;
    bool has_for;
    struct scn_ref target;
    struct scn_ref target_to;       /* only if linked */
    struct scn_attrs attrs;
    struct scn_modifiers modifiers;
    int64_t by_low_us;              /* signed for jump clock, otherwise >= 0 */
    int64_t by_high_us;
    uint64_t for_us;
    uint32_t up_to;                 /* 1 unless written */
};

/* One line of `schedule`. */
struct scn_directive {
    struct scn_place place;
    enum scn_directive_kind kind;
    struct scn_ref who;             /* RUN_TO, WAKE: actor or thread; FIRE: fault or event;
                                     * DELIVER: from */
    struct scn_ref to;              /* RUN_TO, RUN_FREE_TO: step, fault or point; DELIVER: to */
    bool has_by;                    /* FIRE */
    bool by_signed;                 /* FIRE: of a jump of the clock, written with a sign */
    int64_t by_us;                  /* FIRE */
    uint64_t advance_us;            /* ADVANCE */
    const char *name;               /* CHOOSE */
    uint64_t choice;                /* CHOOSE */
};

enum scn_term_kind { SCN_TERM_REF, SCN_TERM_INT, SCN_TERM_TIME, SCN_TERM_STRING };

/* A count or level (REF), or a constant. A step, fault or EVENT counts how often it happened. */
struct scn_term {
    struct scn_place place;
    enum scn_term_kind kind;
    struct scn_ref ref;
    int64_t number;                 /* INT; microseconds for TIME */
    const char *text;               /* STRING */
};

enum scn_relation {
    SCN_RELATION_NONE,              /* the left term alone: not zero */
    SCN_RELATION_EQ,
    SCN_RELATION_NE,
    SCN_RELATION_LT,
    SCN_RELATION_LE,
    SCN_RELATION_GT,
    SCN_RELATION_GE,
    SCN_RELATION_BEFORE,            /* right happened, and left had happened earlier */
};

struct scn_condition {
    struct scn_place place;
    const char *text;               /* as written */
    struct scn_term left;
    enum scn_relation relation;
    struct scn_term right;
};

/* One line of `check`. */
struct scn_check {
    struct scn_place place;         /* of the first word, or the label */
    const char *label;              /* NULL if it has none */
    const char *name;               /* unique in the file: the label, or "check_23" by its line */
    const char *text;               /* the line without label and comment */
    enum scn_check_kind kind;
    int32_t invariant;              /* ON, OFF, KNOWN_BUG: enum scn_invariant, or -1 */
    int32_t bug_check;              /* KNOWN_BUG: index in scn_file.checks, or -1 */
    const char *reason;             /* OFF, KNOWN_BUG */
    struct scn_condition condition; /* ALWAYS, NEVER, SOMETIMES, EVENTUALLY */
    uint32_t count;                 /* EXACTLY, AT_MOST, AT_LEAST */
    struct scn_ref counted;         /* EXACTLY, AT_MOST, AT_LEAST: step, fault or EVENT */
    bool has_when;
    struct scn_condition when;
    struct scn_span within;         /* EVENTUALLY: counted from calm */
};

#define SCN_UNBOUNDED UINT32_MAX

/* The explore block with its defaults filled in. */
struct scn_explore {
    bool present;                   /* false: the file has no such block */
    struct scn_place place;
    enum scn_strategy strategy;
    uint32_t depth;                 /* pct */
    uint32_t preemptions;           /* dfs, exhaustive: SCN_UNBOUNDED is any number */
    uint32_t delays;                /* delay, exhaustive: the same */
    uint64_t steps_max;
    uint64_t time_max_us;
    uint32_t spurious_max;
    uint32_t stalls_max;
    uint64_t lag_max_us;
    uint32_t splits_max;
    bool storm_only;                /* choices are made from the scripts to the calm only */
    uint64_t runs_max;              /* 1 without the block, unless `run any` asks for more */
    uint64_t wall_max_us;           /* 0: no cap */
    uint64_t seed;
};

struct scn_arena;

struct scn_file {
    const char *path;               /* as given by the caller */
    const char *name;
    const char *title;
    struct scn_place place;         /* of the scenario line */
    struct scn_attrs store;
    struct scn_attrs clock;
    struct scn_core *cores;   /* at least one */
    uint32_t core_count;
    struct scn_actor *actors;
    uint32_t actor_count;
    struct scn_fault *faults;
    uint32_t fault_count;
    bool has_schedule;
    struct scn_directive *directives;
    uint32_t directive_count;
    struct scn_check *checks;
    uint32_t check_count;
    struct scn_explore explore;
    struct scn_arena *arena;        /* owns all of the above */
};

/* The attribute of that name, or NULL. */
const struct scn_attr *scn_attrs_find(const struct scn_attrs *attrs, const char *name);

/* What the file says about that setting of a core: on its own line, on a line for all cores, or
 * (lease_ttl, lease_renew) on the store's. NULL: nothing, so the core's default holds; but where
 * lease_ttl is given and lease_renew is not, that is a third of it. */
const struct scn_attr *scn_core_setting(const struct scn_file *file, uint32_t core,
                                        const char *name);

#endif
