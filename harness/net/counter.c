/* Counters that can be waited for: eventfd and timerfd. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>

#include "epoll.h"
#include "store.h"
#include "transfer.h"

int world_clock_gettime(clockid_t clock, struct timespec *out);

#define EVENTS_MOST (UINT64_MAX - 1)
#define SECOND_NS 1000000000ull

struct counter {
    struct description description;
    struct world_place place;
    uint64_t value;
    bool one_by_one; /* EFD_SEMAPHORE */
    /* Of a timer: */
    clockid_t clock;
    uint16_t task; /* WORLD_NOBODY until it is set */
    uint64_t due_ns, interval_ns; /* WORLD_NEVER: it stands still */
};

static void tell_counter(const struct world_place *place, char *out, size_t bytes)
{
    const struct counter *counter =
        (const struct counter *)((const char *)place - offsetof(struct counter, place));
    snprintf(out, bytes, "%s %d", counter->description.kind->word, counter->description.number);
}

static uint32_t gates_of(const struct counter *counter)
{
    return (counter->value > 0 ? (uint32_t)WORLD_GATE_IN : 0) |
           (counter->value < EVENTS_MOST ? (uint32_t)WORLD_GATE_OUT : 0);
}

static void step(struct counter *counter, enum world_op op, uint32_t before, uint32_t passed)
{
    uint32_t opened = gates_of(counter) & ~before;
    place_step(&counter->place, op, WORLD_WRITE, WORLD_OPENED(opened) | WORLD_PASSED(passed));
    gate_changed();
}

static uint32_t places(struct description *self, struct world_place **out)
{
    *out = &((struct counter *)self)->place;
    return 1;
}

static struct counter *make(const struct description_kind *kind, int flags, int *number)
{
    struct counter *counter = store_take(sizeof *counter);
    counter->place.tell = tell_counter;
    counter->task = WORLD_NOBODY;
    counter->due_ns = WORLD_NEVER;
    place_point(NULL, WORLD_NONE);
    *number = descriptor_open(&counter->description, kind, O_RDWR | flags, 0);
    return counter;
}

/* --- reading --- */

static bool can_read(const void *context)
{
    const struct transfer *transfer = context;
    return ((const struct counter *)transfer->self)->value > 0;
}

/* How often it went off until now. */
static uint64_t expirations(struct counter *counter)
{
    uint64_t more = 0;
    if (counter->interval_ns > 0) {
        more = (world_now_ns() - counter->due_ns) / counter->interval_ns;
        counter->due_ns += (more + 1) * counter->interval_ns;
        world_task_arm(counter->task, counter->due_ns);
    } else {
        counter->due_ns = WORLD_NEVER;
    }
    return 1 + more;
}

static ssize_t read_counter(struct transfer *transfer)
{
    struct counter *counter = (struct counter *)transfer->self;
    struct transfer_gate gate = {.place = &counter->place, .open = can_read,
                                 .op = WORLD_OP_RECV, .gates = WORLD_GATE_IN,
                                 .waits = description_waits(transfer->self, 0)};
    uint64_t value;
    if (transfer->count < sizeof value) return -EINVAL;
    if (!transfer_pass(transfer, &gate)) return transfer->why;
    uint32_t before = gates_of(counter);
    value = counter->one_by_one ? 1 : counter->value;
    counter->value -= value;
    if (counter->task != WORLD_NOBODY) value = expirations(counter);
    description_event(transfer->self, POLLOUT);
    place_say("read %d  %llu", transfer->number, (unsigned long long)value);
    step(counter, WORLD_OP_RECV, before, gate.waits ? WORLD_GATE_IN : 0);
    place_touch(transfer->bytes, sizeof value, true);
    memcpy(transfer->bytes, &value, sizeof value);
    transfer->done = sizeof value;
    return sizeof value;
}

/* --- eventfd --- */

static bool can_write(const void *context)
{
    const struct transfer *transfer = context;
    uint64_t more;
    memcpy(&more, transfer->bytes, sizeof more);
    return ((const struct counter *)transfer->self)->value <= EVENTS_MOST - more;
}

static ssize_t write_events(struct transfer *transfer)
{
    struct counter *counter = (struct counter *)transfer->self;
    struct transfer_gate gate = {.place = &counter->place, .open = can_write,
                                 .op = WORLD_OP_SEND, .gates = WORLD_GATE_OUT,
                                 .waits = description_waits(transfer->self, 0)};
    uint64_t more;
    if (transfer->count < sizeof more) return -EINVAL;
    memcpy(&more, transfer->bytes, sizeof more);
    if (more == UINT64_MAX) return -EINVAL;
    if (!transfer_pass(transfer, &gate)) return transfer->why;
    place_touch(transfer->bytes, sizeof more, false);
    uint32_t before = gates_of(counter);
    counter->value += more;
    description_event(transfer->self, POLLIN);
    place_say("write %d  %llu", transfer->number, (unsigned long long)more);
    step(counter, WORLD_OP_SEND, before, gate.waits ? WORLD_GATE_OUT : 0);
    return sizeof more;
}

static short events_ready(const struct description *self)
{
    uint32_t gates = gates_of((const struct counter *)self);
    return (short)((gates & WORLD_GATE_IN ? POLLIN : 0) | (gates & WORLD_GATE_OUT ? POLLOUT : 0));
}

static void release(struct description *self)
{
    struct counter *counter = (struct counter *)self;
    if (counter->task != WORLD_NOBODY) world_task_disarm(counter->task);
}

