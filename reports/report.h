/* Reports: what a command found out about each scenario, as text for people and for machines.
 *
 * The command fills one struct report per scenario. For a failure, the functions that need the
 * execution itself (the screen, the files of the folder) are called in the process that has just
 * replayed it: they read the records, the steps and the finding of that execution. The others
 * need only the struct.
 *
 * Everything written is a function of its input: no clock, no address, no terminal is looked at.
 * All strings belong to the caller. Functions that write to a FILE leave errors in its state.
 */
#ifndef REPORTS_REPORT_H
#define REPORTS_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "harness/check/check.h"
#include "harness/explore/decisive.h"
#include "harness/explore/explore.h"
#include "harness/scenario/ast.h"
#include "harness/world/world.h"
#include "reports/no_return.h"

/* X(ID, "WORD", exit status, counts as passed). */
#define REPORT_VERDICTS(X) \
    X(PASS, "PASS", 0, true) \
    X(KNOWN, "KNOWN BUG", 0, true) \
    X(FAIL, "FAIL", 1, false) \
    X(INVALID, "INVALID", 2, false) \
    X(INCONCLUSIVE, "INCONCLUSIVE", 3, false) \
    X(CRASH, "CRASH", 4, false) \
    X(FAULT, "HARNESS FAULT", 5, false) \
    X(REFUSED, "REFUSED", 5, false) \
    X(SKIPPED, "SKIPPED", 0, false)

enum report_verdict {
#define REPORT_ENUM(id, ...) REPORT_##id,
    REPORT_VERDICTS(REPORT_ENUM)
#undef REPORT_ENUM
    REPORT_VERDICT_COUNT
};

/* A failing execution. It has been shrunk and replayed. */
struct report_failure {
    struct check_violation violation;
    const struct check_set *set;        /* that judged it; NULL: every record matters */
    const struct world_finding *finding; /* of the world, or NULL */
    bool leak;                          /* the finding is a leak of the blocks below */
    uint8_t leak_group;
    uint64_t run;                       /* number of the execution that failed first, from 0 */
    const char *strategy;               /* that found it: "pct depth=3"; NULL: it was replayed */
    const char *corpus;                 /* the file that it was replayed from, or NULL */
    uint64_t seed;
    uint32_t choices_found;             /* that are not the default, before shrinking */
    struct explore_cost cost;           /* after it */
    uint32_t ended_after;               /* executions, when shrinking could not go on; or 0 */
    uint64_t accesses;                  /* of the failing one */
    const char *decided;                /* lines on the two steps whose order decides, or NULL */
    const struct decisive *decisive;    /* the same two steps; NULL: none */
    const struct no_return *no_return;  /* NULL: not known */
    const char *replay;                 /* one line that can be pasted into a shell */
    const char *schedule;               /* the `schedule` block, complete, or NULL */
    const char *pinned;                 /* the whole pinned scenario, or NULL */
    const char *folder;                 /* of the report's files, or NULL */
    const char *source;                 /* of a program: the file it shows in; NULL: not known */
    uint32_t source_line;
    uint64_t clean_runs;                /* see report_clean_runs(); 0: not known */
};

/* Part of an exploration, under limits of its own. */
struct report_phase {
    uint32_t stalls_max, spurious_max, steps_max;
    struct explore_stats explored;
    const struct report_shard *shard;   /* NULL: it is no part of anything */
};

/* What a program (or one exploration of a unit test) has beside what any report has. */
struct report_program {
    const char *name;
    char *const *words;                 /* its arguments */
    uint32_t word_count;
    uint32_t exploration;               /* number of the call of harness_explore(); 0: its main */
    bool replayed;                      /* one execution, named by the user */
    const struct report_phase *phases;
    uint32_t phase_count;
    const struct report_promise {
        const char *name;
        bool reached;
    } *sometimes;
    uint32_t sometimes_count;
    uint64_t assumed;                   /* executions that harness_assume() ended */
    uint64_t bytes_reachable;           /* at the end of the last execution */
    uint32_t descriptors_known;         /* open then, and no leak */
};

/* What live runs have beside what any report has (docs/LIVE.md). */
struct report_live {
    uint64_t runs;                      /* that were made */
    uint64_t late;                      /* of them, those that were given up */
    uint64_t seed;
    const char *speed;                  /* as the user wrote it */
};

