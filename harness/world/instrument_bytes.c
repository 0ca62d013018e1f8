/* Functions of <string.h> that read or write the program's memory. */
#include "instrument.h"

#include <string.h>

static void touch_text(const char *text, uintptr_t pc)
{
    instrument_touch(text, strlen(text) + 1, RACE_READ, pc);
}

static void touch_copy(const void *to, const void *from, size_t bytes, uintptr_t pc)
{
    instrument_touch(from, bytes, RACE_READ, pc);
    instrument_touch(to, bytes, RACE_WRITE, pc);
}

void *world_memcpy(void *to, const void *from, size_t bytes)
{
    touch_copy(to, from, bytes, CALLER);
    return memcpy(to, from, bytes);
}

void *world_mempcpy(void *to, const void *from, size_t bytes)
{
    touch_copy(to, from, bytes, CALLER);
    return (char *)memcpy(to, from, bytes) + bytes;
}

void *world_memmove(void *to, const void *from, size_t bytes)
{
    touch_copy(to, from, bytes, CALLER);
    return memmove(to, from, bytes);
}

void *world_memset(void *to, int value, size_t bytes)
{
    instrument_touch(to, bytes, RACE_WRITE, CALLER);
    return memset(to, value, bytes);
}

void world_bzero(void *to, size_t bytes)
{
    instrument_touch(to, bytes, RACE_WRITE, CALLER);
    memset(to, 0, bytes);
}

void world_bcopy(const void *from, void *to, size_t bytes)
{
    touch_copy(to, from, bytes, CALLER);
    memmove(to, from, bytes);
}

void *world___tsan_memcpy(void *to, const void *from, size_t bytes)
{
    touch_copy(to, from, bytes, CALLER);
    return memcpy(to, from, bytes);
}

void *world___tsan_memmove(void *to, const void *from, size_t bytes)
{
    touch_copy(to, from, bytes, CALLER);
    return memmove(to, from, bytes);
}

void *world___tsan_memset(void *to, int value, size_t bytes)
{
    instrument_touch(to, bytes, RACE_WRITE, CALLER);
    return memset(to, value, bytes);
}

/* Up to the first difference. */
int world_memcmp(const void *left, const void *right, size_t bytes)
{
    const unsigned char *a = left, *b = right;
    size_t at = 0;
    while (at < bytes && a[at] == b[at]) at++;
    size_t seen = at < bytes ? at + 1 : bytes;
    instrument_touch(left, seen, RACE_READ, CALLER);
    instrument_touch(right, seen, RACE_READ, CALLER);
    return memcmp(left, right, bytes);
}

int world_bcmp(const void *left, const void *right, size_t bytes)
{
    return world_memcmp(left, right, bytes);
}

size_t world_strlen(const char *text)
{
    touch_text(text, CALLER);
    return strlen(text);
}

char *world_strcpy(char *to, const char *from)
{
    size_t bytes = strlen(from) + 1;
    touch_copy(to, from, bytes, CALLER);
    return memcpy(to, from, bytes);
}

/* The rest is filled with zeros. */
char *world_strncpy(char *to, const char *from, size_t bytes)
{
    size_t length = strnlen(from, bytes);
    instrument_touch(from, length < bytes ? length + 1 : bytes, RACE_READ, CALLER);
    instrument_touch(to, bytes, RACE_WRITE, CALLER);
    memcpy(to, from, length);
    memset(to + length, 0, bytes - length);
    return to;
}

char *world_strcat(char *to, const char *from)
{
    size_t before = strlen(to), bytes = strlen(from) + 1;
    instrument_touch(to, before + 1, RACE_READ, CALLER);
    touch_copy(to + before, from, bytes, CALLER);
    memcpy(to + before, from, bytes);
    return to;
}

static size_t common(const char *left, const char *right, size_t most)
{
    size_t at = 0;
    while (at < most && left[at] == right[at] && left[at] != '\0') at++;
    return at < most ? at + 1 : most;
}

int world_strcmp(const char *left, const char *right)
{
    size_t bytes = common(left, right, SIZE_MAX);
    instrument_touch(left, bytes, RACE_READ, CALLER);
    instrument_touch(right, bytes, RACE_READ, CALLER);
    return strcmp(left, right);
}

int world_strncmp(const char *left, const char *right, size_t most)
{
    size_t bytes = common(left, right, most);
    instrument_touch(left, bytes, RACE_READ, CALLER);
    instrument_touch(right, bytes, RACE_READ, CALLER);
    return strncmp(left, right, most);
}

char *world_strchr(const char *text, int letter)
{
    touch_text(text, CALLER);
    return strchr(text, letter);
}

/* --- as _FORTIFY_SOURCE calls them --- */

_Noreturn void __chk_fail(void);

#define CHECKED(type, name, parameters, arguments, bytes)                                          \
    type world___##name##_chk parameters                                                           \
    {                                                                                              \
        if ((bytes) > room) __chk_fail();                                                          \
        return world_##name arguments;                                                             \
    }

CHECKED(void *, memcpy, (void *to, const void *from, size_t bytes, size_t room), (to, from, bytes),
        bytes)
CHECKED(void *, memmove, (void *to, const void *from, size_t bytes, size_t room), (to, from, bytes),
        bytes)
CHECKED(void *, memset, (void *to, int value, size_t bytes, size_t room), (to, value, bytes), bytes)
CHECKED(char *, strncpy, (char *to, const char *from, size_t bytes, size_t room), (to, from, bytes),
        bytes)
CHECKED(char *, strcpy, (char *to, const char *from, size_t room), (to, from), strlen(from) + 1)
CHECKED(char *, strcat, (char *to, const char *from, size_t room), (to, from),
        strlen(to) + strlen(from) + 1)
