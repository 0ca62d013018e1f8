/* Deadlines in one total order: time first, then birth. */
#include "contend.h"

#include <string.h>

/* The array is sorted with the earliest last, so that taking it is a decrement. */
static bool later(const struct timer *a, const struct timer *b)
{
    if (a->due_ns != b->due_ns) return a->due_ns > b->due_ns;
    return a->birth > b->birth;
}

void timer_remove(struct entity *entity, enum timer_what what)
{
    for (uint32_t at = W.timer_count; at-- > 0;) {
        if (W.timers[at].entity != entity->id || W.timers[at].what != what) continue;
        memmove(&W.timers[at], &W.timers[at + 1],
                (W.timer_count - at - 1) * sizeof(struct timer));
        W.timer_count--;
        return;
    }
}

static void end_pause(struct entity *entity)
{
    entity->paused = false;
    entity->bit = entity_bit(entity);
    if (entity->wants_run) entity_enable(entity);
    entity->wants_run = false;
}

static void open_window(struct entity *entity)
{
    entity->window_since_ns = W.now_ns;
    if (entity->window_until_ns <= W.now_ns) {
        entity_class_set(entity, (enum world_class)entity->home_class);
    } else {
        entity_class_set(entity, WORLD_WINDOW);
        timer_add(entity, TIMER_WINDOW_CLOSE, entity->window_until_ns);
    }
    entity_enable(entity);
}

static void fire(const struct timer *timer)
{
    struct entity *entity = entity_of(timer->entity);
    if (entity->state != ENTITY_LIVE) return;
    switch ((enum timer_what)timer->what) {
    case TIMER_WAKE:
        contender_single_out(entity);
        entity->reason = WOKEN_TIMEOUT;
        entity_class_set(entity, (enum world_class)entity->home_class);
        entity_enable(entity);
        return;
    case TIMER_TASK:
        if (entity->prompt) {
            sched_run_task(entity);
        } else {
            entity_enable(entity);
        }
        return;
    case TIMER_WINDOW_OPEN:
        open_window(entity);
        return;
    case TIMER_WINDOW_CLOSE:
        entity_class_set(entity, (enum world_class)entity->home_class);
        return;
    case TIMER_PAUSE:
        end_pause(entity);
        return;
    }
}

void timer_add(struct entity *entity, enum timer_what what, uint64_t due_ns)
{
    if (due_ns == WORLD_NEVER) return;
    struct timer timer = {due_ns, W.timer_births++, entity->id, (uint8_t)what};
    if (due_ns <= W.now_ns) {
        fire(&timer);
        return;
    }
    REQUIRE(W.timer_count < TIMERS_MAX);
    uint32_t at = W.timer_count++;
    while (at > 0 && later(&timer, &W.timers[at - 1])) {
        W.timers[at] = W.timers[at - 1];
        at--;
    }
    W.timers[at] = timer;
}

/* Everything due at that instant, or before, becomes possible. */
static void advance_to(uint64_t now_ns)
{
    if (now_ns > W.limits.time_max_ns) sched_leave(WORLD_CUT);
    if (now_ns > W.now_ns) {
        W.now_ns = now_ns;
        step_record_advance();
    }
    while (W.timer_count > 0 && W.timers[W.timer_count - 1].due_ns <= W.now_ns) {
        struct timer timer = W.timers[--W.timer_count];
        fire(&timer);
    }
}

/* Time jumps to the earliest deadline. */
void timer_advance(void)
{
    REQUIRE(W.timer_count > 0);
    advance_to(W.timers[W.timer_count - 1].due_ns);
}

void world_follow_clock(const struct world_clock *clock)
{
    W.clock = clock;
}

void timer_follow(void)
{
    uint64_t now_ns = W.clock->wait(W.clock->context, world_next_deadline_ns());
    advance_to(now_ns > W.now_ns ? now_ns : W.now_ns);
}

uint64_t world_next_deadline_ns(void)
{
    return W.timer_count ? W.timers[W.timer_count - 1].due_ns : WORLD_NEVER;
}

/* --- for the environment --- */

