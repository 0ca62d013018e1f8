/* Connections: opened, kept alive, woken, dropped, closed. Attaching is in attach.c. */
#include "core/core.h"
#include "core/wire.h"

#include <stdlib.h>
#include <string.h>

/* More control frames than this waiting means that the client does not read. */
enum { CONTROLS_MAX = 64 };

struct conn_ref conn_ref_of(const struct conn *conn)
{
    return (struct conn_ref){ .slot = conn->slot, .generation = conn->generation };
}

bool conn_is_attached(const struct conn *conn)
{
    return conn->phase == CONN_REPLAYING || conn->phase == CONN_LIVE;
}

const struct core_settings *conn_settings(const struct turn *turn, const struct conn *conn)
{
    return conn->session != NULL ? &conn->session->settings : &turn->core->settings;
}

/* ---- finding ---- */

struct conn *conn_enter(struct turn *turn, struct conn_ref ref)
{
    struct core *core = turn->core;
    turn_lock(turn, &core->table_lock);
    struct conn *conn = ref.slot < core->conns_capacity ? core->conns[ref.slot].conn : NULL;
    if (conn == NULL || conn->generation != ref.generation) {
        core->counted.stale_calls++;
        turn_unlock(turn, &core->table_lock);
        return NULL;
    }
    if (conn->session != NULL) {
        turn_lock(turn, &conn->session->lock);
        turn_unlock(turn, &core->table_lock);
    }
    return conn;
}

void conn_leave(struct turn *turn, struct conn *conn)
{
    if (turn_holds(turn, RANK_SESSION))
        turn_unlock(turn, &conn->session->lock);
    else
        turn_unlock(turn, &turn->core->table_lock);
}

/* ---- opening ---- */

static bool find_free_slot(struct core *core, uint32_t *slot)
{
    for (uint32_t i = 0; i < core->conns_capacity; i++) {
        if (core->conns[i].conn == NULL) {
            *slot = i;
            return true;
        }
    }
    uint32_t capacity = core->conns_capacity == 0 ? 4 : core->conns_capacity * 2;
    struct conn_slot *slots = realloc(core->conns, capacity * sizeof *slots);
    if (slots == NULL)
        return false;
    memset(slots + core->conns_capacity, 0, (capacity - core->conns_capacity) * sizeof *slots);
    *slot = core->conns_capacity;
    core->conns = slots;
    core->conns_capacity = capacity;
    return true;
}

static uint64_t count_of_user(const struct core *core, const char *user)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < core->conns_capacity; i++) {
        const struct conn *conn = core->conns[i].conn;
        count += conn != NULL && strcmp(conn->user, user) == 0;
    }
    return count;
}

static bool is_full(const struct core *core, const char *user)
{
    const struct core_settings *settings = &core->settings;
    return core->conns_count >= settings->max_conns || core->greeting >= settings->max_handshakes ||
           count_of_user(core, user) >= settings->max_conns_per_user;
}

/* Table lock held. */
static enum core_result add_conn(struct turn *turn, struct conn *conn)
{
    struct core *core = turn->core;
    uint32_t slot;
    if (!core_accepts(core))
        return CORE_DRAINING;
    if (is_full(core, conn->user))
        return CORE_LIMIT;
    if (!find_free_slot(core, &slot))
        return CORE_NO_MEMORY;
    conn->slot = slot;
    conn->generation = ++core->next_generation;
    core->conns[slot].conn = conn;
    core->conns_count++;
    core->greeting++;
    conn_rearm(turn, conn);
    trace_owe(turn, TP_CONN_OPENED, conn->user, conn->generation, 0, 0);
    return CORE_OK;
}

enum core_result conn_open(struct core *core, uint64_t handle, const char *user,
                           struct conn_ref *ref)
{
    struct conn *conn = calloc(1, sizeof *conn);
    if (conn == NULL)
        return CORE_NO_MEMORY;
    if (!core_copy_name(conn->user, user)) {
        free(conn);
        return CORE_INVALID;
    }
    conn->handle = handle;
    conn->phase = CONN_GREETING;
    conn->opened_us = conn->heard_us = core_now_us();
    struct turn turn;
    turn_begin(&turn, core);
    turn_lock(&turn, &core->table_lock);
    enum core_result rc = add_conn(&turn, conn);
    if (rc == CORE_OK)
        *ref = conn_ref_of(conn);
    turn_unlock(&turn, &core->table_lock);
    turn_end(&turn);
    if (rc != CORE_OK)
        free(conn);
    return rc;
}

