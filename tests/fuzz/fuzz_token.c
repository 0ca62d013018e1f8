/* Any text at all as the token of an execution: there is one sentence about it, or its choices are
 * written as a token that says the same. */
#include "harness/explore/token.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint16_t choices[TOKEN_CHOICES_MAX], again[TOKEN_CHOICES_MAX];

static void require(bool condition)
{
    if (!condition) abort();
}

/* Zeros at the end say nothing. */
static uint32_t length_of(const uint16_t *list, uint32_t count)
{
    while (count > 0 && list[count - 1] == 0) count--;
    return count;
}

static void check_choices(uint32_t count)
{
    uint32_t count_again = 0;
    size_t where;
    char *token = token_write(choices, count);

    require(token != NULL && token_read(token, again, &count_again, &where) == NULL);
    count = length_of(choices, count);
    require(length_of(again, count_again) == count);
    require(memcmp(choices, again, count * sizeof *choices) == 0);
    free(token);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint32_t count;
    size_t where = SIZE_MAX;
    char *text = malloc(size + 1);

    require(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    const char *problem = token_read(text, choices, &count, &where);
    if (problem == NULL) check_choices(count);
    else require(problem[0] != '\0' && where <= size);
    free(text);
    return 0;
}