/* What is known about one scenario file. */
struct report {
    enum report_verdict verdict;
    const char *path;                   /* as the user wrote it */
    const struct scn_file *file;        /* NULL: it could not be read */
    const struct explore_stats *explored; /* NULL: nothing ran */
    uint64_t runs_max;                  /* the budget */
    const struct check_stats *stats;    /* NULL: nothing ran */
    const struct check_verdict *judged; /* reasons; NULL: none */
    const struct report_failure *failure; /* NULL unless FAIL, CRASH or a KNOWN bug */
    const char *text;                   /* diagnostics of INVALID, text of FAULT; may be NULL */
    const char *screen;                 /* report_screen's, for JUnit; NULL: none */
    const struct report_shard *shard;   /* NULL: it is no part of anything */
    const struct report_program *program; /* NULL: it is a scenario */
    const struct report_live *live;     /* NULL: it was simulated */
};

struct report_style {
    bool colour;
    bool full;                          /* all parties and all records in the diagram */
};

/* --- verdicts --- */

const char *report_verdict_word(enum report_verdict verdict);
int report_verdict_status(enum report_verdict verdict);

/* The verdict on a file from what the checks say, and on its violation if there is one: PASS,
 * KNOWN, FAIL, CRASH or INCONCLUSIVE. */
enum report_verdict report_judge(const struct scn_file *file, const struct check_verdict *judged,
                                 const struct check_violation *violation);

/* How the failure was found: "run 85 of 20000, random walk seed=1; 49 choices, shrunk to 6". */
void report_origin(const struct report *report, char *out, size_t size);

/* How many runs would show a fix, as a sentence; "" where that is not known. */
void report_fix(const struct report *report, char *out, size_t size);

/* How many executions in a row must hold before a failure seen first in number `run` (from 0) is
 * gone with 99 % confidence, if it happens as often as it was seen: once in run + 1. 0 for the
 * default schedule, where one tells. */
uint64_t report_clean_runs(uint64_t run);

/* The exit status of several: 5, 2, 4, 1, 3, 0, the first that applies. */
int report_status(const struct report *reports, uint32_t count);

/* The program's name; or the scenario's: the file's own, or the path without folder and ".scn".
 * Writes at most `size` bytes. */
void report_name(const struct report *report, char *out, size_t size);

/* --- for people (terminal.c, screen.c) --- */

/* The failing screen, as malloc'ed text. Needs the execution.
 * At most 100 columns, and about 40 lines unless the schedule is longer. */
char *report_screen(const struct report *report, struct report_style style);

/* One line with the verdict and the counts, and below it what else there is to say: reasons,
 * known bugs, diagnostics. For a failure: report->screen if there is one. */
void report_print(FILE *out, const struct report *report, struct report_style style);

/* What one line says of a program that holds, or why that is not known: "harness: prog holds: ...".
 * The report's verdict is PASS or INCONCLUSIVE. */
void report_print_program(FILE *out, const struct report *report);

/* Why nothing is known of a program in which nothing failed, or NULL. Stays until the next call. */
const char *report_program_doubt(const struct report *report);

/* "2 passed, 1 failed", with ", 1 skipped" if there is any; above it the names of those that did
 * not pass. What is inconclusive or invalid has failed. */
void report_print_summary(FILE *out, const struct report *reports, uint32_t count);

/* A line that replaces itself, for terminals only; erase it before anything else is printed. */
void report_progress(FILE *out, const char *name, const struct explore_stats *stats,
                     uint64_t runs_max);
void report_progress_line(FILE *out, const char *text);
void report_progress_erase(FILE *out);

/* --- files --- */

/* Where something went wrong, and why. */
struct report_problem {
    char text[512];
};

/* Writes the folder of a failure: index.html, trace.jsonl (docs/TRACE.md), sequence.mmd, pinned.scn
 * (if there is one) and screen.txt (if report->screen is set). Makes the folder. Needs the
 * execution. False: *problem says what could not be written. */
bool report_write_folder(const struct report *report, struct report_problem *problem);

/* The names of the files that it writes, in that order: "index.html, trace.jsonl, ...". */
void report_folder_files(const struct report *report, char *out, size_t size);

/* JUnit XML of a whole command. Makes missing folders. */
bool report_write_junit(const char *path, const struct report *reports, uint32_t count,
                        struct report_problem *problem);

/* The same as JSON (docs/TRACE.md). */
bool report_write_json(const char *path, const struct report *reports, uint32_t count,
                       struct report_problem *problem);

/* Prints what did not hold as annotations of GitHub Actions, a line each: a failure where it shows
 * (a scenario's promise, a line of a program), what is inconclusive as a warning. Paths below
 * `root` are relative to it; NULL: they stay as they are. Symbolic links are followed. */
void report_annotate(FILE *out, const struct report *reports, uint32_t count, const char *root);

#endif
