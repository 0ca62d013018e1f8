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

uint32_t plan_options(struct plan *plan, uint32_t count, uint16_t *index, uint16_t *entity,
                      uint32_t max, uint32_t *forced)
{
    uint32_t used = 0, advance = UINT32_MAX, pressing = 0;
    uint16_t options[WORLD_ENTITIES_MAX + 1];
    world_options(options);
    *forced = UINT32_MAX;
    plan->choice++;
    for (uint32_t i = 0; i < count && used < max; i++) {
        uint16_t id = options[i];
        if (id == WORLD_ADVANCE) {
            advance = i;
            continue;
        }
        switch (world_class_of(id)) {
        case WORLD_WINDOW:
            if (world_now_ns() < planned_for(plan, id)->due_ns) continue;
            break;
        case WORLD_OPTIONAL:
            if (plan->choice <= planned_for(plan, id)->due_choice) continue;
            plan->of[id].execution = 0;   /* if it is offered again, drawn again */
            *forced = i;
            continue;
        case WORLD_SPURIOUS:
            if (chance_below(plan->chance, 16) != 0) continue;
            break;
        case WORLD_THREAD:
        case WORLD_ACTOR:
        case WORLD_MESSAGE:
        case WORLD_FAULT:
            pressing++;
            break;
        }
        index[used] = (uint16_t)i;
        entity[used++] = id;
    }
    /* Time passes when nothing else is wanted; a stall is drawn like a spurious wakeup. */
    if (advance != UINT32_MAX && used < max &&
        (used == 0 || (pressing > 0 && chance_below(plan->chance, 16) == 0))) {
        index[used] = (uint16_t)advance;
        entity[used++] = WORLD_ADVANCE;
    }
    if (used == 0 && *forced == UINT32_MAX) *forced = 0;
    return used;
}
