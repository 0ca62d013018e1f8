/*
 * Runs: submitted once per idempotency key, held by their gate, cancelled, ended exactly once. The
 * thread of a running agent is in agent.c.
 */
#include "core/core.h"
#include "core/run_lock.h"
#include "core/wire.h"

#include <stdlib.h>
#include <string.h>

/* ---- the list ---- */

struct run *run_find(struct session *session, uint64_t number)
{
    struct run *run = session->runs;
    while (run != NULL && run->number != number)
        run = run->next;
    return run;
}

static struct run *find_by_key(struct session *session, const char *key)
{
    struct run *run = session->runs;
    while (run != NULL && strcmp(run->key, key) != 0)
        run = run->next;
    return run;
}

static void append_run(struct session *session, struct run *run)
{
    struct run **end = &session->runs;
    while (*end != NULL)
        end = &(*end)->next;
    *end = run;
}

void run_free(struct run *run)
{
    free(run->input);
    free(run);
}

/* The store has refused its end, and not the states before: who trimmed those would leave a run
 * that the next core does not know to end. */
static bool end_is_missing(const struct run *run)
{
    return run->ended && run->states_pending == 0 && run->told_seq != 0 && !run->end_told;
}

/* Ended runs are kept for late readers and repeated starts, but not without a bound (L10). */
void runs_forget_oldest(struct turn *turn, struct session *session)
{
    uint64_t ended = 0;
    for (const struct run *run = session->runs; run != NULL; run = run->next)
        ended += run->ended && !end_is_missing(run);
    struct run **link = &session->runs;
    while (ended > session->settings.max_runs_per_session && *link != NULL) {
        struct run *run = *link;
        /* Its thread lets go of it, and its lock waits for the store to have its end. */
        if (!run->ended || run->pinned || run->states_pending > 0 || end_is_missing(run)) {
            link = &run->next;
            continue;
        }
        *link = run->next;
        trace_owe(turn, TP_RUN_FORGOTTEN, session->key, run->number, 0, 0);
        run_free(run);
        ended--;
    }
}

struct run *run_restore(struct session *session, uint64_t number, const char *agent,
                        const char *key, enum run_state state, uint64_t seq)
{
    struct run *run = run_find(session, number);
    if (run == NULL) {
        run = calloc(1, sizeof *run);
        if (run == NULL)
            return NULL;
        run->session = session;
        run->number = number;
        core_set_name(run->agent, agent);
        core_set_name(run->key, key);
        append_run(session, run);
    }
    run->state = state;
    run->ended = run_state_is_terminal(state);
    run->told_seq = seq;
    run->end_told = run->ended;
    if (number > session->last_run)
        session->last_run = number;
    return run;
}

/* ---- telling ---- */

static void publish_state(struct turn *turn, struct session *session, struct run *run,
                          struct waiter *waiter, enum core_result *result)
{
    json_t *payload = json_pack("{s:I, s:s, s:s, s:s}", "run", (json_int_t)run->number,
                                "key", run->key, "agent", run->agent,
                                "state", run_state_word(run->state));
    if (run->reason[0] != '\0')
        json_object_set_new(payload, "reason", json_string(run->reason));
    size_t length;
    char *text = wire_text_owed(turn->core, payload, &length);
    struct publish_order order = { .type = wire_message_word(WIRE_RUN_STATE), .payload = text,
                                   .length = length, .owed = true, .run = run->number,
                                   .waiter = waiter };
    run->states_pending++;   /* without a store the answer comes before the call returns */
    *result = session_publish(turn, session, &order);
    if (*result != CORE_OK)
        run->states_pending--;
    free(text);
}

void run_retell(struct turn *turn, struct session *session, struct run *run)
{
    enum core_result rc;
    publish_state(turn, session, run, NULL, &rc);
    run->retelling = rc == CORE_OK;
}

