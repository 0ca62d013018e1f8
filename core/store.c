#include "core/store.h"

#include "core/core.h"
#include "core/health.h"
#include "core/page.h"
#include "core/retention.h"

#include <stdlib.h>

enum core_result store_create(struct core *core)
{
    enum core_result rc = core_lock_init(&core->store.lock, RANK_STORE);
    if (rc != CORE_OK)
        return rc;
    rc = core_cond_init(&core->store.ready);
    if (rc != CORE_OK)
        core_lock_destroy(&core->store.lock);
    return rc;
}

void store_destroy(struct core *core)
{
    REQUIRE(core->store.count == 0);
    retention_forget(core);
    pthread_cond_destroy(&core->store.ready);
    core_lock_destroy(&core->store.lock);
}

/* Whoever was let in before a drain began can get here after its end: the queue itself decides. */
bool store_post(struct turn *turn, struct append *append)
{
    struct store *store = &turn->core->store;
    turn_lock(turn, &store->lock);
    if (store->ended) {
        turn_unlock(turn, &store->lock);
        return false;
    }
    append->next = NULL;
    if (store->tail != NULL)
        store->tail->next = append;
    else
        store->head = append;
    store->tail = append;
    store->count++;
    pthread_cond_signal(&store->ready);
    turn_unlock(turn, &store->lock);
    return true;
}

void store_note(struct turn *turn, bool failing)
{
    turn_lock(turn, &turn->core->store.lock);
    turn->core->store.failing = failing;
    turn_unlock(turn, &turn->core->store.lock);
}

/* ---- appending ---- */

enum { ADOPTION_EVENTS = 16 };

/* Events that the store has and the log does not, copied out of a read. */
struct adoption {
    struct log_event *events[ADOPTION_EVENTS];
    size_t count;
    uint64_t next_seq;
};

static bool collect(void *context, const struct store_event *event)
{
    struct adoption *adoption = context;
    if (adoption->count == ADOPTION_EVENTS || event->seq != adoption->next_seq)
        return false;
    struct log_event *copy = log_event_new(event->type, event->payload, event->length);
    if (copy == NULL)
        return false;
    adoption->events[adoption->count++] = copy;
    adoption->next_seq++;
    return true;
}

/*
 * What the store has is the truth: it goes into the log before anything new does (L6). OK also if
 * there is nothing; `count` says how many events it was.
 */
static enum core_result adopt(struct turn *turn, struct session *session, uint64_t epoch,
                              uint64_t from, size_t *count)
{
    struct message_store_port *port = &turn->core->messages;
    struct adoption adoption = { .next_seq = from };
    enum core_result rc = port->read(port->context, session->key, epoch, from,
                                     ADOPTION_EVENTS, collect, &adoption);
    turn_lock(turn, &session->lock);
    size_t adopted = 0;
    while (adopted < adoption.count && session_reserve(session) == CORE_OK)
        session_adopt(turn, session, adoption.events[adopted++]);
    turn_unlock(turn, &session->lock);
    turn_flush(turn);
    /* What there was no memory for is found by the next look. */
    for (size_t i = adopted; i < adoption.count; i++)
        log_event_free(adoption.events[i]);
    *count = adopted;
    return rc;
}

/* One call of the port. The store thread alone moves the head, so it can be read beforehand. */
static enum core_result try_append(struct turn *turn, const struct append *append,
                                   struct store_event *event)
{
    struct session *session = append->session;
    struct message_store_port *port = &turn->core->messages;
    turn_lock(turn, &session->lock);
    uint64_t epoch = session->log.epoch;
    uint64_t tenure = session->tenure;
    bool moved = session->moved;
    enum core_result rc = session_reserve(session);
    event->seq = session->log.head + 1;
    turn_unlock(turn, &session->lock);
    if (moved)
        return CORE_STALE;
    if (rc != CORE_OK)
        return rc;
    event->key = append->number;
    event->type = append->event->type;
    event->payload = append->event->payload;
    event->length = append->event->length;
    rc = port->append(port->context, session->key, epoch, tenure, event);
    if (rc != CORE_CONFLICT)
        return rc;
    /* The seq is taken: an earlier append whose answer was lost took effect after all. */
    size_t count;
    (void)adopt(turn, session, epoch, event->seq, &count);
    return count > 0 ? CORE_CONFLICT : CORE_UNKNOWN;
}

