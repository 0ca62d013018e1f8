/* What -fsanitize=thread makes of the program's accesses: calls of these, instead of those of the
 * sanitizer's own runtime.
 *
 * Most calls end after one comparison. So nothing here has a frame: what is left to do is not
 * called but jumped to, and finds the program's frame in place (see CMakeLists.txt). */
#include "instrument.h"

#define ACCESS(name, bytes, flags)                                                                 \
    void world___tsan_##name(void *memory)                                                         \
    {                                                                                              \
        instrument_touch(memory, bytes, flags, CALLER);                                            \
    }

/* Aligned accesses: those that may be repeated ones. */
#define ALIGNED(name, first, size, write)                                                          \
    void world___tsan_##name(void *memory)                                                         \
    {                                                                                              \
        if (race_is_recent(write, size, (uintptr_t)memory)) return;                                \
        instrument_first_##first((uintptr_t)memory, CALLER);                                       \
    }

#define ALIGNED_ACCESSES(bytes, size)                                                              \
    ALIGNED(read##bytes, read##bytes, size, false)                                                 \
    ALIGNED(write##bytes, write##bytes, size, true)                                                \
    ALIGNED(read_write##bytes, write##bytes, size, true)

/* Those that the compiler does not know to be aligned: most are. */
#define UNALIGNED(name, first, size, write)                                                        \
    void world___tsan_unaligned_##name(void *memory)                                               \
    {                                                                                              \
        const uintptr_t address = (uintptr_t)memory, bytes = 1u << (size);                         \
        if (UNLIKELY(address % bytes != 0)) {                                                      \
            instrument_touch(memory, bytes, (write) ? RACE_WRITE : RACE_READ, CALLER);             \
            return;                                                                                \
        }                                                                                          \
        if (race_is_recent(write, size, address)) return;                                          \
        instrument_first_##first(address, CALLER);                                                 \
    }

#define UNALIGNED_ACCESSES(bytes, size)                                                            \
    UNALIGNED(read##bytes, read##bytes, size, false)                                               \
    UNALIGNED(write##bytes, write##bytes, size, true)                                              \
    UNALIGNED(read_write##bytes, write##bytes, size, true)

#define VOLATILE_ACCESSES(prefix, bytes)                                                           \
    void world___tsan_##prefix##volatile_read##bytes(void *memory)                                 \
    {                                                                                              \
        instrument_look(memory, bytes, CALLER);                                                    \
    }                                                                                              \
    void world___tsan_##prefix##volatile_write##bytes(void *memory)                                \
    {                                                                                              \
        instrument_set(memory, bytes, CALLER);                                                     \
    }

ALIGNED_ACCESSES(1, 0)
ALIGNED_ACCESSES(2, 1)
ALIGNED_ACCESSES(4, 2)
ALIGNED_ACCESSES(8, 3)
ALIGNED_ACCESSES(16, 4)
UNALIGNED_ACCESSES(2, 1)
UNALIGNED_ACCESSES(4, 2)
UNALIGNED_ACCESSES(8, 3)
UNALIGNED_ACCESSES(16, 4)
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
    if (*memory != value) instrument_touch(memory, sizeof value, RACE_WRITE, CALLER);
}

void world___tsan_read_range(void *memory, size_t bytes)
{
    instrument_touch(memory, bytes, RACE_READ, CALLER);
}

void world___tsan_write_range(void *memory, size_t bytes)
{
    instrument_touch(memory, bytes, RACE_WRITE, CALLER);
}
