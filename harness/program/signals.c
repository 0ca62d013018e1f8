#include "signals.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>

#include "harness/net/net.h"
#include "harness/world/world.h"
#include "libc.h"

enum { PENDING_MAX = 256, FIRST_QUEUED = 32, STATUS_BASE = 128, USER = 1000, PID = 1000 };

#define KILL_AND_STOP (signal_bit(SIGKILL) | signal_bit(SIGSTOP))

/* In the order in which they were sent. */
static struct pending {
    uint16_t target; /* WORLD_NOBODY: whoever does not block it */
    siginfo_t info;
} pending[PENDING_MAX];
static uint32_t pending_count;

static struct sigaction actions[SIGNALS_LAST + 1];
static stack_t stack;

/* A handler that runs; it lies on the stack of its thread. */
struct running {
    int number;
    uintptr_t site; /* what it interrupted */
    const struct running *outer;
};

static struct thread {
    struct world_place place;
    const struct running *running;
    uint64_t awaited; /* by sigwait() and its kin */
} threads[WORLD_ENTITIES_MAX], process;
static uint32_t threads_used; /* beyond, all are as new */

static struct thread *thread_of(uint16_t entity)
{
    if (entity >= threads_used) threads_used = entity + 1u;
    return &threads[entity];
}

/* --- names and places --- */

const char *signal_name(int number)
{
    static char text[24];
    const char *word = sigabbrev_np(number);
    if (word) {
        snprintf(text, sizeof text, "SIG%s", word);
    } else {
        snprintf(text, sizeof text, "SIGRTMIN+%d", number - SIGRTMIN);
    }
    return text;
}

static void tell_place(const struct world_place *place, char *out, size_t bytes)
{
    const struct thread *thread = (const struct thread *)(const void *)place;
    if (thread == &process) {
        snprintf(out, bytes, "signals of the process");
    } else {
        snprintf(out, bytes, "signals of %s", world_entity_name((uint16_t)(thread - threads)));
    }
}

struct world_place *signal_place(uint16_t entity)
{
    struct thread *thread = entity == WORLD_NOBODY ? &process : thread_of(entity);
    thread->place.tell = tell_place;
    return &thread->place;
}

void signals_tell(uint16_t entity, char *out, size_t bytes)
{
    size_t used = 0;
    out[0] = '\0';
    if (entity >= WORLD_ENTITIES_MAX) return;
    for (const struct running *at = threads[entity].running; at; at = at->outer) {
        if (used + 1 >= bytes) return;
        used += (size_t)snprintf(out + used, bytes - used,
                                 "%s%s handles %s, which came at {pc:%lx}", used ? "\n" : "",
                                 world_entity_name(entity), signal_name(at->number),
                                 (unsigned long)at->site);
    }
}

void signals_left_handlers(void)
{
    threads[world_self()].running = NULL;
}

/* --- what is pending --- */

static bool is_for(const struct pending *at, uint16_t entity, uint64_t set)
{
    return (at->target == entity || at->target == WORLD_NOBODY) &&
           (signal_bit(at->info.si_signo) & set);
}

/* Lowest number first; of one number, the oldest. */
static uint32_t find_first(uint16_t entity, uint64_t set)
{
    uint32_t first = pending_count;
    for (uint32_t i = 0; i < pending_count; i++) {
        if (!is_for(&pending[i], entity, set)) continue;
        if (first == pending_count || pending[i].info.si_signo < pending[first].info.si_signo) {
            first = i;
        }
    }
    return first;
}

static void remove_pending(uint32_t at)
{
    pending_count--;
    memmove(&pending[at], &pending[at + 1], (pending_count - at) * sizeof *pending);
}

static bool take(uint64_t set, struct pending *out)
{
    uint32_t at = find_first(world_self(), set);
    if (at == pending_count) return false;
    *out = pending[at];
    remove_pending(at);
    return true;
}

bool signal_take(uint64_t set, siginfo_t *out)
{
    struct pending one;
    if (!take(set, &one)) return false;
    place_say("take %s", signal_name(one.info.si_signo));
    place_step(signal_place(one.target), WORLD_OP_HANDLE, WORLD_WRITE,
               (uint32_t)one.info.si_signo);
    *out = one.info;
    return true;
}

