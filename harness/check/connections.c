/* Connections as their core has to treat them: ended by nobody but their own transport, given up
 * when they are silent, told of the head while they are not, and never kept waiting with more than
 * the limit. What the core believes is bounded from both sides: a tab is attached after its hello
 * at the earliest, and for certain when the core sends connection_ready. */
#include "harness/check/internal.h"
#include "session_types.h"

#include <string.h>

struct conn_fact *check_conn_of(struct check_set *set, uint16_t tab, int64_t conn)
{
    return ledger_get(&set->conns, LEDGER_KEY(tab, conn));
}

static struct beat_fact *beat_of(struct check_set *set, uint16_t tab, int64_t conn)
{
    return ledger_get(&set->beats, LEDGER_KEY(tab, conn));
}

struct gate_fact *check_gate_of(struct check_set *set, int64_t session, int32_t core)
{
    return ledger_get(&set->gates, LEDGER_KEY(session, core, set->lives[core]));
}

/* The core that a tab talks to; -1 for what is no tab. */
static int32_t core_of(const struct check_set *set, const struct record *record)
{
    return check_actor_of(set, record->subject) < 0 ? -1 : check_core_of(set, record->subject);
}

static struct gate_fact *gate_of(struct check_set *set, const struct conn_fact *conn, int32_t core)
{
    return check_gate_of(set, conn->session, core);
}

void check_conn_opens(struct check_set *set, const struct record *record)
{
    const struct record_values_CLIENT_OPEN *v = &record->values.CLIENT_OPEN;
    int32_t core = core_of(set, record);
    if (core < 0) return;
    struct conn_fact *conn = check_conn_of(set, record->subject, v->conn);
    conn->session = v->session;
    conn->life = set->lives[core];
    set->tabs[check_actor_of(set, record->subject)].newest_conn = v->conn;
}

void check_conn_greets(struct check_set *set, const struct record *record)
{
    const struct record_values_CLIENT_HELLO *v = &record->values.CLIENT_HELLO;
    check_conn_of(set, record->subject, v->conn)->session = v->session;
}

/* --- what the core is given --- */

void check_conn_says(struct check_set *set, const struct record *record)
{
    const struct record_values_CLIENT_SEND *v = &record->values.CLIENT_SEND;
    int32_t actor = check_actor_of(set, record->subject);
    if (actor < 0 || v->kind != set->names.cancel || v->run == 0) return;
    struct conn_fact *conn = check_conn_of(set, record->subject, v->conn);
    conn->cancel = v->frame;
    conn->cancel_run = v->run;
}

static void begin_call(struct gate_fact *gate, const struct record *record, uint64_t now_us)
{
    if (gate->calls++ > 0) return;
    gate->first_call = record->number;
    gate->first_call_us = now_us;
}

void check_conn_input(struct check_set *set, const struct record *record)
{
    const struct record_values_CORE_INPUT *v = &record->values.CORE_INPUT;
    const struct check_names *names = &set->names;
    int32_t core = core_of(set, record);
    if (core < 0) return;
    struct conn_fact *conn = check_conn_of(set, record->subject, v->conn);
    struct gate_fact *gate = gate_of(set, conn, core);

    if (v->kind == names->hello && !conn->hello) {
        conn->hello = true;
        gate->attached++;
    }
    if (v->kind == names->connection_acknowledged && !conn->acknowledged) {
        conn->acknowledged = true;
        gate->acknowledged++;
    }
    if (v->kind == names->start_agent || v->kind == names->user_message)
        begin_call(gate, record, set->now_us);
    if (v->kind == names->cancel) gate->cancelled = true;
}

void check_conn_taken(struct check_set *set, const struct record *record)
{
    const struct record_values_CORE_TAKEN *v = &record->values.CORE_TAKEN;
    int32_t core = core_of(set, record);
    if (core < 0) return;
    const struct conn_fact *conn = check_conn_of(set, record->subject, v->conn);
    if (conn->cancel == 0 || conn->cancel != v->frame) return;
    const struct work_fact *work = ledger_find(&set->works, LEDGER_KEY(conn->session));
    /* Before the run has begun there is nothing to cancel. */
    if (work != NULL && work->running > 0) gate_of(set, conn, core)->taken = conn->cancel_run;
}

void check_gate_call(struct check_set *set, const struct record *record)
{
    int32_t core = check_core_of(set, record->subject);
    if (core < 0) return;
    begin_call(check_gate_of(set, record->values.RUN_CALL.session, core), record, set->now_us);
}

/* --- what the core sends --- */

static void judge_room(struct check_set *set, const struct record *record, int32_t core,
                       const struct gate_fact *gate)
{
    uint64_t limit = set->policies[core].max_conns_per_session;

    /* From outside, one connection's end is not seen before the begin of another one. */
    if (set->outside) return;
    check_exercise(set, SCN_INVARIANT_LIMITS_HOLD);
    if ((uint64_t)gate->ready > limit)
        check_break(set, SCN_INVARIANT_LIMITS_HOLD, record,
                    "%s is connection %lld of its session; %llu are allowed",
                    record_party_name(record->subject), (long long)gate->ready,
                    (unsigned long long)limit);
}

