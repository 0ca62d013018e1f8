/* Simulated threads: creation, end, joining, cancellation, thread-specific data. */
#include "attributes.h"
#include "interrupt.h"
#include "race.h"
#include "refuse.h"

#include <limits.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <unwind.h>

/* glibc's frame of pthread_cleanup_push: a jump buffer to the handler, then room for us. */
struct cleanup {
    __pthread_unwind_buf_t buffer;
};
static struct cleanup **cleanup_next(struct cleanup *cleanup)
{
    return (struct cleanup **)&cleanup->buffer.__pad[0];
}

static struct entity *thread_of(pthread_t thread)
{
    uintptr_t id = (uintptr_t)thread;
    if (id == 0 || id > W.entity_count) return NULL;
    struct entity *entity = entity_of((uint16_t)(id - 1));
    return entity->slot == WORLD_NOBODY ? NULL : entity;
}

static pthread_t handle_of(const struct entity *entity)
{
    return (pthread_t)(entity->id + 1u);
}

uint16_t world_thread_entity(pthread_t thread)
{
    const struct entity *entity = thread_of(thread);
    return entity ? entity->id : WORLD_NOBODY;
}

/* --- life --- */

void thread_main(void)
{
    struct entity *self = W.self;
    step_record(WORLD_OP_START, 0, WORLD_NONE, 0);
    if (UNLIKELY(self->interrupted)) signal_arrive();
    if (self->body) {
        self->body(self->argument);
    } else if (self->start_c11) {
        self->result = (void *)(intptr_t)self->start_c11(self->argument);
    } else {
        self->result = self->start(self->argument);
    }
    thread_end();
}

/* Objects of threads: what joins and exits have in common for the dependence relation. */
static uint32_t thread_object(struct entity *entity)
{
    if (entity->object == 0) entity->object = object_new(entity, OBJECT_THREAD, 0);
    return entity->object;
}

void thread_end(void)
{
    struct entity *self = W.self;
    endings_run(self);
    if (self->has_keys) keys_destroy(self);
    if (UNLIKELY(self->held > 0)) mutex_owner_ends(self);
    process_thread_ends();
    /* Of main, what others use after pthread_exit() stays where it is. */
    if (W.find_races && self->id != 0 && self->home_class == WORLD_THREAD) race_stack_ends();
    step_record(WORLD_OP_EXIT, thread_object(self), WORLD_WRITE, 0);
    self->state = ENTITY_ENDED;
    self->wait = WAIT_FOREVER;
    if (self->home_class == WORLD_THREAD) W.live_threads--;
    if (self->joiner) entity_enable(entity_of((uint16_t)(self->joiner - 1)));
    if (self->id == 0) world_finish();
    sched_block();
    REQUIRE(!"an ended thread runs");
}

static struct entity *thread_new(const char *name, enum world_class class_)
{
    struct entity *entity = entity_new(name, class_);
    fiber_prepare(entity);
    return entity;
}

uint16_t world_spawn(const char *name, enum world_class class_, void (*body)(void *), void *arg)
{
    struct entity *entity = thread_new(name, class_);
    entity->body = body;
    entity->argument = arg;
    if (class_ == WORLD_THREAD) W.live_threads++;
    if (W.self) step_record(WORLD_OP_CREATE, 0, WORLD_NONE, entity->id);
    entity_enable(entity);
    return entity->id;
}

uint16_t world_self(void)
{
    return W.self ? W.self->id : WORLD_NOBODY;
}

void world_group_enter(uint8_t group)
{
    REQUIRE(group < GROUPS_MAX);
    W.self->group = group;
}

uint8_t world_group_of(uint16_t entity)
{
    return entity_of(entity)->group;
}

static void abandon(struct entity *entity)
{
    if (entity->wait == WAIT_MUTEX) contenders_remove(&W.objects[entity->wait_object], entity);
    entity_disable(entity);
    entity->state = ENTITY_GONE;
    entity->wait = WAIT_FOREVER;
    if (entity->home_class == WORLD_THREAD) W.live_threads--;
}

