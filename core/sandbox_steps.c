/*
 * The procedure of one sandbox: find or make it, wait until it has booted, and later stop what runs
 * in it and give it back. Only this procedure talks to the provider about it, except for the dev
 * servers inside. An answer in doubt is followed by a list: the record tells by its owner, token
 * and request what happened (L6).
 */
#include "core/devserver.h"
#include "core/lease.h"
#include "core/sandbox_pool.h"

#include <stdlib.h>
#include <string.h>

enum {
    PROCESSES_MAX = 64,   /* per look; what is left is seen at the next one */
    GIVE_UP_AFTER = 5     /* fruitless tries to end or return a sandbox */
};

/* From the first try until the sandbox has booted, or the release holds its lease. */
static const uint64_t ACQUIRE_US = 120 * 1000000u;
static const uint64_t RELEASE_LEASE_US = 10 * 1000000u;

/* A blocking call holds a job thread, so it is cut into slices. */
static const uint64_t SLICE_US = 1000000;

static const struct sandbox_provider_port *provider(const struct box *box)
{
    return &box->core->sandbox_provider;
}

static uint64_t enter(struct turn *turn, struct box *box, enum box_stage stage)
{
    struct sandboxes *sandboxes = box->core->sandboxes;
    turn_lock(turn, &sandboxes->lock);
    box->stage = stage;
    turn_unlock(turn, &sandboxes->lock);
    box->failures = 0;
    return PROCEDURE_NOW;
}

static void drop_lease(struct turn *turn, struct box *box)
{
    struct sandboxes *sandboxes = box->core->sandboxes;
    turn_lock(turn, &sandboxes->lock);
    bool held = box->lease_held;
    struct lease_ref lease = box->lease;
    box->lease_held = false;
    turn_unlock(turn, &sandboxes->lock);
    box->lease_asked = false;
    turn_flush(turn);
    if (held)
        lease_release(box->core, lease, NULL, NULL);
}

/* Without a lock store there is one core, and one procedure for each owner in it. */
static bool may_act(const struct box *box)
{
    return !box->core->has_locks || lease_valid(box->core, box->lease);
}

/* The sandbox is not ours any more, or never was. */
static uint64_t leave(struct turn *turn, struct box *box, enum core_result released)
{
    struct sandboxes *sandboxes = box->core->sandboxes;
    struct box_waiter *acquiring = NULL;
    drop_lease(turn, box);
    turn_lock(turn, &sandboxes->lock);
    struct box_waiter *releasing = box->releasing;
    box->releasing = NULL;
    /* Those who asked after a release began want another one. */
    if (box->result != CORE_OK) {
        acquiring = box->acquiring;
        box->acquiring = NULL;
    }
    box->stage = BOX_GONE;
    box->release_asked = box->lost = false;
    box->id[0] = 0;
    struct sandbox_ref ref = box_ref(box);
    turn_unlock(turn, &sandboxes->lock);
    box_answer(turn, releasing, released, ref);
    box_answer(turn, acquiring, box->result, (struct sandbox_ref){ 0, 0 });
    return PROCEDURE_NOW;
}

static uint64_t fail(struct turn *turn, struct box *box, enum core_result result)
{
    REQUIRE(result != CORE_OK);
    box->result = result;
    return leave(turn, box, result);
}

/* After a failure that a later try may not have. */
static uint64_t try_again(struct turn *turn, struct box *box, enum core_result result)
{
    box->failures++;
    uint64_t delay_us = core_backoff_us(box->core, box->failures, UINT64_MAX);
    if (core_now_us() + delay_us >= box->deadline_us)
        return fail(turn, box, result);
    return delay_us;
}

/* ---- the lease ---- */

