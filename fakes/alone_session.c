/* Sessions of a core that a backend has for itself: opened, configured, closed, and written into or
 * taken over by another core. */
#include "fakes/alone.h"

#include <stdio.h>

enum { PAGES_THEN = 2 };

static const char *const owners[] = { "ann", "ben" };

static void on_opened(void *context, enum core_result rc, struct session_ref ref, uint64_t epoch)
{
    struct alone *alone = context;

    alone_tell(alone, "whether an open was answered before", alone->called, false);
    alone->called = true;
    alone->rc = rc;
    alone->told_ref = ref;
    alone->told_epoch = epoch;
}

/* With settings of its own, and an answer that comes through a completion; or as most do. */
static enum core_result call_open(struct alone *alone, const struct alone_session *session,
                                  const char *owner, bool create,
                                  const struct core_settings *settings)
{
    uint32_t flags = create ? SESSION_CREATE : 0;

    if (settings == NULL)
        return alone->api->session_open_wait(alone->core, session->name, owner, flags,
                                             &alone->told_ref, &alone->told_epoch);
    alone->called = false;
    enum core_result rc = alone->api->session_open_with(alone->core, session->name, owner, flags,
                                                        settings, on_opened, alone);
    if (session->open)
        alone_tell(alone, "whether the open of what is there is answered at once", alone->called,
                   rc == CORE_OK);
    alone_settle();
    alone_tell(alone, "whether an open was answered", alone->called, rc == CORE_OK);
    return alone->called ? alone->rc : rc;
}

static enum core_result expect_open(struct alone *alone, struct alone_session *session,
                                    const char *owner, bool create, uint64_t most)
{
    if (!session->open) {
        if (!create && session->owner == NULL) return CORE_NOT_FOUND;
        if (alone_open_count(alone) == ALONE_SESSIONS_MAX) return CORE_LIMIT;
        if (alone->stored) alone->failing = alone->silent >= alone->settings.store_attempts;
        if (alone->stored && alone->failing) return CORE_UNAVAILABLE;
        alone_open(alone, session, owner, most);
    }
    return strcmp(owner, session->owner) == 0 ? CORE_OK : CORE_REFUSED;
}

static void learn(struct alone *alone, struct alone_session *session, struct session_ref ref,
                  uint64_t epoch, bool known)
{
    alone_tell(alone, "the epoch of an open", epoch, session->epoch);
    if (known)
        alone_tell(alone, "whether it is the same session",
                   ref.slot == session->ref.slot && ref.generation == session->ref.generation,
                   true);
    session->ref = ref;
}

/* A refusal tells no handle: asked for by its owner, a session has one. */
static void learn_refused(struct alone *alone, struct alone_session *session)
{
    struct session_ref ref;
    uint64_t epoch;
    enum core_result rc = alone->api->session_open_wait(alone->core, session->name,
                                                        session->owner, 0, &ref, &epoch);

    alone_tell(alone, "an open for its owner", rc, CORE_OK);
    if (rc == CORE_OK) learn(alone, session, ref, epoch, false);
}

void alone_open_one(struct alone *alone)
{
    struct alone_session *session = alone_draw_session(alone);
    const char *owner = owners[world_choose(2, "an_owner")];
    bool create = !alone_draw("only_find"), known = session->open;
    bool own = alone_draw("settings_of_its_own");
    struct core_settings settings = alone->settings;

    if (own) settings.history_max_events = 2 + world_choose(5, "events_of_its_own");
    alone->silent = alone->heard = alone->unheard = 0;
    /* A load that takes effect makes the stream though nobody is told: loads are lost whole. */
    if (alone->stored && !known) alone->silent = world_choose(4, "loads_without_an_answer");
    bool full = !known && alone_open_count(alone) == ALONE_SESSIONS_MAX;
    if (full || (!create && session->owner == NULL)) alone->silent = 0;
    enum core_result rc = call_open(alone, session, owner, create, own ? &settings : NULL);
    enum core_result due =
        expect_open(alone, session, owner, create, settings.history_max_events);
    /* What the store does not have takes a place until it has said so. */
    bool absent = due == CORE_NOT_FOUND && alone->stored;
    if (absent && alone_open_count(alone) == ALONE_SESSIONS_MAX) due = CORE_LIMIT;
    else if (absent) alone->failing = false;
    alone_tell(alone, "the answer to an open", rc, due);
    alone->silent = 0;
    if (rc == CORE_OK) learn(alone, session, alone->told_ref, alone->told_epoch, known);
    else if (rc == CORE_REFUSED && !known) learn_refused(alone, session);
}

void alone_close_one(struct alone *alone)
{
    struct alone_session *session = alone_draw_session(alone);
    enum core_result rc =
        alone->api->session_close(alone->core, session->ref, CORE_CLOSE_NORMAL);

    alone_tell(alone, "the answer to a close", rc, session->open ? CORE_OK : CORE_STALE);
    if (session->open) alone_close(alone, session);
    else alone->stale++;
}

