#include "fakes/text.h"

#include <string.h>

#include "fakes/scratch.h"

enum { DIGITS_MAX = 20 };

/* --- writing --- */

static char *put(char *at, const char *text, size_t length)
{
    memcpy(at, text, length);
    return at + length;
}

static char *put_number(char *at, uint64_t number)
{
    char digits[DIGITS_MAX];
    size_t used = 0;

    do {
        digits[used++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while (used > 0) *at++ = digits[--used];
    return at;
}

#define PUT(at, literal) put((at), (literal), sizeof(literal) - 1)

static char *finish(char *text, char *at, size_t *length)
{
    *at = '\0';
    *length = (size_t)(at - text);
    return text;
}

char *text_message(const char *type, const char *name, uint64_t number, size_t *length)
{
    size_t type_length = strlen(type), name_length = name == NULL ? 0 : strlen(name);
    char *text = scratch_alloc(type_length + name_length + DIGITS_MAX + 20);
    char *at = PUT(text, "{\"type\":\"");

    at = put(at, type, type_length);
    at = PUT(at, "\"");
    if (name != NULL) {
        at = PUT(at, ",\"");
        at = put(at, name, name_length);
        at = PUT(at, "\":");
        at = put_number(at, number);
    }
    at = PUT(at, "}");
    return finish(text, at, length);
}

char *text_payload(const char *by, uint64_t n, size_t *length)
{
    size_t by_length = strlen(by);
    char *text = scratch_alloc(by_length + DIGITS_MAX + 20);
    char *at = PUT(text, "{\"by\":\"");

    at = put(at, by, by_length);
    at = PUT(at, "\",\"n\":");
    at = put_number(at, n);
    at = PUT(at, "}");
    return finish(text, at, length);
}

/* --- recognising --- */

struct cursor {
    const char *at, *end;
};

static bool take(struct cursor *cursor, const char *text, size_t length)
{
    if ((size_t)(cursor->end - cursor->at) < length || memcmp(cursor->at, text, length) != 0)
        return false;
    cursor->at += length;
    return true;
}

#define TAKE(cursor, literal) take((cursor), (literal), sizeof(literal) - 1)

static bool take_number(struct cursor *cursor, uint64_t *number)
{
    const char *start = cursor->at;

    for (*number = 0; cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9';)
        *number = *number * 10 + (uint64_t)(*cursor->at++ - '0');
    return cursor->at > start && cursor->at - start < DIGITS_MAX;
}

/* A word up to the next quote; a word with an escape in it is none. */
static bool take_word(struct cursor *cursor, const char **word, size_t *length)
{
    const char *quote = memchr(cursor->at, '"', (size_t)(cursor->end - cursor->at));

    if (quote == NULL) return false;
    *word = cursor->at;
    *length = (size_t)(quote - cursor->at);
    cursor->at = quote + 1;
    return memchr(*word, '\\', *length) == NULL;
}

bool text_parse_event(const char *bytes, size_t length, struct event_text *event)
{
    struct cursor cursor = { bytes, bytes + length };

    if (!TAKE(&cursor, "{\"seq\":") || !take_number(&cursor, &event->seq)) return false;
    if (!TAKE(&cursor, ",\"type\":\"")) return false;
    if (!take_word(&cursor, &event->type, &event->type_length)) return false;
    if (!TAKE(&cursor, ",\"payload\":") || cursor.at >= cursor.end - 1) return false;
    event->payload = cursor.at;
    event->payload_length = (size_t)(cursor.end - cursor.at) - 1;
    return cursor.end[-1] == '}';
}

bool text_parse_payload(const char *bytes, size_t length, const char **by, size_t *by_length,
                        uint64_t *n)
{
    struct cursor cursor = { bytes, bytes + length };

    return TAKE(&cursor, "{\"by\":\"") && take_word(&cursor, by, by_length) &&
           TAKE(&cursor, ",\"n\":") && take_number(&cursor, n) && TAKE(&cursor, "}") &&
           cursor.at == cursor.end;
}
