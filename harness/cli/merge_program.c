/* What the shards of one program have found out, put together: each phase of the exploration, and
 * from them the whole. Unlike a scenario, the program is not needed for it. */
#include "merge.h"

#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "options.h"

enum { PHASES_MAX = 8, WORDS_MAX = 4096, PROBLEM_BYTES = 256 };

struct whole {
    struct report report;
    struct report_program program;
    struct report_phase phases[PHASES_MAX];
    struct report_promise *sometimes;
    struct report_shard parts[PHASES_MAX], total;
    char *words[WORDS_MAX];
    struct merged_end end;
};

static const json_t *program_of(const struct piece *piece)
{
    return json_array_get(piece->programs, 0);
}

/* --- what all shards agree on --- */

static int begin(const struct piece *first, struct whole *whole)
{
    const json_t *program = program_of(first), *phase, *word;
    const json_t *phases = json_object_get(program, "phases");
    size_t at, words = json_array_size(json_object_get(program, "arguments"));
    const char *name = merge_text(program, "name"), *path = merge_text(program, "path");
    size_t count = json_array_size(phases);
    if (json_array_size(first->programs) != 1)
        return merge_complain(first->path, "a unit test is not divided: there is nothing to merge");
    if (name == NULL || path == NULL || count == 0 || count > PHASES_MAX || words > WORDS_MAX)
        return merge_complain(first->path, "a program has a name, a path, arguments and phases");
    if (json_object_get(json_array_get(phases, 0), "shard") == NULL)
        return merge_complain(first->path, "this is no shard: it was written without "
                                           "HARNESS_SHARD");
    json_array_foreach(phases, at, phase) {
        whole->phases[at].stalls_max = (uint32_t)merge_number(phase, "stalls");
        whole->phases[at].spurious_max = (uint32_t)merge_number(phase, "spurious");
        whole->phases[at].steps_max = (uint32_t)merge_number(phase, "steps");
    }
    json_array_foreach(json_object_get(program, "arguments"), at, word) {
        const char *text = json_string_value(word);
        whole->words[at] = (char *)(uintptr_t)(text ? text : "");
    }
    whole->program = (struct report_program){
        .name = name, .words = whole->words, .word_count = (uint32_t)words,
        .phases = whole->phases, .phase_count = (uint32_t)count};
    whole->report = (struct report){.path = path, .program = &whole->program};
    return 0;
}

/* --- adding shards --- */

/* One of the conditions that must be true sometimes, in the order of their first calls. */
static bool add_sometimes(struct whole *whole, const json_t *promise)
{
    struct report_program *program = &whole->program;
    const char *name = merge_text(promise, "name");
    bool reached = json_is_true(json_object_get(promise, "reached"));
    if (name == NULL) return false;
    for (uint32_t i = 0; i < program->sometimes_count; i++) {
        if (strcmp(whole->sometimes[i].name, name) != 0) continue;
        whole->sometimes[i].reached |= reached;
        return true;
    }
    size_t count = program->sometimes_count + 1u;
    struct report_promise *more = realloc(whole->sometimes, count * sizeof *more);
    if (more == NULL) return false;
    more[program->sometimes_count++] = (struct report_promise){name, reached};
    program->sometimes = whole->sometimes = more;
    return true;
}

static bool same_words(const struct whole *whole, const json_t *program)
{
    const json_t *words = json_object_get(program, "arguments"), *word;
    size_t at;
    if (json_array_size(words) != whole->program.word_count) return false;
    json_array_foreach(words, at, word) {
        const char *text = json_string_value(word);
        if (text == NULL || strcmp(text, whole->words[at]) != 0) return false;
    }
    return true;
}

