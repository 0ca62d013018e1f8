/* Mutexes and spinlocks.
 *
 * A thread that is about to lock is a contender of the mutex; contenders are enabled
 * exactly while the mutex is free, so a thread is only ever chosen for a step that it can
 * make, and a blocked attempt is no step. */
#include "interrupt.h"
#include "plain.h"
#include "refuse.h"

enum {
    TYPE_NORMAL = PTHREAD_MUTEX_NORMAL,
    TYPE_RECURSIVE = PTHREAD_MUTEX_RECURSIVE,
    TYPE_ERRORCHECK = PTHREAD_MUTEX_ERRORCHECK,
    TYPE_MASK = 3,
    ROBUST = 4, /* flag beside the type */
    OWNER_DEAD = 8,
    UNRECOVERABLE = 16,
    STATIC_KIND_OFFSET = 16, /* of __kind, which glibc's static initialisers set */
};

/* As object_at(): what was freed is looked at, too. */
__attribute__((no_sanitize("address")))
uint32_t mutex_at(pthread_mutex_t *mutex, uintptr_t site)
{
    uint32_t *storage = (uint32_t *)mutex;
    if (UNLIKELY(*storage == 0)) {
        uint32_t id = *storage = object_new(storage, OBJECT_MUTEX, site);
        int kind = *(int *)((char *)mutex + STATIC_KIND_OFFSET);
        W.objects[id].type = (uint8_t)(kind == 3 ? TYPE_NORMAL : kind & TYPE_MASK);
        return id;
    }
    return object_at(storage, OBJECT_MUTEX, site);
}

/* --- deadlock: the cycle of owners --- */

static uint16_t blocker_of(const struct entity *entity)
{
    if (entity->wait == WAIT_MUTEX) {
        return (uint16_t)(W.objects[entity->wait_object].owner - 1); /* free: WORLD_NOBODY */
    }
    if (entity->wait == WAIT_JOIN) return entity->wait_for;
    return WORLD_NOBODY;
}

static void describe_cycle(const struct entity *start)
{
    const struct entity *at = start;
    do {
        const struct entity *next = entity_of(blocker_of(at));
        if (at->wait == WAIT_MUTEX) {
            const struct object *mutex = &W.objects[at->wait_object];
            finding_detail("%s waits for mutex %u at {pc:%lx}, which %s acquired at {pc:%lx}",
                           world_entity_name(at->id), mutex->ordinal, (unsigned long)at->wait_site,
                           world_entity_name(next->id), (unsigned long)mutex->site);
        } else {
            finding_detail("%s waits at {pc:%lx} for the end of %s", world_entity_name(at->id),
                           (unsigned long)at->wait_site, world_entity_name(next->id));
        }
        at = next;
    } while (at != start);
}

/* The running thread is about to wait; without deadlines a cycle can never resolve. */
void mutex_check_cycle(void)
{
    const struct entity *self = W.self;
    uint16_t at = blocker_of(self);
    for (uint32_t steps = 0; at != WORLD_NOBODY && steps < W.entity_count; steps++) {
        const struct entity *entity = entity_of(at);
        if (entity == self) {
            describe_cycle(self);
            finding_raise(WORLD_FOUND_DEADLOCK, self->wait_site,
                          "threads wait for each other in a cycle");
        }
        if (entity->state != ENTITY_LIVE) return;
        for (uint32_t i = 0; i < W.timer_count; i++) {
            if (W.timers[i].entity == at && W.timers[i].what == TIMER_WAKE) return;
        }
        at = blocker_of(entity);
    }
}

/* --- acquire and release --- */

static inline void take(struct object *mutex, struct entity *self, uintptr_t site)
{
    mutex->owner = (uint16_t)(self->id + 1);
    mutex->count = 1;
    mutex->site = site;
    self->held++;
}

static inline int owner_state(struct object *mutex)
{
    if (LIKELY(!(mutex->type & OWNER_DEAD))) return 0;
    return EOWNERDEAD;
}

static int lock_again(uint32_t id, struct object *mutex, bool timed, uintptr_t site)
{
    if (mutex->kind == OBJECT_MUTEX && (mutex->type & TYPE_MASK) == TYPE_RECURSIVE) {
        if (mutex->count == UINT32_MAX) return EAGAIN;
        mutex->count++;
        step_record(WORLD_OP_LOCK, id, WORLD_WRITE, 0);
        return 0;
    }
    if (mutex->kind == OBJECT_MUTEX && (mutex->type & TYPE_MASK) == TYPE_ERRORCHECK) {
        return EDEADLK;
    }
    if (timed) return 0;
    finding_detail("acquired at {pc:%lx}", (unsigned long)mutex->site);
    finding_raise(WORLD_FOUND_RELOCK, site, "%s locks a %s that it already holds",
                  world_entity_name(W.self->id), world_object_kind(id));
}

