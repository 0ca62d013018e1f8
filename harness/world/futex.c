#include "futex.h"

#include "word.h"

#include <linux/futex.h>

struct waiter {
    const uint32_t *word;
    uint32_t bits;
    bool woken;
    struct world_queue queue;
    struct waiter *next;
};

/* Waiters lie on the stacks of those that wait. */
static struct waiter *first;
static uint64_t first_run; /* the execution that the list is of */

static struct waiter **list(void)
{
    if (first_run != W.runs) first = NULL;
    first_run = W.runs;
    return &first;
}

static void enlist(struct waiter *waiter)
{
    struct waiter **at = list();
    while (*at != NULL) at = &(*at)->next;
    *at = waiter;
}

static void strike_off(const struct waiter *waiter)
{
    struct waiter **at = list();
    while (*at != NULL && *at != waiter) at = &(*at)->next;
    if (*at != NULL) *at = waiter->next;
}

void futex_leave(const void *object)
{
    strike_off((const struct waiter *)((uintptr_t)object - offsetof(struct waiter, queue.object)));
}

/* The word is looked at in the step that begins the wait, so that no wake can come between. */
static bool still_has(const uint32_t *word, uint32_t value, uintptr_t site)
{
    word_point((uintptr_t)word, WORLD_READ, site);
    uint32_t seen = *(const volatile uint32_t *)word;
    word_step((uintptr_t)word, WORLD_OP_ATOMIC_LOAD, WORLD_READ, 0, true, seen, site);
    return seen == value;
}

static long wait_for(uint32_t *word, uint32_t value, uint64_t deadline_ns, uint32_t bits,
                     uintptr_t site)
{
    struct waiter waiter = {.word = word, .bits = bits};
    if (!still_has(word, value, site)) {
        errno = EAGAIN;
        return -1;
    }
    enlist(&waiter);
    W.self->wait_site = site;
    W.self->next_place = word;
    enum wake_reason reason = queue_wait(&waiter.queue, deadline_ns, WAIT_FUTEX, "a futex");
    if (waiter.woken) return 0;
    strike_off(&waiter);
    if (reason == WOKEN_SPURIOUS) return wait_for(word, value, deadline_ns, bits, site);
    errno = reason == WOKEN_SIGNAL ? EINTR : ETIMEDOUT;
    return -1;
}

static long wake(const uint32_t *word, uint32_t most, uint32_t bits, uintptr_t site)
{
    long woken = 0;
    word_point((uintptr_t)word, WORLD_WRITE, site);
    /* Also when nobody waits: whether it comes before a wait or after it makes a difference. */
    word_step((uintptr_t)word, WORLD_OP_ATOMIC_UPDATE, WORLD_WRITE, 0, false, 0, site);
    for (struct waiter *at = *list(); at != NULL && woken < (long)most;) {
        struct waiter *waiter = at;
        at = at->next;
        if (waiter->word != word || !(waiter->bits & bits)) continue;
        strike_off(waiter);
        waiter->woken = true;
        world_wake(&waiter->queue);
        woken++;
    }
    return woken;
}

static bool read_limit(int operation, const struct timespec *limit, uint64_t *deadline_ns)
{
    *deadline_ns = WORLD_NEVER;
    if (limit == NULL) return true;
    if ((operation & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET) {
        clockid_t clock = operation & FUTEX_CLOCK_REALTIME ? CLOCK_REALTIME : CLOCK_MONOTONIC;
        return clock_deadline(clock, limit, deadline_ns);
    }
    struct timespec at = {.tv_sec = (time_t)(W.now_ns / 1000000000) + limit->tv_sec,
                          .tv_nsec = (long)(W.now_ns % 1000000000) + limit->tv_nsec};
    if (limit->tv_sec < 0 || limit->tv_nsec < 0 || limit->tv_nsec >= 1000000000) return false;
    at.tv_sec += at.tv_nsec / 1000000000;
    at.tv_nsec %= 1000000000;
    *deadline_ns = (uint64_t)at.tv_sec * 1000000000 + (uint64_t)at.tv_nsec;
    return true;
}

long world_futex(uint32_t *word, int operation, uint32_t value, const struct timespec *limit,
                 uint32_t bits, uintptr_t site)
{
    uint64_t deadline_ns;
    int command = operation & FUTEX_CMD_MASK;
    if (command == FUTEX_WAIT || command == FUTEX_WAKE) bits = FUTEX_BITSET_MATCH_ANY;
    switch (command) {
    case FUTEX_WAIT:
    case FUTEX_WAIT_BITSET:
        if (bits == 0 || !read_limit(operation, limit, &deadline_ns)) {
            errno = EINVAL;
            return -1;
        }
        return wait_for(word, value, deadline_ns, bits, site);
    case FUTEX_WAKE:
    case FUTEX_WAKE_BITSET:
        return wake(word, value, bits, site);
    default:
        finding_raise(WORLD_FOUND_UNCONTROLLED, site, "uncontrolled futex operation %d",
                      command);
    }
}
