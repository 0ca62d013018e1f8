/* What the files of the front end share among themselves. */
#ifndef HARNESS_SCENARIO_INTERNAL_H
#define HARNESS_SCENARIO_INTERNAL_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness/scenario/arena.h"
#include "harness/scenario/scenario.h"

/* Active in every build: a broken front end must not judge scenarios. */
#define REQUIRE(condition) \
    ((condition) ? (void)0 : scn_require_failed(#condition, __FILE__, __LINE__))

_Noreturn void scn_require_failed(const char *condition, const char *file, int line);

/* source.c: a file cut into lines. */
struct scn_line {
    const char *text;               /* not terminated; without CR and LF */
    uint32_t length;
};

struct scn_source {
    struct scn_line *lines;
    uint32_t line_count;
};

/* Bytes of the well-formed UTF-8 character at `text`, or 0. */
uint32_t scn_character_bytes(const unsigned char *text, uint32_t left);

/* Cut into lines and report what is wrong with the bytes. False if parsing makes no sense. */
bool scn_source_split(struct scn_source *source, struct scn_arena *arena, const char *bytes,
                      size_t size, struct scn_diagnostics *diagnostics);

/* diagnostics.c */
void scn_diagnostics_init(struct scn_diagnostics *diagnostics, const char *path);
void scn_diagnostics_lines(struct scn_diagnostics *diagnostics, uint32_t line_count);
bool scn_diagnostics_has(const struct scn_diagnostics *diagnostics, uint32_t line);

/* Note an error unless its line has one already. `line` may be NULL. */
void scn_diagnostics_add(struct scn_diagnostics *diagnostics, struct scn_place place,
                         const struct scn_line *line, const char *message, const char *hint);
void scn_diagnostics_sort(struct scn_diagnostics *diagnostics);

/* lex.c: one line as tokens. */
enum scn_token_kind {
    SCN_TOKEN_END,
    SCN_TOKEN_NAME,
    SCN_TOKEN_STRING,
    SCN_TOKEN_INT,
    SCN_TOKEN_TIME,
    SCN_TOKEN_SIGNED,
    SCN_TOKEN_COLON,
    SCN_TOKEN_COMMA,
    SCN_TOKEN_DOT,
    SCN_TOKEN_SLASH,
    SCN_TOKEN_OPEN,
    SCN_TOKEN_CLOSE,
    SCN_TOKEN_ASSIGN,
    SCN_TOKEN_DOTS,
    SCN_TOKEN_ARROW,
    SCN_TOKEN_RELATION,
    SCN_TOKEN_BAD,
};

struct scn_token {
    enum scn_token_kind kind;
    bool spaced;                    /* a space stands before it */
    uint32_t column;
    uint32_t column_end;            /* one past its last column */
    uint32_t offset;                /* in bytes */
    uint32_t offset_end;
    const char *text;               /* strings without quotes */
    int64_t number;                 /* INT; TIME and SIGNED in units of unit_us */
    int64_t unit_us;
    enum scn_relation relation;
    const char *problem;            /* BAD */
    const char *hint;
};

enum { SCN_LINE_BYTES_MAX = 400, SCN_TOKENS_MAX = SCN_LINE_BYTES_MAX + 2 };

struct scn_tokens {
    struct scn_token items[SCN_TOKENS_MAX];
    uint32_t count;                 /* without the END */
    const char *comment;            /* with its '#', or NULL */
    uint32_t comment_column;
};

/* Longest duration: ten years. Sums of many of them stay far from overflow. */
#define SCN_TIME_MAX_US (INT64_C(87600) * 3600 * 1000000)

void scn_lex(struct scn_arena *arena, const struct scn_line *line, struct scn_tokens *tokens);

/* words.c: tables behind the X-macros. */
struct scn_word {
    const char *word;
    const char *arguments;          /* fields, filters or arguments; "" if none */
    const char *help;
    unsigned set;                   /* actors, targets, flags: by table */
    unsigned shape;                 /* verbs: enum scn_shape; faults: by */
    unsigned more;                  /* faults: for */
    unsigned id;                    /* the enum value */
};

/* `set` of a thread's row. */
enum { SCN_THREAD_ALONE, SCN_THREAD_POOLED, SCN_THREAD_OF_HARNESS };

struct scn_table {
    const struct scn_word *words;
    uint32_t count;
};

struct scn_rules {
    const struct scn_rule *items;
    uint32_t count;
};

struct scn_owned_rule {
    unsigned owner;
    struct scn_rule rule;
};

enum { SCN_RULES_MAX = 9 };

extern const struct scn_table scn_actor_table, scn_verb_table, scn_send_table, scn_frame_table,
    scn_agent_expect_table, scn_sandbox_expect_table, scn_fault_table, scn_invariant_table,
    scn_gauge_table, scn_thread_table, scn_event_table, scn_strategy_table, scn_directive_table,
    scn_check_table;
extern const struct scn_rules scn_core_rule_table, scn_store_rule_table, scn_clock_rule_table,
    scn_bound_rule_table, scn_budget_rule_table;
extern const char *const scn_operation_words[];

struct scn_rules scn_actor_rules(enum scn_actor_kind kind);
const char *scn_pipe_word(const char *words, uint32_t index, size_t *length);

/* Rules of one verb, fault or strategy, copied to `room`. */
struct scn_rules scn_verb_rules(enum scn_verb verb, enum scn_actor_kind actor,
                                struct scn_rule room[SCN_RULES_MAX]);
struct scn_rules scn_fault_rules(enum scn_fault_kind kind, struct scn_rule room[SCN_RULES_MAX]);
struct scn_rules scn_strategy_rules(enum scn_strategy kind, struct scn_rule room[SCN_RULES_MAX]);

/* The row of that word, or NULL. */
const struct scn_word *scn_table_find(const struct scn_table *table, const char *word);

/* Index of `word` in "a|b|c", or -1. */
int scn_pipe_find(const char *words, const char *word);

/* near.c: the closest of the words offered, for "did you mean", or all of them if none is close. */
struct scn_near {
    const char *wrong;
    char best[64];
    unsigned distance;
    char offered[320];              /* "a, b, c" */
    bool too_many;                  /* for that */
};

void scn_near_begin(struct scn_near *near, const char *wrong);
void scn_near_offer(struct scn_near *near, const char *word);
void scn_near_offer_table(struct scn_near *near, const struct scn_table *table);
void scn_near_offer_pipe(struct scn_near *near, const char *words);

/* "did you mean 'x'?"; if nothing is close "one of: a, b, c", or where to read them if there are
 * too many; NULL if nothing was offered. */
const char *scn_near_hint(const struct scn_near *near, struct scn_arena *arena);

/* parse*.c */
enum scn_block {
    SCN_BLOCK_NONE,
    SCN_BLOCK_SCENARIO,
    SCN_BLOCK_CONFIG,
    SCN_BLOCK_ACTOR,
    SCN_BLOCK_FAULTS,
    SCN_BLOCK_SCHEDULE,
    SCN_BLOCK_CHECK,
    SCN_BLOCK_EXPLORE,
    SCN_BLOCK_SKIPPED,              /* its header was not understood */
};

/* An actor line while it is being read; expanded to one actor for each name. */
struct scn_group {
    struct scn_place place;
    enum scn_actor_kind kind;
    struct scn_attrs attrs;
    struct scn_step *steps;
    uint32_t step_count;
    uint32_t step_capacity;
    uint32_t open[SCN_NESTING_MAX]; /* repeats that are not closed yet */
    uint32_t depth;
    uint32_t first_actor;
    uint32_t actor_count;
};

struct scn_parser {
    struct scn_arena *arena;
    struct scn_source source;
    struct scn_diagnostics *diagnostics;
    const struct scn_options *options;
    struct scn_file *file;
    uint32_t line;                  /* the current one, from 1 */
    struct scn_tokens tokens;
    uint32_t at;                    /* the current token */
    enum scn_block block;
    enum scn_block latest;          /* highest block seen so far */
    uint32_t seen_line[SCN_BLOCK_SKIPPED + 1];
    bool skipped;                   /* some block was not understood: names may be missing */
    struct scn_group group;
    bool cores_named;
    uint32_t core_capacity;
    uint32_t actor_capacity;
    uint32_t fault_capacity;
    uint32_t directive_capacity;
    uint32_t check_capacity;
    struct scn_attrs core_common;   /* of `core` lines without a name */
    unsigned explore_seen;          /* lines of explore, one bit each */
};

/* Report at a place, at the current token, or at the end of the line. Always false. */
bool scn_error_at(struct scn_parser *parser, struct scn_place place, const char *hint,
                  const char *format, ...) __attribute__((format(printf, 4, 5)));
bool scn_error_here(struct scn_parser *parser, const char *hint, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

const struct scn_token *scn_peek(const struct scn_parser *parser);
const struct scn_token *scn_peek_after(const struct scn_parser *parser);
struct scn_place scn_here(const struct scn_parser *parser);
bool scn_accept(struct scn_parser *parser, enum scn_token_kind kind);
bool scn_accept_word(struct scn_parser *parser, const char *word);
bool scn_at_word(const struct scn_parser *parser, const char *word);

/* Take a NAME; `what` says what was expected, such as "a message kind". */
bool scn_take_name(struct scn_parser *parser, const char *what, const char **name);
bool scn_take_string(struct scn_parser *parser, const char *what, const char **text);
bool scn_take_count(struct scn_parser *parser, uint32_t least, uint32_t most, uint32_t *count);
bool scn_take_time(struct scn_parser *parser, uint64_t *time_us);

/* A..B or one TIME, which means 0..TIME if `from_zero` and TIME..TIME otherwise. */
bool scn_take_range(struct scn_parser *parser, bool from_zero, struct scn_span *span);
bool scn_take_signed(struct scn_parser *parser, int64_t *time_us);
bool scn_take_end(struct scn_parser *parser);

/* The same behind a statement's modifiers, which are "a|b|c"; `modified`: it has some. */
bool scn_take_end_of(struct scn_parser *parser, const char *modifiers, bool modified);

/* NAME=value pairs until something else comes; with rules each is checked. `what` names the owner
 * in messages, such as "a tab". */
bool scn_take_attrs(struct scn_parser *parser, const struct scn_rules *rules, const char *what,
                    struct scn_attrs *attrs);
bool scn_check_attr(struct scn_parser *parser, struct scn_attr *attr,
                    const struct scn_rules *rules, const char *what);
bool scn_add_attr(struct scn_parser *parser, struct scn_attrs *attrs, const struct scn_attr *attr);

/* A dotted name with brackets; unresolved. */
bool scn_take_ref(struct scn_parser *parser, struct scn_ref *ref);
bool scn_take_modifier(struct scn_parser *parser, struct scn_modifiers *modifiers, bool *taken);
const char *scn_source_slice(struct scn_parser *parser, uint32_t from_token, uint32_t to_token);

/* One line of a block; each reports what is wrong and returns. */
void scn_parse_actor_line(struct scn_parser *parser, enum scn_actor_kind kind);
void scn_parse_step(struct scn_parser *parser);
void scn_end_actor(struct scn_parser *parser);
void scn_parse_fault(struct scn_parser *parser);
void scn_parse_directive(struct scn_parser *parser);
void scn_parse_check(struct scn_parser *parser);
void scn_parse_explore(struct scn_parser *parser);
void scn_parse_config(struct scn_parser *parser);
void scn_end_config(struct scn_parser *parser);

/* resolve.c: what a name may mean here. */
enum scn_role {
    SCN_ROLE_WAIT,                  /* after, during */
    SCN_ROLE_COUNT,                 /* exactly, at most, at least; either side of before */
    SCN_ROLE_TERM,                  /* in a comparison */
    SCN_ROLE_TARGET,                /* of a fault */
    SCN_ROLE_WHO,                   /* run WHO, wake WHO */
    SCN_ROLE_POINT,                 /* to POINT */
    SCN_ROLE_FIRE,
    SCN_ROLE_END,                   /* either end of deliver A->B */
};

/* `own` is the actor whose bare labels count, or -1. Reports and returns false if it fails. */
bool scn_resolve(struct scn_parser *parser, struct scn_ref *ref, enum scn_role role, int32_t own);

/* check.c, check_fault.c, cycle.c: what only the whole file can tell. */
void scn_check_file(struct scn_parser *parser);
void scn_name_faults(struct scn_parser *parser);
void scn_check_fault(struct scn_parser *parser, struct scn_fault *fault);

/* The locks that a core takes by itself: of a dev server, an owner's sandbox, a run. */
#define SCN_LOCKS_OF_CORE "dev_server|sandbox|run"

/* [key=...] of a lock: one of these words, a `lease` of the file, or a whole key as STRING. */
bool scn_check_lock_key(struct scn_parser *parser, const struct scn_attr *filter);
/* How the tab is told of events, and what it cannot do then (check_tab.c). */
void scn_check_tab(struct scn_parser *parser, const struct scn_actor *tab);
/* False: the fault, whose target is known, cannot strike that tab, and this was told. */
bool scn_check_tab_fault(struct scn_parser *parser, const struct scn_fault *fault);
bool scn_check_link(struct scn_parser *parser, const struct scn_ref *from,
                    const struct scn_ref *to);
void scn_check_cycles(struct scn_parser *parser);

/* plan_loop.c: how often the line of a step is reached, and whether every reference to the actor's
 * steps names one of those rounds, so that they can be written one by one. */
uint32_t scn_rounds(const struct scn_step *step);
bool scn_can_unroll(const struct scn_file *file, uint32_t index);

#endif
