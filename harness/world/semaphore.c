/* Unnamed semaphores, barriers, and one-time initialisation: objects with a gate. What others may
 * have destroyed or freed while they had their turn is looked up once more. */
#include "interrupt.h"

#include <limits.h>
#include <setjmp.h>
#include <semaphore.h>

/* Wait in the object's list until `open` holds or the deadline has passed; the opener
 * enables whoever may go. */
static bool wait_at(uint32_t id, enum wait_kind kind, bool open, uint64_t deadline_ns,
                    uintptr_t site)
{
    struct object *object = &W.objects[id];
    struct entity *self = W.self;
    self->wait = (uint8_t)kind;
    self->wait_object = id;
    self->wait_site = site;
    self->reason = WOKEN;
    queue_push(&object->head, &object->tail, self);
    if (!open) entity_disable(self);
    timer_add(self, TIMER_WAKE, deadline_ns);
    sched_point(object->address, WORLD_WRITE);
    queue_remove(&object->head, &object->tail, self);
    if (deadline_ns != WORLD_NEVER) timer_remove(self, TIMER_WAKE);
    self->wait = WAIT_NONE;
    return self->reason != WOKEN_TIMEOUT;
}

static void open_gate(struct object *object, bool open)
{
    for (uint16_t at = object->head; at != 0;) {
        struct entity *entity = entity_of((uint16_t)(at - 1));
        if (open) {
            entity_enable(entity);
        } else if (entity->reason != WOKEN_TIMEOUT && entity->reason != WOKEN_CANCELLED) {
            entity_disable(entity);
        }
        at = entity->next;
    }
}

/* --- sem_* --- */

/* As object_at(): what was freed is looked at, too. */
__attribute__((no_sanitize("address")))
static uint32_t sem_at(sem_t *sem, uintptr_t site)
{
    uint32_t *storage = (uint32_t *)sem;
    if (*storage == 0) {
        finding_raise(WORLD_FOUND_UNINITIALISED_OBJECT, site,
                      "a semaphore is used without initialisation");
    }
    return object_at(storage, OBJECT_SEM, site);
}

static int failed(int error)
{
    errno = error;
    return -1;
}

int world_sem_init(sem_t *sem, int shared, unsigned value)
{
    (void)shared;
    if (value > SEM_VALUE_MAX) return failed(EINVAL);
    uint32_t *storage = (uint32_t *)sem;
    (void)object_init(storage, OBJECT_SEM, CALLER);
    W.objects[*storage].count = value;
    step_record(WORLD_OP_INIT, *storage, WORLD_WRITE, value);
    return 0;
}

int world_sem_destroy(sem_t *sem)
{
    sem_at(sem, CALLER);
    object_destroy((uint32_t *)sem, OBJECT_SEM, CALLER);
    return 0;
}

static int sem_take(uint32_t id, enum world_op op)
{
    struct object *sem = &W.objects[id];
    sem->count--;
    step_record(op, id, WORLD_WRITE, 0);
    if (sem->count == 0) open_gate(sem, false);
    return 0;
}

static int sem_wait_until(sem_t *storage, uint64_t deadline_ns, uintptr_t site)
{
    uint32_t id = sem_at(storage, site);
    struct object *sem = &W.objects[id];
    thread_test_cancel();
    do {
        bool in_time = wait_at(id, WAIT_SEM, sem->count > 0, deadline_ns, site);
        (void)sem_at(storage, site);
        if (W.self->reason == WOKEN_CANCELLED) thread_test_cancel();
        if (sem->count == 0 && W.self->reason == WOKEN_SIGNAL) {
            step_record(WORLD_OP_TIMEOUT, id, WORLD_READ, EINTR);
            return failed(EINTR);
        }
        if (sem->count == 0 && !in_time) {
            step_record(WORLD_OP_TIMEOUT, id, WORLD_READ, 0);
            return failed(ETIMEDOUT);
        }
    } while (sem->count == 0);
    return sem_take(id, WORLD_OP_SEM_WAIT);
}

int world_sem_wait(sem_t *sem)
{
    return sem_wait_until(sem, WORLD_NEVER, CALLER);
}

