/* Pauses between tries. */
#include "core/core.h"

#include <stdatomic.h>

/* SplitMix64 (Steele, Lea, Flood 2014): a counter and a mixer, so that threads share no lock. */
static uint64_t draw(struct core *core)
{
    uint64_t bits = atomic_fetch_add(&core->chance, UINT64_C(0x9e3779b97f4a7c15));
    bits = (bits ^ (bits >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    bits = (bits ^ (bits >> 27)) * UINT64_C(0x94d049bb133111eb);
    return bits ^ (bits >> 31);
}

uint64_t core_backoff_us(struct core *core, uint64_t failures, uint64_t cap_us)
{
    const struct core_settings *settings = &core->settings;
    uint64_t cap = settings->backoff_cap_us < cap_us ? settings->backoff_cap_us : cap_us;
    uint64_t delay_us = settings->backoff_base_us;
    for (uint64_t i = 1; i < failures && delay_us < cap; i++)
        delay_us *= settings->backoff_factor;
    if (delay_us > cap)
        delay_us = cap;
    /* Those who failed together are not to come back together (H61). */
    if (settings->backoff_jitter == BACKOFF_JITTER_FULL && delay_us > 1)
        delay_us = 1 + draw(core) % delay_us;
    return delay_us > 0 ? delay_us : 1;
}
