/* The corpus of a scenario: what failed before is tried first. */
#include "harness/cli/job.h"
#include "harness/cli/scene.h"
#include "harness/explore/corpus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What choices depend on besides the file: the transport, where the user has chosen it. */
static const char transport_setting[] = "transport=";

static bool same_word(const char *one, const char *other)
{
    return one == other || (one && other && strcmp(one, other) == 0);
}

/* The word that the entry was kept under: "frames", "sockets" or NULL. False: it is none. */
static bool read_settings(const struct corpus_entry *entry, const char **transport)
{
    static const char *const words[] = {"frames", "sockets"};
    size_t length = sizeof transport_setting - 1;
    *transport = NULL;
    if (entry->settings[0] == '\0') return true;
    if (strncmp(entry->settings, transport_setting, length) != 0) return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(entry->settings + length, words[i]) == 0) *transport = words[i];
    }
    return *transport != NULL;
}

/* Makes the transport that of the entry, unless the user has chosen another. */
static bool take_settings(struct job *job, const struct corpus_entry *entry)
{
    struct job_shared *shared = job->shared;
    const char *transport;
    if (!read_settings(entry, &transport)) {
        snprintf(shared->problem, sizeof shared->problem, "'%s' is no setting of a scenario",
                 entry->settings);
        return false;
    }
    if (same_word(transport, job->options->transport)) return true;
    if (job->options->transport) {
        snprintf(shared->problem, sizeof shared->problem,
                 "it was kept with another transport than --transport %s",
                 job->options->transport);
        return false;
    }
    job->kept_options = *job->options;
    job->kept_options.transport = transport;
    job->kept_options.text[CLI_TRANSPORT] = transport;
    job->users_options = job->options;
    job->options = &job->kept_options;
    scene_transport(strcmp(transport, "sockets") == 0 ? STAGE_SOCKETS : STAGE_FRAMES);
    return true;
}

static void forget_settings(struct job *job)
{
    if (job->options != &job->kept_options) return;
    job->options = job->users_options;
    scene_transport(STAGE_AS_TOLD);
}

static void forget(struct job *job)
{
    forget_settings(job);
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
    if (!take_settings(job, &entry)) {
        leave_alone(job);
    } else if (try_entry(job, &entry, result)) {
        job->kept_token = entry.choices;
        return true;
    }
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
    if (job->options->transport) {
        /* An entry of its own: what fails over the one may hold over the other. */
        snprintf(entry.check, sizeof entry.check, "%s-%s", shared->told.name,
                 job->options->transport);
        snprintf(entry.settings, sizeof entry.settings, "%s%s", transport_setting,
                 job->options->transport);
    }
    corpus_reason(&entry, shared->told.text);
    corpus_keep(job->options->corpus, job->file->name, &entry);
    corpus_entry_free(&entry);
}
