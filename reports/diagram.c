#include "diagram.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/check/require.h"
#include "reports/columns.h"

/* --- which records --- */

static bool is_name_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '/';
}

/* True if the schedule names that occurrence of a point: "conn.attached" or "conn.attached[2]". */
static bool schedule_names(const char *schedule, const char *point, int64_t occurrence)
{
    size_t length = strlen(point);

    if (schedule == NULL || length == 0) return false;
    for (const char *at = strstr(schedule, point); at != NULL; at = strstr(at + 1, point)) {
        const char *end = at + length;
        if (at > schedule && is_name_character(at[-1]) && at[-1] != '.') continue;
        if (*end == '[' && strtoll(end + 1, NULL, 10) == occurrence) return true;
        if (*end != '[' && !is_name_character(*end)) return true;
    }
    return false;
}

static bool is_shown(const struct record *record, const struct diagram_options *options)
{
    if (options->full || record->number == options->guilty) return true;
    if (label_is_landmark(record)) return true;
    if (record->kind == RECORD_POINT &&
        schedule_names(options->schedule, record_text(record->values.POINT.name),
                       record->values.POINT.count))
        return true;
    if (options->set == NULL) return !label_is_noise(record->kind);
    return check_concerns(options->set, options->property, record);
}

/* The message that brought what a party did in the same step, or NULL. */
static const struct record *message_of(const struct record *records, uint32_t index)
{
    const struct record *effect = &records[index];

    if (label_shape_of(effect->kind) != LABEL_AT || label_is_noise(effect->kind)) return NULL;
    while (index > 0 && records[index - 1].step == effect->step &&
           records[index - 1].entity == effect->entity) {
        index--;
        if (label_shape_of(records[index].kind) == LABEL_ARRIVE &&
            records[index].to == effect->subject)
            return &records[index];
    }
    return NULL;
}

void diagram_select(const struct record *records, uint32_t count,
                    const struct diagram_options *options, bool *flags)
{
    for (uint32_t i = 0; i < count; i++) flags[i] = is_shown(&records[i], options);
    /* Backwards, so that causes of causes are found, too. */
    for (uint32_t i = count; i-- > 0;) {
        if (!flags[i]) continue;
        const struct record *message = message_of(records, i);
        if (message != NULL) flags[message->number - 1] = true;
        uint32_t cause = records[i].cause;
        REQUIRE(cause <= i);
        if (cause != 0) flags[cause - 1] = true;
    }
    /* A message that is seen leaving is seen arriving. */
    for (uint32_t i = 0; i < count; i++) {
        if (label_shape_of(records[i].kind) == LABEL_ARRIVE && records[i].cause != 0)
            flags[i] |= flags[records[i].cause - 1];
    }
}

/* --- rows --- */

struct builder {
    const struct record *records;
    const struct diagram_options *options;
    struct columns columns;
    struct diagram *diagram;
    uint64_t last_ns;           /* of the newest record in the last row */
};

static struct diagram_row *last_row(struct builder *builder)
{
    uint32_t count = builder->diagram->row_count;
    return count == 0 ? NULL : &builder->diagram->rows[count - 1];
}

/* A party without a column of its own says who it is. */
static void write_label(const struct builder *builder, const struct record *record, char *out)
{
    uint16_t at, to;
    size_t used = 0;

    columns_ends(builder->records, record, &at, &to);
    if (builder->columns.others && at != PARTY_NOBODY &&
        columns_of(&builder->columns, at) == builder->columns.count - 1)
        used = (size_t)snprintf(out, LABEL_MAX, "%s: ", record_party_name(at));
    label_write(record, out + used, LABEL_MAX - used);
}

static void append(char *text, const char *more)
{
    size_t used = strlen(text);
    if (more[0] == '\0') return;
    snprintf(text + used, LABEL_MAX - used, "%s%s", used > 0 ? ", " : "", more);
}

/* Longer rows would be hard to read. */
static bool has_room(const char *text, const char *more)
{
    return strlen(text) + strlen(more) + 2 <= 44;
}