/* Its phase of that number, unless all was over before. */
static int add_phase(struct whole *whole, const struct piece *piece, uint32_t number,
                     struct shard due, bool over)
{
    char problem[PROBLEM_BYTES];
    const char *key = whole->parts[number].key;
    struct report_shard next;
    const json_t *phase =
        json_array_get(json_object_get(program_of(piece), "phases"), number);
    if (!shard_begin(&next)) return 5;
    int status = shard_take(phase, &next, problem, sizeof problem)
                     ? merge_check(piece->path, whole->program.name, &next, due,
                                   key ? key : next.key)
                     : merge_complain(piece->path, problem);
    if (status == 0 && !over) {
        shard_add(&whole->parts[number], &next);
        shard_add(&whole->total, &next);
        /* A search is complete or not; it has one shard. */
        if (due.count == 1) whole->parts[number].stats = whole->total.stats = next.stats;
    }
    if (status == 0 && key == NULL) {
        whole->parts[number].key = next.key;
        whole->parts[number].first_run = next.first_run;
    }
    shard_end(&next);
    return status;
}

static int add_piece(struct whole *whole, const struct piece *piece, struct shard due, bool over)
{
    const json_t *program = program_of(piece), *promise;
    const char *name = merge_text(program, "name");
    size_t at, phases = json_array_size(json_object_get(program, "phases"));
    if (name == NULL || strcmp(name, whole->program.name) != 0 ||
        phases != whole->program.phase_count || !same_words(whole, program))
        return merge_complain(piece->path,
                              "this is not the program of the other shards, with its arguments");
    for (uint32_t i = 0; i < whole->program.phase_count; i++) {
        int status = add_phase(whole, piece, i, due, over);
        if (status != 0) return status;
    }
    if (over) return 0;
    json_array_foreach(json_object_get(program, "sometimes"), at, promise) {
        if (!add_sometimes(whole, promise))
            return merge_complain(piece->path, "its member 'sometimes' is damaged");
    }
    whole->program.assumed += merge_number(program, "assumed");
    whole->program.bytes_reachable = merge_number(program, "bytes_reachable");
    whole->program.descriptors_known = (uint32_t)merge_number(program, "descriptors_known");
    return 0;
}

static int add_all(struct whole *whole, const struct piece *pieces, uint32_t count)
{
    const json_t *first = json_object_get(program_of(&pieces[0]), "shard");
    bool divided = merge_number(first, "count") != 1, ended = false;
    for (uint32_t i = 0; i < (divided ? count : 1); i++) {
        struct shard due = divided ? (struct shard){i + 1, count} : (struct shard){1, 1};
        int status = add_piece(whole, &pieces[i], due, ended);
        if (status != 0) return status;
        if (ended || !merge_ends(program_of(&pieces[i]))) continue;
        merge_end(program_of(&pieces[i]), &whole->report, &whole->end);
        ended = true;
    }
    for (uint32_t i = 0; divided && i < whole->program.phase_count; i++) {
        shard_finish(&whole->parts[i]);
    }
    if (divided) shard_finish(&whole->total);
    return 0;
}

/* --- the report --- */

static int tell(struct whole *whole, const struct cli_options *options)
{
    struct report *report = &whole->report;
    struct report_style style = cli_style(options);
    for (uint32_t i = 0; i < whole->program.phase_count; i++) {
        whole->phases[i].explored = whole->parts[i].stats;
    }
    report->explored = &whole->total.stats;
    if (report->failure == NULL && report->text == NULL) {
        const char *doubt = report_program_doubt(report);
        report->verdict = doubt ? REPORT_INCONCLUSIVE : REPORT_PASS;
        report->text = doubt;
    }
    report_print(stdout, report, style);
    int status = report_status(report, 1);
    return cli_write_files(options, report, 1) || status != 0 ? status : 5;
}

int merge_program(const struct piece *pieces, uint32_t count, const struct cli_options *options)
{
    struct whole *whole = calloc(1, sizeof *whole);
    if (whole == NULL || !shard_begin(&whole->total)) return 5;
    int status = begin(&pieces[0], whole);
    for (uint32_t i = 0; i < PHASES_MAX && status == 0; i++) {
        if (!shard_begin(&whole->parts[i])) status = 5;
    }
    if (status == 0) status = add_all(whole, pieces, count);
    if (status == 0) status = tell(whole, options);
    for (uint32_t i = 0; i < PHASES_MAX; i++) shard_end(&whole->parts[i]);
    shard_end(&whole->total);
    free(whole->sometimes);
    free(whole);
    return status;
}
