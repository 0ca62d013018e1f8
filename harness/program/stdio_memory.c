/* Streams over memory of the program: open_memstream(), fmemopen(). They have no descriptor. What
 * is written is there at once, and so are the pointer and the size that tell of it. */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "harness/net/names.h"
#include "harness/world/world.h"
#include "streams.h"

void *world_malloc(size_t bytes);
void *world_realloc(void *block, size_t bytes);
void world_free(void *block);

/* One more byte than is asked for, which ends the text. */
static bool grow(struct stream_memory *memory, size_t bytes)
{
    if (bytes < memory->room) return true;
    size_t room = memory->room * 2 > bytes ? memory->room * 2 : bytes + 1;
    char *more = world_realloc(memory->bytes, room);
    if (more == NULL) return false;
    memset(more + memory->room, 0, room - memory->room);
    memory->bytes = more;
    memory->room = room;
    return true;
}

static void tell(const struct stream *stream)
{
    const struct stream_memory *memory = &stream->memory;
    if (memory->out == NULL) return;
    *memory->out = memory->bytes;
    *memory->out_count = stream->position < memory->count ? stream->position : memory->count;
}

/* How much of it there is room for; -1: no memory. */
static ssize_t room_for(struct stream_memory *memory, size_t position, size_t count)
{
    if (memory->out) return grow(memory, position + count) ? (ssize_t)count : -1;
    size_t left = position < memory->room ? memory->room - position : 0;
    return (ssize_t)(count < left ? count : left);
}

/* The last byte of memory that does not grow ends the text, unless it is added to. */
static void end_text(const struct stream *stream)
{
    const struct stream_memory *memory = &stream->memory;
    if (memory->count < memory->room) {
        memory->bytes[memory->count] = '\0';
    } else if (!stream->appends) {
        memory->bytes[memory->room - 1] = '\0';
    }
}

int stream_memory_write(struct stream *stream, const char *bytes, size_t count, uintptr_t site)
{
    struct stream_memory *memory = &stream->memory;
    if (stream->appends) stream->position = memory->count;
    ssize_t some = room_for(memory, stream->position, count);
    if (some < 0) {
        errno = ENOMEM;
        return -1;
    }
    world_touch(memory->bytes + stream->position, (size_t)some, true, site);
    memcpy(memory->bytes + stream->position, bytes, (size_t)some);
    stream->position += (size_t)some;
    if (some > 0 && stream->position > memory->count) {
        memory->count = stream->position;
        end_text(stream);
    }
    tell(stream);
    if ((size_t)some == count) return 0;
    errno = ENOSPC;
    return -1;
}

void stream_memory_close(const struct stream *stream)
{
    tell(stream);
    if (stream->memory.own) world_free(stream->memory.bytes);
}

FILE *world_open_memstream(char **out, size_t *bytes)
{
    char *text = world_malloc(1);
    struct stream *stream = text ? stream_in_memory(false, true) : NULL;
    if (stream == NULL) {
        world_free(text);
        return NULL;
    }
    *text = '\0';
    stream->memory = (struct stream_memory){.bytes = text, .room = 1, .out = out,
                                            .out_count = bytes};
    tell(stream);
    return &stream->face;
}

/* How much of what is there is already written. */
static size_t count_of(const struct stream_memory *memory, char mode)
{
    if (mode == 'r') return memory->room;
    return mode == 'a' ? strnlen(memory->bytes, memory->room) : 0;
}

FILE *world_fmemopen(void *bytes, size_t room, const char *mode)
{
    bool both = strchr(mode, '+') != NULL;
    if (strchr("rwa", mode[0]) == NULL) {
        errno = EINVAL;
        return NULL;
    }
    struct stream *stream = stream_in_memory(both || mode[0] == 'r', both || mode[0] != 'r');
    if (stream == NULL) return NULL;
    struct stream_memory *memory = &stream->memory;
    *memory = (struct stream_memory){.bytes = bytes, .room = room, .own = bytes == NULL};
    if (memory->own && (memory->bytes = world_malloc(room + 1)) == NULL) {
        stream->open = false;
        return NULL;
    }
    if (room > 0 && (memory->own || mode[0] == 'w')) memory->bytes[0] = '\0';
    memory->count = memory->own && mode[0] == 'r' ? 0 : count_of(memory, mode[0]);
    stream->appends = mode[0] == 'a';
    return &stream->face;
}
