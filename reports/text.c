#include "text.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/check/require.h"

/* Characters, not bytes. */
static int width_of(const char *text, int bytes)
{
    int width = 0;
    for (int i = 0; i < bytes; i++) width += ((unsigned char)text[i] & 0xc0) != 0x80;
    return width;
}

void text_wrap(FILE *out, int used, int indent, const char *text)
{
    int column = used;

    REQUIRE(indent < TEXT_WIDTH / 2);
    if (used == 0) column = fprintf(out, "%*s", indent, "");
    while (*text != '\0') {
        int spaces = (int)strspn(text, " ");
        int word = (int)strcspn(text + spaces, " ");
        int room = TEXT_WIDTH - column - spaces;
        if (width_of(text + spaces, word) > room && column > indent) {
            column = fprintf(out, "\n%*s", indent, "") - 1;
            spaces = (int)strspn(text, " ");
            text += spaces;
            continue;
        }
        /* A word longer than a line is cut in two. */
        while (width_of(text + spaces, word) > room) word--;
        fprintf(out, "%.*s", spaces + word, text);
        column += spaces + width_of(text + spaces, word);
        text += spaces + word;
    }
    fputc('\n', out);
}

uint32_t text_lines(const char *text)
{
    uint32_t lines = 0;
    for (; *text != '\0'; text++) lines += *text == '\n';
    return lines;
}

char *text_plain(const char *text)
{
    char *copy = malloc(strlen(text) + 1), *end = copy;

    REQUIRE(copy != NULL);
    while (*text != '\0') {
        if (strncmp(text, "\033[", 2) == 0) {
            text += 2 + strspn(text + 2, "0123456789;");
            if (*text != '\0') text++;
        } else {
            *end++ = *text++;
        }
    }
    *end = '\0';
    return copy;
}

const char *text_below_here(const char *path)
{
    char here[PATH_MAX];
    size_t length = getcwd(here, sizeof here) != NULL ? strlen(here) : 0;
    bool below = length > 0 && strncmp(path, here, length) == 0 && path[length] == '/';
    return below ? path + length + 1 : path;
}

bool text_may_colour(int descriptor)
{
    const char *without = getenv("NO_COLOR"), *kind = getenv("TERM");
    bool plain = (without && without[0]) || (kind && strcmp(kind, "dumb") == 0);
    return !plain && isatty(descriptor);
}

const char *text_base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

static bool is_plain(const char *word)
{
    static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                               "_-./:=,+@%";
    return *word != '\0' && word[strspn(word, safe)] == '\0';
}

void text_word(FILE *out, const char *word)
{
    if (is_plain(word)) {
        fputs(word, out);
        return;
    }
    fputc('\'', out);
    for (; *word; word++) {
        if (*word == '\'') {
            fputs("'\\''", out);
        } else {
            fputc(*word, out);
        }
    }
    fputc('\'', out);
}

void text_time(int64_t time_us, char *out, size_t size)
{
    int64_t whole = time_us / 1000, rest = time_us % 1000;
    char digits[8];
    const char *sign = time_us < 0 ? "-" : "";

    if (whole < 0) whole = -whole;
    if (rest < 0) rest = -rest;
    snprintf(digits, sizeof digits, "%03d", (int)rest);
    for (int i = 2; i >= 0 && digits[i] == '0'; i--) digits[i] = '\0';
    snprintf(out, size, "%s%" PRId64 "%s%sms", sign, whole, digits[0] ? "." : "", digits);
}
