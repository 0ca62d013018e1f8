/* harness live, and what the daemons of a live run start: live-agent, live-server. */
#include "commands.h"
#include "interrupt.h"
#include "live_job.h"

#include "harness/cli/image.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const uint64_t allowed = OPTION(TIMES) | OPTION(SPEED) | OPTION(SEED) | OPTION(WALL) |
                                OPTION(DAEMON) | OPTION(CONNECT) | OPTION(CA) | OPTION(TOKEN) |
                                OPTION(AGENTS) | OPTION(CONFIG) | OPTION(CONFIRM) | OPTION(CORE) |
                                OPTION(HOLD) | OPTION(TRACE) | OPTION(FULL) | OPTION(REPORTS) |
                                OPTION(JUNIT) | OPTION(JSON) | OPTION(GITHUB) | OPTION(HELP);

static int help(void)
{
    printf("harness live FILE... [options]\n"
           "\n"
           "Acts each scenario out against a real sessiond over real sockets, in real time: the\n"
           "same scripts, faults and checks as in the simulation. Faults of links act in a proxy\n"
           "between tabs and daemon; agents and dev servers are processes that the daemon starts;\n"
           "what is stored is read from the daemon's file. What cannot be done to it is told\n"
           "with its line: left out if it may happen, else the file is skipped; docs/LIVE.md.\n"
           "\n"
           "A run is not replayed to the byte: chance decides, seeded, when windows are used and\n"
           "faults strike, and the machine decides the rest. --times makes more of them.\n"
           "\n"
           "--confirm tries a simulated failure on a real machine: TOKEN is what 'run' printed\n"
           "behind --choices, --core the build of the core that failed.\n"
           "\n");
    cli_options_help(allowed);
    return 0;
}

static int usage(const char *text)
{
    fprintf(stderr, "harness live: %s\n  try 'harness live --help'\n", text);
    return 2;
}

/* --- one file --- */

/* What was never judged has not passed. */
static void judge(struct live_job *live)
{
    struct job *job = &live->job;
    struct job_shared *shared = job->shared;
    const struct check_violation *violation = shared->has_violation ? &shared->violation : NULL;
    if (shared->failure.id != EXPLORE_PASSED) job_tell_failure(job);
    job->report.stats = &shared->checks;
    job->report.judged = &shared->judged;
    job->report.verdict = report_judge(job->file, &shared->judged, violation);
    live->told.runs = shared->explored.runs;
    live->told.late = shared->explored.cut;
    if (shared->screen[0] != '\0') job->report.screen = shared->screen;
    /* What was to be seen and was not is no proof of anything. */
    if (job->report.verdict == REPORT_PASS &&
        (shared->checks.judged == 0 || live->words->text[CLI_CONFIRM] != NULL))
        job->report.verdict = REPORT_INCONCLUSIVE;
    if (job->report.verdict == REPORT_PASS && shared->failure.id != EXPLORE_PASSED)
        job->report.verdict = REPORT_FAIL;
}


/* Every now and then while the worker runs. */
static void tick(void *argument)
{
    const struct live_job *live = argument;
    uint64_t runs = live->job.shared->explored.runs;
    char text[256];
    if (interrupt_came()) (void)kill(live->worker.pid, SIGKILL);
    if (!isatty(STDERR_FILENO)) return;
    (void)snprintf(text, sizeof text, "%s  live run %llu of %llu", live->job.file->name,
                   (unsigned long long)(runs < live->words->times ? runs + 1 : runs),
                   (unsigned long long)live->words->times);
    report_progress_line(stderr, text);
}

/* The folder goes whatever becomes of the worker, and of the user's patience. */
static struct worker_result run_worker(struct live_job *live)
{
    live->worker = worker_start(live_work, live);
    struct worker_result result = worker_wait(live->worker, tick, live);
    if (isatty(STDERR_FILENO)) report_progress_erase(stderr);
    live_folder_remove(live->folder);
    interrupt_forget();
    interrupt_obey();
    return result;
}

