/*
 * The handshake and the seam between replay and live delivery. Attaching is one atomic step under
 * the session's lock (L2): read the head, register the cursor. From then on the connection is a
 * cursor over the log: events up to that head are its replay, those after it are live, and there is
 * no other way for an event to reach it.
 */
#include "core/core.h"
#include "core/wire.h"

#include <stdlib.h>
#include <string.h>

enum attach_mode { ATTACH_TAIL, ATTACH_FRESH, ATTACH_RESYNC };

static const char *const mode_words[] = { "tail", "fresh", "resync" };

/* ---- frames ---- */

static json_t *number(uint64_t value)
{
    return json_integer((json_int_t)value);
}

static json_t *run_list(const struct session *session)
{
    json_t *list = json_array();
    for (const struct run *run = session->runs; run != NULL; run = run->next) {
        json_array_append_new(list, json_pack("{s:I, s:s, s:s, s:s}",
                                              "run", (json_int_t)run->number, "key", run->key,
                                              "agent", run->agent, "state",
                                              run_state_word(run->state)));
    }
    return list;
}

/* What the client calls this connection. Generations begin anew with each life of a core, tenures
 * of a stream do not: a name from another life, or from another core, is nobody's here. */
static uint64_t name_of(const struct session *session, const struct conn *conn)
{
    uint64_t before = session->tenure > 0 ? session->tenure - 1 : 0;
    return before << 32 | conn->generation;
}

/* Runs are told here too: who comes after the trimming of an outcome still learns it (L9). */
static void send_ready(struct turn *turn, struct session *session, struct conn *conn,
                       enum attach_mode mode)
{
    const struct log *log = &session->log;
    json_t *body = wire_message(WIRE_CONNECTION_READY);
    json_object_set_new(body, "session", json_string(session->key));
    json_object_set_new(body, "epoch", number(log->epoch));
    json_object_set_new(body, "head", number(log->head));
    json_object_set_new(body, "floor", number(log->floor));
    json_object_set_new(body, "gen", number(name_of(session, conn)));
    json_object_set_new(body, "recovered", json_boolean(mode == ATTACH_TAIL));
    json_object_set_new(body, "runs", run_list(session));
    conn_control(turn, conn, WIRE_CONNECTION_READY, body, 0);
}

static void send_gap(struct turn *turn, struct session *session, struct conn *conn, uint64_t from,
                     uint64_t to)
{
    json_t *body = wire_message(WIRE_GAP);
    json_object_set_new(body, "from", number(from));
    json_object_set_new(body, "to", number(to));
    conn_control(turn, conn, WIRE_GAP, body, 0);
    trace_owe(turn, TP_CONN_GAP, session->key, conn->generation, from, to);
}

/* Announces events conn->cursor + 1 .. head; they follow as frames of their own. */
static void send_initial_state(struct turn *turn, struct session *session, struct conn *conn,
                               enum attach_mode mode)
{
    json_t *body = wire_message(WIRE_INITIAL_STATE);
    json_object_set_new(body, "epoch", number(session->log.epoch));
    json_object_set_new(body, "mode", json_string(mode_words[mode]));
    json_object_set_new(body, "from", number(conn->cursor + 1));
    json_object_set_new(body, "to", number(session->log.head));
    json_object_set_new(body, "count", number(session->log.head - conn->cursor));
    conn_control(turn, conn, WIRE_INITIAL_STATE, body, 0);
}

/* ---- where to begin ---- */

static enum attach_mode choose_mode(const struct core_settings *settings, const struct log *log,
                                    const struct hello *hello)
{
    if (!hello->has_cursor)
        return ATTACH_FRESH;
    if (hello->epoch != log->epoch || hello->cursor > log->head || hello->cursor + 1 < log->floor)
        return ATTACH_RESYNC;
    if (log->head - hello->cursor > settings->replay_max_events)
        return ATTACH_RESYNC;
    return ATTACH_TAIL;
}

/* The newest event that the client can rightly have: 0 if its cursor means nothing here. */
static uint64_t known_cursor(const struct log *log, const struct hello *hello)
{
    bool known = hello->has_cursor && hello->epoch == log->epoch && hello->cursor <= log->head;
    return known ? hello->cursor : 0;
}

