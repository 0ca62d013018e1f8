/* Joins of threads that cannot be joined. */
#include "misuse_list.h"
#include "posix_support.h"

#include <stddef.h>

static void *wait_for_gate(void *gate)
{
    posix_gate_wait(gate, 1);
    return NULL;
}

void misuse_join_twice(void)
{
    struct posix_gate gate;
    pthread_t thread;

    posix_gate_init(&gate);
    posix_gate_raise(&gate);
    thread = posix_start(wait_for_gate, &gate);
    pthread_join(thread, NULL);
    pthread_join(thread, NULL);
    posix_gate_destroy(&gate);
}

void misuse_join_detached(void)
{
    struct posix_gate gate;
    pthread_t thread;

    posix_gate_init(&gate);
    thread = posix_start(wait_for_gate, &gate);
    pthread_detach(thread);
    posix_gate_raise(&gate);
    pthread_join(thread, NULL);
    posix_gate_destroy(&gate);
}

void misuse_join_self(void)
{
    pthread_join(pthread_self(), NULL);
}

struct joined {
    struct posix_gate gate;
    pthread_t target;
};

static void *join_target(void *argument)
{
    struct joined *joined = argument;

    pthread_join(joined->target, NULL);
    return NULL;
}

/* Two join one thread; it cannot end before both have tried. */
void misuse_join_by_two(void)
{
    struct joined joined;
    pthread_t thread;

    posix_gate_init(&joined.gate);
    joined.target = posix_start(wait_for_gate, &joined.gate);
    thread = posix_start(join_target, &joined);
    pthread_join(joined.target, NULL);
    posix_gate_raise(&joined.gate);
    posix_finish(thread);
    posix_gate_destroy(&joined.gate);
}
