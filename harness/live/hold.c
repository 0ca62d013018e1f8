/*
 * A library that is loaded before a daemon's own (LD_PRELOAD) and holds a thread back where it is
 * about to lock a mutex at one place: for as long as chance says, at most as long as it is told.
 *
 * HARNESS_HOLD=MICROSECONDS:SEED:RANGES|RANGES|...   one element for each frame of the place, the
 * innermost first; RANGES are FROM-TO in hexadecimal, with commas between: addresses in the
 * executable, as its line table has them. Without the variable it does nothing. Frames are found by
 * frame pointers; a program without them is not held back, but goes on. An element that makes no
 * sense ends the process with status 2.
 */
#include "harness/live/hold.h"

#include <dlfcn.h>
#include <link.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct range {
    uintptr_t from, to;
};

static struct place {
    uint32_t frames;
    uint32_t counts[HOLD_FRAMES_MAX];
    struct range ranges[HOLD_FRAMES_MAX][HOLD_RANGES_MAX];
    uint64_t longest_us;
} place;

static _Atomic uint64_t chance;
static int (*lock_really)(pthread_mutex_t *mutex);

int pthread_mutex_lock(pthread_mutex_t *mutex);

/* --- reading --- */

static _Noreturn void refuse(const char *at)
{
    fprintf(stderr, "HARNESS_HOLD makes no sense at '%s'\n", at);
    _exit(2);
}

static int keep_first(struct dl_phdr_info *info, size_t size, void *base)
{
    (void)size;
    *(uintptr_t *)base = info->dlpi_addr;
    return 1;
}

/* FROM-TO,FROM-TO,... */
static const char *read_ranges(const char *at, uintptr_t base)
{
    uint32_t frame = place.frames++;
    if (frame == HOLD_FRAMES_MAX) refuse(at);
    for (;;) {
        char *end;
        struct range range = {.from = base + strtoull(at, &end, 16)};
        if (*end != '-' || place.counts[frame] == HOLD_RANGES_MAX) refuse(at);
        at = end + 1;
        range.to = base + strtoull(at, &end, 16);
        if (end == at) refuse(at);
        place.ranges[frame][place.counts[frame]++] = range;
        if (*end != ',') return end;
        at = end + 1;
    }
}

static void __attribute__((constructor)) read_place(void)
{
    const char *at = getenv("HARNESS_HOLD");
    uintptr_t base = 0;
    char *end;
    if (at == NULL) return;
    dl_iterate_phdr(keep_first, &base);
    place.longest_us = strtoull(at, &end, 10);
    if (*end != ':') refuse(at);
    atomic_store(&chance, strtoull(end + 1, &end, 10));
    if (*end != ':') refuse(at);
    do at = read_ranges(end + 1, base);
    while (*at == '|' && (end = (char *)(uintptr_t)at));
    if (*at != '\0') refuse(at);
    /* Agents and dev servers are others. */
    unsetenv("HARNESS_HOLD");
    unsetenv("LD_PRELOAD");
}

/* --- holding --- */

/* A call that returns there was made in one of the ranges. */
static bool is_in(uint32_t frame, uintptr_t address)
{
    for (uint32_t i = 0; i < place.counts[frame]; i++) {
        const struct range *range = &place.ranges[frame][i];
        if (address > range->from && address <= range->to) return true;
    }
    return false;
}

/* Where the stack of this thread ends. */
static uintptr_t stack_end(void)
{
    static _Thread_local uintptr_t end __attribute__((tls_model("initial-exec")));
    pthread_attr_t attributes;
    void *low;
    size_t bytes;
    if (end != 0) return end;
    end = 1; /* for what is locked in here */
    if (pthread_getattr_np(pthread_self(), &attributes) != 0) return end;
    if (pthread_attr_getstack(&attributes, &low, &bytes) == 0) end = (uintptr_t)low + bytes;
    pthread_attr_destroy(&attributes);
    return end;
}

/* Where there are no frame pointers it may be any value. */
static bool is_caller(const uintptr_t *caller, const uintptr_t *frame)
{
    uintptr_t at = (uintptr_t)caller, end = stack_end();
    return caller > frame && at % sizeof at == 0 && at < end && end - at >= 2 * sizeof at;
}

/* The frame of a function begins with its caller's frame and the address that it returns to. */
static bool is_there(uintptr_t address, const uintptr_t *frame)
{
    for (uint32_t i = 0; i < place.frames; i++) {
        if (!is_in(i, address)) return false;
        if (i + 1 == place.frames) return true;
        const uintptr_t *caller = (const uintptr_t *)frame[0];
        if (!is_caller(caller, frame)) return false;
        address = caller[1];
        frame = caller;
    }
    return false;
}

static void hold(void)
{
    uint64_t value = atomic_fetch_add(&chance, 0x9e3779b97f4a7c15ull);
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9ull;
    value = (value ^ value >> 27) * 0x94d049bb133111ebull;
    uint64_t us = (value ^ value >> 31) % (place.longest_us + 1);
    struct timespec span = {(time_t)(us / 1000000), (long)(us % 1000000) * 1000};
    nanosleep(&span, NULL);
}

int pthread_mutex_lock(pthread_mutex_t *mutex)
{
    if (place.frames > 0 && is_there((uintptr_t)__builtin_return_address(0),
                                     (const uintptr_t *)__builtin_frame_address(0)))
        hold();
    if (lock_really == NULL)
        lock_really =
            (int (*)(pthread_mutex_t *))(uintptr_t)dlsym(RTLD_NEXT, "pthread_mutex_lock");
    return lock_really(mutex);
}
