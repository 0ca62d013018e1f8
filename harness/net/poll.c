/* poll and select. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/select.h>
#include <time.h>

#include "ready.h"
#include "store.h"

int world_nanosleep(const struct timespec *request, struct timespec *remain);

struct poll_call {
    const char *verb;
    struct pollfd *files;
    nfds_t count;
    struct description **held; /* NULL: not asked for, or not open */
    uint64_t deadline_ns;
    const uint64_t *mask; /* signals blocked meanwhile, or NULL */
};

/* --- nothing to wait for: a sleep --- */

static bool is_empty(const struct pollfd *files, nfds_t count)
{
    for (nfds_t i = 0; i < count; i++) {
        if (files[i].fd >= 0) return false;
    }
    return true;
}

static int sleep_for(struct pollfd *files, nfds_t count, const struct timespec *length)
{
    for (nfds_t i = 0; i < count; i++) files[i].revents = 0;
    return world_nanosleep(length, NULL);
}

/* --- one call --- */

static int look(const struct poll_call *call)
{
    int ready = 0;
    for (nfds_t i = 0; i < call->count; i++) {
        struct pollfd *file = &call->files[i];
        file->revents = file->fd < 0 ? 0 : POLLNVAL;
        if (call->held[i]) file->revents = ready_events(call->held[i], file->events);
        ready += file->revents != 0;
    }
    return ready;
}

static bool is_open(const void *context)
{
    return look(context) > 0;
}

static void let_go(const void *context)
{
    const struct poll_call *call = context;
    for (nfds_t i = 0; i < call->count; i++) {
        if (call->held[i]) description_drop(call->held[i]);
    }
}

static void tell(const void *context, char *out, size_t bytes)
{
    const struct poll_call *call = context;
    size_t used = (size_t)snprintf(out, bytes, "%s", call->verb);
    const char *between = " on ";
    for (nfds_t i = 0; i < call->count && used + 1 < bytes; i++) {
        char what[160];
        if (call->held[i] == NULL) continue;
        description_tell(call->held[i], what, sizeof what);
        used += (size_t)snprintf(out + used, bytes - used, "%s%s", between, what);
        between = ", ";
    }
}

static bool pending(const void *context, uint32_t index, struct world_step *step)
{
    const struct poll_call *call = context;
    for (nfds_t i = 0; i < call->count; i++) {
        if (call->held[i] && ready_pending(call->held[i], &index, step)) return true;
    }
    return false;
}

static void hold(struct poll_call *call)
{
    for (nfds_t i = 0; i < call->count; i++) {
        int number = call->files[i].fd;
        if (number < 0) continue;
        call->held[i] = descriptor_hold(number);
        struct world_place *place = call->held[i] ? NULL : descriptor_place(number);
        if (place) place_step(place, WORLD_OP_USE, WORLD_READ, EBADF);
    }
}

/* "poll 4, 7", those that are ready. */
static void say(const struct poll_call *call, int ready)
{
    char text[64] = "";
    size_t used = 0;
    for (nfds_t i = 0; i < call->count && used + 16 < sizeof text; i++) {
        if (call->files[i].revents == 0) continue;
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%d", used ? ", " : "",
                                 call->files[i].fd);
    }
    place_say("%s  %s", call->verb, ready > 0 ? text : "nothing");
}

static void record(const struct poll_call *call, int ready)
{
    bool blocks = call->deadline_ns == WORLD_NEVER;
    say(call, ready);
    for (nfds_t i = 0; i < call->count; i++) {
        if (call->held[i] == NULL) continue;
        ready_step(call->held[i], blocks && ready == 1 && call->files[i].revents != 0);
    }
}

static int run(struct poll_call *call, uintptr_t site)
{
    struct world_gate gate = {.open = is_open, .context = call, .tell = tell, .abandon = let_go,
                              .pending = pending, .deadline_ns = call->deadline_ns,
                              .mask = call->mask};
    bool passed = true;
    call->held = store_take(call->count * sizeof(*call->held));
    place_enter(site);
    place_point(NULL, WORLD_NONE);
    hold(call);
    if (call->mask || call->deadline_ns > world_now_ns()) {
        passed = gate_pass(&gate);
    } else if (place_searching()) {
        place_point(NULL, WORLD_NONE);
    }
    int ready = look(call);
    if (ready == 0 && !passed && gate_interrupted()) ready = (int)result_of(-EINTR);
    record(call, ready);
    let_go(call);
    store_give(call->held, call->count * sizeof(*call->held));
    return ready;
}

static int poll_files(struct poll_call *call, const struct timespec *length, uintptr_t site)
{
    if (!ready_deadline(length, &call->deadline_ns)) return (int)result_of(-EINVAL);
    if (call->count > DESCRIPTORS_MAX) return (int)result_of(-EINVAL);
    if (length && !call->mask && is_empty(call->files, call->count)) {
        return sleep_for(call->files, call->count, length);
    }
    return run(call, site);
}

