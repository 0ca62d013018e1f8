/* Events on their way into the log, and what happens when they are in. */
#include "core/core.h"
#include "core/wire.h"

#include <stdlib.h>
#include <string.h>

/* ---- waiters ---- */

void waiter_init(struct waiter *waiter)
{
    *waiter = (struct waiter){ .done = false };
    REQUIRE(core_cond_init(&waiter->cond) == CORE_OK);
}

void waiter_destroy(struct waiter *waiter)
{
    REQUIRE(pthread_cond_destroy(&waiter->cond) == 0);
}

void waiter_finish(struct waiter *waiter, enum core_result result)
{
    waiter->done = true;
    waiter->result = result;
    pthread_cond_signal(&waiter->cond);
}

void waiter_wait(struct turn *turn, struct session *session, struct waiter *waiter)
{
    if (turn->count > 0) {
        turn_unlock(turn, &session->lock);
        turn_flush(turn);
        turn_lock(turn, &session->lock);
    }
    while (!waiter->done)
        turn_wait(turn, &waiter->cond, &session->lock, 0);
}

/* ---- queueing ---- */

static enum core_result check(const struct session *session, const struct publish_order *order)
{
    if (session->moved)
        return CORE_STALE;
    if (session->phase == SESSION_CLOSED && !order->owed)
        return CORE_STALE;
    if (!order->owed && session->pending >= session->settings.max_pending_publishes)
        return CORE_LIMIT;
    return CORE_OK;
}

static struct append *try_append_new(struct session *session, const struct publish_order *order)
{
    struct append *append = calloc(1, sizeof *append);
    if (append == NULL)
        return NULL;
    append->event = log_event_new(order->type, order->payload, order->length);
    if (append->event == NULL) {
        free(append);
        return NULL;
    }
    append->session = session;
    append->owed = order->owed;
    append->prompt = order->prompt;
    append->run = order->run;
    append->done = order->done;
    append->context = order->context;
    append->waiter = order->waiter;
    return append;
}

static struct append *append_new(struct session *session, const struct publish_order *order)
{
    struct append *append = try_append_new(session, order);
    if (append == NULL && order->owed && reserve_spend(session->core)) {
        append = try_append_new(session, order);
        reserve_refill(session->core);
    }
    REQUIRE(append != NULL || !order->owed);
    return append;
}

enum core_result session_reserve(struct session *session)
{
    enum core_result rc = log_reserve(&session->log);
    if (rc != CORE_OK && reserve_spend(session->core)) {
        rc = log_reserve(&session->log);
        reserve_refill(session->core);
    }
    return rc;
}

enum core_result session_publish(struct turn *turn, struct session *session,
                                 const struct publish_order *order)
{
    REQUIRE(turn_holds(turn, RANK_SESSION));
    enum core_result rc = check(session, order);
    if (rc != CORE_OK)
        return rc;
    if (!turn->core->has_messages && session_reserve(session) != CORE_OK)
        return CORE_NO_MEMORY;
    struct append *append = append_new(session, order);
    if (append == NULL)
        return CORE_NO_MEMORY;
    append->number = ++session->next_number;
    if (turn->core->has_messages && !store_post(turn, append)) {
        log_event_free(append->event);
        free(append);
        return CORE_DRAINING;
    }
    session->users++;
    session->pending++;
    if (turn->core->has_messages) {
        trace_owe(turn, TP_LOG_QUEUED, session->key, append->number, 0, 0);
    } else {
        session_append(turn, session, append);
        append_finish(turn, append, CORE_OK);
    }
    return CORE_OK;
}

/* ---- in the log ---- */

static void take_in(struct turn *turn, struct session *session, struct log_event *event)
{
    const struct core_settings *settings = &session->settings;
    log_append(&session->log, event);
    session->counted.events_appended++;
    trace_owe(turn, TP_LOG_APPENDED, session->key, session->log.head, session->log.epoch, 0);
    uint64_t dropped =
        log_trim(&session->log, settings->history_max_events, settings->history_max_bytes);
    session->counted.events_trimmed += dropped;
    if (dropped > 0)
        trace_owe(turn, TP_LOG_TRIMMED, session->key, session->log.floor, 0, 0);
}

void session_append(struct turn *turn, struct session *session, struct append *append)
{
    REQUIRE(turn_holds(turn, RANK_SESSION));
    take_in(turn, session, append->event);
    append->event = NULL;
    conns_announce(turn, session);
}