void world_group_kill(uint8_t group)
{
    world_meet(WORLD_MET_ALL);
    for (uint32_t id = 0; id < W.entity_count; id++) {
        struct entity *entity = entity_of((uint16_t)id);
        if (entity->group != group || entity->state != ENTITY_LIVE) continue;
        if (entity->slot == WORLD_NOBODY) continue;
        REQUIRE(entity != W.self);
        abandon(entity);
    }
    arena_group_kill(group);
}

/* --- pthread_create and relatives --- */

static int create(pthread_t *out, const pthread_attr_t *attributes, void *(*start)(void *),
                  int (*start_c11)(void *), void *argument)
{
    if (refused(WORLD_THREADS)) return EAGAIN;
    struct entity *entity = thread_new(NULL, WORLD_THREAD);
    entity->start = start;
    entity->start_c11 = start_c11;
    entity->argument = argument;
    entity->detached = attributes_detached(attributes);
    entity->signal_mask = W.self->signal_mask;
    W.live_threads++;
    *out = handle_of(entity);
    step_record(WORLD_OP_CREATE, 0, WORLD_NONE, entity->id);
    entity_enable(entity);
    return 0;
}

int world_pthread_create(pthread_t *out, const pthread_attr_t *attributes, void *(*start)(void *),
                         void *argument)
{
    return create(out, attributes, start, NULL, argument);
}

int thread_create_c11(pthread_t *out, int (*start)(void *), void *argument)
{
    return create(out, NULL, NULL, start, argument);
}

static struct entity *joinable(pthread_t thread, uintptr_t site)
{
    struct entity *target = thread_of(thread);
    if (target == NULL || target == W.self || target->detached || target->joining_done ||
        target->joiner) {
        const char *why = target == NULL         ? "that never existed"
                          : target == W.self     ? "that is itself"
                          : target->detached     ? "that is detached"
                          : target->joining_done ? "that was joined before"
                                                 : "that another thread is joining";
        finding_raise(WORLD_FOUND_JOIN_INVALID, site, "%s joins a thread %s",
                      world_entity_name(W.self->id), why);
    }
    return target;
}

int thread_join(pthread_t thread, void **result, uint64_t deadline_ns, uintptr_t site)
{
    struct entity *self = W.self;
    struct entity *target = joinable(thread, site);
    thread_test_cancel();
    target->joiner = (uint16_t)(self->id + 1);
    self->wait = WAIT_JOIN;
    self->wait_for = target->id;
    self->wait_site = site;
    self->reason = WOKEN;
    if (target->state == ENTITY_LIVE) {
        entity_disable(self);
        if (deadline_ns == WORLD_NEVER) {
            mutex_check_cycle();
        } else {
            timer_add(self, TIMER_WAKE, deadline_ns);
        }
    }
    sched_point(NULL, WORLD_NONE);
    if (deadline_ns != WORLD_NEVER) timer_remove(self, TIMER_WAKE);
    self->wait = WAIT_NONE;
    target->joiner = 0;
    if (target->state == ENTITY_LIVE) {
        if (self->reason == WOKEN_CANCELLED) thread_test_cancel();
        step_record(WORLD_OP_TIMEOUT, thread_object(target), WORLD_READ, 0);
        return ETIMEDOUT;
    }
    target->joining_done = true;
    step_record(WORLD_OP_JOIN, thread_object(target), WORLD_READ, 0);
    if (result) *result = target->result;
    return 0;
}

int world_pthread_join(pthread_t thread, void **result)
{
    return thread_join(thread, result, WORLD_NEVER, CALLER);
}

int world_pthread_tryjoin_np(pthread_t thread, void **result)
{
    struct entity *target = joinable(thread, CALLER);
    sched_point(NULL, WORLD_NONE);
    if (target->state == ENTITY_LIVE) {
        step_record(WORLD_OP_JOIN, thread_object(target), WORLD_READ, EBUSY);
        return EBUSY;
    }
    return thread_join(thread, result, WORLD_NEVER, CALLER);
}

int world_pthread_clockjoin_np(pthread_t thread, void **result, clockid_t clock,
                               const struct timespec *at)
{
    uint64_t deadline_ns;
    if (!clock_deadline(clock, at, &deadline_ns)) return EINVAL;
    return thread_join(thread, result, deadline_ns, CALLER);
}