int world_ppoll(struct pollfd *files, nfds_t count, const struct timespec *length,
                const sigset_t *mask)
{
    struct poll_call call = {.verb = "ppoll", .files = files, .count = count,
                             .mask = (const uint64_t *)mask};
    return poll_files(&call, length, CALL_SITE);
}

int world___ppoll_chk(struct pollfd *files, nfds_t count, const struct timespec *length,
                      const sigset_t *mask, size_t room)
{
    (void)room;
    return world_ppoll(files, count, length, mask);
}

static int poll_for(struct pollfd *files, nfds_t count, int ms, uintptr_t site)
{
    struct poll_call call = {.verb = "poll", .files = files, .count = count};
    struct timespec length = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    return poll_files(&call, ms < 0 ? NULL : &length, site);
}

int world_poll(struct pollfd *files, nfds_t count, int ms)
{
    return poll_for(files, count, ms, CALL_SITE);
}

int world___poll_chk(struct pollfd *files, nfds_t count, int ms, size_t room)
{
    (void)room;
    return poll_for(files, count, ms, CALL_SITE);
}

/* --- select --- */

enum {
    IN_SET = POLLIN | POLLRDNORM | POLLHUP | POLLERR,
    OUT_SET = POLLOUT | POLLWRNORM | POLLERR,
    OTHER_SET = POLLPRI,
};

static bool has(int number, const fd_set *set)
{
    return set != NULL && FD_ISSET(number, set);
}

static nfds_t files_of(int count, const fd_set *in, const fd_set *out, const fd_set *other,
                       struct pollfd *files)
{
    nfds_t used = 0;
    for (int number = 0; number < count; number++) {
        short events = (short)((has(number, in) ? POLLIN | POLLRDNORM : 0) |
                               (has(number, out) ? POLLOUT | POLLWRNORM : 0) |
                               (has(number, other) ? POLLPRI : 0));
        if (events != 0) files[used++] = (struct pollfd){.fd = number, .events = events};
    }
    return used;
}

/* Leaves those in the set that are among the events; returns how many. */
static int keep(const struct pollfd *files, nfds_t count, short events, fd_set *set)
{
    int kept = 0;
    if (set == NULL) return 0;
    for (nfds_t i = 0; i < count; i++) {
        if (!FD_ISSET(files[i].fd, set)) continue;
        if (files[i].revents & events) {
            kept++;
        } else {
            FD_CLR(files[i].fd, set);
        }
    }
    return kept;
}

static int select_files(int count, fd_set *in, fd_set *out, fd_set *other,
                        const struct timespec *length, const sigset_t *mask, uintptr_t site)
{
    static struct pollfd room[FD_SETSIZE]; /* no other thread runs while it is filled */
    if (count < 0 || count > FD_SETSIZE) return (int)result_of(-EINVAL);
    nfds_t used = files_of(count, in, out, other, room);
    struct pollfd *files = store_take(used * sizeof *files);
    memcpy(files, room, used * sizeof *files);
    struct poll_call call = {.verb = "select", .files = files, .count = used,
                             .mask = (const uint64_t *)mask};
    int ready = poll_files(&call, length, site);
    for (nfds_t i = 0; i < used && ready >= 0; i++) {
        if (files[i].revents & POLLNVAL) ready = (int)result_of(-EBADF);
    }
    if (ready >= 0) {
        ready = keep(files, used, IN_SET, in) + keep(files, used, OUT_SET, out) +
                keep(files, used, OTHER_SET, other);
    }
    store_give(files, used * sizeof *files);
    return ready;
}

int world_pselect(int count, fd_set *in, fd_set *out, fd_set *other, const struct timespec *length,
                  const sigset_t *mask)
{
    return select_files(count, in, out, other, length, mask, CALL_SITE);
}

/* As in Linux the time that is left is told. */
int world_select(int count, fd_set *in, fd_set *out, fd_set *other, struct timeval *length)
{
    struct timespec span;
    if (length == NULL) return select_files(count, in, out, other, NULL, NULL, CALL_SITE);
    uint64_t before_ns = world_now_ns();
    span.tv_sec = length->tv_sec + length->tv_usec / 1000000;
    span.tv_nsec = length->tv_usec % 1000000 * 1000;
    int ready = select_files(count, in, out, other, &span, NULL, CALL_SITE);
    int64_t left_us = ((int64_t)span.tv_sec * 1000000000 + span.tv_nsec -
                       (int64_t)(world_now_ns() - before_ns)) / 1000;
    if (ready < 0) return ready;
    if (left_us < 0) left_us = 0;
    *length = (struct timeval){left_us / 1000000, left_us % 1000000};
    return ready;
}

long world___fdelt_chk(long number)
{
    if (number < 0 || number >= FD_SETSIZE) {
        world_fail(WORLD_FOUND_ABORT, "descriptor %ld is too large for an fd_set", number);
    }
    return number / __NFDBITS;
}
