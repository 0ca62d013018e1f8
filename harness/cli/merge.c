/* harness merge: what shards have found out about the same scenarios, put together into the report
 * that one run would have given. */
#include "merge.h"

#include "commands.h"
#include "job.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t allowed = OPTION(CORE) | OPTION(TRANSPORT) | OPTION(STRATEGY) |
                                OPTION(DEPTH) | OPTION(SEED) | OPTION(RUNS) | OPTION(JUNIT) |
                                OPTION(JSON) | OPTION(GITHUB) | OPTION(HELP);

enum { PROBLEM_BYTES = 256 };

/* One scenario, as it is put together. */
struct merged {
    struct job job;
    struct merged_end end;
};

static int help(void)
{
    printf("harness merge FILE... [options]\n"
           "\n"
           "Takes what 'harness run --shard I/N --json FILE' has written, once for every I, and\n"
           "prints what one run of everything would have printed. The scenarios have to be there,\n"
           "and the options that changed their exploration have to be given again. It takes what\n"
           "the shards of one program have written, too, and needs nothing else for that.\n"
           "\n");
    cli_options_help(allowed);
    return 0;
}

int merge_complain(const char *path, const char *what)
{
    fprintf(stderr, "%s: error: %s\n", path, what);
    return 2;
}

/* --- reading --- */

static int read_piece(const char *path, struct piece *piece)
{
    json_error_t error;
    *piece = (struct piece){.path = path};
    piece->root = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (piece->root == NULL && json_error_code(&error) == json_error_cannot_open_file) {
        fprintf(stderr, "%s: error: cannot read: %s\n", path, strerror(errno));
        return 2;
    }
    if (piece->root == NULL) {
        fprintf(stderr, "%s:%d:%d: error: %s\n", path, error.line > 0 ? error.line : 1,
                error.column > 0 ? error.column : 1, error.text);
        return 2;
    }
    const char *format = merge_text(piece->root, "format");
    piece->scenarios = json_object_get(piece->root, "scenarios");
    piece->programs = json_object_get(piece->root, "programs");
    if (format && strcmp(format, "harness-summary") == 0 && json_is_array(piece->scenarios)) {
        return 0;
    }
    return merge_complain(path, "this is no report of 'harness run --json'");
}

static const json_t *scenario_at(const struct piece *piece, size_t at)
{
    return json_array_get(piece->scenarios, at);
}

