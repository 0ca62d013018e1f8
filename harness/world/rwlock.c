/* Read-write locks. POSIX leaves open who goes first, so every contender that could go may; but
 * past a writer that waits for a lock which prefers writers
 * (PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP) no reader comes. */
#include "interrupt.h"

/* Who holds which lock for reading, and how deep. */
enum { HOLDS_MAX = 4096 };
struct hold {
    uint32_t object;
    uint16_t entity;
    uint16_t depth;
};
static struct hold holds[HOLDS_MAX];
static uint32_t holds_used;

void rwlock_reset(void)
{
    holds_used = 0;
}

static struct hold *hold_of(uint32_t id, uint16_t entity)
{
    for (uint32_t i = 0; i < holds_used; i++) {
        if (holds[i].object == id && holds[i].entity == entity) return &holds[i];
    }
    return NULL;
}

bool rwlock_is_read_by(uint32_t object, uint16_t entity)
{
    return hold_of(object, entity) != NULL;
}

static void hold_add(uint32_t id, uint16_t entity)
{
    struct hold *hold = hold_of(id, entity);
    if (hold == NULL) {
        REQUIRE(holds_used < HOLDS_MAX);
        hold = &holds[holds_used++];
        *hold = (struct hold){id, entity, 0};
    }
    hold->depth++;
}

/* As object_at(): what was freed is looked at, too. */
__attribute__((no_sanitize("address")))
static uint32_t rwlock_at(pthread_rwlock_t *lock, uintptr_t site)
{
    bool fresh = *(uint32_t *)lock == 0;
    uint32_t id = object_at((uint32_t *)lock, OBJECT_RWLOCK, site);
    if (fresh) W.objects[id].type = (uint8_t)lock->__data.__flags; /* a static initialiser's */
    return id;
}

static bool prefers_writers(const struct object *lock)
{
    return lock->type == PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP;
}

/* Those that wait are counted where they are preferred. */
bool rwlock_can_go(const struct object *lock, bool write)
{
    return lock->owner == 0 && (write ? lock->count == 0 : lock->waiters == 0);
}

static void refresh(struct object *lock)
{
    for (uint16_t at = lock->head; at != 0;) {
        struct entity *entity = entity_of((uint16_t)(at - 1));
        if (rwlock_can_go(lock, entity->wants_write)) {
            entity_enable(entity);
        } else if (entity->reason != WOKEN_TIMEOUT) {
            entity_disable(entity);
        }
        at = entity->next;
    }
}

static void take(uint32_t id, bool write, enum world_op op, uintptr_t site)
{
    struct object *lock = &W.objects[id];
    if (write) {
        lock->owner = (uint16_t)(W.self->id + 1);
    } else {
        lock->count++;
        hold_add(id, W.self->id);
    }
    lock->site = site;
    step_record(op, id, WORLD_WRITE, 0);
    refresh(lock);
}

/* Whether a writer that is preferred has to wait. If so it says that, as a step of its own: whether
 * a reader comes before it is a choice. */
static bool announce(uint32_t id, uintptr_t site)
{
    struct object *lock = &W.objects[id];
    uint32_t *storage = (uint32_t *)(uintptr_t)lock->address;
    sched_point(storage, WORLD_WRITE);
    (void)object_at(storage, OBJECT_RWLOCK, site); /* somebody may have destroyed it */
    if (rwlock_can_go(lock, true)) return false;
    lock->waiters++;
    step_record(WORLD_OP_WRLOCK_WAITS, id, WORLD_WRITE, 0);
    refresh(lock);
    return true;
}

static int lock_until(pthread_rwlock_t *storage, bool write, uint64_t deadline_ns, uintptr_t site)
{
    uint32_t id = rwlock_at(storage, site);
    struct object *lock = &W.objects[id];
    struct entity *self = W.self;
    if (lock->owner == self->id + 1) return EDEADLK;
    if (deadline_ns != WORLD_NEVER) lock->tried = true;
    bool preferred = write && prefers_writers(lock);
    if (preferred && !announce(id, site)) {
        take(id, true, WORLD_OP_WRLOCK, site);
        return 0;
    }
    self->wait = WAIT_RWLOCK;
    self->wait_object = id;
    self->wait_site = site;
    self->wants_write = write;
    self->reason = WOKEN;
    queue_push(&lock->head, &lock->tail, self);
    if (!rwlock_can_go(lock, write)) entity_disable(self);
    timer_add(self, TIMER_WAKE, deadline_ns);
    do {
        sched_point(lock->address, write ? WORLD_WRITE : WORLD_READ);
    } while (!rwlock_can_go(lock, write) && self->reason != WOKEN_TIMEOUT);
    queue_remove(&lock->head, &lock->tail, self);
    if (deadline_ns != WORLD_NEVER) timer_remove(self, TIMER_WAKE);
    self->wait = WAIT_NONE;
    (void)rwlock_at(storage, site); /* it may have been freed */
    lock->waiters -= preferred;
    if (!rwlock_can_go(lock, write)) {
        if (preferred) {
            refresh(lock);
            spin_released();
        }
        step_record(WORLD_OP_TIMEOUT, id, preferred ? WORLD_WRITE : WORLD_READ, 0);
        return ETIMEDOUT;
    }
    take(id, write, write ? WORLD_OP_WRLOCK : WORLD_OP_RDLOCK, site);
    return 0;
}