/* Contend until the mutex is ours, or the deadline has passed. */
static int contend(uint32_t id, uint64_t deadline_ns, uintptr_t site)
{
    struct object *mutex = &W.objects[id];
    struct entity *self = W.self;
    self->wait = WAIT_MUTEX;
    self->wait_object = id;
    self->wait_site = site;
    self->reason = WOKEN;
    contenders_add(mutex, self);
    if (mutex->owner) {
        entity_disable(self);
        if (deadline_ns == WORLD_NEVER) mutex_check_cycle();
    }
    timer_add(self, TIMER_WAKE, deadline_ns); /* another one may be faster */
    do {
        sched_pass();
    } while (UNLIKELY(mutex->owner && self->reason != WOKEN_TIMEOUT));
    contenders_remove(mutex, self);
    if (deadline_ns != WORLD_NEVER) timer_remove(self, TIMER_WAKE);
    self->wait = WAIT_NONE;
    if (mutex->owner == 0) return 0;
    step_record(WORLD_OP_TIMEOUT, id, WORLD_READ, 0);
    return ETIMEDOUT;
}

/* Others have run: somebody may have freed its memory, or destroyed it. */
static void look_again(const struct object *mutex, enum object_kind kind, uintptr_t site)
{
    (void)object_at((uint32_t *)(uintptr_t)mutex->address, kind, site);
}

/* `relock`: coming back from a condition wait, which is not a new request. */
int mutex_lock(uint32_t id, uint64_t deadline_ns, bool relock, uintptr_t site)
{
    struct object *mutex = &W.objects[id];
    struct entity *self = W.self;
    if (UNLIKELY(mutex->type & UNRECOVERABLE)) return ENOTRECOVERABLE;
    if (UNLIKELY(mutex->owner == self->id + 1)) {
        int rc = lock_again(id, mutex, deadline_ns != WORLD_NEVER, site);
        if (rc != 0 || (mutex->type & TYPE_MASK) == TYPE_RECURSIVE) return rc;
    }
    if (UNLIKELY(deadline_ns != WORLD_NEVER)) mutex->tried = true;
    if (mutex->owner || !sched_alone(self)) {
        enum object_kind kind = (enum object_kind)mutex->kind;
        int rc = contend(id, deadline_ns, site);
        look_again(mutex, kind, site);
        if (rc != 0) return rc;
        if (UNLIKELY(mutex->type & UNRECOVERABLE)) return ENOTRECOVERABLE;
    }
    take(mutex, self, site);
    step_record(relock ? WORLD_OP_WAKE
                       : (deadline_ns == WORLD_NEVER ? WORLD_OP_LOCK : WORLD_OP_TIMEDLOCK),
                id, WORLD_WRITE, 0);
    contenders_disable(mutex);
    return owner_state(mutex);
}

/* The running thread was chosen as a contender, so the mutex is free: take it, as the
 * second step of a condition wait. */
int mutex_take_chosen(uint32_t id, uintptr_t site)
{
    struct object *mutex = &W.objects[id];
    REQUIRE(mutex->owner == 0);
    if (UNLIKELY(mutex->type & UNRECOVERABLE)) return ENOTRECOVERABLE;
    take(mutex, W.self, site);
    step_record(WORLD_OP_WAKE, id, WORLD_WRITE, 0);
    contenders_disable(mutex);
    return owner_state(mutex);
}

static int mutex_trylock(uint32_t id, uintptr_t site)
{
    struct object *mutex = &W.objects[id];
    struct entity *self = W.self;
    uint32_t *storage = (uint32_t *)(uintptr_t)mutex->address;
    enum object_kind kind = (enum object_kind)mutex->kind;
    mutex->tried = true;
    spin_point(storage, WORLD_WRITE, site);
    id = object_at(storage, kind, site); /* somebody may have destroyed it */
    mutex = &W.objects[id];
    if (mutex->type & UNRECOVERABLE) return ENOTRECOVERABLE;
    if (mutex->owner == self->id + 1 && mutex->kind == OBJECT_MUTEX &&
        (mutex->type & TYPE_MASK) == TYPE_RECURSIVE) {
        mutex->count++;
        step_record(WORLD_OP_TRYLOCK, id, WORLD_WRITE, 0);
        return 0;
    }
    if (mutex->owner) {
        spin_step(WORLD_OP_TRYLOCK, id, WORLD_READ, EBUSY, 0, site);
        return EBUSY;
    }
    take(mutex, self, site);
    step_record(WORLD_OP_TRYLOCK, id, WORLD_WRITE, 0);
    contenders_disable(mutex);
    return owner_state(mutex);
}