uint64_t signals_pending(uint16_t entity)
{
    uint64_t set = 0;
    for (uint32_t i = 0; i < pending_count; i++) {
        if (is_for(&pending[i], entity, UINT64_MAX)) set |= signal_bit(pending[i].info.si_signo);
    }
    return set;
}

static bool anything(void)
{
    uint16_t self = world_self();
    return find_first(self, ~*world_signal_mask(self)) < pending_count;
}

static void forget(int number)
{
    for (uint32_t i = pending_count; i-- > 0;) {
        if (pending[i].info.si_signo == number) remove_pending(i);
    }
}

/* --- what a signal does --- */

static bool is_ignored_by_default(int number)
{
    return number == SIGCHLD || number == SIGURG || number == SIGWINCH || number == SIGCONT;
}

static bool is_ignored(int number)
{
    void (*handler)(int) = actions[number].sa_handler;
    return handler == SIG_IGN || (handler == SIG_DFL && is_ignored_by_default(number));
}

void signal_fatal(const siginfo_t *info)
{
    int number = info->si_signo;
    const char *name = signal_name(number);
    if (number == SIGSTOP || number == SIGTSTP || number == SIGTTIN || number == SIGTTOU) {
        world_fail(WORLD_FOUND_UNCONTROLLED,
                   "%s stops the process, and there is nobody who could let it go on", name);
    }
    if (number == SIGABRT) {
        world_fail(WORLD_FOUND_ABORT, "SIGABRT ends the process, sent to %s",
                   world_entity_name(world_self()));
    }
    world_fail(WORLD_FOUND_EXIT, "%s ends the process: status %d", name, STATUS_BASE + number);
}

static uintptr_t program_site(void)
{
    struct world_stack here;
    world_stack_here(&here);
    for (uint32_t i = 0; i < here.depth; i++) {
        if (world_is_program(here.pc[i])) return here.pc[i];
    }
    return 0;
}

static void call(const struct sigaction *action, siginfo_t *info, uint64_t before)
{
    static const ucontext_t nothing;
    ucontext_t context = nothing;
    *(uint64_t *)&context.uc_sigmask = before;
    if (action->sa_flags & SA_SIGINFO) {
        action->sa_sigaction(info->si_signo, info, &context);
    } else {
        action->sa_handler(info->si_signo);
    }
}

static void run_handler(const struct sigaction *action, siginfo_t *info)
{
    uint16_t self = world_self();
    uint64_t *mask = world_signal_mask(self), before = *mask;
    struct running running = {info->si_signo, program_site(), thread_of(self)->running};
    threads[self].running = &running;
    *mask |= signal_set(&action->sa_mask) & ~KILL_AND_STOP;
    if (!(action->sa_flags & SA_NODEFER)) *mask |= signal_bit(info->si_signo);
    call(action, info, before);
    *mask = before;
    threads[self].running = running.outer;
}

/* Whether there was a handler, which has run; and whether calls may go on after it. */
static bool handle(const struct pending *one, bool *restarts)
{
    int number = one->info.si_signo;
    siginfo_t info = one->info;
    struct sigaction action = actions[number];
    if (is_ignored(number)) return false;
    if (action.sa_handler == SIG_DFL) signal_fatal(&info);
    if (action.sa_flags & (int)SA_RESETHAND) actions[number].sa_handler = SIG_DFL;
    place_say("handle %s", signal_name(number));
    place_step(signal_place(one->target), WORLD_OP_HANDLE, WORLD_WRITE, (uint32_t)number);
    *restarts = (action.sa_flags & SA_RESTART) != 0;
    run_handler(&action, &info);
    return true;
}

static enum world_resume run(void)
{
    enum world_resume how = WORLD_RESUME_ALL;
    struct pending one;
    bool restarts = false;
    world_meet(WORLD_MET_ALL);
    while (take(~*world_signal_mask(world_self()), &one)) {
        if (!handle(&one, &restarts)) continue;
        if (!restarts) {
            how = WORLD_RESUME_NONE;
        } else if (how == WORLD_RESUME_ALL) {
            how = WORLD_RESUME_SOME;
        }
    }
    return how;
}

/* --- sending --- */

