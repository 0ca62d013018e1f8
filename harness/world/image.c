/* Builds of the program under test: their globals are put back before every execution. */
#include "image.h"
#include "internal.h"

#include <string.h>
#include <sys/mman.h>

struct known {
    char *data;
    char *initial;
    size_t bytes;
    const struct image *image;
};

static struct known images[WORLD_IMAGES_MAX];
static uint32_t image_count;

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
    memcpy(known->initial, known->data, known->bytes);
}

void image_restore(void)
{
    for (uint32_t i = 0; i < image_count; i++) {
        if (images[i].bytes) memcpy(images[i].data, images[i].initial, images[i].bytes);
    }
}

void image_keep(void)
{
    for (uint32_t i = 0; i < image_count; i++) {
        if (images[i].bytes) memcpy(images[i].initial, images[i].data, images[i].bytes);
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
        for (void (*const *init)(void) = image->init_start; init < image->init_end; init++) {
            if (*init) (*init)();
        }
    }
}

void image_destruct(void)
{
    for (uint32_t i = image_count; i-- > 0;) {
        const struct image *image = images[i].image;
        for (void (*const *fini)(void) = image->fini_end; fini > image->fini_start;) {
            if (*--fini) (*fini)();
        }
    }
}
