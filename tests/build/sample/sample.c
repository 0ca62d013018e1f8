#include "sample.h"

#include <stdlib.h>
#include <string.h>

int sample_in_data = 5;
int sample_in_bss[40];
static char text[] = "abc";
char *sample_in_data_rel = text;
static _Thread_local int in_thread;
static int constructed;

static int count(void);
static int get_constructed(void);

static int local_static_values[2] = {7, 8};

const struct sample_entry sample_entry = {
    .count = count,
    .constructed = get_constructed,
    .addresses = {&sample_in_data, sample_in_bss, &sample_in_data_rel, text, local_static_values,
                  &constructed},
};

__attribute__((constructor)) static void construct(void)
{
    /* Volatile, or the compiler removes the pair of calls. */
    void *volatile memory = malloc(8);

    constructed += memory != NULL;
    free(memory);
}

static int get_constructed(void)
{
    return constructed;
}

/* Fails, by a number far off, if the globals do not agree on how often they were counted. */
static int count(void)
{
    int next = counter_next();

    sample_in_data++;
    sample_in_bss[39]++;
    local_static_values[1]++;
    in_thread++;
    sample_in_data_rel = sample_in_data_rel == text ? text + 1 : text;
    if (sample_in_data - 5 != sample_in_bss[39] || local_static_values[1] - 8 != sample_in_bss[39])
        return -1;
    return next;
}