static void mark(struct builder *builder, struct diagram_row *row, const struct record *record)
{
    builder->last_ns = record->time_ns;
    row->fault |= label_is_fault(record->kind);
    row->guilty |= record->number == builder->options->guilty;
}

static void add_row(struct builder *builder, const struct record *record, const char *label)
{
    struct diagram_row *row = &builder->diagram->rows[builder->diagram->row_count++];
    enum label_shape shape = label_shape_of(record->kind);
    uint16_t at, to;

    columns_ends(builder->records, record, &at, &to);
    memset(row, 0, sizeof *row);
    row->time_ns = record->time_ns;
    row->record = record->number;
    row->at = columns_of(&builder->columns, at);
    row->to = to == PARTY_NOBODY ? DIAGRAM_NOWHERE : columns_of(&builder->columns, to);
    /* Two of the others, or two threads of one core. */
    if (row->to == row->at) row->to = DIAGRAM_NOWHERE;
    row->under_way = shape == LABEL_SEND;
    bool far = row->to != DIAGRAM_NOWHERE && shape == LABEL_EFFECT;
    snprintf(far ? row->effect : row->label, LABEL_MAX, "%s", label);
    mark(builder, row, record);
}

/* How long after its cause a record came, if it was not at once. */
static void add_delay(const struct builder *builder, const struct record *record, char *text)
{
    char span[32], phrase[64];

    if (record->cause == 0) return;
    uint64_t since_ns = builder->records[record->cause - 1].time_ns;
    if (since_ns == record->time_ns) return;
    label_time((int64_t)((record->time_ns - since_ns) / 1000), span, sizeof span);
    snprintf(phrase, sizeof phrase, "%s later", span);
    append(text, phrase);
}

/* The arrival of what the last row sent completes its arrow. */
static bool join_departure(struct builder *builder, const struct record *record, const char *label)
{
    struct diagram_row *row = last_row(builder);
    uint16_t at, to;

    if (row == NULL || !row->under_way || record->cause != row->record) return false;
    columns_ends(builder->records, record, &at, &to);
    if (to == PARTY_NOBODY || columns_of(&builder->columns, to) == row->at) return false;
    row->to = columns_of(&builder->columns, to);
    row->under_way = false;
    if (strlen(label) > strlen(row->label)) memcpy(row->label, label, LABEL_MAX);
    add_delay(builder, record, row->effect);
    mark(builder, row, record);
    return true;
}

/* What happens at the end of the last row's arrow, in the same instant, is written there. */
static bool join_arrow(struct builder *builder, const struct record *record, const char *label)
{
    struct diagram_row *row = last_row(builder);
    uint16_t at, to;

    if (row == NULL || row->to == DIAGRAM_NOWHERE || row->under_way || row->guilty) return false;
    if (label_is_fault(record->kind)) return false;
    if (builder->last_ns != record->time_ns) return false;
    columns_ends(builder->records, record, &at, &to);
    bool same_arrow = to != PARTY_NOBODY && columns_of(&builder->columns, at) == row->at &&
                      columns_of(&builder->columns, to) == row->to;
    bool at_end = to == PARTY_NOBODY && columns_of(&builder->columns, at) == row->to;
    if (!same_arrow && !at_end) return false;
    if (label_shape_of(record->kind) == LABEL_ATTEMPT && row->label[0] != '\0') return true;
    if (!has_room(row->effect, label)) return false;
    append(row->effect, label);
    mark(builder, row, record);
    return true;
}

/* Two things that one party does in one instant. */
static bool join_party(struct builder *builder, const struct record *record, const char *label)
{
    struct diagram_row *row = last_row(builder);
    uint16_t at, to;

    columns_ends(builder->records, record, &at, &to);
    if (row == NULL || to != PARTY_NOBODY || row->to != DIAGRAM_NOWHERE) return false;
    if (row->at != columns_of(&builder->columns, at)) return false;
    if (builder->last_ns != record->time_ns) return false;
    if (row->fault || row->guilty || label_is_fault(record->kind)) return false;
    if (!has_room(row->label, label)) return false;
    append(row->label, label);
    mark(builder, row, record);
    return true;
}

