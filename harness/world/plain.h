/* The inner loop: a choice among threads with a bit, where nothing else is enabled (W.plain). */
#ifndef HARNESS_WORLD_PLAIN_H
#define HARNESS_WORLD_PLAIN_H

#include "internal.h"
#include "switch.h"

#pragma GCC visibility push(hidden)

/* The word of a mutex that is normal, not robust, never tried, with no contender but those with a
 * bit: nothing but its owner's id + 1, which is 0 when it is free. By arithmetic, because a word
 * that was just stored in parts takes long to load as a whole. */
static inline uint64_t plain_word(uint32_t owner)
{
    _Static_assert(OBJECT_MUTEX == 0 && PTHREAD_MUTEX_NORMAL == 0, "all but the owner is 0");
    _Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the first field is lowest");
    enum { SHIFT = 8 * (offsetof(struct object, owner) - offsetof(struct object, word)) };
    return (uint64_t)owner << SHIFT;
}

/* `place`: of this call. Where both threads left at the same one, the switch is faster. */
static inline void fiber_switch(struct entity *from, struct entity *to, enum fiber_place place)
{
    if (UNLIKELY(W.switch_hooks)) {
        fiber_switch_hooked(from, to);
        return;
    }
    W.self = to;
    from->saved_errno = *W.errno_at;
    *W.errno_at = to->saved_errno;
    from->left_at = (uint8_t)place;
    if (place != FIBER_ELSEWHERE && to->left_at == place) {
        world_switch_back(&from->stack_pointer, to->stack_pointer);
    } else {
        world_switch(&from->stack_pointer, to->stack_pointer);
    }
}

/* One choice by the chooser, logged. The log is up to date before the choice takes effect,
 * because it must tell the truth when the process dies. */
static inline uint32_t sched_ask(uint32_t count)
{
    uint32_t index = W.chooser->schedule(W.chooser, count);
    REQUIRE(index < count);
    sched_log(index, count);
    return index;
}

/* The n-th of these threads, from 0. */
static inline struct entity *sched_nth(uint64_t bits, uint32_t n)
{
    for (; UNLIKELY(n > 0); n--) bits &= bits - 1;
    return entity_of((uint16_t)__builtin_ctzll(bits));
}

/* Without the first. Compilers that know what is asked next would count all bits instead. */
static inline uint64_t sched_rest(uint64_t bits)
{
    bits &= bits - 1;
    __asm__("" : "+r"(bits));
    return bits;
}

static inline uint32_t sched_count_plain(uint64_t bits)
{
    return LIKELY(sched_rest(sched_rest(bits)) == 0) ? 2 : sched_count(bits);
}

/* A plain choice without the chooser: W.draws is set. */
static inline uint32_t sched_draw(uint32_t count)
{
    uint32_t index = world_stream_below(W.draws, count);
    sched_log(index, count);
    return index;
}

static inline uint32_t sched_ask_plain(bool continues, uint64_t bits)
{
    uint32_t count = sched_count_plain(bits);
    if (LIKELY(W.draws != NULL)) return sched_draw(count);
    W.option_continues = continues;
    W.option_advance = false;
    W.chooser->plain = true;
    return sched_ask(count);
}

/* Which of these threads goes on, the calling one among them or not. The order of options is
 * that of world_option(). */
static inline struct entity *sched_choose_plain(struct entity *self, uint64_t bits)
{
    uint64_t own = bits & self->bit;
    uint32_t index = sched_rest(bits) ? sched_ask_plain(own != 0, bits) : 0;
    if (own == 0) return sched_nth(bits, index);
    return index == 0 ? self : sched_nth(bits ^ own, index - 1);
}

#pragma GCC visibility pop

#endif
