#include "debug.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture.h"
#include "reports/symbols.h"

enum { STACK_LINES = 12 };

static uint32_t stop_at, steps;

static bool is_traced(void)
{
    char line[128];
    bool found = false;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status)) {
        if (strncmp(line, "TracerPid:", 10) == 0) found = atoi(line + 10) != 0;
    }
    if (status) fclose(status);
    return found;
}

static void print_threads(void)
{
    for (uint16_t id = 0; id < world_entity_count(); id++) {
        struct world_stack stack;
        char wait[128];
        world_stack_of(id, &stack);
        if (stack.depth == 0) continue;
        world_wait_describe(id, wait, sizeof wait);
        printf("%s  %s\n", world_entity_name(id), wait);
        symbols_print_stack(stdout, 4, STACK_LINES, &stack);
    }
    fflush(stdout);
}

static void observe(void *context, const struct world_step *step)
{
    (void)context;
    if (++steps != stop_at) return;
    if (is_traced()) {
        raise(SIGTRAP);
        return;
    }
    capture_switch(false);
    printf("after step %u, %s by %s\n", steps, world_op_words[step->op],
           world_entity_name(step->entity));
    print_threads();
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