/* An answer that comes at once and says that all is well. */
static bool is_obvious(struct builder *builder, const struct record *record)
{
    struct diagram_row *row = last_row(builder);

    if (row == NULL || record->number == builder->options->guilty) return false;
    if (record->kind != RECORD_STORE_REPLY || builder->last_ns != record->time_ns) return false;
    if (strcmp(record_text(record->values.STORE_REPLY.code), "ok") != 0) return false;
    return row->record == record->cause;
}

static void add_record(struct builder *builder, const struct record *record)
{
    char label[LABEL_MAX];

    write_label(builder, record, label);
    switch (label_shape_of(record->kind)) {
    case LABEL_AT:
        if (join_arrow(builder, record, label) || join_party(builder, record, label)) return;
        break;
    case LABEL_EFFECT:
    case LABEL_ATTEMPT:
        if (join_arrow(builder, record, label)) return;
        break;
    case LABEL_ARRIVE:
        if (join_departure(builder, record, label)) return;
        add_row(builder, record, label);
        add_delay(builder, record, last_row(builder)->effect);
        return;
    case LABEL_REPLY:
        if (is_obvious(builder, record)) return;
        add_row(builder, record, label);
        add_delay(builder, record, last_row(builder)->effect);
        return;
    case LABEL_CALL:
    case LABEL_SEND:
        break;
    }
    add_row(builder, record, label);
}

/* --- fitting a screen --- */

/* Keeps the first quarter, the last rows and, of those between, what is guilty or a fault, as far
 * as the screen reaches; each gap becomes one row. */
static void elide(struct diagram *diagram, uint32_t rows_max)
{
    uint32_t count = diagram->row_count, extras = 0, kept = 0;

    if (rows_max == 0 || count <= rows_max) return;
    uint32_t head = rows_max / 4, tail = rows_max - head - 1;
    for (uint32_t i = head; i + tail < count && extras < rows_max / 6; i++)
        extras += diagram->rows[i].guilty || diagram->rows[i].fault;
    tail -= 2 * extras; /* each may split a gap in two */
    for (uint32_t i = 0; i < count; i++) {
        struct diagram_row row = diagram->rows[i];
        bool keep = i < head || i + tail >= count;
        if (!keep && (row.guilty || row.fault) && extras > 0) {
            keep = true;
            extras--;
        }
        if (keep) {
            diagram->rows[kept++] = row;
        } else if (kept > 0 && diagram->rows[kept - 1].elided > 0) {
            diagram->rows[kept - 1].elided++;
        } else {
            memset(&diagram->rows[kept], 0, sizeof row);
            diagram->rows[kept++].elided = 1;
        }
    }
    diagram->row_count = kept;
}

struct diagram *diagram_new(const struct record *records, uint32_t count,
                            const struct diagram_options *options)
{
    struct builder builder = {.records = records, .options = options};
    bool *flags = calloc(count + 1u, sizeof *flags);
    uint32_t selected = 0;

    builder.diagram = calloc(1, sizeof *builder.diagram);
    REQUIRE(flags != NULL && builder.diagram != NULL);
    diagram_select(records, count, options, flags);
    for (uint32_t i = 0; i < count; i++) selected += flags[i];
    builder.diagram->rows = calloc(selected + 1u, sizeof *builder.diagram->rows);
    REQUIRE(builder.diagram->rows != NULL);

    columns_find(records, count, flags, &builder.columns);
    builder.diagram->column_count = builder.columns.count;
    for (uint32_t i = 0; i < builder.columns.count; i++) {
        snprintf(builder.diagram->columns[i], DIAGRAM_NAME_MAX, "%s",
                 columns_name(&builder.columns, i));
    }
    for (uint32_t i = 0; i < count; i++) {
        if (flags[i]) add_record(&builder, &records[i]);
    }
    elide(builder.diagram, options->rows_max);
    free(flags);
    return builder.diagram;
}

void diagram_free(struct diagram *diagram)
{
    if (diagram == NULL) return;
    free(diagram->rows);
    free(diagram);
}
