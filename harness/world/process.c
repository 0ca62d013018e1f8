/* The process as the program sees it: its end, and its identity. */
#include "internal.h"

#include <stdlib.h>
#include <sys/types.h>

enum { PID = 1000, ATEXIT_MAX = 64 };

static void (*at_exit[ATEXIT_MAX])(void);
static uint32_t at_exit_count;

void process_reset(void)
{
    at_exit_count = 0;
}

void process_run_atexit(void)
{
    while (at_exit_count > 0) at_exit[--at_exit_count]();
}

int world_atexit(void (*handler)(void))
{
    if (at_exit_count == ATEXIT_MAX) return -1;
    at_exit[at_exit_count++] = handler;
    return 0;
}

/* In the simulation there are no other processes, so nothing can fork. */
int world_pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void))
{
    (void)prepare, (void)parent, (void)child;
    return 0;
}

_Noreturn void world_abort(void)
{
    finding_raise(WORLD_FOUND_ABORT, CALLER, "%s called abort()", W.self->name);
}

_Noreturn void world___assert_fail(const char *text, const char *file, unsigned line,
                                   const char *function)
{
    finding_raise(WORLD_FOUND_ASSERT, CALLER, "%s:%u: %s: assertion failed: %s", file, line,
                  function, text);
}

static _Noreturn void leave(int status, uintptr_t site)
{
    if (status != 0 || !W.limits.may_exit) {
        finding_raise(WORLD_FOUND_EXIT, site, "%s ended the process with status %d", W.self->name,
                      status);
    }
    sched_leave(WORLD_DONE);
}

_Noreturn void world_exit(int status)
{
    process_run_atexit();
    leave(status, CALLER);
}

_Noreturn void world__exit(int status)
{
    leave(status, CALLER);
}

_Noreturn void world__Exit(int status)
{
    leave(status, CALLER);
}

pid_t world_getpid(void)
{
    return PID;
}

pid_t world_gettid(void)
{
    return PID + W.self->id;
}

/* Each fiber keeps its own errno: see fiber_switch. */
int *world___errno_location(void)
{
    return __errno_location();
}