static const struct description_kind events_kind = {
    .word = "eventfd", .read = read_counter, .write = write_events, .ready = events_ready,
    .places = places, .release = release,
};

static int make_events(unsigned value, int flags, uintptr_t site)
{
    int number;
    place_enter(site);
    if (flags & ~(EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE)) return -EINVAL;
    struct counter *counter = make(&events_kind, flags & (EFD_CLOEXEC | EFD_NONBLOCK), &number);
    counter->value = value;
    counter->one_by_one = (flags & EFD_SEMAPHORE) != 0;
    return number;
}

int world_eventfd(unsigned value, int flags)
{
    return (int)result_of(make_events(value, flags, CALL_SITE));
}

int world_eventfd_read(int number, eventfd_t *value)
{
    ssize_t world_read(int number, void *out, size_t count);
    return world_read(number, value, sizeof *value) == sizeof *value ? 0 : -1;
}

int world_eventfd_write(int number, eventfd_t value)
{
    ssize_t world_write(int number, const void *bytes, size_t count);
    return world_write(number, &value, sizeof value) == sizeof value ? 0 : -1;
}

/* --- timerfd --- */

static short timer_ready(const struct description *self)
{
    return ((const struct counter *)self)->value > 0 ? POLLIN : 0;
}

static const struct description_kind timer_kind = {
    .word = "timerfd", .read = read_counter, .ready = timer_ready, .places = places,
    .release = release,
};

/* The time has come. */
static void expire(void *argument)
{
    struct counter *counter = argument;
    uint32_t before = gates_of(counter);
    counter->value = 1;
    description_event(&counter->description, POLLIN);
    place_say("timerfd %d expires", counter->description.number);
    step(counter, WORLD_OP_ARRIVAL, before, 0);
}

static int make_timer(clockid_t clock, int flags, uintptr_t site)
{
    int number;
    place_enter(site);
    if (flags & ~(TFD_CLOEXEC | TFD_NONBLOCK)) return -EINVAL;
    if (clock != CLOCK_MONOTONIC && clock != CLOCK_REALTIME && clock != CLOCK_BOOTTIME) {
        return -EINVAL;
    }
    make(&timer_kind, flags, &number)->clock = clock;
    return number;
}

int world_timerfd_create(clockid_t clock, int flags)
{
    return (int)result_of(make_timer(clock, flags, CALL_SITE));
}

static bool read_span(const struct timespec *span, uint64_t *ns)
{
    if (span->tv_sec < 0 || span->tv_nsec < 0 || span->tv_nsec >= (long)SECOND_NS) return false;
    *ns = (uint64_t)span->tv_sec * SECOND_NS + (uint64_t)span->tv_nsec;
    return true;
}

static struct timespec span_of(uint64_t ns)
{
    return (struct timespec){(time_t)(ns / SECOND_NS), (long)(ns % SECOND_NS)};
}

static void read_timer(const struct counter *counter, struct itimerspec *out)
{
    bool runs = counter->due_ns != WORLD_NEVER;
    uint64_t left = runs && counter->due_ns > world_now_ns() ? counter->due_ns - world_now_ns() : 0;
    if (runs && left == 0 && counter->interval_ns > 0) {
        left = counter->interval_ns - (world_now_ns() - counter->due_ns) % counter->interval_ns;
    }
    *out = (struct itimerspec){span_of(counter->interval_ns), span_of(left)};
}

/* When a time of that clock is, in ns since the start. */
static uint64_t from_now(clockid_t clock, uint64_t at_ns)
{
    struct timespec now;
    world_clock_gettime(clock, &now);
    uint64_t now_ns = (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
    return world_now_ns() + (at_ns > now_ns ? at_ns - now_ns : 0);
}

static int set_timer(struct counter *counter, int flags, const struct itimerspec *fresh,
                     struct itimerspec *old)
{
    uint64_t first, interval;
    if (counter->description.kind != &timer_kind) return -EINVAL;
    if (!read_span(&fresh->it_value, &first) || !read_span(&fresh->it_interval, &interval)) {
        return -EINVAL;
    }
    if (flags & ~TFD_TIMER_ABSTIME) return -EINVAL;
    if (old) read_timer(counter, old);
    uint32_t before = gates_of(counter);
    if (counter->task == WORLD_NOBODY) {
        counter->task = world_task("timerfd", WORLD_FAULT, expire, counter);
    }
    world_task_disarm(counter->task);
    counter->value = 0;
    counter->interval_ns = interval;
    counter->due_ns = first == 0 ? WORLD_NEVER
                      : flags & TFD_TIMER_ABSTIME ? from_now(counter->clock, first)
                                                  : world_now_ns() + first;
    if (first > 0) world_task_arm(counter->task, counter->due_ns);
    place_say("set timerfd %d", counter->description.number);
    step(counter, WORLD_OP_CONTROL, before, 0);
    return 0;
}

int world_timerfd_settime(int number, int flags, const struct itimerspec *fresh,
                          struct itimerspec *old)
{
    struct description *self = descriptor_use(number, "timerfd_settime", CALL_SITE);
    if (self == NULL) return -1;
    int result = set_timer((struct counter *)self, flags, fresh, old);
    description_drop(self);
    return (int)result_of(result);
}

int world_timerfd_gettime(int number, struct itimerspec *out)
{
    struct description *self = descriptor_use(number, "timerfd_gettime", CALL_SITE);
    if (self == NULL) return -1;
    int result = self->kind == &timer_kind ? 0 : -EINVAL;
    if (result == 0) read_timer((const struct counter *)self, out);
    description_drop(self);
    return (int)result_of(result);
}
