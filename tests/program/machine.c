/* What a program may ask of its machine: the same everywhere. */
#define _GNU_SOURCE
#include <assert.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/times.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

static long now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void check_sleeps(void)
{
    long start = now_ms();
    struct timeval length = {.tv_usec = 20000};
    struct pollfd none = {.fd = -1};
    assert(select(0, NULL, NULL, NULL, &length) == 0 && length.tv_usec == 0);
    assert(poll(NULL, 0, 30) == 0);
    assert(poll(&none, 1, 0) == 0);
    assert(now_ms() - start >= 50 && now_ms() - start < 1000);
    length.tv_sec = -1;
    assert(select(0, NULL, NULL, NULL, &length) == -1 && errno == EINVAL);
}

static void check_memory(void)
{
    const int access = PROT_READ | PROT_WRITE, flags = MAP_PRIVATE | MAP_ANONYMOUS;
    unsigned char *at = mmap(NULL, 5000, access, flags, -1, 0);
    assert(at != MAP_FAILED && (unsigned long)at % 4096 == 0 && at[0] == 0 && at[8191] == 0);
    memset(at, 7, 8192);
    assert(madvise(at, 4096, MADV_DONTNEED) == 0 && at[0] == 0 && at[4096] == 7);
    assert(munmap(at, 5000) == 0);
    assert(mmap(NULL, 0, access, flags, -1, 0) == MAP_FAILED);
}

/* As new in every execution. */
static void check_environment(void)
{
    static char pair[] = "MACHINE_TEST=2";
    assert(getenv("MACHINE_TEST") == NULL && setenv("MACHINE_TEST", "1", 0) == 0);
    assert(setenv("MACHINE_TEST", "3", 0) == 0 && strcmp(getenv("MACHINE_TEST"), "1") == 0);
    assert(putenv(pair) == 0 && strcmp(getenv("MACHINE_TEST"), "2") == 0);
    assert(getenv("PATH") && unsetenv("PATH") == 0 && getenv("PATH") == NULL);
    assert(clearenv() == 0 && getenv("MACHINE_TEST") == NULL);
}

static void check_names(void)
{
    struct utsname name;
    char text[32];
    assert(prctl(PR_SET_NAME, "a-name-that-is-too-long") == 0);
    assert(prctl(PR_GET_NAME, text) == 0 && strcmp(text, "a-name-that-is-") == 0);
    assert(uname(&name) == 0 && strcmp(name.sysname, "Linux") == 0);
    assert(gethostname(text, sizeof text) == 0 && strcmp(text, name.nodename) == 0);
    assert(gethostname(text, 2) == -1 && errno == ENAMETOOLONG);
    assert(getuid() == geteuid() && getgid() == getegid() && getppid() == 1);
    assert(prctl(PR_SET_DUMPABLE, 1) == 0 && prctl(-1) == -1 && errno == EINVAL);
    assert(syscall(SYS_gettid) == gettid() && syscall(SYS_getpid) == getpid());
    assert(syscall(SYS_getuid) == getuid() && syscall(SYS_getegid) == getegid());
}

static void check_processors(void)
{
    cpu_set_t set;
    assert(sched_getaffinity(0, sizeof set, &set) == 0);
    assert(CPU_COUNT(&set) == sysconf(_SC_NPROCESSORS_ONLN));
    assert(sched_setaffinity(0, sizeof set, &set) == 0 && sched_getcpu() == 0);
    assert(syscall(SYS_sched_getaffinity, 0, sizeof set, &set) == 8 && CPU_ISSET(0, &set));
    assert(syscall(SYS_sched_yield) == 0 && nice(5) == 0 && setpriority(PRIO_PROCESS, 0, 5) == 0);
}

static void check_system_calls(void)
{
    struct timespec now, length = {.tv_nsec = 1000};
    char word[8] = "";
    int ends[2];
    assert(syscall(SYS_pipe2, ends, O_CLOEXEC) == 0 && syscall(SYS_write, ends[1], "word", 4) == 4);
    assert(syscall(SYS_read, ends[0], word, sizeof word) == 4 && strcmp(word, "word") == 0);
    assert(syscall(SYS_close, ends[0]) == 0 && close(ends[1]) == 0);
    ends[0] = (int)syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY);
    assert(ends[0] >= 0 && read(ends[0], word, 1) == 0 && close(ends[0]) == 0);
    assert(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now) == 0 && now.tv_sec >= 0);
    assert(syscall(SYS_getrandom, word, 4, 0) == 4 && syscall(SYS_nanosleep, &length, NULL) == 0);
}

static void check_calendar(void)
{
    time_t day = 86400;
    struct tm parts = *localtime(&day);
    struct rusage used;
    assert(parts.tm_mday == 2 && parts.tm_hour == 0 && mktime(&parts) == day);
    assert(strcmp(ctime(&day), "Fri Jan  2 00:00:00 1970\n") == 0);
    assert(getrusage(RUSAGE_SELF, &used) == 0 && times(NULL) >= 0);
}

static void *nothing(void *argument)
{
    return argument;
}

/* Nothing can be loaded, and whoever asks is told so once. */
static void check_plugins(void)
{
    void *own = dlopen(NULL, RTLD_NOW);
    assert(own != NULL && dlclose(own) == 0 && dlerror() == NULL);
    assert(dlopen("libm.so.6", RTLD_NOW) == NULL);
    assert(dlerror() != NULL && dlerror() == NULL);
}

int main(int argc, char **argv)
{
    pthread_t thread;
    (void)argv;
    check_sleeps();
    check_memory();
    check_environment();
    check_names();
    check_processors();
    check_system_calls();
    check_calendar();
    check_plugins();
    pthread_create(&thread, NULL, nothing, NULL);
    assert(pthread_kill(thread, 0) == 0);
    pthread_join(thread, NULL);
    if (argc > 1) syscall(SYS_sync);
    puts("the same machine");
    return 0;
}
