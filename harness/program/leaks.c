#include "leaks.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/check/require.h"
#include "harness/net/descriptor.h"
#include "harness/world/signal.h"
#include "libc.h"
#include "mapping.h"
#include "streams.h"

/* Neighbours may be redzones, and words may be anything. */
#define ANY_MEMORY __attribute__((no_sanitize("address")))

enum { PAGE = 4096, PAGES_AT_ONCE = 512, LARGE = 1 << 20 };
#define PAGE_IS_THERE (3ull << 62) /* in memory, or swapped out */

static struct {
    struct world_block *blocks; /* by address */
    bool *reached;
    uint32_t *waiting; /* blocks reached, but not looked through */
    uint32_t count, capacity, waiting_count;
} heap;

static int by_address(const void *a, const void *b)
{
    uintptr_t left = (uintptr_t)((const struct world_block *)a)->address;
    uintptr_t right = (uintptr_t)((const struct world_block *)b)->address;
    return left < right ? -1 : left > right;
}

static int by_age(const void *a, const void *b)
{
    const struct world_block *left = a, *right = b;
    return left->serial < right->serial ? -1 : left->serial > right->serial;
}

static void load(void)
{
    heap.count = world_blocks_live(0, heap.blocks, heap.capacity);
    if (heap.count > heap.capacity) {
        heap.capacity = heap.count;
        heap.blocks = realloc(heap.blocks, heap.capacity * sizeof *heap.blocks);
        heap.reached = realloc(heap.reached, heap.capacity * sizeof *heap.reached);
        heap.waiting = realloc(heap.waiting, heap.capacity * sizeof *heap.waiting);
        REQUIRE(heap.blocks != NULL && heap.reached != NULL && heap.waiting != NULL);
        world_blocks_live(0, heap.blocks, heap.capacity);
    }
    qsort(heap.blocks, heap.count, sizeof *heap.blocks, by_address);
    memset(heap.reached, 0, heap.count * sizeof *heap.reached);
}

/* The block that holds the address, its end included; heap.count when none does. */
static uint32_t block_at(uintptr_t address)
{
    uint32_t low = 0, high = heap.count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if ((uintptr_t)heap.blocks[middle].address <= address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == 0) return heap.count;
    const struct world_block *block = &heap.blocks[low - 1];
    return address - (uintptr_t)block->address <= block->bytes ? low - 1 : heap.count;
}

/* What is done with each piece of memory. */
typedef void (*memory_look)(const char *from, const char *to);

ANY_MEMORY static void look_through(const char *from, const char *to)
{
    uintptr_t at = ((uintptr_t)from + sizeof(uintptr_t) - 1) & ~(sizeof(uintptr_t) - 1);
    for (; at + sizeof(uintptr_t) <= (uintptr_t)to; at += sizeof(uintptr_t)) {
        uint32_t index = block_at(*(const uintptr_t *)at);
        if (index == heap.count || heap.reached[index]) continue;
        heap.reached[index] = true;
        heap.waiting[heap.waiting_count++] = index;
    }
}

/* Whether each of so many pages was ever written to: pagemap of proc(5). All were where nobody can
 * tell. */
static void find_pages(int map, uintptr_t from, uint64_t *pages, size_t count)
{
    ssize_t bytes = (ssize_t)(count * sizeof *pages);
    if (pread(map, pages, (size_t)bytes, (off_t)(from / PAGE * sizeof *pages)) == bytes) return;
    memset(pages, 0xff, (size_t)bytes);
}

/* Large blocks are mostly kept in reserve: pages that were never touched hold nothing. */
static void look_at_large(uintptr_t from, uintptr_t to, memory_look look)
{
    uint64_t pages[PAGES_AT_ONCE];
    int map = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    for (uintptr_t at = from; at < to;) {
        size_t count = (to - at + PAGE - 1) / PAGE;
        if (count > PAGES_AT_ONCE) count = PAGES_AT_ONCE;
        find_pages(map, at, pages, count);
        for (size_t i = 0; i < count; i++, at += PAGE) {
            if ((pages[i] & PAGE_IS_THERE) == 0) continue;
            look((const char *)at, (const char *)(to - at < PAGE ? to : at + PAGE));
        }
    }
    if (map >= 0) close(map);
}

static void look_at_block(const struct world_block *block, memory_look look)
{
    uintptr_t from = (uintptr_t)block->address, to = from + block->bytes;
    uintptr_t first = (from + PAGE - 1) / PAGE * PAGE;
    if (block->bytes < LARGE) {
        look((const char *)from, (const char *)to);
        return;
    }
    look((const char *)from, (const char *)first);
    look_at_large(first, to, look);
}

