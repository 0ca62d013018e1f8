/*
 * Compiled into every image: turns the boundaries that gather.ld defines into its descriptor.
 * IMAGE_NAME, IMAGE_SYMBOL and IMAGE_ENTRY come from Image.cmake.
 */
#include "harness/world/image.h"
#include "harness/world/world.h"

#ifndef IMAGE_LEVEL /* of programs it is told by a symbol of the executable */
#define IMAGE_LEVEL WORLD_LEVEL_SYNC
#endif
#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)
#define INSIDE __attribute__((visibility("hidden")))

extern INSIDE const char image_text_start[];
extern INSIDE const char image_text_end[];
extern INSIDE char image_data_start[];
extern INSIDE char image_data_end[];
extern INSIDE void (*const image_init_start[])(void);
extern INSIDE void (*const image_init_end[])(void);
extern INSIDE void (*const image_fini_start[])(void);
extern INSIDE void (*const image_fini_end[])(void);
extern INSIDE const uint64_t image_tls_size;

/* Only the address counts: it may be a function or an object. */
extern INSIDE const char image_entry[] __asm__(TEXT(IMAGE_ENTRY));

extern const struct image IMAGE_SYMBOL;

const struct image IMAGE_SYMBOL = {
    .name = TEXT(IMAGE_NAME),
    .text_start = image_text_start,
    .text_end = image_text_end,
    .data_start = image_data_start,
    .data_end = image_data_end,
    .init_start = image_init_start,
    .init_end = image_init_end,
    .fini_start = image_fini_start,
    .fini_end = image_fini_end,
    .tls_size = &image_tls_size,
    .entry = image_entry,
    .level = IMAGE_LEVEL,
};
