/* Publishers wait for the store, and for nobody else.
 *
 * Virtual time passes only while nothing can run. So what a publish takes longer than its core was
 * waiting for the message store, it spent on something else. Calls that the store did not answer
 * well are repeated after a pause and are not judged, nor is a run in which a thread stood still.
 */
#include "harness/check/internal.h"

static int32_t calling_core(const struct check_set *set, const struct record *record,
                            uint16_t party)
{
    return record->subject == PARTY_MESSAGES ? check_core_of(set, party) : -1;
}

void check_store_call(struct check_set *set, const struct record *record)
{
    int32_t core = calling_core(set, record, record->from);
    if (core < 0) return;
    struct store_use *use = &set->store_uses[core];
    if (use->open++ == 0) use->since_us = set->now_us;
}

void check_store_reply(struct check_set *set, const struct record *record)
{
    int32_t core = calling_core(set, record, record->to);
    if (core < 0) return;
    struct store_use *use = &set->store_uses[core];
    if (use->open > 0 && --use->open == 0) use->busy_us += set->now_us - use->since_us;
    use->sick = record->values.STORE_REPLY.code != set->names.ok;
    if (use->sick) use->troubled = record->number;
}

uint64_t check_store_busy_us(const struct check_set *set, int32_t core)
{
    const struct store_use *use = &set->store_uses[core];
    return use->busy_us + (use->open > 0 ? set->now_us - use->since_us : 0);
}

void check_publish_begins(struct check_set *set, const struct record *record)
{
    int32_t core = check_core_of(set, record->subject);
    struct call_fact *call = ledger_get(&set->calls, LEDGER_KEY(record->subject));
    if (core < 0) return;
    call->called_us = set->now_us;
    call->busy_us = check_store_busy_us(set, core);
    call->record = record->number;
    call->life = set->lives[core];
    call->sick = set->store_uses[core].sick;
}

/* That nobody knows what became of it is told only if the store did not say. */
static void judge_doubt(struct check_set *set, const struct record *record, int32_t core,
                        const struct call_fact *call)
{
    const struct record_values_PUB_ACK *v = &record->values.PUB_ACK;

    if (v->code != set->names.unknown || call->life != set->lives[core]) return;
    check_exercise(set, SCN_INVARIANT_ACCEPTED_IS_STORED);
    if (set->store_uses[core].troubled > call->record) return;
    check_break(set, SCN_INVARIANT_ACCEPTED_IS_STORED, record,
                "%s was told that nobody knows whether its %s is stored, and the store had "
                "answered every call", record_party_name(record->subject), record_text(v->kind));
}

void check_publish_ends(struct check_set *set, const struct record *record)
{
    const struct record_values_PUB_ACK *v = &record->values.PUB_ACK;
    int32_t core = check_core_of(set, record->subject);
    const struct call_fact *call = ledger_find(&set->calls, LEDGER_KEY(record->subject));

    if (core < 0 || call == NULL) return;
    judge_doubt(set, record, core, call);
    if (v->code != set->names.ok || set->paused || call->sick) return;
    if (call->life != set->lives[core] || set->store_uses[core].troubled > call->record) return;
    check_exercise(set, SCN_INVARIANT_NO_HELD_PUBLISHERS);
    uint64_t took_us = set->now_us - call->called_us;
    uint64_t store_us = check_store_busy_us(set, core) - call->busy_us;
    if (took_us <= store_us) return;
    check_break(set, SCN_INVARIANT_NO_HELD_PUBLISHERS, record,
                "%s waited %lldms to publish a %s; the store had work for %lldms of them",
                record_party_name(record->subject), (long long)(took_us / 1000),
                record_text(v->kind), (long long)(store_us / 1000));
}
