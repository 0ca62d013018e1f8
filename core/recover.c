/*
 * Loading a session from the message store, on the store thread: its newest events become the log,
 * and all of them are folded into the runs and prompts that a previous core left open.
 */
#include "core/core.h"
#include "core/devserver.h"
#include "core/wire.h"

#include <stdlib.h>
#include <string.h>

/* ---- folding ---- */

static enum run_state state_of(const char *word)
{
    for (uint32_t i = 0; i < RUN_STATE_COUNT; i++) {
        if (word != NULL && strcmp(word, run_state_word((enum run_state)i)) == 0)
            return (enum run_state)i;
    }
    return RUN_INTERRUPTED;   /* a word of a later version: no run of ours is live with it */
}

/* False, here and below: no memory for it. */
static bool fold_run(struct session *session, const struct log_event *event,
                     const json_t *payload)
{
    uint64_t number;
    char agent[CORE_NAME_MAX], key[CORE_NAME_MAX];
    if (!wire_number(payload, "run", &number) || !wire_name(payload, "agent", agent) ||
        !wire_name(payload, "key", key))
        return true;
    return run_restore(session, number, agent, key,
                       state_of(json_string_value(json_object_get(payload, "state"))),
                       event->seq) != NULL;
}

static bool fold_prompt(struct session *session, const struct log_event *event,
                        const json_t *payload, enum prompt_kind kind)
{
    uint64_t number, run;
    char id[CORE_NAME_MAX];
    if (!wire_number(payload, "prompt", &number) || !wire_number(payload, "run", &run) ||
        !wire_name(payload, "id", id))
        return true;
    return prompt_restore(session, number, run, kind, id, event->seq) != NULL;
}

static void fold_closed(struct session *session, const json_t *payload)
{
    uint64_t number;
    struct prompt **link = &session->prompts;
    if (!wire_number(payload, "prompt", &number))
        return;
    while (*link != NULL && (*link)->number != number)
        link = &(*link)->next;
    struct prompt *closed = *link;
    if (closed != NULL) {
        *link = closed->next;
        prompt_free(closed);
    }
}

static bool is_message(const struct log_event *event, enum wire_message message)
{
    return strcmp(event->type, wire_message_word(message)) == 0;
}

static void fold_server(struct turn *turn, const json_t *payload)
{
    uint64_t version;
    if (wire_number(payload, "version", &version))
        servers_saw(turn, version);
}

enum core_result session_fold(struct turn *turn, struct session *session,
                              const struct log_event *event)
{
    bool run = is_message(event, WIRE_RUN_STATE);
    bool confirmation = is_message(event, WIRE_REQUEST_CONFIRMATION);
    bool input = is_message(event, WIRE_REQUEST_USER_INPUT);
    bool closed = is_message(event, WIRE_PROMPT_CLOSED);
    bool server = is_message(event, WIRE_SERVER_STATE);
    if (!run && !confirmation && !input && !closed && !server)
        return CORE_OK;
    bool folded = true;
    json_t *payload = json_loadb(event->payload, event->length, 0, NULL);
    if (run)
        folded = fold_run(session, event, payload);
    else if (closed)
        fold_closed(session, payload);
    else if (server)
        fold_server(turn, payload);
    else
        folded = fold_prompt(session, event, payload,
                             confirmation ? PROMPT_CONFIRMATION : PROMPT_USER_INPUT);
    json_decref(payload);
    return folded ? CORE_OK : CORE_NO_MEMORY;
}

/* ---- reading ---- */

enum { PAGE_EVENTS = 32 };

struct loading {
    struct log_event *events[PAGE_EVENTS];
    size_t count;
    uint64_t next_seq;
    bool broken;    /* a hole, or no memory */
};

static bool collect(void *context, const struct store_event *event)
{
    struct loading *loading = context;
    REQUIRE(loading->count < PAGE_EVENTS);
    struct log_event *copy = log_event_new(event->type, event->payload, event->length);
    loading->broken = copy == NULL || event->seq != loading->next_seq;
    if (loading->broken) {
        log_event_free(copy);
        return false;
    }
    copy->seq = event->seq;
    loading->events[loading->count++] = copy;
    loading->next_seq++;
    return true;
}