static void becomes_ready(struct check_set *set, const struct record *record, int32_t core,
                          struct conn_fact *conn)
{
    struct gate_fact *gate = gate_of(set, conn, core);

    if (conn->ready || conn->closing || conn->gone) return;
    conn->ready = true;
    if (gate->ready == 0) gate->ready_since_us = set->now_us;
    if (gate->ready++ == 0 && gate->emptied && set->now_us - gate->empty_us > gate->longest_us)
        gate->longest_us = set->now_us - gate->empty_us;
    judge_room(set, record, core, gate);
}

static void no_more_ready(struct check_set *set, int32_t core, struct conn_fact *conn)
{
    struct gate_fact *gate = gate_of(set, conn, core);

    if (!conn->ready) {
        gate->left |= conn->hello && gate->ready == 0;
        return;
    }
    conn->ready = false;
    if (--gate->ready > 0) return;
    gate->ready_us += set->now_us - gate->ready_since_us;
    gate->emptied = gate->left = true;
    gate->empty_us = set->now_us;
}

uint64_t check_attended_us(struct check_set *set, int64_t session, int32_t core)
{
    const struct gate_fact *gate = check_gate_of(set, session, core);
    return gate->ready_us + (gate->ready > 0 ? set->now_us - gate->ready_since_us : 0);
}

static uint64_t bytes_of(const struct check_set *set, int64_t session, int64_t epoch, int64_t from,
                         int64_t to)
{
    uint64_t bytes = 0;

    for (int64_t seq = from + 1; seq <= to; seq++) {
        const struct event_fact *event =
            ledger_find(&set->events, LEDGER_KEY(session, epoch, seq));
        if (event != NULL) bytes += (uint64_t)event->bytes;
    }
    return bytes;
}

/* An event goes out: it and those behind it were waiting, as far as the core had told publishers
 * that they are stored when the frame before left. */
static void judge_backlog(struct check_set *set, const struct record *record, int32_t core,
                          const struct conn_fact *conn)
{
    int64_t from = record->values.CORE_SEND.seq - 1;
    uint64_t limit = set->policies[core].outbound_max_bytes;

    if (from < conn->beyond) return;
    const struct session_fact *session = ledger_find(&set->sessions, LEDGER_KEY(conn->session));
    if (session == NULL) return;
    check_exercise(set, SCN_INVARIANT_OUTBOUND_IS_BOUNDED);
    uint64_t bytes = bytes_of(set, conn->session, session->epoch, from, conn->accepted);
    if (bytes > limit)
        check_break(set, SCN_INVARIANT_OUTBOUND_IS_BOUNDED, record,
                    "%llu bytes waited for %s with event %lld; %llu may",
                    (unsigned long long)bytes, record_party_name(record->subject),
                    (long long)from + 1, (unsigned long long)limit);
}

void check_conn_send(struct check_set *set, const struct record *record)
{
    const struct record_values_CORE_SEND *v = &record->values.CORE_SEND;
    int32_t core = core_of(set, record);
    if (core < 0) return;
    struct conn_fact *conn = check_conn_of(set, record->subject, v->conn);

    if (v->kind == set->names.connection_ready) becomes_ready(set, record, core, conn);
    if (v->kind == set->names.heartbeat)
        beat_of(set, record->subject, v->conn)->since_us = set->now_us;
    if (set->off[SCN_INVARIANT_OUTBOUND_IS_BOUNDED]) return;
    /* Whatever the replay is now, it goes no further than what the store holds. */
    if (v->kind == set->names.initial_state || v->kind == set->names.gap)
        conn->beyond = check_head_of(set, conn->session);
    if (v->seq != 0) judge_backlog(set, record, core, conn);
    conn->accepted = check_promised(set, conn->session, core);
}

void check_conn_online(struct check_set *set, const struct record *record)
{
    struct beat_fact *beat = beat_of(set, record->subject, record->values.CLIENT_ONLINE.conn);
    beat->online = true;
    beat->since_us = set->now_us;
}

/* --- how connections end --- */

static void judge_takeover(struct check_set *set, const struct record *record, int32_t core)
{
    const struct tab_fact *tab = &set->tabs[check_actor_of(set, record->subject)];

    check_exercise(set, SCN_INVARIANT_POLICIES_KEPT);
    if (strcmp(record_text(set->policies[core].on_excess), "evict_oldest") == 0) return;
    if (tab->newest_conn > record->values.CORE_CLOSE.conn) return;
    check_break(set, SCN_INVARIANT_POLICIES_KEPT, record,
                "%s was closed as taken over, but it has opened no other connection",
                record_party_name(record->subject));
}

static void judge_excess(struct check_set *set, const struct record *record, int32_t core,
                         const struct gate_fact *gate)
{
    uint64_t limit = set->policies[core].max_conns_per_session;

    check_exercise(set, SCN_INVARIANT_POLICIES_KEPT);
    if ((uint64_t)gate->attached <= limit)
        check_break(set, SCN_INVARIANT_POLICIES_KEPT, record,
                    "%s was closed as one too many, but at most %lld were there, and %llu may",
                    record_party_name(record->subject), (long long)gate->attached,
                    (unsigned long long)limit);
}

