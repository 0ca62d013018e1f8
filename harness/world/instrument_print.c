/* Printing into memory, and the strings that any printing reads. */
#include "instrument.h"

#include <stdio.h>
#include <string.h>

_Noreturn void __chk_fail(void);

void world_touch(const void *memory, size_t bytes, bool write, uintptr_t pc)
{
    if (W.level < WORLD_LEVEL_MEMORY || !W.running || bytes == 0) return;
    instrument_touch(memory, bytes, write ? RACE_WRITE : RACE_READ, pc);
}

/* --- formats --- */

/* A conversion: what it takes from the list of arguments. */
struct conversion {
    bool star_width, star_precision;
    int precision;   /* -1: none */
    char size;       /* of h, l, q (ll), L, z, j and t, or 0 */
    char letter;     /* 0: the format ends */
};

static const char *read_number(const char *at, bool *star, int *value)
{
    if (*at == '*') {
        *star = true;
        return at + 1;
    }
    for (; *at >= '0' && *at <= '9'; at++) *value = *value * 10 + (*at - '0');
    return at;
}

static const char *read_size(const char *at, char *size)
{
    *size = 0;
    while (*at != '\0' && strchr("hlqLzjtZ", *at)) {
        *size = *size == 'l' && *at == 'l' ? 'q' : *at;
        at++;
    }
    return at;
}

/* What follows a percent sign. */
static const char *read_conversion(const char *at, struct conversion *out)
{
    int width = 0;
    *out = (struct conversion){.precision = -1};
    at += strspn(at, "-+ #0'I");
    at = read_number(at, &out->star_width, &width);
    if (*at == '.') {
        out->precision = 0;
        at = read_number(at + 1, &out->star_precision, &out->precision);
    }
    at = read_size(at, &out->size);
    out->letter = *at;
    return *at ? at + 1 : at;
}

static void touch_string(const char *text, int precision, uintptr_t pc)
{
    if (text == NULL) return;
    size_t most = precision < 0 ? SIZE_MAX : (size_t)precision, length = 0;
    while (length < most && text[length] != '\0') length++;
    world_touch(text, length < most ? length + 1 : most, false, pc);
}

struct arguments {
    va_list list;
};

static void skip_integer(struct arguments *arguments, char size)
{
    if (size == 'l' || size == 'q' || size == 'L' || size == 'z' || size == 'Z' || size == 'j' ||
        size == 't') {
        (void)va_arg(arguments->list, long long);
    } else {
        (void)va_arg(arguments->list, int);
    }
}

/* False if it is not known what that is. */
static bool take(struct arguments *arguments, struct conversion *what, uintptr_t pc)
{
    if (what->star_width) (void)va_arg(arguments->list, int);
    if (what->star_precision) what->precision = va_arg(arguments->list, int);
    if (what->letter == 's' && what->size == 0) {
        touch_string(va_arg(arguments->list, const char *), what->precision, pc);
    } else if (what->letter && strchr("diouxXc", what->letter)) {
        skip_integer(arguments, what->size);
    } else if (what->letter && strchr("eEfFgGaA", what->letter)) {
        if (what->size == 'L') {
            (void)va_arg(arguments->list, long double);
        } else {
            (void)va_arg(arguments->list, double);
        }
    } else if (what->letter && strchr("pnsS", what->letter)) {
        (void)va_arg(arguments->list, void *);
    } else {
        return what->letter == '%' || what->letter == 'm';
    }
    return true;
}

void world_touch_format(const char *format, va_list list, uintptr_t pc)
{
    struct arguments arguments;
    struct conversion what;
    if (W.level < WORLD_LEVEL_MEMORY || !W.running) return;
    va_copy(arguments.list, list);
    for (const char *at = strchr(format, '%'); at; at = strchr(at, '%')) {
        at = read_conversion(at + 1, &what);
        if (!take(&arguments, &what, pc)) break;
    }
    va_end(arguments.list);
}

/* --- into memory --- */

__attribute__((format(printf, 3, 0)))
static int print(char *out, size_t room, const char *format, va_list list, uintptr_t pc)
{
    va_list again;
    world_touch_format(format, list, pc);
    va_copy(again, list);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (length >= 0) world_touch(out, (size_t)length < room ? (size_t)length + 1 : room, true, pc);
    return vsnprintf(out, room, format, list);
}

/* Without a bound, all that there may be. */
enum { NO_BOUND = 0x7fffffff };

__attribute__((format(printf, 3, 0)))
int world_vsnprintf(char *out, size_t room, const char *format, va_list list)
{
    return print(out, room, format, list, CALLER);
}

__attribute__((format(printf, 2, 0)))
int world_vsprintf(char *out, const char *format, va_list list)
{
    return print(out, NO_BOUND, format, list, CALLER);
}

__attribute__((format(printf, 5, 0)))
int world___vsnprintf_chk(char *out, size_t room, int flag, size_t size, const char *format,
                          va_list list)
{
    (void)flag;
    if (room > size) __chk_fail();
    return print(out, room, format, list, CALLER);
}

__attribute__((format(printf, 4, 0)))
int world___vsprintf_chk(char *out, int flag, size_t size, const char *format, va_list list)
{
    (void)flag;
    int length = print(out, size < NO_BOUND ? size : NO_BOUND, format, list, CALLER);
    if (length >= 0 && (size_t)length >= size) __chk_fail();
    return length;
}

#define PASS_ON(call)                                                                              \
    va_list list;                                                                                  \
    va_start(list, format);                                                                        \
    int length = call;                                                                             \
    va_end(list);                                                                                  \
    return length

__attribute__((format(printf, 3, 4)))
int world_snprintf(char *out, size_t room, const char *format, ...)
{
    PASS_ON(print(out, room, format, list, CALLER));
}

__attribute__((format(printf, 2, 3))) int world_sprintf(char *out, const char *format, ...)
{
    PASS_ON(print(out, NO_BOUND, format, list, CALLER));
}

__attribute__((format(printf, 5, 6)))
int world___snprintf_chk(char *out, size_t room, int flag, size_t size, const char *format, ...)
{
    PASS_ON(world___vsnprintf_chk(out, room, flag, size, format, list));
}

__attribute__((format(printf, 4, 5)))
int world___sprintf_chk(char *out, int flag, size_t size, const char *format, ...)
{
    PASS_ON(world___vsprintf_chk(out, flag, size, format, list));
}