void conn_free(struct conn *conn)
{
    while (conn->controls != NULL) {
        struct control *control = conn->controls;
        conn->controls = control->next;
        free(control->text);
        free(control);
    }
    free(conn);
}

enum conn_state conn_state(struct core *core, struct conn_ref ref)
{
    enum conn_state state = CONN_DISCONNECTED;
    struct turn turn;
    turn_begin(&turn, core);
    struct conn *conn = conn_enter(&turn, ref);
    if (conn != NULL) {
        if (conn_is_attached(conn))
            state = CONN_CONNECTED;
        else if (conn->phase != CONN_DROPPED)
            state = CONN_CONNECTING;
        else if (conn->failed)
            state = CONN_ERROR;
        conn_leave(&turn, conn);
    }
    turn_end(&turn);
    return state;
}

/*
 * The generic cell rate algorithm (ITU-T I.371): messages are due at equal distances, and may come
 * a second early, so that a burst of one second's worth is taken.
 */
bool conn_may_speak(const struct turn *turn, struct conn *conn, uint64_t now_us)
{
    uint64_t rate = conn_settings(turn, conn)->max_message_rate;
    if (rate == 0)
        return true;
    uint64_t due_us = conn->paced_us > now_us ? conn->paced_us : now_us;
    if (due_us >= now_us + CORE_SECONDS(1))
        return false;
    conn->paced_us = due_us + CORE_SECONDS(1) / rate;
    return true;
}

/* ---- frames about the connection ---- */

static void wake(struct turn *turn, struct conn *conn, const char *session)
{
    struct effect *effect = turn_owe(turn, EFFECT_WANT_WRITE);
    effect->u.conn.handle = conn->handle;
    effect->u.conn.conn = conn_ref_of(conn);
    core_set_name(effect->subject, session);
}

void conn_wake(struct turn *turn, struct conn *conn)
{
    /* While a frame is in flight the transport is awake: conn_sent looks again. */
    if (conn->write_wanted || conn->in_flight)
        return;
    conn->write_wanted = true;
    conn->waiting_us = core_now_us();
    conn_rearm(turn, conn);
    wake(turn, conn, conn->session != NULL ? conn->session->key : "");
}

static struct control *control_new(enum wire_message kind, json_t *body, uint64_t number)
{
    size_t length;
    char *text = wire_text(body, &length);
    struct control *control = text == NULL ? NULL : malloc(sizeof *control);
    if (control == NULL) {
        free(text);
        return NULL;
    }
    *control = (struct control){ .kind = kind, .number = number, .length = length, .text = text };
    return control;
}

void conn_control(struct turn *turn, struct conn *conn, enum wire_message kind, json_t *body,
                  uint64_t number)
{
    if (conn->phase == CONN_DROPPED) {
        json_decref(body);
        return;
    }
    struct control *control = control_new(kind, body, number);
    if (control == NULL) {
        conn_drop(turn, conn, CORE_CLOSE_INTERNAL);
        return;
    }
    if (conn->controls_tail != NULL)
        conn->controls_tail->next = control;
    else
        conn->controls = control;
    conn->controls_tail = control;
    conn->controls_count++;
    conn_wake(turn, conn);
    if (conn->controls_count > CONTROLS_MAX)
        conn_drop(turn, conn, CORE_CLOSE_SLOW);
}

void conn_error(struct turn *turn, struct conn *conn, const char *about, enum core_result result,
                const char *sentence)
{
    json_t *body = wire_message(WIRE_ERROR);
    json_object_set_new(body, "about", json_string(about));
    json_object_set_new(body, "code", json_string(core_result_word(result)));
    json_object_set_new(body, "reason", json_string(sentence));
    conn_control(turn, conn, WIRE_ERROR, body, 0);
}

/* ---- dropping and closing ---- */

