/* harness live, and what the daemons of a live run start: live-agent, live-server. */
#include "commands.h"
#include "interrupt.h"
#include "job.h"
#include "live_confirm.h"
#include "scene.h"

#include "harness/cli/image.h"
#include "harness/live/live.h"
#include "reports/output.h"
#include "reports/writers.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const uint64_t allowed = OPTION(TIMES) | OPTION(SPEED) | OPTION(SEED) | OPTION(WALL) |
                                OPTION(DAEMON) | OPTION(CONNECT) | OPTION(TOKEN) |
                                OPTION(AGENTS) | OPTION(CONFIG) | OPTION(CONFIRM) | OPTION(CORE) |
                                OPTION(HOLD) | OPTION(TRACE) | OPTION(FULL) | OPTION(REPORTS) |
                                OPTION(JUNIT) | OPTION(JSON) | OPTION(GITHUB) | OPTION(HELP);
/* What makes it the same command. */
static const uint64_t again = OPTION(TIMES) | OPTION(SPEED) | OPTION(WALL) | OPTION(DAEMON) |
                              OPTION(CONNECT) | OPTION(TOKEN) | OPTION(AGENTS) | OPTION(CONFIRM) |
                              OPTION(CORE) | OPTION(HOLD);
enum { PROBLEM = 1, BROKEN = 2, NOTES_MAX = 8192 };

