#include "harness/scenario/arena.h"

#include "harness/scenario/internal.h"

#include <string.h>

enum { CHUNK_BYTES = 64 * 1024, ALIGNMENT = 16 };

struct chunk {
    struct chunk *next;
    size_t used;
    size_t size;
};

struct scn_arena {
    struct chunk *chunks;
};

_Noreturn void scn_require_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: the scenario front end is at fault: %s\n", file, line, condition);
    abort();
}

struct scn_arena *scn_arena_new(void)
{
    struct scn_arena *arena = calloc(1, sizeof(*arena));

    REQUIRE(arena != NULL);
    return arena;
}

void scn_arena_free(struct scn_arena *arena)
{
    if (arena == NULL) return;
    while (arena->chunks != NULL) {
        struct chunk *chunk = arena->chunks;
        arena->chunks = chunk->next;
        free(chunk);
    }
    free(arena);
}

static struct chunk *add_chunk(struct scn_arena *arena, size_t size)
{
    size_t room = size > CHUNK_BYTES ? size : CHUNK_BYTES;
    struct chunk *chunk = calloc(1, sizeof(*chunk) + ALIGNMENT + room);

    REQUIRE(chunk != NULL);
    chunk->size = sizeof(*chunk) + ALIGNMENT + room;
    chunk->used = (sizeof(*chunk) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    chunk->next = arena->chunks;
    arena->chunks = chunk;
    return chunk;
}

void *scn_arena_alloc(struct scn_arena *arena, size_t size)
{
    struct chunk *chunk = arena->chunks;
    size_t rounded = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;

    REQUIRE(rounded >= size);
    if (chunk == NULL || chunk->size - chunk->used < rounded) chunk = add_chunk(arena, rounded);
    chunk->used += rounded;
    return (char *)chunk + chunk->used - rounded;
}

char *scn_arena_text(struct scn_arena *arena, const char *text, size_t length)
{
    char *copy = scn_arena_alloc(arena, length + 1);

    if (length > 0) memcpy(copy, text, length);
    return copy;
}

char *scn_arena_format(struct scn_arena *arena, const char *format, ...)
{
    va_list arguments;
    int length;
    char *text;

    va_start(arguments, format);
    length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    REQUIRE(length >= 0);
    text = scn_arena_alloc(arena, (size_t)length + 1);
    va_start(arguments, format);
    vsnprintf(text, (size_t)length + 1, format, arguments);
    va_end(arguments);
    return text;
}

void *scn_arena_grow(struct scn_arena *arena, void *items, uint32_t count, uint32_t *capacity,
                     size_t item_size)
{
    void *grown;

    REQUIRE(count <= *capacity);
    if (count < *capacity) return items;
    *capacity = *capacity == 0 ? 8 : *capacity * 2;
    grown = scn_arena_alloc(arena, *capacity * item_size);
    if (count > 0) memcpy(grown, items, count * item_size);
    return grown;
}