static void grace_over(struct core *core, struct timer_target target)
{
    struct turn turn;
    turn_begin(&turn, core);
    struct session *session = session_enter(
        &turn, (struct session_ref){ .slot = target.slot, .generation = target.generation });
    if (session != NULL) {
        /* Somebody may have come back while this expiry was on its way (L11). */
        if (session->grace_timer != 0 && session->grace_number == target.number &&
            session->attached == 0) {
            session->grace_timer = 0;
            trace_owe(&turn, TP_GRACE_ENDED, session->key, 0, 0, 0);
            runs_stop(&turn, session, "nobody attached");
        }
        session_leave(&turn, session);
    }
    turn_end(&turn);
}

/* The last connection is gone. What that means is a policy, never an accident (C1). */
static void last_detached(struct turn *turn, struct session *session)
{
    const struct core_settings *settings = &session->settings;
    switch ((enum on_detach)settings->on_detach) {
    case ON_DETACH_KEEP:
        return;
    case ON_DETACH_CANCEL_NOW:
        runs_stop(turn, session, "nobody attached");
        return;
    case ON_DETACH_CANCEL_AFTER_GRACE: {
        struct timer_target target = { session->slot, session->generation,
                                       ++session->grace_number };
        session->grace_timer =
            timer_arm(turn, core_now_us() + settings->detach_grace_us, grace_over, target);
        trace_owe(turn, TP_GRACE_STARTED, session->key, 0, 0, 0);
        return;
    }
    }
    UNREACHABLE();
}

static void detach(struct turn *turn, struct session *session, struct conn *conn)
{
    REQUIRE(session->attached > 0);
    session->attached--;
    session->acknowledged -= conn->acknowledged;
    trace_owe(turn, TP_CONN_DETACHED, session->key, conn->generation, session->attached, 0);
    prompts_check_clocks(turn, session);
    if (session->attached == 0 && session->phase == SESSION_OPEN)
        last_detached(turn, session);
    session_check_retention(turn, session);
}

/* Nothing was wrong with the connection: the session or the core ends, or another takes over. */
static bool is_orderly(enum core_close_code code)
{
    return code == CORE_CLOSE_NORMAL || code == CORE_CLOSE_DRAINING ||
           code == CORE_CLOSE_TAKEN_OVER || code == CORE_CLOSE_MOVED;
}

void conn_drop(struct turn *turn, struct conn *conn, enum core_close_code code)
{
    if (conn->phase == CONN_DROPPED)
        return;
    bool was_attached = conn_is_attached(conn);
    conn->phase = CONN_DROPPED;
    conn->failed = !is_orderly(code);
    if (conn->timer != 0)
        timer_cancel(turn, conn->timer);
    conn->timer = 0;
    trace_owe(turn, TP_CONN_DROPPED, conn->session != NULL ? conn->session->key : "",
              conn->generation, (uint64_t)code, 0);
    struct effect *effect = turn_owe(turn, EFFECT_CLOSE);
    effect->u.conn.handle = conn->handle;
    effect->u.conn.conn = conn_ref_of(conn);
    effect->u.conn.code = code;
    if (was_attached)
        detach(turn, conn->session, conn);
}

static void take_from_session(struct turn *turn, struct session *session, struct conn *conn)
{
    size_t i = 0;
    while (session->conns[i] != conn)
        i++;
    session->conns_count--;
    memmove(&session->conns[i], &session->conns[i + 1],
            (session->conns_count - i) * sizeof(struct conn *));
    if (conn_is_attached(conn))
        detach(turn, session, conn);
    session_check_unused(turn, session);
}

/* Table lock held, and the session's. */
static void take_out(struct turn *turn, struct conn *conn)
{
    struct core *core = turn->core;
    if (conn->session != NULL)
        take_from_session(turn, conn->session, conn);
    else
        core->greeting--;
    if (conn->timer != 0)
        timer_cancel(turn, conn->timer);
    trace_owe(turn, TP_CONN_CLOSED, conn->user, conn->generation, 0, 0);
    core->conns[conn->slot].conn = NULL;
    core->conns_count--;
}

void conn_closed(struct core *core, struct conn_ref ref)
{
    struct turn turn;
    turn_begin(&turn, core);
    turn_lock(&turn, &core->table_lock);
    struct conn *conn = ref.slot < core->conns_capacity ? core->conns[ref.slot].conn : NULL;
    /* The close of an old generation removes nothing of a newer one (R6). */
    if (conn != NULL && conn->generation != ref.generation)
        conn = NULL;
    if (conn != NULL) {
        struct session *session = conn->session;
        if (session != NULL)
            turn_lock(&turn, &session->lock);
        take_out(&turn, conn);
        if (session != NULL)
            turn_unlock(&turn, &session->lock);
    } else {
        core->counted.stale_calls++;
    }
    turn_unlock(&turn, &core->table_lock);
    if (conn != NULL)
        conn_free(conn);
    turn_end(&turn);
}

