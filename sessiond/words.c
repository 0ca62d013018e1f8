#include "sessiond/words.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct unit {
    const char *word;
    uint64_t us;
} units[] = {
    {"d", UINT64_C(86400000000)},
    {"h", UINT64_C(3600000000)},
    {"m", 60000000},
    {"s", 1000000},
    {"ms", 1000},
    {"us", 1},
};

enum { UNITS = sizeof units / sizeof units[0], DIGITS_MAX = 12, WORD_MAX = 64 };

bool duration_read(const char *text, uint64_t *us)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > DIGITS_MAX) return false;
    uint64_t number = strtoull(text, NULL, 10);
    if (text[digits] == 0 && number == 0) {
        *us = 0;
        return true;
    }
    for (size_t i = 0; i < UNITS; i++) {
        if (strcmp(text + digits, units[i].word) == 0 && number <= UINT64_MAX / units[i].us) {
            *us = number * units[i].us;
            return true;
        }
    }
    return false;
}

void duration_write(uint64_t us, char text[DURATION_TEXT_MAX])
{
    size_t unit = 0;
    while (us % units[unit].us != 0) unit++;
    snprintf(text, DURATION_TEXT_MAX, "%" PRIu64 "%s", us / units[unit].us,
             us == 0 ? "" : units[unit].word);
}

static size_t least(size_t a, size_t b, size_t c)
{
    size_t smaller = a < b ? a : b;
    return smaller < c ? smaller : c;
}

size_t words_distance(const char *left, const char *right, size_t limit)
{
    size_t row[WORD_MAX + 1], width = strlen(right);
    if (width > WORD_MAX) return limit + 1;
    for (size_t k = 0; k <= width; k++) row[k] = k;
    for (size_t i = 0; left[i] != 0; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t k = 0; k < width; k++) {
            size_t above = row[k + 1];
            row[k + 1] = least(above + 1, row[k] + 1, diagonal + (left[i] != right[k]));
            diagonal = above;
        }
    }
    return row[width] <= limit ? row[width] : limit + 1;
}

bool words_same_secret(const char *left, const char *right)
{
    size_t length = strlen(left);
    unsigned difference = 0;
    if (length != strlen(right)) return false;
    for (size_t i = 0; i < length; i++)
        difference |= (unsigned char)left[i] ^ (unsigned char)right[i];
    return difference == 0;
}

bool place_read(const char *text, char address[PLACE_ADDRESS_MAX], uint16_t *port)
{
    const char *colon = strrchr(text, ':');
    char *end = NULL;
    unsigned long number = colon == NULL ? 0 : strtoul(colon + 1, &end, 10);
    size_t length = colon == NULL ? 0 : (size_t)(colon - text);
    bool bracketed = length > 2 && text[0] == '[' && text[length - 1] == ']';
    if (length == 0 || length >= PLACE_ADDRESS_MAX || colon[1] < '0' || colon[1] > '9' ||
        *end != 0 || number > UINT16_MAX)
        return false;
    *port = (uint16_t)number;
    text += bracketed;
    length -= bracketed ? 2 : 0;
    if (length == 1 && text[0] == '*') length = 0;
    memcpy(address, text, length);
    address[length] = 0;
    return true;
}
