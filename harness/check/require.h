/* Assertions of the checks and fakes, active in every build: a broken harness must not judge. */
#ifndef HARNESS_CHECK_REQUIRE_H
#define HARNESS_CHECK_REQUIRE_H

#define REQUIRE(condition)                                                                         \
    ((condition) ? (void)0 : check_require_failed(#condition, __FILE__, __LINE__))

/* Says what failed and ends the process with status 5: the harness itself is at fault. */
_Noreturn void check_require_failed(const char *condition, const char *file, int line);

#endif
