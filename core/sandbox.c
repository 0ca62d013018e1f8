#include "core/sandbox.h"

#include "core/devserver.h"
#include "core/lease.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

struct sandbox_ref box_ref(const struct box *box)
{
    return (struct sandbox_ref){ box->slot, box->generation };
}

struct box *box_find(struct sandboxes *sandboxes, struct sandbox_ref ref)
{
    if (ref.slot >= sandboxes->capacity)
        return NULL;
    struct box *box = sandboxes->slots[ref.slot];
    return box && box->generation == ref.generation ? box : NULL;
}

static struct box *find_owner(struct sandboxes *sandboxes, const char *owner)
{
    for (uint32_t i = 0; i < sandboxes->capacity; i++) {
        struct box *box = sandboxes->slots[i];
        if (box && strcmp(box->owner, owner) == 0)
            return box;
    }
    return NULL;
}

void box_request_name(struct core *core, char request[CORE_NAME_MAX])
{
    struct sandboxes *sandboxes = core->sandboxes;
    struct turn turn;
    turn_begin(&turn, core);
    turn_lock(&turn, &sandboxes->lock);
    uint64_t number = ++sandboxes->requests;
    turn_unlock(&turn, &sandboxes->lock);
    turn_end(&turn);
    int length = snprintf(request, CORE_NAME_MAX, "%.24s-%016llx-%llx", core->name,
                          (unsigned long long)sandboxes->nonce, (unsigned long long)number);
    REQUIRE(length > 0 && length < CORE_NAME_MAX);
}

void box_answer(struct turn *turn, struct box_waiter *waiters, enum core_result result,
                struct sandbox_ref ref)
{
    turn_flush(turn);
    while (waiters) {
        struct box_waiter *next = waiters->next;
        if (waiters->done)
            waiters->done(waiters->context, result, ref);
        free(waiters);
        waiters = next;
    }
}

static void append(struct box_waiter **list, struct box_waiter *waiter)
{
    while (*list)
        list = &(*list)->next;
    *list = waiter;
}

static struct box_waiter *waiter_new(bool create, sandbox_done done, void *context)
{
    struct box_waiter *waiter = calloc(1, sizeof *waiter);
    if (waiter)
        *waiter = (struct box_waiter){ .create = create, .done = done, .context = context };
    return waiter;
}

/* ---- the table ---- */

static void wake(struct core *core, struct timer_target target)
{
    struct sandboxes *sandboxes = core->sandboxes;
    struct turn turn;
    turn_begin(&turn, core);
    turn_lock(&turn, &sandboxes->lock);
    struct box *box = target.slot < sandboxes->capacity ? sandboxes->slots[target.slot] : NULL;
    if (box && box->procedure.target.generation == target.generation)
        procedure_woken(&turn, &box->procedure, target.number);
    turn_unlock(&turn, &sandboxes->lock);
    turn_end(&turn);
}

static void rest(struct turn *turn, struct procedure *procedure)
{
    struct box *box = (struct box *)procedure;
    struct sandboxes *sandboxes = turn->core->sandboxes;
    pthread_cond_broadcast(&sandboxes->quiet);
    if (box->stage != BOX_GONE || box->lease_pending || box->acquiring || box->releasing)
        return;
    REQUIRE(procedure->timer == 0);   /* what is gone waits for nothing */
    sandboxes->slots[box->slot] = NULL;
    sandboxes->count--;
    free(box);
}

static bool grow(struct sandboxes *sandboxes)
{
    uint32_t capacity = sandboxes->capacity ? sandboxes->capacity * 2 : 4;
    struct box **slots = realloc(sandboxes->slots, capacity * sizeof(struct box *));
    if (!slots)
        return false;
    memset(slots + sandboxes->capacity, 0,
           (capacity - sandboxes->capacity) * sizeof(struct box *));
    sandboxes->slots = slots;
    sandboxes->capacity = capacity;
    return true;
}

