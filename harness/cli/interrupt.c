#include "interrupt.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SIGNALS = 3 };
static const int numbers[SIGNALS] = {SIGHUP, SIGINT, SIGTERM};
static struct sigaction earlier[SIGNALS];
static volatile sig_atomic_t came;

static void keep(int number)
{
    came = number;
}

void interrupt_catch(void)
{
    struct sigaction action = {.sa_handler = keep};
    came = 0;
    for (int i = 0; i < SIGNALS; i++) {
        sigaction(numbers[i], NULL, &earlier[i]);
        if (earlier[i].sa_handler != SIG_IGN) sigaction(numbers[i], &action, NULL);
    }
}

bool interrupt_came(void)
{
    return came != 0;
}

void interrupt_forget(void)
{
    for (int i = 0; i < SIGNALS; i++) sigaction(numbers[i], &earlier[i], NULL);
}

void interrupt_obey(void)
{
    if (came == 0) return;
    fflush(stdout);
    raise(came);
}

/* --- telling --- */

static struct {
    pid_t process;
    const uint64_t *runs;
    char before[256], behind[64]; /* the sentence, around the number */
} told;

/* In a handler nothing else may format a number. */
static void write_number(uint64_t number)
{
    char digits[20];
    size_t at = sizeof digits;
    do digits[--at] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    (void)!write(STDERR_FILENO, digits + at, sizeof digits - at);
}

static void tell(int number)
{
    if (getpid() == told.process) { /* and not one that it has forked */
        (void)!write(STDERR_FILENO, told.before, strlen(told.before));
        write_number(*told.runs);
        (void)!write(STDERR_FILENO, told.behind, strlen(told.behind));
    }
    signal(number, SIG_DFL);
    raise(number); /* as soon as this returns */
}

void interrupt_tell(const char *before, const uint64_t *runs, const char *behind)
{
    struct sigaction action = {.sa_handler = before ? tell : SIG_DFL}, now;
    if (before) {
        told.process = getpid();
        told.runs = runs;
        snprintf(told.before, sizeof told.before, "%sharness: interrupted in %s",
                 isatty(STDERR_FILENO) ? "\r\033[K" : "", before);
        snprintf(told.behind, sizeof told.behind, "%s\n", behind);
    }
    for (int i = 0; i < SIGNALS; i++) {
        sigaction(numbers[i], NULL, &now);
        if (now.sa_handler != SIG_IGN) sigaction(numbers[i], &action, NULL);
    }
}
