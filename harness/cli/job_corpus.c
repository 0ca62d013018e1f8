/* The corpus of a scenario: what failed before is tried first. */
#include "harness/cli/job.h"
#include "harness/explore/corpus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void forget(struct job *job)
{
    job->token = NULL;
    free(job->corpus_file);
    job->corpus_file = NULL;
}

static void leave_alone(struct job *job)
{
    fprintf(stderr, "note: %s was left alone: %.*s\n", job->corpus_file,
            (int)strcspn(job->shared->problem, "\n"), job->shared->problem);
    job->shared->problem[0] = '\0';
}

/* True: it fails, or takes its process down. */
static bool try_entry(struct job *job, const struct corpus_entry *entry,
                      struct worker_result *result)
{
    struct job_shared *shared = job->shared;
    job->token = entry->choices;
    *result = worker_run(job_explore, job, NULL, NULL);
    bool ended = result->end == WORKER_RETURNED;
    if (result->end == WORKER_KILLED) return true;
    if (ended && result->code == 0 && shared->failure.id != EXPLORE_PASSED) return true;
    if (!ended) snprintf(shared->problem, sizeof shared->problem, "its process ended");
    if (ended && result->code == 0) {
        corpus_drop(job->corpus_file);
    } else {
        leave_alone(job);
    }
    shared->checks = (struct check_stats){0};
    return false;
}

/* Whether what is read from there has failed; the path is the job's. */
static bool try_file(struct job *job, char *path, struct worker_result *result)
{
    struct corpus_entry entry;
    job->corpus_file = path;
    job->corpus_damaged = !corpus_read(path, &entry);
    if (job->corpus_damaged) return false;
    if (try_entry(job, &entry, result)) return true; /* the token is in use until the end */
    corpus_entry_free(&entry);
    forget(job);
    return false;
}

bool job_replay_corpus(struct job *job, struct worker_result *result)
{
    uint32_t count;
    bool failed = false;
    if (!job->options->corpus || job->options->choices || job->file->has_schedule) return false;
    if (job->part && job->part->shard.index > 1) return false; /* the first one does */
    char **paths = corpus_files(job->options->corpus, job->file->name, &count);
    job->corpus_damaged = paths == NULL;
    for (uint32_t i = 0; i < count; i++) {
        if (failed || job->corpus_damaged) {
            free(paths[i]);
        } else {
            failed = try_file(job, paths[i], result);
        }
    }
    free(paths);
    return failed || job->corpus_damaged;
}

void job_keep_failure(const struct job *job)
{
    const struct job_shared *shared = job->shared;
    struct corpus_entry entry = {.choices = NULL};
    if (!job->options->corpus || job->options->choices || job->file->has_schedule) return;
    entry.choices = token_write(shared->failure.choices, shared->failure.count);
    if (entry.choices == NULL) return;
    snprintf(entry.check, sizeof entry.check, "%s", shared->told.name);
    corpus_reason(&entry, shared->told.text);
    corpus_keep(job->options->corpus, job->file->name, &entry);
    corpus_entry_free(&entry);
}
