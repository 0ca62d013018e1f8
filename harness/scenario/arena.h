/* Memory that is zeroed and given back all at once. Whoever finds none left ends the process. */
#ifndef HARNESS_SCENARIO_ARENA_H
#define HARNESS_SCENARIO_ARENA_H

#include <stddef.h>
#include <stdint.h>

struct scn_arena *scn_arena_new(void);
void scn_arena_free(struct scn_arena *arena);
void *scn_arena_alloc(struct scn_arena *arena, size_t size);
char *scn_arena_text(struct scn_arena *arena, const char *text, size_t length);
char *scn_arena_format(struct scn_arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Make room for item number `count` of an array that lives in the arena. */
void *scn_arena_grow(struct scn_arena *arena, void *items, uint32_t count, uint32_t *capacity,
                     size_t item_size);

#endif
