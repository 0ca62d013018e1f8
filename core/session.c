/* The table of sessions, and the life of one. */
#include "core/session.h"

#include "core/core.h"
#include "core/retention.h"

#include <stdlib.h>
#include <string.h>

struct session_ref session_ref_of(const struct session *session)
{
    return (struct session_ref){ .slot = session->slot, .generation = session->generation };
}

/* ---- finding ---- */

/*
 * The session of this key, locked. One that is closed and only waits for its last users to leave
 * does not count: its key is free. A few hundred sessions: a scan in slot order is enough.
 */
static struct session *find_by_key(struct turn *turn, const char *key)
{
    struct core *core = turn->core;
    for (uint32_t i = 0; i < core->sessions_capacity; i++) {
        struct session *session = core->sessions[i].session;
        if (session == NULL || strcmp(session->key, key) != 0)
            continue;
        turn_lock(turn, &session->lock);
        if (session->phase != SESSION_CLOSED)
            return session;
        turn_unlock(turn, &session->lock);
    }
    return NULL;
}

struct session_ref session_ref_by_key(struct turn *turn, const char *key)
{
    struct session_ref ref = { 0, 0 };
    turn_lock(turn, &turn->core->table_lock);
    struct session *session = find_by_key(turn, key);
    if (session != NULL) {
        ref = session_ref_of(session);
        turn_unlock(turn, &session->lock);
    }
    turn_unlock(turn, &turn->core->table_lock);
    return ref;
}

static struct session *find_by_ref(const struct core *core, struct session_ref ref)
{
    if (ref.slot >= core->sessions_capacity)
        return NULL;
    struct session *session = core->sessions[ref.slot].session;
    if (session == NULL || session->generation != ref.generation)
        return NULL;
    return session;
}

struct session *session_enter(struct turn *turn, struct session_ref ref)
{
    struct core *core = turn->core;
    turn_lock(turn, &core->table_lock);
    struct session *session = find_by_ref(core, ref);
    /* Hand over hand: nobody can free a session between the table and its lock. */
    if (session != NULL)
        turn_lock(turn, &session->lock);
    else
        core->counted.stale_calls++;
    turn_unlock(turn, &core->table_lock);
    return session;
}

void session_leave(struct turn *turn, struct session *session)
{
    turn_unlock(turn, &session->lock);
}

/* ---- making ---- */

static bool find_free_slot(struct core *core, uint32_t *slot)
{
    for (uint32_t i = 0; i < core->sessions_capacity; i++) {
        if (core->sessions[i].session == NULL) {
            *slot = i;
            return true;
        }
    }
    uint32_t capacity = core->sessions_capacity == 0 ? 4 : core->sessions_capacity * 2;
    struct session_slot *slots = realloc(core->sessions, capacity * sizeof *slots);
    if (slots == NULL)
        return false;
    memset(slots + core->sessions_capacity, 0,
           (capacity - core->sessions_capacity) * sizeof *slots);
    *slot = core->sessions_capacity;
    core->sessions = slots;
    core->sessions_capacity = capacity;
    return true;
}

static struct session *session_new(struct core *core, uint32_t slot, const char *key,
                                   const char *owner, bool create,
                                   const struct core_settings *settings)
{
    struct session *session = calloc(1, sizeof *session);
    if (session == NULL)
        return NULL;
    if (core_lock_init(&session->lock, RANK_SESSION) != CORE_OK) {
        free(session);
        return NULL;
    }
    session->core = core;
    session->slot = slot;
    session->generation = ++core->next_generation;
    session->create = create;
    session->settings = settings != NULL ? *settings : core->settings;
    core_set_name(session->key, key);
    core_set_name(session->owner, owner);
    log_init(&session->log, 0, 1);
    return session;
}

/* Without a store nothing needs loading: the session is open from its first moment. */
static enum core_result begin_life(struct turn *turn, struct session *session)
{
    struct core *core = turn->core;
    if (core->has_messages) {
        struct append *load = calloc(1, sizeof *load);
        if (load == NULL)
            return CORE_NO_MEMORY;
        load->session = session;
        load->operation = STORE_LOAD;
        if (!store_post(turn, load)) {
            free(load);
            return CORE_DRAINING;
        }
        session->users++;
        return CORE_OK;
    }
    log_init(&session->log, core->next_epoch++, 1);
    session->phase = SESSION_OPEN;
    trace_owe(turn, TP_SESSION_OPENED, session->key, session->log.epoch, 0, 0);
    return CORE_OK;
}

