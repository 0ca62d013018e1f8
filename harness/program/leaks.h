/* Memory that nobody can reach any more at the end of an execution. */
#ifndef HARNESS_PROGRAM_LEAKS_H
#define HARNESS_PROGRAM_LEAKS_H

#include <stdint.h>

#include "harness/net/net.h"
#include "harness/world/image.h"
#include "harness/world/world.h"

struct leaks {
    uint32_t count;           /* unreachable blocks */
    uint64_t bytes;
    uint64_t reachable_bytes; /* of the others */
};

/* Call when main has returned, or exit() was called. A block is reachable if any aligned word
 * points into it: of the program's globals, of a reachable block, or of what threads still know,
 * which are their stacks and thread-local variables, and after exit() those of main, too. */
struct leaks leaks_find(const struct image *image);

/* The unreachable blocks of the last call, oldest first; at most max. Returns how many it wrote. */
uint32_t leaks_blocks(struct world_block *out, uint32_t max);

/* After leaks_find(): descriptors that are open, and whose numbers stand nowhere in memory that can
 * be reached; fills at most max, and returns how many there are. *known: how many others, to which
 * belongs what main has opened for itself, not by accept(): it lasts as long as the program. */
uint32_t leaks_descriptors(const struct image *image, struct net_open *out, uint32_t max,
                           uint32_t *known);

#endif
