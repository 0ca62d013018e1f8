/* What -fsanitize=thread makes of atomic operations. Each is one step, so plain loads and stores
 * do: nobody else runs in the middle of one. Weak exchanges never fail without a reason. */
#include "weak.h"
#include "word.h"

#include <string.h>

struct operation {
    uintptr_t address, pc;
    uint32_t bytes;
    int order;
    uint32_t missed;                   /* newer stores that a load does not see: see weak.h */
    const struct race_clock *released; /* then: to what it does see */
};

/* What the compiler hands over may have more bits than the order. */
static struct operation begin_as(const volatile void *memory, uint32_t bytes, int order,
                                 enum world_access access, uintptr_t pc)
{
    struct operation self = {(uintptr_t)memory, pc, bytes, order & 0x7fff, 0, NULL};
    word_point(self.address, access, pc);
    return self;
}

static struct operation begin(const volatile void *memory, uint32_t bytes, int order, uintptr_t pc)
{
    return begin_as(memory, bytes, order, WORLD_WRITE, pc);
}

static void check(const struct operation *self, uint32_t flags)
{
    if (self->bytes <= RACE_WORD - self->address % RACE_WORD) {
        race_access_small(self->address, self->bytes, flags | RACE_ATOMIC, self->pc);
    } else {
        race_access(self->address, self->bytes, flags | RACE_ATOMIC, self->pc);
    }
}

/* --- older values --- */

static bool is_weak(const struct operation *self)
{
    return UNLIKELY(W.weak_left > 0) && self->bytes <= sizeof(uint64_t);
}

static struct weak_access weak_access_of(const struct operation *self)
{
    return (struct weak_access){self->address, self->bytes, word_object(self->address),
                                self->order};
}

/* What a load reads where that stands. */
static uint64_t read_value(struct operation *self, uint64_t value)
{
    if (!is_weak(self)) return value;
    struct weak_access access = weak_access_of(self);
    self->missed = weak_load(&access, &value, &self->released);
    return value;
}

/* What a store or an update replaces, or made an exchange fail. */
static void find_value(const struct operation *self, uint64_t value)
{
    if (!is_weak(self)) return;
    struct weak_access access = weak_access_of(self);
    weak_find(&access, value);
}

static void release(const struct operation *self, uint32_t object, bool update, uint64_t value)
{
    uint32_t epoch = race_epoch();
    race_atomic_release(object, self->order, update);
    if (!is_weak(self)) return;
    struct weak_access access = weak_access_of(self);
    weak_store(&access, value, epoch);
}

/* --- operations --- */

/* It has read `value` and left the memory alone. */
static void end_load(const struct operation *self, enum world_op op, uint32_t result,
                     uint64_t value)
{
    word_step(self->address, op, WORLD_READ, result, true, value, self->pc);
    if (!W.find_races) return;
    uint32_t object = word_object(self->address);
    race_atomic_acquire(self->released ? self->released : &R.objects[object], self->order);
    check(self, RACE_READ);
}

static void end_store(const struct operation *self, uint64_t value)
{
    word_step(self->address, WORLD_OP_ATOMIC_STORE, WORLD_WRITE, 0, false, 0, self->pc);
    if (!W.find_races) return;
    check(self, RACE_WRITE);
    release(self, word_object(self->address), false, value);
}

/* It has read `before` and stored `value`. */
static void end_update(const struct operation *self, enum world_op op, bool same, uint64_t before,
                       uint64_t value)
{
    word_step(self->address, op, WORLD_WRITE, 0, same, before, self->pc);
    if (!W.find_races) return;
    uint32_t object = word_object(self->address);
    race_atomic_acquire(&R.objects[object], self->order);
    check(self, RACE_WRITE);
    release(self, object, true, value);
}

#define UPDATE(bits, type, name, expression)                                                       \
    type world___tsan_atomic##bits##_##name(volatile type *memory, type value, int order)          \
    {                                                                                              \
        struct operation self = begin(memory, sizeof *memory, order, CALLER);                      \
        type old = *memory;                                                                        \
        find_value(&self, (uint64_t)old);                                                          \
        *memory = (type)(expression);                                                              \
        end_update(&self, WORLD_OP_ATOMIC_UPDATE, *memory == old, (uint64_t)old,                   \
                   (uint64_t)*memory);                                                             \
        return old;                                                                                \
    }

#define EXCHANGE(bits, type, strength)                                                             \
    int world___tsan_atomic##bits##_compare_exchange_##strength(                                   \
        volatile type *memory, type *expected, type value, int order, int failure_order)           \
    {                                                                                              \
        type old = exchange##bits(memory, *expected, value, order, failure_order, CALLER);         \
        if (old == *expected) return 1;                                                            \
        *expected = old;                                                                           \
        return 0;                                                                                  \
    }

