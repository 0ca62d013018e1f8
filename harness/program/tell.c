#include "tell.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "harness/check/require.h"
#include "leaks.h"
#include "reports/decided.h"
#include "reports/finding.h"
#include "reports/symbols.h"
#include "reports/text.h"
#include "steps.h"

enum { INDENT = 5, ROWS = 22, OUTPUT_LINES = 8, BLOCKS_MAX = 256 };

int tell_status(enum world_finding_kind kind)
{
    switch (kind) {
    case WORLD_FOUND_CRASH:
    case WORLD_FOUND_STACK_OVERFLOW:
        return 4;
    case WORLD_FOUND_UNCONTROLLED:
        return 5;
    default:
        return 1;
    }
}

const char *tell_verdict(enum world_finding_kind kind)
{
    int status = tell_status(kind);
    return status == 4 ? "CRASH" : status == 5 ? "REFUSED" : "FAIL";
}

/* --- what was found --- */

static void print_sentence(FILE *out, const char *text)
{
    char *expanded = symbols_expand(text);
    text_wrap(out, 0, INDENT, expanded);
    free(expanded);
}

static void print_found(FILE *out, const struct life *life)
{
    static struct world_block blocks[BLOCKS_MAX];
    if (life->finding.kind == WORLD_FOUND_LEAK && life->finding.detail[0] == '\0') {
        finding_print_blocks(out, blocks, leaks_blocks(blocks, BLOCKS_MAX));
        return;
    }
    struct report_failure failure = {.finding = &life->finding};
    finding_print(out, &failure);
}

static void print_verdict(FILE *out, const char *name, enum world_finding_kind kind)
{
    fprintf(out, "%s %s  %s\n", tell_verdict(kind), name, world_finding_words[kind]);
}

void tell_finding(FILE *out, const char *path, const struct life *life)
{
    print_verdict(out, text_base_name(path), life->finding.kind);
    print_sentence(out, life->finding.text);
    print_found(out, life);
}

struct report_failure tell_found_how(const struct tell *tell)
{
    const struct explore_failure *failure = tell->failure;
    const struct program_options *options = tell->options;
    bool replayed = options->choices || tell->corpus;
    bool sampled = !replayed && program_is_sampler(options->strategy);
    return (struct report_failure){
        .run = failure->run,
        .strategy = replayed ? NULL : failure->strategy,
        .corpus = options->choices ? NULL : tell->corpus,
        .seed = options->seed,
        .choices_found = tell->choices_found,
        .cost = failure->cost,
        .ended_after = failure->ended_after,
        .accesses = failure->accesses,
        .clean_runs = sampled ? report_clean_runs(failure->run) : 0,
    };
}

void tell_origin(const struct tell *tell, char *out, size_t size)
{
    struct report_failure failure = tell_found_how(tell);
    struct report report = {.failure = &failure, .runs_max = tell->options->runs};
    report_origin(&report, out, size);
    size_t used = strlen(out);
    if (used + 2 >= size) return;
    out[used++] = '\n';
    report_fix(&report, out + used, size - used);
    if (out[used] == '\0') out[used - 1] = '\0';
}

void tell_found(FILE *out, const struct tell *tell)
{
    print_found(out, tell->life);
}

/* --- the way to see it again --- */