int world_pthread_timedjoin_np(pthread_t thread, void **result, const struct timespec *at)
{
    return world_pthread_clockjoin_np(thread, result, CLOCK_REALTIME, at);
}

int world_pthread_detach(pthread_t thread)
{
    struct entity *target = thread_of(thread);
    if (target == NULL) return ESRCH;
    if (target->detached || target->joining_done) return EINVAL;
    target->detached = true;
    step_record(WORLD_OP_DETACH, thread_object(target), WORLD_WRITE, 0);
    return 0;
}

pthread_t world_pthread_self(void)
{
    return handle_of(W.self);
}

int world_pthread_equal(pthread_t a, pthread_t b)
{
    return a == b;
}

int world_pthread_setname_np(pthread_t thread, const char *name)
{
    struct entity *target = thread_of(thread);
    if (target == NULL) return ESRCH;
    if (strlen(name) > 15) return ERANGE;
    snprintf(target->name, sizeof target->name, "%s", name);
    target->named = true;
    return 0;
}

int world_pthread_getname_np(pthread_t thread, char *name, size_t bytes)
{
    const struct entity *target = thread_of(thread);
    if (target == NULL) return ESRCH;
    if (bytes < 16) return ERANGE;
    snprintf(name, 16, "%s", world_entity_name(target->id));
    return 0;
}

bool thread_exists(pthread_t thread, bool *detached)
{
    const struct entity *target = thread_of(thread);
    if (target) *detached = target->detached;
    return target != NULL;
}

void thread_stack_range(pthread_t thread, uintptr_t *low, uintptr_t *high)
{
    fiber_stack_range(thread_of(thread), low, high);
}

void world_thread_roots(uint16_t id, void (*look)(const char *from, const char *to))
{
    const struct entity *entity = entity_of(id);
    uintptr_t low, high;
    if (entity->slot == WORLD_NOBODY) return;
    if (entity->state != ENTITY_LIVE) {
        const char *result = (const char *)&entity->result;
        if (!entity->joining_done) look(result, result + sizeof entity->result);
        return;
    }
    keys_look(entity, look);
    if (id == 0 && !world_exited()) return;
    const char *argument = (const char *)&entity->argument;
    look(argument, argument + sizeof entity->argument);
    low = fiber_stack_used(entity, &high);
    look((const char *)low, (const char *)high);
}

/* --- the end of a thread from the inside, and cancellation --- */

static _Noreturn void run_cleanup(struct entity *self)
{
    struct cleanup *cleanup = self->cleanups;
    self->cleanups = *cleanup_next(cleanup);
    /* The jump buffer comes first. It is shorter than others: it has no signal mask. */
    longjmp((struct __jmp_buf_tag *)(void *)cleanup, 1);
}

/* Called for each frame on the way out of a thread of C++, before its destructors; what lies above
 * the frame is done with. As in glibc, a handler's frame is left by a jump to the handler, which
 * then goes on. */
static _Unwind_Reason_Code on_frame(int version, _Unwind_Action actions,
                                    _Unwind_Exception_Class kind,
                                    struct _Unwind_Exception *exception,
                                    struct _Unwind_Context *context, void *argument)
{
    struct entity *self = argument;
    (void)version, (void)kind, (void)exception;
    bool at_end = actions & _UA_END_OF_STACK;
    if (self->cleanups && (at_end || (uintptr_t)self->cleanups < _Unwind_GetCFA(context))) {
        run_cleanup(self);
    }
    if (at_end) thread_end();
    return _URC_NO_REASON;
}

static void on_caught(_Unwind_Reason_Code reason, struct _Unwind_Exception *exception)
{
    (void)reason, (void)exception;
    finding_raise(WORLD_FOUND_ABORT, CALLER,
                  "%s: the end of a thread was caught by catch (...), and not thrown on",
                  world_entity_name(W.self->id));
}

/* Not on the stack, which is given up meanwhile. */
static struct _Unwind_Exception forced[WORLD_ENTITIES_MAX];

static _Noreturn void unwind(struct entity *self)
{
    if (W.unwinds) {
        struct _Unwind_Exception *exception = &forced[self->slot];
        *exception = (struct _Unwind_Exception){.exception_cleanup = on_caught};
        _Unwind_ForcedUnwind(exception, on_frame, self);
    }
    if (self->cleanups) run_cleanup(self);
    thread_end();
}

