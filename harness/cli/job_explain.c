/* The last act of a failing job: the shrunk execution, told. */
#include "harness/cli/job.h"
#include "harness/cli/pinning.h"
#include "harness/cli/scene.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct scene scene;
static struct pin_note notes[TOKEN_CHOICES_MAX];
static struct pin pins[PINS_MAX];

/* The schedule block, if following it gives the same failure. */
static char *write_schedule(const struct job *job)
{
    const struct explore_failure *failure = &job->shared->failure;
    struct world_result result;
    struct strategy *recorder = strategy_recorder(failure->choices, failure->count, notes,
                                                  TOKEN_CHOICES_MAX);
    explore_execute(&scene.subject, recorder, &result);
    uint32_t count = pins_write(notes, pins, PINS_MAX);
    recorder->free(recorder);
    if (count == 0) return NULL;
    struct strategy *follower = pinning_strategy(job->file, pins, count, NULL);
    uint32_t id = explore_execute(&scene.subject, follower, &result);
    char *text = pinning_text(job->file, pins, count);
    if (id == failure->id) return text;
    fprintf(stderr, "note: the schedule block does not replay (%s)\n%s", world_stop_text(), text);
    free(text);
    return NULL;
}

static void nothing(void *context, const struct world_step *step)
{
    (void)context, (void)step;
}

/* The failing execution itself, with stacks. */
static void replay(const struct job *job, struct world_result *result)
{
    const struct explore_failure *failure = &job->shared->failure;
    world_observe(nothing, NULL);
    world_keep_stacks(true);
    explore_replay(&scene.subject, failure->choices, failure->count, false, result);
    world_observe(NULL, NULL);
}

static void fill(struct job *job, struct report_failure *told, char *replay_line, size_t bytes)
{
    struct job_shared *shared = job->shared;
    char *token = token_write(shared->failure.choices, shared->failure.count);
    snprintf(replay_line, bytes, "./harness run %s --choices %s", job->path, token);
    free(token);
    if (scene.violation) told->violation = *scene.violation;
    told->set = scene.checks;
    told->finding = world_finding_get()->kind == WORLD_FOUND_CHECK ? NULL : world_finding_get();
    told->leak = scene.leaked;
    told->leak_group = scene.leak_group;
    told->run = shared->failure.run;
    told->strategy = job->options->choices || job->file->has_schedule ? NULL
                                                                      : shared->failure.strategy;
    told->seed = job_explore_options(job).strategy.seed;
    told->choices_found = shared->choices_found;
    told->choices = job_deviations(&shared->failure);
    told->replay = replay_line;
}

/* Beside the executable unless told otherwise; written short where that is the current folder. */
static void report_folder(struct job *job)
{
    char own[3072], here[3072];
    const char *parent = job->options->reports;
    cli_own_folder(own, sizeof own);
    bool at_home = getcwd(here, sizeof here) && strcmp(own, here) == 0;
    if (parent) {
        snprintf(job->folder, sizeof job->folder, "%s/%s", parent, job->file->name);
    } else {
        snprintf(job->folder, sizeof job->folder, "%s%sreports/%s", at_home ? "" : own,
                 at_home ? "" : "/", job->file->name);
    }
}

int job_explain(void *argument)
{
    struct job *job = argument;
    struct job_shared *shared = job->shared;
    struct report_failure told = {0};
    struct report_problem problem;
    struct world_result result;
    char *replay_line = malloc(TOKEN_CHOICES_MAX * 8);
    scene_init(&scene, job->file, job->image, NULL);
    char *schedule = write_schedule(job);
    replay(job, &result);
    fill(job, &told, replay_line, TOKEN_CHOICES_MAX * 8);
    told.schedule = schedule;
    if (schedule && job->source) {
        told.pinned = pinning_scenario(job->file, job->source, "pinned", schedule);
    }
    report_folder(job);
    told.folder = job->folder;
    job->report.failure = &told;
    char *screen = report_screen(&job->report, job->style);
    snprintf(shared->screen, sizeof shared->screen, "%s", screen ? screen : "");
    job->report.screen = shared->screen;
    if (!report_write_folder(&job->report, &problem)) fprintf(stderr, "%s\n", problem.text);
    return 0;
}
