/*
 * A library with every kind of global, to be made into images.
 */
#ifndef TESTS_BUILD_SAMPLE_H
#define TESTS_BUILD_SAMPLE_H

#define SAMPLE_FACTOR 1

struct sample_entry {
    /* Each call returns the next number, counted in all kinds of globals at once. */
    int (*count)(void);
    /* Number that the constructor left, 0 before it ran. */
    int (*constructed)(void);
    const void *addresses[6];
};

extern const struct sample_entry sample_entry;

int counter_next(void);
const void *counter_static(void);

#endif