void alone_configure_one(struct alone *alone)
{
    struct alone_session *session = alone_draw_session(alone);
    struct core_settings settings = alone->settings, told;

    settings.history_max_events = 2 + world_choose(5, "events_kept");
    enum core_result rc =
        alone->api->session_configure(alone->core, session->ref, &settings);
    alone_tell(alone, "the answer to new settings", rc, session->open ? CORE_OK : CORE_STALE);
    alone->stale += !session->open;
    if (rc != CORE_OK) return;
    session->most = settings.history_max_events;
    rc = alone->api->session_settings(alone->core, session->ref, &told);
    alone_tell(alone, "whether new settings are told",
               rc == CORE_OK && memcmp(&told, &settings, sizeof told) == 0, true);
}

void alone_touch(struct alone *alone, const struct alone_session *session)
{
    struct core_settings settings;

    if (!alone_draw("settings_meanwhile")) return;
    alone_tell(alone, "the answer about the settings of a session in use",
               alone->api->session_settings(alone->core, session->ref, &settings), CORE_OK);
    alone_tell(alone, "the answer to the same settings once more",
               alone->api->session_configure(alone->core, session->ref, &settings), CORE_OK);
}

/* --- other cores --- */

/* It says of the newest run what only a later version knows: whoever reads it takes that for an
 * end. */
static void write_strange(struct alone_session *session, struct alone_stream *stream)
{
    struct alone_run *run = &session->runs[session->run_count - 1];
    char text[100];

    int length = snprintf(text, sizeof text,
                          "{\"run\":%llu,\"key\":\"%s\",\"agent\":\"x\",\"state\":\"asleep\"}",
                          (unsigned long long)run->number, run->key);
    struct alone_event event = { "run_state", text, (size_t)length, UINT64_MAX };
    alone_store_write(stream, &event);
    run->last_seq = ++session->stored;
    run->said = RUN_INTERRUPTED;
}

/* Another core has written into the stream. */
void alone_meddle(struct alone *alone, struct alone_session *session)
{
    struct alone_stream *stream = &alone->streams[session - alone->sessions];
    uint32_t count = 1 + world_choose(20, "events_of_another_core");

    if (!alone->stored || !session->open || session->stored + count + 2 >= ALONE_EVENTS) return;
    for (uint32_t i = 0; i < count; i++) {
        struct alone_event event = { "item", "{\"by\":\"another\"}", 16, UINT64_MAX };
        alone_store_write(stream, &event);
        session->stored++;
    }
    if (session->run_count > 0 && alone_draw("a_word_of_a_later_version"))
        write_strange(session, stream);
}

void alone_refresh_one(struct alone *alone)
{
    struct alone_session *session = alone_draw_session(alone);
    const struct alone_stream *stream = &alone->streams[session - alone->sessions];

    if (alone_draw("with_a_reason")) alone_meddle(alone, session);
    enum core_result rc = alone->api->session_refresh(alone->core, session->name);

    alone_settle();
    alone_tell(alone, "the answer to a notice of the store", rc,
               session->open ? CORE_OK : CORE_NOT_FOUND);
    alone->stale += !session->open;
    if (!session->open || !alone->stored) return;
    while (session->head < session->stored)
        alone_take_in(alone, session, stream->events[session->head]);
}

/* Whoever has the stream now has the store forget some of it. */
static void trim_elsewhere(struct alone *alone, struct alone_session *session)
{
    struct alone_stream *stream = &alone->streams[session - alone->sessions];
    uint64_t left = session->head + 1 - session->stored_floor;

    session->known_floor = session->stored_floor;
    session->stored_floor += alone_draw("all_events") ? left
        : world_choose((uint32_t)left + 1, "events_forgotten");
    stream->floor = session->stored_floor;
    for (uint32_t i = 0; i < PAGES_THEN; i++) alone_read(alone, session);
    session->known_floor = 0;
}

/* The stream is another core's: the next event is refused, and the session is over. */
void alone_lose_one(struct alone *alone)
{
    struct alone_session *session = alone_draw_session(alone);
    struct alone_stream *stream = &alone->streams[session - alone->sessions];
    struct alone_event event = { "news", "{}", 2, 0 };

    if (!alone->stored || !session->open || session->head < session->stored) return;
    stream->tenure++;
    session->tenure++;
    if (alone_draw("and_forgets_some")) trim_elsewhere(alone, session);
    enum core_result rc = alone_publish(alone, session->ref, &event);
    alone_tell(alone, "the answer of a stream that was lost", rc, CORE_STALE);
    alone->failing = false;
    alone_close(alone, session);
}
