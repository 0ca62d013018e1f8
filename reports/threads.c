#include "threads.h"

#include <stdlib.h>
#include <string.h>

#include "harness/world/world.h"
#include "reports/symbols.h"
#include "reports/trail.h"

enum { STACK_LINES = 12, STACK_INDENT = 4 };

void threads_print(FILE *out)
{
    for (uint16_t id = 0; id < world_entity_count(); id++) {
        struct world_stack stack;
        struct symbol place;
        char wait[128];
        if (world_is_task(id)) continue;
        if (world_op_count(id, WORLD_OP_START) == 0) {
            fprintf(out, "%s  has not begun\n", world_entity_name(id));
            continue;
        }
        world_wait_describe(id, wait, sizeof wait);
        trail_name_objects(wait, sizeof wait);
        fprintf(out, "%s  %s\n", world_entity_name(id), wait);
        world_stack_of(id, &stack);
        if (symbols_place(&stack, &place))
            symbols_print_stack(out, STACK_INDENT, STACK_LINES, &stack);
    }
}

bool threads_debugged(void)
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
