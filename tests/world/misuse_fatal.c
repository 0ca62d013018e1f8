/* Ends that a process would not survive. Each must end its execution only. */
#include "misuse.h"
#include "misuse_list.h"
#include "posix_support.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

enum { FRAME_BYTES = 512 };

void misuse_fatal_null_pointer(void)
{
    volatile int *nowhere = misuse_hide(NULL);

    *nowhere = 1;
}

static void *write_nowhere(void *argument)
{
    volatile int *nowhere = misuse_hide(argument);

    *nowhere = 1;
    return NULL;
}

void misuse_fatal_null_pointer_in_thread(void)
{
    posix_finish(posix_start(write_nowhere, NULL));
}

void misuse_fatal_null_call(void)
{
    void (*volatile nowhere)(void) = NULL;

    nowhere();
}

/* The sum keeps every frame alive until its callee has returned. */
static __attribute__((noinline)) uint32_t descend(volatile uint32_t *depth)
{
    volatile char frame[FRAME_BYTES];

    frame[*depth % FRAME_BYTES] = 1;
    ++*depth;
    if (*depth == 0)
        return 0;
    return descend(depth) + (uint32_t)frame[*depth % FRAME_BYTES];
}

static void *descend_for_ever(void *argument)
{
    volatile uint32_t depth = 1;

    (void)argument;
    descend(&depth);
    return NULL;
}

void misuse_fatal_recursion(void)
{
    descend_for_ever(NULL);
}

void misuse_fatal_recursion_in_thread(void)
{
    posix_finish(posix_start(descend_for_ever, NULL));
}

void misuse_fatal_abort(void)
{
    abort();
}

static void *abort_now(void *argument)
{
    (void)argument;
    abort();
}

void misuse_fatal_abort_in_thread(void)
{
    posix_finish(posix_start(abort_now, NULL));
}

void misuse_fatal_assertion(void)
{
    volatile uint32_t tabs = 2;

    assert(tabs <= 1);
}

void misuse_fatal_endless_loop(void)
{
    volatile uint32_t turns = 1;

    while (turns != 0)
        turns |= 1;
}
