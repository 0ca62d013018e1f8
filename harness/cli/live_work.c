/* The runs of harness live, in a worker. */
#include "commands.h"
#include "interrupt.h"
#include "live_job.h"
#include "scene.h"

#include "harness/cli/image.h"
#include "reports/output.h"
#include "reports/writers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What makes it the same command. */
static const uint64_t again = OPTION(TIMES) | OPTION(SPEED) | OPTION(WALL) | OPTION(DAEMON) |
                              OPTION(CONNECT) | OPTION(CA) | OPTION(TOKEN) | OPTION(AGENTS) |
                              OPTION(CONFIRM) | OPTION(SEED) | OPTION(CORE) | OPTION(HOLD);

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

/* The same command, as it was written. */
static void write_again(const struct live_job *live, char *out, size_t size)
{
    char *command = cli_command("live", live->job.path, live->words, again, NULL);
    (void)snprintf(out, size, "%s", command);
    free(command);
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
        return id == SCENE_REFUSED ? LIVE_REFUSED : LIVE_BROKEN;
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
        return LIVE_BROKEN;
    }
    struct scene_live parts = {live_api(run), live_server(), live_stage(run), live_clock(run),
                               (uint64_t)(LIVE_MARGIN_US * options->speed)};
    const char *refused = scene_init_live(&scene, job->file, &parts);
    if (refused) {
        (void)snprintf(job->shared->problem, sizeof job->shared->problem, "%s\n", refused);
        live_end(run);
        return LIVE_REFUSED;
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

int live_work(void *live_job)
{
    struct live_job *live = live_job;
    const struct cli_options *words = live->words;
    struct job *job = &live->job;
    int code = 0;
    struct live_options options = live->options;
    interrupt_forget();
    if (!begin_world(job)) return LIVE_REFUSED;
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