/* Release whatever the depth of recursion, which goes to *count. */
void mutex_release(uint32_t id, uint32_t *count)
{
    struct object *mutex = &W.objects[id];
    *count = mutex->count;
    mutex->owner = 0;
    mutex->count = 0;
    W.self->held--;
    if (UNLIKELY(mutex->type & OWNER_DEAD)) {
        mutex->type = (uint8_t)((mutex->type & ~OWNER_DEAD) | UNRECOVERABLE);
    }
    contenders_enable(mutex);
    spin_released();
    step_record(WORLD_OP_UNLOCK, id, WORLD_WRITE, 0);
}

static int mutex_unlock(uint32_t id, uintptr_t site)
{
    struct object *mutex = &W.objects[id];
    if (UNLIKELY(mutex->owner != W.self->id + 1)) {
        if (mutex->kind == OBJECT_MUTEX &&
            ((mutex->type & TYPE_MASK) != TYPE_NORMAL || mutex->type & ROBUST)) {
            return EPERM;
        }
        if (mutex->owner) finding_detail("acquired at {pc:%lx}", (unsigned long)mutex->site);
        finding_raise(WORLD_FOUND_UNLOCK_NOT_OWNER, site, "%s unlocks a %s %s%s",
                      world_entity_name(W.self->id), world_object_kind(id),
                      mutex->owner ? "held by " : "that nobody holds",
                      mutex->owner ? world_entity_name((uint16_t)(mutex->owner - 1)) : "");
    }
    if (UNLIKELY(mutex->count > 1)) {
        mutex->count--;
        step_record(WORLD_OP_UNLOCK, id, WORLD_WRITE, 0);
        return 0;
    }
    /* Only a try or a timed lock can tell when exactly a mutex became free. */
    if (UNLIKELY(mutex->tried)) {
        enum object_kind kind = (enum object_kind)mutex->kind;
        sched_point(mutex->address, WORLD_WRITE);
        look_again(mutex, kind, site);
    }
    uint32_t count;
    mutex_release(id, &count);
    return 0;
}

const void *world_mutex_wanted(uint16_t id)
{
    const struct entity *entity = entity_of(id);
    return entity->wait == WAIT_MUTEX ? W.objects[entity->wait_object].address : NULL;
}

uint16_t world_mutex_holder(const void *place)
{
    const struct object *mutex = &W.objects[*(const uint32_t *)place];
    return mutex->owner ? (uint16_t)(mutex->owner - 1) : WORLD_NOBODY;
}

/* A thread ends: robust mutexes remember it, others are held for ever. */
void mutex_owner_ends(struct entity *self)
{
    for (uint32_t id = 1; self->held > 0 && id < W.object_count; id++) {
        struct object *mutex = &W.objects[id];
        if (mutex->owner != self->id + 1) continue;
        if (mutex->kind != OBJECT_MUTEX && mutex->kind != OBJECT_SPIN) continue;
        if (!(mutex->type & ROBUST)) {
            finding_raise(WORLD_FOUND_EXIT_HOLDING_LOCK, mutex->site,
                          "%s ends while it holds %s %u", world_entity_name(self->id),
                          world_object_kind(id), mutex->ordinal);
        }
        uint32_t count;
        mutex_release(id, &count);
        mutex->type |= OWNER_DEAD;
    }
}

/* --- pthread_mutex_* --- */

int world_pthread_mutex_init(pthread_mutex_t *mutex, const pthread_mutexattr_t *attributes)
{
    if (refused(WORLD_LOCKS)) return ENOMEM;
    uint32_t *storage = (uint32_t *)mutex;
    uint32_t id = object_init(storage, OBJECT_MUTEX, CALLER);
    W.objects[id].type = attributes ? (uint8_t)(*(const uint32_t *)attributes & 7) : TYPE_NORMAL;
    step_record(WORLD_OP_INIT, id, WORLD_WRITE, 0);
    return 0;
}

