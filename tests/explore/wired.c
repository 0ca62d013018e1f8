#define _GNU_SOURCE /* pipe2 */
#include "wired.h"

#include "generated.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <unistd.h>

struct wires {
    int pipe[2], pair[2], listener;
    struct sockaddr_in address;
};

static struct wires wires[GENERATED_OBJECTS];
static int watching; /* an epoll descriptor; 0: none */
static uint64_t seen[GENERATED_THREADS];

/* --- what a thread saw --- */

static void tell(void)
{
    uint64_t outcome = 17;
    for (uint32_t i = 0; i < GENERATED_THREADS; i++) outcome = outcome * 1099511628211u + seen[i];
    generated_tell(outcome);
}

/* What a call returned: a count, or why it failed. */
static void see(uint32_t who, long result)
{
    long value = result < 0 ? 1000 + errno : result;
    seen[who] = seen[who] * 1000003 + (uint64_t)value + 1;
}

static void see_byte(uint32_t who, long result, char byte)
{
    see(who, result);
    if (result == 1) see(who, byte);
}

/* --- what it does --- */

static void connect_to(const struct wires *on, uint32_t who)
{
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    see(who, connect(fd, (const struct sockaddr *)&on->address, sizeof on->address));
}

/* Ports are given in the order of connecting. */
static void accept_one(const struct wires *on, uint32_t who)
{
    struct sockaddr_in peer = {.sin_port = 0};
    socklen_t length = sizeof peer;
    int fd = accept(on->listener, (struct sockaddr *)&peer, &length);
    see(who, fd < 0 ? fd : ntohs(peer.sin_port));
}

static void look(int fd, uint32_t who, int timeout_ms)
{
    struct pollfd only = {.fd = fd, .events = POLLIN};
    see(who, poll(&only, 1, timeout_ms));
    see(who, only.revents);
}

static void look_at_all(uint32_t who, int timeout_ms)
{
    struct pollfd files[2 * GENERATED_OBJECTS];
    for (uint32_t i = 0; i < GENERATED_OBJECTS; i++) {
        files[2 * i] = (struct pollfd){.fd = wires[i].pipe[0], .events = POLLIN};
        files[2 * i + 1] = (struct pollfd){.fd = wires[i].listener, .events = POLLIN};
    }
    see(who, poll(files, 2 * GENERATED_OBJECTS, timeout_ms));
    for (uint32_t i = 0; i < 2 * GENERATED_OBJECTS; i++) see(who, files[i].revents);
}

static void select_two(int one, int other, uint32_t who, int timeout_ms)
{
    struct timeval none = {0};
    fd_set in;
    FD_ZERO(&in);
    FD_SET(one, &in);
    FD_SET(other, &in);
    int most = one > other ? one : other;
    see(who, select(most + 1, &in, NULL, NULL, timeout_ms < 0 ? NULL : &none));
    see(who, FD_ISSET(one, &in) + 2 * FD_ISSET(other, &in));
}

static void wait_for_events(uint32_t who, int room, int timeout_ms)
{
    struct epoll_event events[GENERATED_OBJECTS];
    int count = epoll_wait(watching, events, room, timeout_ms);
    see(who, count);
    for (int i = 0; i < count; i++) see(who, events[i].data.fd * 100 + (int)events[i].events);
}

static void watch(int operation, int fd, uint32_t how, uint32_t who)
{
    struct epoll_event event = {.events = how, .data.fd = fd};
    see(who, epoll_ctl(watching, operation, fd, &event));
}

static void see_chance(uint32_t who)
{
    char byte = 0;
    see_byte(who, getrandom(&byte, 1, 0), byte);
}

static void run_step_on_many(const struct generated_step *step, uint32_t who)
{
    const struct wires *on = &wires[step->object], *other = &wires[1 - step->object];
    int timeout_ms = step->object == 0 ? -1 : 0;
    switch ((enum wired_op)step->op) {
    case WIRED_POLL_BOTH:
        look_at_all(who, timeout_ms);
        return;
    case WIRED_SELECT:
        select_two(on->pipe[0], other->pair[1], who, timeout_ms);
        return;
    case WIRED_EPOLL:
        wait_for_events(who, 1 + step->object, timeout_ms);
        return;
    case WIRED_EPOLL_OFF:
        watch(EPOLL_CTL_DEL, on->pipe[0], 0, who);
        return;
    case WIRED_EPOLL_ON:
        watch(EPOLL_CTL_ADD, on->pair[1], EPOLLIN | EPOLLET, who);
        return;
    case WIRED_CHANCE:
        see_chance(who);
        return;
    default:
        return;
    }
}

