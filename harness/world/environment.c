/* What fakes and actors need besides threads: queues to wait in, and named points. */
#include "internal.h"
#include "race.h"

#include <stddef.h>
#include <string.h>

/* What follows without choices is no part of a transition. */
void world_meet(enum world_met what)
{
    W.unseen++;
    if (W.fix == WORLD_FIX_NOW) return;
    if (what > W.met.what) W.met.what = (uint16_t)what;
}

void world_meet_place(uint32_t place, enum world_how how)
{
    W.unseen++;
    REQUIRE(place < WORLD_PLACES);
    if (W.fix == WORLD_FIX_NOW || W.met.what != WORLD_MET_NOTHING) return;
    uint32_t at = 0;
    while (at < W.met.count && W.met.at[at].place != place) at++;
    if (at == WORLD_PLACES_MET) {
        W.met.what = WORLD_MET_FAKES;
        return;
    }
    if (at == W.met.count) {
        W.met.at[at].place = (uint16_t)place;
        W.met.at[at].how = (uint8_t)how;
        W.met.count++;
    } else if (W.met.at[at].how != how) {
        W.met.at[at].how = WORLD_CHANGES;
    }
}

void world_met(struct world_places *out)
{
    memcpy(out, &W.met, offsetof(struct world_places, at) + W.met.count * sizeof *W.met.at);
    world_met_forget();
}

void world_met_forget(void)
{
    W.met.what = WORLD_MET_NOTHING;
    W.met.count = 0;
}

void world_tell(uint16_t entity, bool tells)
{
    if (!tells && entity_of(entity)->tells) world_meet(WORLD_MET_FAKES);
    entity_of(entity)->tells = tells;
}

bool world_tells(uint16_t entity)
{
    return entity_of(entity)->tells;
}

static void meet_queue(const struct world_queue *queue)
{
    if (queue->silent) return;
    if (queue->place == 0) world_meet(WORLD_MET_FAKES);
    else world_meet_place(queue->place - 1u, WORLD_CHANGES);
}

void world_release(struct world_queue *queue)
{
    if (W.find_races && W.self->slot != WORLD_NOBODY)
        race_release(object_at(&queue->object, OBJECT_QUEUE, 0));
}

void world_acquire(struct world_queue *queue)
{
    if (W.find_races && W.self->slot != WORLD_NOBODY)
        race_acquire(object_at(&queue->object, OBJECT_QUEUE, 0));
}

enum wake_reason queue_wait(struct world_queue *queue, uint64_t deadline_ns, enum wait_kind kind,
                            const char *what)
{
    struct entity *self = W.self;
    uint32_t id = object_at(&queue->object, OBJECT_QUEUE, 0);
    REQUIRE(self->slot != WORLD_NOBODY);
    meet_queue(queue);
    self->wait = (uint16_t)kind;
    self->wait_object = id;
    self->wait_what = what;
    self->reason = WOKEN;
    queue_push(&queue->head, &queue->tail, self);
    if (!queue->silent) step_record(WORLD_OP_WAIT, id, WORLD_WRITE, 0);
    entity_disable(self);
    timer_add(self, TIMER_WAKE, deadline_ns);
    sched_pass();
    self->wait = WAIT_NONE;
    enum wake_reason reason = (enum wake_reason)self->reason;
    if (reason == WOKEN) {
        if (!queue->silent) step_record(WORLD_OP_WAKE, id, WORLD_READ, 0);
        world_acquire(queue);
        return reason;
    }
    queue_remove(&queue->head, &queue->tail, self);
    uint32_t result = reason == WOKEN_SIGNAL ? EINTR : 0;
    if (!queue->silent) step_record(WORLD_OP_TIMEOUT, id, WORLD_WRITE, result);
    return reason;
}

void queue_leave(const void *object, struct entity *entity)
{
    uintptr_t at = (uintptr_t)object - offsetof(struct world_queue, object);
    struct world_queue *queue = (struct world_queue *)at;
    queue_remove(&queue->head, &queue->tail, entity);
}

bool world_wait(struct world_queue *queue, uint64_t deadline_ns, const char *what)
{
    return queue_wait(queue, deadline_ns, WAIT_QUEUE, what) == WOKEN;
}

void world_wake(struct world_queue *queue)
{
    meet_queue(queue);
    world_release(queue);
    if (queue->head == 0) return;
    uint32_t id = object_at(&queue->object, OBJECT_QUEUE, 0);
    if (!queue->silent) step_record(WORLD_OP_BROADCAST, id, WORLD_WRITE, 0);
    while (queue->head != 0) {
        struct entity *waiter = entity_of((uint16_t)(queue->head - 1));
        queue_remove(&queue->head, &queue->tail, waiter);
        if (waiter->state != ENTITY_LIVE) continue; /* of a killed group */
        timer_remove(waiter, TIMER_WAKE);
        waiter->reason = WOKEN;
        entity_enable(waiter);
    }
}

void world_stand(const struct world_queue *queue)
{
    if (queue->silent) sched_point(NULL, WORLD_NONE);
}

/* Named objects are few: a linear search by the address of the literal. */
static uint32_t named_object(const char *name)
{
    for (uint32_t id = W.named_first; id != 0; id = W.objects[id].other) {
        if (W.objects[id].address == name) return id;
    }
    uint32_t id = object_new(name, OBJECT_NAMED, 0);
    W.objects[id].other = W.named_first;
    return W.named_first = id;
}

const char *world_point_name(uint32_t object)
{
    if (object == 0 || object >= W.object_count) return "";
    return W.objects[object].kind == OBJECT_NAMED ? W.objects[object].address : "";
}

void world_note(const char *name, enum world_access access)
{
    step_record(WORLD_OP_POINT, named_object(name), access, 0);
}

void world_point_told(const char *name)
{
    W.objects[named_object(name)].count = 1;
    world_point(name, WORLD_WRITE);
}

bool world_object_told(uint32_t object)
{
    return W.objects[object].kind == OBJECT_NAMED && W.objects[object].count == 1;
}

void world_pass(const char *name, enum world_access access)
{
    sched_point(name, access);
}

void world_point(const char *name, enum world_access access)
{
    world_note(name, access);
    if (W.self->slot != WORLD_NOBODY) sched_point(NULL, WORLD_NONE);
}
