/* More of <string.h>, and what <stdlib.h> does with the program's memory. */
#include "instrument.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

_Noreturn void __chk_fail(void);

static void reads(const void *memory, size_t bytes, uintptr_t pc)
{
    instrument_touch(memory, bytes, RACE_READ, pc);
}

static void writes(const void *memory, size_t bytes, uintptr_t pc)
{
    instrument_touch(memory, bytes, RACE_WRITE, pc);
}

static void reads_text(const char *text, uintptr_t pc)
{
    reads(text, strlen(text) + 1, pc);
}

/* Up to what was found, or the end. */
static size_t until(const void *from, const void *found, size_t most)
{
    return found ? (size_t)((const char *)found - (const char *)from) + 1 : most;
}

/* --- searching --- */

size_t world_strnlen(const char *text, size_t most)
{
    size_t length = strnlen(text, most);
    reads(text, length < most ? length + 1 : most, CALLER);
    return strnlen(text, most);
}

void *world_memchr(const void *memory, int byte, size_t bytes)
{
    reads(memory, until(memory, memchr(memory, byte, bytes), bytes), CALLER);
    return memchr(memory, byte, bytes);
}

void *world_rawmemchr(const void *memory, int byte)
{
    reads(memory, until(memory, rawmemchr(memory, byte), 0), CALLER);
    return rawmemchr(memory, byte);
}

void *world_memrchr(const void *memory, int byte, size_t bytes)
{
    reads(memory, bytes, CALLER);
    return memrchr(memory, byte, bytes);
}

void *world_memmem(const void *memory, size_t bytes, const void *part, size_t part_bytes)
{
    reads(memory, bytes, CALLER);
    reads(part, part_bytes, CALLER);
    return memmem(memory, bytes, part, part_bytes);
}

char *world_strrchr(const char *text, int letter)
{
    reads_text(text, CALLER);
    return strrchr(text, letter);
}

char *world_strchrnul(const char *text, int letter)
{
    reads(text, until(text, strchrnul(text, letter), 0), CALLER);
    return strchrnul(text, letter);
}

size_t world_strspn(const char *text, const char *letters)
{
    reads_text(letters, CALLER);
    reads(text, strspn(text, letters) + 1, CALLER);
    return strspn(text, letters);
}

size_t world_strcspn(const char *text, const char *letters)
{
    reads_text(letters, CALLER);
    reads(text, strcspn(text, letters) + 1, CALLER);
    return strcspn(text, letters);
}

char *world_strpbrk(const char *text, const char *letters)
{
    reads_text(letters, CALLER);
    reads(text, strcspn(text, letters) + 1, CALLER);
    return strpbrk(text, letters);
}

char *world_strstr(const char *text, const char *part)
{
    reads_text(part, CALLER);
    reads_text(text, CALLER);
    return strstr(text, part);
}

char *world_strcasestr(const char *text, const char *part)
{
    reads_text(part, CALLER);
    reads_text(text, CALLER);
    return strcasestr(text, part);
}

/* --- comparing --- */

static size_t common(const char *left, const char *right, size_t most)
{
    size_t at = 0;
    while (at < most && strncasecmp(left + at, right + at, 1) == 0 && left[at] != '\0') at++;
    return at < most ? at + 1 : most;
}

int world_strncasecmp(const char *left, const char *right, size_t most)
{
    size_t bytes = common(left, right, most);
    reads(left, bytes, CALLER);
    reads(right, bytes, CALLER);
    return strncasecmp(left, right, most);
}

int world_strcasecmp(const char *left, const char *right)
{
    size_t bytes = common(left, right, SIZE_MAX);
    reads(left, bytes, CALLER);
    reads(right, bytes, CALLER);
    return strcasecmp(left, right);
}

/* --- copying --- */

char *world_stpcpy(char *to, const char *from)
{
    size_t bytes = strlen(from) + 1;
    reads(from, bytes, CALLER);
    writes(to, bytes, CALLER);
    return (char *)memcpy(to, from, bytes) + bytes - 1;
}

char *world_stpncpy(char *to, const char *from, size_t bytes)
{
    size_t length = strnlen(from, bytes);
    reads(from, length < bytes ? length + 1 : bytes, CALLER);
    writes(to, bytes, CALLER);
    return stpncpy(to, from, bytes);
}

char *world_strncat(char *to, const char *from, size_t most)
{
    size_t before = strlen(to), length = strnlen(from, most);
    reads(to, before + 1, CALLER);
    reads(from, length < most ? length + 1 : most, CALLER);
    writes(to + before, length + 1, CALLER);
    memcpy(to + before, from, length);
    to[before + length] = '\0';
    return to;
}

void *world_memccpy(void *to, const void *from, int byte, size_t bytes)
{
    size_t count = until(from, memchr(from, byte, bytes), bytes);
    reads(from, count, CALLER);
    writes(to, count, CALLER);
    return memccpy(to, from, byte, bytes);
}

void world_explicit_bzero(void *memory, size_t bytes)
{
    writes(memory, bytes, CALLER);
    explicit_bzero(memory, bytes);
}

/* They write a zero behind each part. */
char *world_strtok_r(char *text, const char *letters, char **rest)
{
    char *from = text ? text : *rest;
    reads_text(letters, CALLER);
    if (from) {
        size_t start = strspn(from, letters), length = strcspn(from + start, letters);
        reads(from, start + length + 1, CALLER);
        if (from[start + length]) writes(from + start + length, 1, CALLER);
    }
    return strtok_r(text, letters, rest);
}

char *world_strsep(char **text, const char *letters)
{
    reads_text(letters, CALLER);
    if (*text) {
        size_t length = strcspn(*text, letters);
        reads(*text, length + 1, CALLER);
        if ((*text)[length]) writes(*text + length, 1, CALLER);
    }
    return strsep(text, letters);
}

/* --- numbers and arrays --- */

#define NUMBER(type, name)                                                                         \
    type world_##name(const char *text, char **end, int base)                                      \
    {                                                                                              \
        char *last;                                                                                \
        name(text, &last, base);                                                                   \
        reads(text, (size_t)(last - text) + 1, CALLER);                                            \
        return name(text, end, base);                                                              \
    }

NUMBER(long, strtol)
NUMBER(long long, strtoll)
NUMBER(unsigned long, strtoul)
NUMBER(unsigned long long, strtoull)

double world_strtod(const char *text, char **end)
{
    char *last;
    strtod(text, &last);
    reads(text, (size_t)(last - text) + 1, CALLER);
    return strtod(text, end);
}

int world_atoi(const char *text)
{
    return (int)world_strtol(text, NULL, 10);
}

long world_atol(const char *text)
{
    return world_strtol(text, NULL, 10);
}

double world_atof(const char *text)
{
    return world_strtod(text, NULL);
}

/* What compares is the program's own; what moves is the library. */
void world_qsort(void *array, size_t count, size_t size, int (*compare)(const void *, const void *))
{
    writes(array, count * size, CALLER);
    qsort(array, count, size, compare);
}

void world_qsort_r(void *array, size_t count, size_t size,
                   int (*compare)(const void *, const void *, void *), void *context)
{
    writes(array, count * size, CALLER);
    qsort_r(array, count, size, compare, context);
}

/* --- as _FORTIFY_SOURCE calls them --- */

char *world___stpcpy_chk(char *to, const char *from, size_t room)
{
    if (strlen(from) >= room) __chk_fail();
    return world_stpcpy(to, from);
}

char *world___strncat_chk(char *to, const char *from, size_t most, size_t room)
{
    if (strlen(to) + strnlen(from, most) >= room) __chk_fail();
    return world_strncat(to, from, most);
}
