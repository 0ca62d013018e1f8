#include "store.h"

#include <string.h>
#include <sys/mman.h>

#include "harness/check/require.h"
#include "harness/world/tsan.h"
#include "harness/world/world.h"

/* Beside the memory of the program (world/internal.h), at the same place in every process. */
#ifdef WITH_TSAN
#define STORE_FROM ((char *)0x550800000000)
#else
#define STORE_FROM ((char *)0x280000000000)
#endif
enum { STORE_BYTES = 256 << 20, CLASS_FIRST = 6, CLASSES = 29, RETURN_ABOVE = 1 << 20 };

static char *next;
static void *unused[CLASSES]; /* by the power of two that is their size; each begins with a link */

void store_begin(void)
{
    if (next == NULL) {
        void *at = mmap(STORE_FROM, STORE_BYTES, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
        REQUIRE(at == STORE_FROM);
    } else if (next > STORE_FROM + RETURN_ABOVE) {
        madvise(STORE_FROM, (size_t)(next - STORE_FROM), MADV_DONTNEED);
    }
    next = STORE_FROM;
    memset(unused, 0, sizeof unused);
}

static uint32_t class_of(size_t bytes)
{
    uint32_t class_ = CLASS_FIRST;
    while (((size_t)1 << class_) < bytes) class_++;
    return class_;
}

void *store_take(size_t bytes)
{
    REQUIRE(bytes <= STORE_BYTES);
    uint32_t class_ = class_of(bytes);
    void *block = unused[class_];
    if (block != NULL) {
        memcpy(&unused[class_], block, sizeof block);
        return memset(block, 0, bytes);
    }
    if (((size_t)1 << class_) > (size_t)(STORE_FROM + STORE_BYTES - next)) {
        world_fail(WORLD_FOUND_MEMORY, "sockets and pipes hold more than 256 MiB");
    }
    block = next;
    next += (size_t)1 << class_;
    return memset(block, 0, bytes);
}

void store_give(void *block, size_t bytes)
{
    uint32_t class_ = class_of(bytes);
    memcpy(block, &unused[class_], sizeof block);
    unused[class_] = block;
}

/* --- bytes in order --- */

static void make_room(struct bytes *bytes, size_t room)
{
    struct bytes wider = {.room = bytes->room ? bytes->room : 256};
    while (wider.room < room) wider.room *= 2;
    if (wider.room == bytes->room) return;
    wider.at = store_take(wider.room);
    wider.count = bytes_look(bytes, wider.at, bytes->count);
    bytes_free(bytes);
    *bytes = wider;
}

void bytes_add(struct bytes *bytes, const char *more, size_t count)
{
    make_room(bytes, bytes->count + count);
    size_t to = (bytes->from + bytes->count) % bytes->room;
    size_t first = bytes->room - to < count ? bytes->room - to : count;
    memcpy(bytes->at + to, more, first);
    memcpy(bytes->at, more + first, count - first);
    bytes->count += count;
}

size_t bytes_look(const struct bytes *bytes, char *out, size_t count)
{
    if (count > bytes->count) count = bytes->count;
    size_t first = bytes->room - bytes->from < count ? bytes->room - bytes->from : count;
    if (count == 0) return 0;
    memcpy(out, bytes->at + bytes->from, first);
    memcpy(out + first, bytes->at, count - first);
    return count;
}

void bytes_drop(struct bytes *bytes, size_t count)
{
    bytes->count -= count;
    bytes->from = bytes->count == 0 ? 0 : (bytes->from + count) % bytes->room;
}

void bytes_move(struct bytes *from, struct bytes *to)
{
    size_t first = from->room - from->from < from->count ? from->room - from->from : from->count;
    if (from->count == 0) return;
    bytes_add(to, from->at + from->from, first);
    bytes_add(to, from->at, from->count - first);
    bytes_drop(from, from->count);
}

void bytes_free(struct bytes *bytes)
{
    if (bytes->at != NULL) store_give(bytes->at, bytes->room);
    *bytes = (struct bytes){0};
}
