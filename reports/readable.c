/* C++ names of symbols, as far as a reader of reports needs them. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reports/symbols.h"

enum { PART_MAX = 80 };

struct text {
    char *out;
    size_t size, used;
};

static void append(struct text *text, const char *separator, const char *part)
{
    if (text->used >= text->size) return;
    int length = snprintf(text->out + text->used, text->size - text->used, "%s%s",
                          text->used > 0 ? separator : "", part);
    if (length > 0) text->used += (size_t)length;
}

/* "5count" is count; NULL: it is no such thing. */
static const char *take_part(const char *from, char *part)
{
    char *start;
    unsigned long count = isdigit((unsigned char)*from) ? strtoul(from, &start, 10) : 0;
    if (count == 0 || count >= PART_MAX || count > strlen(start)) return NULL;
    snprintf(part, PART_MAX, "%.*s", (int)count, start);
    return start + count;
}

/* C++ writes "_ZZ4mainE5count" or "_ZZ4mainE5count_0" for the variable count of main(), and
 * "_ZGVZ4mainE5count" for what tells whether it is made already. */
static bool read_local(const char *symbol, char *part)
{
    if (strncmp(symbol, "_ZZ", 3) != 0 && strncmp(symbol, "_ZGVZ", 5) != 0) return false;
    for (const char *at = strchr(symbol, 'E'); at != NULL; at = strchr(at + 1, 'E')) {
        const char *end = take_part(at + 1, part);
        if (end != NULL && (*end == '\0' || *end == '_' || *end == 'B')) return true;
    }
    return false;
}

/* "_ZNSt6thread4joinEv" is std::thread::join: without templates and operators. */
static bool read_nested(const char *symbol, struct text *text)
{
    char part[PART_MAX] = "", last[PART_MAX];
    if (strncmp(symbol, "_ZN", 3) != 0) return false;
    const char *at = symbol + 3 + strspn(symbol + 3, "KVRO");
    if (strncmp(at, "St", 2) == 0) {
        append(text, "", "std");
        at += 2;
    }
    while (*at != 'E') {
        memcpy(last, part, sizeof last);
        if ((*at == 'C' || *at == 'D') && isdigit((unsigned char)at[1])) {
            append(text, *at == 'D' ? "::~" : "::", last);
            at += 2;
            continue;
        }
        bool tag = *at == 'B'; /* of the library's version */
        if (*at == 'L') at++;  /* static */
        at = take_part(tag ? at + 1 : at, part);
        if (at == NULL) return false;
        if (!tag && strcmp(part, "_GLOBAL__N_1") != 0) append(text, "::", part);
    }
    return text->used > 0;
}

bool symbol_readable(const char *symbol, char *out, size_t size)
{
    char part[PART_MAX];
    struct text text = {out, size, 0};
    if (read_nested(symbol, &text)) return true;
    bool plain = strncmp(symbol, "_Z", 2) == 0 && take_part(symbol + 2, part) != NULL;
    if (!plain && !read_local(symbol, part)) return false;
    snprintf(out, size, "%s", part);
    return true;
}