static enum core_result ask_lease(struct turn *turn, struct box *box, uint64_t wait_us)
{
    struct sandboxes *sandboxes = box->core->sandboxes;
    char key[CORE_NAME_MAX];
    struct lease_ref ref = { 0, 0 };
    struct lease_options options = { .wait_us = wait_us };
    lease_key(key, "sandbox:", box->owner, "");
    turn_lock(turn, &sandboxes->lock);
    box->lease_pending = true;
    turn_unlock(turn, &sandboxes->lock);
    enum core_result result = lease_begin(turn, key, 0, &options, box_on_lease, box, &ref);
    turn_lock(turn, &sandboxes->lock);
    if (result != CORE_OK)
        box->lease_pending = false;
    if (box->lease_pending)
        box->lease = ref;
    turn_unlock(turn, &sandboxes->lock);
    return result;
}

static uint64_t leasing(struct turn *turn, struct box *box, const struct box *seen, bool draining)
{
    bool releasing = seen->id[0] != 0;
    enum box_stage next = releasing ? BOX_CLEARING : BOX_FINDING;
    if (seen->lease_pending) {
        if (draining)
            lease_abandon(turn, seen->lease);
        return PROCEDURE_PARK;
    }
    uint64_t now = core_now_us();
    if (!releasing && box->deadline_us == 0)
        box->deadline_us = now + ACQUIRE_US;
    if (!box->core->has_locks || seen->lease_held)
        return enter(turn, box, next);
    if (draining)
        return releasing ? enter(turn, box, next) : fail(turn, box, CORE_DRAINING);
    enum core_result result = seen->lease_result;
    if (!box->lease_asked) {
        box->lease_asked = true;
        uint64_t left_us = box->deadline_us > now ? box->deadline_us - now : 1;
        result = ask_lease(turn, box, releasing ? RELEASE_LEASE_US : left_us);
        if (result == CORE_OK)
            return PROCEDURE_PARK;
    }
    /* A release goes on without it: the token alone decides who owns the sandbox. */
    return releasing ? enter(turn, box, next) : fail(turn, box, result);
}

/* ---- find ---- */

/* The one that is the owner's already; any second one is ended. */
static bool adopt(const struct box *box, const struct sandbox_record *records, size_t count,
                  struct sandbox_record *record)
{
    const struct sandbox_provider_port *port = provider(box);
    bool found = false;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(records[i].owner, box->owner) != 0)
            continue;
        if (found)
            port->destroy(port->context, records[i].id, records[i].token);
        else
            *record = records[i];
        found = true;
    }
    return found;
}

/* From the pool, if one is in this state. A stopped one may come up again: await_ready tells. */
static enum core_result take_pooled(const struct box *box, const struct sandbox_record *records,
                                    size_t count, enum sandbox_state state,
                                    struct sandbox_record *record)
{
    const struct sandbox_provider_port *port = provider(box);
    for (size_t i = 0; i < count; i++) {
        if (records[i].owner[0] || records[i].app != box->app || records[i].state != state)
            continue;
        enum core_result result =
            port->assign(port->context, records[i].id, box->owner, records[i].token, record);
        if (result == CORE_OK || procedure_in_doubt(result))
            return result;
    }
    return CORE_NOT_FOUND;
}

/* One that did not come about is repeated under its own request key: a create in doubt then gives
 * the same sandbox. */
static enum core_result make(struct turn *turn, struct box *box, const struct pool_look *look,
                             struct sandbox_record *record)
{
    const struct sandbox_provider_port *port = provider(box);
    if (!box->request[0])
        box_request_name(box->core, box->request);
    enum core_result result = pool_create(turn, box, look, box->request, record);
    if (result != CORE_OK)
        return result;
    box->request[0] = 0;
    /* A create that was repeated: in between it was a pooled one, for anybody to take. */
    if (record->owner[0])
        return CORE_CONFLICT;
    struct sandbox_record made = *record;
    return port->assign(port->context, made.id, box->owner, made.token, record);
}

static bool wants_creation(struct turn *turn, struct box *box)
{
    bool create = false;
    turn_lock(turn, &box->core->sandboxes->lock);
    for (struct box_waiter *waiter = box->acquiring; waiter && !create; waiter = waiter->next)
        create = waiter->create;
    turn_unlock(turn, &box->core->sandboxes->lock);
    return create;
}

