/* Memory that nobody can reach any more at the end of an execution. */
#ifndef HARNESS_PROGRAM_LEAKS_H
#define HARNESS_PROGRAM_LEAKS_H

#include <stdint.h>

#include "harness/world/image.h"
#include "harness/world/world.h"

struct leaks {
    uint32_t count;           /* unreachable blocks */
    uint64_t bytes;
    uint64_t reachable_bytes; /* of the others */
};

/* Call when main has returned. A block is reachable if any aligned word in the program's globals,
 * or in a reachable block, points into it. Not judged, and all counted as reachable: while threads
 * are still running, and with thread-local variables, because their memory is not looked at. */
struct leaks leaks_find(const struct image *image);

/* The unreachable blocks of the last call, oldest first; at most max. Returns how many it wrote. */
uint32_t leaks_blocks(struct world_block *out, uint32_t max);

#endif
