/* Errors of memory. One defect each; everything else is freed, so that nothing else is found. */
#include "misuse.h"
#include "misuse_list.h"
#include "posix_support.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { BYTES = 24 };

void misuse_memory_freed_twice(void)
{
    char *block = malloc(BYTES);
    char *again = misuse_hide(block);

    free(block);
    free(again);
}

static void *free_it(void *block)
{
    free(block);
    return NULL;
}

void misuse_memory_freed_by_two_threads(void)
{
    char *block = malloc(BYTES);
    pthread_t threads[2];

    threads[0] = posix_start(free_it, misuse_hide(block));
    threads[1] = posix_start(free_it, misuse_hide(block));
    posix_finish(threads[0]);
    posix_finish(threads[1]);
}

/* The block is lost as well, but this comes first. */
void misuse_memory_interior_pointer_freed(void)
{
    char *block = misuse_hide(malloc(BYTES));

    free(misuse_hide(block + 8));
    free(block);
}

void misuse_memory_stack_freed(void)
{
    char block[BYTES];

    free(misuse_hide(block));
}

void misuse_memory_global_freed(void)
{
    static char block[BYTES];

    free(misuse_hide(block));
}

void misuse_memory_written_after_free(void)
{
    volatile char *block = misuse_hide(malloc(BYTES));

    free(misuse_hide((char *)(uintptr_t)block));
    block[3] = 'x';
}

static volatile char seen;

/* A plain read changes nothing, so only instrumented accesses can show it. */
void misuse_memory_read_after_free(void)
{
    volatile char *block = misuse_hide(malloc(BYTES));

    block[3] = 'x';
    free(misuse_hide((char *)(uintptr_t)block));
    seen = block[3];
}

void misuse_memory_written_after_realloc(void)
{
    volatile char *block = misuse_hide(malloc(BYTES));
    char *moved = realloc(misuse_hide((char *)(uintptr_t)block), (size_t)BYTES * 100);

    block[3] = 'x';
    free(moved);
}

void misuse_memory_one_beyond_the_end(void)
{
    volatile char *block = misuse_hide(malloc(BYTES));

    block[BYTES] = 'x';
    free(misuse_hide((char *)(uintptr_t)block));
}

/* A size that is no multiple of anything: the redzone begins at the very next byte. */
void misuse_memory_one_beyond_an_odd_end(void)
{
    volatile char *block = misuse_hide(malloc(BYTES - 3));

    block[BYTES - 3] = 'x';
    free(misuse_hide((char *)(uintptr_t)block));
}

void misuse_memory_never_freed(void)
{
    char *block = misuse_hide(malloc(BYTES));

    memset(block, 0, BYTES);
}

static void *allocate(void *argument)
{
    (void)argument;
    return malloc(BYTES);
}

/* The joiner drops the block that it was handed. */
void misuse_memory_result_never_freed(void)
{
    posix_finish(posix_start(allocate, NULL));
}
