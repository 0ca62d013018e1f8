/* Tokens: an execution's choices as one word that can be typed.
 *
 *   sync:2.0.1.z17.3
 *
 * The level of instrumentation, then the indexes in order; zN is N zeros. Zeros at the end
 * are left out, because option 0 is what happens anyway. */
#ifndef HARNESS_EXPLORE_TOKEN_H
#define HARNESS_EXPLORE_TOKEN_H

#include <stddef.h>
#include <stdint.h>

#include "harness/world/world.h"

enum { TOKEN_CHOICES_MAX = 1 << 16 };

/* The token of these choices, to be freed by the caller; NULL when out of memory. */
char *token_write(const uint16_t *choices, uint32_t count);

/* Reads a token into choices[0..TOKEN_CHOICES_MAX) and *count. Returns NULL, or one sentence
 * that says what is wrong; *where is then the offset of the place. The level may be left
 * out; any but that of this process (world_level) is refused. */
const char *token_read(const char *text, uint16_t *choices, uint32_t *count, size_t *where);

#endif
