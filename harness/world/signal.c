#include "signal.h"

#include "futex.h"
#include "interrupt.h"

#include <string.h>

/* Where a thread was when it was interrupted. */
struct interruption {
    uintptr_t wait_site;
    uint32_t wait_object;
    uint16_t wait, wait_for, reason;
    bool wants_write, ready;
    uint8_t next_access;
    uint8_t turn; /* of a barrier */
    const void *next_place;
    uint64_t deadline_ns;
    struct world_gate gate;
};

static struct interruption interruptions[WORLD_ENTITIES_MAX];
static const struct world_signals *signals;

void world_signals_set(const struct world_signals *what)
{
    signals = what;
}

uint64_t *world_signal_mask(uint16_t entity)
{
    return &entity_of(entity)->signal_mask;
}

bool world_can_interrupt(uint16_t id)
{
    const struct entity *entity = entity_of(id);
    return entity->slot != WORLD_NOBODY && entity->state == ENTITY_LIVE &&
           entity->home_class == WORLD_THREAD && entity->wait != WAIT_QUEUE &&
           entity->wait != WAIT_FOREVER;
}

bool signal_pending(void)
{
    return signals && signals->pending();
}

enum world_resume signal_run(void)
{
    int saved_errno = errno;
    enum world_resume how = signals->run();
    errno = saved_errno;
    return how;
}

void signal_aborts(void)
{
    if (signals) signals->aborts();
}

bool world_thread_ended(uint16_t entity)
{
    return entity_of(entity)->state != ENTITY_LIVE;
}

/* --- leaving --- */

static uint64_t take_deadline(struct entity *entity)
{
    for (uint32_t at = 0; at < W.timer_count; at++) {
        if (W.timers[at].entity != entity->id || W.timers[at].what != TIMER_WAKE) continue;
        uint64_t due_ns = W.timers[at].due_ns;
        timer_remove(entity, TIMER_WAKE);
        return due_ns;
    }
    return WORLD_NEVER;
}

static void leave(struct entity *entity, struct interruption *was)
{
    struct object *object = &W.objects[entity->wait_object];
    switch ((enum wait_kind)entity->wait) {
    case WAIT_NONE:
        if (!was->ready) spin_take_back(entity);
        return;
    case WAIT_MUTEX:
        contenders_remove(object, entity);
        return;
    case WAIT_COND:
        object->waiters--;
        queue_remove(&object->head, &object->tail, entity);
        return;
    case WAIT_RWLOCK:
    case WAIT_SEM:
    case WAIT_ONCE:
        queue_remove(&object->head, &object->tail, entity);
        return;
    case WAIT_BARRIER:
        was->turn = object->type;
        if (!was->ready) queue_remove(&object->head, &object->tail, entity);
        return;
    case WAIT_JOIN:
        entity_of(entity->wait_for)->joiner = 0;
        return;
    case WAIT_GATE:
        gate_leave(entity, &was->gate);
        return;
    case WAIT_FUTEX:
        queue_leave(object->address, entity);
        futex_leave(object->address);
        return;
    case WAIT_SLEEP:
    case WAIT_QUEUE:
    case WAIT_FOREVER:
        return;
    }
}

void world_interrupt(uint16_t id)
{
    struct entity *entity = entity_of(id);
    struct interruption *was = &interruptions[id];
    if (entity->interrupted) return;
    *was = (struct interruption){
        .wait_site = entity->wait_site,
        .wait_object = entity->wait_object,
        .wait = entity->wait,
        .wait_for = entity->wait_for,
        .reason = entity->reason,
        .wants_write = entity->wants_write,
        .ready = entity_enabled(entity) && entity->class_ == entity->home_class,
        .next_place = entity->next_place,
        .next_access = entity->next_access,
        .deadline_ns = take_deadline(entity),
    };
    leave(entity, was);
    entity->interrupted = true;
    entity->wait = WAIT_NONE;
    entity->reason = WOKEN;
    entity->next_place = NULL;
    entity_class_set(entity, (enum world_class)entity->home_class);
    entity_enable(entity);
}

/* --- coming back --- */

/* It waits again for what it waited for, unless that has come. */
static void wait_again(struct entity *entity, const struct interruption *was, bool open)
{
    if (!open) {
        entity_disable(entity);
        timer_add(entity, TIMER_WAKE, was->deadline_ns);
        if (entity->wait == WAIT_MUTEX && was->deadline_ns == WORLD_NEVER) mutex_check_cycle();
        thread_wake_cancelled(entity);
    }
    sched_pass();
}

