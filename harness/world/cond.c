/* Condition variables. A wait is two steps: release and enqueue; then, woken, take the mutex
 * again. A timeout is a step of its own between them, so that a signal which comes after the
 * deadline but before the waiter runs is explored both ways. */
#include "contend.h"
#include "refuse.h"

static uint32_t cond_at(pthread_cond_t *cond, uintptr_t site)
{
    return object_at((uint32_t *)cond, OBJECT_COND, site);
}

/* Others may come before the operation, and destroy it. */
static uint32_t cond_point(pthread_cond_t *cond, uintptr_t site)
{
    cond_at(cond, site);
    sched_point(cond, WORLD_WRITE);
    return cond_at(cond, site);
}

static struct entity *waiter_at(const struct object *cond, uint32_t index)
{
    uint16_t at = cond->head;
    while (index-- > 0) at = entity_of((uint16_t)(at - 1))->next;
    return entity_of((uint16_t)(at - 1));
}

static void leave_queue(struct object *cond, struct entity *waiter)
{
    queue_remove(&cond->head, &cond->tail, waiter);
    cond->waiters--;
}

/* The waiter becomes a contender of its mutex. */
static void wake(struct object *cond, struct entity *waiter)
{
    struct object *mutex = &W.objects[cond->other];
    leave_queue(cond, waiter);
    timer_remove(waiter, TIMER_WAKE);
    entity_disable(waiter);
    entity_class_set(waiter, (enum world_class)waiter->home_class);
    waiter->reason = WOKEN;
    waiter->hash = mix(waiter->hash, cond->write_hash); /* the signal is in its past */
    waiter->wait = WAIT_MUTEX;
    waiter->wait_object = cond->other;
    contenders_add(mutex, waiter);
    if (mutex->owner == 0) entity_enable(waiter);
}

static void check_wait(struct object *cond, uint32_t mutex_id, uintptr_t site)
{
    struct object *mutex = &W.objects[mutex_id];
    if (mutex->owner != W.self->id + 1) {
        finding_raise(WORLD_FOUND_COND_MUTEX_NOT_HELD, site,
                      "%s waits on a condition without holding its mutex",
                      world_entity_name(W.self->id));
    }
    if (cond->waiters > 0 && cond->other != mutex_id) {
        finding_detail("another wait is at {pc:%lx}",
                       (unsigned long)waiter_at(cond, 0)->wait_site);
        finding_raise(WORLD_FOUND_COND_TWO_MUTEXES, site,
                      "waits on one condition with two different mutexes at the same time");
    }
}

/* Not signalled: expired, spurious or cancelled. Leaves the queue as a step of its own. */
static void give_up(uint32_t id, struct object *cond)
{
    struct entity *self = W.self;
    leave_queue(cond, self);
    timer_remove(self, TIMER_WAKE);
    entity_class_set(self, (enum world_class)self->home_class);
    if (self->reason == WOKEN_SPURIOUS && W.spurious_left > 0) W.spurious_left--;
    step_record(self->reason == WOKEN_TIMEOUT ? WORLD_OP_TIMEOUT : WORLD_OP_WAKE, id, WORLD_WRITE,
                self->reason);
}

static void enqueue(uint32_t id, uint32_t mutex_id, uint64_t deadline_ns, uintptr_t site)
{
    struct object *cond = &W.objects[id];
    struct entity *self = W.self;
    cond->other = mutex_id;
    cond->waiters++;
    queue_push(&cond->head, &cond->tail, self);
    self->wait = WAIT_COND;
    self->wait_object = id;
    self->wait_site = site;
    self->reason = WOKEN_SPURIOUS;
    step_record(WORLD_OP_WAIT, id, WORLD_WRITE, W.spurious_left > 0);
    entity_disable(self);
    timer_add(self, TIMER_WAKE, deadline_ns);
    if (W.spurious_left > 0 && !entity_enabled(self)) {
        entity_class_set(self, WORLD_SPURIOUS);
        entity_enable(self);
    }
}