#define OPERATIONS(bits, type)                                                                     \
    type world___tsan_atomic##bits##_load(const volatile type *memory, int order)                  \
    {                                                                                              \
        struct operation self =                                                                    \
            begin_as(memory, sizeof *memory, order, WORLD_READ, CALLER);                           \
        type value = *memory;                                                                      \
        uint64_t read = read_value(&self, (uint64_t)value);                                        \
        if (self.missed > 0) value = (type)read;                                                   \
        end_load(&self, WORLD_OP_ATOMIC_LOAD, self.missed, read);                                  \
        return value;                                                                              \
    }                                                                                              \
                                                                                                   \
    void world___tsan_atomic##bits##_store(volatile type *memory, type value, int order)           \
    {                                                                                              \
        struct operation self = begin(memory, sizeof *memory, order, CALLER);                      \
        find_value(&self, (uint64_t)*memory);                                                      \
        *memory = value;                                                                           \
        end_store(&self, (uint64_t)value);                                                         \
    }                                                                                              \
                                                                                                   \
    UPDATE(bits, type, exchange, value)                                                            \
    UPDATE(bits, type, fetch_add, old + value)                                                     \
    UPDATE(bits, type, fetch_sub, old - value)                                                     \
    UPDATE(bits, type, fetch_and, old & value)                                                     \
    UPDATE(bits, type, fetch_or, old | value)                                                      \
    UPDATE(bits, type, fetch_xor, old ^ value)                                                     \
    UPDATE(bits, type, fetch_nand, ~(old & value))                                                 \
                                                                                                   \
    static type exchange##bits(volatile type *memory, type expected, type value, int order,        \
                               int failure_order, uintptr_t pc)                                    \
    {                                                                                              \
        struct operation self = begin(memory, sizeof *memory, order, pc);                          \
        type old = *memory;                                                                        \
        find_value(&self, (uint64_t)old);                                                          \
        if (old == expected) {                                                                     \
            *memory = value;                                                                       \
            end_update(&self, WORLD_OP_COMPARE_EXCHANGE, false, (uint64_t)old, (uint64_t)value);   \
        } else {                                                                                   \
            self.order = failure_order;                                                            \
            end_load(&self, WORLD_OP_COMPARE_EXCHANGE, 1, (uint64_t)old);                          \
        }                                                                                          \
        return old;                                                                                \
    }                                                                                              \
                                                                                                   \
    EXCHANGE(bits, type, strong)                                                                   \
    EXCHANGE(bits, type, weak)                                                                     \
                                                                                                   \
    type world___tsan_atomic##bits##_compare_exchange_val(                                         \
        volatile type *memory, type expected, type value, int order, int failure_order)            \
    {                                                                                              \
        return exchange##bits(memory, expected, value, order, failure_order, CALLER);              \
    }

OPERATIONS(8, uint8_t)
OPERATIONS(16, uint16_t)
OPERATIONS(32, uint32_t)
OPERATIONS(64, uint64_t)
OPERATIONS(128, unsigned __int128)

/* Under sequential consistency a fence changes nothing but what is known. */
void world___tsan_atomic_thread_fence(int order)
{
    if (!W.find_races) return;
    if (order == __ATOMIC_SEQ_CST && W.weak_left > 0) weak_fence_step(CALLER);
    race_fence(order);
}

void world___tsan_atomic_signal_fence(int order)
{
    (void)order;
}

/* --- of any size, libatomic's: these read what is newest --- */

/* Of a value, for telling whether it is the same. */
static uint64_t digest(const volatile void *memory, size_t bytes)
{
    uint64_t hash = bytes;
    const volatile unsigned char *at = memory;
    for (size_t i = 0; i < bytes; i++) hash = mix(hash, at[i]);
    return hash;
}

void world___atomic_load(size_t bytes, const volatile void *memory, void *out, int order)
{
    struct operation self = begin_as(memory, (uint32_t)bytes, order, WORLD_READ, CALLER);
    memcpy(out, (const void *)(uintptr_t)memory, bytes);
    end_load(&self, WORLD_OP_ATOMIC_LOAD, 0, digest(out, bytes));
}

void world___atomic_store(size_t bytes, volatile void *memory, const void *value, int order)
{
    struct operation self = begin(memory, (uint32_t)bytes, order, CALLER);
    memcpy((void *)(uintptr_t)memory, value, bytes);
    end_store(&self, 0);
}

void world___atomic_exchange(size_t bytes, volatile void *memory, const void *value, void *out,
                             int order)
{
    struct operation self = begin(memory, (uint32_t)bytes, order, CALLER);
    uint64_t before = digest(memory, bytes);
    memcpy(out, (void *)(uintptr_t)memory, bytes);
    memcpy((void *)(uintptr_t)memory, value, bytes);
    end_update(&self, WORLD_OP_ATOMIC_UPDATE, digest(memory, bytes) == before, before, 0);
}

bool world___atomic_compare_exchange(size_t bytes, volatile void *memory, void *expected,
                                     const void *value, int order, int failure_order)
{
    struct operation self = begin(memory, (uint32_t)bytes, order, CALLER);
    if (memcmp((void *)(uintptr_t)memory, expected, bytes) == 0) {
        memcpy((void *)(uintptr_t)memory, value, bytes);
        end_update(&self, WORLD_OP_COMPARE_EXCHANGE, false, 0, 0);
        return true;
    }
    memcpy(expected, (void *)(uintptr_t)memory, bytes);
    self.order = failure_order;
    end_load(&self, WORLD_OP_COMPARE_EXCHANGE, 1, digest(memory, bytes));
    return false;
}
