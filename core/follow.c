/*
 * A session whose stream another core writes: this one only reads it. Each heartbeat has the store
 * thread look for more; what is found makes it look again soon, and less often while nothing comes.
 */
#include "core/core.h"
#include "core/wire.h"

#include <string.h>

static void poll_due(struct core *core, struct timer_target target)
{
    struct turn turn;
    turn_begin(&turn, core);
    struct session *session = session_enter(
        &turn, (struct session_ref){ .slot = target.slot, .generation = target.generation });
    if (session != NULL) {
        if (session->poll_timer != 0 && session->poll_number == target.number) {
            session->poll_timer = 0;
            store_look(&turn, session);
        }
        session_leave(&turn, session);
    }
    turn_end(&turn);
}

void follow_looked(struct turn *turn, struct session *session, bool found)
{
    const struct core_settings *settings = &session->settings;
    uint64_t next_us = found ? settings->store_poll_us : session->poll_us * 2;
    bool useful = session->phase == SESSION_OPEN && session->attached > 0 &&
                  next_us < settings->heartbeat_us;   /* which looks anyway */
    follow_stop(turn, session);
    session->poll_us = useful ? next_us : 0;
    if (session->poll_us == 0)
        return;
    struct timer_target target = { session->slot, session->generation, ++session->poll_number };
    session->poll_timer = timer_arm(turn, core_now_us() + session->poll_us, poll_due, target);
}

void follow_stop(struct turn *turn, struct session *session)
{
    if (session->poll_timer != 0)
        timer_cancel(turn, session->poll_timer);
    session->poll_timer = 0;
}

/* ---- questions of the other core ---- */

static bool is_about(const struct log_event *event, uint64_t prompt)
{
    uint64_t number;
    json_t *payload = json_loadb(event->payload, event->length, 0, NULL);
    bool about = wire_number(payload, "prompt", &number) && number == prompt;
    json_decref(payload);
    return about;
}

static bool is_message(const struct log_event *event, enum wire_message message)
{
    return strcmp(event->type, wire_message_word(message)) == 0;
}

bool follow_is_open(const struct session *session, uint64_t prompt)
{
    bool open = false;
    for (uint64_t seq = session->log.floor; seq <= session->log.head; seq++) {
        const struct log_event *event = log_at(&session->log, seq);
        bool asks = is_message(event, WIRE_REQUEST_CONFIRMATION) ||
                    is_message(event, WIRE_REQUEST_USER_INPUT);
        if ((asks || is_message(event, WIRE_PROMPT_CLOSED)) && is_about(event, prompt))
            open = asks;
    }
    return open;
}

/* ---- runs of the other core ---- */

/* A run_state event of that run: whether it tells the end; otherwise `live` stays. */
static bool still_live(const struct log_event *event, uint64_t run, bool live)
{
    uint64_t number;
    json_t *payload = json_loadb(event->payload, event->length, 0, NULL);
    const char *state = json_string_value(json_object_get(payload, "state"));
    if (state != NULL && wire_number(payload, "run", &number) && number == run)
        live = strcmp(state, run_state_word(RUN_WAITING)) == 0 ||
               strcmp(state, run_state_word(RUN_RUNNING)) == 0;
    json_decref(payload);
    return live;
}

bool follow_is_live(const struct session *session, uint64_t run)
{
    bool live = false;
    for (uint64_t seq = session->log.floor; seq <= session->log.head; seq++) {
        const struct log_event *event = log_at(&session->log, seq);
        if (is_message(event, WIRE_RUN_STATE))
            live = still_live(event, run, live);
    }
    return live;
}

/* ---- public ---- */

enum core_result session_refresh(struct core *core, const char *key)
{
    char name[CORE_NAME_MAX];
    if (!core_copy_name(name, key))
        return CORE_INVALID;
    struct turn turn;
    turn_begin(&turn, core);
    struct session *session = session_enter(&turn, session_ref_by_key(&turn, name));
    if (session != NULL) {
        store_look(&turn, session);
        session_leave(&turn, session);
    }
    turn_end(&turn);
    return session != NULL ? CORE_OK : CORE_NOT_FOUND;
}
