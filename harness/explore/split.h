/* Searches that several processes share. One process gives away a part of what is left to be
 * searched, goes on, and pauses when it comes to where that part belongs: strategy->begin() says
 * no, and paused() says so. Then it takes over what the other one has found there; or it keeps the
 * part and searches it itself. Either way it goes on exactly as if nobody had helped. */
#ifndef HARNESS_EXPLORE_SPLIT_H
#define HARNESS_EXPLORE_SPLIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct strategy;

/* What one process tells another one: bytes in shared memory, which may be read while more are
 * written. Addresses of the program's objects mean the same in both. */
struct parcel {
    _Atomic uint32_t used; /* written, */
    uint32_t at;           /* and read so far */
    bool overflow;         /* it did not fit, or there was not so much to be read */
    char bytes[1 << 20];
};

static inline void parcel_empty(struct parcel *parcel)
{
    parcel->used = 0;
    parcel->at = 0;
    parcel->overflow = false;
}

static inline void parcel_put(struct parcel *parcel, const void *what, size_t bytes)
{
    uint32_t used = parcel->used;
    parcel->overflow |= bytes > sizeof parcel->bytes - used;
    if (parcel->overflow) return;
    memcpy(parcel->bytes + used, what, bytes);
    parcel->used = used + (uint32_t)bytes;
}

static inline void parcel_get(struct parcel *parcel, void *where, size_t bytes)
{
    parcel->overflow |= bytes > parcel->used - parcel->at;
    if (parcel->overflow) return;
    memcpy(where, parcel->bytes + parcel->at, bytes);
    parcel->at += (uint32_t)bytes;
}

/* All of these between executions only. */
struct split {
    /* Gives away the largest part that is known. Returns where it belongs, a number that no other
     * part has which is away; 0: there is none to be given. */
    uint32_t (*give)(struct strategy *self, struct parcel *part);
    /* Of a new strategy: searches that part, and nothing else. */
    void (*adopt)(struct strategy *self, struct parcel *part);
    /* What its giver should know now already: adds what is new. */
    void (*tell)(struct strategy *self, struct parcel *news);
    /* When it has been searched to its end: what else the giver has to know. */
    void (*report)(struct strategy *self, struct parcel *report);
    /* Where the part belongs that has been come to; 0: it is not paused. */
    uint32_t (*paused)(struct strategy *self);
    /* While it is paused there: takes notice of what is new. It may know more to give then. */
    void (*hear)(struct strategy *self, struct parcel *news);
    /* That part was searched by another one, with that report; or (NULL) is searched here. */
    void (*resume)(struct strategy *self, struct parcel *report);
};

#endif