int world_sem_trywait(sem_t *storage)
{
    sem_at(storage, CALLER);
    spin_point(storage, WORLD_WRITE, CALLER);
    uint32_t id = sem_at(storage, CALLER);
    if (W.objects[id].count > 0) return sem_take(id, WORLD_OP_SEM_TRY);
    spin_step(WORLD_OP_SEM_TRY, id, WORLD_READ, EAGAIN, 0, CALLER);
    return failed(EAGAIN);
}

int world_sem_clockwait(sem_t *storage, clockid_t clock, const struct timespec *at)
{
    sem_at(storage, CALLER);
    uint64_t deadline_ns;
    if (!clock_can_wait(clock)) return failed(EINVAL);
    if (!clock_deadline(clock, at, &deadline_ns)) {
        sched_point(storage, WORLD_WRITE);
        uint32_t id = sem_at(storage, CALLER);
        return W.objects[id].count > 0 ? sem_take(id, WORLD_OP_SEM_TRY) : failed(EINVAL);
    }
    return sem_wait_until(storage, deadline_ns, CALLER);
}

int world_sem_timedwait(sem_t *sem, const struct timespec *at)
{
    return world_sem_clockwait(sem, CLOCK_REALTIME, at);
}

int world_sem_post(sem_t *storage)
{
    sem_at(storage, CALLER);
    sched_point(storage, WORLD_WRITE);
    uint32_t id = sem_at(storage, CALLER);
    struct object *sem = &W.objects[id];
    if (sem->count == SEM_VALUE_MAX) {
        finding_raise(WORLD_FOUND_OVERFLOW, CALLER, "a semaphore is posted beyond SEM_VALUE_MAX");
    }
    step_record(WORLD_OP_SEM_POST, id, WORLD_WRITE, sem->count++);
    open_gate(sem, true);
    spin_released();
    return 0;
}

int world_sem_getvalue(sem_t *storage, int *value)
{
    sem_at(storage, CALLER);
    spin_point(storage, WORLD_READ, CALLER);
    uint32_t id = sem_at(storage, CALLER);
    uint32_t count = W.objects[id].count;
    *value = (int)count;
    spin_step(WORLD_OP_SEM_READ, id, WORLD_READ, count, count, CALLER);
    return 0;
}

/* --- pthread_barrier_* --- */

__attribute__((no_sanitize("address")))
static uint32_t barrier_at(pthread_barrier_t *barrier, uintptr_t site)
{
    uint32_t *storage = (uint32_t *)barrier;
    if (*storage == 0) {
        finding_raise(WORLD_FOUND_UNINITIALISED_OBJECT, site,
                      "a barrier is used without initialisation");
    }
    return object_at(storage, OBJECT_BARRIER, site);
}

int world_pthread_barrier_init(pthread_barrier_t *barrier, const pthread_barrierattr_t *attributes,
                               unsigned count)
{
    (void)attributes;
    if (count == 0) return EINVAL;
    uint32_t *storage = (uint32_t *)barrier;
    (void)object_init(storage, OBJECT_BARRIER, CALLER);
    W.objects[*storage].count = count;
    step_record(WORLD_OP_INIT, *storage, WORLD_WRITE, count);
    return 0;
}

int world_pthread_barrier_destroy(pthread_barrier_t *barrier)
{
    barrier_at(barrier, CALLER);
    object_destroy((uint32_t *)barrier, OBJECT_BARRIER, CALLER);
    return 0;
}

int world_pthread_barrier_wait(pthread_barrier_t *storage)
{
    barrier_at(storage, CALLER);
    sched_point(storage, WORLD_WRITE);
    uint32_t id = barrier_at(storage, CALLER);
    struct object *barrier = &W.objects[id];
    barrier->other++;
    if (barrier->other == barrier->count) {
        barrier->other = 0;
        barrier->type++; /* for those who are interrupted, and not in line */
        step_record(WORLD_OP_BARRIER, id, WORLD_WRITE, 1);
        while (barrier->head != 0) {
            struct entity *waiter = entity_of((uint16_t)(barrier->head - 1));
            queue_remove(&barrier->head, &barrier->tail, waiter);
            entity_enable(waiter);
        }
        return PTHREAD_BARRIER_SERIAL_THREAD;
    }
    step_record(WORLD_OP_BARRIER, id, WORLD_WRITE, 0);
    struct entity *self = W.self;
    self->wait = WAIT_BARRIER;
    self->wait_object = id;
    self->wait_site = CALLER;
    queue_push(&barrier->head, &barrier->tail, self);
    sched_block();
    self->wait = WAIT_NONE;
    step_record(WORLD_OP_WAKE, id, WORLD_READ, 0);
    return 0;
}

