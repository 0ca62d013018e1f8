/* The message store of a core that a backend has for itself. It takes no time, and answers unless
 * it is told to be silent; then one of its calls may take effect all the same. */
#include "fakes/alone.h"

#include <stdio.h>

static struct alone *called(void *context)
{
    world_meet(WORLD_MET_FAKES);
    return context;
}

static struct alone_stream *stream_of(struct alone *alone, const char *name)
{
    for (uint32_t i = 0; i < ALONE_KEYS; i++) {
        if (strcmp(alone->sessions[i].name, name) == 0) return &alone->streams[i];
    }
    return NULL;
}

/* Is this call without an answer, and without an effect? */
static bool is_lost(struct alone *alone, bool *silent)
{
    *silent = alone->unheard < alone->silent;
    if (!*silent) return false;
    return ++alone->unheard != alone->heard;
}

static enum core_result open_stream(struct alone_stream *stream, const char *name,
                                    const char *owner, bool create, struct store_meta *meta)
{
    if (stream == NULL || (stream->owner[0] == '\0' && !create)) return CORE_NOT_FOUND;
    if (stream->owner[0] == '\0') {
        (void)snprintf(stream->owner, sizeof stream->owner, "%s", owner);
        stream->epoch = 100 + strlen(name);
        stream->floor = 1;
    }
    stream->tenure++;
    *meta = (struct store_meta){ .epoch = stream->epoch, .tenure = stream->tenure,
                                 .head = stream->head, .floor = stream->floor };
    memcpy(meta->owner, stream->owner, sizeof meta->owner);
    return CORE_OK;
}

static enum core_result load_meta(void *context, const char *session, const char *owner,
                                  bool create, struct store_meta *meta)
{
    struct alone *alone = called(context);
    enum core_result rc = CORE_UNKNOWN;
    bool silent, lost = is_lost(alone, &silent);

    if (!lost) rc = open_stream(stream_of(alone, session), session, owner, create, meta);
    return silent ? CORE_UNKNOWN : rc;
}

void alone_store_write(struct alone_stream *stream, const struct alone_event *event)
{
    REQUIRE(stream->head < ALONE_EVENTS);
    stream->events[stream->head++] =
        (struct alone_event){ scratch_copy(event->type, strlen(event->type)),
                              scratch_copy(event->payload, event->length), event->length,
                              event->key };
}

static enum core_result append_event(struct alone_stream *stream, uint64_t epoch, uint64_t tenure,
                                     const struct store_event *event)
{
    struct alone_event copy = { event->type, event->payload, event->length, event->key };

    if (stream == NULL || stream->epoch != epoch || stream->tenure != tenure) return CORE_STALE;
    if (event->seq == stream->head + 1) {
        alone_store_write(stream, &copy);
        return CORE_OK;
    }
    bool known = event->seq >= stream->floor && event->seq <= stream->head;
    return known && stream->events[event->seq - 1].key == event->key ? CORE_OK : CORE_CONFLICT;
}

static enum core_result append(void *context, const char *session, uint64_t epoch,
                               uint64_t tenure, const struct store_event *event)
{
    struct alone *alone = called(context);
    enum core_result rc = CORE_UNKNOWN;
    bool silent, lost = is_lost(alone, &silent);

    if (!lost) rc = append_event(stream_of(alone, session), epoch, tenure, event);
    return silent ? CORE_UNKNOWN : rc;
}

static enum core_result read_events(void *context, const char *session, uint64_t epoch,
                                    uint64_t from, size_t limit, store_visit visit,
                                    void *visit_context)
{
    struct alone *alone = called(context);
    const struct alone_stream *stream = stream_of(alone, session);

    if (stream == NULL) return CORE_NOT_FOUND;
    if (stream->epoch != epoch) return CORE_STALE;
    if (from < stream->floor) from = stream->floor;
    for (uint64_t seq = from; seq <= stream->head && limit > 0; seq++, limit--) {
        const struct alone_event *stored = &stream->events[seq - 1];
        struct store_event event = { seq, stored->key, stored->type, stored->payload,
                                     stored->length };
        if (!visit(visit_context, &event)) break;
    }
    return CORE_OK;
}

static enum core_result trim(void *context, const char *session, uint64_t epoch, uint64_t tenure,
                             uint64_t floor)
{
    struct alone *alone = called(context);
    struct alone_stream *stream = stream_of(alone, session);

    if (stream == NULL || stream->epoch != epoch || stream->tenure != tenure) return CORE_STALE;
    if (floor > stream->floor) stream->floor = floor;
    return CORE_OK;
}

struct message_store_port alone_store(struct alone *alone)
{
    return (struct message_store_port){ alone, load_meta, append, read_events, trim };
}