void run_state_stored(struct turn *turn, struct session *session, uint64_t number, uint64_t seq)
{
    struct run *run = run_find(session, number);
    if (run == NULL)
        return;
    run->retelling = false;
    run->states_pending--;
    if (run->ended && run->states_pending == 0)
        run_lock_release(turn, run);
    if (seq != 0) {
        run->told_seq = seq;
        run->end_told = run->ended && run->states_pending == 0;   /* the end is told last */
    }
    runs_forget_oldest(turn, session);
}

enum core_result run_announce(struct turn *turn, struct session *session, struct run *run)
{
    struct waiter waiter;
    enum core_result rc;
    waiter_init(&waiter);
    publish_state(turn, session, run, &waiter, &rc);
    if (rc == CORE_OK) {
        waiter_wait(turn, session, &waiter);
        rc = waiter.result;
    }
    waiter_destroy(&waiter);
    return rc;
}

/* ---- the gate ---- */

static bool gate_holds(const struct session *session, const struct run *run)
{
    switch (run->gate) {
    case START_GATE_NONE:
        return true;
    case START_GATE_ATTACHED:
        return session->attached > 0;
    case START_GATE_ACKNOWLEDGED:
        return session->acknowledged > 0;
    }
    UNREACHABLE();
    return false;
}

/* The gate's condition holds in this very critical section, or has been waived by its timeout. */
static void start(struct turn *turn, struct run *run)
{
    REQUIRE(run->state == RUN_WAITING);
    run->state = RUN_STARTING;   /* a gate's timeout that comes now finds it so */
    turn_owe(turn, EFFECT_START_RUN)->u.run = run;
}

void runs_check_gates(struct turn *turn, struct session *session, uint64_t generation)
{
    for (struct run *run = session->runs; run != NULL; run = run->next) {
        if (run->state != RUN_WAITING || !gate_holds(session, run))
            continue;
        trace_owe(turn, TP_GATE_PASSED, session->key, run->number, generation, 0);
        start(turn, run);
    }
}

static void gate_expired(struct turn *turn, struct session *session, struct run *run)
{
    uint64_t action = session->settings.on_gate_timeout;
    trace_owe(turn, TP_GATE_EXPIRED, session->key, run->number, action, 0);
    switch ((enum on_gate_timeout)action) {
    case ON_GATE_TIMEOUT_RUN_DETACHED:
        start(turn, run);
        return;
    case ON_GATE_TIMEOUT_FAIL:
        core_set_name(run->reason, "nobody came to its start gate");
        run_finish(turn, session, run, RUN_FAILED);
        run_retire(turn, session, run);
        live_runs_remove(turn);
        return;
    case ON_GATE_TIMEOUT_HOLD:
        return;
    }
    UNREACHABLE();
}

static void gate_over(struct core *core, struct timer_target target)
{
    struct turn turn;
    turn_begin(&turn, core);
    struct session *session = session_enter(
        &turn, (struct session_ref){ .slot = target.slot, .generation = target.generation });
    if (session != NULL) {
        struct run *run = run_find(session, target.number);
        if (run != NULL && run->state == RUN_WAITING)
            gate_expired(&turn, session, run);
        session_leave(&turn, session);
    }
    turn_end(&turn);
}

/* ---- submitting ---- */

static enum core_result check_spec(const struct core *core, const struct run_spec *spec)
{
    char name[CORE_NAME_MAX];
    if (core->agents.run == NULL)
        return CORE_UNAVAILABLE;
    if (!core_copy_name(name, spec->agent) || !core_copy_name(name, spec->key))
        return CORE_INVALID;
    if (spec->input != NULL && strlen(spec->input) > core->settings.event_max_bytes)
        return CORE_LIMIT;
    if (spec->input != NULL && !wire_is_object(spec->input, strlen(spec->input)))
        return CORE_INVALID;
    return CORE_OK;
}

