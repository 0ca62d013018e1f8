/* One scenario file, from its path to its report: parse, explore, verify, shrink, explain. All
 * executions happen in worker processes; this one only waits and prints. */
#ifndef HARNESS_CLI_JOB_H
#define HARNESS_CLI_JOB_H

#include "harness/cli/options.h"
#include "harness/explore/decisive.h"
#include "harness/explore/explore.h"
#include "harness/explore/inevitable.h"
#include "harness/explore/worker.h"
#include "harness/scenario/scenario.h"
#include "harness/world/image.h"
#include "reports/report.h"
#include "reports/shard.h"

struct scene;

enum { JOB_SCREEN_MAX = 256 << 10, JOB_TEXT_MAX = 2048, JOB_REPLAY_MAX = 64 << 10 };

/* What workers and their parent share. */
struct job_shared {
    struct explore_log log;
    struct explore_stats explored;
    struct explore_failure failure;
    struct check_stats checks;
    struct check_violation violation;
    struct check_verdict judged;
    bool has_violation;
    bool replayed; /* the verification gave the same failure */
    bool endless; /* it computes for ever */
    uint32_t choices_found;
    struct decisive decisive;
    struct inevitable inevitable;
    bool has_no_return, no_folder; /* the report's could not be written */
    struct no_return no_return;
    struct check_violation told; /* of the shrunk execution */
    char replay[JOB_REPLAY_MAX];
    char problem[JOB_TEXT_MAX];
    char screen[JOB_SCREEN_MAX];
};

struct job {
    const char *path;
    const struct cli_options *options;
    const struct scn_file *file; /* NULL: it did not parse */
    char *source;
    const struct image *image;
    struct job_shared *shared;
    struct report report;
    struct report_failure failure; /* what report.failure points to */
    struct report_style style;
    struct report_shard *part; /* of what is explored; NULL: everything is */
    char *key; /* what the other parts have to agree on */
    const char *token; /* of the corpus, that is tried or has failed; NULL: none */
    char *kept_token;  /* the same, once it has failed; freed with the job */
    char *corpus_file; /* where that comes from */
    bool corpus_damaged; /* stderr says where */
    struct cli_options kept_options; /* instead of the user's, where that entry needs others; */
    const struct cli_options *users_options; /* which are then these */
    char *text; /* diagnostics, or what went wrong */
    char folder[4096];
};

/* Runs the file and fills job->report; `path` and `options` must outlive the job. */
void job_run(struct job *job, const char *path, const struct cli_options *options,
             struct report_style style);
void job_free(struct job *job);

/* Makes the choices of options->choices smaller; the job's report tells of them. True: the smaller
 * ones are in job->shared->failure. False: they do not fail, or there is no such execution. */
bool job_shrink(struct job *job, const char *path, const struct cli_options *options);

/* job_open.c: parses the file with all that the core and the world can add; on failure job->file is
 * NULL and the report says why. */
bool job_open(struct job *job, const char *path, const struct cli_options *options);
/* The same without a build of the core. */
bool job_parse(struct job *job, const char *path, const struct cli_options *options);

/* Nothing can be executed, for the reason in `text`, which is the job's from here on. Returns
 * false. */
bool job_invalid(struct job *job, char *text);

/* The words that the core and the world add to the language. */
struct scn_options job_words(void);

/* Where options differ from the file's explore block. */
struct explore_options job_explore_options(const struct job *job);

/* To be called after scene_init where the failure is executed again: an endless loop was only
 * suspected after many seconds; who meets it there again confirms it sooner. */
void job_expect_loop(const struct job *job);

/* Explores with several processes; fills job->shared as one process would have, to the byte.
 * Returns what the worker that explores alone would have returned, or how it ended. */
struct worker_result job_explore_parallel(struct job *job, uint32_t jobs,
                                          void (*tick)(void *));

/* A search gave up for that reason: keeps it as a problem. What the worker has to return. */
int job_cannot_go_on(struct job *job, const char *why);

/* What shards of the same exploration have in common, as malloc'ed text. */
char *job_key(const struct job *job);

/* Judges shared->checks in a worker of its own, as one exploration of everything. */
struct worker_result job_judge_apart(struct job *job);

/* job_corpus.c: replays what the corpus has of this scenario, the first that fails to the end.
 * True: shared, the report and *result are filled as by explore. */
bool job_replay_corpus(struct job *job, struct worker_result *result);

/* job_corpus.c: keeps the failure that shared tells. */
void job_keep_failure(const struct job *job);

/* In a worker: executions as the options want them; fills shared. */
int job_explore(void *job);

/* The verdict of the checks on what shared->checks counted; in a process that executes. */
void job_judge(struct job *job, const struct scene *scene);

/* What the checks and the world say of the exploration that has just ended in this process. */
void job_keep_outcome(struct job *job, const struct scene *scene);

/* What is known of the failure outside of its execution: fills job->failure. */
void job_tell_failure(struct job *job);

/* capture.c: writes an execution to options->pcap: the one that a token or a schedule names, else
 * the one that failed, else the first. False: stderr says why not. */
bool job_capture(struct job *job);

/* In a process that executes: from here on, what passes between tabs and cores goes to the capture
 * that options->pcap asks for. False: stderr says why not. */
bool capture_begin(const struct cli_options *options, struct scene *scene);
/* Nothing may be executed after it. False: stderr says what could not be written. */
bool capture_end(void);

/* The strategy that follows the scenario's schedule; what `run any` leaves open is for `rest`,
 * which it takes over. One at a time. */
struct strategy *job_follow_schedule(const struct job *job, struct strategy *rest);

/* job_explain.c: fills shared->screen and writes the folder of the failure that job->failure tells,
 * in the process that has just executed it. If that fails, stderr says why, and shared->no_folder
 * is set. */
void job_write_report(struct job *job);

/* job_explain.c: looks for shared->decisive, in this process. */
int job_decide(void *job);

/* job_explain.c: the failing execution once more, in this process, with everything recorded;
 * fills shared->screen, ->told and ->replay, and writes the report's folder. */
int job_explain(void *job);

#endif