static enum core_result take_or_make(struct turn *turn, struct box *box,
                                     const struct sandbox_record *records,
                                     const struct pool_look *look, struct sandbox_record *record)
{
    static const enum sandbox_state best_first[] = { SANDBOX_READY, SANDBOX_BOOTING,
                                                     SANDBOX_STOPPED };
    for (size_t i = 0; i < ARRAY_SIZE(best_first); i++) {
        enum core_result result =
            take_pooled(box, records, look->count, best_first[i], record);
        if (result != CORE_NOT_FOUND)
            return result;
    }
    return make(turn, box, look, record);
}

static enum core_result look(struct turn *turn, struct box *box, struct sandbox_record *record)
{
    struct pool_look seen;
    enum core_result result;
    struct sandbox_record *records = pool_list(turn, box, &seen, &result);
    if (!records)
        return result;
    /* Without the lease nothing is taken or made. */
    if (!adopt(box, records, seen.count, record))
        result = !may_act(box)             ? CORE_STALE
               : wants_creation(turn, box) ? take_or_make(turn, box, records, &seen, record)
                                           : CORE_NOT_FOUND;
    free(records);
    return result;
}

static uint64_t finding(struct turn *turn, struct box *box, bool draining)
{
    struct sandbox_record record;
    if (draining)
        return fail(turn, box, CORE_DRAINING);
    enum core_result result = may_act(box) ? look(turn, box, &record) : CORE_STALE;
    /* Found while the lease was lost: another core may have done the same, so look once more. */
    if (result == CORE_STALE || (result == CORE_OK && !may_act(box))) {
        drop_lease(turn, box);
        if (core_now_us() >= box->deadline_us)
            return fail(turn, box, CORE_EXPIRED);
        return enter(turn, box, BOX_LEASING);
    }
    if (result == CORE_CONFLICT || procedure_in_doubt(result))
        return try_again(turn, box, result);
    if (result != CORE_OK)
        return fail(turn, box, result);
    turn_lock(turn, &box->core->sandboxes->lock);
    memcpy(box->id, record.id, CORE_NAME_MAX);
    box->id[CORE_NAME_MAX - 1] = 0;
    box->token = record.token;
    turn_unlock(turn, &box->core->sandboxes->lock);
    trace_point(turn, TP_SANDBOX_ASSIGNED, box->id, box->token, 0, 0);
    drop_lease(turn, box);
    return enter(turn, box, BOX_BOOTING);
}

/* ---- boot ---- */

/*
 * The server of a sandbox that somebody has just got. The handle is that of this assignment: what
 * was released meanwhile, and perhaps given to somebody else, is left alone (H28), and so is a
 * server that somebody has started or stopped already (H32).
 */
static void autostart(struct core *core, struct timer_target target)
{
    struct sandbox_ref ref = { target.slot, target.generation };
    char owner[CORE_NAME_MAX];
    struct turn turn;
    turn_begin(&turn, core);
    turn_lock(&turn, &core->sandboxes->lock);
    const struct box *box = box_find(core->sandboxes, ref);
    if (box)
        memcpy(owner, box->owner, sizeof owner);
    turn_unlock(&turn, &core->sandboxes->lock);
    if (box) {
        struct server_order order = { .sandbox = ref, .app = (enum app_type)target.number,
                                      .automatic = true,
                                      .watcher = session_ref_by_key(&turn, owner) };
        (void)server_submit(&turn, &order);   /* a refusal has nobody to be told to */
    }
    turn_end(&turn);
}

static bool is_wanted(const struct box_waiter *waiters)
{
    while (waiters && !waiters->create)
        waiters = waiters->next;
    return waiters;
}

