/* The places of what checks know: the last ones of world_meet_place(). Those before belong to the
 * fakes. */
#ifndef HARNESS_CHECK_PLACES_H
#define HARNESS_CHECK_PLACES_H

#include <stdint.h>

#include "harness/world/world.h"

enum {
    PLACES_OF_CHECKS = 2560,
    PLACE_PROPERTIES = PLACES_OF_CHECKS, /* the checks of the file, 16 of them apart */
    PLACE_STORE_USE = PLACE_PROPERTIES + 16, /* how cores fare with the message store */
    PLACE_LEASES,                  /* locks and leases */
    PLACE_TABS,                    /* what a tab was told, 16 of them apart */
    PLACE_SENT = PLACE_TABS + 16,  /* what was sent to it */
    PLACE_FACTS = PLACE_SENT + 16, /* facts, by the hash of their keys */
    PLACE_FACTS_COUNT = WORLD_PLACES - PLACE_FACTS,
};

static inline void place_fact(uint64_t hash, enum world_how how)
{
    world_meet_place(PLACE_FACTS + (uint32_t)(hash % PLACE_FACTS_COUNT), how);
}

#endif
