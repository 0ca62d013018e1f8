/* The steps of one execution as they are seen when they happen: with stacks, times and names of
 * objects, which are gone later. */
#ifndef REPORTS_TRAIL_H
#define REPORTS_TRAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/world/world.h"

struct trail_step {
    struct world_step step;
    struct world_stack stack; /* empty if it has none */
    uint64_t now_ns;
    char *words;              /* what it means, if somebody says so; otherwise NULL */
    uint16_t delayed;         /* of an advance: a thread that could have run; WORLD_NOBODY */
};

/* From now on keep every step of the executions that follow. Call trail_begin() before each: it
 * forgets the one before. `words` says what a step on that object, which is being made, means, or
 * NULL; nobody knows of any if it is NULL itself. */
void trail_watch(const char *(*words)(uint32_t object));
void trail_begin(void);
const struct trail_step *trail_steps(uint32_t *count);

/* The name of that step's object: of the variable it lies in, "mutex 3", or a named point's; "" if
 * there is none. Stays until trail_begin(). */
const char *trail_object(const struct trail_step *step);

/* The same of an object, by its number in this execution; its kind if no step has touched it. */
const char *trail_object_name(uint32_t object);

/* What was done, without the place: "lock pool.lock", "conn.attached". */
void trail_describe(const struct trail_step *step, char *out, size_t size);

/* Replaces "mutex 2" by "mutex ring.lock" and the like, where that is a variable. The text has room
 * for so many bytes. */
void trail_name_objects(char *text, size_t size);

#endif