static uint64_t booted(struct turn *turn, struct box *box)
{
    struct sandboxes *sandboxes = box->core->sandboxes;
    const struct core_settings *settings = &box->core->settings;
    turn_lock(turn, &sandboxes->lock);
    struct box_waiter *acquiring = box->acquiring;
    box->acquiring = NULL;
    box->stage = BOX_IN_USE;
    box->used_us = core_now_us();
    struct sandbox_ref ref = box_ref(box);
    if (settings->autostart == AUTOSTART_ON && is_wanted(acquiring))
        timer_arm(turn, core_now_us() + settings->autostart_delay_us, autostart,
                  (struct timer_target){ ref.slot, ref.generation, box->app });
    turn_unlock(turn, &sandboxes->lock);
    box_answer(turn, acquiring, CORE_OK, ref);
    pool_refill(turn, box);
    return PROCEDURE_NOW;
}

static uint64_t booting(struct turn *turn, struct box *box, bool draining)
{
    const struct sandbox_provider_port *port = provider(box);
    enum core_result result = CORE_DRAINING;
    if (!draining)
        result = port->await_ready(port->context, box->id, box->token, SLICE_US);
    if (result == CORE_OK)
        return booted(turn, box);
    bool in_time = core_now_us() < box->deadline_us;
    /* One that will never be ready is no use to anybody; then there must be another. */
    if (in_time && result == CORE_FAILED)
        port->destroy(port->context, box->id, box->token);
    if (in_time && (result == CORE_STALE || result == CORE_NOT_FOUND || result == CORE_FAILED)) {
        turn_lock(turn, &box->core->sandboxes->lock);
        box->id[0] = 0;
        box->stage = BOX_LEASING;
        turn_unlock(turn, &box->core->sandboxes->lock);
        return core_backoff_us(box->core, ++box->failures, UINT64_MAX);
    }
    if (in_time && result == CORE_EXPIRED)
        return PROCEDURE_NOW;
    if (in_time && procedure_in_doubt(result))
        return core_backoff_us(box->core, ++box->failures, UINT64_MAX);
    box->result = result;
    return enter(turn, box, BOX_CLEARING);
}

/* ---- release ---- */

/* Does a server run here that this core knows nothing of? Then another core uses the sandbox. */
static bool used_elsewhere(struct turn *turn, struct box *box)
{
    const struct sandbox_provider_port *port = provider(box);
    struct process_record records[PROCESSES_MAX];
    size_t count = 0;
    if (port->processes(port->context, box->id, box->token, records, PROCESSES_MAX, &count) !=
        CORE_OK)
        return false;
    for (size_t i = 0; i < count && i < PROCESSES_MAX; i++)
        if (records[i].alive && records[i].token == box->token &&
            !servers_know(turn, box_ref(box), records[i].instance))
            return true;
    return false;
}

static uint64_t in_use(struct turn *turn, struct box *box, const struct box *seen, bool draining)
{
    struct sandboxes *sandboxes = box->core->sandboxes;
    if (seen->lost)
        return enter(turn, box, BOX_STOPPING);
    if (!seen->release_asked || (draining && !seen->releasing))
        return PROCEDURE_PARK;
    if (seen->releasing || !used_elsewhere(turn, box))
        return enter(turn, box, BOX_STOPPING);
    turn_lock(turn, &sandboxes->lock);
    box->release_asked = box->releasing != NULL;
    box->used_us = core_now_us();
    turn_unlock(turn, &sandboxes->lock);
    return PROCEDURE_NOW;
}

static uint64_t stopping(struct turn *turn, struct box *box, const struct box *seen)
{
    if (servers_close(turn, box_ref(box)) > 0)
        return PROCEDURE_PARK;
    return seen->lost ? leave(turn, box, CORE_STALE) : enter(turn, box, BOX_LEASING);
}

/* One more fruitless try to end it; a draining core does not wait in between. */
static uint64_t fruitless(struct box *box, bool draining)
{
    box->failures++;
    return draining ? PROCEDURE_NOW
                    : core_backoff_us(box->core, box->failures, UINT64_MAX);
}

