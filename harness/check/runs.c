/* Runs: one per key, started once, ended once, and nothing after the end. */
#include "harness/check/internal.h"

/* Runs of a session are told apart by their number; 0 is no number. */
static void count_run(struct check_set *set, int64_t session, int64_t run)
{
    struct session_fact *owner = ledger_get(&set->sessions, LEDGER_KEY(session));
    struct run_fact *fact;
    if (run == 0) return;
    fact = ledger_get(&set->runs, LEDGER_KEY(session, run, owner->epoch));
    if (fact->counted) return;
    fact->counted = true;
    owner->runs++;
}

static int64_t epoch_of(const struct check_set *set, int64_t session)
{
    const struct session_fact *fact = ledger_find(&set->sessions, LEDGER_KEY(session));
    return fact == NULL ? 0 : fact->epoch;
}

void check_run_req(struct check_set *set, const struct record *record)
{
    const struct record_values_RUN_REQ *v = &record->values.RUN_REQ;

    if (v->code != set->names.ok || v->run == 0) return;
    count_run(set, v->session, v->run);
    if (v->key == 0) return;
    /* A request is only as old as the core that answered: a submission is not stored at once. */
    int32_t core = check_core_of(set, record->subject);
    int64_t life = core < 0 ? 0 : set->lives[core];
    struct request_fact *request =
        ledger_get(&set->requests,
                   LEDGER_KEY(v->session, v->key, life, epoch_of(set, v->session)));
    if (request->run == 0) request->run = v->run;
    request->created += v->created != 0;
    if (request->run != v->run)
        check_break(set, SCN_INVARIANT_ONE_RUN, record,
                    "key %s of session %s named run %lld, and run %lld to %s",
                    record_text(v->key), record_text(v->session), (long long)request->run,
                    (long long)v->run, record_party_name(record->subject));
    else if (request->created > 1)
        check_break(set, SCN_INVARIANT_ONE_RUN, record,
                    "two requests with key %s of session %s were each told that they made run %lld",
                    record_text(v->key), record_text(v->session), (long long)v->run);
}

void check_run_said(struct check_set *set, const struct record *record)
{
    const struct record_values_LOG_SAYS *v = &record->values.LOG_SAYS;

    /* Some are never started: what they asked for was refused. */
    count_run(set, v->session, v->run);
}

void check_run_start(struct check_set *set, const struct record *record)
{
    const struct record_values_RUN_START *v = &record->values.RUN_START;
    struct run_fact *run;

    check_exercise(set, SCN_INVARIANT_ONE_RUN);
    count_run(set, v->session, v->run);
    int64_t epoch = epoch_of(set, v->session);
    run = ledger_get(&set->runs, LEDGER_KEY(v->session, v->run, epoch));
    if (++run->started > 1)
        check_break(set, SCN_INVARIANT_ONE_RUN, record,
                    "run %lld of session %s was started %u times, the last time with %s",
                    (long long)v->run, record_text(v->session), run->started,
                    record_party_name(record->subject));
    struct agent_fact *agent = ledger_get(&set->agents, LEDGER_KEY(record->subject));
    agent->session = v->session;
    agent->epoch = epoch;
}

void check_run_end(struct check_set *set, const struct record *record)
{
    const struct record_values_RUN_END *v = &record->values.RUN_END;
    const struct agent_fact *agent = ledger_find(&set->agents, LEDGER_KEY(record->subject));
    struct run_fact *run;

    if (agent == NULL) return;
    check_exercise(set, SCN_INVARIANT_TERMINAL_IS_LAST);
    run = ledger_get(&set->runs, LEDGER_KEY(agent->session, v->run, agent->epoch));
    run->outcome = v->outcome;
    if (++run->ended > 1)
        check_break(set, SCN_INVARIANT_TERMINAL_IS_LAST, record,
                    "run %lld of session %s ended %u times, the last time as %s",
                    (long long)v->run, record_text(agent->session), run->ended,
                    record_text(v->outcome));
}

void check_nothing_after_end(struct check_set *set, const struct session_fact *session,
                             const struct record *record)
{
    /* With several runs an event after an outcome may belong to another one. */
    if (session->runs != 1 || session->terminal_seq == 0) return;
    if (session->published_seq > session->terminal_seq)
        check_break(set, SCN_INVARIANT_TERMINAL_IS_LAST, record,
                    "event %lld of session %s was published after its run was %s with event %lld",
                    (long long)session->published_seq, record_text(session->entry.key.at[0]),
                    record_text(session->terminal_state), (long long)session->terminal_seq);
}

/* A tab was told the state of a run, as an event. */
void check_run_told(struct check_set *set, const struct record *record)
{
    const struct record_values_CLIENT_RECV *v = &record->values.CLIENT_RECV;
    const struct check_names *names = &set->names;
    int32_t actor = check_actor_of(set, record->subject);
    bool terminal = v->state == names->completed || v->state == names->failed ||
                    v->state == names->cancelled || v->state == names->interrupted;

    if (!terminal || v->seq == 0 || actor < 0) return;
    check_exercise(set, SCN_INVARIANT_TERMINAL_IS_LAST);
    struct session_fact *session =
        ledger_get(&set->sessions, LEDGER_KEY(set->tabs[actor].session));
    if (session->epoch != 0 && set->tabs[actor].epoch != session->epoch) return;
    if (session->terminal_seq != 0 && session->terminal_seq != v->seq && session->runs == 1)
        check_break(set, SCN_INVARIANT_TERMINAL_IS_LAST, record,
                    "the run of session %s was %s with event %lld, and %s with event %lld",
                    record_text(session->entry.key.at[0]), record_text(session->terminal_state),
                    (long long)session->terminal_seq, record_text(v->state), (long long)v->seq);
    session->terminal_seq = v->seq;
    session->terminal_state = v->state;
    check_nothing_after_end(set, session, record);
}