/* The one atomic step: cursor, head and registration belong together. */
static void register_cursor(struct turn *turn, struct session *session, struct conn *conn)
{
    const struct core_settings *settings = &session->settings;
    const struct log *log = &session->log;
    enum attach_mode mode = choose_mode(settings, log, &conn->hello);
    uint64_t known = known_cursor(log, &conn->hello);
    conn->cursor = mode == ATTACH_TAIL ?
        known : log_tail_start(log, settings->replay_max_events, UINT64_MAX) - 1;
    conn->attach_cursor = conn->acked = conn->cursor;
    conn->replay_to = log->head;
    conn->phase = CONN_REPLAYING;
    conn->attached_us = core_now_us();
    conn->heartbeat_us = conn->attached_us + settings->heartbeat_us;
    session->attached++;
    trace_owe(turn, TP_CONN_ATTACHED, session->key, conn->generation, conn->cursor, log->head);
    send_ready(turn, session, conn, mode);
    if (mode != ATTACH_TAIL && conn->cursor > known)
        send_gap(turn, session, conn, known + 1, conn->cursor);
    if (mode == ATTACH_RESYNC) {
        session->counted.resyncs++;
        trace_owe(turn, TP_CONN_RESYNC, session->key, conn->generation, conn->cursor + 1,
                  log->head);
    }
    send_initial_state(turn, session, conn, mode);
}

void conn_resync(struct turn *turn, struct session *session, struct conn *conn, uint64_t from)
{
    REQUIRE(conn_is_attached(conn));
    REQUIRE(from > conn->cursor + 1);
    send_gap(turn, session, conn, conn->cursor + 1, from - 1);
    if (!conn_is_attached(conn))   /* there was no memory for it */
        return;
    conn->cursor = conn->attach_cursor = from - 1;
    conn->replay_to = session->log.head;
    conn->phase = CONN_REPLAYING;
    session->counted.resyncs++;
    trace_owe(turn, TP_CONN_RESYNC, session->key, conn->generation, from, session->log.head);
    send_initial_state(turn, session, conn, ATTACH_RESYNC);
}

/* ---- attaching ---- */

static void take_over(struct turn *turn, struct conn *conn)
{
    conn_control(turn, conn, WIRE_TAKEN_OVER, wire_message(WIRE_TAKEN_OVER), 0);
    conn_drop(turn, conn, CORE_CLOSE_TAKEN_OVER);
}

/* A client that comes back names the connection it had: that one is dead, however it looks. */
static void replace_previous(struct turn *turn, struct session *session, struct conn *conn)
{
    for (size_t i = 0; i < session->conns_count; i++) {
        struct conn *other = session->conns[i];
        if (other != conn && conn_is_attached(other) &&
            name_of(session, other) == conn->hello.previous)
            take_over(turn, other);
    }
}

static bool make_room(struct turn *turn, struct session *session)
{
    const struct core_settings *settings = &session->settings;
    if (session->attached < settings->max_conns_per_session)
        return true;
    if (settings->on_excess == ON_EXCESS_REJECT)
        return false;
    size_t i = 0;   /* connections are in order of arrival */
    while (!conn_is_attached(session->conns[i]))
        i++;
    take_over(turn, session->conns[i]);
    return true;
}

static void acknowledge(struct turn *turn, struct session *session, struct conn *conn)
{
    conn->acknowledged = true;
    session->acknowledged++;
    trace_owe(turn, TP_CONN_ACKNOWLEDGED, session->key, conn->generation, 0, 0);
    runs_check_gates(turn, session, conn->generation);
}

void conn_attach(struct turn *turn, struct session *session, struct conn *conn)
{
    REQUIRE(turn_holds(turn, RANK_SESSION));
    REQUIRE(session->phase == SESSION_OPEN);
    REQUIRE(conn->phase == CONN_LOADING);
    /* A session of somebody else answers like one that does not exist. */
    if (strcmp(conn->user, session->owner) != 0) {
        conn_error(turn, conn, wire_message_word(WIRE_HELLO), CORE_NOT_FOUND,
                   core_result_text(CORE_NOT_FOUND));
        conn_drop(turn, conn, CORE_CLOSE_REFUSED);
        return;
    }
    replace_previous(turn, session, conn);
    if (!make_room(turn, session)) {
        conn_error(turn, conn, wire_message_word(WIRE_HELLO), CORE_LIMIT,
                   core_result_text(CORE_LIMIT));
        conn_drop(turn, conn, CORE_CLOSE_EXCESS);
        return;
    }
    if (session->grace_timer != 0)
        timer_cancel(turn, session->grace_timer);
    session->grace_timer = 0;
    register_cursor(turn, session, conn);
    if (!conn_is_attached(conn))   /* no memory for what it has to be told: it has left again */
        return;
    prompts_check_clocks(turn, session);
    session_check_retention(turn, session);
    conn_rearm(turn, conn);
    if (session->settings.ack_required == ACK_REQUIRED_OFF)
        acknowledge(turn, session, conn);
    else
        runs_check_gates(turn, session, conn->generation);
}