int world_pthread_mutex_destroy(pthread_mutex_t *mutex)
{
    mutex_at(mutex, CALLER);
    object_destroy((uint32_t *)mutex, OBJECT_MUTEX, CALLER);
    return 0;
}

/* Lock and unlock are most of what programs do: they have short paths of their own for
 * mutexes that are normal, not robust, never tried, whose contenders all have a bit. They do
 * exactly what mutex_lock and mutex_unlock would do. */

/* Whether id stands in that storage, and is of an object with that word. */
static inline bool plain_is(const pthread_mutex_t *storage, uint32_t id, uint64_t word)
{
    const struct object *object = &W.objects[id]; /* that of id 0 has no address */
    return LIKELY(id < W.object_count && object->address == storage && object->word == word);
}

static __attribute__((noinline)) int record_watched(struct entity *self, enum world_op op,
                                                    uint32_t id)
{
    step_record_watched(self, op, id, WORLD_WRITE, 0);
    return 0;
}

/* All calls in the short paths are the last thing there, so that these need no stack. */
static inline int record_plain(struct entity *self, enum world_op op, uint32_t id,
                               struct object *mutex)
{
    if (UNLIKELY(W.step >= W.steps_plain_end)) return record_watched(self, op, id);
    step_keep(self, op, id, mutex, WORLD_WRITE, 0);
    return 0;
}

/* Of a free mutex. */
static inline int take_plain(uint32_t id, struct object *mutex, struct entity *self,
                             uintptr_t site)
{
    mutex->word = self->owns;
    mutex->site = site;
    self->held++;
    W.enabled[WORLD_THREAD][0] &= ~mutex->contenders;
    return record_plain(self, WORLD_OP_LOCK, id, mutex);
}

static inline void contend_plain(uint32_t id, struct entity *self, uintptr_t site)
{
    W.objects[id].contenders |= self->bit;
    self->wait = WAIT_MUTEX;
    self->wait_object = id;
    self->wait_site = site;
    self->reason = WOKEN;
}

/* Chosen as a contender, but something has happened meanwhile: another one was faster, or
 * somebody was paused or interrupted. */
static __attribute__((noinline)) int contend_on(uint32_t id, struct entity *self)
{
    struct object *mutex = &W.objects[id];
    if (self->interrupted) signal_arrive();
    while (mutex->owner != 0) sched_pass();
    self->wait = WAIT_NONE;
    contenders_remove(mutex, self);
    take(mutex, self, self->wait_site);
    contenders_disable(mutex);
    step_record_as(self, WORLD_OP_LOCK, id, WORLD_WRITE, 0);
    return 0;
}

/* The running thread was chosen as a contender. All is loaded again: keeping it while others
 * run would take longer. */
static inline int contend_end(void)
{
    struct entity *self = W.self;
    uint32_t id = self->wait_object;
    struct object *mutex = &W.objects[id];
    bool usual = mutex->word == plain_word(0) && mutex->contenders & self->bit;
    if (UNLIKELY(!usual)) return contend_on(id, self);
    self->wait = WAIT_NONE;
    mutex->contenders ^= self->bit;
    return take_plain(id, mutex, self, self->wait_site);
}

/* Another one goes first. */
static __attribute__((noinline)) int contend_after(uint32_t id, struct entity *self,
                                                   struct entity *next, uintptr_t site)
{
    contend_plain(id, self, site);
    fiber_switch(self, next, FIBER_AT_LOCK);
    return contend_end();
}

/* Several others could go first. */
static __attribute__((noinline)) int lock_among(uint32_t id, struct entity *self, uint64_t others,
                                                uintptr_t site)
{
    uint32_t index = sched_draw(1 + sched_count(others));
    if (index == 0) return take_plain(id, &W.objects[id], self, site);
    return contend_after(id, self, sched_nth(others, index - 1), site);
}

static __attribute__((noinline)) int lock_asked(uint32_t id, struct entity *self, uintptr_t site)
{
    if (sched_alone(self)) return take_plain(id, &W.objects[id], self, site);
    contend_plain(id, self, site);
    sched_pass();
    return contend_end();
}

static __attribute__((noinline)) int lock_other(pthread_mutex_t *storage, uintptr_t site)
{
    return mutex_lock(mutex_at(storage, site), WORLD_NEVER, false, site);
}

