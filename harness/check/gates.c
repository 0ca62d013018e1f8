/* When runs may begin and when they may be stopped: the gate, cancels, and the policy of who left.
 *
 * A run was asked for at some moment between two records, and was started before its agent says
 * so. So the gate is judged over that whole time: it must have held at some moment of it.
 */
#include "harness/check/internal.h"

#include <string.h>

static bool says(record_word word, const char *text)
{
    return strcmp(record_text(word), text) == 0;
}

/* --- the start --- */

/* It is open, or was after the first of those who asked did so. */
static bool gate_held(const struct policy *policy, const struct gate_fact *gate)
{
    bool acknowledged = policy->ack_required && says(policy->start_gate, "acknowledged");
    int64_t now = acknowledged ? gate->acknowledged : gate->attached;
    uint32_t end = acknowledged ? gate->acknowledged_end : gate->attached_end;

    return now > 0 || end > gate->first_call;
}

static bool gate_waived(const struct check_set *set, const struct policy *policy,
                        const struct gate_fact *gate)
{
    return says(policy->on_gate_timeout, "run_detached") &&
           set->now_us >= gate->first_call_us + policy->gate_timeout_us;
}

static void judge_start(struct check_set *set, const struct record *record, int32_t core,
                        const struct gate_fact *gate)
{
    const struct policy *policy = &set->policies[core];

    if (gate->calls == 0 || says(policy->start_gate, "none")) return;
    check_exercise(set, SCN_INVARIANT_GATE_HOLDS);
    if (gate_held(policy, gate) || gate_waived(set, policy, gate)) return;
    check_break(set, SCN_INVARIANT_GATE_HOLDS, record,
                "%s was started %lldms after it was asked for, and no tab had %s",
                record_party_name(record->subject),
                (long long)((set->now_us - gate->first_call_us) / 1000),
                says(policy->start_gate, "attached") ? "attached" : "acknowledged");
}

void check_gate_start(struct check_set *set, const struct record *record)
{
    const struct record_values_RUN_START *v = &record->values.RUN_START;
    int32_t core = check_core_of(set, record->subject);
    if (core < 0) return;
    struct gate_fact *gate = check_gate_of(set, v->session, core);
    struct agent_fact *agent = ledger_get(&set->agents, LEDGER_KEY(record->subject));
    struct work_fact *work = ledger_get(&set->works, LEDGER_KEY(v->session));

    judge_start(set, record, core, gate);
    /* With several that wait nobody can tell which of them this was. */
    if (gate->calls == 1) gate->calls = 0;
    agent->run = v->run;
    agent->started = record->number;
    agent->started_us = set->now_us;
    agent->life = set->lives[core];
    agent->stopping = false;
    check_exercise(set, SCN_INVARIANT_LIMITS_HOLD);
    if (++work->running > (int64_t)set->policies[core].max_runs_per_session)
        check_break(set, SCN_INVARIANT_LIMITS_HOLD, record,
                    "%d runs of session %s are at work; %llu may be", work->running,
                    record_text(v->session),
                    (unsigned long long)set->policies[core].max_runs_per_session);
}

/* --- being stopped --- */

static bool left_for(const struct check_set *set, const struct gate_fact *gate, uint64_t grace_us)
{
    if (!gate->emptied) return false;
    if (gate->longest_us >= grace_us) return true;
    return gate->ready == 0 && set->now_us - gate->empty_us >= grace_us;
}

/* A lock of a run of the agent's session: which of them is whose is not told. Names that are too
 * long are cut, and end in a number. */
static bool is_lock_of(const struct hold_fact *hold, int32_t core, const struct agent_fact *agent)
{
    const char *lock = record_text(hold->entry.key.at[0]);
    const char *session = record_text(agent->session);
    size_t length = strlen(session);

    if (hold->entry.key.at[1] != core || hold->entry.key.at[2] != (int64_t)agent->life)
        return false;
    if (strncmp(lock, "run:", 4) != 0) return false;
    return strchr(lock, '~') != NULL ||
           (strncmp(lock + 4, session, length) == 0 && lock[4 + length] == '/');
}

static bool lock_may_be_lost(const struct check_set *set, int32_t core,
                             const struct agent_fact *agent)
{
    for (uint32_t i = 0; i < set->holds.count; i++) {
        const struct hold_fact *hold = ledger_at(&set->holds, i);
        if (is_lock_of(hold, core, agent) && check_may_have_lost(set, hold)) return true;
    }
    return false;
}

/* Whether anything that is known explains it. */
static bool may_stop(const struct check_set *set, int32_t core, const struct gate_fact *gate,
                     const struct agent_fact *agent)
{
    const struct policy *policy = &set->policies[core];
    const struct session_fact *session = ledger_find(&set->sessions, LEDGER_KEY(agent->session));

    if (gate->cancelled || set->draining[core]) return true;
    if (policy->run_lock && lock_may_be_lost(set, core, agent)) return true;
    if (policy->run_timeout_us > 0 &&
        (set->paused || set->now_us - agent->started_us + set->late_us >= policy->run_timeout_us))
        return true;
    /* The stream was opened anew, by another core perhaps: the old one gives the session up. */
    if (session != NULL && (session->unsettled || session->opened > agent->started)) return true;
    bool overdue = agent->due_us > 0 && set->now_us >= agent->due_us;
    if ((set->expired || overdue) && says(policy->on_expire, "fail")) return true;
    if (says(policy->on_detach, "keep")) return false;
    if (says(policy->on_detach, "cancel_now")) return gate->left;
    return set->paused || left_for(set, gate, policy->detach_grace_us);
}

