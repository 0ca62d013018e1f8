/* The places of what fakes and checks know (world_meet_place), for the search that takes no two
 * orders of what does not depend on each other. Whatever is rare meets all of them; what a tab that
 * connects, a publisher, and the message store do is told apart.
 *
 * What is on its way between two is a place of its own: who puts it there comes before who takes
 * it, and who puts the next one does not depend on that. */
#ifndef FAKES_PLACES_H
#define FAKES_PLACES_H

#include "harness/check/places.h"
#include "harness/world/world.h"

enum place_of {
    PLACE_STAGE,   /* the stage waits there until nobody is busy */
    PLACE_CALLERS, /* whether cores can be called; how many calls there are, who drains looks at */
    PLACE_OTHERS,  /* what keeps the stage busy beside actors and tabs */
    PLACE_MESSAGES, /* the message store */
    PLACE_LOCKS,    /* the lock store, and what holders of leases were told */
    PLACE_SOCKETS, /* the list of them */
    PLACES_SINGLE,
};

/* Of each actor or core, and of so many frames on their way; those that are as many as this apart
 * share them. */
enum { PLACE_SPAN = 16, PLACE_FRAMES = 32 };
enum place_of_each {
    PLACE_ACTOR,      /* its script */
    PLACE_PAGE,       /* of a tab: all that the page knows */
    PLACE_INBOX,      /* how much has arrived, */
    PLACE_BUSY,       /* whether its script is, */
    PLACE_RETURNS,    /* and whether its tab is about to connect */
    PLACE_SOCKET,     /* of a tab: whether it has one */
    PLACE_REPLY,      /* of a backend: the answer of the core that it waits for */
    PLACE_AGENT,      /* which run it works on, what it asks, and whether it is to stop */
    PLACE_FAULT,      /* whether that one may strike now */
    PLACE_WANTED,     /* of a tab: what the transport owes its socket */
    PLACE_UP,         /* of a tab: the ends of its links, */
    PLACE_DOWN,
    PLACE_UP_FRAME,   /* and what is on its way */
    PLACE_DOWN_FRAME = PLACE_UP_FRAME + PLACE_FRAMES,
    PLACE_WORK = PLACE_DOWN_FRAME + PLACE_FRAMES, /* of a core: the end of its transport's queue, */
    PLACE_WORK_EMPTY, /* its beginning while it is empty, or becomes so, */
    PLACE_WORK_ITEM,  /* and what waits there */
    PLACE_INBOX_ITEM = PLACE_WORK_ITEM + PLACE_FRAMES, /* and what */
    PLACES_EACH = PLACE_INBOX_ITEM + PLACE_FRAMES,
};
_Static_assert((int)PLACES_SINGLE + PLACES_EACH * PLACE_SPAN <= PLACES_OF_CHECKS, "they fit");

static inline uint32_t place_each(uint32_t kind, uint32_t index)
{
    return PLACES_SINGLE + kind * PLACE_SPAN + index % PLACE_SPAN;
}

static inline void meet_each(uint32_t kind, uint32_t index)
{
    world_meet_place(place_each(kind, index), WORLD_CHANGES);
}

/* Whoever waits there or wakes somebody meets that place. */
static inline struct world_queue queue_at(uint32_t place, bool silent)
{
    return (struct world_queue){ .place = (uint16_t)(place + 1), .silent = silent };
}

#endif
