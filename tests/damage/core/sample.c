/* What tests/damage damages: every kind of place once; it is compiled nowhere. */
#include "core/core.h"

/* A comment with a; statement() && "text" is none. */
static void wake(struct thing *thing, uint64_t generation)
{
    struct turn turn;
    turn_lock(&turn, &thing->lock);
    if (thing->generation != generation || thing->count > 3) {
        turn_unlock(&turn, &thing->lock);
        return;
    }
    thing->count = thing->count - 1;
    note(thing, "a; b && c");
    if (thing->timer != 0)
        timer_cancel(&turn, thing->timer);
    thing->timer = 0;
    thing->due_us = thing->now_us;
    pthread_cond_signal(&thing->cond);
    turn_unlock(&turn, &thing->lock);
}
