#define _GNU_SOURCE /* pipe2 */
#include "worker.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RETURNED = 0x40 }; /* exit statuses that tell what work() returned */

static void fail(const char *what)
{
    perror(what);
    exit(5);
}

void *worker_shared(size_t bytes)
{
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED) fail("harness fault: shared memory");
    return at;
}

/* The child holds the write end: when it is gone, the parent reads the end of the pipe. */
static void watch(int pipe_end, void (*tick)(void *), void *tick_argument)
{
    struct pollfd end = {.fd = pipe_end, .events = POLLIN};
    while (poll(&end, 1, tick ? WORKER_TICK_MS : -1) <= 0) {
        if (tick) tick(tick_argument);
    }
}

struct worker worker_start(int (*work)(void *), void *argument)
{
    int ends[2];
    fflush(NULL);
    if (pipe2(ends, O_CLOEXEC) != 0) fail("harness fault: pipe");
    pid_t child = fork();
    if (child < 0) fail("harness fault: fork");
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* an interrupted harness leaves nobody behind */
        close(ends[0]);
        int code = work(argument);
        fflush(NULL);
        _exit(RETURNED + code);
    }
    close(ends[1]);
    return (struct worker){child, ends[0]};
}

bool worker_is_lost(struct worker worker)
{
    siginfo_t info = {.si_pid = 0};
    int how = WEXITED | WNOHANG | WNOWAIT;
    if (worker.pid == 0 || waitid(P_PID, (id_t)worker.pid, &info, how) != 0) return false;
    return info.si_pid != 0 && (info.si_code != CLD_EXITED || info.si_status != RETURNED);
}

struct worker_result worker_wait(struct worker worker, void (*tick)(void *), void *tick_argument)
{
    int status;
    watch(worker.end, tick, tick_argument);
    close(worker.end);
    while (waitpid(worker.pid, &status, 0) < 0) continue;
    if (WIFSIGNALED(status)) return (struct worker_result){WORKER_KILLED, WTERMSIG(status)};
    int code = WEXITSTATUS(status);
    if (code >= RETURNED) return (struct worker_result){WORKER_RETURNED, code - RETURNED};
    return (struct worker_result){WORKER_EXITED, code};
}

struct worker_result worker_run(int (*work)(void *), void *argument, void (*tick)(void *),
                                void *tick_argument)
{
    return worker_wait(worker_start(work, argument), tick, tick_argument);
}
