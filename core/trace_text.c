/* The ring of trace records as text, for a file (docs/CAPTURES.md): one JSON object in a line. */
#include "core/core.h"

#include <stdlib.h>
#include <string.h>

enum { FORMAT_VERSION = 1 };

struct writing {
    struct core *core;
    trace_put put;
    void *context;
};

/* False without memory. Takes the object over. */
static bool put_line(const struct writing *writing, json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER);
    json_decref(object);
    if (text == NULL)
        return false;
    writing->put(writing->context, text, strlen(text));
    free(text);
    return true;
}

static json_t *number(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static bool put_head(const struct writing *writing, uint64_t written)
{
    return put_line(writing, json_pack("{s:s, s:i, s:s, s:o, s:o}", "format", "session trace",
                                       "version", FORMAT_VERSION, "core", writing->core->name,
                                       "us", number(core_now_us()), "written", number(written)));
}

/* What was appended, if the log still has it. */
static void add_event(const struct writing *writing, const struct trace_entry *entry, json_t *line)
{
    struct turn turn;
    turn_begin(&turn, writing->core);
    struct session_ref ref = session_ref_by_key(&turn, entry->subject);
    struct session *session = ref.generation == 0 ? NULL : session_enter(&turn, ref);
    const struct log_event *event = NULL;
    if (session != NULL && session->log.epoch == entry->args[1])
        event = log_at(&session->log, entry->args[0]);
    if (event != NULL) {
        json_object_set_new(line, "type", json_string(event->type));
        json_object_set_new(line, "payload", json_loadb(event->payload, event->length,
                                                        JSON_DECODE_ANY, NULL));
    }
    if (session != NULL)
        session_leave(&turn, session);
    turn_end(&turn);
}

static bool put_entry(const struct writing *writing, const struct trace_entry *entry)
{
    const struct trace_point_info *info = core_trace_point_info(entry->point);
    json_t *line = json_pack("{s:o, s:o, s:s}", "n", number(entry->number), "us",
                             number(entry->time_us), "point", info->name);
    if (line == NULL)
        return false;
    if (info->subject[0] != '\0')
        json_object_set_new(line, info->subject, json_string(entry->subject));
    for (size_t i = 0; i < TRACE_ARGS_MAX; i++) {
        if (info->args[i][0] != '\0')
            json_object_set_new(line, info->args[i], number(entry->args[i]));
    }
    if (entry->point == TP_LOG_APPENDED)
        add_event(writing, entry, line);
    return put_line(writing, line);
}

enum core_result core_trace_write(struct core *core, trace_put put, void *context)
{
    struct writing writing = { core, put, context };
    size_t capacity = core->settings.trace_ring;
    struct trace_entry *entries = calloc(capacity > 0 ? capacity : 1, sizeof *entries);
    if (entries == NULL)
        return CORE_NO_MEMORY;
    size_t count = core_trace_dump(core, entries, capacity);
    bool written = put_head(&writing, count > 0 ? entries[count - 1].number : 0);
    for (size_t i = 0; i < count && written; i++)
        written = put_entry(&writing, &entries[i]);
    free(entries);
    return written ? CORE_OK : CORE_NO_MEMORY;
}
