/* Contenders of a mutex: threads that are about to lock it. They are enabled exactly while it
 * is free, so every lock and unlock touches all of them.
 *
 * A thread with a bit is a contender by that bit, and is enabled or disabled with all others
 * in one operation. Threads beyond the 64th have theirs in a crowd, a set that a mutex has while it
 * has such contenders. The list is for the rest: actors, threads that are paused, those that stay
 * enabled because their deadline has passed, and all that find no crowd left. */
#ifndef HARNESS_WORLD_CONTEND_H
#define HARNESS_WORLD_CONTEND_H

#include "internal.h"

#pragma GCC visibility push(hidden)

void contenders_others_enable(struct object *mutex);
void contenders_others_disable(struct object *mutex);
void contenders_others_add(struct object *mutex, struct entity *entity);
void contenders_others_remove(struct object *mutex, struct entity *entity);
/* False: it was not in the crowd of that mutex. */
bool contenders_crowd_remove(struct object *mutex, const struct entity *entity);

static inline void contenders_add(struct object *mutex, struct entity *entity)
{
    mutex->contenders |= entity->bit;
    if (entity->bit == 0) contenders_others_add(mutex, entity);
}

static inline void contenders_remove(struct object *mutex, struct entity *entity)
{
    if (mutex->contenders & entity->bit) {
        mutex->contenders &= ~entity->bit;
    } else {
        contenders_others_remove(mutex, entity);
    }
}

/* From the bits to the list, before something sets this one apart from the others. */
static inline void contender_single_out(struct entity *entity)
{
    struct object *mutex = &W.objects[entity->wait_object];
    if (entity->wait != WAIT_MUTEX) return;
    if (!(mutex->contenders & entity->bit) && !contenders_crowd_remove(mutex, entity)) return;
    mutex->contenders &= ~entity->bit;
    queue_push(&mutex->head, &mutex->tail, entity);
}

static inline bool contenders_any(const struct object *mutex)
{
    return mutex->contenders != 0 || mutex->head != 0 || mutex->crowd != 0;
}

static inline void contenders_enable(struct object *mutex)
{
    W.enabled[WORLD_THREAD][0] |= mutex->contenders;
    if (UNLIKELY(mutex->head | mutex->crowd)) contenders_others_enable(mutex);
}

static inline void contenders_disable(struct object *mutex)
{
    W.enabled[WORLD_THREAD][0] &= ~mutex->contenders;
    if (UNLIKELY(mutex->head | mutex->crowd)) contenders_others_disable(mutex);
}

#pragma GCC visibility pop

#endif