static bool blocks(uint16_t entity, int number)
{
    return (*world_signal_mask(entity) & signal_bit(number)) != 0;
}

static bool wants(uint16_t entity, int number)
{
    if (!world_can_interrupt(entity)) return false;
    return !blocks(entity, number) || (threads[entity].awaited & signal_bit(number));
}

/* One of those that want it; WORLD_NOBODY if all block it. */
static uint16_t choose_taker(int number)
{
    uint16_t takers[WORLD_ENTITIES_MAX];
    uint32_t count = 0;
    for (uint16_t id = 0; id < world_entity_count(); id++) {
        if (wants(id, number)) takers[count++] = id;
    }
    if (count == 0) return WORLD_NOBODY;
    return takers[count == 1 ? 0 : world_choose(count, "thread that takes a signal")];
}

static bool is_pending(uint16_t target, int number)
{
    for (uint32_t i = 0; i < pending_count; i++) {
        if (pending[i].target == target && pending[i].info.si_signo == number) return true;
    }
    return false;
}

/* As Linux decides it: by the thread that it is for, or by the first one. */
static bool is_dropped(uint16_t target, int number)
{
    uint16_t by = target == WORLD_NOBODY ? 0 : target;
    uint64_t held = *world_signal_mask(by) | threads[by].awaited;
    return is_ignored(number) && !(held & signal_bit(number));
}

static void tell_sent(uint16_t target, int number)
{
    const char *to = target == WORLD_NOBODY ? "the process" : world_entity_name(target);
    place_say("send %s to %s", signal_name(number), to);
    place_step(signal_place(target), WORLD_OP_KILL, WORLD_WRITE, (uint32_t)number);
}

/* The thread that it is for hears of it. */
static void deliver(uint16_t target, int number)
{
    if (target == WORLD_NOBODY || !world_can_interrupt(target)) return;
    if (blocks(target, number)) return;
    if (target != world_self()) {
        world_interrupt(target);
    } else {
        int saved_errno = errno;
        (void)run();
        errno = saved_errno;
    }
}

bool signal_send(uint16_t target, const siginfo_t *info)
{
    int number = info->si_signo;
    if (place_searching()) world_stop("the reduced search takes no programs with signals");
    world_meet(WORLD_MET_ALL);
    tell_sent(target, number);
    if (number == SIGKILL || number == SIGSTOP) signal_fatal(info);
    if (is_dropped(target, number)) return true;
    uint16_t taker = target == WORLD_NOBODY ? choose_taker(number) : target;
    if (number < FIRST_QUEUED && is_pending(taker, number)) return true;
    if (pending_count == PENDING_MAX) return false;
    pending[pending_count++] = (struct pending){taker, *info};
    signal_files_changed();
    gate_changed();
    deliver(taker, number);
    return true;
}

void signal_block(uint64_t mask)
{
    *world_signal_mask(world_self()) = mask & ~KILL_AND_STOP;
    if (anything()) (void)run();
}

/* --- waiting --- */

struct wait {
    uint64_t set;
    uint16_t entity;
    const char *verb;
};

static bool has_come(const void *context)
{
    const struct wait *wait = context;
    return (signals_pending(wait->entity) & wait->set) != 0;
}

static void tell_wait(const void *context, char *out, size_t bytes)
{
    snprintf(out, bytes, "%s", ((const struct wait *)context)->verb);
}

static void stop_waiting(const void *context)
{
    threads[((const struct wait *)context)->entity].awaited = 0;
}

bool signal_wait(const uint64_t *set, const uint64_t *mask, uint64_t deadline_ns, const char *verb)
{
    uint16_t self = world_self();
    struct wait wait = {set ? *set : 0, self, verb};
    struct world_gate gate = {.open = has_come, .context = &wait, .place = signal_place(self),
                              .tell = tell_wait, .abandon = stop_waiting, .op = WORLD_OP_HANDLE,
                              .gates = WORLD_GATE_IN, .mask = mask, .deadline_ns = deadline_ns};
    thread_of(self)->awaited = wait.set;
    bool come = gate_pass(&gate);
    threads[self].awaited = 0;
    return come;
}

/* --- of a write that nobody reads --- */

