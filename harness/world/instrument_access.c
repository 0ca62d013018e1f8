/* What -fsanitize=thread makes of the program's accesses: calls of these, instead of those of the
 * sanitizer's own runtime. */
#include "race.h"
#include "word.h"

/* Small accesses lie within a word, or else the compiler calls them unaligned. */
static inline void touch(const void *memory, size_t bytes, uint32_t flags, uintptr_t pc)
{
    uintptr_t address = (uintptr_t)memory;
    if (UNLIKELY(W.level == WORLD_LEVEL_POINTS)) word_access(address, bytes, flags != 0, pc);
    if (!W.find_races) return;
    if (LIKELY(bytes <= RACE_WORD - address % RACE_WORD)) {
        race_access_small(address, bytes, flags, pc);
    } else {
        race_access(address, bytes, flags, pc);
    }
}

#define ACCESS(name, bytes, flags)                                                                 \
    void world___tsan_##name(void *memory)                                                         \
    {                                                                                              \
        touch(memory, bytes, flags, CALLER);                                                       \
    }

#define ACCESSES(prefix, bytes)                                                                    \
    ACCESS(prefix##read##bytes, bytes, RACE_READ)                                                  \
    ACCESS(prefix##write##bytes, bytes, RACE_WRITE)                                                \
    ACCESS(prefix##read_write##bytes, bytes, RACE_WRITE)

#define VOLATILE_ACCESSES(prefix, bytes)                                                           \
    ACCESS(prefix##volatile_read##bytes, bytes, RACE_READ)                                         \
    ACCESS(prefix##volatile_write##bytes, bytes, RACE_WRITE)

ACCESSES(, 1)
ACCESSES(, 2)
ACCESSES(, 4)
ACCESSES(, 8)
ACCESSES(, 16)
ACCESSES(unaligned_, 2)
ACCESSES(unaligned_, 4)
ACCESSES(unaligned_, 8)
ACCESSES(unaligned_, 16)
VOLATILE_ACCESSES(, 1)
VOLATILE_ACCESSES(, 2)
VOLATILE_ACCESSES(, 4)
VOLATILE_ACCESSES(, 8)
VOLATILE_ACCESSES(, 16)
VOLATILE_ACCESSES(unaligned_, 2)
VOLATILE_ACCESSES(unaligned_, 4)
VOLATILE_ACCESSES(unaligned_, 8)
VOLATILE_ACCESSES(unaligned_, 16)
ACCESS(vptr_read, sizeof(void *), RACE_READ)

/* Constructors and destructors of derived classes write what is there already. */
void world___tsan_vptr_update(void **memory, void *value)
{
    if (*memory != value) touch(memory, sizeof value, RACE_WRITE, CALLER);
}

void world___tsan_read_range(void *memory, size_t bytes)
{
    if (bytes > 0) touch(memory, bytes, RACE_READ, CALLER);
}

void world___tsan_write_range(void *memory, size_t bytes)
{
    if (bytes > 0) touch(memory, bytes, RACE_WRITE, CALLER);
}

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

void world___tsan_acquire(void *memory)
{
    if (W.find_races) race_acquire(word_object((uintptr_t)memory));
}

void world___tsan_release(void *memory)
{
    if (W.find_races) race_release(word_object((uintptr_t)memory));
}
