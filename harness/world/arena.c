/* The heap of an execution: the same addresses every time, gone in one step at the end.
 *
 * Blocks are cut from one range at a fixed address. Fresh and freed bytes hold fixed
 * patterns, so that even a program that reads them is deterministic; freed blocks rest in a
 * queue as long as possible, so that a late write is noticed. A guard behind every block is
 * checked when it is freed and at the end. */
#include "asan.h"
#include "race.h"

#include <string.h>
#include <sys/mman.h>

#define ARENA_BASE ((char *)ARENA_FROM)
#define RETURN_ABOVE ((size_t)64 << 20) /* give memory back after an execution this big */

enum {
    UNIT = 16,
    GUARD_MIN = 16,
    BLOCKS_MAX = 1 << 20,
    CLASS_COUNT = 65,          /* freed blocks below so many units are used again, by size */
    REST_BYTES = 4 << 20,      /* freed bytes before any is used again */
    FRESH = 0xbe, DEAD = 0xdd, GUARD = 0xfd,
    MAGIC_LIVE = 0x4c56, MAGIC_DEAD = 0x4445,
    ALIGN_MAX = 1 << 20,
};

struct header {
    size_t bytes;      /* asked for */
    uint32_t units;    /* of the whole block, header and guard included */
    uint32_t serial;
    uintptr_t site;
    uint16_t entity;
    uint8_t group;
    uint16_t lead;     /* units between the start of the block and this header */
    uint16_t magic;
};
_Static_assert(sizeof(struct header) == 32, "user memory is aligned to 16");

static char *next;                   /* first byte never handed out */
static struct header **blocks;       /* by serial */
static struct world_stack *stacks;   /* by serial, while observed */
static uint32_t serials;
static size_t live_bytes;
static uint32_t *resting_next;       /* by serial: the next freed block of its class, + 1 */
static struct {
    uint32_t first, last;            /* serials + 1, oldest first */
} resting[CLASS_COUNT];
static size_t resting_bytes;

/* What every execution begins with: nothing, unless another one was branched off from. */
static struct {
    char *next, *bytes;
    uint32_t serials, *resting_next;
    size_t live_bytes, resting_bytes;
    __typeof__(*resting) resting[CLASS_COUNT];
} kept = {.next = ARENA_BASE};

static void *reserve(void *at, size_t bytes)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    if (at) flags |= MAP_FIXED_NOREPLACE;
    void *got = mmap(at, bytes, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (got == MAP_FAILED || (at && got != at)) {
        world_broken(__FILE__, __LINE__, "no address range for the heap of an execution");
    }
    return got;
}

void arena_init(void)
{
    next = reserve(ARENA_BASE, ARENA_BYTES);
    blocks = reserve(NULL, BLOCKS_MAX * sizeof *blocks);
    stacks = reserve(NULL, BLOCKS_MAX * sizeof *stacks);
    resting_next = reserve(NULL, BLOCKS_MAX * sizeof *resting_next);
}

void arena_reset(void)
{
    size_t used = (size_t)(next - ARENA_BASE);
    if (used == 0) return;
    SHOW(ARENA_BASE, used);
    if (used > RETURN_ABOVE) madvise(ARENA_BASE, used, MADV_DONTNEED);
    next = kept.next;
    serials = kept.serials;
    live_bytes = kept.live_bytes;
    resting_bytes = kept.resting_bytes;
    memcpy(resting, kept.resting, sizeof resting);
    if (serials == 0) return;
    memcpy(ARENA_BASE, kept.bytes, (size_t)(next - ARENA_BASE));
    memcpy(resting_next, kept.resting_next, serials * sizeof *resting_next);
}

uintptr_t arena_end(void)
{
    return (uintptr_t)next;
}

uint32_t arena_keep(void)
{
    size_t used = (size_t)(next - ARENA_BASE);
    if (used == 0) return 0;
    SHOW(ARENA_BASE, used);
    kept.next = next;
    kept.bytes = memcpy(reserve(NULL, used), ARENA_BASE, used);
    kept.serials = serials;
    kept.resting_next = memcpy(reserve(NULL, serials * sizeof *resting_next), resting_next,
                               serials * sizeof *resting_next);
    kept.live_bytes = live_bytes;
    kept.resting_bytes = resting_bytes;
    memcpy(kept.resting, resting, sizeof resting);
    return serials;
}

static void *user_of(struct header *header)
{
    return header + 1;
}

static char *end_of(struct header *header)
{
    return (char *)header + (header->units - header->lead) * (size_t)UNIT;
}

/* --- damage --- */

static bool all_are(const char *from, const char *to, unsigned char pattern)
{
    /* All equal: the first is the pattern, and each equals the one before it. */
    if (from >= to) return true;
    return (unsigned char)*from == pattern && memcmp(from, from + 1, (size_t)(to - from) - 1) == 0;
}

