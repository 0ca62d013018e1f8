#include "mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "harness/check/require.h"
#include "harness/world/world.h"
#include "streams.h"

enum { PAGE = 4096, MAPPINGS_MAX = 4096 };
#define SITE ((uintptr_t)__builtin_return_address(0))

void world_free(void *block);

static struct mapping {
    char *block; /* what is freed at the end */
    char *at;
    size_t bytes, gone;
    struct file *file; /* whose content it is, or NULL */
} mappings[MAPPINGS_MAX];
static uint32_t used;

/* What sbrk() moves about in: taken when it is called first. */
enum { BREAK_BYTES = 16 << 20 };
static char *break_block;
static size_t break_at;

void mapping_begin(void)
{
    used = 0;
    break_block = NULL;
    break_at = 0;
}

void mapping_look(void (*look)(const char *from, const char *to))
{
    const char *known = break_block;
    look((const char *)&known, (const char *)(&known + 1));
}

static void *failed(int error)
{
    errno = error;
    return MAP_FAILED;
}

static size_t whole_pages(size_t bytes)
{
    return (bytes + PAGE - 1) / PAGE * PAGE;
}

/* Large ones are mostly kept in reserve: what of them is never touched should cost nothing. */
static char *take_pages(size_t bytes, uintptr_t site)
{
    enum { LARGE = 1 << 18 };
    char *at = world_pages(bytes, site);
    if (at == NULL || (bytes >= LARGE && madvise(at, bytes, MADV_DONTNEED) == 0)) return at;
    return memset(at, 0, bytes);
}

static void *note(char *block, char *at, size_t bytes, struct file *file)
{
    uint32_t free_one = 0;
    while (free_one < used && mappings[free_one].block) free_one++;
    if (free_one == MAPPINGS_MAX) {
        world_fail(WORLD_FOUND_MEMORY, "more than %d mappings of memory", MAPPINGS_MAX);
    }
    if (free_one == used) used++;
    mappings[free_one] = (struct mapping){block, at, whole_pages(bytes), 0, file};
    return at;
}

/* --- files --- */

static void *map_copy(const struct file *file, size_t bytes, size_t from, uintptr_t site)
{
    char *block = take_pages(whole_pages(bytes), site);
    if (block == NULL) return failed(ENOMEM);
    if (from < file->count) {
        size_t there = file->count - from;
        memcpy(block, file->bytes + from, there < bytes ? there : bytes);
    }
    return note(block, block, bytes, NULL);
}

/* The first of them makes room; later ones lie in it. */
static void *map_shared(struct file *file, size_t bytes, size_t from, uintptr_t site)
{
    size_t needed = whole_pages(from + bytes > file->count ? from + bytes : file->count);
    if (file->mapped == NULL) {
        char *block = take_pages(needed, site);
        if (block == NULL) return failed(ENOMEM);
        file_map(file, block, needed);
    }
    if (needed > file->capacity) {
        world_fail(WORLD_FOUND_UNCONTROLLED,
                   "uncontrolled call: mmap of more of %s than was mapped before", file->path);
    }
    return note(file->mapped, file->mapped + from, bytes, file);
}

static void *map_file(size_t bytes, int protection, int flags, int number, off_t offset,
                      uintptr_t site)
{
    const struct description *self = descriptor_look(number);
    struct file *file = self ? stream_file(self) : NULL;
    if (self == NULL) return failed(EBADF);
    if (file == NULL || file->folder) return failed(ENODEV);
    int mode = self->flags & O_ACCMODE;
    bool shared = (flags & MAP_TYPE) != MAP_PRIVATE;
    if (mode == O_WRONLY || (shared && (protection & PROT_WRITE) && mode != O_RDWR)) {
        return failed(EACCES);
    }
    if (offset < 0 || offset % PAGE != 0) return failed(EINVAL);
    return shared ? map_shared(file, bytes, (size_t)offset, site)
                  : map_copy(file, bytes, (size_t)offset, site);
}

/* --- calls --- */