/* Waits before the next try of an owed event. False when there is no more patience. */
static bool be_patient(struct turn *turn, uint64_t failures)
{
    struct store *store = &turn->core->store;
    uint64_t until_us = core_now_us() + core_backoff_us(turn->core, failures, UINT64_MAX);
    uint64_t now_us = core_now_us();
    turn_lock(turn, &store->lock);
    while (now_us < until_us && (store->give_up_us == 0 || now_us < store->give_up_us)) {
        bool sooner = store->give_up_us != 0 && store->give_up_us < until_us;
        turn_wait(turn, &store->ready, &store->lock, sooner ? store->give_up_us : until_us);
        now_us = core_now_us();
    }
    bool patient = store->give_up_us == 0 || now_us < store->give_up_us;
    turn_unlock(turn, &store->lock);
    return patient;
}

static bool is_unanswered(enum core_result result)
{
    return result == CORE_UNKNOWN || result == CORE_UNAVAILABLE;
}

/*
 * Repeating an unanswered append is not a blind retry: the same (seq, key) is stored at most once.
 * An event that the core owes is repeated until the store has it, a published one a few times.
 * `doubtful`: an attempt had no answer, so that a refusal of a later one is not the whole truth.
 */
static enum core_result append_until_answered(struct turn *turn, const struct append *append,
                                              struct store_event *event, bool *doubtful)
{
    uint64_t attempts = turn->core->settings.store_attempts;
    *doubtful = false;
    for (uint64_t attempt = 1; ; attempt++) {
        enum core_result rc = try_append(turn, append, event);
        if (rc == CORE_CONFLICT)
            continue;
        store_note(turn, is_unanswered(rc));
        if (!is_unanswered(rc))
            return rc;
        *doubtful = true;
        if (attempt < attempts)
            continue;
        if (!append->owed || !be_patient(turn, attempt + 1 - attempts))
            return CORE_UNKNOWN;
    }
}

/* Nothing of this core is stored there any more. Lock held. */
static void move_away(struct turn *turn, struct session *session)
{
    session->moved = true;
    session_end(turn, session, CORE_CLOSE_MOVED);
}

static void process_append(struct turn *turn, struct append *append)
{
    struct session *session = append->session;
    struct store_event event;
    bool doubtful;
    enum core_result rc = append_until_answered(turn, append, &event, &doubtful);
    turn_lock(turn, &session->lock);
    if (rc == CORE_OK) {
        REQUIRE(event.seq == session->log.head + 1);
        session_append(turn, session, append);
    } else if (rc == CORE_STALE) {
        move_away(turn, session);
    } else if (rc == CORE_UNKNOWN) {
        trace_owe(turn, TP_LOG_UNKNOWN, session->key, event.seq, 0, 0);
    }
    /* A refusal says nothing about the attempt before it, which may have been stored. */
    append_finish(turn, append, rc != CORE_OK && doubtful ? CORE_UNKNOWN : rc);
    uint64_t floor = rc == CORE_OK ? retention_floor(turn, session) : 0;
    session->users += floor != 0;
    turn_unlock(turn, &session->lock);
    turn_flush(turn);
    if (floor != 0)
        retention_trim(turn, session, floor);
}

/* ---- looking ---- */

void store_look(struct turn *turn, struct session *session)
{
    REQUIRE(turn_holds(turn, RANK_SESSION));
    if (!turn->core->has_messages || session->phase != SESSION_OPEN)
        return;
    session->look_again = session->looking;   /* what is new may come behind that look */
    if (session->looking)
        return;
    struct append *look = calloc(1, sizeof *look);
    if (look == NULL)
        return;   /* the next heartbeat asks again */
    look->session = session;
    look->operation = STORE_LOOK;
    if (!store_post(turn, look)) {
        free(look);
        return;
    }
    session->looking = true;
    session->users++;
}

