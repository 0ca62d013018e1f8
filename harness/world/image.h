/*
 * An image is a program or a library whose calls to libc are bound to the simulated world: its
 * objects combined into one, with every global in one piece of memory. cmake/Image.cmake builds
 * images; this is what each tells about itself.
 */
#ifndef HARNESS_WORLD_IMAGE_H
#define HARNESS_WORLD_IMAGE_H

#include <stdint.h>

struct image {
    const char *name;
    /* All code of the program. */
    const char *text_start;
    const char *text_end;
    /* All writable globals, .bss and function-local statics included. Copying these bytes away
     * before the first execution and back after each one makes every execution start alike. */
    char *data_start;
    char *data_end;
    /* Constructors and destructors, which nobody but the world calls: in each execution, the
     * former in this order, the latter in reverse. */
    void (*const *init_start)(void);
    void (*const *init_end)(void);
    void (*const *fini_start)(void);
    void (*const *fini_end)(void);
    /* Bytes of thread-local storage; 0 when the image uses none, and switching fibers need not
     * switch the thread pointer. */
    const uint64_t *tls_size;
    /* Address of the ENTRY symbol: a table of the core's functions, or a program's main. */
    const void *entry;
    /* What the objects tell beyond their calls: an enum world_level. */
    int level;
};

/* Calls `look` for what an execution may have written of the globals, at its end: all but whole
 * pages of large images that are as they were. */
void world_image_written(const struct image *image, void (*look)(const char *from, const char *to));

/* A statically linked image is named image_NAME; one linked with a program is image_program.
 * A shared image (build/cores/NAME.so) exports its own under this name, for dlsym. */
#define IMAGE_SHARED_SYMBOL "image_descriptor"

/*
 * Ends the execution: `symbol`, which the world does not simulate, was called from `caller`.
 * Implemented by the world; called by the stubs that stand in for what a prebuilt library refers
 * to without ever using it (harness/world/fatal/).
 */
_Noreturn void world_uncontrolled(const char *symbol, const void *caller);

#endif
