/* malloc and its relatives, over the arena of the execution. */
#include "refuse.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What may be refused. */
static void *allocate(size_t bytes, bool zero, uintptr_t site)
{
    if (refused(WORLD_MEMORY)) {
        errno = ENOMEM;
        return NULL;
    }
    return arena_alloc(bytes, 16, zero, site);
}

void *world_malloc(size_t bytes)
{
    return allocate(bytes, false, CALLER);
}

void *world_calloc(size_t count, size_t bytes)
{
    size_t total;
    if (__builtin_mul_overflow(count, bytes, &total)) {
        errno = ENOMEM;
        return NULL;
    }
    return allocate(total, true, CALLER);
}

void world_free(void *block)
{
    arena_free(block, CALLER);
}

static void *resize(void *block, size_t bytes, uintptr_t site)
{
    if (block == NULL) return allocate(bytes, false, site);
    if (bytes == 0) {
        arena_free(block, site);
        return NULL;
    }
    size_t before = arena_size(block);
    void *moved = allocate(bytes, false, site);
    if (moved == NULL) return NULL;
    memcpy(moved, block, before < bytes ? before : bytes);
    arena_free(block, site);
    return moved;
}

void *world_realloc(void *block, size_t bytes)
{
    return resize(block, bytes, CALLER);
}

void *world_reallocarray(void *block, size_t count, size_t bytes)
{
    size_t total;
    if (__builtin_mul_overflow(count, bytes, &total)) {
        errno = ENOMEM;
        return NULL;
    }
    return resize(block, total, CALLER);
}

static bool power_of_two(size_t x)
{
    return x != 0 && (x & (x - 1)) == 0;
}

void *world_aligned_alloc(size_t align, size_t bytes)
{
    if (!power_of_two(align)) {
        errno = EINVAL;
        return NULL;
    }
    return arena_alloc(bytes, align, false, CALLER);
}

void *world_memalign(size_t align, size_t bytes)
{
    return arena_alloc(bytes, align, false, CALLER);
}

void *world_pages(size_t bytes, uintptr_t site)
{
    return arena_alloc(bytes, 4096, false, site);
}

void *world_valloc(size_t bytes)
{
    return arena_alloc(bytes, 4096, false, CALLER);
}

int world_posix_memalign(void **out, size_t align, size_t bytes)
{
    if (!power_of_two(align) || align % sizeof(void *) != 0) return EINVAL;
    void *block = arena_alloc(bytes, align, false, CALLER);
    if (block == NULL) return ENOMEM;
    *out = block;
    return 0;
}

size_t world_malloc_usable_size(void *block)
{
    return block ? arena_size(block) : 0;
}

char *world_strdup(const char *text)
{
    size_t bytes = strlen(text) + 1;
    world_touch(text, bytes, false, CALLER);
    return memcpy(arena_alloc(bytes, 16, false, CALLER), text, bytes);
}

char *world_strndup(const char *text, size_t most)
{
    size_t bytes = strnlen(text, most);
    world_touch(text, bytes < most ? bytes + 1 : most, false, CALLER);
    char *copy = arena_alloc(bytes + 1, 16, false, CALLER);
    memcpy(copy, text, bytes);
    copy[bytes] = '\0';
    return copy;
}

__attribute__((format(printf, 2, 0)))
static int print_new(char **out, const char *format, va_list list, uintptr_t site)
{
    va_list again;
    world_touch_format(format, list, site);
    va_copy(again, list);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (length < 0) return -1;
    *out = arena_alloc((size_t)length + 1, 16, false, site);
    return vsnprintf(*out, (size_t)length + 1, format, list);
}

__attribute__((format(printf, 2, 0)))
int world_vasprintf(char **out, const char *format, va_list list)
{
    return print_new(out, format, list, CALLER);
}

__attribute__((format(printf, 2, 3)))
int world_asprintf(char **out, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    int length = print_new(out, format, list, CALLER);
    va_end(list);
    return length;
}

__attribute__((format(printf, 3, 0)))
int world___vasprintf_chk(char **out, int flag, const char *format, va_list list)
{
    (void)flag;
    return print_new(out, format, list, CALLER);
}

__attribute__((format(printf, 3, 4)))
int world___asprintf_chk(char **out, int flag, const char *format, ...)
{
    (void)flag;
    va_list list;
    va_start(list, format);
    int length = print_new(out, format, list, CALLER);
    va_end(list);
    return length;
}
