/* harness explain */
#include "commands.h"
#include "job.h"

#include <stdio.h>

static const uint64_t allowed = OPTION(CHOICES) | OPTION(CORE) | OPTION(TRANSPORT) |
                                OPTION(FULL) | OPTION(REPORTS) | OPTION(JUNIT) | OPTION(JSON) |
                                OPTION(GITHUB) | OPTION(HELP);

static int help(void)
{
    printf("harness explain FILE --choices TOKEN [options]\n"
           "\n"
           "Tells one failing execution as 'harness run' does, without exploring and without\n"
           "making it smaller: the screen, and the folder of the report with its page, trace and\n"
           "pinned scenario. A pinned scenario needs no token.\n"
           "\n");
    cli_options_help(allowed);
    return 0;
}

static int usage(const char *text)
{
    fprintf(stderr, "harness explain: %s\n  try 'harness explain --help'\n", text);
    return 2;
}

int command_explain(int argc, char **argv)
{
    struct cli_options options;
    struct job job;
    if (!cli_options_read("explain", allowed, argc, argv, &options)) return 2;
    if (options.given[CLI_HELP]) return help();
    if (options.file_count != 1) return usage("name one scenario");
    struct report_style style = cli_style(&options);
    options.single = true;
    job_run(&job, options.files[0], &options, style);
    report_print(stdout, &job.report, style);
    int status = report_status(&job.report, 1);
    if (!cli_write_files(&options, &job.report, 1) && status == 0) status = 5;
    job_free(&job);
    return status;
}
