/* The page of a failing scenario: its records as rows, its columns as lanes. */
#include "writers.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "harness/check/require.h"
#include "reports/finding.h"
#include "reports/members.h"
#include "reports/page.h"
#include "reports/symbols.h"
#include "reports/text.h"

/* Rows that are shown at first; more than on a terminal, which has to scroll for them. */
enum { ROWS_SHOWN = 48 };

static void describe(uint32_t index, char *out, size_t size)
{
    uint32_t count;
    trail_describe(&trail_steps(&count)[index], out, size);
}

static void add_head(struct page *page, const struct report *report)
{
    const struct report_failure *failure = report->failure;
    const struct check_violation *violation = &failure->violation;
    char text[1024], fix[128];

    report_name(report, text, sizeof text);
    page_head(page, "name", text);
    page_head(page, "title", report->file == NULL ? NULL : report->file->title);
    page_head(page, "verdict", report_verdict_word(report->verdict));
    page_head(page, "promise", violation->name);
    snprintf(text, sizeof text, "%s", text_base_name(report->path));
    size_t used = strlen(text);
    if (violation->place.line > 0)
        snprintf(text + used, sizeof text - used, ":%u", violation->place.line);
    page_head(page, "place", text);
    bool said = violation->text[0] != '\0' || failure->finding == NULL;
    char *sentence = symbols_expand(said ? violation->text : failure->finding->text);
    page_head(page, "text", sentence);
    free(sentence);
    report_origin(report, text, sizeof text);
    size_t length = strlen(text);
    report_fix(report, fix, sizeof fix);
    snprintf(text + length, sizeof text - length, "%s%s", fix[0] != '\0' ? "\n" : "", fix);
    page_head(page, "origin", text);
}

/* What a function prints, as a block. */
static void add_printed(struct page *page, const char *title, const struct report_failure *failure,
                        void (*print)(FILE *out, const struct report_failure *failure))
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    REQUIRE(out != NULL);
    print(out, failure);
    REQUIRE(fclose(out) == 0);
    page_block(page, title, text);
    free(text);
}

static void add_blocks(struct page *page, const struct report_failure *failure)
{
    const char *token = failure->replay ? strstr(failure->replay, "--choices ") : NULL;

    if (finding_is_shown(failure)) add_printed(page, "What was found", failure, finding_print);
    page_block(page, "Replay", failure->replay);
    page_block(page, "Token", token ? token + strlen("--choices ") : NULL);
    page_block(page, "Schedule", failure->schedule);
    page_block(page, "Pinned scenario", failure->pinned);
}

static json_t *row_of(const struct diagram_row *row, const struct record *record)
{
    json_t *object = json_object();

    member_set(object, "step", json_integer(record->step));
    member_set(object, "time", json_integer((json_int_t)row->time_ns));
    member_set(object, "at", json_integer(row->at));
    member_set(object, "to", json_integer(row->to == DIAGRAM_NOWHERE ? -1 : row->to));
    member_set(object, "entity", json_integer(record->entity));
    member_set(object, "label", member_text(row->label));
    member_set(object, "effect", member_text(row->effect));
    member_set(object, "leaves", json_boolean(row->under_way));
    member_set(object, "fault", json_boolean(row->fault));
    member_set(object, "guilty", json_boolean(row->guilty));
    member_set(object, "record", json_integer(row->record));
    member_set(object, "record_last", json_integer(row->last));
    return object;
}

/* True if the shorter diagram has that row, too. */
static bool is_in(const struct diagram *shorter, const struct diagram_row *row)
{
    for (uint32_t i = 0; i < shorter->row_count; i++) {
        if (!shorter->rows[i].elided && shorter->rows[i].record == row->record) return true;
    }
    return false;
}

static void add_rows(struct page *page, const struct report *report)
{
    const struct report_failure *failure = report->failure;
    struct diagram_options options = {
        .set = finding_is_shown(failure) ? NULL : failure->set,
        .property = failure->violation.property,
        .guilty = failure->violation.record,
        .schedule = failure->schedule,
    };
    uint32_t count, told = 0;
    const struct record *records = record_all(&count);
    struct diagram *diagram = diagram_new(records, count, &options);
    options.rows_max = ROWS_SHOWN;
    struct diagram *shorter = diagram_new(records, count, &options);

    for (uint32_t i = 0; i < diagram->column_count; i++) page_lane(page, diagram->columns[i]);
    for (uint32_t i = 0; i < diagram->row_count; i++) {
        const struct diagram_row *row = &diagram->rows[i];
        json_t *object = row_of(row, &records[row->record - 1]);
        member_set(object, "shown", json_boolean(is_in(shorter, row)));
        page_row(page, object);
        for (uint32_t n = row->record; n <= row->last; n++) {
            if (n > told) page_record(page, jsonl_record(&records[n - 1]));
            if (n > told) told = n;
        }
    }
    diagram_free(shorter);
    diagram_free(diagram);
}

void html_write(FILE *out, const struct report *report)
{
    const struct report_failure *failure = report->failure;
    struct page *page = page_new();

    add_head(page, report);
    add_rows(page, report);
    page_steps(page, describe);
    page_decisive(page, failure->decisive);
    page_no_return(page, failure->no_return);
    if (failure->finding != NULL) page_accesses(page, failure->finding);
    add_blocks(page, failure);
    page_write(out, page);
    page_free(page);
}
