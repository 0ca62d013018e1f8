/* stdio: reading. All that can be read lies in memory already. */
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "harness/check/require.h"
#include "harness/world/world.h"
#include "streams.h"

#define PLACE ((uintptr_t)__builtin_return_address(0))

extern FILE *world_stdin;
void *world_realloc(void *block, size_t bytes);

static struct stream *source_of(struct stream *stream)
{
    return stream->readable ? stream_source(stream) : stream;
}

static int get(struct stream *stream)
{
    size_t bytes;
    if (stream->pushed != EOF) {
        int character = stream->pushed;
        stream->pushed = EOF;
        return character;
    }
    struct stream *source = source_of(stream);
    const char *rest = stream_rest(source, &bytes);
    if (bytes == 0) {
        if (stream->readable) stream_mark(stream, true, false);
        return EOF;
    }
    source->position++;
    return (unsigned char)*rest;
}

int world_fgetc(FILE *face)
{
    return get(stream_of(face));
}

int world_getchar(void)
{
    return world_fgetc(world_stdin);
}

int world_ungetc(int character, FILE *face)
{
    struct stream *stream = stream_of(face);
    if (character == EOF || stream->pushed != EOF) return EOF;
    stream->pushed = (unsigned char)character;
    stream_mark(stream, false, false);
    return stream->pushed;
}

char *world_fgets(char *out, int room, FILE *face)
{
    struct stream *stream = stream_of(face);
    int count = 0, character = 0;
    while (count < room - 1 && character != '\n' && (character = get(stream)) != EOF) {
        out[count++] = (char)character;
    }
    if (count == 0) return NULL;
    out[count] = '\0';
    world_touch(out, (size_t)count + 1, true, PLACE);
    return out;
}

size_t world_fread(void *out, size_t size, size_t count, FILE *face)
{
    struct stream *stream = stream_of(face);
    char *bytes = out;
    size_t wanted = size * count, got = 0;
    int character;
    while (got < wanted && (character = get(stream)) != EOF) bytes[got++] = (char)character;
    world_touch(out, got, true, PLACE);
    return size ? got / size : 0;
}

ssize_t world_getdelim(char **line, size_t *room, int delimiter, FILE *face)
{
    struct stream *stream = stream_of(face);
    size_t count = 0;
    int character = EOF;
    if (*line == NULL) *room = 0;
    do {
        if (count + 2 > *room) {
            *room = *room < 60 ? 120 : 2 * *room;
            *line = world_realloc(*line, *room);
        }
        character = get(stream);
        if (character != EOF) (*line)[count++] = (char)character;
    } while (character != EOF && character != delimiter);
    (*line)[count] = '\0';
    world_touch(*line, count + 1, true, PLACE);
    return count ? (ssize_t)count : -1;
}

ssize_t world_getline(char **line, size_t *room, FILE *face)
{
    return world_getdelim(line, room, '\n', face);
}

/* The C library scans a stream over the rest; how far it came is how much was read. */
__attribute__((format(scanf, 2, 0)))
static int scan(FILE *face, const char *format, va_list list, uintptr_t site)
{
    struct stream *stream = stream_of(face), *source = source_of(stream);
    if (stream->pushed != EOF && source->position > 0) {
        stream->pushed = EOF; /* the same character again, as far as a program can tell */
        source->position--;
    }
    size_t bytes;
    const char *rest = stream_rest(source, &bytes);
    if (bytes == 0) {
        stream_mark(stream, true, false);
        return EOF;
    }
    FILE *over = fmemopen((void *)(uintptr_t)rest, bytes, "r");
    REQUIRE(over != NULL);
    va_list again;
    va_copy(again, list);
    int fields = vfscanf(over, format, list);
    source->position += (size_t)ftell(over);
    if (feof(over)) stream_mark(stream, true, false);
    fclose(over);
    world_touch_scanned(format, again, fields, site);
    va_end(again);
    return fields;
}

__attribute__((format(scanf, 2, 0)))
int world_vfscanf(FILE *face, const char *format, va_list list)
{
    return scan(face, format, list, PLACE);
}

__attribute__((format(scanf, 1, 0))) int world_vscanf(const char *format, va_list list)
{
    return scan(world_stdin, format, list, PLACE);
}

#define PASS_ON(face)                                                                              \
    va_list list;                                                                                  \
    va_start(list, format);                                                                        \
    int fields = scan(face, format, list, PLACE);                                                  \
    va_end(list);                                                                                  \
    return fields

__attribute__((format(scanf, 1, 2))) int world_scanf(const char *format, ...)
{
    PASS_ON(world_stdin);
}

__attribute__((format(scanf, 2, 3))) int world_fscanf(FILE *face, const char *format, ...)
{
    PASS_ON(face);
}

/* --- other names --- */

#define SAME(name, as, parameters) __attribute__((alias(#as))) int name parameters
SAME(world_getc, world_fgetc, (FILE *face));
SAME(world__IO_getc, world_fgetc, (FILE *face));
SAME(world_getc_unlocked, world_fgetc, (FILE *face));
SAME(world_fgetc_unlocked, world_fgetc, (FILE *face));
SAME(world___uflow, world_fgetc, (FILE *face));
SAME(world_getchar_unlocked, world_getchar, (void));
SAME(world___isoc99_scanf, world_scanf, (const char *format, ...));
SAME(world___isoc23_scanf, world_scanf, (const char *format, ...));
SAME(world___isoc99_fscanf, world_fscanf, (FILE *face, const char *format, ...));
SAME(world___isoc23_fscanf, world_fscanf, (FILE *face, const char *format, ...));
SAME(world___isoc99_vscanf, world_vscanf, (const char *format, va_list list));
SAME(world___isoc23_vscanf, world_vscanf, (const char *format, va_list list));
SAME(world___isoc99_vfscanf, world_vfscanf, (FILE *face, const char *format, va_list list));
SAME(world___isoc23_vfscanf, world_vfscanf, (FILE *face, const char *format, va_list list));

ssize_t world___getdelim(char **line, size_t *room, int delimiter, FILE *face)
{
    return world_getdelim(line, room, delimiter, face);
}

char *world_fgets_unlocked(char *out, int room, FILE *face)
{
    return world_fgets(out, room, face);
}

size_t world_fread_unlocked(void *out, size_t size, size_t count, FILE *face)
{
    return world_fread(out, size, count, face);
}

char *world___fgets_chk(char *out, size_t size, int room, FILE *face)
{
    if ((size_t)room > size) abort(); /* as the C library does */
    return world_fgets(out, room, face);
}

size_t world___fread_chk(void *out, size_t room, size_t size, size_t count, FILE *face)
{
    if (size * count > room) abort();
    return world_fread(out, size, count, face);
}
