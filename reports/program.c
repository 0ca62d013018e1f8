/* What one line says of a program in which nothing failed. */
#include "report.h"

#include <inttypes.h>

#include "reports/shard.h"

enum { LATELY = 1000 };

/* Of several parts of an exploration, only all together know what never happened. */
static bool is_part(const struct report *report)
{
    return report->shard != NULL && report->shard->shard.count > 1;
}

static const char *missing(const struct report_program *program)
{
    for (uint32_t i = 0; i < program->sometimes_count; i++) {
        if (!program->sometimes[i].reached) return program->sometimes[i].name;
    }
    return NULL;
}

const char *report_program_doubt(const struct report *report)
{
    static char text[256];
    const struct report_program *program = report->program;
    const struct explore_stats *explored = report->explored;
    const char *name = missing(program);

    if (explored->runs > 0 && explored->runs == program->assumed)
        return "is inconclusive: harness_assume() ended all executions";
    if (explored->runs > 0 && explored->runs == explored->cut) {
        snprintf(text, sizeof text, "never ended within %u steps (HARNESS_STEPS)",
                 program->phases[0].steps_max);
        return text;
    }
    if (name == NULL || program->replayed || is_part(report)) return NULL;
    snprintf(text, sizeof text, "is inconclusive: never true, in no execution: %s", name);
    return text;
}

/* Of an exploration in several phases, how many executions might be delayed. */
static uint64_t runs_delayed(const struct report_program *program)
{
    uint64_t runs = 0;

    for (uint32_t i = 0; program->phase_count > 1 && i < program->phase_count; i++) {
        const struct report_phase *phase = &program->phases[i];
        if (phase->stalls_max + phase->spurious_max > 0) runs += phase->explored.runs;
    }
    return runs;
}

static void print_explored(FILE *out, const struct report *report)
{
    static const char *const words[] = EXPLORE_BOUND_WORDS;
    const struct explore_stats *stats = report->explored;
    const struct report_phase *phase = &report->program->phases[0];
    uint64_t delayed = runs_delayed(report->program);

    if (stats->complete) fputs("complete", out);
    if (stats->complete && stats->bound)
        fprintf(out, " within %u %s%s", stats->bound_count, words[stats->bound],
                stats->bound_count == 1 ? "" : "s");
    if (stats->complete) fputs(": ", out);
    fprintf(out, "%" PRIu64 " run%s (%s%" PRIu64 " distinct)", stats->runs,
            stats->runs == 1 ? "" : "s", stats->distinct_exact ? "" : "about ", stats->distinct);
    if (stats->complete)
        fprintf(out, ", with %u delays and %u spurious wakeups", phase->stalls_max,
                phase->spurious_max);
    if (delayed > 0)
        fprintf(out, ", %" PRIu64 " of them with delays and spurious wakeups", delayed);
    if (stats->cut > 0) fprintf(out, ", %" PRIu64 " of them cut", stats->cut);
}

/* How long executions are, and whether new ones still turn up. */
static void print_totals(FILE *out, const struct explore_stats *stats)
{
    uint64_t last = stats->runs == 0 ? 0 : (stats->runs - 1) % LATELY + 1;

    if (stats->runs < 2) return;
    fprintf(out, "; %" PRIu64 " steps (max %u)", (stats->steps_sum + stats->runs / 2) / stats->runs,
            stats->steps_max);
    if (!stats->complete)
        fprintf(out, ", %" PRIu64 " of the last %" PRIu64 " new", stats->new_lately, last);
}

void report_print_program(FILE *out, const struct report *report)
{
    const struct report_program *program = report->program;
    const char *doubt = report_program_doubt(report);
    char name[256];

    report_name(report, name, sizeof name);
    fprintf(out, "harness: %s ", name);
    if (doubt != NULL) {
        fprintf(out, "%s\n", doubt);
        return;
    }
    fprintf(out, "holds%s", program->replayed ? " when replayed" : "");
    if (is_part(report))
        fprintf(out, " in shard %u/%u", report->shard->shard.index, report->shard->shard.count);
    fprintf(out, ": ");
    print_explored(out, report);
    print_totals(out, report->explored);
    if (program->bytes_reachable > 0)
        fprintf(out, "; %" PRIu64 " bytes were not freed", program->bytes_reachable);
    if (program->descriptors_known > 0)
        fprintf(out, "; %u descriptor%s not closed", program->descriptors_known,
                program->descriptors_known == 1 ? " was" : "s were");
    fputc('\n', out);
}
