/* The steps of one execution with their places in the program, drawn as a column per thread. */
#ifndef HARNESS_PROGRAM_STEPS_H
#define HARNESS_PROGRAM_STEPS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "harness/world/world.h"

/* One step as it was seen when it happened. */
struct seen {
    struct world_step step;
    struct world_stack stack;
    uint64_t now_ns;
    uint16_t delayed;     /* of an advance: a thread that could have run; WORLD_NOBODY */
};

/* From now on keep every step of the executions that follow; a new one begins empty. */
void steps_watch(void);
void steps_begin(void);
const struct seen *steps_seen(uint32_t *count);

/* Replaces "mutex 2" by "mutex ring.lock" and the like, where that is a variable. The text has room
 * for so many bytes. */
void steps_name_objects(char *text, size_t bytes);

/* Draws them. At most `rows` rows (0: all), with those near a deviation from the default, and the
 * last ones. `choices` are the execution's. */
void steps_draw(FILE *out, const uint16_t *choices, uint32_t choice_count, uint32_t rows);

/* One sentence for each thing that this failure needs besides an order of threads: a delayed
 * thread, a wait that ends without a signal. */
void steps_needs(FILE *out, int indent);

#endif
