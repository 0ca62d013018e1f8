#include "diagram.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/check/require.h"
#include "reports/columns.h"
#include "reports/text.h"

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

/* The end of a fault that struck in the same instant says nothing. */
static bool is_instant_end(const struct record *record)
{
    if (record->kind != RECORD_FAULT_END) return false;
    for (const struct record *at = record;
         at->number > 1 && at[-1].time_ns == record->time_ns; at--) {
        if (at[-1].kind == RECORD_FAULT_BEGIN &&
            at[-1].values.FAULT_BEGIN.fault == record->values.FAULT_END.fault)
            return true;
    }
    return false;
}

static bool is_shown(const struct record *record, const struct diagram_options *options)
{
    if (options->full || record->number == options->guilty) return true;
    if (is_instant_end(record)) return false;
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
    bool too_many;              /* what is wrong is each record that counts */
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

static bool is_counted(const struct builder *builder, const struct record *record)
{
    const struct diagram_options *options = builder->options;
    return options->set != NULL && check_counts(options->set, options->property, record);
}

/* What happened to the same party as that which shows the violation. */
static bool is_like_guilty(const struct builder *builder, const struct record *record)
{
    const struct diagram_options *options = builder->options;

    if (options->guilty == 0) return false;
    const struct record *guilty = &builder->records[options->guilty - 1];
    if (guilty->kind != record->kind || guilty->subject != record->subject) return false;
    int seq = record_field_find(record->kind, "seq");
    return seq < 0 || guilty->values.at[seq] == record->values.at[seq];
}

/* Found at the end of the run by counting: then no single record is to blame. */
static bool is_counted_at_end(const struct record *records, const struct diagram_options *options)
{
    const struct scn_file *file = record_scenario_get();
    uint32_t check = options->property - CHECK_FILE;

    if (file == NULL || options->set == NULL || options->property < CHECK_FILE) return false;
    if (options->guilty != 0 && !label_is_noise(records[options->guilty - 1].kind)) return false;
    if (check >= file->check_count) return false;
    return file->checks[check].kind == SCN_CHECK_EXACTLY ||
           file->checks[check].kind == SCN_CHECK_AT_MOST;
}

static void mark(struct builder *builder, struct diagram_row *row, const struct record *record)
{
    builder->last_ns = record->time_ns;
    row->last = record->number;
    row->fault |= label_is_fault(record->kind);
    bool counted = is_counted(builder, record);
    row->key |= counted || is_like_guilty(builder, record);
    row->guilty |= builder->too_many ? counted : record->number == builder->options->guilty;
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
    text_time((int64_t)((record->time_ns - since_ns) / 1000), span, sizeof span);
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

struct fit {
    const struct diagram *diagram;
    bool *keep;
};

/* Rows on the screen: each gap is one. */
static uint32_t height_of(const struct fit *fit)
{
    uint32_t height = 0;

    for (uint32_t i = 0; i < fit->diagram->row_count; i++)
        height += fit->keep[i] || i == 0 || fit->keep[i - 1];
    return height;
}

static bool try_keep(struct fit *fit, uint32_t row, uint32_t rows_max)
{
    if (fit->keep[row]) return true;
    fit->keep[row] = true;
    if (height_of(fit) <= rows_max) return true;
    fit->keep[row] = false;
    return false;
}

/* The last ones first, until the rows are used up. */
static void keep_marked(struct fit *fit, bool (*is_marked)(const struct diagram_row *row),
                        uint32_t rows_max)
{
    for (uint32_t i = fit->diagram->row_count; i-- > 0;) {
        if (is_marked(&fit->diagram->rows[i]) && !try_keep(fit, i, rows_max)) return;
    }
}

static bool is_guilty_row(const struct diagram_row *row)
{
    return row->guilty;
}

static bool is_key_row(const struct diagram_row *row)
{
    return row->key;
}

static bool is_fault_row(const struct diagram_row *row)
{
    return row->fault;
}

/* What came right before what matters. */
static void keep_neighbours(struct fit *fit, uint32_t rows_max)
{
    for (uint32_t i = fit->diagram->row_count; i-- > 1;) {
        const struct diagram_row *row = &fit->diagram->rows[i];
        if ((row->guilty || row->key) && fit->keep[i] && !try_keep(fit, i - 1, rows_max)) return;
    }
}

/* Three rows of the end for one of the beginning. */
static void keep_ends(struct fit *fit, uint32_t rows_max)
{
    uint32_t head = 0, tail = fit->diagram->row_count;

    for (uint32_t turn = 0; head < tail; turn++) {
        uint32_t row = turn % 4 == 0 ? head++ : --tail;
        if (!try_keep(fit, row, rows_max)) return;
    }
}

static void close_gaps(struct diagram *diagram, const bool *keep)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < diagram->row_count; i++) {
        if (keep[i]) {
            diagram->rows[kept++] = diagram->rows[i];
        } else if (i > 0 && !keep[i - 1]) {
            diagram->rows[kept - 1].elided++;
        } else {
            memset(&diagram->rows[kept], 0, sizeof diagram->rows[kept]);
            diagram->rows[kept++].elided = 1;
        }
    }
    diagram->row_count = kept;
}

static void elide(struct diagram *diagram, uint32_t rows_max)
{
    struct fit fit = {diagram, NULL};

    if (rows_max == 0 || diagram->row_count <= rows_max) return;
    fit.keep = calloc(diagram->row_count, sizeof *fit.keep);
    REQUIRE(fit.keep != NULL);
    keep_marked(&fit, is_guilty_row, rows_max);
    keep_marked(&fit, is_key_row, rows_max / 2);
    keep_marked(&fit, is_fault_row, rows_max * 2 / 3);
    keep_neighbours(&fit, rows_max * 5 / 6);
    keep_ends(&fit, rows_max);
    close_gaps(diagram, fit.keep);
    free(fit.keep);
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

    builder.too_many = is_counted_at_end(records, options);
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
