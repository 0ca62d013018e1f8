/* The provider of a core that a backend has for itself: calls go to the backend's thread. */
#include "fakes/alone_supply.h"
#include "fakes/alone_ports.h"

#include <stdio.h>

/* --- handing over --- */

static enum core_result hand_over(struct supply *supply, struct demand *demand)
{
    world_meet(WORLD_MET_FAKES);
    if (supply->serves) return supply_perform(supply, demand);
    if (supply->broken) return CORE_UNKNOWN;
    supply_tell(supply, "whether calls of the provider come one by one", supply->demand == NULL, 1);
    if (supply->demand != NULL) return CORE_UNKNOWN;
    supply->demand = demand;
    world_wake(&supply->asked);
    while (!demand->done)
        (void)world_wait(&supply->answered, WORLD_NEVER, "the provider's answer");
    return demand->rc;
}

static void answer(struct supply *supply, struct demand *demand, enum core_result rc)
{
    demand->rc = rc;
    demand->done = true;
    world_wake(&supply->answered);
}

static void break_off(struct supply *supply)
{
    supply->broken = true;
    if (supply->demand != NULL) answer(supply, supply->demand, CORE_UNKNOWN);
    supply->demand = NULL;
}

/* What is written by answers to calls that nobody makes. */
static struct demand *nobody(void)
{
    static struct sandbox_record records[CRATES];
    static struct process_record processes[TASKS];
    static struct spawn_request spawn;
    static uint64_t answering;
    static size_t count;
    static struct demand demand;

    spawn = (struct spawn_request){ .request = "", .name = "", .command = "" };
    demand = (struct demand){ .id = "", .request = "", .owner = "", .records = records,
                              .processes = processes, .capacity = CRATES, .count = &count,
                              .answering = &answering, .spawn = &spawn };
    return &demand;
}

static void wait_for_demand(struct supply *supply, uint64_t until_us)
{
    while (supply->demand == NULL && !supply->broken && now_us() < until_us)
        (void)world_wait(&supply->asked, us_ns(until_us), "a call of the provider");
}

struct demand *supply_await(struct supply *supply, enum supply_op op, uint64_t at_us)
{
    wait_for_demand(supply, at_us + 1000);
    if (supply->broken) return nobody();
    struct demand *demand = supply->demand;
    bool same = demand != NULL && demand->op == op;
    supply_tell(supply, "which call of the provider is made", demand == NULL ? 0 : demand->op, op);
    if (same) supply_tell(supply, "when a call of the provider is made", now_us(), at_us);
    if (!same || now_us() != at_us) {
        break_off(supply);
        return nobody();
    }
    supply->demand = NULL;
    return demand;
}

struct demand *supply_await_held(struct supply *supply, enum supply_op op, uint64_t at_us)
{
    struct demand *demand = supply_await(supply, op, at_us);

    if (supply->broken) return demand;
    supply_tell(supply, "whether a call is about that sandbox",
                strcmp(demand->id, supply->held->id) == 0, 1);
    supply_tell(supply, "the token of a call", demand->token, supply->held->token);
    return demand;
}

void supply_rest(struct supply *supply, uint64_t until_us)
{
    wait_for_demand(supply, until_us);
    if (supply->broken || now_us() >= until_us) return;
    supply_tell(supply, "which call is made where none is due",
                supply->demand == NULL ? 0 : supply->demand->op, 0);
    if (supply->demand != NULL) break_off(supply);
}

/* Whether a call goes wrong: it has no answer, and is done or not. */
enum fate { WELL, LOST, DONE_SILENTLY };

static enum fate draw_fate(struct supply *supply)
{
    if (supply->troubles == 0) return WELL;
    uint32_t fate = world_choose(5, "what_becomes_of_a_call");
    supply->troubles -= fate > 2;
    return fate == 3 ? LOST : fate == 4 ? DONE_SILENTLY : WELL;
}

