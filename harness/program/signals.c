/* Signals: in a world without other processes, terminals and timers of the kernel none ever comes,
 * but SIGPIPE. Handlers and masks are remembered, so that a program finds what it has set. */
#include "libc.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "harness/net/net.h"

static struct sigaction handlers[_NSIG];
static sigset_t mask;
static stack_t stack;

/* The one signal that comes: of a write that nobody reads. */
static bool pipe_signal(void)
{
    const struct sigaction *action = &handlers[SIGPIPE];
    if (sigismember(&mask, SIGPIPE) == 1 || action->sa_handler == SIG_IGN) return true;
    if (action->sa_handler == SIG_DFL) return false;
    siginfo_t info = {.si_signo = SIGPIPE};
    if (action->sa_flags & SA_SIGINFO) {
        action->sa_sigaction(SIGPIPE, &info, NULL);
    } else {
        action->sa_handler(SIGPIPE);
    }
    return true;
}

void signals_begin(void)
{
    net_on_broken_pipe(pipe_signal);
    memset(handlers, 0, sizeof handlers);
    sigemptyset(&mask);
    stack = (stack_t){.ss_flags = SS_DISABLE};
}

static bool is_settable(int number)
{
    if (number > 0 && number < _NSIG && number != SIGKILL && number != SIGSTOP) return true;
    errno = EINVAL;
    return false;
}

int world_sigaction(int number, const struct sigaction *fresh, struct sigaction *old)
{
    if (!is_settable(number)) return -1;
    if (old) *old = handlers[number];
    if (fresh) handlers[number] = *fresh;
    return 0;
}

void (*world_signal(int number, void (*handler)(int)))(int)
{
    if (!is_settable(number)) return SIG_ERR;
    void (*old)(int) = handlers[number].sa_handler;
    handlers[number] = (struct sigaction){.sa_handler = handler};
    return old;
}

void (*world___sysv_signal(int number, void (*handler)(int)))(int)
{
    return world_signal(number, handler);
}

int world_siginterrupt(int number, int flag)
{
    (void)flag;
    return is_settable(number) ? 0 : -1;
}

/* One mask for all threads: nobody can tell, as long as each only gives back what it was given. */
int world_pthread_sigmask(int how, const sigset_t *fresh, sigset_t *old)
{
    if (old) *old = mask;
    if (fresh == NULL) return 0;
    switch (how) {
    case SIG_BLOCK:
        sigorset(&mask, &mask, fresh);
        return 0;
    case SIG_UNBLOCK:
        for (int number = 1; number < _NSIG; number++) {
            if (sigismember(fresh, number) == 1) sigdelset(&mask, number);
        }
        return 0;
    case SIG_SETMASK:
        mask = *fresh;
        return 0;
    default:
        return EINVAL;
    }
}

int world_sigprocmask(int how, const sigset_t *fresh, sigset_t *old)
{
    errno = world_pthread_sigmask(how, fresh, old);
    return errno == 0 ? 0 : -1;
}

int world_sigaltstack(const stack_t *fresh, stack_t *old)
{
    if (old) *old = stack;
    if (fresh) stack = *fresh;
    return 0;
}
