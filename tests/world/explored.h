/* Test cases whose bodies run in the simulated world, each in a few orders of its threads. */
#ifndef TESTS_WORLD_EXPLORED_H
#define TESTS_WORLD_EXPLORED_H

#include <stdbool.h>

#include "harness/explore/explore.h"

/* CMocka wants these before its own header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Fails the case; for its body, inside the world. */
void check(bool condition, const char *what);

/* Explores a body: *state is its function, void (*)(void *). */
void explored_case(void **state);

/* Called in front of each execution from here on; NULL: nothing. The world is initialised. */
void explored_begin(void (*before)(void *context));

#define EXPLORED_CASE(body) {#body, explored_case, NULL, NULL, (void *)(uintptr_t)(body)}

#endif