static enum core_result box_new(struct turn *turn, const char *owner, enum app_type app,
                                struct box **made)
{
    struct sandboxes *sandboxes = turn->core->sandboxes;
    uint32_t slot = 0;
    if (sandboxes->count >= turn->core->settings.pool_total)
        return CORE_LIMIT;
    if (sandboxes->nonce == 0 &&
        getrandom(&sandboxes->nonce, sizeof sandboxes->nonce, 0) !=
            (ssize_t)sizeof sandboxes->nonce)
        return CORE_FAILED;
    if (sandboxes->count == sandboxes->capacity && !grow(sandboxes))
        return CORE_NO_MEMORY;
    struct box *box = calloc(1, sizeof *box);
    if (!box)
        return CORE_NO_MEMORY;
    while (sandboxes->slots[slot])
        slot++;
    procedure_init(&box->procedure, &sandboxes->lock, box_step, rest, wake);
    box->core = turn->core;
    box->slot = slot;
    box->generation = ++sandboxes->generations;
    box->procedure.target = (struct timer_target){ slot, box->generation, 0 };
    box->app = app;
    box->stage = BOX_LEASING;
    memcpy(box->owner, owner, CORE_NAME_MAX);
    sandboxes->slots[slot] = box;
    sandboxes->count++;
    sandboxes_arm_sweep(turn);
    *made = box;
    return CORE_OK;
}

/* ---- acquire and release ---- */

/* Joins the owner's box. OK with *ref if it can be answered at once. Lock held. */
static enum core_result join(struct turn *turn, const char *owner, enum app_type app,
                             struct box_waiter **waiter, struct sandbox_ref *ref)
{
    struct sandboxes *sandboxes = turn->core->sandboxes;
    enum core_result result = CORE_OK;
    if (sandboxes->draining)
        return CORE_DRAINING;
    struct box *box = find_owner(sandboxes, owner);
    if (!box)
        result = box_new(turn, owner, app, &box);
    if (result != CORE_OK)
        return result;
    box->used_us = core_now_us();
    if (box->stage == BOX_IN_USE && !box->release_asked && !box->lost) {
        *ref = box_ref(box);
        return CORE_OK;
    }
    append(&box->acquiring, *waiter);
    *waiter = NULL;
    procedure_kick(turn, &box->procedure);
    return CORE_OK;
}

enum core_result sandbox_obtain(struct turn *turn, const char *owner, enum app_type app,
                                bool create, sandbox_done done, void *context)
{
    struct sandboxes *sandboxes = turn->core->sandboxes;
    struct sandbox_ref ref = { 0, 0 };
    char name[CORE_NAME_MAX] = "";
    if (!sandboxes)
        return CORE_UNAVAILABLE;
    if (!done || app >= APP_TYPE_COUNT || !core_copy_name(name, owner))
        return CORE_INVALID;
    struct box_waiter *waiter = waiter_new(create, done, context);
    if (!waiter)
        return CORE_NO_MEMORY;
    turn_lock(turn, &sandboxes->lock);
    enum core_result result = join(turn, name, app, &waiter, &ref);
    turn_unlock(turn, &sandboxes->lock);
    if (result == CORE_OK && waiter)
        box_answer(turn, waiter, CORE_OK, ref);
    else
        free(waiter);
    return result;
}

enum core_result sandbox_acquire(struct core *core, const char *owner, enum app_type app,
                                 sandbox_done done, void *context)
{
    struct turn turn;
    turn_begin(&turn, core);
    enum core_result result = core_is_running(&turn)
                                  ? sandbox_obtain(&turn, owner, app, true, done, context)
                                  : CORE_DRAINING;
    turn_end(&turn);
    return result;
}