void *world_mmap(void *wish, size_t bytes, int protection, int flags, int file, off_t offset)
{
    (void)wish;
    if (flags & MAP_FIXED) {
        world_fail(WORLD_FOUND_UNCONTROLLED, "uncontrolled call: mmap at a fixed address");
    }
    if (bytes == 0) return failed(EINVAL);
    if (!(flags & MAP_ANONYMOUS)) return map_file(bytes, protection, flags, file, offset, SITE);
    char *block = take_pages(whole_pages(bytes), SITE);
    return block ? note(block, block, bytes, NULL) : failed(ENOMEM);
}

static struct mapping *mapping_of(const char *at)
{
    for (uint32_t i = 0; i < used; i++) {
        struct mapping *mapping = &mappings[i];
        if (mapping->block == NULL || at < mapping->at) continue;
        if (at < mapping->at + mapping->bytes) return mapping;
    }
    return NULL;
}

static bool is_used(const char *block)
{
    for (uint32_t i = 0; i < used; i++) {
        if (mappings[i].block == block) return true;
    }
    return false;
}

/* Parts are given back as a whole, once all of them were. */
int world_munmap(void *address, size_t bytes)
{
    struct mapping *mapping = mapping_of(address);
    if ((uintptr_t)address % PAGE != 0 || bytes == 0) {
        errno = EINVAL;
        return -1;
    }
    if (mapping == NULL) return 0;
    mapping->gone += whole_pages(bytes);
    if (mapping->gone < mapping->bytes) return 0;
    char *block = mapping->block;
    mapping->block = NULL;
    if (is_used(block)) return 0;
    if (mapping->file) file_unmap(mapping->file);
    world_free(block);
    return 0;
}

void *world_mremap(void *address, size_t old_bytes, size_t bytes, int flags, ...)
{
    struct mapping *mapping = mapping_of(address);
    if (mapping == NULL || bytes == 0) return failed(mapping ? EINVAL : EFAULT);
    if (whole_pages(bytes) <= whole_pages(old_bytes)) return address;
    if (!(flags & MREMAP_MAYMOVE)) return failed(ENOMEM);
    if (mapping->file || (flags & MREMAP_FIXED)) {
        world_fail(WORLD_FOUND_UNCONTROLLED, "uncontrolled call: mremap of a shared file");
    }
    char *block = take_pages(whole_pages(bytes), SITE);
    if (block == NULL) return failed(ENOMEM);
    memcpy(block, address, old_bytes);
    world_munmap(address, old_bytes);
    return note(block, block, bytes, NULL);
}

/* --- the program break --- */

static void *move_break(intptr_t more, uintptr_t site)
{
    if (break_block == NULL) break_block = take_pages(BREAK_BYTES, site);
    char *before = break_block + break_at;
    bool fits = more < 0 ? (size_t)-more <= break_at : (size_t)more <= BREAK_BYTES - break_at;
    if (break_block == NULL || !fits) return failed(ENOMEM);
    if (more < 0) memset(before + more, 0, (size_t)-more); /* as it is when it comes back */
    break_at += (size_t)more;
    return before;
}

void *world_sbrk(intptr_t more)
{
    return move_break(more, SITE);
}

int world_brk(void *end)
{
    const char *now = move_break(0, SITE);
    return now != MAP_FAILED && move_break((char *)end - now, SITE) != MAP_FAILED ? 0 : -1;
}

/* --- advice --- */

int world_posix_madvise(void *at, size_t bytes, int advice)
{
    (void)at, (void)bytes, (void)advice; /* none of it discards anything */
    return 0;
}

int world_mprotect(void *at, size_t bytes, int protection)
{
    (void)bytes, (void)protection;
    if ((uintptr_t)at % PAGE == 0) return 0;
    errno = EINVAL;
    return -1;
}

int world_msync(void *at, size_t bytes, int flags)
{
    (void)bytes, (void)flags;
    if ((uintptr_t)at % PAGE == 0) return 0;
    errno = EINVAL;
    return -1;
}

__attribute__((alias("world_mmap"))) void *world_mmap64(void *wish, size_t bytes, int protection,
                                                        int flags, int file, off_t offset);
