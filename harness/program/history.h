/* Histories of operations, as harness.h records them, in one execution. */
#ifndef HARNESS_PROGRAM_HISTORY_H
#define HARNESS_PROGRAM_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

/* A new execution has none. */
void history_forget(void);

/* What the step on that object, which is being made, means in words: "call put(1)". NULL: it is no
 * event of a history. */
const char *history_words(uint32_t object);

#endif
