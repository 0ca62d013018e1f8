/* Refusals: what a system answers that has no more memory, threads or locks to give. */
#include "refuse.h"

#include "gate.h"

#include <string.h>

/* How many more are given before the one that is refused, itself included; 0: none is. */
static uint32_t left[GROUPS_MAX][WORLD_RESOURCES];

void refuse_reset(void)
{
    W.refuses = false;
    memset(left, 0, sizeof left);
}

void world_refuse(uint8_t group, enum world_resource what, uint32_t n)
{
    REQUIRE(group < GROUPS_MAX && what < WORLD_RESOURCES);
    /* Which request it is depends on all those before it. */
    if (n > 0 && place_searching()) world_stop("the reduced search takes no refusals");
    left[group][what] = n;
    W.refuses = W.refuses || n > 0;
}

bool world_refusal_waits(uint8_t group, enum world_resource what)
{
    REQUIRE(group < GROUPS_MAX && what < WORLD_RESOURCES);
    return left[group][what] > 0;
}

bool refuse_this(enum world_resource what)
{
    uint32_t *own = W.self ? &left[W.self->group][what] : &left[0][what];
    if (*own == 0) return false;
    world_meet(WORLD_MET_FAKES); /* which one it is depends on who asked before */
    return --*own == 0;
}
