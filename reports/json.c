/* The machine-readable summary of a command. */
#include "report.h"

#include "harness/check/require.h"
#include "reports/members.h"
#include "reports/output.h"
#include "reports/shard.h"

enum { SUMMARY_VERSION = 1 };

static void set_text(json_t *object, const char *name, const char *text)
{
    if (text != NULL) member_set(object, name, member_text(text));
}

static json_t *live_of(const struct report_live *live)
{
    json_t *object = json_object();

    member_set(object, "runs", json_integer((json_int_t)live->runs));
    member_set(object, "given_up", json_integer((json_int_t)live->late));
    member_set(object, "seed", json_integer((json_int_t)live->seed));
    member_set(object, "speed", member_text(live->speed));
    return object;
}

static json_t *explored_of(const struct explore_stats *stats, const struct scn_file *file)
{
    json_t *object = json_object();

    member_set(object, "runs", json_integer((json_int_t)stats->runs));
    member_set(object, "distinct", json_integer((json_int_t)stats->distinct));
    member_set(object, "distinct_exact", json_boolean(stats->distinct_exact || stats->runs == 0));
    member_set(object, "cut", json_integer((json_int_t)stats->cut));
    member_set(object, "steps_sum", json_integer((json_int_t)stats->steps_sum));
    member_set(object, "choices_sum", json_integer((json_int_t)stats->choices_sum));
    member_set(object, "steps_min", json_integer(stats->runs > 0 ? stats->steps_min : 0));
    member_set(object, "steps_max", json_integer(stats->steps_max));
    member_set(object, "new_lately", json_integer((json_int_t)stats->new_lately));
    member_set(object, "complete", json_boolean(stats->complete));
    if (stats->bound == EXPLORE_PREEMPTIONS)
        member_set(object, "preemptions", json_integer(stats->bound_count));
    if (stats->bound == EXPLORE_DELAYS)
        member_set(object, "delays", json_integer(stats->bound_count));
    if (file != NULL && file->explore.storm_only)
        member_set(object, "choices", member_text("storm"));
    return object;
}

static json_t *failure_of(const struct report_failure *failure)
{
    json_t *object = json_object();

    member_set(object, "name", member_text(failure->violation.name));
    member_set(object, "line", json_integer(failure->violation.place.line));
    member_set(object, "text", member_text(failure->violation.text));
    member_set(object, "known", json_boolean(failure->violation.known));
    if (failure->strategy != NULL) {
        member_set(object, "run", json_integer((json_int_t)failure->run + 1));
        member_set(object, "strategy", member_text(failure->strategy));
        member_set(object, "seed", json_integer((json_int_t)failure->seed));
        member_set(object, "choices_found", json_integer(failure->choices_found));
    }
    if (failure->clean_runs > 0)
        member_set(object, "clean_runs", json_integer((json_int_t)failure->clean_runs));
    set_text(object, "corpus", failure->corpus);
    member_set(object, "choices", json_integer(cost_choices(&failure->cost)));
    member_set(object, "preemptions", json_integer(failure->cost.of[COST_PREEMPTION]));
    member_set(object, "faults", json_integer(failure->cost.of[COST_FAULT]));
    if (failure->ended_after > 0)
        member_set(object, "shrinking_ended_after", json_integer(failure->ended_after));
    if (failure->no_return != NULL)
        member_set(object, "no_return", member_no_return(failure->no_return));
    set_text(object, "replay", failure->replay);
    set_text(object, "schedule", failure->schedule);
    set_text(object, "folder", failure->folder);
    set_text(object, "source", failure->source);
    if (failure->source != NULL)
        member_set(object, "source_line", json_integer(failure->source_line));
    return object;
}

static json_t *reasons_of(const struct check_verdict *judged)
{
    json_t *list = json_array();

    for (uint32_t i = 0; i < judged->reason_count; i++) {
        json_t *reason = json_object();
        member_set(reason, "line", json_integer(judged->reasons[i].place.line));
        member_set(reason, "text", member_text(judged->reasons[i].text));
        REQUIRE(json_array_append_new(list, reason) == 0);
    }
    return list;
}

