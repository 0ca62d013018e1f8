/* The process as the program sees it: its end, and its identity. */
#include "interrupt.h"

#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

enum { PID = 1000, ATEXIT_MAX = 4096, PROCESSORS = 4 };

/* Of atexit(), or with an object of which it is the destructor. */
static struct {
    void (*handler)(void);
    void (*destroy)(void *);
    void *object;
} at_exit[ATEXIT_MAX];
static uint32_t at_exit_count;

/* Where the first thread waits for the others, when it has left. */
static struct world_queue others;
static bool waits_for_others;
static bool exited;

void process_reset(void)
{
    at_exit_count = 0;
    others = (struct world_queue){.head = 0};
    waits_for_others = false;
    exited = false;
}

bool world_exited(void)
{
    return exited;
}

void process_run_atexit(void)
{
    while (at_exit_count > 0) {
        at_exit_count--;
        if (at_exit[at_exit_count].handler) {
            at_exit[at_exit_count].handler();
        } else {
            at_exit[at_exit_count].destroy(at_exit[at_exit_count].object);
        }
    }
}

int world_atexit(void (*handler)(void))
{
    if (at_exit_count == ATEXIT_MAX) return -1;
    at_exit[at_exit_count++].handler = handler;
    return 0;
}

int world___cxa_atexit(void (*destroy)(void *), void *object, void *library)
{
    (void)library;
    if (at_exit_count == ATEXIT_MAX) {
        finding_raise(WORLD_FOUND_UNCONTROLLED, CALLER,
                      "more than %d handlers and destructors for the end", ATEXIT_MAX);
    }
    at_exit[at_exit_count].handler = NULL;
    at_exit[at_exit_count].destroy = destroy;
    at_exit[at_exit_count++].object = object;
    return 0;
}

void world_leave_main(void)
{
    struct entity *self = W.self;
    REQUIRE(self->id == 0);
    endings_run(self);
    if (self->has_keys) keys_destroy(self);
    if (self->held > 0) mutex_owner_ends(self);
    waits_for_others = true;
    while (W.live_threads > 1) world_wait(&others, WORLD_NEVER, "the end of the other threads");
}

void process_thread_ends(void)
{
    if (LIKELY(!waits_for_others)) return;
    if (W.live_threads == 2) { /* it, and the first */
        world_wake(&others);
    } else {
        world_release(&others);
    }
}

/* In the simulation there are no other processes, so nothing can fork. */
int world_pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void))
{
    (void)prepare, (void)parent, (void)child;
    return 0;
}

_Noreturn void world_abort(void)
{
    signal_aborts();
    finding_raise(WORLD_FOUND_ABORT, CALLER, "%s called abort()", world_entity_name(W.self->id));
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
        finding_raise(WORLD_FOUND_EXIT, site, "%s ended the process with status %d",
                      world_entity_name(W.self->id), status);
    }
    sched_leave(WORLD_DONE);
}

_Noreturn void world_exit(int status)
{
    endings_run(W.self);
    process_run_atexit();
    if (!W.branched) image_destruct();
    if (W.limits.check_memory) arena_check();
    exited = true;
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

/* The machine that a program sees is the same everywhere. */
long world_sysconf(int name)
{
    switch (name) {
    case _SC_PAGESIZE:
        return 4096;
    case _SC_NPROCESSORS_CONF:
    case _SC_NPROCESSORS_ONLN:
        return PROCESSORS;
    case _SC_THREAD_STACK_MIN:
        return 16384;
    case _SC_CLK_TCK:
        return 100;
    case _SC_OPEN_MAX:
        return 1024;
    case _SC_PHYS_PAGES:
        return 1 << 20;
    case _SC_AVPHYS_PAGES:
        return 1 << 19;
    case _SC_ARG_MAX:
        return 2 << 20;
    case _SC_IOV_MAX:
        return 1024;
    case _SC_HOST_NAME_MAX:
        return 64;
    case _SC_LOGIN_NAME_MAX:
        return 256;
    case _SC_LEVEL1_DCACHE_LINESIZE:
        return 64;
    case _SC_MONOTONIC_CLOCK:
    case _SC_THREADS:
    case _SC_TIMERS:
        return 200809;
    case _SC_GETPW_R_SIZE_MAX:
    case _SC_GETGR_R_SIZE_MAX:
        return 1024;
    case _SC_SYMLOOP_MAX:
    case _SC_CHILD_MAX:
    case _SC_THREAD_THREADS_MAX:
        return -1; /* no limit */
    default:
        finding_raise(WORLD_FOUND_UNCONTROLLED, CALLER, "uncontrolled call of sysconf(%d)", name);
    }
}

/* What PTHREAD_STACK_MIN expands to. */
long world___sysconf(int name)
{
    return world_sysconf(name);
}

int world_get_nprocs(void)
{
    return PROCESSORS;
}

int world_get_nprocs_conf(void)
{
    return PROCESSORS;
}

/* Each fiber keeps its own errno: see fiber_switch. */
int *world___errno_location(void)
{
    return __errno_location();
}
