/* The two accesses of a data race: no steps of the machine, but rows of a report. */
#ifndef REPORTS_ACCESSES_H
#define REPORTS_ACCESSES_H

#include <stdint.h>

#include "harness/world/world.h"

struct access {
    uint32_t before; /* the step that it was made before */
    uint16_t entity;
    const struct world_stack *stack; /* of the finding */
    char text[64];   /* "writes 4 bytes" */
};

/* In the order in which they were made; `step_count` steps came before the later one. Returns how
 * many there are: 2, or 0 where the finding is no data race. */
uint32_t accesses_find(const struct world_finding *finding, uint32_t step_count,
                       struct access accesses[2]);

#endif