static struct run *run_new(struct session *session, const struct run_spec *spec)
{
    struct run *run = calloc(1, sizeof *run);
    if (run == NULL)
        return NULL;
    run->input = core_copy_text(spec->input != NULL ? spec->input : "{}");
    if (run->input == NULL) {
        free(run);
        return NULL;
    }
    run->session = session;
    run->context.run = run;
    run->limit_us = spec->timeout_us;
    run->number = ++session->last_run;
    run->gate = spec->gate_given ?
        spec->gate : (enum start_gate)session->settings.start_gate;
    core_set_name(run->agent, spec->agent);
    core_set_name(run->key, spec->key);
    return run;
}

static void wait_at_gate(struct turn *turn, struct session *session, struct run *run)
{
    const struct core_settings *settings = &session->settings;
    enum core_result ignored;   /* the state itself is there for every reader */
    publish_state(turn, session, run, NULL, &ignored);
    run->gate_timer = timer_arm(turn, core_now_us() + settings->gate_timeout_us, gate_over,
                                (struct timer_target){ session->slot, session->generation,
                                                       run->number });
}

enum core_result run_submit_locked(struct turn *turn, struct session *session,
                                   const struct run_spec *spec, struct run **run, bool *created)
{
    REQUIRE(turn_holds(turn, RANK_SESSION));
    enum core_result rc = check_spec(turn->core, spec);
    if (rc != CORE_OK)
        return rc;
    *run = find_by_key(session, spec->key);
    *created = *run == NULL;
    if (!*created)
        return CORE_OK;
    if (session->phase != SESSION_OPEN)
        return CORE_STALE;
    if (session->draining)
        return CORE_DRAINING;
    if (session->runs_live >= session->settings.max_runs_per_session)
        return CORE_LIMIT;
    *run = run_new(session, spec);
    if (*run == NULL)
        return CORE_NO_MEMORY;
    (*run)->pinned = true;
    append_run(session, *run);
    session->runs_live++;
    session->users++;
    live_runs_add(turn);
    session_check_retention(turn, session);
    trace_owe(turn, TP_RUN_SUBMITTED, session->key, (*run)->number, 0, 0);
    if (gate_holds(session, *run)) {
        trace_owe(turn, TP_GATE_PASSED, session->key, (*run)->number, 0, 0);
        start(turn, *run);
    } else {
        wait_at_gate(turn, session, *run);
    }
    return CORE_OK;
}

enum core_result run_submit(struct core *core, struct session_ref ref, const struct run_spec *spec,
                            struct run_ref *run_ref, bool *created)
{
    enum core_result rc = CORE_STALE;
    struct turn turn;
    turn_begin(&turn, core);
    struct session *session = session_enter(&turn, ref);
    if (session != NULL) {
        struct run *run;
        bool made;
        rc = run_submit_locked(&turn, session, spec, &run, &made);
        if (rc == CORE_OK && run_ref != NULL)
            *run_ref = (struct run_ref){ .session = ref, .run = run->number };
        if (rc == CORE_OK && created != NULL)
            *created = made;
        session_leave(&turn, session);
    }
    turn_end(&turn);
    return rc;
}

/* ---- ending ---- */

void run_finish(struct turn *turn, struct session *session, struct run *run, enum run_state state)
{
    REQUIRE(turn_holds(turn, RANK_SESSION));
    REQUIRE(run_state_is_terminal(state));
    REQUIRE(!run->ended);
    /* No prompt outlives its run, and none of its events comes after the last one. */
    prompts_cancel_of_run(turn, session, run->number);
    run->ended = true;
    run->state = state;
    timer_cancel(turn, run->gate_timer);
    timer_cancel(turn, run->limit_timer);
    trace_owe(turn, TP_RUN_ENDED, session->key, run->number, (uint64_t)state, 0);
    enum core_result rc;   /* a session that moved away has its runs ended by the new core */
    publish_state(turn, session, run, NULL, &rc);
    if (rc != CORE_OK)
        run_lock_release(turn, run);
}

void run_retire(struct turn *turn, struct session *session, struct run *run)
{
    REQUIRE(run->ended);
    REQUIRE(session->runs_live > 0);
    run->pinned = false;
    session->runs_live--;
    session->users--;
    session_check_retention(turn, session);
    session_check_unused(turn, session);
}

