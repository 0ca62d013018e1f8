/* harness live: one scenario that is acted out, from the command line to its verdict. */
#ifndef HARNESS_CLI_LIVE_JOB_H
#define HARNESS_CLI_LIVE_JOB_H

#include "harness/cli/job.h"
#include "harness/cli/live_confirm.h"
#include "harness/live/live.h"

enum { LIVE_NOTES_MAX = 8192 };

/* How a worker ends that was not able to act the scenario out: the scenario is to blame, or the run
 * is. `problem` of what it shares says why. */
enum { LIVE_REFUSED = 1, LIVE_BROKEN = 2 };

struct live_job {
    struct job job;
    const struct cli_options *words;
    struct report_live told;
    char notes[LIVE_NOTES_MAX];      /* what is left out, or why nothing was done */
    uint32_t refusals;
    bool alone;                 /* the only file that was asked for */
    char daemon[LIVE_PATH_MAX], helper[LIVE_PATH_MAX], preload[LIVE_PATH_MAX];
    char tag[24];               /* with --connect, of this process */
    struct live_options options;
    char folder[LIVE_PATH_MAX], problem[LIVE_PATH_MAX + 256];
    struct worker worker;
    struct confirm confirm;
    char hold[CONFIRM_RANGES_MAX + 64]; /* of the run */
};

/* Gives the report that verdict and text. Returns false. */
bool live_fail(struct live_job *live, enum report_verdict verdict, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Everything that has to be known before the first run of the file at `path`: the programs, what
 * cannot be done, whom to hold back (live_prepare.c). False: the report says why not. */
bool live_prepare(struct live_job *live, const char *path);

/* The runs, as the body of a worker; `live_job` is a struct live_job (live_work.c). Returns 0,
 * LIVE_REFUSED or LIVE_BROKEN. */
int live_work(void *live_job);

#endif
