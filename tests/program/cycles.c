/* Threads that look at the processor's counter of cycles, in the way that the argument names. */
#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static unsigned long long seen[2];

/* The system itself is asked, not what stands for it here. */
static long ask_system(long option, long argument)
{
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "0"((long)SYS_prctl), "D"(option), "S"(argument), "d"(0L)
                     : "rcx", "r11", "memory");
    return result;
}

/* Status 77: the system does not let anybody trap it. */
static int traps(void)
{
    int mode = 0;
    if (ask_system(PR_GET_TSC, (long)&mode) == 0 && mode == PR_TSC_SIGSEGV) return 0;
    return ask_system(PR_SET_TSC, PR_TSC_SIGSEGV) == 0 ? 1 : 77;
}

/* It is a clock like all others, and a wait for cycles ends. */
static int passes(void)
{
    unsigned long long first = __builtin_ia32_rdtsc();
    while (__builtin_ia32_rdtsc() < first + 10000) continue;
    usleep(1000);
    assert(__builtin_ia32_rdtsc() - first > 1000000);
    return 0;
}

/* However long: a second takes no ten million looks. */
static int waits_long(void)
{
    int looks = 0;
    unsigned long long first = __builtin_ia32_rdtsc();
    while (__builtin_ia32_rdtsc() < first + 1000000000) looks++;
    assert(looks < 10000);
    return 0;
}

static void *look(void *place)
{
    *(unsigned long long *)place = __builtin_ia32_rdtsc();
    return NULL;
}

static void *wait_for_cycles(void *argument)
{
    unsigned long long first = __builtin_ia32_rdtsc();
    while (__builtin_ia32_rdtsc() < first + 10000) sched_yield();
    return argument;
}

int main(int argc, char **argv)
{
    pthread_t threads[2];
    const char *word = argc > 1 ? argv[1] : "";
    if (strcmp(word, "traps") == 0) return traps();
    if (strcmp(word, "passes") == 0) return passes();
    if (strcmp(word, "long") == 0) return waits_long();
    void *(*body)(void *) = strcmp(word, "wait") == 0 ? wait_for_cycles : look;
    for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, body, &seen[i]);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    if (strcmp(word, "order") == 0) assert(seen[0] < seen[1]);
    puts("looked");
    return 0;
}