void session_adopt(struct turn *turn, struct session *session, struct log_event *event)
{
    REQUIRE(turn_holds(turn, RANK_SESSION));
    take_in(turn, session, event);
    conns_announce(turn, session);
}

void append_finish(struct turn *turn, struct append *append, enum core_result result)
{
    struct session *session = append->session;
    uint64_t seq = result == CORE_OK ? session->log.head : 0;
    REQUIRE(turn_holds(turn, RANK_SESSION));
    REQUIRE((result == CORE_OK) == (append->event == NULL));
    if (append->waiter != NULL) {
        append->waiter->seq = seq;
        waiter_finish(append->waiter, result);
    }
    if (append->done != NULL) {
        struct effect *effect = turn_owe(turn, EFFECT_PUBLISH_DONE);
        effect->u.publish.done = append->done;
        effect->u.publish.context = append->context;
        effect->u.publish.result = result;
        effect->u.publish.epoch = session->log.epoch;
        effect->u.publish.seq = seq;
    }
    if (append->prompt != 0)
        prompt_event_stored(turn, session, append->prompt, result, seq);
    if (append->run != 0)
        run_state_stored(turn, session, append->run, seq);
    log_event_free(append->event);
    free(append);
    session->pending--;
    session->users--;
    session_check_unused(turn, session);
}

/* ---- public ---- */

static enum core_result check_event(const struct core *core, const char *type, const char *payload,
                                    size_t length)
{
    if (!wire_is_event_type(type) || payload == NULL)
        return CORE_INVALID;
    if (length > core->settings.event_max_bytes)
        return CORE_LIMIT;
    return wire_is_object(payload, length) ? CORE_OK : CORE_INVALID;
}

enum core_result publish(struct core *core, struct session_ref ref, const char *type,
                         const char *payload, size_t length, publish_done done, void *context)
{
    enum core_result rc = check_event(core, type, payload, length);
    if (rc != CORE_OK)
        return rc;
    struct publish_order order = { .type = type, .payload = payload, .length = length,
                                   .done = done, .context = context };
    struct turn turn;
    turn_begin(&turn, core);
    rc = core_is_running(&turn) ? CORE_STALE : CORE_DRAINING;
    struct session *session = rc == CORE_STALE ? session_enter(&turn, ref) : NULL;
    if (session != NULL) {
        rc = session->phase == SESSION_OPEN ? session_publish(&turn, session, &order) : CORE_STALE;
        session_leave(&turn, session);
    }
    turn_end(&turn);
    return rc;
}

enum core_result publish_wait(struct core *core, struct session_ref ref, const char *type,
                              const char *payload, size_t length, uint64_t *seq)
{
    enum core_result rc = check_event(core, type, payload, length);
    if (rc != CORE_OK)
        return rc;
    struct waiter waiter;
    struct publish_order order = { .type = type, .payload = payload, .length = length,
                                   .waiter = &waiter };
    struct turn turn;
    waiter_init(&waiter);
    turn_begin(&turn, core);
    rc = core_is_running(&turn) ? CORE_STALE : CORE_DRAINING;
    struct session *session = rc == CORE_STALE ? session_enter(&turn, ref) : NULL;
    if (session != NULL) {
        if (session->phase == SESSION_OPEN)
            rc = session_publish(&turn, session, &order);
        if (rc == CORE_OK) {
            /* The wait gives up the lock: a user of its own keeps the session alive. */
            session->users++;
            waiter_wait(&turn, session, &waiter);
            session->users--;
            session_check_unused(&turn, session);
            rc = waiter.result;
        }
        session_leave(&turn, session);
    }
    turn_end(&turn);
    waiter_destroy(&waiter);
    if (rc == CORE_OK && seq != NULL)
        *seq = waiter.seq;
    return rc;
}

enum core_result session_publish_owed(struct turn *turn, struct session_ref ref,
                                      enum wire_message type, const char *payload)
{
    struct publish_order order = { .type = wire_message_word(type), .payload = payload,
                                   .length = strlen(payload), .owed = true };
    struct session *session = session_enter(turn, ref);
    if (session == NULL)
        return CORE_STALE;
    enum core_result rc = session_publish(turn, session, &order);
    session_leave(turn, session);
    return rc;
}