/* ---- deadlines ---- */

static uint64_t earlier(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t next_deadline(const struct core_settings *settings, const struct conn *conn)
{
    uint64_t due_us;
    if (conn_is_attached(conn)) {
        due_us = earlier(conn->heartbeat_us, conn->heard_us + settings->heartbeat_timeout_us);
        if (!conn->acknowledged)
            due_us = earlier(due_us, conn->attached_us + settings->ack_timeout_us);
    } else {
        due_us = conn->opened_us + settings->ack_timeout_us;
    }
    if (conn->waiting_us != 0)
        due_us = earlier(due_us, conn->waiting_us + settings->send_stall_us);
    return due_us;
}

static void send_heartbeat(struct turn *turn, struct session *session, struct conn *conn,
                           uint64_t now_us)
{
    conn->heartbeat_us = now_us + session->settings.heartbeat_us;
    for (const struct control *control = conn->controls; control != NULL; control = control->next) {
        if (control->kind == WIRE_HEARTBEAT)
            return;   /* one that waits is enough */
    }
    json_t *body = wire_message(WIRE_HEARTBEAT);
    json_object_set_new(body, "head", json_integer((json_int_t)session->log.head));
    json_object_set_new(body, "sent", json_integer((json_int_t)conn->cursor));
    conn_control(turn, conn, WIRE_HEARTBEAT, body, 0);
    trace_owe(turn, TP_CONN_HEARTBEAT, session->key, conn->generation, session->log.head, 0);
    store_look(turn, session);
}

/* Which deadline has passed, in order of gravity; each is checked against now, not assumed. */
static void meet_deadlines(struct turn *turn, struct conn *conn)
{
    const struct core_settings *settings = conn_settings(turn, conn);
    uint64_t now_us = core_now_us();
    bool attached = conn_is_attached(conn);
    if (conn->waiting_us != 0 && now_us >= conn->waiting_us + settings->send_stall_us)
        conn_drop(turn, conn, CORE_CLOSE_SLOW);
    else if (attached && now_us >= conn->heard_us + settings->heartbeat_timeout_us)
        conn_drop(turn, conn, CORE_CLOSE_SILENT);
    else if (attached && !conn->acknowledged &&
             now_us >= conn->attached_us + settings->ack_timeout_us)
        conn_drop(turn, conn, CORE_CLOSE_HANDSHAKE);
    else if (!attached && now_us >= conn->opened_us + settings->ack_timeout_us)
        conn_drop(turn, conn, CORE_CLOSE_HANDSHAKE);
    else if (attached && now_us >= conn->heartbeat_us)
        send_heartbeat(turn, conn->session, conn, now_us);
}

static void deadline_passed(struct core *core, struct timer_target target)
{
    struct turn turn;
    turn_begin(&turn, core);
    struct conn *conn = conn_enter(
        &turn, (struct conn_ref){ .slot = target.slot, .generation = target.generation });
    if (conn != NULL) {
        /* A timer that was replaced on its way here is none of our business. */
        if (conn->timer != 0 && conn->timer_number == target.number) {
            conn->timer = 0;
            meet_deadlines(&turn, conn);
            conn_rearm(&turn, conn);
        }
        conn_leave(&turn, conn);
    }
    turn_end(&turn);
}

void conn_rearm(struct turn *turn, struct conn *conn)
{
    if (conn->phase == CONN_DROPPED)
        return;
    uint64_t due_us = next_deadline(conn_settings(turn, conn), conn);
    /* A timer that is too early does no harm: it looks, and arms itself anew. */
    if (conn->timer != 0 && conn->timer_due_us <= due_us)
        return;
    if (conn->timer != 0)
        timer_cancel(turn, conn->timer);
    conn->timer_due_us = due_us;
    conn->timer = timer_arm(turn, due_us, deadline_passed,
                            (struct timer_target){ conn->slot, conn->generation,
                                                   ++conn->timer_number });
}
