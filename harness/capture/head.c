#include "harness/capture/head.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

struct text text_trimmed(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t')) at++;
    while (end > at && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r')) end--;
    return (struct text){ at, (size_t)(end - at) };
}

bool text_is_word(struct text text, const char *word)
{
    return text.length == strlen(word) && strncasecmp(text.at, word, text.length) == 0;
}

bool text_is(struct text text, const char *word)
{
    return text.length == strlen(word) && memcmp(text.at, word, text.length) == 0;
}

bool text_next(struct text *list, char between, struct text *item)
{
    if (list->length == 0) return false;
    const char *end = memchr(list->at, between, list->length);
    size_t length = end == NULL ? list->length : (size_t)(end - list->at);
    *item = text_trimmed(list->at, list->at + length);
    size_t used = end == NULL ? length : length + 1;
    list->at += used;
    list->length -= used;
    return true;
}

uint64_t text_number(struct text text)
{
    uint64_t number = 0;

    for (size_t i = 0; i < text.length && isdigit((unsigned char)text.at[i]); i++) {
        if (number > UINT32_MAX) return number;
        number = number * 10 + (uint64_t)(text.at[i] - '0');
    }
    return number;
}

static char printable(char letter)
{
    return isprint((unsigned char)letter) ? letter : '?';
}

void text_copy(struct text text, char *out, size_t size)
{
    size_t length = text.length < size ? text.length : size - 1;

    for (size_t i = 0; i < length; i++) out[i] = printable(text.at[i]);
    out[length] = '\0';
}

static int digit_of(char letter)
{
    if (isdigit((unsigned char)letter)) return letter - '0';
    if (!isxdigit((unsigned char)letter)) return -1;
    return tolower((unsigned char)letter) - 'a' + 10;
}

void text_decode(struct text text, char *out, size_t size)
{
    size_t used = 0;

    for (size_t i = 0; i < text.length && used + 1 < size; i++) {
        char letter = text.at[i] == '+' ? ' ' : text.at[i];
        if (letter == '%' && i + 2 < text.length && digit_of(text.at[i + 1]) >= 0 &&
            digit_of(text.at[i + 2]) >= 0) {
            letter = (char)(digit_of(text.at[i + 1]) * 16 + digit_of(text.at[i + 2]));
            i += 2;
        }
        out[used++] = printable(letter);
    }
    out[used] = '\0';
}

bool head_find(struct text head, const char *name, struct text *value)
{
    const char *at = head.at, *end = head.at + head.length;

    while (at < end) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        if (line_end == NULL) line_end = end;
        const char *colon = memchr(at, ':', (size_t)(line_end - at));
        if (colon != NULL && text_is_word(text_trimmed(at, colon), name)) {
            *value = text_trimmed(colon + 1, line_end);
            return true;
        }
        at = line_end + 1;
    }
    return false;
}

bool head_has(struct text head, const char *name, const char *word)
{
    struct text value, item;

    if (!head_find(head, name, &value)) return false;
    while (text_next(&value, ',', &item)) {
        if (text_is_word(item, word)) return true;
    }
    return false;
}

bool head_parameter(struct text path, const char *name, struct text *value)
{
    struct text item, key;

    if (!text_next(&path, '?', &item)) return false;
    while (text_next(&path, '&', &item)) {
        if (text_next(&item, '=', &key) && text_is(key, name)) {
            *value = item;
            return true;
        }
    }
    return false;
}
