/* Questions: one outcome each, for the right reason, and not before their time; other deadlines
 * that can be seen from outside. */
#include "harness/check/internal.h"

static uint32_t life_of(const struct check_set *set, uint16_t party)
{
    int32_t core = check_core_of(set, party);
    return core < 0 ? 0 : set->lives[core];
}

static int64_t session_of(const struct check_set *set, const struct prompt_fact *prompt)
{
    int32_t agent = check_actor_of(set, (uint16_t)prompt->entry.key.at[0]);
    return agent < 0 ? 0 : set->session_words[agent];
}

/* What the clock of the agent's questions shows: it may stand still while nobody is attached. */
static uint64_t clock_us(struct check_set *set, const struct prompt_fact *prompt, int32_t core)
{
    if (core < 0 || !set->prompts_wait[core]) return set->now_us;
    return check_attended_us(set, session_of(set, prompt), core);
}

void check_prompt_open(struct check_set *set, const struct record *record)
{
    const struct record_values_PROMPT_OPEN *v = &record->values.PROMPT_OPEN;
    struct prompt_fact *prompt = ledger_get(&set->prompts, LEDGER_KEY(record->subject, v->id));
    struct agent_fact *agent = ledger_get(&set->agents, LEDGER_KEY(record->subject));
    int32_t core = check_core_of(set, record->subject);

    prompt->opened++;
    prompt->opened_us = set->now_us;
    prompt->timeout = v->timeout;
    prompt->life = life_of(set, record->subject);
    prompt->record = record->number;
    prompt->clock_us = clock_us(set, prompt, core);
    prompt->busy_us = core < 0 ? 0 : check_store_busy_us(set, core);
    prompt->sick = core >= 0 && set->store_uses[core].sick;
    agent->due_us = set->now_us + (uint64_t)v->timeout;
}

void check_answer(struct check_set *set, const struct record *record)
{
    const struct record_values_ANSWER *v = &record->values.ANSWER;
    struct answer_fact *answer = ledger_get(&set->answers, LEDGER_KEY(v->id));

    if (v->value == set->names.yes) answer->yes++;
    else if (v->value == set->names.no) answer->no++;
    else answer->other++;
}

/* Nobody's silence is an answer. */
static void judge_cause(struct check_set *set, const struct record *record)
{
    const struct record_values_PROMPT_DONE *v = &record->values.PROMPT_DONE;
    const struct answer_fact *answer = ledger_find(&set->answers, LEDGER_KEY(v->id));
    bool approved = v->outcome == set->names.approved, rejected = v->outcome == set->names.rejected;
    bool somebody = answer != NULL &&
                    (answer->other > 0 || (approved && answer->yes > 0) ||
                     (rejected && answer->no > 0));

    if ((approved || rejected) && !somebody)
        check_break(set, SCN_INVARIANT_ONE_OUTCOME, record,
                    "%s was told that %s was %s, but no tab had answered so",
                    record_party_name(record->subject), record_text(v->id),
                    record_text(v->outcome));
}

static void judge_deadline(struct check_set *set, const struct record *record)
{
    const struct record_values_PROMPT_DONE *v = &record->values.PROMPT_DONE;
    int64_t after = (int64_t)set->now_us - v->asked;

    if (v->outcome != set->names.expired) return;
    set->expired = true;
    check_exercise(set, SCN_INVARIANT_NO_EARLY_TIMEOUT);
    if (after < v->timeout)
        check_break(set, SCN_INVARIANT_NO_EARLY_TIMEOUT, record,
                    "question %s of %s expired %lldms after it was asked; its time was %lldms",
                    record_text(v->id), record_party_name(record->subject),
                    (long long)(after / 1000), (long long)(v->timeout / 1000));
}

/* An outcome comes in time, or after what its core has waited for the store meanwhile. Appends that
 * the store did not answer well are repeated after a pause. */
static void judge_lateness(struct check_set *set, const struct record *record,
                           const struct prompt_fact *prompt)
{
    const struct record_values_PROMPT_DONE *v = &record->values.PROMPT_DONE;
    const struct check_names *names = &set->names;
    int32_t core = check_core_of(set, record->subject);

    if (core < 0 || !set->prompts_expire[core] || prompt->life != set->lives[core]) return;
    if (v->outcome != names->expired && v->outcome != names->approved &&
        v->outcome != names->rejected)
        return;
    if (set->outside || set->paused || prompt->timeout == 0 || prompt->sick ||
        set->store_uses[core].troubled > prompt->record)
        return;
    uint64_t waited = clock_us(set, prompt, core) - prompt->clock_us;
    uint64_t busy = check_store_busy_us(set, core) - prompt->busy_us;
    if (waited > (uint64_t)prompt->timeout + busy + set->margin_us)
        check_break(set, SCN_INVARIANT_ONE_OUTCOME, record,
                    "question %s of %s was %s when its clock had run for %lldms; its time was "
                    "%lldms", record_text(v->id), record_party_name(record->subject),
                    record_text(v->outcome), (long long)(waited / 1000),
                    (long long)(prompt->timeout / 1000));
}