static uint64_t clearing(struct turn *turn, struct box *box, bool draining)
{
    const struct sandbox_provider_port *port = provider(box);
    struct process_record records[PROCESSES_MAX];
    size_t count = 0, alive = 0;
    if (box->failures >= GIVE_UP_AFTER) {
        box->occupied = true;
        return enter(turn, box, BOX_RETURNING);
    }
    enum core_result result = port->processes(port->context, box->id, box->token, records,
                                              PROCESSES_MAX, &count);
    if (result == CORE_STALE || result == CORE_NOT_FOUND)
        return leave(turn, box, CORE_STALE);
    if (result != CORE_OK)
        return fruitless(box, draining);
    for (size_t i = 0; i < count && i < PROCESSES_MAX; i++) {
        if (!records[i].alive)
            continue;
        alive++;
        port->signal(port->context, box->id, box->token, records[i].instance, PROCESS_KILL);
        port->wait(port->context, box->id, box->token, records[i].instance, SLICE_US);
    }
    if (alive == 0 && count <= PROCESSES_MAX)
        return enter(turn, box, BOX_RETURNING);
    box->failures++;
    return PROCEDURE_NOW;
}

/* Does the list say that the sandbox is not ours any more? */
static bool is_gone(const struct box *box, const struct sandbox_record *records, size_t count)
{
    bool ours = false;
    for (size_t i = 0; i < count; i++)
        ours |= strcmp(records[i].id, box->id) == 0 && records[i].token == box->token;
    return !ours;
}

static uint64_t returning(struct turn *turn, struct box *box, bool draining)
{
    const struct sandbox_provider_port *port = provider(box);
    struct pool_look seen;
    enum core_result result;
    if (box->failures >= GIVE_UP_AFTER)
        return leave(turn, box, CORE_UNKNOWN);
    struct sandbox_record *records = pool_list(turn, box, &seen, &result);
    if (!records)
        return fruitless(box, draining);
    bool gone = is_gone(box, records, seen.count);
    bool wanted = pool_wants(box, records, seen.count);
    free(records);
    if (gone)
        return leave(turn, box, CORE_OK);
    struct sandbox_record record;
    /* One that did not boot, or in which something may still run, is not given to anybody else. */
    bool keep = wanted && box->result == CORE_OK && !box->occupied;
    result = keep ? port->assign(port->context, box->id, "", box->token, &record)
                  : port->destroy(port->context, box->id, box->token);
    if (result != CORE_OK)
        return fruitless(box, draining);
    trace_point(turn, keep ? TP_SANDBOX_RELEASED : TP_SANDBOX_DESTROYED, box->id, box->token, 0, 0);
    return leave(turn, box, CORE_OK);
}

/* Somebody wants a sandbox of this owner again: the same record, under a new generation. */
static uint64_t gone(struct turn *turn, struct box *box)
{
    struct sandboxes *sandboxes = box->core->sandboxes;
    turn_lock(turn, &sandboxes->lock);
    bool wanted = box->acquiring != NULL;
    if (wanted) {
        box->generation = ++sandboxes->generations;
        box->stage = BOX_LEASING;
    }
    turn_unlock(turn, &sandboxes->lock);
    box->result = CORE_OK;
    box->deadline_us = 0;
    box->failures = 0;
    box->occupied = false;
    return wanted ? PROCEDURE_NOW : PROCEDURE_PARK;
}

uint64_t box_step(struct turn *turn, struct procedure *procedure)
{
    struct box *box = (struct box *)procedure;
    struct sandboxes *sandboxes = box->core->sandboxes;
    turn_lock(turn, &sandboxes->lock);
    struct box seen = *box;
    bool draining = sandboxes->draining;
    turn_unlock(turn, &sandboxes->lock);
    switch (seen.stage) {
    case BOX_LEASING:
        return leasing(turn, box, &seen, draining);
    case BOX_FINDING:
        return finding(turn, box, draining);
    case BOX_BOOTING:
        return booting(turn, box, draining);
    case BOX_IN_USE:
        return in_use(turn, box, &seen, draining);
    case BOX_STOPPING:
        return stopping(turn, box, &seen);
    case BOX_CLEARING:
        return clearing(turn, box, draining);
    case BOX_RETURNING:
        return returning(turn, box, draining);
    case BOX_GONE:
        return gone(turn, box);
    }
    UNREACHABLE();
    return PROCEDURE_PARK;
}
