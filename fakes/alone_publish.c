/* Events that a backend publishes into a core that it has for itself. */
#include "fakes/alone.h"

#include <stdio.h>

enum { BURST_MAX = 12, LENGTHS = 9 };

/* Beside each other around the limit; four of the second fill a log to the byte. */
static size_t draw_length(void)
{
    static const size_t lengths[LENGTHS] = { 60, 252, 20, 60, 508, 20, ALONE_EVENT_MAX - 1,
                                             ALONE_EVENT_MAX, ALONE_EVENT_MAX + 1 };
    return lengths[world_choose(LENGTHS, "a_length")];
}

static struct alone_event draw_event(struct alone *alone)
{
    size_t length = draw_length();
    char *payload = scratch_alloc(length + 1);
    int used = snprintf(payload, length, "{\"n\":\"%06u", (unsigned)++alone->published);

    memset(payload + used, 'x', length - 2 - (size_t)used);
    memcpy(payload + length - 2, "\"}", 2);
    return (struct alone_event){ .type = "news", .payload = payload, .length = length };
}

static void on_published(void *context, enum core_result rc, uint64_t epoch, uint64_t seq)
{
    struct alone *alone = context;

    alone_tell(alone, "whether a publish was answered before", alone->called, false);
    alone->called = true;
    alone->rc = rc;
    alone->told_epoch = epoch;
    alone->told_seq = seq;
}

/* What comes of it, and of what another core or an unanswered call had left in the store. */
static enum core_result expect_publish(struct alone *alone, struct alone_session *session,
                                       const struct alone_event *event)
{
    const struct alone_stream *stream = &alone->streams[session - alone->sessions];
    bool answered = alone->silent < alone->settings.store_attempts;

    if (event->length > ALONE_EVENT_MAX) return CORE_LIMIT;
    alone->stale += !session->open;
    if (!session->open) return CORE_STALE;
    if (alone->stored) alone->failing = !answered;
    if (alone->stored && !answered) {
        session->stored += alone->heard > 0;
        return CORE_UNKNOWN;
    }
    while (session->head < session->stored)
        alone_take_in(alone, session, stream->events[session->head]);
    alone_take_in(alone, session, *event);
    alone_trim_store(alone, session);
    return CORE_OK;
}

/* Some calls of the store have no answer; where it has more than the log, that is enough. */
static void draw_silence(struct alone *alone, const struct alone_session *session)
{
    alone->silent = alone->heard = alone->unheard = 0;
    if (!alone->stored || !session->open || session->head < session->stored) return;
    alone->silent = world_choose(4, "calls_without_an_answer");
    if (alone->silent > 0) alone->heard = world_choose(alone->silent + 1, "one_with_an_effect");
}

enum core_result alone_publish(struct alone *alone, struct session_ref ref,
                                     const struct alone_event *event)
{
    const struct core_api *api = alone->api;
    enum core_result rc;

    alone->called = false;
    if (!alone_draw("wait_for_the_answer")) {
        alone->told_epoch = 0;
        return api->publish_wait(alone->core, ref, event->type, event->payload, event->length,
                                 &alone->told_seq);
    }
    rc = api->publish(alone->core, ref, event->type, event->payload, event->length, on_published,
                      alone);
    alone_settle();
    alone_tell(alone, "whether a publish was answered", alone->called, rc == CORE_OK);
    return alone->called ? alone->rc : rc;
}

static void publish_one(struct alone *alone, struct alone_session *session)
{
    struct alone_event event = draw_event(alone);

    draw_silence(alone, session);
    enum core_result rc = alone_publish(alone, session->ref, &event);
    bool unused = event.length > ALONE_EVENT_MAX || !session->open;
    alone_tell(alone, "the answer to a publish", rc, expect_publish(alone, session, &event));
    alone_tell(alone, "calls of the store without an answer", alone->unheard,
               unused ? 0 : alone->silent);
    alone->silent = 0;
    if (rc != CORE_OK) return;
    alone_tell(alone, "the number of an event", alone->told_seq, session->head);
    if (alone->called)
        alone_tell(alone, "the epoch of an event", alone->told_epoch, session->epoch);
}

void alone_publish_some(struct alone *alone)
{
    struct alone_session *session = alone_draw_session(alone);
    uint32_t count = 1 + world_choose(BURST_MAX, "how_many");

    for (uint32_t i = 0; i < count && session->head + BURST_MAX < ALONE_EVENTS; i++)
        publish_one(alone, session);
}