void check_conn_close(struct check_set *set, const struct record *record)
{
    const struct record_values_CORE_CLOSE *v = &record->values.CORE_CLOSE;
    int32_t core = core_of(set, record);
    if (core < 0) return;
    struct conn_fact *conn = check_conn_of(set, record->subject, v->conn);

    if (v->code == CORE_CLOSE_TAKEN_OVER) judge_takeover(set, record, core);
    if (v->code == CORE_CLOSE_EXCESS) judge_excess(set, record, core, gate_of(set, conn, core));
    conn->closing = true;
    no_more_ready(set, core, conn);
}

static struct generation_fact *generation_of(struct check_set *set, int32_t core, int64_t number)
{
    return ledger_get(&set->generations, LEDGER_KEY(core, set->lives[core], number));
}

void check_conn_detach(struct check_set *set, const struct record *record)
{
    const struct record_values_DETACH *v = &record->values.DETACH;
    int32_t core = core_of(set, record);
    if (core < 0) return;
    struct conn_fact *conn = check_conn_of(set, record->subject, v->conn);

    conn->gone = true;
    no_more_ready(set, core, conn);
    if (v->gen != 0) generation_of(set, core, v->gen)->told++;
}

void check_conn_detached(struct check_set *set, const struct record *record)
{
    const struct record_values_DETACHED *v = &record->values.DETACHED;
    int32_t core = core_of(set, record);
    if (core < 0) return;
    struct conn_fact *conn = check_conn_of(set, record->subject, v->conn);
    struct gate_fact *gate = gate_of(set, conn, core);

    if (conn->life != set->lives[core]) return;
    if (conn->hello && --gate->attached == 0) gate->attached_end = record->number;
    if (conn->acknowledged && --gate->acknowledged == 0) gate->acknowledged_end = record->number;
    conn->hello = conn->acknowledged = false;
}

/* The core says that it forgets a connection: its transport must have said so, of that very one. */
static void judge_generation(struct check_set *set, const struct record *record)
{
    int32_t core = check_core_of(set, record->subject);
    if (core < 0) return;
    struct generation_fact *generation =
        generation_of(set, core, record->values.POINT.first);

    check_exercise(set, SCN_INVARIANT_GENERATIONS_HOLD);
    if (++generation->closed > generation->told)
        check_break(set, SCN_INVARIANT_GENERATIONS_HOLD, record,
                    "connection %lld of %s was ended %s",
                    (long long)record->values.POINT.first, record_party_name(record->subject),
                    generation->told == 0 ? "by the close of another one" : "twice");
}

void check_point(struct check_set *set, const struct record *record)
{
    if (record->values.POINT.name == set->names.conn_closed) judge_generation(set, record);
    else check_box_point(set, record);
}

/* --- at the end of the calm --- */

static void judge_silence(struct check_set *set, const struct conn_fact *conn, uint16_t tab,
                          int32_t core)
{
    const struct silence_fact *silence =
        ledger_find(&set->silences, LEDGER_KEY(tab, conn->entry.key.at[1]));
    uint64_t limit_us = set->heartbeat_timeout_us[core];

    if (silence == NULL) return;
    if (set->ack_timeout_us[core] > limit_us) limit_us = set->ack_timeout_us[core];
    check_exercise(set, SCN_INVARIANT_SILENCE_IS_NOTICED);
    if (set->now_us - silence->heard_us > limit_us + set->margin_us)
        check_break(set, SCN_INVARIANT_SILENCE_IS_NOTICED, NULL,
                    "connection %lld of %s has been silent for %llds, and was never given up",
                    (long long)conn->entry.key.at[1], record_party_name(tab),
                    (long long)((set->now_us - silence->heard_us) / 1000000));
}

static void judge_heartbeat(struct check_set *set, int64_t conn, uint16_t tab, int32_t core)
{
    const struct beat_fact *beat = beat_of(set, tab, conn);
    uint64_t limit_us = 2 * set->policies[core].heartbeat_us + set->margin_us;

    if (!beat->online || set->now_us - beat->since_us <= limit_us) return;
    check_break(set, SCN_INVARIANT_SILENCE_IS_NOTICED, NULL,
                "%s is connected, and has not been sent a heartbeat for %llds",
                record_party_name(tab), (long long)((set->now_us - beat->since_us) / 1000000));
}

void check_conns_watched(struct check_set *set)
{
    for (uint32_t i = 0; i < set->conns.count; i++) {
        const struct conn_fact *conn = ledger_at(&set->conns, i);
        uint16_t tab = (uint16_t)conn->entry.key.at[0];
        int32_t core = check_core_of(set, tab);

        if (core < 0 || set->down[core] || conn->life != set->lives[core]) continue;
        if (!conn->hello || conn->gone || conn->closing) continue;
        judge_silence(set, conn, tab, core);
        if (set->tabs[tab - PARTY_ACTOR].ready == conn->entry.key.at[1])
            judge_heartbeat(set, conn->entry.key.at[1], tab, core);
    }
}
