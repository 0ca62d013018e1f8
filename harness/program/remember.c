/* The corpus of a program: what failed before is tried first. */
#include "course.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/explore/corpus.h"
#include "reports/text.h"

enum { SUBJECT_BYTES = 160 };
#define HASH_BEGIN 2166136261u

static uint32_t add_text(uint32_t hash, const char *text)
{
    for (;; text++) {
        hash = (hash ^ (unsigned char)*text) * 16777619u;
        if (*text == '\0') return hash;
    }
}

/* The program's name; with arguments, a number that stands for them. */
static void name_subject(char **words, int count, char *out, size_t size)
{
    uint32_t hash = HASH_BEGIN;
    for (int i = 1; i < count; i++) hash = add_text(hash, words[i]);
    snprintf(out, size, "%s", text_base_name(words[0]));
    size_t used = strlen(out);
    if (count > 1) snprintf(out + used, size - used, "-%08" PRIx32, hash);
}

/* What the choices depend on besides the program. */
#define SETTINGS "stalls=%" PRIu32 " spurious=%" PRIu32 " lag_ns=%" PRIu64 " seed=%" PRIu64 \
    " releases=%d late=%" PRIu32 " weak=%" PRIu32

static void write_settings(const struct world_limits *limits, char *out, size_t size)
{
    snprintf(out, size, SETTINGS, limits->stalls_max, limits->spurious_max, limits->lag_max_ns,
             limits->seed, limits->every_release, limits->late_max, limits->weak_max);
}

static bool read_settings(const char *text, struct world_limits *limits)
{
    char again[128];
    unsigned releases;
    int read = sscanf(text, "stalls=%" SCNu32 " spurious=%" SCNu32 " lag_ns=%" SCNu64
                      " seed=%" SCNu64 " releases=%u late=%" SCNu32 " weak=%" SCNu32,
                      &limits->stalls_max,
                      &limits->spurious_max, &limits->lag_max_ns, &limits->seed, &releases,
                      &limits->late_max, &limits->weak_max);
    limits->every_release = releases == 1;
    write_settings(limits, again, sizeof again);
    return read == 7 && strcmp(text, again) == 0;
}

/* --- replaying --- */

static const struct corpus_entry *now;

static int try(void *argument)
{
    static uint16_t choices[TOKEN_CHOICES_MAX];
    uint32_t count;
    size_t where;
    struct explore_options how = {.runs_max = 1};
    (void)argument;
    const char *problem = token_read(now->choices, choices, &count, &where);
    if (problem) {
        snprintf(shared->problem, sizeof shared->problem, "%s", problem);
        return 1;
    }
    course_prepare(&shared->log, &shared->output);
    how.custom = strategy_replay(choices, count, false);
    if (explore_run(&life.subject, &how, &shared->phases[0].stats, &shared->failure) != 0) {
        return FAULT;
    }
    shared->life = life;
    return 0;
}

static enum corpus_end try_entry(const char *path, int *signal_number)
{
    struct phase *phase = &shared->phases[0];
    struct world_limits usual = phase->limits;
    if (!read_settings(now->settings, &phase->limits)) {
        fprintf(stderr, "%s: error: these are no settings: '%s'; remove the file\n", path,
                now->settings);
        return CORPUS_DAMAGED;
    }
    snprintf(shared->problem, sizeof shared->problem, "its process ended");
    struct worker_result result = worker_run(try, NULL, NULL, NULL);
    *signal_number = result.code;
    if (result.end == WORKER_KILLED) return CORPUS_DIED;
    bool ended = result.end == WORKER_RETURNED && result.code == 0;
    if (ended && shared->failure.id != EXPLORE_PASSED) return CORPUS_FAILED;
    if (ended) {
        corpus_drop(path);
    } else {
        fprintf(stderr, "note: %s was left alone: %s\n", path, shared->problem);
    }
    phase->limits = usual;
    phase->stats = (struct explore_stats){0};
    return CORPUS_PASSED;
}

static enum corpus_end try_file(const char *path, int *signal_number)
{
    struct corpus_entry entry;
    if (!corpus_read(path, &entry)) return CORPUS_DAMAGED;
    now = &entry;
    enum corpus_end end = try_entry(path, signal_number);
    corpus_entry_free(&entry);
    return end;
}

enum corpus_end remember_replay(char **words, int count, char **path, int *signal_number)
{
    char subject[SUBJECT_BYTES];
    uint32_t files;
    enum corpus_end end = CORPUS_PASSED;
    if (!options.corpus || options.choices || options.shard.index > 1) return CORPUS_PASSED;
    name_subject(words, count, subject, sizeof subject);
    char **paths = corpus_files(options.corpus, subject, &files);
    if (paths == NULL) return CORPUS_DAMAGED;
    for (uint32_t i = 0; i < files; i++) {
        if (end == CORPUS_PASSED) end = try_file(paths[i], signal_number);
        if ((end == CORPUS_FAILED || end == CORPUS_DIED) && *path == NULL) {
            *path = paths[i];
        } else {
            free(paths[i]);
        }
    }
    free(paths);
    return end;
}

/* --- keeping --- */

/* Stands for the text of the failure, wherever the program was compiled. */
static uint32_t text_number(void)
{
    const char *text = shared->reason, *from = text;
    for (const char *at = text; *at && *at != ':'; at++) {
        if (*at == '/') from = at + 1;
    }
    return add_text(HASH_BEGIN, from);
}

static void keep(char **words, int count, struct corpus_entry *entry)
{
    const struct explore_failure *failure = &shared->failure;
    char subject[SUBJECT_BYTES];
    if (!options.corpus || options.choices) return;
    entry->choices = token_write(failure->choices, failure->count);
    if (entry->choices == NULL) return;
    corpus_reason(entry, shared->reason);
    write_settings(&shared->phases[shared->phase].limits, entry->settings, sizeof entry->settings);
    name_subject(words, count, subject, sizeof subject);
    corpus_keep(options.corpus, subject, entry);
    corpus_entry_free(entry);
}

void remember_failure(char **words, int count)
{
    const char *kind = world_finding_words[shared->life.finding.kind];
    struct corpus_entry entry = {.choices = NULL};
    if (shared->failure.id >= LIFE_TEXTS) { /* one of several of its kind */
        snprintf(entry.check, sizeof entry.check, "%s-%08" PRIx32, kind, text_number());
    } else {
        snprintf(entry.check, sizeof entry.check, "%s", kind);
    }
    keep(words, count, &entry);
}

void remember_death(char **words, int count, int signal_number)
{
    struct corpus_entry entry = {.choices = NULL};
    snprintf(entry.check, sizeof entry.check, "signal-%d", signal_number);
    keep(words, count, &entry);
}