static json_t *words_of(const struct report_program *program)
{
    json_t *list = json_array();

    for (uint32_t i = 0; i < program->word_count; i++)
        REQUIRE(json_array_append_new(list, member_text(program->words[i])) == 0);
    return list;
}

static json_t *phases_of(const struct report_program *program)
{
    json_t *list = json_array();

    for (uint32_t i = 0; i < program->phase_count; i++) {
        const struct report_phase *phase = &program->phases[i];
        json_t *object = json_object();
        member_set(object, "stalls", json_integer(phase->stalls_max));
        member_set(object, "spurious", json_integer(phase->spurious_max));
        member_set(object, "steps", json_integer(phase->steps_max));
        member_set(object, "explored", explored_of(&phase->explored, NULL));
        if (phase->shard != NULL) member_set(object, "shard", shard_write(phase->shard));
        REQUIRE(json_array_append_new(list, object) == 0);
    }
    return list;
}

static json_t *sometimes_of(const struct report_program *program)
{
    json_t *list = json_array();

    for (uint32_t i = 0; i < program->sometimes_count; i++) {
        json_t *object = json_object();
        member_set(object, "name", member_text(program->sometimes[i].name));
        member_set(object, "reached", json_boolean(program->sometimes[i].reached));
        REQUIRE(json_array_append_new(list, object) == 0);
    }
    return list;
}

static void add_program(json_t *object, const struct report_program *program)
{
    member_set(object, "arguments", words_of(program));
    if (program->exploration > 0)
        member_set(object, "exploration", json_integer(program->exploration));
    member_set(object, "phases", phases_of(program));
    member_set(object, "sometimes", sometimes_of(program));
    member_set(object, "assumed", json_integer((json_int_t)program->assumed));
    member_set(object, "bytes_reachable", json_integer((json_int_t)program->bytes_reachable));
    member_set(object, "descriptors_known", json_integer(program->descriptors_known));
}

static json_t *subject_of(const struct report *report)
{
    json_t *object = json_object();
    char name[256];

    report_name(report, name, sizeof name);
    member_set(object, "name", member_text(name));
    member_set(object, "path", member_text(report->path));
    member_set(object, "verdict", json_string(report_verdict_word(report->verdict)));
    member_set(object, "status", json_integer(report_verdict_status(report->verdict)));
    if (report->live != NULL) member_set(object, "live", live_of(report->live));
    if (report->explored != NULL)
        member_set(object, "explored", explored_of(report->explored, report->file));
    if (report->program != NULL) add_program(object, report->program);
    if (report->judged != NULL) member_set(object, "reasons", reasons_of(report->judged));
    if (report->failure != NULL) member_set(object, "failure", failure_of(report->failure));
    set_text(object, "text", report->text);
    if (report->shard != NULL) {
        set_text(object, "screen", report->screen);
        member_set(object, "shard", shard_write(report->shard));
    }
    return object;
}

bool report_write_json(const char *path, const struct report *reports, uint32_t count,
                       struct report_problem *problem)
{
    json_t *summary = json_object(), *scenarios = json_array(), *programs = json_array();
    struct output output;

    if (!output_open(&output, NULL, path, problem)) {
        json_decref(programs);
        json_decref(scenarios);
        json_decref(summary);
        return false;
    }
    member_set(summary, "format", json_string("harness-summary"));
    member_set(summary, "version", json_integer(SUMMARY_VERSION));
    member_set(summary, "status", json_integer(report_status(reports, count)));
    for (uint32_t i = 0; i < count; i++)
        REQUIRE(json_array_append_new(reports[i].program != NULL ? programs : scenarios,
                                      subject_of(&reports[i])) == 0);
    member_set(summary, "scenarios", scenarios);
    member_set(summary, "programs", programs);
    /* A failing write leaves its mark in the stream. */
    (void)json_dumpf(summary, output.file, JSON_INDENT(2));
    fputc('\n', output.file);
    json_decref(summary);
    return output_close(&output, problem);
}