/* How much of a block shows that it was written to after it was freed: large ones are mostly kept
 * in reserve, and to touch all of them would take long. */
static size_t watched_bytes(const struct header *header)
{
    enum { WATCHED_MAX = 1 << 20 };
    return header->bytes < WATCHED_MAX ? header->bytes : WATCHED_MAX;
}

/* The sanitizer sees what instrumented code writes; the program may also have other code. */
static void check_block(struct header *header, uintptr_t site)
{
    char *user = user_of(header);
    SHOW(user, (size_t)(end_of(header) - user));
    if (!all_are(user + header->bytes, end_of(header), GUARD)) {
        finding_detail("allocated at {pc:%lx}", (unsigned long)header->site);
        finding_raise(WORLD_FOUND_HEAP_OVERFLOW, site,
                      "something was written behind a block of %zu bytes", header->bytes);
    }
    if (header->magic == MAGIC_DEAD && !all_are(user, user + watched_bytes(header), DEAD)) {
        finding_detail("allocated at {pc:%lx}", (unsigned long)header->site);
        finding_raise(WORLD_FOUND_USE_AFTER_FREE, site,
                      "a block of %zu bytes was written after it was freed", header->bytes);
    }
}

void arena_check(void)
{
    for (uint32_t serial = 0; serial < serials; serial++) {
        struct header *header = blocks[serial];
        SHOW(header, sizeof *header);
        if (header->serial == serial) check_block(header, 0);
    }
}

/* --- allocation --- */

/* The same in every execution. Of a large block that is mostly kept in reserve, nothing else should
 * cost: its pages are given back to the system, and are zeros when they are touched. */
static void fill(char *user, int pattern, size_t bytes)
{
    enum { PAGE = 4096, LARGE = 4 << 20 };
    char *from = user + (PAGE - (uintptr_t)user % PAGE) % PAGE, *end = user + bytes;
    char *to = end - (uintptr_t)end % PAGE;
    if (bytes < LARGE || madvise(from, (size_t)(to - from), MADV_DONTNEED) != 0) {
        memset(user, pattern, bytes);
        return;
    }
    memset(user, pattern, (size_t)(from - user));
    memset(to, pattern, (size_t)(end - to));
}

/* The block of that size that rests longest, once enough memory rests. */
static struct header *reuse(uint32_t units)
{
    if (resting_bytes < REST_BYTES || units >= CLASS_COUNT || !resting[units].first) return NULL;
    uint32_t serial = resting[units].first - 1;
    struct header *header = blocks[serial];
    SHOW(header, units * (size_t)UNIT);
    check_block(header, 0);
    if (UNLIKELY(W.find_races)) race_forget((uintptr_t)header, units * (size_t)UNIT);
    resting[units].first = resting_next[serial];
    resting_bytes -= units * (size_t)UNIT;
    return header;
}

static void rest(struct header *header)
{
    uint32_t class_ = header->units;
    if (class_ >= CLASS_COUNT || header->lead != 0) return;
    resting_next[header->serial] = 0;
    if (resting[class_].first) {
        resting_next[resting[class_].last - 1] = header->serial + 1;
    } else {
        resting[class_].first = header->serial + 1;
    }
    resting[class_].last = header->serial + 1;
    resting_bytes += class_ * (size_t)UNIT;
}

static struct header *carve(size_t bytes, size_t align, uint32_t *units, uint32_t *lead)
{
    size_t total = (sizeof(struct header) + bytes + GUARD_MIN + UNIT - 1) / UNIT;
    *units = (uint32_t)total;
    *lead = 0;
    if (align <= UNIT) {
        struct header *again = reuse(*units);
        if (again) return again;
    } else {
        uintptr_t user = ((uintptr_t)next + sizeof(struct header) + align - 1) & ~(align - 1);
        *lead = (uint32_t)((user - sizeof(struct header) - (uintptr_t)next) / UNIT);
        *units += *lead;
    }
    if (*units * (size_t)UNIT > ARENA_BYTES - (size_t)(next - ARENA_BASE) ||
        serials == BLOCKS_MAX) {
        finding_raise(WORLD_FOUND_MEMORY, 0, "the heap of an execution (%zu MiB) is used up",
                      ARENA_BYTES >> 20);
    }
    struct header *header = (struct header *)(void *)(next + *lead * (size_t)UNIT);
    next += *units * (size_t)UNIT;
    return header;
}

