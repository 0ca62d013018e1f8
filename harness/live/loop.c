/* The clock of a live run: waits for descriptors while nothing in the scenario can happen. */
#include "harness/live/internal.h"

#include "harness/check/require.h"

#include <errno.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

uint64_t loop_clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static uint64_t now_ns(const struct loop *loop)
{
    if (loop->held) return 0;
    return (uint64_t)((double)(loop_clock_ns() - loop->start_ns) * loop->speed);
}

/* How long the clock takes until then; at most a second, which is looked at again. */
static struct timespec time_left(const struct loop *loop, uint64_t until_ns)
{
    uint64_t now = now_ns(loop), left = until_ns > now ? until_ns - now : 0;
    double real = (double)left / loop->speed;
    if (real >= 1e9 || loop->held) return (struct timespec){1, 0};
    return (struct timespec){0, (long)real};
}

static bool look(struct loop *loop, const struct timespec *left)
{
    struct pollfd polled[WATCHES_MAX];
    struct watch *watched[WATCHES_MAX];
    nfds_t count = 0;
    for (uint32_t i = 0; i < loop->count; i++) {
        struct watch *watch = &loop->watches[i];
        if (watch->fd < 0 || watch->events == 0) continue;
        watched[count] = watch;
        polled[count++] = (struct pollfd){watch->fd, watch->events, 0};
    }
    if (ppoll(polled, count, left, NULL) <= 0) return false;
    bool any = false;
    for (nfds_t i = 0; i < count; i++) {
        watched[i]->ready_events = polled[i].revents;
        any = any || polled[i].revents != 0;
    }
    return any;
}

static _Noreturn void give_up(struct loop *loop)
{
    if (loop->last) loop->last(loop->context);
    world_cut();
}

static uint64_t wait_until(void *context, uint64_t until_ns)
{
    struct loop *loop = context;
    if (loop->wake_ns < until_ns) until_ns = loop->wake_ns;
    loop->wake_ns = WORLD_NEVER; /* who wants to be asked says so every time */
    for (;;) {
        if (loop_clock_ns() >= loop->until_ns) give_up(loop);
        struct timespec left = time_left(loop, until_ns);
        if (look(loop, &left)) {
            world_task_arm(loop->task, world_now_ns());
            break;
        }
        if (now_ns(loop) >= until_ns) break;
    }
    uint64_t now = now_ns(loop);
    return now < until_ns ? now : until_ns;
}

void loop_look(const struct loop *loop)
{
    if (loop->before) loop->before(loop->context);
}

static void tell(void *context)
{
    struct loop *loop = context;
    loop_look(loop);
    for (uint32_t i = 0; i < loop->count; i++) {
        struct watch *watch = &loop->watches[i];
        short events = watch->ready_events;
        watch->ready_events = 0;
        if (watch->fd >= 0 && events != 0) watch->ready(watch->context, events);
    }
}

void loop_init(struct loop *loop, double speed, uint64_t wall_us)
{
    loop->speed = speed;
    loop->start_ns = loop_clock_ns();
    loop->until_ns = loop->start_ns + wall_us * 1000;
    loop->wake_ns = WORLD_NEVER;
    loop->clock = (struct world_clock){wait_until, loop};
}

void loop_enter(struct loop *loop)
{
    loop->task = world_task("outside", WORLD_MESSAGE, tell, loop);
}

struct watch *loop_watch(struct loop *loop, int fd, short events,
                         void (*ready)(void *context, short events), void *context)
{
    uint32_t at = 0;
    while (at < loop->count && loop->watches[at].fd >= 0) at++;
    REQUIRE(at < WATCHES_MAX);
    if (at == loop->count) loop->count++;
    loop->watches[at] = (struct watch){fd, events, 0, ready, context};
    return &loop->watches[at];
}

void loop_close(struct watch *watch)
{
    close(watch->fd);
    watch->fd = -1;
    watch->ready_events = 0;
}

void loop_hold(struct loop *loop, bool held)
{
    loop->held = held;
    loop->start_ns = loop_clock_ns();
}

uint64_t loop_real_us(const struct loop *loop, uint64_t time_us)
{
    return (uint64_t)((double)time_us / loop->speed);
}