static void process_look(struct turn *turn, struct append *look)
{
    struct session *session = look->session;
    turn_lock(turn, &session->lock);
    bool open = session->phase == SESSION_OPEN;
    uint64_t epoch = session->log.epoch, next_seq = session->log.head + 1;
    turn_unlock(turn, &session->lock);
    enum core_result rc = CORE_OK;
    uint64_t first_seq = next_seq;
    size_t count = open ? ADOPTION_EVENTS : 0;
    for (; rc == CORE_OK && count == ADOPTION_EVENTS; next_seq += count)
        rc = adopt(turn, session, epoch, next_seq, &count);
    turn_lock(turn, &session->lock);
    if (rc == CORE_STALE)
        move_away(turn, session);
    follow_looked(turn, session, next_seq > first_seq);
    session->looking = false;
    if (session->look_again)
        store_look(turn, session);
    session->users--;
    session_check_unused(turn, session);
    turn_unlock(turn, &session->lock);
    turn_flush(turn);
    free(look);
}

/* ---- asking ---- */

bool store_ask(struct turn *turn)
{
    struct append *ask = calloc(1, sizeof *ask);
    if (ask == NULL)
        return false;
    ask->operation = STORE_ASK;
    if (store_post(turn, ask))
        return true;
    free(ask);
    return false;
}

static bool see_nothing(void *context, const struct store_event *event)
{
    (void)context, (void)event;
    return false;
}

/* Nobody has a stream of this name and epoch 0: that the store says so is all that is asked. */
static void process_ask(struct turn *turn, struct append *ask)
{
    struct message_store_port *port = &turn->core->messages;
    uint64_t asked_us = core_now_us();
    enum core_result rc = port->read(port->context, "health", 0, 1, 1, see_nothing, NULL);
    health_store_answered(turn, asked_us, rc);
    free(ask);
}

/* ---- the thread ---- */

static void carry_out(struct turn *turn, struct append *append)
{
    switch (append->operation) {
    case STORE_APPEND:
        process_append(turn, append);
        return;
    case STORE_LOAD:
        session_load(turn, append->session);
        free(append);
        return;
    case STORE_LOOK:
        process_look(turn, append);
        return;
    case STORE_PAGE:
        page_read(turn, append);
        return;
    case STORE_TRIM:
        retention_end(turn, append);
        return;
    case STORE_ASK:
        process_ask(turn, append);
        return;
    }
    UNREACHABLE();
}

/* The next operation, taken out of the queue; NULL to stop. Lock held. */
static struct append *await_operation(struct turn *turn, struct store *store)
{
    while (store->head == NULL && !store->stop)
        turn_wait(turn, &store->ready, &store->lock, 0);
    struct append *append = store->head;
    if (append == NULL)
        return NULL;
    store->head = append->next;
    if (store->head == NULL)
        store->tail = NULL;
    store->count--;
    return append;
}

static void *store_main(void *context)
{
    struct core *core = context;
    struct turn turn;
    turn_begin(&turn, core);
    turn_lock(&turn, &core->store.lock);
    struct append *append;
    while ((append = await_operation(&turn, &core->store)) != NULL) {
        turn_unlock(&turn, &core->store.lock);
        carry_out(&turn, append);
        turn_lock(&turn, &core->store.lock);
    }
    core->store.ended = true;
    turn_unlock(&turn, &core->store.lock);
    turn_end(&turn);
    return NULL;
}

enum core_result store_start(struct core *core)
{
    if (!core->has_messages)
        return CORE_OK;
    enum core_result rc =
        core_thread_create(&core->store.thread, core->name, "store", store_main, core);
    core->store.running = rc == CORE_OK;
    return rc;
}

static void tell(struct core *core, uint64_t give_up_us, bool stop)
{
    struct turn turn;
    turn_begin(&turn, core);
    turn_lock(&turn, &core->store.lock);
    core->store.give_up_us = give_up_us != 0 ? give_up_us : core->store.give_up_us;
    core->store.stop = core->store.stop || stop;
    pthread_cond_signal(&core->store.ready);
    turn_unlock(&turn, &core->store.lock);
    turn_end(&turn);
}

void store_give_up_at(struct core *core, uint64_t deadline_us)
{
    tell(core, deadline_us, false);
}

void store_stop(struct core *core)
{
    tell(core, 0, true);
    if (core->store.running)
        REQUIRE(pthread_join(core->store.thread, NULL) == 0);
}
