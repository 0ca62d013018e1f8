/* harness shrink */
#include "commands.h"
#include "job.h"

#include <stdio.h>
#include <stdlib.h>

static const uint64_t allowed = OPTION(CHOICES) | OPTION(CORE) | OPTION(TRANSPORT) | OPTION(HELP);

static int help(void)
{
    printf("harness shrink FILE --choices TOKEN\n"
           "\n"
           "Makes a failing execution smaller: fewer places where it leaves the default schedule,\n"
           "breaking the same promise. Prints the new token, and on standard error what became of\n"
           "how many. 'harness run' does so by itself unless told --no-shrink.\n"
           "\n");
    cli_options_help(allowed);
    return 0;
}

static int usage(const char *text)
{
    fprintf(stderr, "harness shrink: %s\n  try 'harness shrink --help'\n", text);
    return 2;
}

static int print_token(const struct job *job)
{
    const struct job_shared *shared = job->shared;
    char *token = token_write(shared->failure.choices, shared->failure.count);
    if (token == NULL) return 5;
    printf("%s\n", token);
    fprintf(stderr, "%u choices, shrunk to %u\n", shared->choices_found,
            cost_choices(&shared->failure.cost));
    free(token);
    return 0;
}

/* Why there is nothing to be printed. */
static int tell_refusal(const struct job *job)
{
    if (job->report.text != NULL) {
        fputs(job->report.text, stderr);
        return report_verdict_status(job->report.verdict);
    }
    fprintf(stderr, "harness shrink: this execution breaks nothing, so nothing can be left out\n");
    return 2;
}

int command_shrink(int argc, char **argv)
{
    struct cli_options options;
    struct job job;
    if (!cli_options_read("shrink", allowed, argc, argv, &options)) return 2;
    if (options.given[CLI_HELP]) return help();
    if (options.file_count != 1) return usage("name one scenario");
    options.single = true;
    int status = job_shrink(&job, options.files[0], &options) ? print_token(&job)
                                                              : tell_refusal(&job);
    job_free(&job);
    return status;
}