static void act_out(struct live_job *live)
{
    struct job *job = &live->job;
    char problem[LIVE_PROBLEM_MAX];
    interrupt_catch();
    if (!live_folder_make(live->folder, problem)) {
        interrupt_forget();
        (void)live_fail(live, REPORT_INVALID, "%s\n", problem);
        return;
    }
    struct worker_result result = run_worker(live);
    if (result.end == WORKER_RETURNED && result.code == 0)
        judge(live);
    else if (result.end == WORKER_RETURNED && result.code == LIVE_REFUSED)
        (void)live_fail(live, REPORT_INVALID, "%s", job->shared->problem);
    else if (result.end == WORKER_RETURNED)
        (void)live_fail(live, REPORT_FAULT, "%s", job->shared->problem);
    else if (result.end == WORKER_KILLED)
        (void)live_fail(live, REPORT_FAULT,
                        "the process that acts it out was ended by signal %d (%s)\n", result.code,
                        strsignal(result.code));
    else
        (void)live_fail(live, REPORT_FAULT, "see the message above\n");
}

static void run_file(struct live_job *live, const char *path, struct report_style style)
{
    struct job *job = &live->job;
    if (!job_parse(job, path, live->words)) return;
    /* For its tables: settings, words. */
    job->image = cli_image(NULL, NULL, NULL, 0);
    job->style = style;
    live->told.seed = live->words->given[CLI_SEED] ? live->words->seed : job->file->explore.seed;
    if (!live_prepare(live, path)) return;
    live->told.speed = live->words->given[CLI_SPEED] ? live->words->text[CLI_SPEED] : "1";
    job->report.live = &live->told;
    act_out(live);
}

static int write_config(const struct cli_options *words)
{
    struct job job = {.path = NULL};
    if (!job_parse(&job, words->files[0], words)) {
        fputs(job.report.text ? job.report.text : "", stderr);
        return 2;
    }
    FILE *out = fopen(words->text[CLI_CONFIG], "w");
    if (out != NULL)
        live_write_settings(out, job.file, cli_image_api(cli_image(NULL, NULL, NULL, 0)),
                            words->speed);
    bool good = out != NULL && fclose(out) == 0;
    if (!good)
        fprintf(stderr, "%s: error: cannot write: %s\n", words->text[CLI_CONFIG], strerror(errno));
    job_free(&job);
    return good ? 0 : 5;
}

/* What cannot be asked for together; NULL: everything can. */
static const char *find_contradiction(const struct cli_options *words)
{
    const bool *given = words->given;
    if (given[CLI_CONFIRM] && words->file_count > 1) return "--confirm is for one scenario";
    if (given[CLI_CORE] && !given[CLI_CONFIRM]) return "--core is for --confirm";
    if (!given[CLI_CONNECT] && (given[CLI_TOKEN] || given[CLI_AGENTS] || given[CLI_CA]))
        return "--token, --agents and --ca are for --connect";
    if (given[CLI_CONNECT] && (given[CLI_DAEMON] || given[CLI_CONFIRM]))
        return "--daemon and --confirm are for a daemon that is started, not for --connect";
    if (given[CLI_CONFIG] && words->file_count > 1) return "--write-config is for one scenario";
    return NULL;
}

int command_live(int argc, char **argv)
{
    struct cli_options words;
    if (!cli_options_read("live", allowed, argc, argv, &words)) return 2;
    if (words.given[CLI_HELP]) return help();
    uint32_t count = words.file_count;
    if (count == 0) return usage("no scenario was named");
    const char *problem = find_contradiction(&words);
    if (problem != NULL) return usage(problem);
    if (words.given[CLI_CONFIG]) return write_config(&words);
    struct report_style style = cli_style(&words);
    struct live_job *jobs = calloc(count, sizeof *jobs);
    struct report *reports = calloc(count, sizeof *reports);
    if (jobs == NULL || reports == NULL) return 5;
    for (uint32_t i = 0; i < count; i++) {
        jobs[i].words = &words;
        jobs[i].alone = count == 1;
        run_file(&jobs[i], words.files[i], style);
        reports[i] = jobs[i].job.report;
        report_print(stdout, &reports[i], style);
        fflush(stdout);
    }
    if (count > 1) report_print_summary(stdout, reports, count);
    int status = report_status(reports, count);
    if (!cli_write_files(&words, reports, count) && status == 0) status = 5;
    for (uint32_t i = 0; i < count; i++) job_free(&jobs[i].job);
    free(reports);
    free(jobs);
    return status;
}

int command_live_agent(int argc, char **argv)
{
    if (argc == 1) return live_agent_main(argv[0]);
    fprintf(stderr, "harness live-agent: a daemon of 'harness live' starts it\n");
    return 2;
}

int command_live_server(int argc, char **argv)
{
    if (argc == 2) return live_server_main(argv[0], argv[1]);
    fprintf(stderr, "harness live-server: a daemon of 'harness live' starts it\n");
    return 2;
}
