/* How runs end: what the log says of an end is what the agent did, and what went wrong has a reason
 * that is known out here. */
#include "harness/check/internal.h"

#include <string.h>

static bool says(record_word word, const char *text)
{
    return strcmp(record_text(word), text) == 0;
}

static bool some_policy_fails(const struct check_set *set)
{
    for (uint32_t i = 0; i < set->file->core_count; i++) {
        const struct policy *policy = &set->policies[i];
        if (policy->run_timeout_us > 0 || says(policy->on_expire, "fail") ||
            says(policy->on_gate_timeout, "fail"))
            return true;
    }
    return false;
}

static bool some_fault_struck(const struct check_set *set)
{
    for (uint32_t i = 0; i < set->file->fault_count; i++)
        if (set->struck[i]) return true;
    return false;
}

/* An agent works on one run at a time, and refuses a second one. */
static bool some_agent_works(const struct check_set *set, int64_t session, int64_t run)
{
    for (uint32_t i = 0; i < set->agents.count; i++) {
        const struct agent_fact *agent = ledger_at(&set->agents, i);
        if (agent->session == session && agent->run != 0 && agent->run != run) return true;
    }
    return false;
}

static const char *disagreement(const struct check_set *set, const struct session_fact *session,
                                const struct run_fact *run,
                                const struct record_values_LOG_SAYS *said)
{
    const struct check_names *names = &set->names;
    bool completed = run != NULL && run->outcome == names->completed;

    if (said->state == names->completed)
        return completed ? NULL : "whose agent has not said so";
    if (said->state == names->cancelled)
        return completed ? "whose agent had completed it" : NULL;
    if (said->state == names->interrupted)
        return session->opens > 1 ? NULL : "though nobody has opened its stream anew";
    /* Faults explain much; without one it needs a policy, a refusal of the agent, or its word. */
    bool excused = some_fault_struck(set) || some_policy_fails(set) ||
                   some_agent_works(set, said->session, said->run) ||
                   (run != NULL && run->ended > 0);
    return said->state != names->failed || excused ? NULL : "and no policy and no fault did that";
}

void check_outcome_said(struct check_set *set, const struct record *record)
{
    const struct record_values_LOG_SAYS *v = &record->values.LOG_SAYS;
    const struct check_names *names = &set->names;
    const struct session_fact *session = ledger_find(&set->sessions, LEDGER_KEY(v->session));
    bool terminal = v->state == names->completed || v->state == names->failed ||
                    v->state == names->cancelled || v->state == names->interrupted;

    /* A store that lost events may have lost the beginning of the run, too. */
    if (!terminal || v->run == 0 || session == NULL || session->lossy) return;
    check_exercise(set, SCN_INVARIANT_MODEL_AGREES);
    const char *why = disagreement(
        set, session, ledger_find(&set->runs, LEDGER_KEY(v->session, v->run, v->epoch)), v);
    if (why != NULL)
        check_break(set, SCN_INVARIANT_MODEL_AGREES, record,
                    "event %lld of session %s makes run %lld %s, %s", (long long)v->seq,
                    record_text(v->session), (long long)v->run, record_text(v->state), why);
}