/* ---- hello and its acknowledgement ---- */

static enum core_result decode_hello(const json_t *body, char key[CORE_NAME_MAX],
                                     struct hello *hello)
{
    *hello = (struct hello){ .has_cursor = false };
    if (!wire_name(body, "session", key))
        return CORE_INVALID;
    bool has_epoch = json_object_get(body, "epoch") != NULL;
    bool has_cursor = json_object_get(body, "cursor") != NULL;
    if (has_epoch != has_cursor)
        return CORE_INVALID;
    if (has_epoch && (!wire_number(body, "epoch", &hello->epoch) ||
                      !wire_number(body, "cursor", &hello->cursor)))
        return CORE_INVALID;
    hello->has_cursor = has_epoch;
    if (json_object_get(body, "previous") != NULL &&
        !wire_number(body, "previous", &hello->previous))
        return CORE_INVALID;
    return CORE_OK;
}

static enum core_result join(struct session *session, struct conn *conn)
{
    if (session->conns_count == session->conns_capacity) {
        size_t capacity = session->conns_capacity == 0 ? 2 : session->conns_capacity * 2;
        struct conn **conns = realloc(session->conns, capacity * sizeof(struct conn *));
        if (conns == NULL)
            return CORE_NO_MEMORY;
        session->conns = conns;
        session->conns_capacity = capacity;
    }
    session->conns[session->conns_count++] = conn;
    session->core->greeting--;
    conn->session = session;
    conn->phase = CONN_LOADING;
    return CORE_OK;
}

static void refuse(struct turn *turn, struct conn *conn, enum core_result rc)
{
    conn_error(turn, conn, wire_message_word(WIRE_HELLO), rc, core_result_text(rc));
    conn_drop(turn, conn,
              rc == CORE_NOT_FOUND ? CORE_CLOSE_REFUSED : CORE_CLOSE_UNAVAILABLE);
}

void conn_handle_hello(struct turn *turn, struct conn *conn, const json_t *body)
{
    struct core *core = turn->core;
    char key[CORE_NAME_MAX];
    REQUIRE(turn_holds(turn, RANK_TABLE));
    REQUIRE(conn->phase == CONN_GREETING);
    enum core_result rc = decode_hello(body, key, &conn->hello);
    if (rc != CORE_OK) {
        conn_error(turn, conn, wire_message_word(WIRE_HELLO), rc,
                   "hello names a session, and an epoch and a cursor together or neither");
        turn_unlock(turn, &core->table_lock);
        return;
    }
    bool create = core->settings.auto_create == AUTO_CREATE_ON_START;
    struct session *session = session_begin(turn, key, conn->user, create, NULL, &rc);
    if (session == NULL) {
        refuse(turn, conn, rc);
        turn_unlock(turn, &core->table_lock);
        return;
    }
    rc = join(session, conn);
    if (rc != CORE_OK)
        refuse(turn, conn, rc);
    turn_unlock(turn, &core->table_lock);
    if (rc == CORE_OK && session->phase == SESSION_OPEN)
        conn_attach(turn, session, conn);
    turn_unlock(turn, &session->lock);
}

void conn_handle_acknowledged(struct turn *turn, struct conn *conn, const json_t *body)
{
    uint64_t generation;
    if (!wire_number(body, "gen", &generation) || generation != name_of(conn->session, conn)) {
        /* Readiness belongs to one generation: that of another says nothing about this one (H3). */
        conn_error(turn, conn, wire_message_word(WIRE_CONNECTION_ACKNOWLEDGED), CORE_STALE,
                   "\"gen\" is not the generation of this connection");
        return;
    }
    if (!conn->acknowledged)
        acknowledge(turn, conn->session, conn);
}
