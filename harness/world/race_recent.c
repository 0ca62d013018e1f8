/* Accesses that a thread has made in the epoch it is in. See race.h.
 *
 * A key is an address, below 2^47 on all machines there are, and above it the number of an epoch:
 * of one thread, from one of its releases to the next. Numbers are not used twice until all are
 * used up, and then nothing of before is left. */
#include "race.h"

#include <string.h>

uint64_t race_recent[2][RECENT_SIZES][RECENT_MAX];
/* For programs that compare in place. */
extern uint64_t world___tsan_recent[2][RECENT_SIZES][RECENT_MAX]
    __attribute__((alias("race_recent"), visibility("hidden")));

static struct range {
    uint64_t key;
    size_t bytes;
} ranges[2][RECENT_RANGES_MAX];
uint32_t race_number;

static void forget_all(void)
{
    memset(race_recent, 0, sizeof race_recent);
    memset(ranges, 0, sizeof ranges);
    for (uint32_t id = 0; id < W.entity_count; id++) race_recent_end(entity_of((uint16_t)id));
    race_number = 0;
}

uint64_t race_recent_key(void)
{
    uint64_t key;
    if (LIKELY(race_recent_key_try(&key))) return key;
    forget_all();
    race_recent_key_try(&key);
    return key;
}

static struct range *range_at(bool write, uintptr_t address, size_t bytes)
{
    return &ranges[write][mix(address, bytes) % RECENT_RANGES_MAX];
}

bool race_range_is_recent(bool write, uintptr_t address, size_t bytes)
{
    const struct range *range = range_at(write, address, bytes);
    return range->key == address + W.self->race_key && range->bytes == bytes;
}

void race_range_note(bool write, uintptr_t address, size_t bytes)
{
    struct range range = {address + race_recent_key(), bytes};
    *range_at(false, address, bytes) = range;
    if (write) *range_at(true, address, bytes) = range;
}
