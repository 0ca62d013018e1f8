#include "debug.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture.h"
#include "reports/threads.h"

static uint32_t stop_at, steps;

static void observe(void *context, const struct world_step *step)
{
    (void)context;
    if (++steps != stop_at) return;
    if (threads_debugged()) {
        raise(SIGTRAP);
        return;
    }
    capture_switch(false);
    printf("after step %u, %s by %s\n", steps, world_op_words[step->op],
           world_entity_name(step->entity));
    threads_print(stdout);
    fflush(stdout);
    _exit(0);
}

void debug_until(const struct life *life, const uint16_t *choices, uint32_t count, uint32_t step)
{
    struct world_result result;
    stop_at = step;
    world_observe(observe, NULL);
    explore_replay(&life->subject, choices, count, false, &result);
    world_observe(NULL, NULL);
}
