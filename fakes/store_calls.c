/* Calls to the stores: they take time, and faults strike while they are under way. */
#include "fakes/internal.h"

static const char *const part_points[STORE_PARTS] = { "store.locks.call", "store.messages.call" };
static const uint16_t part_parties[STORE_PARTS] = { PARTY_LOCKS, PARTY_MESSAGES };

static void meet(enum store_part part)
{
    world_meet_place(part == STORE_MESSAGES ? PLACE_MESSAGES : PLACE_LOCKS, WORLD_CHANGES);
}

static uint64_t latency_us(const struct stores *stores)
{
    uint64_t low = stores->latency_low_us, high = stores->latency_high_us;

    if (low == high) return low;
    return world_choose(2, "latency") == 0 ? low : high;
}

void store_call_begin(struct instance *instance, struct store_call *call, enum store_part part,
                 const char *op, const char *key)
{
    struct play *play = instance->play;
    struct stores *stores = &play->stores;

    meet(part);
    *call = (struct store_call){ .part = part, .core = instance->party,
                                 .number = ++stores->calls[part], .op = record_intern(op),
                                 .key = record_intern(key), .applied = true,
                                 .delay_us = stores->delay_us[part] };
    if (play->setting_up) return;
    call->record = RECORD(STORE_CALL, part_parties[part], instance->party, part_parties[part], 0,
                          .op = call->op, .key = call->key, .call = call->number);
    call->next = stores->open[part];
    stores->open[part] = call;
    faults_refresh(play);
    world_point(part_points[part], WORLD_WRITE);
    uint64_t latency = latency_us(stores);
    if (latency > 0) world_sleep_until(ahead_ns(latency));
    meet(part);
}

bool store_performed(const struct store_call *call)
{
    return call->applied;
}

static void take_out(struct stores *stores, const struct store_call *call)
{
    struct store_call **at = &stores->open[call->part];

    while (*at != call) at = &(*at)->next;
    *at = call->next;
}

/* It is not calm while a store keeps somebody waiting. */
static void hold_back(struct play *play, struct store_call *call)
{
    call->held = true;
    play_busy(play, PLACE_OTHERS, true);
    world_sleep_until(ahead_ns(call->delay_us));
    play_busy(play, PLACE_OTHERS, false);
    call->held = false;
}

enum core_result store_end(struct instance *instance, struct store_call *call,
                           enum core_result result)
{
    struct play *play = instance->play;
    uint16_t party = part_parties[call->part];

    if (play->setting_up) return result;
    if (call->delay_us > 0) hold_back(play, call);
    meet(call->part);
    take_out(&play->stores, call);
    if (call->timeout) result = CORE_UNKNOWN;
    RECORD(STORE_REPLY, party, party, instance->party, call->record, .op = call->op,
           .key = call->key, .call = call->number,
           .code = record_intern(play->api->result_word(result)));
    faults_refresh(play);
    return result;
}

void store_calls_killed(struct play *play, uint16_t core)
{
    for (uint32_t part = 0; part < STORE_PARTS; part++) {
        struct store_call **at = &play->stores.open[part];
        while (*at != NULL) {
            if ((*at)->core != core) {
                at = &(*at)->next;
                continue;
            }
            if ((*at)->held) play_busy(play, PLACE_OTHERS, false);
            *at = (*at)->next;
        }
    }
}

/* --- faults --- */

static bool hits(const struct scn_ref *target, enum store_part part)
{
    if (target->kind == SCN_REF_STORE) return true;
    return target->kind == (part == STORE_LOCKS ? SCN_REF_LOCKS : SCN_REF_MESSAGES);
}

/* The newest call that the fault can hit; locks before messages. */
static struct store_call *find_call(const struct play *play, const struct scn_ref *target)
{
    for (uint32_t part = 0; part < STORE_PARTS; part++) {
        struct store_call *call = play->stores.open[part];
        if (!hits(target, (enum store_part)part)) continue;
        while (call != NULL && (call->timeout || call->delay_us > 0)) call = call->next;
        if (call != NULL) return call;
    }
    return NULL;
}

bool store_call_open(const struct play *play, const struct scn_ref *target)
{
    return find_call(play, target) != NULL;
}

void store_call_delay(struct play *play, const struct scn_ref *target, uint64_t by_us)
{
    struct store_call *call = find_call(play, target);
    if (call != NULL) call->delay_us = by_us;
}

void store_call_timeout(struct play *play, const struct scn_ref *target, bool applied)
{
    struct store_call *call = find_call(play, target);
    if (call == NULL) return;
    call->timeout = true;
    call->applied = applied;
}