/* --- pthread_once, call_once --- */

_Noreturn void world___pthread_unwind_next(__pthread_unwind_buf_t *buffer);
void world___pthread_register_cancel(__pthread_unwind_buf_t *buffer);
void world___pthread_unregister_cancel(__pthread_unwind_buf_t *buffer);

void world___tsan_atomic8_store(volatile uint8_t *memory, uint8_t value, int order);

enum { ONCE_FRESH, ONCE_RUNNING, ONCE_DONE };

bool once_is_open(const struct object *once)
{
    return once->other != ONCE_RUNNING;
}

/* Cancelled inside, it is as if it had never been called. Apart from once(), whose variables
 * would be at the mercy of the jump. */
static __attribute__((noinline)) void call_cancellably(struct object *object, void (*init)(void))
{
    __pthread_unwind_buf_t frame;
    if (__sigsetjmp_cancel(frame.__cancel_jmp_buf, 0) != 0) {
        object->other = ONCE_FRESH;
        open_gate(object, true);
        world___pthread_unwind_next(&frame);
    }
    world___pthread_register_cancel(&frame);
    init();
    world___pthread_unregister_cancel(&frame);
}

/* True: it is to be done by the caller. */
static bool once_begin(uint32_t id, uintptr_t site)
{
    struct object *object = &W.objects[id];
    sched_point(object->address, WORLD_WRITE);
    while (object->other == ONCE_RUNNING) {
        wait_at(id, WAIT_ONCE, false, WORLD_NEVER, site);
    }
    if (object->other == ONCE_DONE) {
        step_record(WORLD_OP_ONCE, id, WORLD_READ, 0);
        return false;
    }
    object->other = ONCE_RUNNING;
    step_record(WORLD_OP_ONCE, id, WORLD_WRITE, 1);
    return true;
}

static void once_end(uint32_t id)
{
    W.objects[id].other = ONCE_DONE;
    step_record(WORLD_OP_ONCE, id, WORLD_WRITE, 2);
    open_gate(&W.objects[id], true);
}

static void once_give_up(uint32_t id)
{
    W.objects[id].other = ONCE_FRESH;
    step_record(WORLD_OP_ONCE, id, WORLD_WRITE, 2); /* the next one knows what this one did */
    open_gate(&W.objects[id], true);
}

/* When an exception of C++ leaves the function. */
static void once_left(const uint32_t *id)
{
    if (W.objects[*id].other == ONCE_RUNNING) once_give_up(*id);
}

static int once(uint32_t *storage, void (*init)(void), uintptr_t site)
{
    __attribute__((cleanup(once_left))) uint32_t id = object_at(storage, OBJECT_ONCE, site);
    if (!once_begin(id, site)) return 0;
    call_cancellably(&W.objects[id], init);
    once_end(id);
    return 0;
}

int world_pthread_once(pthread_once_t *control, void (*init)(void))
{
    return once((uint32_t *)control, init, CALLER);
}

/* once_flag of <threads.h> is an int in glibc, as pthread_once_t is. */
void world_call_once(void *flag, void (*init)(void))
{
    once(flag, init, CALLER);
}

/* --- local statics of C++ --- */

/* The first byte tells the compiler's code that all is done, and is read by it atomically. The
 * object lies in the second half. */
static uint32_t guard_at(uint64_t *guard, uintptr_t site)
{
    return object_at((uint32_t *)guard + 1, OBJECT_ONCE, site);
}

int world_cxx_guard_acquire(uint64_t *guard)
{
    return once_begin(guard_at(guard, CALLER), CALLER);
}

void world_cxx_guard_release(uint64_t *guard)
{
    uint8_t *done = (uint8_t *)guard;
    once_end(guard_at(guard, CALLER));
    if (W.level >= WORLD_LEVEL_ATOMICS) {
        world___tsan_atomic8_store(done, 1, __ATOMIC_RELEASE);
    } else {
        *done = 1;
    }
}

void world_cxx_guard_abort(uint64_t *guard)
{
    once_give_up(guard_at(guard, CALLER));
}
