#include "sample.h"

static int *counter(void)
{
    static int count;

    return &count;
}

int counter_next(void)
{
    *counter() += 1;
    return *counter() * SAMPLE_FACTOR;
}

const void *counter_static(void)
{
    return counter();
}
