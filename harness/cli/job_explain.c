/* The last act of a failing job: the shrunk execution, told. */
#include "harness/cli/job.h"
#include "harness/cli/pinning.h"
#include "harness/cli/scene.h"
#include "reports/decided.h"
#include "reports/text.h"
#include "reports/trail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct scene scene;
static struct pin_note notes[TOKEN_CHOICES_MAX];
static struct pin pins[PINS_MAX];

/* Whether that schedule, read as a user's file would be, leads to the same failure. */
static bool leads_there(const struct job *job, const char *schedule)
{
    static struct pin read[PINS_MAX];
    const struct scn_options words = job_words();
    struct scn_diagnostics diagnostics;
    struct world_result result;
    char *text = pinning_scenario(job->file, job->source, "pinned", schedule,
                                  job->options->transport);
    const struct scn_file *file =
        scn_parse_bytes("pinned.scn", text, strlen(text), &words, &diagnostics);
    if (file == NULL) scn_print_diagnostics(stderr, &diagnostics);
    scn_diagnostics_free(&diagnostics);
    free(text);
    if (file == NULL) return false;
    /* The files agree in all that the pins speak of; the scene belongs to the first. */
    struct strategy *follower = pinning_strategy(job->file, read, pinning_read(file, read), NULL);
    uint32_t id = explore_execute(&scene.subject, follower, &result);
    scn_file_free(file);
    return id == job->shared->failure.id;
}

/* The text of the pins, if following it gives the same failure. */
static char *told_by(const struct job *job, const struct pin *told, uint32_t count)
{
    char *schedule = pinning_text(job->file, told, count);
    if (leads_there(job, schedule)) return schedule;
    free(schedule);
    return NULL;
}

static char *write_schedule(const struct job *job)
{
    static struct pin merged[PINS_MAX];
    const struct explore_failure *failure = &job->shared->failure;
    struct world_result result;
    struct strategy *recorder =
        strategy_recorder(failure->choices, failure->count, notes, TOKEN_CHOICES_MAX);
    explore_execute(&scene.subject, recorder, &result);
    uint32_t count = pins_write(notes, pins, PINS_MAX);
    recorder->free(recorder);
    if (count == 0) return NULL;
    memcpy(merged, pins, count * sizeof *pins);
    char *text = told_by(job, merged, pins_merge(merged, count));
    if (text == NULL) text = told_by(job, pins, count);
    if (text == NULL) fprintf(stderr, "note: no schedule block replays this failure exactly\n");
    return text;
}

/* The failing execution itself, with stacks. */
static void replay(const struct job *job, struct world_result *result)
{
    const struct explore_failure *failure = &job->shared->failure;
    trail_watch(NULL);
    trail_begin();
    world_keep_stacks(true);
    explore_replay(&scene.subject, failure->choices, failure->count, false, result);
    world_observe(NULL, NULL);
}

/* Unless told otherwise: beside the executable of a build, written short where that is the current
 * folder; in the current folder where the harness is installed. */
static void report_folder(struct job *job)
{
    char own[3072], here[3072];
    const char *parent = job->options->reports;
    cli_own_folder(own, sizeof own);
    bool short_name = strcmp(text_base_name(own), "bin") == 0 ||
                      (getcwd(here, sizeof here) && strcmp(own, here) == 0);
    if (parent) {
        snprintf(job->folder, sizeof job->folder, "%s/%s", parent, job->file->name);
    } else {
        snprintf(job->folder, sizeof job->folder, "%s%sreports/%s", short_name ? "" : own,
                 short_name ? "" : "/", job->file->name);
    }
}

void job_tell_failure(struct job *job)
{
    struct job_shared *shared = job->shared;
    bool replayed = job->options->choices || job->token || job->file->has_schedule;
    job->failure.corpus = job->corpus_file;
    job->failure.violation = shared->told;
    job->failure.run = shared->failure.run;
    job->failure.strategy = replayed ? NULL : shared->failure.strategy;
    job->failure.seed = job_explore_options(job).strategy.seed;
    job->failure.choices_found = shared->choices_found;
    job->failure.cost = shared->failure.cost;
    job->failure.ended_after = shared->failure.ended_after;
    job->failure.accesses = shared->failure.accesses;
    job->failure.replay = shared->replay;
    job->failure.folder = shared->no_folder ? NULL : job->folder;
    bool sampled = !replayed && job_explore_options(job).strategy.kind != EXPLORE_DFS;
    job->failure.clean_runs = sampled ? report_clean_runs(shared->failure.run) : 0;
    job->failure.no_return = shared->has_no_return ? &shared->no_return : NULL;
    report_folder(job);
    job->report.failure = &job->failure;
}

static void write_replay_line(struct job *job)
{
    struct job_shared *shared = job->shared;
    char *token = token_write(shared->failure.choices, shared->failure.count);
    char *command = cli_command("run", job->path, job->options, CLI_SUBJECT, token);
    snprintf(shared->replay, sizeof shared->replay, "%s", command);
    free(command);
    free(token);
}

int job_decide(void *argument)
{
    struct job *job = argument;
    scene_init(&scene, job->file, job->image, NULL);
    explore_decisive(&scene.subject, &job->shared->failure, &job->shared->decisive);
    return 0;
}

/* NULL where nobody looked: each execution takes seconds, or the failure is wanted as it is. */
static char *write_decisive(const struct job *job)
{
    const struct job_shared *shared = job->shared;
    bool looked = !shared->endless && !job->options->given[CLI_NO_SHRINK];
    char *text = NULL;
    size_t bytes;
    FILE *out = looked ? open_memstream(&text, &bytes) : NULL;
    if (out == NULL) return NULL;
    decided_print(out, &shared->decisive);
    fclose(out);
    return text;
}

static void write_screen(struct job *job)
{
    char *screen = report_screen(&job->report, job->style);
    snprintf(job->shared->screen, sizeof job->shared->screen, "%s", screen ? screen : "");
    job->report.screen = job->shared->screen;
    free(screen);
}

void job_write_report(struct job *job)
{
    struct report_problem problem;
    write_screen(job);
    if (report_write_folder(&job->report, &problem)) return;
    fprintf(stderr, "%s\n  '--reports DIR' names another folder\n", problem.text);
    job->shared->no_folder = true;
    job->failure.folder = NULL;
    write_screen(job);
}

int job_explain(void *argument)
{
    struct job *job = argument;
    struct job_shared *shared = job->shared;
    struct world_result result;
    scene_init(&scene, job->file, job->image, NULL);
    job_expect_loop(job);
    char *schedule = write_schedule(job);
    replay(job, &result);
    if (scene.violation) shared->told = *scene.violation;
    shared->has_no_return = no_return_find(&shared->inevitable, &shared->no_return);
    write_replay_line(job);
    job_tell_failure(job);
    struct report_failure *told = &job->failure;
    told->set = scene.checks;
    told->finding = world_finding_get()->kind == WORLD_FOUND_CHECK ? NULL : world_finding_get();
    told->leak = scene.leaked;
    told->leak_group = scene.leak_group;
    told->schedule = schedule;
    told->decided = write_decisive(job);
    told->decisive = shared->decisive.found ? &shared->decisive : NULL;
    if (schedule && job->source) {
        told->pinned = pinning_scenario(job->file, job->source, "pinned", schedule,
                                        job->options->transport);
    }
    job_write_report(job);
    return 0;
}
