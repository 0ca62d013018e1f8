#include "gate.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "interrupt.h"
#include "race.h"

/* Threads that stand at a gate, in the order in which they came. */
static uint16_t waiting[WORLD_ENTITIES_MAX];
static uint32_t waiting_count;
static struct world_gate gates[WORLD_ENTITIES_MAX]; /* of each entity */
static uint32_t late_left;
static char words[96];

void gate_reset(void)
{
    waiting_count = 0;
    words[0] = '\0';
    late_left = W.limits.late_max;
}

/* --- places --- */

static uint32_t object_of(struct world_place *place)
{
    if (place->object == 0) place->object = object_new(place, OBJECT_PLACE, 0);
    return place->object;
}

void place_enter(uintptr_t site)
{
    thread_test_cancel();
    W.self->wait_site = site;
}

void place_point(const struct world_place *place, enum world_access access)
{
    if (W.self->slot != WORLD_NOBODY) sched_point(place, access);
}

void place_step(struct world_place *place, enum world_op op, enum world_access access,
                uint32_t result)
{
    step_record(op, object_of(place), access, result);
    words[0] = '\0';
}

void place_say(const char *format, ...)
{
    if (W.observer == NULL) return;
    va_list list;
    va_start(list, format);
    vsnprintf(words, sizeof words, format, list);
    va_end(list);
}

const char *world_step_words(void)
{
    return words[0] ? words : NULL;
}

void place_touch(const void *memory, size_t bytes, bool write)
{
    if (!W.find_races || bytes == 0) return;
    race_access((uintptr_t)memory, bytes, write ? RACE_WRITE : RACE_READ, W.self->wait_site);
}

uintptr_t place_site(void)
{
    return W.self ? W.self->wait_site : 0;
}

bool place_searching(void)
{
    return W.limits.every_release;
}

uint32_t place_late(uint32_t n, const char *label)
{
    if (late_left == 0) return 0;
    uint32_t index = sched_value(n, label);
    if (index > 0) late_left--;
    return index;
}

bool world_place_name(uint32_t object, char *out, size_t bytes)
{
    if (object == 0 || object >= W.object_count) return false;
    if (W.objects[object].kind != OBJECT_PLACE) return false;
    const struct world_place *place = W.objects[object].address;
    place->tell(place, out, bytes);
    return true;
}

/* --- gates --- */

static bool is_open(const struct world_gate *gate)
{
    return gate->open(gate->context);
}

static void leave_line(const struct entity *entity)
{
    uint32_t at = 0;
    while (at < waiting_count && waiting[at] != entity->id) at++;
    if (at == waiting_count) return;
    waiting_count--;
    memmove(&waiting[at], &waiting[at + 1], (waiting_count - at) * sizeof *waiting);
}

static void wait_at(const struct world_gate *gate)
{
    struct entity *self = W.self;
    gates[self->id] = *gate;
    self->wait = WAIT_GATE;
    self->reason = WOKEN;
    waiting[waiting_count++] = self->id;
    if (!is_open(gate)) {
        entity_disable(self);
        timer_add(self, TIMER_WAKE, gate->deadline_ns);
    }
    sched_point(gate->place, WORLD_WRITE);
    leave_line(self);
    if (gate->deadline_ns != WORLD_NEVER) timer_remove(self, TIMER_WAKE);
    self->wait = WAIT_NONE;
}

/* It may also have been cancelled after place_enter(), when it did not wait yet. */
static void test_cancel(const struct world_gate *gate)
{
    const struct entity *self = W.self;
    if (!self->cancel_pending || self->cancel_disabled || self->cancelling) return;
    if (gate->abandon) gate->abandon(gate->context);
    thread_test_cancel();
}

/* A signal that came through with the mask of the call is handled before it waits. */
static bool interrupted_before(const struct world_gate *gate)
{
    if (gate->mask == NULL || is_open(gate) || !signal_pending()) return false;
    if (signal_run() == WORLD_RESUME_ALL) return false;
    W.self->reason = WOKEN_SIGNAL;
    return true;
}

static bool pass(const struct world_gate *gate)
{
    if (is_open(gate) && !place_searching()) return true;
    for (;;) {
        if (!is_open(gate)) test_cancel(gate);
        if (interrupted_before(gate)) return false;
        wait_at(gate);
        if (W.self->reason == WOKEN_CANCELLED) test_cancel(gate);
        if (is_open(gate)) return true;
        if (W.self->reason == WOKEN_TIMEOUT || W.self->reason == WOKEN_SIGNAL) return false;
    }
}

bool gate_pass(const struct world_gate *gate)
{
    struct entity *self = W.self;
    uint64_t before = self->signal_mask;
    self->reason = WOKEN;
    if (gate->mask) self->signal_mask = *gate->mask;
    bool passed = pass(gate);
    if (gate->mask == NULL) return passed;
    enum wake_reason reason = (enum wake_reason)self->reason;
    self->signal_mask = before;
    if (signal_pending()) (void)signal_run();
    self->reason = reason;
    return passed;
}

bool gate_interrupted(void)
{
    return W.self->reason == WOKEN_SIGNAL;
}

void gate_leave(const struct entity *entity, struct world_gate *kept)
{
    *kept = gates[entity->id];
    leave_line(entity);
}

bool gate_enter(const struct entity *entity, const struct world_gate *kept)
{
    gates[entity->id] = *kept;
    waiting[waiting_count++] = entity->id;
    return is_open(kept);
}

void gate_changed(void)
{
    for (uint32_t at = 0; at < waiting_count; at++) {
        struct entity *entity = entity_of(waiting[at]);
        if (entity->state != ENTITY_LIVE || entity->wait != WAIT_GATE) continue; /* killed */
        if (is_open(&gates[entity->id])) {
            entity_enable(entity);
        } else if (entity->reason != WOKEN_TIMEOUT && entity->reason != WOKEN_CANCELLED) {
            entity_disable(entity);
        }
    }
}

void gate_tell(const struct entity *entity, char *out, size_t bytes)
{
    const struct world_gate *gate = &gates[entity->id];
    gate->tell(gate->context, out, bytes);
}

bool gate_pending(const struct entity *entity, uint32_t index, struct world_step *step)
{
    const struct world_gate *gate = &gates[entity->id];
    if (gate->pending) return gate->pending(gate->context, index, step);
    if (index > 0 || gate->place == NULL || gate->place->object == 0) return false;
    *step = (struct world_step){.op = (uint8_t)gate->op, .object = gate->place->object,
                                .access = WORLD_WRITE, .result = WORLD_PASSED(gate->gates)};
    return true;
}
