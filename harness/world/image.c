/* Builds of the program under test: their globals are put back before every execution. */
#include "image.h"
#include "internal.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* From so many bytes on, only what was written is put back: the pages in the middle are a private
 * mapping of what they begin with. */
#define LAZY_BYTES ((size_t)1 << 20)
#define PAGE ((size_t)4096)

struct known {
    char *data;
    char *initial;
    size_t bytes;
    char *middle; /* whole pages inside of the data, when they are many */
    size_t middle_bytes;
    const struct image *image;
    void (*const *next_fini)(void); /* behind the destructor that is called next */
};

static struct known images[WORLD_IMAGES_MAX];
static uint32_t image_count;

/* A new mapping each time: other processes may still have the last one. */
static void map_middle(struct known *known)
{
    int file = memfd_create("image", MFD_CLOEXEC);
    REQUIRE(file >= 0 && ftruncate(file, (off_t)known->middle_bytes) == 0);
    char *to = mmap(NULL, known->middle_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    REQUIRE(to != MAP_FAILED);
    /* Pages that are all zeros are left out. */
    for (size_t at = 0; at < known->middle_bytes; at += PAGE) {
        static const char zeros[PAGE];
        if (memcmp(known->middle + at, zeros, PAGE) != 0) memcpy(to + at, known->middle + at, PAGE);
    }
    munmap(to, known->middle_bytes);
    to = mmap(known->middle, known->middle_bytes, PROT_READ | PROT_WRITE,
              MAP_PRIVATE | MAP_FIXED, file, 0);
    REQUIRE(to == known->middle);
    close(file);
}

/* The bytes before and behind the middle. */
static void copy_ends(const struct known *known, char *to, const char *from)
{
    size_t before = (size_t)(known->middle - known->data);
    size_t behind = before + known->middle_bytes;
    memcpy(to, from, before);
    memcpy(to + behind, from + behind, known->bytes - behind);
}

static void keep(struct known *known)
{
    if (known->middle) {
        map_middle(known);
        copy_ends(known, known->initial, known->data);
    } else if (known->bytes > 0) {
        memcpy(known->initial, known->data, known->bytes);
    }
}

void world_image_add(const struct image *image)
{
    REQUIRE(image_count < WORLD_IMAGES_MAX);
    struct known *known = &images[image_count++];
    known->image = image;
    known->data = image->data_start;
    known->bytes = (size_t)(image->data_end - image->data_start);
    if (*image->tls_size > 0) W.uses_tls = W.switch_hooks = true;
    if (known->bytes == 0) return;
    known->initial = mmap(NULL, known->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                          -1, 0);
    REQUIRE(known->initial != MAP_FAILED);
    if (known->bytes >= LAZY_BYTES) {
        uintptr_t from = ((uintptr_t)known->data + PAGE - 1) & ~(PAGE - 1);
        known->middle = (char *)from;
        known->middle_bytes = ((uintptr_t)known->data + known->bytes - from) & ~(PAGE - 1);
    }
    keep(known);
}

void image_restore(void)
{
    for (uint32_t i = 0; i < image_count; i++) {
        struct known *known = &images[i];
        if (known->middle) {
            REQUIRE(madvise(known->middle, known->middle_bytes, MADV_DONTNEED) == 0);
            copy_ends(known, known->data, known->initial);
        } else if (known->bytes > 0) {
            memcpy(known->data, known->initial, known->bytes);
        }
    }
}

void image_keep(void)
{
    for (uint32_t i = 0; i < image_count; i++) keep(&images[i]);
}

/* --- what was written --- */

/* Whether the page of a private mapping was written: it is there, and no longer the file's. */
static bool was_written(uint64_t entry)
{
    enum { PRESENT = 63, SWAPPED = 62, OF_FILE = 61 };
    return (entry >> PRESENT & 1 || entry >> SWAPPED & 1) && !(entry >> OF_FILE & 1);
}

/* False: the kernel does not tell. */
static bool look_at_pages(const struct known *known,
                          void (*look)(const char *from, const char *to))
{
    uint64_t entries[512];
    bool good = true;
    int file = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    if (file < 0) return false;
    for (size_t at = 0; good && at < known->middle_bytes; at += sizeof entries / 8 * PAGE) {
        const char *first = known->middle + at;
        size_t pages = (known->middle_bytes - at) / PAGE;
        if (pages > sizeof entries / 8) pages = sizeof entries / 8;
        ssize_t bytes = (ssize_t)(pages * 8);
        good = pread(file, entries, (size_t)bytes, (off_t)((uintptr_t)first / PAGE * 8)) == bytes;
        for (size_t i = 0; good && i < pages; i++) {
            if (was_written(entries[i])) look(first + i * PAGE, first + (i + 1) * PAGE);
        }
    }
    close(file);
    return good;
}

void world_image_written(const struct image *image, void (*look)(const char *from, const char *to))
{
    uint32_t i = 0;
    while (i < image_count && images[i].image != image) i++;
    REQUIRE(i < image_count);
    const struct known *known = &images[i];
    if (known->bytes == 0) return;
    const char *end = known->data + known->bytes;
    if (known->middle && !W.branched && look_at_pages(known, look)) {
        look(known->data, known->middle);
        look(known->middle + known->middle_bytes, end);
    } else {
        look(known->data, end);
    }
}

bool image_data(uint32_t index, uintptr_t *from, size_t *bytes)
{
    if (index >= image_count) return false;
    *from = (uintptr_t)images[index].data;
    *bytes = images[index].bytes;
    return true;
}

bool world_is_program(uintptr_t pc)
{
    for (uint32_t i = 0; i < image_count; i++) {
        const struct image *image = images[i].image;
        if (pc - (uintptr_t)image->text_start < (size_t)(image->text_end - image->text_start))
            return true;
    }
    return false;
}

bool world_is_data(const void *address)
{
    for (uint32_t i = 0; i < image_count; i++) {
        if ((uintptr_t)address - (uintptr_t)images[i].data < images[i].bytes) return true;
    }
    return false;
}

/* Constructors run inside the execution, on its first thread. */
void image_construct(void)
{
    for (uint32_t i = 0; i < image_count; i++) {
        const struct image *image = images[i].image;
        images[i].next_fini = image->fini_end;
        for (void (*const *init)(void) = image->init_start; init < image->init_end; init++) {
            if (*init) (*init)();
        }
    }
}

void image_destruct(void)
{
    for (uint32_t i = image_count; i-- > 0;) {
        while (images[i].next_fini > images[i].image->fini_start) {
            void (*fini)(void) = *--images[i].next_fini; /* it may end the process itself */
            if (fini) fini();
        }
    }
}
