#include "token.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t zeros_from(const uint16_t *choices, uint32_t at, uint32_t count)
{
    uint32_t zeros = 0;
    while (at + zeros < count && choices[at + zeros] == 0) zeros++;
    return zeros;
}

char *token_write(const uint16_t *choices, uint32_t count)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    if (out == NULL) return NULL;
    while (count > 0 && choices[count - 1] == 0) count--;
    fprintf(out, "%s:%s", world_level_word(world_level()), count == 0 ? "0" : "");
    for (uint32_t at = 0; at < count;) {
        uint32_t zeros = zeros_from(choices, at, count);
        const char *dot = at > 0 ? "." : "";
        if (zeros > 2) {
            fprintf(out, "%sz%u", dot, zeros);
            at += zeros;
        } else {
            fprintf(out, "%s%u", dot, choices[at++]);
        }
    }
    fclose(out);
    return text;
}

static bool read_number(const char **at, uint32_t *number)
{
    uint64_t value = 0;
    const char *start = *at;
    for (; **at >= '0' && **at <= '9' && value < 1u << 20; ++*at) {
        value = value * 10 + (uint64_t)(**at - '0');
    }
    *number = (uint32_t)value;
    return *at > start;
}

static const char *read_level(const char **at)
{
    const char *colon = strchr(*at, ':');
    if (colon == NULL) return NULL;
    size_t length = (size_t)(colon - *at);
    const char *own = world_level_word(world_level());
    if (length != strlen(own) || strncmp(*at, own, length) != 0) {
        static char problem[160];
        snprintf(problem, sizeof problem, "this token is of another level of instrumentation "
                 "(%.*s) than what is explored (%s)", length < 32 ? (int)length : 32, *at, own);
        return problem;
    }
    *at = colon + 1;
    return NULL;
}

const char *token_read(const char *text, uint16_t *choices, uint32_t *count, size_t *where)
{
    const char *at = text;
    *count = 0;
    *where = 0;
    const char *problem = read_level(&at);
    if (problem) return problem;
    for (;;) {
        *where = (size_t)(at - text);
        bool zeros = *at == 'z';
        uint32_t number;
        at += zeros;
        if (!read_number(&at, &number)) return "a token is numbers separated by '.'";
        if (!zeros && number > UINT16_MAX) return "an option's number is at most 65535";
        if (zeros && number == 0) return "'z' is followed by how many zeros there are";
        uint32_t times = zeros ? number : 1;
        if (times > TOKEN_CHOICES_MAX - *count) return "the token has too many choices";
        while (times-- > 0) choices[(*count)++] = zeros ? 0 : (uint16_t)number;
        if (*at == '\0') return NULL;
        *where = (size_t)(at - text);
        if (*at++ != '.') return "a token is numbers separated by '.'";
    }
}
