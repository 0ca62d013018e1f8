#include "no_return.h"

#include <stdio.h>

#include "reports/symbols.h"
#include "reports/text.h"
#include "reports/trail.h"

bool no_return_find(const struct inevitable *inevitable, struct no_return *out)
{
    uint32_t count;
    const struct trail_step *steps = trail_steps(&count);
    uint32_t at = inevitable_step(inevitable);
    struct symbol place;

    *out = (struct no_return){.from_start = inevitable->kept == 0,
                              .last_choice = inevitable->kept == inevitable->total,
                              .step = at + 1,
                              .tried = inevitable->tried};
    if (!inevitable->found || inevitable->total == 0 || at >= count) return false;
    out->time_ns = steps[at].now_ns;
    if (steps[at].step.op == WORLD_OP_ADVANCE) {
        snprintf(out->what, sizeof out->what, "time passes");
        return true;
    }
    snprintf(out->thread, sizeof out->thread, "%s", world_entity_name(steps[at].step.entity));
    trail_describe(&steps[at], out->what, sizeof out->what);
    if (symbols_place(&steps[at].stack, &place))
        snprintf(out->place, sizeof out->place, "%s:%u", place.file, place.line);
    return true;
}

void no_return_write(const struct no_return *no_return, char *out, size_t size)
{
    char time[32];

    if (no_return->from_start) {
        snprintf(out, size, "from the start: all %u continuations break it", no_return->tried);
        return;
    }
    text_time((int64_t)(no_return->time_ns / 1000), time, sizeof time);
    int used = snprintf(out, size, "by step %u at %s, %s%s%s%s%s%s", no_return->step, time,
                        no_return->thread, no_return->thread[0] ? " " : "", no_return->what,
                        no_return->place[0] ? " (" : "", no_return->place,
                        no_return->place[0] ? ")" : "");
    if (used < 0 || (size_t)used >= size) return;
    if (no_return->last_choice)
        snprintf(out + used, size - (size_t)used, ": its last choice, averted until then");
    else
        snprintf(out + used, size - (size_t)used, ": all %u continuations break it",
                 no_return->tried);
}