static int cond_wait(pthread_cond_t *storage, pthread_mutex_t *mutex_storage, uint64_t deadline_ns,
                     uintptr_t site)
{
    uint32_t id = cond_at(storage, site);
    uint32_t mutex_id = mutex_at(mutex_storage, site);
    struct object *cond = &W.objects[id];
    struct entity *self = W.self;
    check_wait(cond, mutex_id, site);
    sched_point(storage, WORLD_WRITE);
    (void)cond_at(storage, site); /* somebody may have destroyed it */
    thread_test_cancel();
    uint32_t depth;
    self->wait = WAIT_COND; /* nobody may come in between */
    mutex_release(mutex_id, &depth);
    enqueue(id, mutex_id, deadline_ns, site);
    sched_pass();
    enum wake_reason reason = (enum wake_reason)self->reason;
    int rc = 0;
    if (reason == WOKEN) {
        /* Chosen as a contender: the mutex is free. */
        struct object *mutex = &W.objects[mutex_id];
        contenders_remove(mutex, self);
        self->wait = WAIT_NONE;
        rc = mutex_take_chosen(mutex_id, site);
    } else {
        give_up(id, cond);
        self->wait = WAIT_NONE;
        rc = mutex_lock(mutex_id, WORLD_NEVER, true, site);
    }
    W.objects[mutex_id].count = depth;
    if (reason == WOKEN_CANCELLED) thread_test_cancel();
    if (rc == 0 && reason == WOKEN_TIMEOUT) rc = ETIMEDOUT;
    return rc;
}

int world_pthread_cond_init(pthread_cond_t *cond, const pthread_condattr_t *attributes)
{
    if (refused(WORLD_LOCKS)) return ENOMEM;
    uint32_t *storage = (uint32_t *)cond;
    uint32_t id = object_init(storage, OBJECT_COND, CALLER);
    W.objects[id].type = attributes ? (uint8_t)(*(const uint32_t *)attributes & 0xff) : 0;
    step_record(WORLD_OP_INIT, id, WORLD_WRITE, 0);
    return 0;
}

int world_pthread_cond_destroy(pthread_cond_t *cond)
{
    object_destroy((uint32_t *)cond, OBJECT_COND, CALLER);
    return 0;
}

int world_pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex)
{
    return cond_wait(cond, mutex, WORLD_NEVER, CALLER);
}

int world_pthread_cond_clockwait(pthread_cond_t *cond, pthread_mutex_t *mutex, clockid_t clock,
                                 const struct timespec *at)
{
    uint64_t deadline_ns;
    if (!clock_can_wait(clock) || !clock_deadline(clock, at, &deadline_ns)) return EINVAL;
    return cond_wait(cond, mutex, deadline_ns, CALLER);
}

int world_pthread_cond_timedwait(pthread_cond_t *cond, pthread_mutex_t *mutex,
                                 const struct timespec *at)
{
    uint64_t deadline_ns;
    clockid_t clock = W.objects[cond_at(cond, CALLER)].type;
    if (!clock_can_wait(clock) || !clock_deadline(clock, at, &deadline_ns)) return EINVAL;
    return cond_wait(cond, mutex, deadline_ns, CALLER);
}

int world_pthread_cond_signal(pthread_cond_t *storage)
{
    uint32_t id = cond_point(storage, CALLER);
    struct object *cond = &W.objects[id];
    if (cond->waiters == 0) {
        step_record(WORLD_OP_SIGNAL, id, WORLD_READ, 0);
        return 0;
    }
    W.signalled = id;
    uint32_t chosen = sched_value(cond->waiters, "signal");
    step_record(WORLD_OP_SIGNAL, id, WORLD_WRITE, chosen + 1);
    wake(cond, waiter_at(cond, chosen));
    return 0;
}

uint16_t world_signal_waiter(uint32_t index)
{
    const struct object *cond = &W.objects[W.signalled];
    return index < cond->waiters ? waiter_at(cond, index)->id : WORLD_NOBODY;
}

int world_pthread_cond_broadcast(pthread_cond_t *storage)
{
    uint32_t id = cond_point(storage, CALLER);
    struct object *cond = &W.objects[id];
    step_record(WORLD_OP_BROADCAST, id, cond->waiters ? WORLD_WRITE : WORLD_READ, cond->waiters);
    while (cond->waiters > 0) wake(cond, waiter_at(cond, 0));
    return 0;
}