/* What ended the wait before the interruption came still does. */
static bool is_over(const struct entity *entity)
{
    return entity->reason == WOKEN_TIMEOUT || entity->reason == WOKEN_CANCELLED;
}

static void end_call(struct entity *entity)
{
    entity->reason = WOKEN_SIGNAL;
}

static void line_up(struct entity *entity)
{
    struct object *object = &W.objects[entity->wait_object];
    queue_push(&object->head, &object->tail, entity);
}

/* A thread that was waiting on a condition goes on as if woken without a reason: what was signalled
 * meanwhile it has not heard. */
static void back_to_condition(struct entity *entity, const struct interruption *was, bool goes_on)
{
    W.objects[entity->wait_object].waiters++;
    line_up(entity);
    if (is_over(entity)) return;
    if (goes_on) {
        wait_again(entity, was, false);
    } else {
        end_call(entity);
    }
}

static void back_to_semaphore(struct entity *entity, const struct interruption *was, bool goes_on)
{
    bool open = W.objects[entity->wait_object].count > 0 || is_over(entity);
    line_up(entity);
    if (open || goes_on) {
        wait_again(entity, was, open);
    } else {
        end_call(entity);
    }
}

static void back_to_gate(struct entity *entity, const struct interruption *was, bool goes_on)
{
    bool open = gate_enter(entity, &was->gate) || is_over(entity);
    if (open || goes_on || was->ready) {
        wait_again(entity, was, open);
    } else {
        end_call(entity);
    }
}

static void back_to_join(struct entity *entity, const struct interruption *was)
{
    struct entity *target = entity_of(entity->wait_for);
    target->joiner = (uint16_t)(entity->id + 1);
    wait_again(entity, was, target->state != ENTITY_LIVE);
}

static void back_to_barrier(struct entity *entity, const struct interruption *was)
{
    if (was->ready || W.objects[entity->wait_object].type != was->turn) return;
    line_up(entity);
    wait_again(entity, was, false);
}

/* Whether it was woken meanwhile, its caller knows. */
static void back_to_futex(struct entity *entity, const struct interruption *was, bool goes_on)
{
    if (was->ready || is_over(entity)) return;
    entity->reason = goes_on ? WOKEN_SPURIOUS : WOKEN_SIGNAL;
}

static void back(struct entity *entity, const struct interruption *was, enum world_resume how)
{
    struct object *object = &W.objects[entity->wait_object];
    bool all = how == WORLD_RESUME_ALL;
    bool untimed = all || (how == WORLD_RESUME_SOME && was->deadline_ns == WORLD_NEVER);
    bool over = is_over(entity);
    switch ((enum wait_kind)entity->wait) {
    case WAIT_MUTEX:
        contenders_add(object, entity);
        wait_again(entity, was, object->owner == 0 || over);
        return;
    case WAIT_COND:
        back_to_condition(entity, was, all);
        return;
    case WAIT_RWLOCK:
        line_up(entity);
        wait_again(entity, was, rwlock_can_go(object, entity->wants_write) || over);
        return;
    case WAIT_SEM:
        back_to_semaphore(entity, was, untimed);
        return;
    case WAIT_ONCE:
        line_up(entity);
        wait_again(entity, was, once_is_open(object));
        return;
    case WAIT_BARRIER:
        back_to_barrier(entity, was);
        return;
    case WAIT_JOIN:
        back_to_join(entity, was);
        return;
    case WAIT_SLEEP:
        if (all && !over) {
            wait_again(entity, was, false);
        } else if (!over) {
            end_call(entity);
        }
        return;
    case WAIT_GATE:
        back_to_gate(entity, was, all || (how == WORLD_RESUME_SOME && was->gate.restarts));
        return;
    case WAIT_FUTEX:
        back_to_futex(entity, was, untimed);
        return;
    case WAIT_NONE:
    case WAIT_QUEUE:
    case WAIT_FOREVER:
        return;
    }
}

void signal_arrive(void)
{
    struct entity *self = W.self;
    const struct interruption was = interruptions[self->id];
    self->interrupted = false;
    if (self->cancel_async) thread_test_cancel();
    enum world_resume how = signal_run();
    self->wait = was.wait;
    self->wait_site = was.wait_site;
    self->wait_object = was.wait_object;
    self->wait_for = was.wait_for;
    self->reason = was.reason;
    self->wants_write = was.wants_write;
    self->next_place = was.next_place;
    self->next_access = was.next_access;
    back(self, &was, how);
}