static bool changes_something(enum supply_op op)
{
    return op == SUPPLY_CREATE || op == SUPPLY_ASSIGN || op == SUPPLY_DESTROY ||
           op == SUPPLY_SPAWN || op == SUPPLY_SIGNAL;
}

enum core_result supply_reply(struct supply *supply, struct demand *demand)
{
    enum fate fate = draw_fate(supply);
    enum core_result rc = CORE_UNKNOWN;

    if (fate == WELL || (fate == DONE_SILENTLY && changes_something(demand->op)))
        rc = supply_perform(supply, demand);
    if (fate != WELL) rc = CORE_UNKNOWN;
    answer(supply, demand, rc);
    return rc;
}

uint64_t supply_pause_us(const struct supply *supply, uint64_t failures)
{
    const struct core_settings *settings = &supply->settings;
    uint64_t pause_us = settings->backoff_base_us;

    for (uint64_t i = 1; i < failures; i++) pause_us *= settings->backoff_factor;
    return pause_us < settings->backoff_cap_us ? pause_us : settings->backoff_cap_us;
}

/* --- the port --- */

static enum core_result create(void *context, const char *request, enum app_type app,
                               struct sandbox_record *record)
{
    struct demand demand = { .op = SUPPLY_CREATE, .request = request, .app = app,
                             .records = record };
    return hand_over(context, &demand);
}

static enum core_result assign(void *context, const char *id, const char *owner,
                               uint64_t expected_token, struct sandbox_record *record)
{
    struct demand demand = { .op = SUPPLY_ASSIGN, .id = id, .owner = owner,
                             .token = expected_token, .records = record };
    return hand_over(context, &demand);
}

static enum core_result destroy(void *context, const char *id, uint64_t token)
{
    struct demand demand = { .op = SUPPLY_DESTROY, .id = id, .token = token };
    return hand_over(context, &demand);
}

static enum core_result list(void *context, struct sandbox_record *records, size_t capacity,
                             size_t *count)
{
    struct demand demand = { .op = SUPPLY_LIST, .records = records, .capacity = capacity,
                             .count = count };
    return hand_over(context, &demand);
}

static enum core_result await_ready(void *context, const char *id, uint64_t token,
                                    uint64_t timeout_us)
{
    struct demand demand = { .op = SUPPLY_AWAIT, .id = id, .token = token,
                             .timeout_us = timeout_us };
    return hand_over(context, &demand);
}

static enum core_result spawn(void *context, const char *id, uint64_t token,
                              const struct spawn_request *request, struct process_record *process)
{
    struct demand demand = { .op = SUPPLY_SPAWN, .id = id, .token = token, .spawn = request,
                             .processes = process };
    return hand_over(context, &demand);
}

static enum core_result processes(void *context, const char *id, uint64_t token,
                                  struct process_record *records, size_t capacity, size_t *count)
{
    struct demand demand = { .op = SUPPLY_PROCESSES, .id = id, .token = token,
                             .processes = records, .capacity = capacity, .count = count };
    return hand_over(context, &demand);
}

static enum core_result signal_group(void *context, const char *id, uint64_t token,
                                     uint64_t instance, enum process_signal signal)
{
    struct demand demand = { .op = SUPPLY_SIGNAL, .id = id, .token = token, .instance = instance,
                             .signal = signal };
    return hand_over(context, &demand);
}

static enum core_result probe(void *context, const char *id, uint64_t token, uint16_t port,
                              uint64_t *instance)
{
    struct demand demand = { .op = SUPPLY_PROBE, .id = id, .token = token, .port = port,
                             .answering = instance };
    return hand_over(context, &demand);
}

static enum core_result wait_group(void *context, const char *id, uint64_t token,
                                   uint64_t instance, uint64_t timeout_us)
{
    struct demand demand = { .op = SUPPLY_WAIT, .id = id, .token = token, .instance = instance,
                             .timeout_us = timeout_us };
    return hand_over(context, &demand);
}

