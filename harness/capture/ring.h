/* The trace that a core keeps and a daemon writes (docs/CAPTURES.md), read as what its clients and
 * it said to each other. Internal to harness/capture. */
#ifndef HARNESS_CAPTURE_RING_H
#define HARNESS_CAPTURE_RING_H

#include "harness/capture/capture.h"

/* Whether the file begins like one; it is then read from there. */
bool ring_is(FILE *file);

/* Reads it to the end. What stands for packets is the number of a record. NULL: `problem` is a
 * sentence, with the number of the record that makes no sense. */
struct capture *ring_read(FILE *file, char problem[CAPTURE_PROBLEM_MAX]);

#endif