const char *merge_text(const json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

static uint32_t shard_number(const struct piece *piece)
{
    const json_t *program = json_array_get(piece->programs, 0);
    const json_t *first = json_object_get(program ? program : scenario_at(piece, 0), "shard");
    for (size_t i = 1; first == NULL && i < json_array_size(piece->scenarios); i++) {
        first = json_object_get(scenario_at(piece, i), "shard");
    }
    if (first == NULL) return UINT32_MAX; /* all it had was left to the first */
    return (uint32_t)json_integer_value(json_object_get(first, "index"));
}

static int by_number(const void *left, const void *right)
{
    uint32_t a = shard_number(left), b = shard_number(right);
    return a < b ? -1 : a > b;
}

/* --- one scenario --- */

enum report_verdict merge_verdict(const json_t *subject)
{
    const char *word = merge_text(subject, "verdict");
    for (int i = 0; word && i < REPORT_VERDICT_COUNT; i++) {
        if (strcmp(word, report_verdict_word((enum report_verdict)i)) == 0) {
            return (enum report_verdict)i;
        }
    }
    return REPORT_FAULT;
}

uint64_t merge_number(const json_t *object, const char *name)
{
    return (uint64_t)json_integer_value(json_object_get(object, name));
}

static struct explore_cost cost_of(const json_t *from)
{
    uint32_t all = (uint32_t)merge_number(from, "choices");
    uint32_t preemptions = (uint32_t)merge_number(from, "preemptions");
    uint32_t faults = (uint32_t)merge_number(from, "faults");
    return (struct explore_cost){.of = {[COST_FAULT] = faults,
                                        [COST_PREEMPTION] = preemptions,
                                        [COST_OTHER] = all - preemptions - faults}};
}

static void take_failure(const json_t *from, struct report_failure *failure)
{
    const char *name = merge_text(from, "name"), *text = merge_text(from, "text");
    snprintf(failure->violation.name, sizeof failure->violation.name, "%s", name ? name : "");
    snprintf(failure->violation.text, sizeof failure->violation.text, "%s", text ? text : "");
    failure->violation.place.line = (uint32_t)merge_number(from, "line");
    failure->violation.known = json_is_true(json_object_get(from, "known"));
    failure->strategy = merge_text(from, "strategy");
    failure->run = failure->strategy ? merge_number(from, "run") - 1 : 0;
    failure->seed = merge_number(from, "seed");
    failure->choices_found = (uint32_t)merge_number(from, "choices_found");
    failure->cost = cost_of(from);
    failure->clean_runs = merge_number(from, "clean_runs");
    failure->replay = merge_text(from, "replay");
    failure->schedule = merge_text(from, "schedule");
    failure->folder = merge_text(from, "folder");
    failure->source = merge_text(from, "source");
    failure->source_line = (uint32_t)merge_number(from, "source_line");
    failure->corpus = merge_text(from, "corpus");
}

static void take_text(const json_t *from, const char *name, char *out, size_t size)
{
    const char *text = merge_text(from, name);
    snprintf(out, size, "%s", text ? text : "");
}

static void take_no_return(const json_t *from, struct no_return *no_return)
{
    no_return->tried = (uint32_t)merge_number(from, "tried");
    no_return->from_start = json_object_get(from, "step") == NULL;
    no_return->step = (uint32_t)merge_number(from, "step");
    no_return->time_ns = merge_number(from, "time_ns");
    take_text(from, "thread", no_return->thread, sizeof no_return->thread);
    take_text(from, "what", no_return->what, sizeof no_return->what);
    take_text(from, "place", no_return->place, sizeof no_return->place);
}

void merge_end(const json_t *subject, struct report *report, struct merged_end *end)
{
    const json_t *failure = json_object_get(subject, "failure");
    report->verdict = merge_verdict(subject);
    report->text = merge_text(subject, "text");
    report->screen = merge_text(subject, "screen");
    if (failure == NULL) return;
    take_failure(failure, &end->failure);
    const json_t *no_return = json_object_get(failure, "no_return");
    if (no_return != NULL) {
        take_no_return(no_return, &end->no_return);
        end->failure.no_return = &end->no_return;
    }
    report->failure = &end->failure;
}

bool merge_ends(const json_t *subject)
{
    enum report_verdict verdict = merge_verdict(subject);
    return verdict != REPORT_PASS && verdict != REPORT_KNOWN && verdict != REPORT_INCONCLUSIVE;
}

/* A failure ends the exploration, as does what is not about executions at all. */
static void take_end(const json_t *scenario, struct merged *merged)
{
    merge_end(scenario, &merged->job.report, &merged->end);
}

int merge_check(const char *path, const char *subject, const struct report_shard *next,
                struct shard due, const char *key)
{
    char what[2 * PROBLEM_BYTES];
    if (next->shard.index != due.index || next->shard.count != due.count) {
        snprintf(what, sizeof what, "this is shard %u/%u of %s where %u/%u is due: one of them is "
                 "missing, or there twice", next->shard.index, next->shard.count, subject,
                 due.index, due.count);
        return merge_complain(path, what);
    }
    if (strcmp(next->key, key) == 0) return 0;
    snprintf(what, sizeof what, "%s was explored otherwise: %s there, but %s here", subject,
             next->key, key);
    return merge_complain(path, what);
}

/* Checks that the piece is the next part of the same thing; adds it unless all is over. */
static int add_piece(const struct piece *piece, const json_t *scenario, struct shard due,
                     bool over, struct merged *merged)
{
    char problem[PROBLEM_BYTES];
    struct report_shard next;
    struct job *job = &merged->job;
    if (!shard_begin(&next)) return 5;
    int status = 0;
    if (!shard_take(scenario, &next, problem, sizeof problem)) {
        status = merge_complain(piece->path, problem);
    } else {
        status = merge_check(piece->path, job->path, &next, due, job->key);
    }
    if (status == 0 && !over) shard_add(job->part, &next);
    shard_end(&next);
    return status;
}

/* As one run of everything would judge what all executions have shown. */
static int judge(struct merged *merged)
{
    struct job *job = &merged->job;
    job->shared->explored = job->part->stats;
    job->shared->checks = job->part->checks;
    struct report_shard *part = job->part;
    job->part = NULL;
    struct worker_result result = job_judge_apart(job);
    job->part = part;
    job->report.explored = &job->shared->explored;
    job->report.stats = &job->shared->checks;
    job->report.judged = &job->shared->judged;
    if (result.end != WORKER_RETURNED || result.code != 0) return 5;
    if (job->report.failure || job->report.text) return 0;
    job->report.verdict = report_judge(job->file, &job->shared->judged, NULL);
    return 0;
}

/* It was not divided: the first shard has all of it. */
static int take_whole(const struct piece *piece, const json_t *scenario, struct merged *merged)
{
    struct shard all = {1, 1};
    int status = add_piece(piece, scenario, all, true, merged);
    char problem[PROBLEM_BYTES];
    if (status == 0) shard_take(scenario, merged->job.part, problem, sizeof problem);
    if (status == 0 && merge_ends(scenario)) take_end(scenario, merged);
    return status == 0 ? judge(merged) : status;
}

static int merge_scenario(const struct piece *pieces, uint32_t count, size_t at,
                          const struct cli_options *options, struct merged *merged)
{
    struct job *job = &merged->job;
    const json_t *first = scenario_at(&pieces[0], at);
    const char *path = merge_text(first, "path");
    if (path == NULL) return merge_complain(pieces[0].path, "a scenario has no path");
    if (!job_open(job, path, options)) return 0; /* the report says why */
    job->report.runs_max = job_explore_options(job).runs_max;
    job->key = job_key(job);
    job->part = calloc(1, sizeof *job->part);
    if (job->key == NULL || job->part == NULL || !shard_begin(job->part)) return 5;
    const json_t *shard = json_object_get(first, "shard");
    if (shard == NULL) { /* nothing ran */
        take_end(first, merged);
        return 0;
    }
    if (merge_number(shard, "count") == 1) return take_whole(&pieces[0], first, merged);
    bool ended = false;
    for (uint32_t i = 0; i < count; i++) {
        const json_t *scenario = scenario_at(&pieces[i], at);
        const char *there = merge_text(scenario, "path");
        if (there == NULL || strcmp(there, path) != 0) {
            return merge_complain(pieces[i].path,
                                  "these are not the scenarios of the other shards");
        }
        struct shard due = {i + 1, count};
        int status = add_piece(&pieces[i], scenario, due, ended, merged);
        if (status != 0) return status;
        if (!ended && merge_ends(scenario)) {
            take_end(scenario, merged);
            ended = true;
        }
    }
    shard_finish(job->part);
    return judge(merged);
}

/* --- all of them --- */

static int report_all(const struct cli_options *options, const struct merged *merged,
                      uint32_t count)
{
    struct report_style style = cli_style(options);
    struct report *reports = calloc(count + 1, sizeof *reports);
    if (reports == NULL) return 5;
    for (uint32_t i = 0; i < count; i++) {
        reports[i] = merged[i].job.report;
        report_print(stdout, &reports[i], style);
    }
    if (count > 1) report_print_summary(stdout, reports, count);
    int status = report_status(reports, count);
    if (!cli_write_files(options, reports, count) && status == 0) status = 5;
    free(reports);
    return status;
}

static int merge(const struct piece *pieces, uint32_t count, const struct cli_options *options)
{
    uint32_t scenarios = (uint32_t)json_array_size(pieces[0].scenarios);
    struct merged *merged = calloc(scenarios + 1, sizeof *merged);
    if (merged == NULL) return 5;
    int status = 0;
    for (uint32_t i = 0; status == 0 && i < scenarios; i++) {
        status = merge_scenario(pieces, count, i, options, &merged[i]);
    }
    if (status == 0) status = report_all(options, merged, scenarios);
    for (uint32_t i = 0; i < scenarios; i++) job_free(&merged[i].job);
    free(merged);
    return status;
}

int command_merge(int argc, char **argv)
{
    struct cli_options options;
    if (!cli_options_read("merge", allowed, argc, argv, &options)) return 2;
    if (options.given[CLI_HELP]) return help();
    if (options.file_count == 0) {
        fprintf(stderr, "harness merge: no report was named\n  try 'harness merge --help'\n");
        return 2;
    }
    uint32_t count = options.file_count;
    struct piece *pieces = calloc(count, sizeof *pieces);
    if (pieces == NULL) return 5;
    int status = 0;
    for (uint32_t i = 0; status == 0 && i < count; i++) {
        status = read_piece(options.files[i], &pieces[i]);
    }
    if (status == 0) {
        qsort(pieces, count, sizeof *pieces, by_number);
        bool programs = json_array_size(pieces[0].programs) > 0;
        status = programs ? merge_program(pieces, count, &options)
                          : merge(pieces, count, &options);
    }
    for (uint32_t i = 0; i < count; i++) json_decref(pieces[i].root);
    free(pieces);
    return status;
}