int world_pthread_mutex_lock(pthread_mutex_t *storage)
{
    uint32_t id = *(const uint32_t *)storage;
    struct object *mutex = &W.objects[id];
    struct entity *self = W.self;
    if (UNLIKELY(!plain_is(storage, id, plain_word(0)) || self->bit == 0)) {
        return lock_other(storage, CALLER);
    }
    if (UNLIKELY(W.draws == NULL)) return lock_asked(id, self, CALLER);
    uint64_t others = W.enabled[WORLD_THREAD][0] ^ self->bit;
    if (others == 0) return take_plain(id, mutex, self, CALLER);
    if (UNLIKELY(sched_rest(others))) return lock_among(id, self, others, CALLER);
    if (sched_draw(2) == 0) return take_plain(id, mutex, self, CALLER);
    return contend_after(id, self, sched_nth(others, 0), CALLER);
}

int world_pthread_mutex_trylock(pthread_mutex_t *mutex)
{
    return mutex_trylock(mutex_at(mutex, CALLER), CALLER);
}

int world_pthread_mutex_clocklock(pthread_mutex_t *mutex, clockid_t clock,
                                  const struct timespec *at)
{
    uint32_t id = mutex_at(mutex, CALLER);
    uint64_t deadline_ns;
    if (!clock_can_wait(clock)) return EINVAL;
    /* POSIX: no validity check of the time where the lock can be had at once. */
    if (!clock_deadline(clock, at, &deadline_ns)) {
        return mutex_trylock(id, CALLER) == 0 ? 0 : EINVAL;
    }
    return mutex_lock(id, deadline_ns, false, CALLER);
}

int world_pthread_mutex_timedlock(pthread_mutex_t *mutex, const struct timespec *at)
{
    return world_pthread_mutex_clocklock(mutex, CLOCK_REALTIME, at);
}

static __attribute__((noinline)) int unlock_other(pthread_mutex_t *storage, uintptr_t site)
{
    return mutex_unlock(mutex_at(storage, site), site);
}

int world_pthread_mutex_unlock(pthread_mutex_t *storage)
{
    uint32_t id = *(const uint32_t *)storage;
    struct object *mutex = &W.objects[id];
    struct entity *self = W.self;
    if (UNLIKELY(!plain_is(storage, id, self->owns))) {
        return unlock_other(storage, CALLER);
    }
    mutex->word = plain_word(0);
    self->held--;
    W.enabled[WORLD_THREAD][0] |= mutex->contenders;
    return record_plain(self, WORLD_OP_UNLOCK, id, mutex);
}

int world_pthread_mutex_consistent(pthread_mutex_t *mutex)
{
    struct object *object = &W.objects[mutex_at(mutex, CALLER)];
    if (!(object->type & OWNER_DEAD) || object->owner != W.self->id + 1) return EINVAL;
    object->type &= (uint8_t)~OWNER_DEAD;
    return 0;
}

int world_pthread_mutex_getprioceiling(const pthread_mutex_t *mutex, int *ceiling)
{
    (void)mutex, (void)ceiling;
    return EINVAL; /* no mutex here has the protect protocol */
}

int world_pthread_mutex_setprioceiling(pthread_mutex_t *mutex, int ceiling, int *old)
{
    (void)mutex, (void)ceiling, (void)old;
    return EINVAL;
}

/* --- pthread_spin_* --- */

static uint32_t spin_at(pthread_spinlock_t *lock, uintptr_t site)
{
    return object_at((uint32_t *)(uintptr_t)lock, OBJECT_SPIN, site);
}

int world_pthread_spin_init(pthread_spinlock_t *lock, int shared)
{
    (void)shared;
    uint32_t *storage = (uint32_t *)(uintptr_t)lock;
    (void)object_init(storage, OBJECT_SPIN, CALLER);
    step_record(WORLD_OP_INIT, *storage, WORLD_WRITE, 0);
    return 0;
}

int world_pthread_spin_destroy(pthread_spinlock_t *lock)
{
    object_destroy((uint32_t *)(uintptr_t)lock, OBJECT_SPIN, CALLER);
    return 0;
}

int world_pthread_spin_lock(pthread_spinlock_t *lock)
{
    return mutex_lock(spin_at(lock, CALLER), WORLD_NEVER, false, CALLER);
}

int world_pthread_spin_trylock(pthread_spinlock_t *lock)
{
    return mutex_trylock(spin_at(lock, CALLER), CALLER);
}

int world_pthread_spin_unlock(pthread_spinlock_t *lock)
{
    return mutex_unlock(spin_at(lock, CALLER), CALLER);
}