enum core_result run_stop(struct turn *turn, struct session *session, struct run *run,
                          const char *reason)
{
    /* What is still being loaded is a run of the past: it gets its end when the load is over. */
    if (run->ended || session->phase == SESSION_LOADING)
        return CORE_STALE;
    if (run->stop_asked)
        return CORE_OK;
    run->stop_asked = true;
    size_t length = strnlen(reason, CORE_NAME_MAX - 1);
    while (length > 0 && ((unsigned char)reason[length] & 0xc0) == 0x80)
        length--;   /* half a character is no text, and could not be told */
    memcpy(run->reason, reason, length);
    run->reason[length] = '\0';
    trace_owe(turn, TP_RUN_STOP_ASKED, session->key, run->number, 0, 0);
    if (run->state == RUN_WAITING) {
        run_finish(turn, session, run, RUN_CANCELLED);
        run_retire(turn, session, run);
        live_runs_remove(turn);
        return CORE_OK;
    }
    if (run->pausing != NULL)
        waiter_finish(run->pausing, CORE_CANCELLED);
    if (run->locking != NULL)
        pthread_cond_signal(&run->locking->cond);
    prompts_cancel_of_run(turn, session, run->number);
    struct effect *effect = turn_owe(turn, EFFECT_REQUEST_STOP);
    effect->u.stop = (struct run_ref){ .session = session_ref_of(session), .run = run->number };
    core_set_name(effect->subject, run->agent);
    return CORE_OK;
}

void runs_stop(struct turn *turn, struct session *session, const char *reason)
{
    for (struct run *run = session->runs; run != NULL; run = run->next)
        run_stop(turn, session, run, reason);
}

enum core_result run_stop_by_number(struct turn *turn, struct session *session, uint64_t number,
                                    const char *reason)
{
    struct run *run = run_find(session, number);
    return run == NULL ? CORE_NOT_FOUND : run_stop(turn, session, run, reason);
}

/* ---- how long it may take ---- */

static void limit_over(struct core *core, struct timer_target target)
{
    struct turn turn;
    turn_begin(&turn, core);
    struct session *session = session_enter(
        &turn, (struct session_ref){ .slot = target.slot, .generation = target.generation });
    if (session != NULL) {
        struct run *run = run_find(session, target.number);
        if (run != NULL && !run->stop_asked) {
            run->fail_asked = true;
            run_stop(&turn, session, run, "it took too long");
        }
        session_leave(&turn, session);
    }
    turn_end(&turn);
}

void run_limit(struct turn *turn, struct session *session, struct run *run)
{
    uint64_t limit_us = run->limit_us != 0 ? run->limit_us : session->settings.run_timeout_us;
    if (limit_us == 0)
        return;
    run->limit_timer = timer_arm(turn, core_now_us() + limit_us, limit_over,
                                 (struct timer_target){ session->slot, session->generation,
                                                        run->number });
}

enum core_result run_cancel(struct core *core, struct run_ref ref, const char *reason)
{
    enum core_result rc = CORE_NOT_FOUND;
    struct turn turn;
    turn_begin(&turn, core);
    struct session *session = session_enter(&turn, ref.session);
    if (session != NULL) {
        rc = run_stop_by_number(&turn, session, ref.run, reason != NULL ? reason : "cancelled");
        session_leave(&turn, session);
    }
    turn_end(&turn);
    return rc;
}

enum core_result run_state(struct core *core, struct run_ref ref, enum run_state *state)
{
    enum core_result rc = CORE_NOT_FOUND;
    struct turn turn;
    turn_begin(&turn, core);
    struct session *session = session_enter(&turn, ref.session);
    if (session != NULL) {
        struct run *run = run_find(session, ref.run);
        if (run != NULL) {
            *state = run->state;
            rc = CORE_OK;
        }
        session_leave(&turn, session);
    }
    turn_end(&turn);
    return rc;
}