enum core_result sandbox_release(struct core *core, struct sandbox_ref ref, sandbox_done done,
                                 void *context)
{
    struct sandboxes *sandboxes = core->sandboxes;
    struct turn turn;
    if (!sandboxes)
        return CORE_UNAVAILABLE;
    struct box_waiter *waiter = waiter_new(false, done, context);
    if (!waiter)
        return CORE_NO_MEMORY;
    turn_begin(&turn, core);
    turn_lock(&turn, &sandboxes->lock);
    struct box *box = box_find(sandboxes, ref);
    enum core_result result = CORE_STALE;
    if (sandboxes->draining) {
        result = CORE_DRAINING;
    } else if (!box || box->stage == BOX_GONE || box->lost) {
        sandboxes->stale_calls++;
    } else {
        result = CORE_OK;
        box->release_asked = true;
        append(&box->releasing, waiter);
        waiter = NULL;
        procedure_kick(&turn, &box->procedure);
    }
    turn_unlock(&turn, &sandboxes->lock);
    free(waiter);
    turn_end(&turn);
    return result;
}

void box_on_lease(void *context, enum core_result result, struct lease_ref lease, uint64_t token)
{
    struct box *box = context;
    struct sandboxes *sandboxes = box->core->sandboxes;
    struct turn turn;
    (void)token;
    turn_begin(&turn, box->core);
    turn_lock(&turn, &sandboxes->lock);
    REQUIRE(box->lease_pending);
    box->lease_pending = false;
    box->lease_held = result == CORE_OK;
    box->lease = lease;
    box->lease_result = result;
    procedure_kick(&turn, &box->procedure);
    turn_unlock(&turn, &sandboxes->lock);
    turn_end(&turn);
}

/* ---- for the dev servers ---- */

enum core_result sandbox_grip_keep(struct turn *turn, struct sandbox_ref ref,
                                   struct sandbox_grip *grip, bool use)
{
    struct sandboxes *sandboxes = turn->core->sandboxes;
    enum core_result result = CORE_STALE;
    if (!sandboxes)
        return CORE_UNAVAILABLE;
    turn_lock(turn, &sandboxes->lock);
    struct box *box = box_find(sandboxes, ref);
    if (box && !box->lost && (box->stage == BOX_IN_USE || box->stage == BOX_STOPPING)) {
        result = CORE_OK;
        memcpy(grip->id, box->id, CORE_NAME_MAX);
        grip->token = box->token;
        grip->closing = box->release_asked;
        if (use)
            box->used_us = core_now_us();
        return result;
    }
    turn_unlock(turn, &sandboxes->lock);
    return result;
}

void sandbox_grip_end(struct turn *turn)
{
    turn_unlock(turn, &turn->core->sandboxes->lock);
}

enum core_result sandbox_grip(struct turn *turn, struct sandbox_ref ref, struct sandbox_grip *grip,
                              bool use)
{
    enum core_result result = sandbox_grip_keep(turn, ref, grip, use);
    if (result == CORE_OK)
        sandbox_grip_end(turn);
    return result;
}

void sandbox_lost(struct turn *turn, struct sandbox_ref ref)
{
    struct sandboxes *sandboxes = turn->core->sandboxes;
    turn_lock(turn, &sandboxes->lock);
    struct box *box = box_find(sandboxes, ref);
    if (box && !box->lost) {
        box->lost = true;
        procedure_kick(turn, &box->procedure);
    }
    turn_unlock(turn, &sandboxes->lock);
}

void sandbox_server_rested(struct core *core, void *context, uint64_t generation)
{
    struct sandboxes *sandboxes = core->sandboxes;
    struct turn turn;
    (void)context;
    turn_begin(&turn, core);
    turn_lock(&turn, &sandboxes->lock);
    for (uint32_t i = 0; i < sandboxes->capacity; i++) {
        struct box *box = sandboxes->slots[i];
        if (box && box->generation == generation && box->stage == BOX_STOPPING)
            procedure_kick(&turn, &box->procedure);
    }
    turn_unlock(&turn, &sandboxes->lock);
    turn_end(&turn);
}
