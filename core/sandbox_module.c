/* Life cycle of the sandbox module, and the sweep for idle ones. */
#include "core/devserver.h"
#include "core/sandbox.h"

#include <stdlib.h>

/* ---- idle sandboxes ---- */

static bool is_idle(struct turn *turn, const struct box *box)
{
    return box && box->stage == BOX_IN_USE && !box->release_asked && !box->lost &&
           core_now_us() - box->used_us >= turn->core->settings.pool_idle_us;
}

/*
 * Releases the box of a slot if it is idle. Whether anybody looks at it can only be asked without
 * the lock, so idleness is judged again before it counts (L11).
 */
static void sweep_slot(struct turn *turn, uint32_t slot)
{
    struct sandboxes *sandboxes = turn->core->sandboxes;
    turn_lock(turn, &sandboxes->lock);
    struct box *box = sandboxes->slots[slot];
    bool idle = is_idle(turn, box);
    struct sandbox_ref ref = idle ? box_ref(box) : (struct sandbox_ref){ 0, 0 };
    turn_unlock(turn, &sandboxes->lock);
    if (!idle)
        return;
    bool watched = servers_watched(turn, ref);
    turn_lock(turn, &sandboxes->lock);
    box = box_find(sandboxes, ref);
    if (watched && box)
        box->used_us = core_now_us();
    if (is_idle(turn, box)) {
        box->release_asked = true;
        procedure_kick(turn, &box->procedure);
    }
    turn_unlock(turn, &sandboxes->lock);
}

static void sweep(struct core *core, struct timer_target target)
{
    struct sandboxes *sandboxes = core->sandboxes;
    struct turn turn;
    (void)target;
    turn_begin(&turn, core);
    turn_lock(&turn, &sandboxes->lock);
    uint32_t capacity = sandboxes->draining ? 0 : sandboxes->capacity;
    turn_unlock(&turn, &sandboxes->lock);
    for (uint32_t i = 0; i < capacity; i++)
        sweep_slot(&turn, i);
    turn_lock(&turn, &sandboxes->lock);
    sandboxes->sweep_armed = false;
    sandboxes_arm_sweep(&turn);
    turn_unlock(&turn, &sandboxes->lock);
    turn_end(&turn);
}

void sandboxes_arm_sweep(struct turn *turn)
{
    struct sandboxes *sandboxes = turn->core->sandboxes;
    if (sandboxes->sweep_armed || sandboxes->count == 0 || sandboxes->draining)
        return;
    sandboxes->sweep_armed = true;
    timer_arm(turn, core_now_us() + turn->core->settings.pool_sweep_us, sweep,
              (struct timer_target){ .slot = 0 });
}

/* ---- module ---- */

static enum core_result create(struct core *core)
{
    if (!core->has_sandboxes)
        return CORE_OK;
    struct sandboxes *sandboxes = calloc(1, sizeof *sandboxes);
    if (!sandboxes)
        return CORE_NO_MEMORY;
    enum core_result result =
        core_lock_and_cond_init(&sandboxes->lock, RANK_SANDBOX, &sandboxes->quiet);
    if (result == CORE_OK)
        core->sandboxes = sandboxes;
    else
        free(sandboxes);
    return result;
}

static bool is_quiet(const struct sandboxes *sandboxes)
{
    for (uint32_t i = 0; i < sandboxes->capacity; i++) {
        const struct box *box = sandboxes->slots[i];
        if (box && (box->stage != BOX_IN_USE || box->procedure.active || box->lease_pending))
            return false;
    }
    return true;
}

/* What was begun is ended; sandboxes in use stay assigned, for the next core to find by owner. */
static void drain(struct core *core)
{
    struct sandboxes *sandboxes = core->sandboxes;
    struct turn turn;
    if (!sandboxes)
        return;
    turn_begin(&turn, core);
    turn_lock(&turn, &sandboxes->lock);
    sandboxes->draining = true;
    for (uint32_t i = 0; i < sandboxes->capacity; i++)
        if (sandboxes->slots[i])
            procedure_kick(&turn, &sandboxes->slots[i]->procedure);
    while (!is_quiet(sandboxes))
        turn_wait(&turn, &sandboxes->quiet, &sandboxes->lock, 0);
    turn_unlock(&turn, &sandboxes->lock);
    turn_end(&turn);
}

static void destroy(struct core *core)
{
    struct sandboxes *sandboxes = core->sandboxes;
    if (!sandboxes)
        return;
    for (uint32_t i = 0; i < sandboxes->capacity; i++) {
        if (sandboxes->slots[i])
            REQUIRE(!sandboxes->slots[i]->acquiring && !sandboxes->slots[i]->releasing);
        free(sandboxes->slots[i]);
    }
    pthread_cond_destroy(&sandboxes->quiet);
    core_lock_destroy(&sandboxes->lock);
    free(sandboxes->slots);
    free(sandboxes);
}

static void count(struct core *core, struct core_stats *stats)
{
    struct sandboxes *sandboxes = core->sandboxes;
    struct turn turn;
    if (!sandboxes)
        return;
    turn_begin(&turn, core);
    turn_lock(&turn, &sandboxes->lock);
    stats->sandboxes = sandboxes->count;
    stats->stale_calls += sandboxes->stale_calls;
    turn_unlock(&turn, &sandboxes->lock);
    turn_end(&turn);
}

const struct core_module sandbox_module = { "sandboxes", create, NULL, drain, destroy, count };
