/* Fresh stacks for the context switch, and the portable switch. */
#include "switch.h"

#include <stdint.h>
#include <string.h>

#if SWITCH_NATIVE

#if defined(__x86_64__)
enum { SAVED_WORDS = 7, FRAME_WORD = 5, ENTRY_WORD = 6 };
#else
enum { SAVED_WORDS = 20, FRAME_WORD = 10, ENTRY_WORD = 11 };
#endif

void *world_switch_prepare(void *low, size_t bytes, void (*entry)(void))
{
    uintptr_t top = ((uintptr_t)low + bytes) & ~(uintptr_t)15;
    /* A zero return address above the first frame ends every stack walk; it also gives the
     * entry function the alignment it would have after a call. */
    uintptr_t *words = (uintptr_t *)top - 4 - SAVED_WORDS;
#if defined(__x86_64__)
    words -= 1;
#endif
    memset(words, 0, (SAVED_WORDS + 4) * sizeof *words);
    words[ENTRY_WORD] = (uintptr_t)entry;
    return words;
}

void *world_switch_frame(void *saved)
{
    return (void *)((uintptr_t *)saved)[FRAME_WORD];
}

#else

#include <ucontext.h>

enum { CONTEXTS_MAX = 1024 };
static ucontext_t contexts[CONTEXTS_MAX];
static uint32_t contexts_used;

/* A saved stack is the address of its ucontext; one is taken for each stack ever seen. */
void *world_switch_prepare(void *low, size_t bytes, void (*entry)(void))
{
    static void *lows[CONTEXTS_MAX];
    uint32_t at = 0;
    while (at < contexts_used && lows[at] != low) at++;
    if (at == contexts_used) lows[contexts_used++] = low;
    getcontext(&contexts[at]);
    contexts[at].uc_stack.ss_sp = low;
    contexts[at].uc_stack.ss_size = bytes;
    contexts[at].uc_link = NULL;
    makecontext(&contexts[at], entry, 0);
    return &contexts[at];
}

void world_switch(void **save, void *load)
{
    ucontext_t here;
    *save = &here;
    swapcontext(&here, load);
}

void *world_switch_frame(void *saved)
{
    (void)saved;
    return NULL;
}

#endif