static bool pipe_signal(void)
{
    const siginfo_t info = {.si_signo = SIGPIPE, .si_code = SI_KERNEL, .si_pid = PID,
                            .si_uid = USER};
    uint16_t self = world_self();
    if (actions[SIGPIPE].sa_handler == SIG_DFL && !blocks(self, SIGPIPE)) return false;
    if (!is_dropped(self, SIGPIPE)) (void)signal_send(self, &info);
    return true;
}

/* Of SIGABRT: its handler runs, whether it is blocked or not, but cannot prevent the end. */
static void last_word(void)
{
    uint16_t self = world_self();
    const siginfo_t info = {.si_signo = SIGABRT, .si_code = SI_TKILL, .si_pid = PID,
                            .si_uid = USER};
    if (is_ignored(SIGABRT) || actions[SIGABRT].sa_handler == SIG_DFL) return;
    *world_signal_mask(self) &= ~signal_bit(SIGABRT);
    (void)signal_send(self, &info);
}

/* --- handlers and masks --- */

void signals_begin(void)
{
    static const struct world_signals hooks = {run, anything, last_word};
    world_signals_set(&hooks);
    net_on_broken_pipe(pipe_signal);
    memset(actions, 0, sizeof actions);
    memset(threads, 0, threads_used * sizeof *threads);
    threads_used = 0;
    memset(&process, 0, sizeof process);
    pending_count = 0;
    stack = (stack_t){.ss_flags = SS_DISABLE};
    signal_timers_begin();
    signal_files_begin();
}

static bool is_settable(int number)
{
    if (signal_is_valid(number) && number != SIGKILL && number != SIGSTOP) return true;
    errno = EINVAL;
    return false;
}

int world_sigaction(int number, const struct sigaction *fresh, struct sigaction *old)
{
    if (!signal_is_valid(number) || (fresh && !is_settable(number))) {
        errno = EINVAL;
        return -1;
    }
    if (old) *old = actions[number];
    if (fresh == NULL) return 0;
    actions[number] = *fresh;
    if (fresh->sa_handler != SIG_IGN && fresh->sa_handler != SIG_DFL) world_release_points();
    if (is_ignored(number)) forget(number);
    return 0;
}

static void (*set_handler(int number, void (*handler)(int), int flags))(int)
{
    struct sigaction old, fresh = {.sa_handler = handler, .sa_flags = flags};
    if (!is_settable(number)) return SIG_ERR;
    (void)world_sigaction(number, &fresh, &old);
    return old.sa_handler;
}

void (*world_signal(int number, void (*handler)(int)))(int)
{
    return set_handler(number, handler, SA_RESTART);
}

void (*world___sysv_signal(int number, void (*handler)(int)))(int)
{
    return set_handler(number, handler, (int)SA_RESETHAND | SA_NODEFER);
}

int world_siginterrupt(int number, int flag)
{
    if (!is_settable(number)) return -1;
    actions[number].sa_flags &= ~SA_RESTART;
    if (!flag) actions[number].sa_flags |= SA_RESTART;
    return 0;
}

int world_pthread_sigmask(int how, const sigset_t *fresh, sigset_t *old)
{
    uint64_t mask = *world_signal_mask(world_self());
    if (fresh && how != SIG_BLOCK && how != SIG_UNBLOCK && how != SIG_SETMASK) return EINVAL;
    uint64_t set = fresh ? signal_set(fresh) : 0;
    if (old) {
        sigemptyset(old);
        *(uint64_t *)old = mask;
    }
    if (fresh == NULL) return 0;
    signal_block(how == SIG_BLOCK ? mask | set : how == SIG_UNBLOCK ? mask & ~set : set);
    return 0;
}

int world_sigprocmask(int how, const sigset_t *fresh, sigset_t *old)
{
    int rc = world_pthread_sigmask(how, fresh, old);
    if (rc == 0) return 0;
    errno = rc;
    return -1;
}

int world_sigpending(sigset_t *out)
{
    uint16_t self = world_self();
    sigemptyset(out);
    *(uint64_t *)out = signals_pending(self) & *world_signal_mask(self);
    return 0;
}

int world_sigaltstack(const stack_t *fresh, stack_t *old)
{
    if (old) *old = stack;
    if (fresh) stack = *fresh;
    return 0;
}
