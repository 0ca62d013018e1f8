/* One execution of a program, whose choices are made at a prompt. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "course.h"
#include "history.h"
#include "reports/hand.h"
#include "reports/finding.h"
#include "reports/symbols.h"
#include "tell.h"

enum { CUT = 3 };
static int status;

/* NULL: stderr says why not. */
static FILE *open_commands(void)
{
    if (strcmp(options.step, "-") == 0) {
        /* They are no input of the program. */
        shared->input.read = true;
        return stdin;
    }
    FILE *file = fopen(options.step, "r");
    if (file == NULL)
        fprintf(stderr, "harness: HARNESS_STEP=%s: %s\n", options.step, strerror(errno));
    return file;
}

static void tell_end(void *context, FILE *out, uint32_t id, const struct world_result *result)
{
    const struct tell *tell = context;
    fprintf(out, "\n%u steps, %.3f ms of virtual time, %u choices\n", result->steps,
            (double)result->now_ns / 1e6, result->choices);
    status = 0;
    if (id == LIFE_DIVERGED) {
        fprintf(out, "the token does not fit: %s\n", world_stop_text());
        status = 2;
    } else if (result->end == WORLD_CUT) {
        fprintf(out, "no end within %u steps (HARNESS_STEPS)\n", options.steps);
        status = CUT;
    } else if (id == EXPLORE_PASSED) {
        fprintf(out, "everything holds\n");
    } else {
        tell_finding(out, tell->path, &life);
        status = tell_status(life.finding.kind);
    }
}

int by_hand(const struct tell *tell, uint16_t *choices, uint32_t count)
{
    /* What libraries print in the execution goes elsewhere. */
    FILE *in = open_commands(), *out = fdopen(dup(STDOUT_FILENO), "w");
    if (in == NULL) return 2;
    if (out == NULL) return FAULT;
    const struct hand hand = {.subject = &life.subject,
                              .in = in,
                              .out = out,
                              .echo = !isatty(fileno(in)),
                              .seed = options.seed,
                              .words = history_words,
                              .tell_end = tell_end,
                              .context = (void *)(uintptr_t)tell};
    /* An end that was left behind again is none. */
    if (hand_go(&hand, choices, &count) == EXPLORE_PASSED && status != CUT) status = 0;
    struct explore_failure *failure = &shared->failure;
    failure->count = count;
    memcpy(failure->choices, choices, count * sizeof *choices);
    fprintf(out, "\n  replay  ");
    tell_replay(out, tell);
    fclose(out);
    return status;
}
