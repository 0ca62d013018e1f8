/* stdio: writing. What is written takes effect at once; there is nothing to flush. Printing is no
 * scheduling point: the order of two threads' lines follows that of their other operations. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "harness/check/require.h"
#include "harness/world/world.h"
#include "streams.h"

#define PLACE ((uintptr_t)__builtin_return_address(0))

extern FILE *world_stdout, *world_stderr;

ssize_t world_write(int descriptor, const void *bytes, size_t count);

/* The text, in `room` or in memory that is to be freed; its length, or -1. */
__attribute__((format(printf, 4, 0)))
static int make_text(char *room, size_t bytes, char **text, const char *format, va_list list)
{
    va_list again;
    va_copy(again, list);
    *text = room;
    int length = vsnprintf(room, bytes, format, list);
    if (length >= (int)bytes) {
        *text = malloc((size_t)length + 1);
        REQUIRE(*text != NULL);
        vsnprintf(*text, (size_t)length + 1, format, again);
    }
    va_end(again);
    return length;
}

__attribute__((format(printf, 2, 0)))
static int print(struct stream *stream, const char *format, va_list list, uintptr_t site)
{
    char room[1024], *text;
    world_touch_format(format, list, site);
    int length = make_text(room, sizeof room, &text, format, list);
    if (length > 0 && stream_write(stream, text, (size_t)length, site) != 0) length = -1;
    if (text != room) free(text);
    return length;
}

__attribute__((format(printf, 2, 0)))
int world_vfprintf(FILE *face, const char *format, va_list list)
{
    return print(stream_of(face), format, list, PLACE);
}

__attribute__((format(printf, 1, 0)))
int world_vprintf(const char *format, va_list list)
{
    return print(stream_of(world_stdout), format, list, PLACE);
}

__attribute__((format(printf, 2, 0)))
static int print_by_number(int descriptor, const char *format, va_list list, uintptr_t site)
{
    char room[1024], *text;
    world_touch_format(format, list, site);
    int length = make_text(room, sizeof room, &text, format, list);
    if (length > 0) length = (int)world_write(descriptor, text, (size_t)length);
    if (text != room) free(text);
    return length;
}

__attribute__((format(printf, 2, 0)))
int world_vdprintf(int descriptor, const char *format, va_list list)
{
    return print_by_number(descriptor, format, list, PLACE);
}

__attribute__((format(printf, 3, 0)))
int world___vfprintf_chk(FILE *face, int flag, const char *format, va_list list)
{
    (void)flag;
    return print(stream_of(face), format, list, PLACE);
}

__attribute__((format(printf, 2, 0)))
int world___vprintf_chk(int flag, const char *format, va_list list)
{
    (void)flag;
    return print(stream_of(world_stdout), format, list, PLACE);
}

__attribute__((format(printf, 3, 0)))
int world___vdprintf_chk(int descriptor, int flag, const char *format, va_list list)
{
    (void)flag;
    return print_by_number(descriptor, format, list, PLACE);
}

/* The forms with three dots, in terms of the one with a list. */
#define PASS_ON(call)                                                                              \
    va_list list;                                                                                  \
    va_start(list, format);                                                                        \
    int length = call;                                                                             \
    va_end(list);                                                                                  \
    return length

__attribute__((format(printf, 1, 2))) int world_printf(const char *format, ...)
{
    PASS_ON(print(stream_of(world_stdout), format, list, PLACE));
}

__attribute__((format(printf, 2, 3))) int world_fprintf(FILE *face, const char *format, ...)
{
    PASS_ON(print(stream_of(face), format, list, PLACE));
}

__attribute__((format(printf, 2, 3))) int world_dprintf(int descriptor, const char *format, ...)
{
    PASS_ON(print_by_number(descriptor, format, list, PLACE));
}

__attribute__((format(printf, 2, 3))) int world___printf_chk(int flag, const char *format, ...)
{
    (void)flag;
    PASS_ON(print(stream_of(world_stdout), format, list, PLACE));
}

__attribute__((format(printf, 3, 4)))
int world___fprintf_chk(FILE *face, int flag, const char *format, ...)
{
    (void)flag;
    PASS_ON(print(stream_of(face), format, list, PLACE));
}

__attribute__((format(printf, 3, 4)))
int world___dprintf_chk(int descriptor, int flag, const char *format, ...)
{
    (void)flag;
    PASS_ON(print_by_number(descriptor, format, list, PLACE));
}

/* --- without a format --- */

static int put_text(const char *text, FILE *face, uintptr_t site)
{
    world_touch(text, strlen(text) + 1, false, site);
    return stream_write(stream_of(face), text, strlen(text), site) == 0 ? 1 : EOF;
}

int world_fputs(const char *text, FILE *face)
{
    return put_text(text, face, PLACE);
}

int world_puts(const char *text)
{
    if (put_text(text, world_stdout, PLACE) == EOF) return EOF;
    return stream_write(stream_of(world_stdout), "\n", 1, PLACE) == 0 ? 1 : EOF;
}

static int put(int character, FILE *face, uintptr_t site)
{
    char byte = (char)character;
    return stream_write(stream_of(face), &byte, 1, site) == 0 ? (unsigned char)byte : EOF;
}

int world_fputc(int character, FILE *face)
{
    return put(character, face, PLACE);
}

int world_putchar(int character)
{
    return put(character, world_stdout, PLACE);
}

size_t world_fwrite(const void *bytes, size_t size, size_t count, FILE *face)
{
    if (size == 0 || count == 0) return 0;
    world_touch(bytes, size * count, false, PLACE);
    return stream_write(stream_of(face), bytes, size * count, PLACE) == 0 ? count : 0;
}

void world_perror(const char *text)
{
    const char *reason = strerror(errno);
    bool names = text && *text;
    world_fprintf(world_stderr, "%s%s%s\n", names ? text : "", names ? ": " : "", reason);
}

int world_fflush(FILE *face)
{
    if (face) stream_of(face);
    return 0;
}

#define SAME(name, as, parameters) __attribute__((alias(#as))) int name parameters
SAME(world_putc, world_fputc, (int character, FILE *face));
SAME(world__IO_putc, world_fputc, (int character, FILE *face));
SAME(world_putc_unlocked, world_fputc, (int character, FILE *face));
SAME(world_fputc_unlocked, world_fputc, (int character, FILE *face));
SAME(world_putchar_unlocked, world_putchar, (int character));
SAME(world_fputs_unlocked, world_fputs, (const char *text, FILE *face));
SAME(world_fflush_unlocked, world_fflush, (FILE *face));

size_t world_fwrite_unlocked(const void *bytes, size_t size, size_t count, FILE *face)
{
    return world_fwrite(bytes, size, count, face);
}

int world___overflow(FILE *face, int character)
{
    return put(character, face, PLACE);
}
