/* What is done about an access of the program, if that is more than nothing. */
#include "instrument.h"
#include "spin.h"
#include "word.h"

uint8_t instrument_has_avx;

/* False: it orders something, so a repetition does, too. */
static __attribute__((always_inline)) inline bool touch(uintptr_t address, size_t bytes,
                                                        uint32_t flags, uintptr_t pc)
{
    W.accesses += 1 + bytes / WORLD_RANGE_UNIT;
    if (UNLIKELY(W.level == WORLD_LEVEL_POINTS)) word_access(address, bytes, flags != 0, pc);
    if (!W.find_races) return true;
    if (UNLIKELY(R.assembler) && instrument_ordered(address, bytes, flags)) return false;
    if (LIKELY(bytes <= RACE_WORD - address % RACE_WORD)) {
        race_access_small(address, bytes, flags, pc);
    } else {
        race_access(address, bytes, flags, pc);
    }
    return true;
}

/* Whether a repeated access is of no interest. While somebody looks away, nothing is kept, so what
 * is done then will be no repetition. */
static inline bool may_note(void)
{
    return R.notes && (W.find_races || R.blind);
}

void instrument_first(const void *memory, uint32_t size, uint32_t flags, uintptr_t pc)
{
    uintptr_t address = (uintptr_t)memory;
    if (UNLIKELY(!touch(address, (size_t)1 << size, flags, pc))) return;
    if (LIKELY(may_note())) race_recent_note(flags != 0, size, address, race_recent_key());
}

void instrument_slow(uintptr_t address, uint32_t code, uintptr_t pc)
{
    if (code & INSTRUMENT_BEGIN) {
        instrument_assembler_begin(address, 1u << (code & INSTRUMENT_SIZE), pc);
        return;
    }
    if (code & INSTRUMENT_END) {
        instrument_assembler_end();
        return;
    }
    uint32_t flags = code & INSTRUMENT_WRITE ? RACE_WRITE : RACE_READ;
    instrument_first((const void *)address, code & INSTRUMENT_SIZE, flags, pc);
}

void instrument_init(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    instrument_has_avx = __builtin_cpu_supports("avx") != 0;
#endif
}

void instrument_touch(const void *memory, size_t bytes, uint32_t flags, uintptr_t pc)
{
    uintptr_t address = (uintptr_t)memory;
    if (bytes == 0 || race_range_is_recent(flags != 0, address, bytes)) return;
    if (UNLIKELY(!touch(address, bytes, flags, pc))) return;
    if (LIKELY(may_note())) race_range_note(flags != 0, address, bytes);
}

/* --- volatile variables --- */

enum { LOOKS_MAX = 1000 };

static struct {
    uint64_t run;
    const struct world_step *step; /* the last one, when it began to look */
    uint32_t times;
} looks;

/* Whether anything could come of waiting. */
static bool others_can_go(void)
{
    if (W.timer_count > 0) return true;
    for (uint32_t i = 0; i < W.words; i++) {
        uint64_t enabled = W.enabled[WORLD_THREAD][i];
        if (i == W.self->id / 64u) enabled &= ~(1ull << W.self->id % 64);
        if (enabled != 0) return true;
    }
    return false;
}

void instrument_look(const void *memory, size_t bytes, uintptr_t pc)
{
    if (looks.run != W.runs || looks.step != W.step) {
        looks.run = W.runs;
        looks.step = W.step;
        looks.times = 0;
    }
    if (UNLIKELY(++looks.times == LOOKS_MAX)) {
        looks.times = 0;
        if (W.running && others_can_go()) spin_yield(pc);
    }
    instrument_touch(memory, bytes, RACE_READ, pc);
}

void instrument_set(const void *memory, size_t bytes, uintptr_t pc)
{
    looks.times = 0;
    instrument_touch(memory, bytes, RACE_WRITE, pc);
}

/* --- functions --- */

/* Stacks are found by frame pointers. */
void world___tsan_init(void)
{
}

void world___tsan_func_entry(void *caller)
{
    (void)caller;
}

void world___tsan_func_exit(void)
{
}

/* --- annotations --- */

/* What is done by system calls is done by the world's. */
void world___sanitizer_syscall_pre_impl_close(long number)
{
    (void)number;
}

void world___sanitizer_syscall_post_impl_close(long result, long number)
{
    (void)result, (void)number;
}

void world___tsan_acquire(void *memory)
{
    if (W.find_races) race_acquire(word_object((uintptr_t)memory));
}

void world___tsan_release(void *memory)
{
    if (W.find_races) race_release(word_object((uintptr_t)memory));
}
