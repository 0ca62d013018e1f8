/*
 * What the transport pulls: one frame at a time, control frames first, then events in order of
 * their seq. The cursor moves here and nowhere else, so an event cannot be sent twice (L1).
 */
#include "core/core.h"
#include "core/wire.h"

#include <stdlib.h>

/* ---- after an append ---- */

/* Bytes that wait beyond the replay, which has a bound of its own. */
static uint64_t live_bytes_waiting(const struct log *log, const struct conn *conn)
{
    uint64_t from = conn->cursor > conn->replay_to ? conn->cursor : conn->replay_to;
    return log_bytes_after(log, from);
}

static void handle_slow(struct turn *turn, struct session *session, struct conn *conn)
{
    const struct core_settings *settings = &session->settings;
    if (settings->on_slow == ON_SLOW_DISCONNECT) {
        conn_drop(turn, conn, CORE_CLOSE_SLOW);
        return;
    }
    /* Half of the bound: room to breathe before the next time. */
    uint64_t from = log_tail_start(&session->log, settings->replay_max_events,
                                   settings->outbound_max_bytes / 2);
    if (from > conn->cursor + 1)
        conn_resync(turn, session, conn, from);
}

void conns_announce(struct turn *turn, struct session *session)
{
    /* Dropping a connection does not take it out of the list: only its close does. */
    for (size_t i = 0; i < session->conns_count; i++) {
        struct conn *conn = session->conns[i];
        if (!conn_is_attached(conn))
            continue;
        if (live_bytes_waiting(&session->log, conn) > session->settings.outbound_max_bytes)
            handle_slow(turn, session, conn);
        if (conn_is_attached(conn))
            conn_wake(turn, conn);
    }
}

/* ---- pulling ---- */

bool conn_has_frame(const struct session *session, const struct conn *conn)
{
    if (conn->controls != NULL)
        return true;
    if (!conn_is_attached(conn))
        return false;
    return conn->phase == CONN_REPLAYING || conn->cursor < session->log.head;
}

static void end_replay(struct turn *turn, struct session *session, struct conn *conn)
{
    conn->phase = CONN_LIVE;
    json_t *body = wire_message(WIRE_STATE_REPLAY_COMPLETE);
    json_object_set_new(body, "to", json_integer((json_int_t)conn->cursor));
    conn_control(turn, conn, WIRE_STATE_REPLAY_COMPLETE, body, 0);
    prompts_offer(turn, session, conn);
}

static void trace_control(struct turn *turn, struct conn *conn, const struct control *control)
{
    if (conn->session == NULL)
        return;
    if (control->kind == WIRE_CONNECTION_READY)
        trace_owe(turn, TP_CONN_READY, conn->session->key, conn->generation, 0, 0);
    if (control->kind == WIRE_STATE_REPLAY_COMPLETE)
        trace_owe(turn, TP_CONN_REPLAYED, conn->session->key, conn->generation, conn->cursor, 0);
    if (control->number != 0)
        trace_owe(turn, TP_PROMPT_OFFERED, conn->session->key, control->number, conn->generation,
                  0);
}

static void give_control(struct turn *turn, struct conn *conn, struct conn_frame *frame)
{
    struct control *control = conn->controls;
    frame->bytes = control->text;
    frame->length = control->length;
    frame->seq = 0;
    trace_control(turn, conn, control);
    conn->controls = control->next;
    if (conn->controls == NULL)
        conn->controls_tail = NULL;
    conn->controls_count--;
    free(control);
}

static bool give_event(struct session *session, struct conn *conn, struct conn_frame *frame)
{
    const struct log_event *event = log_at(&session->log, conn->cursor + 1);
    REQUIRE(event != NULL);
    frame->bytes = wire_event(event, &frame->length);
    if (frame->bytes == NULL)
        return false;
    frame->seq = event->seq;
    conn->cursor = event->seq;
    return true;
}

/* Chooses and makes the next frame. False: out of memory. The caller knows that there is one. */
static bool give(struct turn *turn, struct conn *conn, struct conn_frame *frame)
{
    struct session *session = conn->session;
    /* Trimmed under a slow reader: what it is left with is no longer than any replay. */
    if (conn->controls == NULL && conn->cursor + 1 < session->log.floor)
        conn_resync(turn, session, conn,
                    log_tail_start(&session->log, session->settings.replay_max_events,
                                   UINT64_MAX));
    if (conn->controls == NULL && conn->phase == CONN_REPLAYING && conn->cursor >= conn->replay_to)
        end_replay(turn, session, conn);
    /* What was to be said first could not be: it was given up (conn_control). */
    if (conn->phase == CONN_DROPPED && conn->controls == NULL)
        return false;
    if (conn->controls == NULL)
        return give_event(session, conn, frame);
    give_control(turn, conn, frame);
    return true;
}

static void note_given(struct conn *conn, struct conn_frame *frame)
{
    frame->number = ++conn->frames;
    conn->in_flight = true;
    conn->waiting_us = core_now_us();
    if (conn->session != NULL)
        conn->session->counted.frames_sent++;
}

bool conn_next(struct core *core, struct conn_ref ref, struct conn_frame *frame)
{
    *frame = (struct conn_frame){ 0 };
    struct turn turn;
    turn_begin(&turn, core);
    struct conn *conn = conn_enter(&turn, ref);
    bool given = false;
    if (conn != NULL) {
        bool wanted = !conn->in_flight && conn_has_frame(conn->session, conn);
        given = wanted && give(&turn, conn, frame);
        if (given)
            note_given(conn, frame);
        else if (wanted)
            conn_drop(&turn, conn, CORE_CLOSE_INTERNAL);
        if (!given)
            conn->write_wanted = false;
        if (!given && !conn->in_flight)
            conn->waiting_us = 0;
        conn_rearm(&turn, conn);
        conn_leave(&turn, conn);
    }
    turn_end(&turn);
    return given;
}

void conn_frame_free(struct conn_frame *frame)
{
    free(frame->bytes);
    *frame = (struct conn_frame){ 0 };
}

void conn_sent(struct core *core, struct conn_ref ref, uint64_t number)
{
    struct turn turn;
    turn_begin(&turn, core);
    struct conn *conn = conn_enter(&turn, ref);
    if (conn != NULL) {
        if (conn->in_flight && conn->frames == number) {
            conn->in_flight = false;
            conn->waiting_us = conn->write_wanted ? core_now_us() : 0;
            if (conn_has_frame(conn->session, conn))
                conn_wake(&turn, conn);
        }
        conn_leave(&turn, conn);
    }
    turn_end(&turn);
}