/* By the embedding program, which may. */
void check_gate_cancel(struct check_set *set, const struct record *record)
{
    int32_t core = check_core_of(set, record->to);
    if (core >= 0) check_gate_of(set, record->values.CANCEL_CALL.session, core)->cancelled = true;
}

void check_gate_stop(struct check_set *set, const struct record *record)
{
    struct agent_fact *agent = ledger_get(&set->agents, LEDGER_KEY(record->subject));
    int32_t core = check_core_of(set, record->subject);

    check_exercise(set, SCN_INVARIANT_CANCEL_IS_HEARD);
    agent->stopping = true;
    agent->stop_us = set->now_us;
    if (core < 0 || set->quiet || agent->started == 0) return;
    const struct gate_fact *gate = check_gate_of(set, agent->session, core);
    check_exercise(set, SCN_INVARIANT_POLICIES_KEPT);
    if (may_stop(set, core, gate, agent)) return;
    check_break(set, SCN_INVARIANT_POLICIES_KEPT, record,
                "%s was asked to stop, though nobody cancelled it and on_detach=%s%s",
                record_party_name(record->subject), record_text(set->policies[core].on_detach),
                gate->emptied ? " was not due" : "");
}

void check_gate_end(struct check_set *set, const struct record *record)
{
    struct agent_fact *agent = ledger_get(&set->agents, LEDGER_KEY(record->subject));
    struct work_fact *work = ledger_get(&set->works, LEDGER_KEY(agent->session));

    int32_t core = check_core_of(set, record->subject);
    if (core >= 0) set->worked_us[core] = set->now_us;
    if (agent->run != 0 && work->running > 0) work->running--;
    agent->run = 0;
    agent->stopping = false;
}

/* --- at the end of the calm --- */

static void judge_cancel(struct check_set *set, const struct agent_fact *agent, uint16_t party,
                         int32_t core)
{
    const struct session_fact *session = ledger_find(&set->sessions, LEDGER_KEY(agent->session));
    bool heard = check_gate_of(set, agent->session, core)->taken == agent->run;

    if (agent->stopping && set->now_us > agent->stop_us + set->margin_us)
        check_break(set, SCN_INVARIANT_CANCEL_IS_HEARD, NULL,
                    "%s was asked to stop %llds ago, and its run goes on",
                    record_party_name(party),
                    (long long)((set->now_us - agent->stop_us) / 1000000));
    else if (!agent->stopping && heard && session != NULL && session->runs == 1)
        check_break(set, SCN_INVARIANT_CANCEL_IS_HEARD, NULL,
                    "a cancel of the run of %s was taken, and the agent was never asked to stop",
                    record_party_name(party));
}

bool check_is_configured(const struct check_set *set)
{
    for (uint32_t i = 0; i < set->file->actor_count; i++) {
        const struct scn_actor *actor = &set->file->actors[i];
        for (uint32_t s = 0; s < actor->step_count; s++)
            if (actor->steps[s].verb == SCN_VERB_CONFIGURE) return true;
    }
    return false;
}

/* For how long at least nobody has been there since the run began; 0: somebody may be. */
static uint64_t alone_us(const struct check_set *set, const struct gate_fact *gate,
                         const struct agent_fact *agent)
{
    bool empty = gate->emptied && gate->ready == 0 && gate->attached == 0;
    return empty && agent->started_us < gate->empty_us ? set->now_us - gate->empty_us : 0;
}

/* What a policy says of a run that goes on is done in the end. */
static void judge_overdue(struct check_set *set, const struct agent_fact *agent, uint16_t party,
                          int32_t core)
{
    const struct policy *policy = &set->policies[core];
    uint64_t alone = alone_us(set, check_gate_of(set, agent->session, core), agent);
    uint64_t grace_us = says(policy->on_detach, "cancel_now") ? 0 : policy->detach_grace_us;
    uint64_t limit_us = policy->run_limit_us;

    if (agent->stopping) return;
    check_exercise(set, SCN_INVARIANT_POLICIES_KEPT);
    if (limit_us > 0 && set->now_us > agent->started_us + limit_us + set->margin_us)
        check_break(set, SCN_INVARIANT_POLICIES_KEPT, NULL,
                    "%s has worked for %llds, and was not asked to stop", record_party_name(party),
                    (long long)((set->now_us - agent->started_us) / 1000000));
    if (!says(policy->on_detach, "keep") && !check_is_configured(set) &&
        alone > grace_us + set->margin_us)
        check_break(set, SCN_INVARIANT_POLICIES_KEPT, NULL,
                    "nobody has been attached for %llds, and %s was not asked to stop",
                    (long long)(alone / 1000000), record_party_name(party));
}

void check_cancels_heard(struct check_set *set)
{
    for (uint32_t i = 0; i < set->agents.count; i++) {
        const struct agent_fact *agent = ledger_at(&set->agents, i);
        uint16_t party = (uint16_t)agent->entry.key.at[0];
        int32_t core = check_core_of(set, party);

        if (core < 0 || set->down[core] || agent->run == 0) continue;
        if (agent->life != set->lives[core]) continue;
        judge_cancel(set, agent, party, core);
        judge_overdue(set, agent, party, core);
    }
}
