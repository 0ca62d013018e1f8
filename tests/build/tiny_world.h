/*
 * The least world that the sample images need.
 */
#ifndef TESTS_BUILD_TINY_WORLD_H
#define TESTS_BUILD_TINY_WORLD_H

#include <setjmp.h>
#include <stddef.h>

void *world_malloc(size_t size);
void world_free(void *memory);

/* How often an image called world_malloc. */
unsigned tiny_world_mallocs(void);

/* Where world_uncontrolled goes instead of ending an execution, and what it was told. */
extern jmp_buf tiny_world_jump;
const char *tiny_world_uncontrolled(void);

#endif