/* A call that failed gave no outcome. */
static bool is_outcome(const struct check_names *names, int64_t outcome)
{
    return outcome == names->approved || outcome == names->rejected ||
           outcome == names->expired || outcome == names->cancelled ||
           outcome == names->superseded;
}

/* Everybody who learns the outcome of a question that was asked once learns the same: of the same
 * log, for the outcome may be among what a store has lost. */
static void judge_outcome(struct check_set *set, const struct record *record,
                          struct prompt_fact *prompt, int64_t outcome, int64_t epoch)
{
    if (!is_outcome(&set->names, outcome) || (epoch != 0 && epoch < prompt->epoch)) return;
    if (prompt->outcome == 0 || (prompt->epoch != 0 && epoch > prompt->epoch)) {
        prompt->outcome = outcome;
        prompt->told = record->subject;
        prompt->epoch = epoch;
    }
    if (prompt->opened == 1 && prompt->outcome != outcome)
        check_break(set, SCN_INVARIANT_ONE_OUTCOME, record,
                    "%s was told that %s is %s, and %s that it is %s",
                    record_party_name(prompt->told), record_text(prompt->entry.key.at[1]),
                    record_text(prompt->outcome), record_party_name(record->subject),
                    record_text(outcome));
}

void check_prompt_done(struct check_set *set, const struct record *record)
{
    const struct record_values_PROMPT_DONE *v = &record->values.PROMPT_DONE;
    struct prompt_fact *prompt = ledger_get(&set->prompts, LEDGER_KEY(record->subject, v->id));

    check_exercise(set, SCN_INVARIANT_ONE_OUTCOME);
    prompt->done++;
    if (prompt->done > prompt->opened)
        check_break(set, SCN_INVARIANT_ONE_OUTCOME, record,
                    "%s asked %s %u time(s) and got %u outcomes, the last one %s",
                    record_party_name(record->subject), record_text(v->id), prompt->opened,
                    prompt->done, record_text(v->outcome));
    judge_cause(set, record);
    judge_deadline(set, record);
    judge_lateness(set, record, prompt);
    const struct agent_fact *agent = ledger_find(&set->agents, LEDGER_KEY(record->subject));
    judge_outcome(set, record, prompt, v->outcome, agent == NULL ? 0 : agent->epoch);
}

bool check_asked_by_one(const struct check_set *set, const struct prompt_fact *prompt)
{
    for (uint32_t i = 0; i < set->prompts.count; i++) {
        const struct prompt_fact *other = ledger_at(&set->prompts, i);
        if (other != prompt && other->entry.key.at[1] == prompt->entry.key.at[1] &&
            session_of(set, other) == session_of(set, prompt))
            return false;
    }
    return true;
}

void check_prompt_closed(struct check_set *set, const struct record *record)
{
    const struct record_values_CLIENT_RECV *v = &record->values.CLIENT_RECV;
    int32_t tab = check_actor_of(set, record->subject);
    int64_t session = tab < 0 ? 0 : set->session_words[tab];

    for (uint32_t i = 0; i < set->prompts.count; i++) {
        struct prompt_fact *prompt = ledger_change_at(&set->prompts, i);
        if (session != 0 && session != session_of(set, prompt)) continue;
        if (prompt->entry.key.at[1] == v->id && check_asked_by_one(set, prompt))
            judge_outcome(set, record, prompt, v->outcome, tab < 0 ? 0 : set->tabs[tab].epoch);
    }
}

/* A question whose clock ran to its end is settled, unless its agent died with its core. */
void check_prompts_settled(struct check_set *set)
{
    for (uint32_t i = 0; i < set->prompts.count; i++) {
        const struct prompt_fact *prompt = ledger_at(&set->prompts, i);
        uint16_t agent = (uint16_t)prompt->entry.key.at[0];
        int32_t core = check_core_of(set, agent);

        if (prompt->done >= prompt->opened || core < 0 || !set->prompts_expire[core]) continue;
        if (set->down[core] || prompt->life != set->lives[core] || prompt->timeout == 0) continue;
        uint64_t waited = clock_us(set, prompt, core) - prompt->clock_us;
        if (waited < (uint64_t)prompt->timeout + set->margin_us) continue;
        check_break(set, SCN_INVARIANT_ONE_OUTCOME, NULL,
                    "question %s of %s was never settled, %llds after its time",
                    record_text(prompt->entry.key.at[1]), record_party_name(agent),
                    (long long)((waited - (uint64_t)prompt->timeout) / 1000000));
    }
}
