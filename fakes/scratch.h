/* Memory of one execution, for the harness's own side.
 *
 * An execution may be abandoned in the middle, with fibers that never return. So nothing of it may
 * be owned: everything comes from here and is forgotten at once by the next reset. The JSON library
 * of the harness (the core has its own copy) takes its memory from here as well.
 */
#ifndef FAKES_SCRATCH_H
#define FAKES_SCRATCH_H

#include <stddef.h>

/* Reserves the range and points the JSON library at it. Once per process. */
void scratch_init(void);

/* Forgets everything. */
void scratch_reset(void);

/* Zeroed, aligned for every type. Never NULL: an execution that uses up the range is ended. */
void *scratch_alloc(size_t bytes);

/* A copy with a zero behind it. */
char *scratch_copy(const char *bytes, size_t length);

/* A larger block that begins with what the old one had; as the reader of WebSockets wants it. */
void *scratch_grow(void *context, void *old, size_t length, size_t size);

/* Makes room for so many more bytes, and a zero, behind those that are used; what was there is
 * moved, if need be. */
void scratch_room(char **bytes, size_t length, size_t *capacity, size_t more);

#endif