static struct session *make(struct turn *turn, const char *key, const char *owner, bool create,
                            const struct core_settings *settings, enum core_result *result)
{
    struct core *core = turn->core;
    uint32_t slot;
    if (!create && !core->has_messages) {
        *result = CORE_NOT_FOUND;
        return NULL;
    }
    if (core->sessions_count >= core->settings.max_sessions) {
        *result = CORE_LIMIT;
        return NULL;
    }
    *result = CORE_NO_MEMORY;
    if (!find_free_slot(core, &slot))
        return NULL;
    struct session *session = session_new(core, slot, key, owner, create, settings);
    if (session == NULL)
        return NULL;
    turn_lock(turn, &session->lock);
    *result = begin_life(turn, session);
    if (*result != CORE_OK) {
        turn_unlock(turn, &session->lock);
        session_free(session);
        return NULL;
    }
    core->sessions[slot].session = session;
    core->sessions_count++;
    return session;
}

struct session *session_begin(struct turn *turn, const char *key, const char *owner, bool create,
                              const struct core_settings *settings, enum core_result *result)
{
    struct core *core = turn->core;
    REQUIRE(turn_holds(turn, RANK_TABLE));
    *result = CORE_DRAINING;
    if (!core_accepts(core))
        return NULL;
    struct session *session = find_by_key(turn, key);
    if (session == NULL)
        return make(turn, key, owner, create, settings, result);
    if (session->phase == SESSION_LOADING && create && !session->create) {
        session->create = true;
        core_set_name(session->owner, owner);
    }
    *result = CORE_OK;
    return session;
}

/* ---- loading has ended ---- */

static void tell_opener(struct turn *turn, struct session *session, struct open_waiter *waiter,
                        enum core_result result)
{
    if (result == CORE_OK && strcmp(waiter->owner, session->owner) != 0)
        result = CORE_REFUSED;
    struct effect *effect = turn_owe(turn, EFFECT_OPEN_DONE);
    effect->u.open.done = waiter->done;
    effect->u.open.context = waiter->context;
    effect->u.open.result = result;
    effect->u.open.session =
        result == CORE_OK ? session_ref_of(session) : (struct session_ref){ 0 };
    effect->u.open.epoch = session->log.epoch;
}

static void tell_openers(struct turn *turn, struct session *session, enum core_result result)
{
    while (session->opening != NULL) {
        struct open_waiter *waiter = session->opening;
        session->opening = waiter->next;
        tell_opener(turn, session, waiter, result);
        free(waiter);
    }
}

static void refuse_conns(struct turn *turn, struct session *session, enum core_result result)
{
    bool absent = result == CORE_NOT_FOUND;
    for (size_t i = 0; i < session->conns_count; i++) {
        conn_error(turn, session->conns[i], wire_message_word(WIRE_HELLO), result,
                   core_result_text(result));
        conn_drop(turn, session->conns[i],
                  absent ? CORE_CLOSE_REFUSED : CORE_CLOSE_UNAVAILABLE);
    }
}

void session_loaded(struct turn *turn, struct session *session, enum core_result result)
{
    REQUIRE(turn_holds(turn, RANK_SESSION));
    REQUIRE(session->users > 0);
    session->users--;
    if (session->phase == SESSION_LOADING && result == CORE_OK) {
        session->phase = SESSION_OPEN;
        trace_owe(turn, TP_SESSION_OPENED, session->key, session->log.epoch, session->log.head, 0);
    } else if (session->phase == SESSION_LOADING) {
        session->phase = SESSION_CLOSED;
    } else {   /* closed meanwhile */
        result = CORE_CANCELLED;
    }
    tell_openers(turn, session, result);
    if (result != CORE_OK)
        refuse_conns(turn, session, result);
    /* In order of arrival; an attach drops others but takes nobody out of the list. */
    for (size_t i = 0; result == CORE_OK && i < session->conns_count; i++) {
        if (session->conns[i]->phase == CONN_LOADING)
            conn_attach(turn, session, session->conns[i]);
    }
    /* Whoever asked for it may be gone by now, and nobody else is coming. */
    session_check_retention(turn, session);
    session_check_unused(turn, session);
}