struct sandbox_provider_port supply_port(struct supply *supply)
{
    return (struct sandbox_provider_port){ supply, create, assign, destroy, list, await_ready,
                                           spawn, processes, signal_group, probe, wait_group };
}

/* --- locks: somebody else has all of them for a while, or takes one --- */

bool supply_is_taken(const struct supply *supply)
{
    return now_us() < supply->rival_us;
}

/* One for each owner, and one for each server of a sandbox; what is too long is cut. */
static void judge_key(const struct supply *supply, const char *key)
{
    const char *id = supply->held == NULL ? "" : supply->held->id;
    char box[2 * CORE_NAME_MAX], server[2 * CORE_NAME_MAX];

    if (supply->serves) return;
    (void)snprintf(box, sizeof box, "sandbox:%s", supply->owner);
    (void)snprintf(server, sizeof server, "dev_server:%s:%s", id,
                   supply->app == APP_WEB ? "web" : "mobile");
    bool cut = strlen(box) >= CORE_NAME_MAX && strncmp(key, box, 20) == 0;
    supply_tell(supply, "whether a lock is called after what it is for",
                cut || strcmp(key, box) == 0 || strcmp(key, server) == 0, 1);
}

static enum core_result try_acquire(void *context, const char *key, const char *owner,
                                    uint64_t ttl_us, uint64_t *token)
{
    struct supply *supply = context;

    (void)owner;
    world_meet(WORLD_MET_FAKES);
    judge_key(supply, key);
    supply_tell(supply, "the life of a lease", ttl_us, SUPPLY_TTL_US);
    if (supply_is_taken(supply)) return CORE_CONFLICT;
    *token = ++supply->fences;
    supply->grants++;
    if (strncmp(key, "dev_server:", 11) == 0) supply->server_fence = *token;
    return CORE_OK;
}

static enum core_result renew(void *context, const char *key, const char *owner, uint64_t token,
                              uint64_t ttl_us)
{
    struct supply *supply = context;

    (void)key, (void)owner, (void)ttl_us;
    world_meet(WORLD_MET_FAKES);
    if (!supply->serves)
        supply_tell(supply, "the token of a lease that is renewed", token, supply->fences);
    if (supply->serves || supply->losses == 0 || world_choose(2, "a_lease_is_lost") == 0)
        return CORE_OK;
    supply->losses--;
    supply->grants--;
    supply->lease_lost = true;
    if (world_choose(2, "somebody_takes_it") == 1) supply->rival_us = now_us() + 2600000;
    return CORE_STALE;
}

static enum core_result give_back(void *context, const char *key, const char *owner, uint64_t token)
{
    struct supply *supply = context;

    (void)key, (void)owner;
    world_meet(WORLD_MET_FAKES);
    if (!supply->serves)
        supply_tell(supply, "the token of a lease that is given back", token, supply->fences);
    supply->grants--;
    return CORE_OK;
}

struct lock_store_port supply_locks(struct supply *supply)
{
    struct lock_store_port port = alone_lasting_locks(supply, try_acquire);

    port.renew = renew;
    port.release = give_back;
    return port;
}

enum core_result supply_lease(struct supply *supply, uint64_t wait_us)
{
    uint64_t until_us = now_us() + wait_us, failures = 0;

    while (supply_is_taken(supply) && !supply->broken) {
        uint64_t pause_us = supply_pause_us(supply, ++failures);
        uint64_t most_us = SUPPLY_TTL_US / 4;   /* so that it is not free for long */
        uint64_t at_us = now_us() + (pause_us < most_us ? pause_us : most_us);
        supply_rest(supply, at_us < until_us ? at_us : until_us);
        if (at_us >= until_us) return CORE_EXPIRED;
    }
    return CORE_OK;
}

void supply_drop_lease(struct supply *supply)
{
    supply->stale += supply->lease_lost;
    supply->lease_lost = false;
}
