/* harness run */
#include "commands.h"
#include "job.h"

#include <stdio.h>
#include <stdlib.h>

static const uint64_t allowed = OPTION(CHOICES) | OPTION(STRATEGY) | OPTION(DEPTH) | OPTION(SEED) |
                                OPTION(RUNS) | OPTION(JOBS) | OPTION(CORPUS) | OPTION(SHARD) |
                                OPTION(CORE) | OPTION(TRANSPORT) | OPTION(FULL) |
                                OPTION(REPORTS) | OPTION(JUNIT) | OPTION(JSON) | OPTION(GITHUB) |
                                OPTION(PCAP) | OPTION(IPV6) | OPTION(NO_SHRINK) | OPTION(HELP);

static int help(void)
{
    printf(
        "harness run FILE... [options]\n"
        "\n"
        "Explores each scenario within its budget: first the default schedule, then what the\n"
        "strategy of its explore block says. Prints one line for a scenario that holds. For one\n"
        "that does not: what was broken, the shortest schedule that breaks it as a diagram, a\n"
        "token that replays it, and a schedule block to be pasted into a new scenario.\n"
        "docs/CI.md has more on --jobs, --shard and --corpus. --pcap writes the execution that is\n"
        "told of: the one that failed, shrunk; or the first one if everything holds.\n"
        "\n");
    cli_options_help(allowed);
    return 0;
}

static int usage(const char *text)
{
    fprintf(stderr, "harness run: %s\n  try 'harness run --help'\n", text);
    return 2;
}

bool cli_write_files(const struct cli_options *options, const struct report *reports,
                     uint32_t count)
{
    struct report_problem problem;
    bool good = true;
    if (options->given[CLI_GITHUB]) {
        report_annotate(stdout, reports, count, getenv("GITHUB_WORKSPACE"));
    }
    if (options->junit && !report_write_junit(options->junit, reports, count, &problem)) {
        fprintf(stderr, "%s\n", problem.text);
        good = false;
    }
    if (options->json && !report_write_json(options->json, reports, count, &problem)) {
        fprintf(stderr, "%s\n", problem.text);
        good = false;
    }
    return good;
}

/* Which execution is in the capture, as the reader cannot see it there. */
static int write_capture(struct job *job)
{
    const struct cli_options *options = job->options;
    if (job->file == NULL || job->report.verdict == REPORT_INVALID ||
        job->report.verdict == REPORT_SKIPPED) {
        fprintf(stderr, "harness run: nothing was executed: no %s\n", options->pcap);
        return 5;
    }
    if (!job_capture(job)) return 5;
    bool failed = job->shared->failure.id != EXPLORE_PASSED;
    bool named = options->choices || job->file->has_schedule;
    printf("  capture %s (%s)\n", options->pcap,
           named ? "the execution that was named" : failed ? "the execution that failed"
                                                           : "the first execution");
    return 0;
}

int command_run(int argc, char **argv)
{
    struct cli_options options;
    if (!cli_options_read("run", allowed, argc, argv, &options)) return 2;
    if (options.given[CLI_HELP]) return help();
    if (options.file_count == 0) return usage("no scenario was named");
    if (options.choices && options.file_count > 1) return usage("--choices replays one scenario");
    if (options.pcap && options.file_count > 1) return usage("--pcap writes one scenario");
    if (options.given[CLI_IPV6] && !options.pcap) return usage("--ipv6 is for --pcap");
    struct report_style style = cli_style(&options);
    struct job *jobs = calloc(options.file_count, sizeof *jobs);
    struct report *reports = calloc(options.file_count, sizeof *reports);
    if (jobs == NULL || reports == NULL) return 5;
    for (uint32_t i = 0; i < options.file_count; i++) {
        job_run(&jobs[i], options.files[i], &options, style);
        reports[i] = jobs[i].report;
        report_print(stdout, &reports[i], style);
        fflush(stdout);
    }
    if (options.file_count > 1) report_print_summary(stdout, reports, options.file_count);
    int status = report_status(reports, options.file_count);
    if (!cli_write_files(&options, reports, options.file_count) && status == 0) status = 5;
    if (options.pcap) {
        int written = write_capture(&jobs[0]);
        if (status == 0) status = written;
    }
    for (uint32_t i = 0; i < options.file_count; i++) job_free(&jobs[i]);
    free(reports);
    free(jobs);
    return status;
}
