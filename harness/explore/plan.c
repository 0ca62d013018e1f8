#include "plan.h"

void plan_begin(struct plan *plan, struct chance *chance, uint64_t execution, uint32_t length,
                bool calm)
{
    plan->chance = chance;
    plan->execution = execution + 1; /* 0 marks an entry that was never used */
    plan->length = length < 16 ? 16 : length;
    plan->choice = 0;
    plan->calm = calm;
}

/* At the beginning, at the end, or anywhere in between. */
static uint64_t draw_time(struct plan *plan, uint64_t since_ns, uint64_t until_ns)
{
    switch (chance_below(plan->chance, 4)) {
    case 0:
        return since_ns;
    case 1:
        return until_ns;
    default:
        if (until_ns <= since_ns) return since_ns;
        return since_ns + chance_next(plan->chance) % (until_ns - since_ns);
    }
}

/* Never in half of the executions; otherwise soon, or anywhere in a typical execution. */
static uint32_t draw_choice(struct plan *plan)
{
    if (plan->calm) return UINT32_MAX;
    switch (chance_below(plan->chance, 4)) {
    case 0:
    case 1:
        return UINT32_MAX;
    case 2:
        return plan->choice + chance_below(plan->chance, 12);
    default:
        return plan->choice + chance_below(plan->chance, plan->length);
    }
}

static struct planned *planned_for(struct plan *plan, uint16_t entity)
{
    struct planned *planned = &plan->of[entity];
    uint64_t since_ns = world_window_since_ns(entity);
    if (planned->execution == plan->execution && planned->since_ns == since_ns) return planned;
    planned->execution = plan->execution;
    planned->since_ns = since_ns;
    planned->due_ns = draw_time(plan, since_ns, world_window_until_ns(entity));
    planned->due_choice = draw_choice(plan);
    return planned;
}

/* Those that are offered, so far: each moves to the front. */
struct offered {
    uint16_t *index, *entity;
    uint32_t used;
};

static inline void offer(struct offered *offered, uint32_t at)
{
    offered->index[offered->used] = (uint16_t)at;
    offered->entity[offered->used++] = offered->entity[at];
}

/* The last one that is due, which is taken right now; or UINT32_MAX. */
static uint32_t optional_due(struct plan *plan, const uint16_t *entity, uint32_t from, uint32_t end)
{
    uint32_t due = UINT32_MAX;
    for (uint32_t at = from; at < end; at++) {
        if (plan->choice <= planned_for(plan, entity[at])->due_choice) continue;
        plan->of[entity[at]].execution = 0; /* if it is offered again, drawn again */
        due = at;
    }
    return due;
}

uint32_t plan_options(struct plan *plan, uint32_t count, uint16_t *index, uint16_t *entity,
                      uint32_t *forced)
{
    uint16_t ends[WORLD_CLASSES];
    world_options(entity, ends);
    plan->choice++;
    struct offered offered = {index, entity, 0};
    uint32_t at = 0, time = UINT32_MAX;
    while (at < ends[WORLD_MESSAGE]) offer(&offered, at++);
    for (uint64_t now_ns = world_now_ns(); at < ends[WORLD_WINDOW]; at++) {
        if (now_ns >= planned_for(plan, entity[at])->due_ns) offer(&offered, at);
    }
    while (at < ends[WORLD_FAULT]) offer(&offered, at++);
    bool pressing = ends[WORLD_MESSAGE] > 0 || ends[WORLD_FAULT] > ends[WORLD_WINDOW];
    if (at < count && entity[at] == WORLD_ADVANCE) time = at++;
    for (; at < ends[WORLD_SPURIOUS]; at++) {
        if (chance_below(plan->chance, 16) == 0) offer(&offered, at);
    }
    *forced = optional_due(plan, entity, at, count);
    /* Time passes when nothing else is wanted; a stall is drawn like a spurious wakeup. */
    bool passes = time != UINT32_MAX &&
                  (offered.used == 0 || (pressing && chance_below(plan->chance, 16) == 0));
    if (passes) {
        index[offered.used] = (uint16_t)time;
        entity[offered.used++] = WORLD_ADVANCE;
    }
    if (offered.used == 0 && *forced == UINT32_MAX) *forced = 0;
    return offered.used;
}
