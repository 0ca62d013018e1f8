/* Lives of cores: what faults mean for deadlines and stops, and that a core which has drained does
 * nothing any more. */
#include "harness/check/internal.h"

void check_core_starts(struct check_set *set, const struct record *record)
{
    int32_t core = check_core_of(set, record->subject);
    if (core < 0) return;
    set->draining[core] = set->drained[core] = false;
    set->store_uses[core] = (struct store_use){ .troubled = record->number };
    set->ports[core] = (struct port_fact){ .calls = 0 };
}

static void begin_draining(struct check_set *set, int32_t core)
{
    if (core >= 0) set->draining[core] = true;
}

void check_fault(struct check_set *set, const struct record *record)
{
    uint64_t index = (uint64_t)record->values.FAULT_BEGIN.fault;
    if (index >= set->file->fault_count) return;
    const struct scn_fault *fault = &set->file->faults[index];

    if (fault->kind == SCN_FAULT_PAUSE || fault->kind == SCN_FAULT_FREEZE) set->paused = true;
    if (fault->kind == SCN_FAULT_LOSE_ANSWER) set->answers_lost = true;
    if (fault->kind == SCN_FAULT_DRAIN)
        begin_draining(set, fault->target.core < 0 ? 0 : fault->target.core);
}

void check_step(struct check_set *set, const struct record *record)
{
    int32_t actor = check_actor_of(set, record->subject);
    int64_t step = record->values.STEP_BEGIN.step;
    if (actor < 0 || step >= (int64_t)set->file->actors[actor].step_count) return;
    const struct scn_actor *who = &set->file->actors[actor];
    if (who->steps[step].verb != SCN_VERB_DRAIN) return;
    world_meet(WORLD_MET_FAKES);
    begin_draining(set, who->core);
}

static void judge_agents(struct check_set *set, const struct record *record, int32_t core)
{
    for (uint32_t i = 0; i < set->agents.count; i++) {
        const struct agent_fact *agent = ledger_at(&set->agents, i);
        uint16_t party = (uint16_t)agent->entry.key.at[0];
        if (agent->run == 0 || check_core_of(set, party) != core) continue;
        if (agent->life != set->lives[core]) continue;
        check_break(set, SCN_INVARIANT_DRAIN_IS_FINAL, record,
                    "%s has drained, and %s is still at work in it",
                    record_party_name(record->subject), record_party_name(party));
    }
}

/* It waits for agents up to its deadline and no longer than they work. */
static void judge_patience(struct check_set *set, const struct record *record, int32_t core)
{
    if (record->values.CORE_DRAINED.code != set->names.expired || set->paused) return;
    if (set->now_us - set->worked_us[core] < 1000000) return;
    check_break(set, SCN_INVARIANT_DRAIN_IS_FINAL, record,
                "%s gave up waiting for its agents, and the last of them had ended %llds before",
                record_party_name(record->subject),
                (long long)((set->now_us - set->worked_us[core]) / 1000000));
}

/* Killed or drained: nothing of this life is under way any more. */
void check_core_ends(struct check_set *set, const struct record *record)
{
    int32_t core = check_core_of(set, record->subject);
    if (core < 0) return;
    set->store_uses[core] = (struct store_use){ .troubled = record->number };
    set->kills += record->kind == RECORD_CORE_KILLED;
    if (record->kind != RECORD_CORE_DRAINED) return;
    check_exercise(set, SCN_INVARIANT_DRAIN_IS_FINAL);
    set->drained[core] = true;
    judge_agents(set, record, core);
    judge_patience(set, record, core);
}

void check_still_at_work(struct check_set *set, const struct record *record)
{
    int32_t core = check_core_of(set, record->from);

    if (core < 0 || record->from < PARTY_CORE || !set->drained[core]) return;
    check_break(set, SCN_INVARIANT_DRAIN_IS_FINAL, record, "%s has drained, and does this: %s",
                record_party_name(record->from),
                record_info_of((enum record_kind)record->kind)->help);
}