/* Nobody is attached while loading: no one needs to be told. */
static enum core_result take_page(struct turn *turn, struct session *session,
                                  struct loading *loading)
{
    const struct core_settings *settings = &session->settings;
    enum core_result rc = loading->broken ? CORE_UNKNOWN : CORE_OK;
    turn_lock(turn, &session->lock);
    for (size_t i = 0; i < loading->count; i++) {
        if (rc == CORE_OK)
            rc = log_reserve(&session->log);
        if (rc == CORE_OK)
            rc = session_fold(turn, session, loading->events[i]);
        if (rc != CORE_OK) {
            log_event_free(loading->events[i]);
            continue;
        }
        log_append(&session->log, loading->events[i]);
        log_trim(&session->log, settings->history_max_events, settings->history_max_bytes);
    }
    turn_unlock(turn, &session->lock);
    return rc;
}

static enum core_result read_events(struct turn *turn, struct session *session,
                                    const struct store_meta *meta)
{
    struct message_store_port *port = &turn->core->messages;
    uint64_t next_seq = meta->floor;
    while (next_seq <= meta->head) {
        struct loading loading = { .next_seq = next_seq };
        enum core_result rc = port->read(port->context, session->key, meta->epoch, next_seq,
                                         PAGE_EVENTS, collect, &loading);
        enum core_result taken = take_page(turn, session, &loading);
        if (rc != CORE_OK || taken != CORE_OK)
            return rc != CORE_OK ? rc : taken;
        if (loading.count == 0)
            return CORE_UNKNOWN;   /* the store says there is more, and gives nothing */
        next_seq = loading.next_seq;
    }
    return CORE_OK;
}

/* ---- the whole load ---- */

static void forget(struct session *session)
{
    log_free(&session->log);
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
}

static void begin_log(struct turn *turn, struct session *session, const struct store_meta *meta)
{
    turn_lock(turn, &session->lock);
    forget(session);   /* of an earlier try */
    log_init(&session->log, meta->epoch, meta->floor);
    session->tenure = meta->tenure;
    session->stored_floor = meta->floor;
    core_set_name(session->owner, meta->owner);
    /* Numbers used before are not used again, even if what used them was trimmed away. */
    session->last_run = session->last_prompt = meta->floor > 1 ? meta->head : 0;
    turn_unlock(turn, &session->lock);
}

static enum core_result load_once(struct turn *turn, struct session *session, const char *owner,
                                  bool create)
{
    struct message_store_port *port = &turn->core->messages;
    struct store_meta meta;
    enum core_result rc = port->load_meta(port->context, session->key, owner, create, &meta);
    if (rc != CORE_OK)
        return rc;
    REQUIRE(meta.epoch != 0);
    REQUIRE(meta.floor >= 1 && meta.floor <= meta.head + 1);
    begin_log(turn, session, &meta);
    return read_events(turn, session, &meta);
}

static enum core_result load_patiently(struct turn *turn, struct session *session,
                                       const char *owner, bool create)
{
    enum core_result rc = CORE_UNAVAILABLE;
    bool unanswered = true;
    for (uint64_t i = 0; unanswered && i < turn->core->settings.store_attempts; i++) {
        rc = load_once(turn, session, owner, create);
        /* STALE: what was opened is a new epoch by now, and what was read is of the old one. */
        unanswered = rc == CORE_UNKNOWN || rc == CORE_UNAVAILABLE || rc == CORE_STALE;
    }
    store_note(turn, unanswered);
    return unanswered ? CORE_UNAVAILABLE : rc;
}

/* Runs and prompts that were cut off get the end that nobody wrote down for them. */
static void close_interrupted(struct turn *turn, struct session *session)
{
    bool recovered = session->runs != NULL || session->log.head > 0;
    for (struct run *run = session->runs; run != NULL; run = run->next) {
        if (!run->ended)
            run_finish(turn, session, run, RUN_INTERRUPTED);
    }
    runs_forget_oldest(turn, session);
    if (recovered)
        trace_owe(turn, TP_SESSION_RECOVERED, session->key, session->log.epoch,
                  session->log.head, 0);
}

void session_load(struct turn *turn, struct session *session)
{
    bool ended = false;
    while (!ended) {
        char owner[CORE_NAME_MAX];
        turn_lock(turn, &session->lock);
        bool create = session->create;
        core_set_name(owner, session->owner);
        turn_unlock(turn, &session->lock);
        enum core_result rc = load_patiently(turn, session, owner, create);
        turn_lock(turn, &session->lock);
        /* Somebody who may create it can have come while the store said that there is none. */
        ended = rc != CORE_NOT_FOUND || create || !session->create;
        if (ended && rc == CORE_OK)
            close_interrupted(turn, session);
        if (ended)
            session_loaded(turn, session, rc);
        turn_unlock(turn, &session->lock);
        turn_flush(turn);
    }
}
