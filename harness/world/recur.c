#include "recur.h"

#include <unwind.h>

/* The registers that belong to the caller, by their numbers in the tables for exceptions. */
#if defined(__x86_64__)
static const int kept[] = {3, 6, 12, 13, 14, 15};
#elif defined(__aarch64__)
static const int kept[] = {19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29};
#else
#error "which registers does a call keep here?"
#endif

struct sought {
    uintptr_t pc, stack; /* pc 0: the innermost place in the program */
    uint64_t hash;
    bool found;
};

static _Unwind_Reason_Code seek(struct _Unwind_Context *context, void *argument)
{
    struct sought *sought = argument;
    uintptr_t pc = _Unwind_GetIP(context);
    if (sought->pc == 0 ? !world_is_program(pc) : pc != sought->pc) return _URC_NO_REASON;
    sought->found = true;
    sought->pc = pc;
    sought->stack = _Unwind_GetCFA(context);
    sought->hash = sought->pc;
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++) {
        sought->hash = mix(sought->hash, _Unwind_GetGR(context, kept[i]));
    }
    return _URC_END_OF_STACK;
}

static bool find(struct sought *sought, uint64_t *hash)
{
    uintptr_t low, high;
    _Unwind_Backtrace(seek, sought);
    fiber_stack_range(W.self, &low, &high);
    if (!sought->found || sought->stack < low || sought->stack >= high) return false;
    *hash = recur_bytes(sought->hash, sought->stack, high);
    return true;
}

bool recur_thread(uintptr_t pc, uint64_t *hash, uintptr_t *stack)
{
    struct sought sought = {.pc = pc};
    if (!find(&sought, hash)) return false;
    *stack = sought.stack;
    return true;
}

bool recur_program(uintptr_t *pc, uint64_t *hash)
{
    struct sought sought = {.pc = 0};
    if (!find(&sought, hash)) return false;
    *pc = sought.pc;
    return true;
}

typedef uint64_t __attribute__((may_alias)) word;

/* Four words at a time, each for a hash of its own: no multiplication waits for another. */
__attribute__((no_sanitize("address", "thread")))
static uint64_t hash_fours(uint64_t hash, const word *at, const word *to)
{
    uint64_t lanes[4] = {hash, hash + 1, hash + 2, hash + 3};
    for (; at < to; at += 4) {
        for (int i = 0; i < 4; i++) lanes[i] = mix(lanes[i], at[i]);
    }
    return mix(mix(lanes[0], lanes[1]), mix(lanes[2], lanes[3]));
}

/* What is not to be read, as far as sanitizers know, is the program's all the same. */
__attribute__((no_sanitize("address", "thread")))
uint64_t recur_bytes(uint64_t hash, uintptr_t from, uintptr_t to)
{
    for (; from < to && from % sizeof(word) != 0; from++) hash = mix(hash, *(const char *)from);
    uintptr_t fours = from < to ? (to - from) / (4 * sizeof(word)) * (4 * sizeof(word)) : 0;
    if (fours > 0) hash = hash_fours(hash, (const word *)from, (const word *)(from + fours));
    from += fours;
    for (; from + sizeof(word) <= to; from += sizeof(word)) hash = mix(hash, *(const word *)from);
    for (; from < to; from++) hash = mix(hash, *(const char *)from);
    return hash;
}

uint64_t recur_memory(void)
{
    uintptr_t from;
    size_t bytes;
    uint64_t hash = recur_bytes(0, ARENA_FROM, arena_end());
    for (uint32_t i = 0; image_data(i, &from, &bytes); i++) {
        hash = recur_bytes(hash, from, from + bytes);
    }
    return hash;
}
