/* Signals, on the real machine and in the simulated one. */
#define _GNU_SOURCE
#include <assert.h>
#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t seen;
static pthread_t seen_by;
static sigjmp_buf jump;

static void count(int number)
{
    (void)number;
    seen++;
    seen_by = pthread_self();
}

static void leave(int number)
{
    siglongjmp(jump, number);
}

static void handle(int number, void (*handler)(int), int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    sigemptyset(&action.sa_mask);
    assert(sigaction(number, &action, NULL) == 0);
    seen = 0;
}

static sigset_t set_of(int number)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    return set;
}

static void block(int how, int number)
{
    sigset_t set = set_of(number);
    assert(pthread_sigmask(how, &set, NULL) == 0);
}

static int is_blocked(int number)
{
    sigset_t set;
    assert(sigprocmask(SIG_BLOCK, NULL, &set) == 0);
    return sigismember(&set, number);
}

static void check_own(void)
{
    sigset_t pending;
    handle(SIGUSR1, count, 0);
    assert(raise(SIGUSR1) == 0 && seen == 1 && pthread_equal(seen_by, pthread_self()));
    block(SIG_BLOCK, SIGUSR1);
    raise(SIGUSR1);
    kill(getpid(), SIGUSR1);
    assert(seen == 1 && sigpending(&pending) == 0 && sigismember(&pending, SIGUSR1) == 1);
    block(SIG_UNBLOCK, SIGUSR1);
    assert(seen >= 2);
    signal(SIGUSR1, SIG_IGN);
    raise(SIGUSR1);
    raise(SIGCHLD);
    handle(SIGUSR1, count, (int)SA_RESETHAND);
    raise(SIGUSR1);
    struct sigaction action;
    assert(seen == 1 && sigaction(SIGUSR1, NULL, &action) == 0 && action.sa_handler == SIG_DFL);
    assert(signal(SIGKILL, count) == SIG_ERR && errno == EINVAL);
    assert(kill(getpid(), 65) == -1 && errno == EINVAL && kill(getpid(), 0) == 0);
}

/* --- calls that are interrupted --- */

static sem_t gate;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int ready, ends[2];
static _Atomic uint32_t word;

static void *sleeps(void *argument)
{
    struct timespec length = {.tv_sec = 2}, left = {0};
    int rc = nanosleep(&length, &left);
    assert(rc == 0 || (errno == EINTR && left.tv_sec <= 2));
    return argument;
}

static void *waits_at_gate(void *argument)
{
    while (sem_wait(&gate) != 0) assert(errno == EINTR);
    return argument;
}

static void *waits_for_change(void *argument)
{
    pthread_mutex_lock(&lock);
    while (!ready) pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    return argument;
}

static void *reads(void *argument)
{
    char byte;
    ssize_t got;
    while ((got = read(ends[0], &byte, 1)) < 0) assert(errno == EINTR && argument == NULL);
    assert(got == 1);
    return argument;
}

static void *polls(void *argument)
{
    struct pollfd file = {.fd = ends[0], .events = POLLIN};
    char byte;
    while (poll(&file, 1, -1) < 0) assert(errno == EINTR);
    assert(file.revents == POLLIN && read(ends[0], &byte, 1) == 1);
    return argument;
}

static long futex(int operation, const struct timespec *limit)
{
    return syscall(SYS_futex, &word, operation, 0, limit, NULL, 0);
}

/* A handler that changes what is waited for: the call begins again, and sees it. */
static void answer(int number)
{
    count(number);
    word = 1;
}

static void *waits_for_word(void *argument)
{
    while (atomic_load(&word) == 0) {
        long rc = futex(FUTEX_WAIT_PRIVATE, NULL);
        assert(rc == 0 || errno == EAGAIN || (errno == EINTR && argument == NULL));
    }
    return argument;
}

/* A thread that is in a call when the signal comes, or not there yet, or just out of it. */
static void interrupt(void *(*body)(void *), void *argument, int number)
{
    pthread_t thread;
    seen = 0;
    assert(pthread_create(&thread, NULL, body, argument) == 0);
    assert(pthread_kill(thread, number) == 0);
    sem_post(&gate);
    pthread_mutex_lock(&lock);
    ready = 1;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
    atomic_store(&word, 1);
    syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    assert(write(ends[1], "x", 1) == 1);
    assert(pthread_join(thread, NULL) == 0);
    assert(seen == 0 || pthread_equal(seen_by, thread));
    if (body != reads && body != polls) reads(NULL);
    while (sem_trywait(&gate) == 0) continue;
    ready = 0;
    word = 0;
}

/* Without a limit it goes on where the handler permits. The signal comes again and again: once it
 * may come too early. */
static void check_futex(void)
{
    struct itimerval often = {{.tv_usec = 10000}, {.tv_usec = 10000}}, never = {{0}, {0}};
    struct timespec limit = {.tv_sec = 5}, shorter = {.tv_nsec = 30000000};
    for (int restarts = 0; restarts < 2; restarts++) {
        handle(SIGALRM, count, restarts ? SA_RESTART : 0);
        assert(setitimer(ITIMER_REAL, &often, NULL) == 0);
        assert(futex(FUTEX_WAIT, restarts ? &limit : NULL) == -1 && errno == EINTR && seen > 0);
    }
    handle(SIGALRM, answer, SA_RESTART);
    assert(futex(FUTEX_WAIT, NULL) == -1 && errno == EAGAIN && seen > 0);
    assert(setitimer(ITIMER_REAL, &never, NULL) == 0);
    word = 0;
    assert(futex(FUTEX_WAIT, &shorter) == -1 && errno == ETIMEDOUT);
}

