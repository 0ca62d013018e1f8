/* Checks for the conformance cases. A case runs on real threads and inside the simulated world,
 * so a check may fail on any thread; it reports and the case goes on to its own end. */
#ifndef TESTS_WORLD_POSIX_CHECK_H
#define TESTS_WORLD_POSIX_CHECK_H

#include <stdint.h>

/* Provided by the runner, never rebound. May be called by any thread; text is copied if kept. */
void posix_check_failed(const char *file, int line, const char *text);

/* Reports both values if they differ. Uses nothing of libc, so it adds no rebound call. */
void posix_check_equal(const char *file, int line, const char *text, int64_t left, int64_t right);

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            posix_check_failed(__FILE__, __LINE__, #condition);                                    \
    } while (0)

/* Integers only. Each side is evaluated once. */
#define CHECK_EQ(left, right)                                                                      \
    posix_check_equal(__FILE__, __LINE__, #left " == " #right, (int64_t)(left), (int64_t)(right))

/* For the many calls that return zero when they succeed. */
#define CHECK_OK(call) CHECK_EQ(call, 0)

#endif
