#include "interrupt.h"

#include <signal.h>
#include <stdio.h>

enum { SIGNALS = 3 };
static const int numbers[SIGNALS] = {SIGHUP, SIGINT, SIGTERM};
static struct sigaction before[SIGNALS];
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
        sigaction(numbers[i], NULL, &before[i]);
        if (before[i].sa_handler != SIG_IGN) sigaction(numbers[i], &action, NULL);
    }
}

bool interrupt_came(void)
{
    return came != 0;
}

void interrupt_forget(void)
{
    for (int i = 0; i < SIGNALS; i++) sigaction(numbers[i], &before[i], NULL);
}

void interrupt_obey(void)
{
    if (came == 0) return;
    fflush(stdout);
    raise(came);
}