/* ---- the end ---- */

void session_end(struct turn *turn, struct session *session, enum core_close_code code)
{
    REQUIRE(turn_holds(turn, RANK_SESSION));
    if (session->phase == SESSION_CLOSED)
        return;
    session->phase = SESSION_CLOSED;
    runs_stop(turn, session, core_close_text(code));
    for (size_t i = 0; i < session->conns_count; i++)
        conn_drop(turn, session->conns[i], code);
    if (session->grace_timer != 0)
        timer_cancel(turn, session->grace_timer);
    if (session->retain_timer != 0)
        timer_cancel(turn, session->retain_timer);
    session->grace_timer = session->retain_timer = 0;
    follow_stop(turn, session);
    trace_owe(turn, TP_SESSION_CLOSED, session->key, session->log.epoch, 0, 0);
    session_check_unused(turn, session);
}

static bool is_unused(const struct session *session)
{
    return session->phase == SESSION_CLOSED && session->users == 0 && session->conns_count == 0;
}

void session_check_unused(struct turn *turn, struct session *session)
{
    if (is_unused(session))
        turn_owe(turn, EFFECT_REMOVE_SESSION)->u.session = session_ref_of(session);
}

static void keep_counts(struct core_stats *sum, const struct core_stats *part)
{
    sum->events_appended += part->events_appended;
    sum->events_trimmed += part->events_trimmed;
    sum->frames_sent += part->frames_sent;
    sum->resyncs += part->resyncs;
}

void session_remove(struct turn *turn, struct session_ref ref)
{
    struct core *core = turn->core;
    turn_lock(turn, &core->table_lock);
    struct session *session = find_by_ref(core, ref);
    bool remove = false;
    if (session != NULL) {   /* NULL: somebody else saw it unused too, and was faster */
        turn_lock(turn, &session->lock);
        remove = is_unused(session);
        turn_unlock(turn, &session->lock);
    }
    if (remove) {
        keep_counts(&core->counted, &session->counted);
        core->sessions[ref.slot].session = NULL;
        core->sessions_count--;
    }
    turn_unlock(turn, &core->table_lock);
    if (remove)
        session_free(session);
}

void session_free(struct session *session)
{
    REQUIRE(session->users == 0);
    REQUIRE(session->opening == NULL);
    while (session->runs != NULL) {
        struct run *run = session->runs;
        session->runs = run->next;
        run_free(run);
    }
    while (session->prompts != NULL) {
        struct prompt *prompt = session->prompts;
        session->prompts = prompt->next;
        prompt_free(prompt);
    }
    log_free(&session->log);
    free(session->conns);
    core_lock_destroy(&session->lock);
    free(session);
}

/* ---- retention of a finished session ---- */

static bool is_finished(const struct session *session)
{
    return session->phase == SESSION_OPEN && session->runs != NULL && session->runs_live == 0 &&
           session->attached == 0;
}

static void retention_over(struct core *core, struct timer_target target)
{
    struct turn turn;
    turn_begin(&turn, core);
    struct session *session = session_enter(
        &turn, (struct session_ref){ .slot = target.slot, .generation = target.generation });
    if (session != NULL) {
        if (session->retain_number == target.number && session->retain_timer != 0 &&
            is_finished(session)) {
            session->retain_timer = 0;
            retention_begin(&turn, session);
            session_end(&turn, session, CORE_CLOSE_NORMAL);
        }
        session_leave(&turn, session);
    }
    turn_end(&turn);
}

void session_check_retention(struct turn *turn, struct session *session)
{
    bool finished = is_finished(session);
    if (finished && session->retain_timer == 0) {
        struct timer_target target = { session->slot, session->generation,
                                       ++session->retain_number };
        session->retain_timer =
            timer_arm(turn, core_now_us() + session->settings.retain_after_terminal_us,
                      retention_over, target);
    } else if (!finished && session->retain_timer != 0) {
        timer_cancel(turn, session->retain_timer);
        session->retain_timer = 0;
    }
}
