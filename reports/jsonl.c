/* trace.jsonl: every record of the failing execution, a JSON object a line (docs/TRACE.md). */
#include "writers.h"

#include "reports/members.h"

enum { TRACE_VERSION = 1 };

static void set_party(json_t *object, const char *name, uint16_t party)
{
    if (party != PARTY_NOBODY) member_set(object, name, member_text(record_party_name(party)));
}

static void write_line(FILE *out, json_t *object)
{
    /* A failing write leaves its mark in the stream. */
    (void)json_dumpf(object, out, JSON_COMPACT);
    fputc('\n', out);
    json_decref(object);
}

static void write_header(FILE *out, const struct report *report, uint32_t count)
{
    json_t *header = json_object(), *violation = json_object();
    char name[256];

    report_name(report, name, sizeof name);
    member_set(header, "format", json_string("harness-trace"));
    member_set(header, "version", json_integer(TRACE_VERSION));
    member_set(header, "scenario", member_text(name));
    member_set(header, "records", json_integer(count));
    if (report->failure != NULL) {
        const struct check_violation *what = &report->failure->violation;
        member_set(violation, "name", member_text(what->name));
        member_set(violation, "line", json_integer(what->place.line));
        member_set(violation, "record", json_integer(what->record));
        member_set(header, "violation", json_incref(violation));
        if (report->failure->no_return != NULL)
            member_set(header, "no_return", member_no_return(report->failure->no_return));
    }
    json_decref(violation);
    write_line(out, header);
}

static json_t *value_of(const struct record *record, uint32_t index)
{
    int64_t value = record->values.at[index];

    switch (record_info_of(record->kind)->fields[index].type) {
    case RECORD_WORD:
        return member_text(record_text(value));
    case RECORD_FLAG:
        return json_boolean(value != 0);
    case RECORD_INT:
    case RECORD_TIME:
    case RECORD_SPAN:
        return json_integer(value);
    }
    return NULL;
}

json_t *jsonl_record(const struct record *record)
{
    static const char *const witnesses[] = {"core", "fake", "world"};
    const struct record_info *info = record_info_of(record->kind);
    json_t *line = json_object(), *values = json_object();

    member_set(line, "n", json_integer(record->number));
    member_set(line, "step", json_integer(record->step));
    member_set(line, "time_ns", json_integer((json_int_t)record->time_ns));
    member_set(line, "kind", json_string(info->word));
    member_set(line, "witness", json_string(witnesses[info->witness]));
    member_set(line, "thread", member_text(world_entity_name(record->entity)));
    set_party(line, "subject", record->subject);
    set_party(line, "from", record->from);
    set_party(line, "to", record->to);
    if (record->cause != 0) member_set(line, "cause", json_integer(record->cause));
    for (uint32_t i = 0; i < info->field_count; i++)
        member_set(values, info->fields[i].name, value_of(record, i));
    member_set(line, "values", values);
    return line;
}

void jsonl_write(FILE *out, const struct report *report, const struct record *records,
                 uint32_t count)
{
    write_header(out, report, count);
    for (uint32_t i = 0; i < count; i++) write_line(out, jsonl_record(&records[i]));
}