struct live_job {
    struct job job;
    const struct cli_options *words;
    struct report_live told;
    char notes[NOTES_MAX];      /* what is left out, or why nothing was done */
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

/* --- what cannot be done --- */

static void note(void *context, bool hard, struct scn_place place, const char *text)
{
    struct live_job *live = context;
    size_t used = strlen(live->notes);
    const char *word = !hard ? "left out" : live->alone ? "refused" : "skipped";
    live->refusals += hard;
    (void)snprintf(live->notes + used, sizeof live->notes - used, "     %s: line %u: %s\n", word,
                   place.line, text);
}

static bool fail(struct live_job *live, enum report_verdict verdict, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static bool fail(struct live_job *live, enum report_verdict verdict, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(live->problem, sizeof live->problem, format, arguments);
    va_end(arguments);
    live->job.report.verdict = verdict;
    live->job.report.text = live->problem;
    return false;
}

/* False: nobody is there, as the report says. */
static bool can_connect(struct live_job *live)
{
    char problem[LIVE_PROBLEM_MAX];
    if (live_ask_elsewhere(&live->options, live->job.file, cli_image_api(live->job.image), note,
                           live, problem))
        return true;
    return fail(live, REPORT_FAULT, "%s\n", problem);
}

/* False: the report says why not. */
static bool is_possible(struct live_job *live)
{
    struct report *report = &live->job.report;
    stage_live_demands(live->job.file, live->words->given[CLI_CONNECT], note, live);
    if (live->words->given[CLI_CONNECT] && !can_connect(live)) return false;
    report->text = live->notes[0] != '\0' ? live->notes : NULL;
    if (live->refusals == 0) return true;
    report->verdict = live->alone ? REPORT_INVALID : REPORT_SKIPPED;
    return false;
}

/* --- runs, in a worker --- */

static struct scene scene;

static void take_log(void)
{
    static struct world_choice log[WORLD_STEPS_MAX];
    static volatile uint32_t used;
    world_choice_log(log, WORLD_STEPS_MAX, &used);
}

/* The world of this process; its scene is made anew for every run. */
static bool begin_world(struct job *job)
{
    const char *problem = scene_init(&scene, job->file, job->image, &job->shared->log);
    if (problem) {
        (void)snprintf(job->shared->problem, sizeof job->shared->problem, "%s\n", problem);
        return false;
    }
    stage_free(scene.stage);
    take_log();
    return true;
}

/* What the daemons wrote beside their log: the reports of sanitizers. */
static void write_complaints(const struct job *job, const struct live *live)
{
    char path[LIVE_PATH_MAX + 32];
    (void)snprintf(path, sizeof path, "%s/sessiond.txt", job->folder);
    (void)unlink(path); /* another failure's */
    if (live_complaints(live)[0] == '\0') return;
    FILE *out = fopen(path, "w");
    if (out == NULL) return;
    fputs(live_complaints(live), out);
    fclose(out);
}

/* The same command, as it was written; the seed may be the file's. */
static void write_again(const struct live_job *live, char *out, size_t size)
{
    (void)snprintf(out, size, "./harness live %s --seed %llu", live->job.path,
                   (unsigned long long)live->told.seed);
    cli_options_write(live->words, again, out, size);
}

/* What was found in a daemon: nobody's stack here has to do with it. */
static const struct world_finding *find_outside(void)
{
    static struct world_finding finding;
    finding = *world_finding_get();
    finding.stack.depth = finding.other_stack.depth = 0;
    return &finding;
}

/* The run that has just failed in this process. */
static void explain(struct live_job *live, const struct live *run)
{
    struct job *job = &live->job;
    struct job_shared *shared = job->shared;
    shared->has_violation = scene.violation != NULL;
    if (scene.violation) shared->violation = shared->told = *scene.violation;
    write_again(live, shared->replay, sizeof shared->replay);
    job_tell_failure(job);
    job->failure.set = scene.checks;
    if (world_finding_get()->kind != WORLD_FOUND_CHECK) job->failure.finding = find_outside();
    job->report.verdict = REPORT_FAIL;
    job_write_report(job);
    if (!shared->no_folder) write_complaints(job, run);
}

/* The records of the run that has just ended. */
static void write_trace(const struct live_job *live)
{
    struct report_problem problem;
    struct output output;
    uint32_t count;
    const struct record *records = record_all(&count);
    if (live->words->text[CLI_TRACE] == NULL) return;
    bool open = output_open(&output, NULL, live->words->text[CLI_TRACE], &problem);
    if (open) jsonl_write(output.file, &live->job.report, records, count);
    if (!open || !output_close(&output, &problem)) fprintf(stderr, "%s\n", problem.text);
}

static int tell_end(struct live_job *live, struct live *run, uint32_t id, bool cut)
{
    struct job_shared *shared = live->job.shared;
    shared->explored.runs++;
    shared->explored.cut += cut;
    shared->failure.id = id;
    write_trace(live);
    if (id == EXPLORE_PASSED) return 0;
    if (id == SCENE_REFUSED || id == SCENE_DIVERGED) {
        (void)snprintf(shared->problem, sizeof shared->problem, "%s\n%s",
                       id == SCENE_REFUSED ? stage_refused(scene.stage) : world_stop_text(),
                       live_complaints(run));
        return id == SCENE_REFUSED ? PROBLEM : BROKEN;
    }
    live->told.runs = shared->explored.runs;
    explain(live, run);
    return 0;
}

static int run_once(struct live_job *live, const struct live_options *options)
{
    struct job *job = &live->job;
    char problem[LIVE_PROBLEM_MAX];
    struct live *run = live_begin(options, job->file, cli_image_api(job->image), problem);
    if (run == NULL) {
        (void)snprintf(job->shared->problem, sizeof job->shared->problem, "%s\n", problem);
        return BROKEN;
    }
    struct scene_live parts = {live_api(run), live_server(), live_stage(run), live_clock(run),
                               (uint64_t)(LIVE_MARGIN_US * options->speed)};
    const char *refused = scene_init_live(&scene, job->file, &parts);
    if (refused) {
        (void)snprintf(job->shared->problem, sizeof job->shared->problem, "%s\n", refused);
        live_end(run);
        return PROBLEM;
    }
    live_attach(run, scene.stage);
    const struct explore_subject *subject = &scene.subject;
    subject->before(subject->context);
    struct world_result result =
        world_run(live_chooser(run), subject->name, subject->body, subject->context);
    int code = tell_end(live, run, subject->judge(subject->context, &result),
                        result.end == WORLD_CUT);
    scene_end_live(&scene);
    live_end(run);
    return code;
}

/* Another length in every run, and every time in it. */
static void hold_back(struct live_job *live, struct live_options *options)
{
    if (live->words->text[CLI_CONFIRM] == NULL) return;
    (void)snprintf(live->hold, sizeof live->hold, "%llu:%llu:%s",
                   (unsigned long long)live->words->hold_us,
                   (unsigned long long)(options->seed * 1000003 + options->run),
                   live->confirm.ranges);
    options->delays = live->hold;
    options->preload = live->preload;
}

static int work(void *argument)
{
    struct live_job *live = argument;
    const struct cli_options *words = live->words;
    struct job *job = &live->job;
    int code = 0;
    struct live_options options = live->options;
    interrupt_forget();
    if (!begin_world(job)) return PROBLEM;
    for (; options.run < words->times && code == 0; options.run++) {
        hold_back(live, &options);
        code = run_once(live, &options);
        if (job->shared->failure.id != EXPLORE_PASSED) break;
    }
    job->shared->checks = *check_stats_of(scene.checks);
    /* Chance may leave out what only many runs can show. */
    struct check_circumstances circumstances = {.replay = true};
    check_verdict(scene.checks, &job->shared->checks, circumstances, &job->shared->judged);
    return code;
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

/* False: the report says why not. */
static bool find_programs(struct live_job *live)
{
    char own[LIVE_PATH_MAX / 2];
    struct stat status;
    cli_own_folder(own, sizeof own);
    (void)snprintf(live->helper, sizeof live->helper, "%s/harness", own);
    if (live->words->text[CLI_DAEMON])
        (void)snprintf(live->daemon, sizeof live->daemon, "%s", live->words->text[CLI_DAEMON]);
    else
        (void)snprintf(live->daemon, sizeof live->daemon, "%s/sessiond", own);
    if (live->words->given[CLI_CONNECT]) return true;
    if (stat(live->daemon, &status) == 0 && S_ISDIR(status.st_mode)) errno = EISDIR;
    else if (access(live->daemon, X_OK) == 0) return true;
    return fail(live, REPORT_INVALID, "%s: %s\n  '--daemon FILE' names the sessiond to start\n",
                live->daemon, strerror(errno));
}

/* In the folder of a build, or where it is installed. False: the report says why not. */
static bool find_preload(struct live_job *live)
{
    char own[LIVE_PATH_MAX / 2];
    cli_own_folder(own, sizeof own);
    (void)snprintf(live->preload, sizeof live->preload, "%s/live-hold.so", own);
    if (access(live->preload, R_OK) != 0)
        (void)snprintf(live->preload, sizeof live->preload, "%s/../lib/harness/live-hold.so", own);
    if (access(live->preload, R_OK) != 0)
        return fail(live, REPORT_INVALID, "%s: %s\n  --confirm holds threads back by it; it is "
                    "installed with the harness\n", live->preload, strerror(errno));
    if (strpbrk(live->preload, " :") == NULL) return true;
    return fail(live, REPORT_INVALID, "%s: --confirm has a daemon load it (LD_PRELOAD), which "
                "cannot be told a path with a space or a colon\n  install the harness elsewhere\n",
                live->preload);
}

/* False: the report says why not. */
static bool prepare_confirm(struct live_job *live, const char *path)
{
    size_t used = strlen(live->notes);
    if (!find_preload(live)) return false;
    bool found = confirm_find(&live->confirm, path, live->words, live->daemon);
    (void)snprintf(live->notes + used, sizeof live->notes - used, "%s", live->confirm.text);
    live->job.report.text = live->notes;
    if (!found) live->job.report.verdict = REPORT_INVALID;
    return found;
}

/* Sessions of a daemon that goes on are told from those of other runs by when these began. */
static void set_options(struct live_job *live)
{
    const struct cli_options *words = live->words;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    (void)snprintf(live->tag, sizeof live->tag, "%llx%05x", (unsigned long long)now.tv_sec,
                   (unsigned)(now.tv_nsec / 1000));
    live->options = (struct live_options){
        .folder = live->folder, .daemon = live->daemon, .helper = live->helper,
        .connect = words->text[CLI_CONNECT], .tokens = words->text[CLI_TOKEN],
        .agents = words->text[CLI_AGENTS], .tag = live->tag, .speed = words->speed,
        .wall_us = words->wall_us, .seed = live->told.seed};
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
    live->worker = worker_start(work, live);
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
        (void)fail(live, REPORT_INVALID, "%s\n", problem);
        return;
    }
    struct worker_result result = run_worker(live);
    if (result.end == WORKER_RETURNED && result.code == 0)
        judge(live);
    else if (result.end == WORKER_RETURNED && result.code == PROBLEM)
        (void)fail(live, REPORT_INVALID, "%s", job->shared->problem);
    else if (result.end == WORKER_RETURNED)
        (void)fail(live, REPORT_FAULT, "%s", job->shared->problem);
    else if (result.end == WORKER_KILLED)
        (void)fail(live, REPORT_FAULT, "the process that acts it out was ended by signal %d (%s)\n",
                   result.code, strsignal(result.code));
    else
        (void)fail(live, REPORT_FAULT, "see the message above\n");
}

static void run_file(struct live_job *live, const char *path, struct report_style style)
{
    struct job *job = &live->job;
    if (!job_parse(job, path, live->words)) return;
    /* For its tables: settings, words. */
    job->image = cli_image(NULL, NULL, NULL, 0);
    job->style = style;
    live->told.seed = live->words->given[CLI_SEED] ? live->words->seed : job->file->explore.seed;
    if (!find_programs(live)) return;
    set_options(live);
    if (!is_possible(live)) return;
    if (live->words->given[CLI_CONFIRM] && !prepare_confirm(live, path)) return;
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
    if (!given[CLI_CONNECT] && (given[CLI_TOKEN] || given[CLI_AGENTS]))
        return "--token and --agents are for --connect";
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
