/* Assertions that are active in every build: a broken invariant must never go on. */
#ifndef CORE_REQUIRE_H
#define CORE_REQUIRE_H

#undef NDEBUG
#include <assert.h>

#define REQUIRE(condition) assert(condition)

/* After a switch over one of our own enums: the compiler finds the forgotten case, this the bug. */
#define UNREACHABLE() assert(!"unreachable")

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#endif
