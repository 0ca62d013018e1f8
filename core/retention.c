#include "core/retention.h"

#include "core/core.h"

#include <stdlib.h>

/* The store is asked to trim when this share of the limit has come on top: not at each append. */
enum { SLACK_SHARE = 8 };

/* ---- while the session is in memory ---- */

static uint64_t lesser(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* A run whose end is not in the store yet is one that the next core has to end. */
static uint64_t keep_runs(struct turn *turn, struct session *session, uint64_t floor)
{
    uint64_t kept = floor;
    for (struct run *run = session->runs; run != NULL; run = run->next) {
        if (run->end_told || run->told_seq == 0 || run->told_seq >= floor)
            continue;
        kept = lesser(kept, run->told_seq);
        if (!run->ended && !run->retelling)
            run_retell(turn, session, run);
    }
    return kept;
}

static uint64_t keep_prompts(const struct session *session, uint64_t floor)
{
    for (const struct prompt *prompt = session->prompts; prompt != NULL; prompt = prompt->next) {
        if (prompt->seq != 0)
            floor = lesser(floor, prompt->seq);
    }
    return floor;
}

uint64_t retention_floor(struct turn *turn, struct session *session)
{
    uint64_t most = session->settings.store_max_events;
    uint64_t stored = session->log.head + 1 - session->stored_floor;
    if (turn->core->messages.trim == NULL || session->phase != SESSION_OPEN ||
        stored < most + most / SLACK_SHARE + 1)
        return 0;
    uint64_t floor = keep_runs(turn, session, session->log.head + 1 - most);
    floor = keep_prompts(session, floor);
    return floor > session->stored_floor ? floor : 0;
}

void retention_trim(struct turn *turn, struct session *session, uint64_t floor)
{
    struct message_store_port *port = &turn->core->messages;
    /* Only this thread sets them. */
    uint64_t epoch = session->log.epoch, tenure = session->tenure;
    enum core_result rc = port->trim(port->context, session->key, epoch, tenure, floor);
    turn_lock(turn, &session->lock);
    if (rc == CORE_OK) {
        session->stored_floor = floor;
        trace_owe(turn, TP_STORE_TRIMMED, session->key, floor, 0, 0);
    }
    session->users--;
    session_check_unused(turn, session);
    turn_unlock(turn, &session->lock);
    turn_flush(turn);
}

/* ---- when it is forgotten ---- */

/* A stream whose time is running. Its operation is posted when it is over. */
struct retired {
    struct append operation;   /* first: STORE_TRIM */
    struct retired *next;
    char key[CORE_NAME_MAX];
    uint64_t epoch, tenure, floor;
    uint64_t number;           /* of its timer's target */
};

static void time_over(struct core *core, struct timer_target target)
{
    struct store *store = &core->store;
    struct turn turn;
    turn_begin(&turn, core);
    turn_lock(&turn, &store->lock);
    struct retired **link = &store->retired;
    while (*link != NULL && (*link)->number != target.number)
        link = &(*link)->next;
    struct retired *retired = *link;
    if (retired != NULL) {
        *link = retired->next;
        store->retired_count--;
    }
    turn_unlock(&turn, &store->lock);
    if (retired != NULL && !store_post(&turn, &retired->operation))
        free(retired);
    turn_end(&turn);
}

/* False if there are too many already: then the stream waits for its next session. */
static bool add(struct turn *turn, struct retired *retired)
{
    struct store *store = &turn->core->store;
    turn_lock(turn, &store->lock);
    bool room = store->retired_count < turn->core->settings.max_sessions;
    if (room) {
        retired->number = ++store->retirements;
        retired->next = store->retired;
        store->retired = retired;
        store->retired_count++;
    }
    turn_unlock(turn, &store->lock);
    return room;
}

void retention_begin(struct turn *turn, struct session *session)
{
    if (!turn->core->has_messages || turn->core->messages.trim == NULL)
        return;
    struct retired *retired = calloc(1, sizeof *retired);
    if (retired == NULL)
        return;
    retired->operation.operation = STORE_TRIM;
    retired->epoch = session->log.epoch;
    retired->tenure = session->tenure;
    retired->floor = session->log.head + 1;
    core_set_name(retired->key, session->key);
    if (!add(turn, retired)) {
        free(retired);
        return;
    }
    /* From here on the record belongs to the list; its number stays as it is. */
    struct timer_target target = { .number = retired->number };
    timer_arm(turn, core_now_us() + session->settings.retain_in_store_us, time_over, target);
}

/* Whoever opened the session since has another tenure, and keeps what is there. */
void retention_end(struct turn *turn, struct append *operation)
{
    struct retired *retired = (struct retired *)operation;
    struct message_store_port *port = &turn->core->messages;
    enum core_result rc = port->trim(port->context, retired->key, retired->epoch, retired->tenure,
                                     retired->floor);
    if (rc == CORE_OK)
        trace_point(turn, TP_STORE_TRIMMED, retired->key, retired->floor, 0, 0);
    free(retired);
}

void retention_forget(struct core *core)
{
    while (core->store.retired != NULL) {
        struct retired *retired = core->store.retired;
        core->store.retired = retired->next;
        free(retired);
    }
}
