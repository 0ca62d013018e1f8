#include "summary.h"

#include <stdlib.h>
#include <string.h>

#include "course.h"
#include "harness/check/require.h"
#include "reports/shard.h"

/* One exploration; a unit test has several. */
struct chapter {
    struct report_program program;
    struct report_phase phases[PHASES];
    struct report_promise sometimes[SOMETIMES_MAX];
    struct explore_stats explored;
    struct report_failure failure;
    struct no_return no_return;
    char *replay;
};

static struct report *reports;
static uint32_t count;

static char *copy_text(const char *text)
{
    char *copy = text && text[0] ? strdup(text) : NULL;
    REQUIRE(copy != NULL || text == NULL || text[0] == '\0');
    return copy;
}

/* --- what was explored --- */

static void take_phases(struct chapter *chapter)
{
    for (uint32_t i = 0; i < shared->phase_count; i++) {
        const struct phase *phase = &shared->phases[i];
        chapter->phases[i] = (struct report_phase){
            .stalls_max = phase->limits.stalls_max,
            .spurious_max = phase->limits.spurious_max,
            .steps_max = phase->limits.steps_max,
            .explored = phase->stats,
            .shard = phases_part(i),
        };
    }
}

static void take_sometimes(struct chapter *chapter)
{
    for (uint32_t i = 0; i < shared->promises.count; i++) {
        chapter->sometimes[i] = (struct report_promise){
            copy_text(shared->promises.sometimes[i].name), shared->promises.sometimes[i].reached};
    }
}

static struct report begin_report(struct chapter *chapter, const struct tell *tell)
{
    take_phases(chapter);
    take_sometimes(chapter);
    chapter->explored = phases_total();
    chapter->program = (struct report_program){
        .name = copy_text(tell->name),
        .words = tell->words + 1,
        .word_count = (uint32_t)(tell->word_count > 0 ? tell->word_count - 1 : 0),
        .exploration = tell->exploration,
        .replayed = tell->options->choices != NULL,
        .phases = chapter->phases,
        .phase_count = shared->phase_count,
        .sometimes = chapter->sometimes,
        .sometimes_count = shared->promises.count,
        .assumed = shared->promises.assumed,
        .bytes_reachable = shared->life.bytes_reachable,
        .descriptors_known = shared->life.descriptors_known,
    };
    return (struct report){
        .path = tell->path,
        .explored = &chapter->explored,
        .runs_max = tell->options->runs,
        .shard = phases_part(0),
        .program = &chapter->program,
    };
}

static void take_replay(struct chapter *chapter, const struct tell *tell)
{
    size_t bytes;
    FILE *out = open_memstream(&chapter->replay, &bytes);
    REQUIRE(out != NULL);
    tell_replay(out, tell);
    REQUIRE(fclose(out) == 0);
    chapter->replay[strcspn(chapter->replay, "\n")] = '\0';
}

static void take_failure(struct report *report, struct chapter *chapter, const struct tell *tell)
{
    struct report_failure *failure = &chapter->failure;
    *failure = tell_found_how(tell);
    snprintf(failure->violation.name, sizeof failure->violation.name, "%s",
             world_finding_words[shared->life.finding.kind]);
    snprintf(failure->violation.text, sizeof failure->violation.text, "%.*s",
             (int)sizeof failure->violation.text - 1, shared->reason);
    failure->strategy = copy_text(failure->strategy);
    take_replay(chapter, tell);
    failure->replay = chapter->replay;
    failure->folder = copy_text(tell->folder);
    failure->source = copy_text(shared->source);
    failure->source_line = shared->source_line;
    chapter->no_return = shared->no_return;
    if (shared->has_no_return) failure->no_return = &chapter->no_return;
    report->failure = failure;
    report->screen = copy_text(shared->screen);
}

/* --- files --- */

static bool write_files(void)
{
    struct report_problem problem;
    bool good = (!options.json || report_write_json(options.json, reports, count, &problem)) &&
                (!options.junit || report_write_junit(options.junit, reports, count, &problem));
    if (!good) fprintf(stderr, "harness: %s\n", problem.text);
    return good;
}

bool summary_begin(void)
{
    return write_files();
}

int summary_end(int status, enum report_verdict verdict, const char *text,
                const struct tell *tell, bool failed)
{
    if (!options.json && !options.junit && !options.github) return status;
    struct chapter *chapter = calloc(1, sizeof *chapter);
    reports = realloc(reports, (count + 1) * sizeof *reports);
    REQUIRE(chapter != NULL && reports != NULL);
    struct report *report = &reports[count++];
    *report = begin_report(chapter, tell);
    report->verdict = verdict;
    report->text = copy_text(text);
    if (failed) take_failure(report, chapter, tell);
    if (options.github) report_annotate(stderr, report, 1, getenv("GITHUB_WORKSPACE"));
    return write_files() || status != 0 ? status : FAULT;
}

enum report_verdict summary_judge(FILE *out, const struct tell *tell, const char **doubt)
{
    struct chapter *chapter = calloc(1, sizeof *chapter);
    REQUIRE(chapter != NULL);
    struct report report = begin_report(chapter, tell);
    *doubt = report_program_doubt(&report);
    if (out) report_print_program(out, &report);
    for (uint32_t i = 0; i < chapter->program.sometimes_count; i++) {
        free((char *)(uintptr_t)chapter->sometimes[i].name);
    }
    free((char *)(uintptr_t)chapter->program.name);
    free(chapter);
    return *doubt ? REPORT_INCONCLUSIVE : REPORT_PASS;
}