void world_sleep_until(uint64_t when_ns)
{
    struct entity *self = W.self;
    if (when_ns <= W.now_ns) return;
    self->wait = WAIT_SLEEP;
    self->reason = WOKEN;
    timer_add(self, TIMER_WAKE, when_ns);
    sched_block();
    self->wait = WAIT_NONE;
    step_record(WORLD_OP_SLEEP, 0, WORLD_NONE, 0);
}

void world_window(uint64_t from_ns, uint64_t until_ns, bool optional)
{
    struct entity *self = W.self;
    uint8_t home_class = self->home_class;
    entity_disable(self);
    self->wait = WAIT_SLEEP;
    self->window_until_ns = until_ns;
    if (optional) self->home_class = WORLD_OPTIONAL;
    if (from_ns <= W.now_ns) {
        open_window(self);
    } else {
        timer_add(self, TIMER_WINDOW_OPEN, from_ns);
    }
    sched_pass();
    timer_remove(self, TIMER_WINDOW_CLOSE);
    self->wait = WAIT_NONE;
    self->home_class = home_class;
    entity_class_set(self, (enum world_class)home_class);
    step_record(WORLD_OP_SLEEP, 0, WORLD_NONE, 0);
}

uint16_t world_task(const char *name, enum world_class class_, void (*run)(void *), void *arg)
{
    struct entity *task = entity_new(name, class_);
    task->body = run;
    task->argument = arg;
    return task->id;
}

void world_task_arm(uint16_t id, uint64_t at_ns)
{
    struct entity *task = entity_of(id);
    if (at_ns <= W.now_ns) {
        entity_enable(task);
    } else {
        timer_add(task, TIMER_TASK, at_ns);
    }
}

void world_task_prompt(uint16_t id)
{
    entity_of(id)->prompt = true;
}

void world_task_window(uint16_t id, uint64_t from_ns, uint64_t until_ns)
{
    struct entity *task = entity_of(id);
    task->window_until_ns = until_ns;
    if (from_ns <= W.now_ns) {
        open_window(task);
    } else {
        timer_add(task, TIMER_WINDOW_OPEN, from_ns);
    }
}

void world_task_class(uint16_t id, enum world_class class_)
{
    struct entity *task = entity_of(id);
    task->home_class = (uint8_t)class_;
    entity_class_set(task, class_);
}

void world_task_disarm(uint16_t id)
{
    struct entity *task = entity_of(id);
    timer_remove(task, TIMER_TASK);
    timer_remove(task, TIMER_WINDOW_OPEN);
    timer_remove(task, TIMER_WINDOW_CLOSE);
    entity_disable(task);
    if (task->class_ != task->home_class) {
        entity_class_set(task, (enum world_class)task->home_class);
    }
}

bool world_task_armed(uint16_t id)
{
    const struct entity *task = entity_of(id);
    if (entity_enabled(task) || task->wants_run) return true;
    for (uint32_t at = 0; at < W.timer_count; at++) {
        if (W.timers[at].entity == id && W.timers[at].what != TIMER_PAUSE) return true;
    }
    return false;
}

void world_hold_back(uint16_t id, uint64_t until_ns)
{
    struct entity *entity = entity_of(id);
    if (until_ns <= W.now_ns) return;
    world_meet(WORLD_MET_ALL);
    timer_remove(entity, TIMER_PAUSE);
    bool was_enabled = entity_enabled(entity);
    contender_single_out(entity);
    entity->bit = 0;
    if (was_enabled) entity_disable(entity);
    entity->wants_run |= was_enabled;
    entity->paused = true;
    timer_add(entity, TIMER_PAUSE, until_ns);
}

void world_resume(uint16_t id)
{
    struct entity *entity = entity_of(id);
    if (!entity->paused) return;
    world_meet(WORLD_MET_ALL);
    timer_remove(entity, TIMER_PAUSE);
    end_pause(entity);
}

void world_wall_jump(int64_t by_ns)
{
    world_meet(WORLD_MET_ALL);
    W.wall_offset_ns += by_ns;
}

uint64_t world_now_ns(void)
{
    return W.now_ns;
}