void *arena_alloc(size_t bytes, size_t align, bool zero, uintptr_t site)
{
    if (bytes > ARENA_BYTES / 2 || align > ALIGN_MAX) {
        errno = ENOMEM;
        return NULL;
    }
    uint32_t units, lead;
    struct header *header = carve(bytes, align, &units, &lead);
    *header = (struct header){bytes, units, serials, site, W.self ? W.self->id : 0,
                              W.self ? W.self->group : 0, (uint16_t)lead, MAGIC_LIVE};
    blocks[serials] = header;
    if (UNLIKELY(W.keep_stacks)) world_stack_here(&stacks[serials]);
    serials++;
    live_bytes += bytes;
    W.accesses += bytes / WORLD_RANGE_UNIT;
    char *user = user_of(header);
    race_expect(user, bytes);
    fill(user, zero ? 0 : FRESH, bytes);
    memset(user + bytes, GUARD, (size_t)(end_of(header) - user) - bytes);
    HIDE(user + bytes, (size_t)(end_of(header) - user) - bytes);
    HIDE(header, sizeof *header);
    return user;
}

static struct header *header_of(const void *block, const char *verb, uintptr_t site)
{
    const char *address = block;
    if (address < ARENA_BASE + sizeof(struct header) || address >= next ||
        (uintptr_t)address % UNIT != 0) {
        finding_raise(WORLD_FOUND_INVALID_FREE, site,
                      "%s of a pointer that no allocation returned", verb);
    }
    struct header *header = (struct header *)(uintptr_t)address - 1;
    SHOW(header, sizeof *header);
    if (header->magic == MAGIC_DEAD && header->serial < serials &&
        blocks[header->serial] == header) {
        finding_detail("allocated at {pc:%lx}", (unsigned long)header->site);
        finding_raise(WORLD_FOUND_DOUBLE_FREE, site, "%s of a block that was freed before", verb);
    }
    if (header->magic != MAGIC_LIVE || header->serial >= serials ||
        blocks[header->serial] != header) {
        finding_raise(WORLD_FOUND_INVALID_FREE, site,
                      "%s of a pointer that no allocation returned", verb);
    }
    return header;
}

static void take_back(struct header *header)
{
    SHOW(header, (header->units - header->lead) * (size_t)UNIT);
    live_bytes -= header->bytes;
    W.accesses += header->bytes / WORLD_RANGE_UNIT;
    header->magic = MAGIC_DEAD;
    memset(user_of(header), DEAD, watched_bytes(header));
    rest(header);
    HIDE(header, (header->units - header->lead) * (size_t)UNIT);
}

void arena_free(void *block, uintptr_t site)
{
    if (block == NULL) return;
    struct header *header = header_of(block, "free", site);
    race_expect(block, header->bytes);
    check_block(header, site);
    if (UNLIKELY(W.find_races)) {
        race_access((uintptr_t)block, header->bytes, RACE_WRITE | RACE_FREE, site);
    }
    take_back(header);
}

size_t arena_size(const void *block)
{
    struct header *header = header_of(block, "use", 0);
    size_t bytes = header->bytes;
    HIDE(header, sizeof *header);
    return bytes;
}

void arena_group_kill(uint8_t group)
{
    for (uint32_t serial = 0; serial < serials; serial++) {
        struct header *header = blocks[serial];
        SHOW(header, sizeof *header);
        if (header->serial == serial && header->magic == MAGIC_LIVE && header->group == group) {
            take_back(header);   /* by nobody: those who could race with it are gone */
        }
    }
}

/* --- what is left --- */

uint32_t world_blocks_live(uint8_t group, struct world_block *out, uint32_t max)
{
    uint32_t count = 0;
    if (live_bytes == 0 && serials == 0) return 0;
    for (uint32_t serial = 0; serial < serials; serial++) {
        struct header *header = blocks[serial];
        SHOW(header, sizeof *header);
        if (header->serial != serial || header->magic != MAGIC_LIVE) continue;
        if (header->group != group) continue;
        if (count < max) {
            out[count] = (struct world_block){user_of(header), header->bytes, serial,
                                              header->entity, header->site, {0, {0}}};
            if (W.keep_stacks) out[count].stack = stacks[serial];
        }
        count++;
    }
    return count;
}

bool arena_find(const void *address, struct world_block *out, bool *freed)
{
    const char *at = address;
    if ((uintptr_t)at - ARENA_FROM >= (size_t)(next - ARENA_BASE)) return false;
    for (uint32_t serial = serials; serial-- > 0;) {
        struct header *header = blocks[serial];
        SHOW(header, sizeof *header);
        if (header->serial != serial || at < (char *)header || at >= end_of(header)) continue;
        *out = (struct world_block){user_of(header), header->bytes, serial, header->entity,
                                    header->site, {0, {0}}};
        *freed = header->magic == MAGIC_DEAD;
        return true;
    }
    return false;
}

size_t world_bytes_live(void)
{
    return live_bytes;
}