static void check_interruptions(void)
{
    static char restarts[1];
    assert(pipe(ends) == 0 && sem_init(&gate, 0, 0) == 0);
    handle(SIGUSR1, count, 0);
    handle(SIGUSR2, count, SA_RESTART);
    interrupt(sleeps, NULL, SIGUSR1);
    interrupt(waits_at_gate, NULL, SIGUSR1);
    interrupt(waits_for_change, NULL, SIGUSR1);
    interrupt(reads, NULL, SIGUSR1);
    interrupt(reads, restarts, SIGUSR2);
    interrupt(polls, NULL, SIGUSR2);
    interrupt(waits_for_word, NULL, SIGUSR1);
    interrupt(waits_for_word, restarts, SIGUSR2);
    check_futex();
    assert(close(ends[0]) == 0 && close(ends[1]) == 0 && sem_destroy(&gate) == 0);
}

/* --- masks that come and go --- */

static void check_masks(void)
{
    sigset_t none;
    sigemptyset(&none);
    handle(SIGUSR1, count, 0);
    block(SIG_BLOCK, SIGUSR1);
    raise(SIGUSR1);
    assert(sigsuspend(&none) == -1 && errno == EINTR && seen == 1 && is_blocked(SIGUSR1));
    raise(SIGUSR1);
    assert(pselect(0, NULL, NULL, NULL, NULL, &none) == -1 && errno == EINTR && seen == 2);
    raise(SIGUSR1);
    assert(ppoll(NULL, 0, NULL, &none) == -1 && errno == EINTR && seen == 3);
    block(SIG_UNBLOCK, SIGUSR1);
    handle(SIGUSR1, leave, 0);
    for (int i = 0; i < 2; i++) {
        if (sigsetjmp(jump, 1) != 0) continue;
        raise(SIGUSR1);
        assert(!"a handler that jumps does not return");
    }
    assert(!is_blocked(SIGUSR1));
}

/* --- signals that are waited for --- */

static void *takes(void *number)
{
    sigset_t set = set_of(SIGTERM);
    sigaddset(&set, SIGUSR2);
    assert(sigwait(&set, number) == 0);
    return NULL;
}

static void check_waits(void)
{
    pthread_t thread;
    sigset_t set = set_of(SIGTERM);
    struct timespec length = {.tv_nsec = 1000000};
    siginfo_t info;
    int number;
    block(SIG_BLOCK, SIGTERM);
    assert(pthread_create(&thread, NULL, takes, &number) == 0);
    kill(getpid(), SIGTERM);
    assert(pthread_join(thread, NULL) == 0 && number == SIGTERM);
    assert(sigtimedwait(&set, NULL, &length) == -1 && errno == EAGAIN);
    assert(sigqueue(getpid(), SIGTERM, (union sigval){.sival_int = 42}) == 0);
    assert(sigwaitinfo(&set, &info) == SIGTERM && info.si_value.sival_int == 42);
    assert(info.si_code == SI_QUEUE && info.si_pid == getpid());
    int file = signalfd(-1, &set, SFD_NONBLOCK);
    struct signalfd_siginfo entry;
    struct pollfd poll_file = {.fd = file, .events = POLLIN};
    assert(read(file, &entry, sizeof entry) == -1 && errno == EAGAIN);
    kill(getpid(), SIGTERM);
    assert(poll(&poll_file, 1, -1) == 1);
    assert(read(file, &entry, sizeof entry) == sizeof entry && entry.ssi_signo == SIGTERM);
    assert(close(file) == 0);
}

/* --- signals that come with the time --- */

static void check_times(void)
{
    sigset_t none, realtime = set_of(SIGRTMIN + 1);
    struct itimerval every = {{0, 2000}, {0, 2000}}, off = {{0, 0}, {0, 0}};
    sigemptyset(&none);
    handle(SIGALRM, count, 0);
    block(SIG_BLOCK, SIGALRM);
    assert(alarm(9) == 0 && alarm(1) >= 8);
    assert(sigsuspend(&none) == -1 && seen == 1 && alarm(0) == 0);
    assert(setitimer(ITIMER_REAL, &every, NULL) == 0);
    while (seen < 4) sigsuspend(&none);
    assert(setitimer(ITIMER_REAL, &off, &every) == 0 && every.it_interval.tv_usec == 2000);

    timer_t timer;
    siginfo_t info;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 1,
                             .sigev_value = {.sival_int = 5}};
    struct itimerspec soon = {.it_value = {.tv_nsec = 500}};
    block(SIG_BLOCK, SIGRTMIN + 1);
    assert(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    assert(timer_settime(timer, 0, &soon, NULL) == 0);
    assert(sigwaitinfo(&realtime, &info) == SIGRTMIN + 1 && info.si_value.sival_int == 5);
    assert(info.si_code == SI_TIMER && timer_delete(timer) == 0);
}

int main(void)
{
    check_own();
    check_interruptions();
    check_masks();
    check_waits();
    check_times();
    puts("the same signals");
    return 0;
}