/* What main, and those who still run or whose result nobody has taken, know for themselves. */
static void ask_threads(bool has_locals, memory_look look)
{
    for (uint16_t id = 0; id < world_entity_count(); id++) {
        if (world_is_task(id)) continue;
        world_thread_roots(id, look);
        if (!has_locals || world_thread_ended(id)) continue;
        size_t bytes;
        const char *locals = world_locals(id, &bytes);
        look(locals, locals + bytes);
    }
}

/* What was there when the execution branched off is reachable by the one who made it. */
static void look_through_kept(void)
{
    const char *low, *high;
    if (!world_branched()) return;
    world_branch_stack(&low, &high);
    look_through(low, high);
    for (uint32_t i = 0; i < heap.count; i++) {
        if (heap.reached[i] || heap.blocks[i].serial >= world_branch_serial()) continue;
        heap.reached[i] = true;
        heap.waiting[heap.waiting_count++] = i;
    }
}

struct leaks leaks_find(const struct image *image)
{
    struct leaks leaks = {0};
    heap.count = heap.waiting_count = 0;
    leaks.reachable_bytes = world_bytes_live();
    if (leaks.reachable_bytes == 0) return leaks;
    load();
    world_image_written(image, look_through);
    libc_look(look_through);
    mapping_look(look_through);
    ask_threads(*image->tls_size > 0, look_through);
    look_through_kept();
    while (heap.waiting_count > 0) {
        look_at_block(&heap.blocks[heap.waiting[--heap.waiting_count]], look_through);
    }
    for (uint32_t i = 0; i < heap.count; i++) {
        if (heap.reached[i]) continue;
        leaks.count++;
        leaks.bytes += heap.blocks[i].bytes;
    }
    leaks.reachable_bytes -= leaks.bytes;
    return leaks;
}

uint32_t leaks_blocks(struct world_block *out, uint32_t max)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < heap.count && count < max; i++) {
        if (!heap.reached[i]) out[count++] = heap.blocks[i];
    }
    qsort(out, count, sizeof *out, by_age);
    return count;
}

/* --- descriptors --- */

static struct {
    int number;
    uintptr_t stream; /* of that descriptor, or 0 */
    bool found;
} wanted;

ANY_MEMORY static void look_for_number(const char *from, const char *to)
{
    uintptr_t at = ((uintptr_t)from + sizeof(int) - 1) & ~(sizeof(int) - 1);
    for (; !wanted.found && at + sizeof(int) <= (uintptr_t)to; at += sizeof(int)) {
        wanted.found = *(const int *)at == wanted.number;
    }
}

/* The number is in the stream, which is the harness's. */
ANY_MEMORY static void look_for_stream(const char *from, const char *to)
{
    uintptr_t at = ((uintptr_t)from + sizeof(uintptr_t) - 1) & ~(sizeof(uintptr_t) - 1);
    for (; !wanted.found && at + sizeof(uintptr_t) <= (uintptr_t)to; at += sizeof(uintptr_t)) {
        wanted.found = *(const uintptr_t *)at == wanted.stream;
    }
}

static bool is_found(const struct image *image, memory_look look)
{
    wanted.found = false;
    world_image_written(image, look);
    for (uint32_t i = 0; i < heap.count && !wanted.found; i++) {
        if (heap.reached[i]) look_at_block(&heap.blocks[i], look);
    }
    if (!wanted.found) ask_threads(*image->tls_size > 0, look);
    return wanted.found;
}

static bool is_known(const struct image *image, int number)
{
    wanted.number = number;
    wanted.stream = (uintptr_t)stream_of_descriptor(number);
    if (wanted.stream != 0 && is_found(image, look_for_stream)) return true;
    return is_found(image, look_for_number);
}

uint32_t leaks_descriptors(const struct image *image, struct net_open *out, uint32_t max,
                           uint32_t *known)
{
    static struct net_open open[DESCRIPTORS_MAX];
    uint32_t count = net_open_list(open, DESCRIPTORS_MAX), lost = 0;
    *known = count;
    if (count == 0) return 0;
    for (uint32_t i = 0; i < count; i++) {
        bool lasts = open[i].entity == 0 && !open[i].accepted;
        if (lasts || is_known(image, open[i].number)) continue;
        if (lost < max) out[lost] = open[i];
        lost++;
    }
    *known = count - lost;
    return lost;
}