void tell_replay(FILE *out, const struct tell *tell)
{
    const struct program_options *options = tell->options;
    char *token = token_write(tell->failure->choices, tell->failure->count);
    REQUIRE(token != NULL);
    fprintf(out, "HARNESS_CHOICES=%s", token);
    free(token);
    /* The same choices mean the same only under the same limits. */
    if (options->strategy == EXPLORE_EXHAUSTIVE) fprintf(out, " HARNESS_STRATEGY=exhaustive");
    fprintf(out, " HARNESS_STALLS=%u HARNESS_SPURIOUS=%u", tell->limits->stalls_max,
            tell->limits->spurious_max);
    bool strained = tell->limits->stalls_max + tell->limits->spurious_max > 0;
    if (tell->limits->late_max != strained) {
        fprintf(out, " HARNESS_LATE=%u", tell->limits->late_max);
    }
    if (options->given[PROGRAM_WEAK] || (strained != (tell->limits->weak_max > 0))) {
        fprintf(out, " HARNESS_WEAK=%u", tell->limits->weak_max);
    }
    if (options->given[PROGRAM_RACES]) fprintf(out, " HARNESS_RACES=%d", options->races);
    if (!options->leaks) fprintf(out, " HARNESS_LEAKS=0");
    if (options->memory_points) fprintf(out, " HARNESS_POINTS=memory");
    if (options->given[PROGRAM_LAG]) fprintf(out, " HARNESS_LAG=%" PRIu64 "us",
                                             options->lag_ns / 1000);
    if (options->given[PROGRAM_SEED]) fprintf(out, " HARNESS_SEED=%" PRIu64, options->seed);
    if (options->given[PROGRAM_STEPS]) fprintf(out, " HARNESS_STEPS=%u", options->steps);
    if (options->status != 0) fprintf(out, " HARNESS_STATUS=%u", options->status);
    if (tell->exploration > 0) fprintf(out, " HARNESS_EXPLORATION=%u", tell->exploration);
    fputc(' ', out);
    text_word(out, tell->path);
    for (int i = 1; i < tell->word_count; i++) {
        fputc(' ', out);
        text_word(out, tell->words[i]);
    }
    fputc('\n', out);
}

/* --- the screen --- */

/* The last lines of the failing execution's output. */
static void print_output(FILE *out, const struct tell *tell)
{
    char *text = capture_text(tell->output), *from = text;
    uint32_t lines = text_lines(text);
    size_t length = strlen(text);
    if (length > 0 && text[length - 1] != '\n') lines++;
    uint32_t skip = tell->options->full || lines <= OUTPUT_LINES ? 0 : lines - OUTPUT_LINES;
    if (lines > 0) fprintf(out, "  output of this execution\n");
    if (skip > 0) fprintf(out, "      ... %u lines before\n", skip);
    for (uint32_t i = 0; i < skip; i++) from = strchr(from, '\n') + 1;
    while (*from) {
        int line = (int)strcspn(from, "\n");
        fprintf(out, "    | %.*s\n", line, from);
        from += line + (from[line] == '\n');
    }
    if (lines > 0) fputc('\n', out);
    free(text);
}

void tell_failure(FILE *out, const struct tell *tell)
{
    const struct life *life = tell->life;
    enum world_finding_kind kind = life->finding.kind;
    char text[512];
    print_verdict(out, tell->name, kind);
    print_sentence(out, life->finding.text);
    tell_origin(tell, text, sizeof text);
    char *fix = strchr(text, '\n');
    if (fix) *fix++ = '\0';
    text_wrap(out, 0, INDENT, text);
    if (fix) text_wrap(out, 0, INDENT, fix);
    steps_needs(out, INDENT);
    if (kind == WORLD_FOUND_ENDLESS_LOOP) {
        text_wrap(out, 0, INDENT,
                  "a loop that waits for another thread has to lock, wait, sleep or call "
                  "sched_yield(): reading memory lets nobody else run");
    }
    fputc('\n', out);
    print_found(out, life);
    fputc('\n', out);
    if (kind != WORLD_FOUND_LEAK) {
        steps_draw(out, &life->finding, tell->failure->choices, tell->failure->count,
                   tell->options->full ? 0 : ROWS);
        fputc('\n', out);
    }
    if (kind != WORLD_FOUND_ENDLESS_LOOP) {
        decided_print(out, tell->decisive);
        fputc('\n', out);
    }
    print_output(out, tell);
    if (tell->no_return) {
        no_return_write(tell->no_return, text, sizeof text);
        fprintf(out, "  sealed  ");
        text_wrap(out, 10, 10, text);
    }
    fprintf(out, "  replay  ");
    tell_replay(out, tell);
    if (tell->folder) fprintf(out, "  report  %s/index.html\n", tell->folder);
}
