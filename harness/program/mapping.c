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

void *world_memalign(size_t align, size_t bytes);
void world_free(void *block);

static struct mapping {
    char *block; /* what is freed at the end */
    char *at;
    size_t bytes, gone;
    struct file *file; /* whose content it is, or NULL */
} mappings[MAPPINGS_MAX];
static uint32_t used;

void mapping_begin(void)
{
    used = 0;
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

static char *take_pages(size_t bytes)
{
    char *at = world_memalign(PAGE, bytes);
    return at ? memset(at, 0, bytes) : NULL;
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

static void *map_copy(const struct file *file, size_t bytes, size_t from)
{
    char *block = take_pages(whole_pages(bytes));
    if (block == NULL) return failed(ENOMEM);
    if (from < file->count) {
        size_t there = file->count - from;
        memcpy(block, file->bytes + from, there < bytes ? there : bytes);
    }
    return note(block, block, bytes, NULL);
}

/* The first of them makes room; later ones lie in it. */
static void *map_shared(struct file *file, size_t bytes, size_t from)
{
    size_t needed = whole_pages(from + bytes > file->count ? from + bytes : file->count);
    if (file->mapped == NULL) {
        char *block = take_pages(needed);
        if (block == NULL) return failed(ENOMEM);
        file_map(file, block, needed);
    }
    if (needed > file->capacity) {
        world_fail(WORLD_FOUND_UNCONTROLLED,
                   "uncontrolled call: mmap of more of %s than was mapped before", file->path);
    }
    return note(file->mapped, file->mapped + from, bytes, file);
}

static void *map_file(size_t bytes, int protection, int flags, int number, off_t offset)
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
    return shared ? map_shared(file, bytes, (size_t)offset) : map_copy(file, bytes, (size_t)offset);
}

/* --- calls --- */

void *world_mmap(void *wish, size_t bytes, int protection, int flags, int file, off_t offset)
{
    (void)wish;
    if (flags & MAP_FIXED) {
        world_fail(WORLD_FOUND_UNCONTROLLED, "uncontrolled call: mmap at a fixed address");
    }
    if (bytes == 0) return failed(EINVAL);
    if (!(flags & MAP_ANONYMOUS)) return map_file(bytes, protection, flags, file, offset);
    char *block = take_pages(whole_pages(bytes));
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
    char *block = take_pages(whole_pages(bytes));
    if (block == NULL) return failed(ENOMEM);
    memcpy(block, address, old_bytes);
    world_munmap(address, old_bytes);
    return note(block, block, bytes, NULL);
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
