/* What the scanf family stores. */
#include "instrument.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

/* A conversion of scanf: where it stores, and how much. */
struct scanned {
    bool suppressed; /* by an asterisk */
    bool allocates;  /* by the letter m: a pointer to a string */
    size_t width;    /* 0: none */
    char size;       /* of h, H (hh), l, q (ll), L, z, j and t, or 0 */
    char letter;
};

static const char *read_size(const char *at, char *size)
{
    for (*size = 0; *at != '\0' && strchr("hlqLzjtZ", *at); at++) {
        *size = (char)(*size == 'l' && *at == 'l' ? 'q' : *size == 'h' ? 'H' : *at);
    }
    return at;
}

/* Behind the set of %[...], in which a bracket that comes first is none that ends it. */
static const char *skip_set(const char *at)
{
    if (*at == '^') at++;
    if (*at == ']') at++;
    at += strcspn(at, "]");
    return *at ? at + 1 : at;
}

/* What follows a percent sign. */
static const char *read_conversion(const char *at, struct scanned *out)
{
    char *end;
    *out = (struct scanned){.suppressed = false};
    for (; *at != '\0' && strchr("*'I", *at); at++) out->suppressed |= *at == '*';
    if (*at >= '0' && *at <= '9') {
        out->width = strtoul(at, &end, 10);
        at = end;
    }
    out->allocates = *at == 'm';
    at = read_size(at + out->allocates, &out->size);
    out->letter = *at;
    if (*at == '\0') return at;
    return *at == '[' ? skip_set(at + 1) : at + 1;
}

static size_t integer_bytes(char size)
{
    switch (size) {
    case 'H':
        return sizeof(char);
    case 'h':
        return sizeof(short);
    case 0:
        return sizeof(int);
    default:
        return sizeof(long long); /* as wide as all others */
    }
}

static size_t float_bytes(char size)
{
    return size == 'L' ? sizeof(long double) : size == 'l' ? sizeof(double) : sizeof(float);
}

/* How many bytes were stored there; 0: no such conversion is known. */
static size_t stored_bytes(const struct scanned *what, const void *at)
{
    bool wide = what->size == 'l' || what->letter == 'C' || what->letter == 'S';
    size_t unit = wide ? sizeof(wchar_t) : 1;
    if (what->allocates) return sizeof(char *);
    switch (what->letter) {
    case 'c':
    case 'C':
        return unit * (what->width ? what->width : 1);
    case 's':
    case 'S':
    case '[':
        return unit * ((wide ? wcslen(at) : strlen(at)) + 1);
    case 'p':
        return sizeof(void *);
    default:
        if (strchr("diouxXn", what->letter)) return integer_bytes(what->size);
        return strchr("aefgAEFG", what->letter) ? float_bytes(what->size) : 0;
    }
}

struct arguments {
    va_list list;
};

/* False: nothing is known of what follows. */
static bool take(struct arguments *arguments, const struct scanned *what, int *fields,
                 uintptr_t pc)
{
    if (what->letter == '%' || what->suppressed) return what->letter != '\0';
    if (what->letter == '\0') return false;
    void *at = va_arg(arguments->list, void *);
    size_t bytes = stored_bytes(what, at);
    if (bytes == 0) return false;
    world_touch(at, bytes, true, pc);
    *fields -= what->letter != 'n';
    return true;
}

void world_touch_scanned(const char *format, va_list list, int fields, uintptr_t pc)
{
    struct arguments arguments;
    struct scanned what;
    if (W.level < WORLD_LEVEL_MEMORY || !W.running) return;
    va_copy(arguments.list, list);
    /* Whether a %n behind the last field was come to is not known. */
    for (const char *at = strchr(format, '%'); at && fields > 0; at = strchr(at, '%')) {
        at = read_conversion(at + 1, &what);
        if (!take(&arguments, &what, &fields, pc)) break;
    }
    va_end(arguments.list);
}

/* --- from memory --- */

__attribute__((format(scanf, 2, 0)))
static int scan(const char *text, const char *format, va_list list, uintptr_t pc)
{
    va_list again;
    world_touch(text, strlen(text) + 1, false, pc);
    va_copy(again, list);
    int fields = vsscanf(text, format, list);
    world_touch_scanned(format, again, fields, pc);
    va_end(again);
    return fields;
}

__attribute__((format(scanf, 2, 0)))
int world_vsscanf(const char *text, const char *format, va_list list)
{
    return scan(text, format, list, CALLER);
}

__attribute__((format(scanf, 2, 3)))
int world_sscanf(const char *text, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    int fields = scan(text, format, list, CALLER);
    va_end(list);
    return fields;
}

/* --- other names --- */

#define SAME(name, as, ...)                                                                        \
    __attribute__((alias(#as))) int name(const char *text, const char *format, __VA_ARGS__)
SAME(world___isoc99_sscanf, world_sscanf, ...);
SAME(world___isoc23_sscanf, world_sscanf, ...);
SAME(world___isoc99_vsscanf, world_vsscanf, va_list list);
SAME(world___isoc23_vsscanf, world_vsscanf, va_list list);