static int try_lock(pthread_rwlock_t *storage, bool write, uintptr_t site)
{
    enum world_op op = write ? WORLD_OP_TRYWRLOCK : WORLD_OP_TRYRDLOCK;
    W.objects[rwlock_at(storage, site)].tried = true;
    spin_point(storage, write ? WORLD_WRITE : WORLD_READ, site);
    uint32_t id = rwlock_at(storage, site); /* somebody may have destroyed it */
    const struct object *lock = &W.objects[id];
    if (!rwlock_can_go(lock, write)) {
        spin_step(op, id, WORLD_READ, EBUSY, 0, site);
        return EBUSY;
    }
    take(id, write, op, site);
    return 0;
}

int world_pthread_rwlock_init(pthread_rwlock_t *lock, const pthread_rwlockattr_t *attributes)
{
    uint32_t *storage = (uint32_t *)lock;
    uint32_t id = object_init(storage, OBJECT_RWLOCK, CALLER);
    if (attributes) W.objects[id].type = *(const uint32_t *)(const void *)attributes >> 1 & 3;
    step_record(WORLD_OP_INIT, *storage, WORLD_WRITE, 0);
    return 0;
}

int world_pthread_rwlock_destroy(pthread_rwlock_t *lock)
{
    object_destroy((uint32_t *)lock, OBJECT_RWLOCK, CALLER);
    return 0;
}

int world_pthread_rwlock_rdlock(pthread_rwlock_t *lock)
{
    return lock_until(lock, false, WORLD_NEVER, CALLER);
}

int world_pthread_rwlock_wrlock(pthread_rwlock_t *lock)
{
    return lock_until(lock, true, WORLD_NEVER, CALLER);
}

int world_pthread_rwlock_tryrdlock(pthread_rwlock_t *lock)
{
    return try_lock(lock, false, CALLER);
}

int world_pthread_rwlock_trywrlock(pthread_rwlock_t *lock)
{
    return try_lock(lock, true, CALLER);
}

static int clocked(pthread_rwlock_t *lock, bool write, clockid_t clock, const struct timespec *at,
                   uintptr_t site)
{
    uint64_t deadline_ns;
    rwlock_at(lock, site);
    if (!clock_can_wait(clock)) return EINVAL;
    if (!clock_deadline(clock, at, &deadline_ns)) {
        return try_lock(lock, write, site) == 0 ? 0 : EINVAL;
    }
    return lock_until(lock, write, deadline_ns, site);
}

int world_pthread_rwlock_clockrdlock(pthread_rwlock_t *lock, clockid_t clock,
                                     const struct timespec *at)
{
    return clocked(lock, false, clock, at, CALLER);
}

int world_pthread_rwlock_clockwrlock(pthread_rwlock_t *lock, clockid_t clock,
                                     const struct timespec *at)
{
    return clocked(lock, true, clock, at, CALLER);
}

int world_pthread_rwlock_timedrdlock(pthread_rwlock_t *lock, const struct timespec *at)
{
    return clocked(lock, false, CLOCK_REALTIME, at, CALLER);
}

int world_pthread_rwlock_timedwrlock(pthread_rwlock_t *lock, const struct timespec *at)
{
    return clocked(lock, true, CLOCK_REALTIME, at, CALLER);
}

int world_pthread_rwlock_unlock(pthread_rwlock_t *storage)
{
    bool tried = W.objects[rwlock_at(storage, CALLER)].tried;
    if (tried) sched_point(storage, WORLD_WRITE);
    uint32_t id = rwlock_at(storage, CALLER); /* somebody may have freed it */
    struct object *lock = &W.objects[id];
    bool write = lock->owner == W.self->id + 1;
    if (write) {
        lock->owner = 0;
    } else {
        struct hold *hold = hold_of(id, W.self->id);
        if (hold == NULL) {
            finding_raise(WORLD_FOUND_UNLOCK_NOT_OWNER, CALLER,
                          "%s unlocks a rwlock that it does not hold",
                          world_entity_name(W.self->id));
        }
        lock->count--;
        if (--hold->depth == 0) *hold = holds[--holds_used];
    }
    refresh(lock);
    spin_released();
    step_record(WORLD_OP_RWUNLOCK, id, WORLD_WRITE, !write);
    return 0;
}
