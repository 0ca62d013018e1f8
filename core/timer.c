#include "core/timer.h"

#include "core/core.h"

#include <stdlib.h>

struct timer {
    struct job job;          /* first: the job is the timer */
    uint64_t due_us;
    uint64_t birth;          /* its id, and what breaks ties: never an address */
    timer_expired fn;
    struct timer_target target;
};

enum core_result timers_create(struct core *core)
{
    enum core_result rc = core_lock_init(&core->timers.lock, RANK_TIMERS);
    if (rc != CORE_OK)
        return rc;
    rc = core_cond_init(&core->timers.changed);
    if (rc != CORE_OK)
        core_lock_destroy(&core->timers.lock);
    return rc;
}

void timers_destroy(struct core *core)
{
    REQUIRE(core->timers.count == 0);
    free(core->timers.heap);
    pthread_cond_destroy(&core->timers.changed);
    core_lock_destroy(&core->timers.lock);
}

/* ---- the heap ---- */

static bool is_earlier(const struct timer *a, const struct timer *b)
{
    if (a->due_us != b->due_us)
        return a->due_us < b->due_us;
    return a->birth < b->birth;
}

static void sift_up(struct timers *timers, size_t i)
{
    struct timer *timer = timers->heap[i];
    while (i > 0 && is_earlier(timer, timers->heap[(i - 1) / 2])) {
        timers->heap[i] = timers->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    timers->heap[i] = timer;
}

static void sift_down(struct timers *timers, size_t i)
{
    struct timer *timer = timers->heap[i];
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= timers->count)
            break;
        if (child + 1 < timers->count && is_earlier(timers->heap[child + 1], timers->heap[child]))
            child++;
        if (!is_earlier(timers->heap[child], timer))
            break;
        timers->heap[i] = timers->heap[child];
        i = child;
    }
    timers->heap[i] = timer;
}

static struct timer *take_out(struct timers *timers, size_t i)
{
    REQUIRE(i < timers->count);
    struct timer *timer = timers->heap[i];
    timers->count--;
    if (i < timers->count) {
        timers->heap[i] = timers->heap[timers->count];
        sift_down(timers, i);
        sift_up(timers, i);
    }
    return timer;
}

static void put_in(struct turn *turn, struct timer *timer)
{
    struct timers *timers = &turn->core->timers;
    if (timers->count == timers->capacity) {
        size_t capacity = timers->capacity == 0 ? 8 : timers->capacity * 2;
        timers->heap = memory_owed(turn->core, timers->heap, capacity * sizeof(struct timer *));
        timers->capacity = capacity;
    }
    timers->heap[timers->count++] = timer;
    sift_up(timers, timers->count - 1);
}

/* ---- arming and cancelling ---- */

static void run_expiry(struct core *core, struct job *job)
{
    struct timer *timer = (struct timer *)job;
    timer_expired fn = timer->fn;
    struct timer_target target = timer->target;
    free(timer);
    fn(core, target);
}

uint64_t timer_arm(struct turn *turn, uint64_t due_us, timer_expired fn,
                   struct timer_target target)
{
    struct timers *timers = &turn->core->timers;
    /* A wait without its deadline could last for ever. */
    struct timer *timer = memory_owed(turn->core, NULL, sizeof *timer);
    *timer = (struct timer){ .job = { .run = run_expiry }, .due_us = due_us, .fn = fn,
                             .target = target };
    turn_lock(turn, &timers->lock);
    uint64_t id = timer->birth = ++timers->births;
    if (timers->stop) {
        free(timer);
    } else {
        put_in(turn, timer);
        if (timers->heap[0] == timer)
            pthread_cond_signal(&timers->changed);
    }
    turn_unlock(turn, &timers->lock);
    return id;
}

bool timer_cancel(struct turn *turn, uint64_t id)
{
    struct timers *timers = &turn->core->timers;
    struct timer *timer = NULL;
    turn_lock(turn, &timers->lock);
    for (size_t i = 0; i < timers->count && timer == NULL; i++) {
        if (timers->heap[i]->birth == id)
            timer = take_out(timers, i);
    }
    turn_unlock(turn, &timers->lock);
    free(timer);
    return timer != NULL;
}

/* ---- the thread ---- */

/* The next timer that is due, taken out of the heap; NULL to stop. Lock held. */
static struct timer *await_due(struct turn *turn, struct timers *timers)
{
    while (!timers->stop) {
        uint64_t due_us = timers->count > 0 ? timers->heap[0]->due_us : 0;
        if (timers->count > 0 && due_us <= core_now_us())
            return take_out(timers, 0);
        turn_wait(turn, &timers->changed, &timers->lock, due_us);
    }
    return NULL;
}

static void *timer_main(void *context)
{
    struct core *core = context;
    struct turn turn;
    turn_begin(&turn, core);
    turn_lock(&turn, &core->timers.lock);
    struct timer *timer;
    while ((timer = await_due(&turn, &core->timers)) != NULL) {
        turn_unlock(&turn, &core->timers.lock);
        REQUIRE(job_post(&turn, &timer->job, JOB_SHORT) == CORE_OK);
        turn_lock(&turn, &core->timers.lock);
    }
    turn_unlock(&turn, &core->timers.lock);
    turn_end(&turn);
    return NULL;
}

enum core_result timers_start(struct core *core)
{
    enum core_result rc =
        core_thread_create(&core->timers.thread, core->name, "timer", timer_main, core);
    core->timers.running = rc == CORE_OK;
    return rc;
}

void timers_stop(struct core *core)
{
    struct timers *timers = &core->timers;
    struct turn turn;
    turn_begin(&turn, core);
    turn_lock(&turn, &timers->lock);
    timers->stop = true;
    while (timers->count > 0)
        free(take_out(timers, timers->count - 1));
    pthread_cond_signal(&timers->changed);
    turn_unlock(&turn, &timers->lock);
    turn_end(&turn);
    if (timers->running)
        REQUIRE(pthread_join(timers->thread, NULL) == 0);
}
