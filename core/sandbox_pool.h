/*
 * All sandboxes of the provider, owned or not: how many there are, may be, and are kept warm. No
 * lock is held in any of these.
 */
#ifndef CORE_SANDBOX_POOL_H
#define CORE_SANDBOX_POOL_H

#include "core/sandbox.h"

/* What a list told, and what was being made while it was. */
struct pool_look {
    size_t count;
    uint64_t making, makes;
};

/* All records, in memory of the caller's; NULL and *result on failure. */
struct sandbox_record *pool_list(struct turn *turn, const struct box *box, struct pool_look *look,
                                 enum core_result *result);

/*
 * The provider's create, if there is room for one more. LIMIT if there is none; CONFLICT if that
 * cannot be told before others have been made: look once more.
 */
enum core_result pool_create(struct turn *turn, const struct box *box,
                             const struct pool_look *look, const char *request,
                             struct sandbox_record *record);

/* Are more of the box's app to be kept warm than these are? */
bool pool_wants(const struct box *box, const struct sandbox_record *records, size_t count);

/* Keeps the pool warm. Nobody waits for it, so a failure is left to the next time. */
void pool_refill(struct turn *turn, const struct box *box);

#endif