static void run_step(const struct generated_step *step, uint32_t who)
{
    const struct wires *on = &wires[step->object];
    char byte = (char)('a' + who);
    int timeout_ms = step->object == 0 ? -1 : 0;
    switch ((enum wired_op)step->op) {
    case WIRED_WRITE:
        see(who, write(on->pipe[1], &byte, 1));
        return;
    case WIRED_READ:
        see_byte(who, read(on->pipe[0], &byte, 1), byte);
        return;
    case WIRED_CLOSE_OUT:
        see(who, close(on->pipe[1]));
        return;
    case WIRED_CLOSE_IN:
        see(who, close(on->pipe[0]));
        return;
    case WIRED_CONNECT:
        connect_to(on, who);
        return;
    case WIRED_ACCEPT:
        accept_one(on, who);
        return;
    case WIRED_POLL:
        look(on->pipe[0], who, timeout_ms);
        return;
    case WIRED_POLL_LISTENER:
        look(on->listener, who, timeout_ms);
        return;
    case WIRED_SEND:
        see(who, send(on->pair[0], &byte, 1, MSG_NOSIGNAL));
        return;
    case WIRED_RECV:
        see_byte(who, recv(on->pair[1], &byte, 1, 0), byte);
        return;
    case WIRED_SHUTDOWN:
        see(who, shutdown(on->pair[0], SHUT_WR));
        return;
    case WIRED_NOTHING:
        return;
    default:
        run_step_on_many(step, who);
    }
}

/* --- the program --- */

static void open_wires(struct wires *on, int flags)
{
    socklen_t length = sizeof on->address;
    if (pipe2(on->pipe, flags ? O_NONBLOCK : 0) != 0) abort();
    socketpair(AF_UNIX, SOCK_STREAM | flags, 0, on->pair);
    on->listener = socket(AF_INET, SOCK_STREAM | flags, 0);
    on->address = (struct sockaddr_in){.sin_family = AF_INET,
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    bind(on->listener, (struct sockaddr *)&on->address, length);
    listen(on->listener, 4);
    getsockname(on->listener, (struct sockaddr *)&on->address, &length);
}

static bool uses_epoll(void)
{
    const struct generated_program *program = generated_now();
    for (uint32_t i = 0; i < GENERATED_THREADS * GENERATED_OPS; i++) {
        uint8_t op = program->steps[i / GENERATED_OPS][i % GENERATED_OPS].op;
        if (op >= WIRED_EPOLL && op <= WIRED_EPOLL_ON) return true;
    }
    return false;
}

static void begin_to_watch(void)
{
    watching = 0;
    if (!uses_epoll()) return;
    watching = epoll_create1(0);
    for (uint32_t i = 0; i < GENERATED_OBJECTS; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.fd = wires[i].pipe[0]};
        epoll_ctl(watching, EPOLL_CTL_ADD, wires[i].pipe[0], &event);
    }
}

static void *work(void *argument)
{
    uint32_t who = *(const uint32_t *)argument;
    for (int i = 0; i < GENERATED_OPS; i++) {
        run_step(&generated_now()->steps[who][i], who);
        tell(); /* an execution in which somebody waits for ever leaves an outcome, too */
    }
    return NULL;
}

void program_wired(void)
{
    static uint32_t names[GENERATED_THREADS] = {0, 1, 2};
    pthread_t threads[GENERATED_THREADS];
    open_wires(&wires[0], 0);
    open_wires(&wires[1], SOCK_NONBLOCK);
    begin_to_watch();
    uint32_t count = generated_now()->threads;
    for (uint32_t i = 0; i < count; i++) pthread_create(&threads[i], NULL, work, &names[i]);
    for (uint32_t i = 0; i < count; i++) pthread_join(threads[i], NULL);
    tell();
}
