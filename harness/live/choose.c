/* What chance decides in a live run: when an open window is used, whether and when an optional
 * fault strikes. Who can go goes at once; the machine decides the rest. */
#include "harness/live/internal.h"

#include <string.h>

/* An optional fault strikes within this time after it could for the first time, sooner rather than
 * later: what it would hit often lasts a moment. */
#define STRIKE_FROM_NS 100000ull
enum { STRIKE_DOUBLINGS = 18 };

static uint64_t draw(struct chance *chance)
{
    uint64_t value = chance->state += 0x9e3779b97f4a7c15ull;
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9ull;
    value = (value ^ value >> 27) * 0x94d049bb133111ebull;
    return value ^ value >> 31;
}

static uint64_t draw_below(struct chance *chance, uint64_t limit)
{
    return limit == 0 ? 0 : draw(chance) % limit;
}

/* At any time of the window alike; one without an end is used soon. */
static void draw_window(struct chance *chance, struct drawn *drawn, uint16_t entity)
{
    uint64_t since_ns = world_window_since_ns(entity), until_ns = world_window_until_ns(entity);
    if (drawn->drawn && drawn->since_ns == since_ns) return;
    uint64_t span_ns = until_ns == WORLD_NEVER ? 1000000000 : until_ns - since_ns;
    *drawn = (struct drawn){true, false, since_ns, since_ns + draw_below(chance, span_ns + 1)};
}

static void draw_fault(struct chance *chance, struct drawn *drawn)
{
    if (drawn->drawn) return;
    uint64_t scale_ns = STRIKE_FROM_NS << draw_below(chance, STRIKE_DOUBLINGS);
    *drawn = (struct drawn){true, draw_below(chance, 2) == 0, world_now_ns(),
                            world_now_ns() + draw_below(chance, scale_ns)};
}

/* Whether it is time for that option; what is not yet wakes the loop. */
static bool is_due(struct chance *chance, uint16_t entity)
{
    struct drawn *drawn = &chance->drawn[entity];
    if (world_class_of(entity) == WORLD_WINDOW)
        draw_window(chance, drawn, entity);
    else
        draw_fault(chance, drawn);
    if (drawn->never) return false;
    if (drawn->when_ns <= world_now_ns()) {
        drawn->drawn = false;
        return true;
    }
    if (drawn->when_ns < chance->loop->wake_ns) chance->loop->wake_ns = drawn->when_ns;
    return false;
}

static uint32_t schedule(struct world_chooser *self, uint32_t count)
{
    struct chance *chance = (struct chance *)(void *)self;
    uint32_t advance = 0;
    chance->loop->wake_ns = WORLD_NEVER;
    for (uint32_t i = 0; i < count; i++) {
        uint16_t id = world_option(i);
        if (id == WORLD_ADVANCE) {
            advance = i;
            continue;
        }
        enum world_class class_ = world_class_of(id);
        if (class_ != WORLD_WINDOW && class_ != WORLD_OPTIONAL) return i;
        if (is_due(chance, id)) return i;
    }
    return advance;
}

static uint32_t value(struct world_chooser *self, uint32_t count, const char *label)
{
    (void)label;
    return (uint32_t)draw_below((struct chance *)(void *)self, count);
}

void chance_init(struct chance *chance, struct loop *loop, uint64_t seed, uint64_t run)
{
    memset(chance, 0, sizeof *chance);
    chance->chooser = (struct world_chooser){.schedule = schedule, .value = value};
    chance->state = seed * 0xd1342543de82ef95ull + run;
    chance->loop = loop;
}