void world_pthread_exit(void *result)
{
    W.self->result = result;
    W.self->cancelling = true; /* handlers run once, and are not cancelled themselves */
    unwind(W.self);
}

void world___pthread_register_cancel(__pthread_unwind_buf_t *buffer)
{
    struct cleanup *cleanup = (struct cleanup *)(void *)buffer;
    *cleanup_next(cleanup) = W.self->cleanups;
    W.self->cleanups = cleanup;
}

void world___pthread_unregister_cancel(__pthread_unwind_buf_t *buffer)
{
    W.self->cleanups = *cleanup_next((struct cleanup *)(void *)buffer);
}

_Noreturn void world___pthread_unwind_next(__pthread_unwind_buf_t *buffer)
{
    (void)buffer;
    unwind(W.self);
}

void thread_test_cancel(void)
{
    struct entity *self = W.self;
    if (LIKELY(!self->cancel_pending) || self->cancel_disabled || self->cancelling) return;
    self->cancelling = true;
    self->result = PTHREAD_CANCELED;
    unwind(self);
}

void world_pthread_testcancel(void)
{
    thread_test_cancel();
}

static bool waits_cancellably(const struct entity *target)
{
    switch ((enum wait_kind)target->wait) {
    case WAIT_COND:
    case WAIT_SEM:
    case WAIT_JOIN:
    case WAIT_SLEEP:
    case WAIT_GATE:
        return true;
    case WAIT_NONE:
    case WAIT_MUTEX:
    case WAIT_RWLOCK:
    case WAIT_BARRIER:
    case WAIT_ONCE:
    case WAIT_QUEUE:
    case WAIT_FUTEX:
    case WAIT_FOREVER:
        return false;
    }
    return false;
}

void thread_wake_cancelled(struct entity *target)
{
    if (!target->cancel_pending || target->cancel_disabled || target->cancelling) return;
    if (!waits_cancellably(target)) return;
    timer_remove(target, TIMER_WAKE);
    target->reason = WOKEN_CANCELLED;
    entity_class_set(target, (enum world_class)target->home_class);
    entity_enable(target);
}

/* Cancelled wherever it stands: it is to end before its next step. */
static void interrupt_cancelled(const struct entity *target)
{
    if (!target->cancel_async || target->cancel_disabled || target->cancelling) return;
    if (waits_cancellably(target) || !world_can_interrupt(target->id)) return;
    world_interrupt(target->id);
}

int world_pthread_cancel(pthread_t thread)
{
    struct entity *target = thread_of(thread);
    if (target == NULL) return ESRCH;
    sched_point(NULL, WORLD_NONE);
    step_record(WORLD_OP_CANCEL, thread_object(target), WORLD_WRITE, 0);
    if (target->state != ENTITY_LIVE) return 0;
    target->cancel_pending = true;
    thread_wake_cancelled(target);
    if (target != W.self) {
        interrupt_cancelled(target);
    } else if (target->cancel_async) {
        thread_test_cancel();
    }
    return 0;
}

int world_pthread_setcancelstate(int state, int *old)
{
    if (state != PTHREAD_CANCEL_ENABLE && state != PTHREAD_CANCEL_DISABLE) return EINVAL;
    if (old) *old = W.self->cancel_disabled ? PTHREAD_CANCEL_DISABLE : PTHREAD_CANCEL_ENABLE;
    W.self->cancel_disabled = state == PTHREAD_CANCEL_DISABLE;
    if (W.self->cancel_async) thread_test_cancel();
    return 0;
}

int world_pthread_setcanceltype(int type, int *old)
{
    if (type != PTHREAD_CANCEL_DEFERRED && type != PTHREAD_CANCEL_ASYNCHRONOUS) return EINVAL;
    if (old) {
        *old = W.self->cancel_async ? PTHREAD_CANCEL_ASYNCHRONOUS : PTHREAD_CANCEL_DEFERRED;
    }
    W.self->cancel_async = type == PTHREAD_CANCEL_ASYNCHRONOUS;
    if (W.self->cancel_async) thread_test_cancel();
    return 0;
}
