/* Runs the conformance cases on the system's own threads: they must hold there, or they are
 * wrong. The simulated world is then held to the same cases. */
#include "posix_check.h"
#include "posix_list.h"
#include "posix_net.h"

/* CMocka wants these before its own header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <stdio.h>

#ifdef __has_feature
#if __has_feature(thread_sanitizer)
#define UNDER_TSAN 1
#endif
#endif
#ifdef __SANITIZE_THREAD__
#define UNDER_TSAN 1
#endif
#ifndef UNDER_TSAN
#define UNDER_TSAN 0
#endif

struct posix_case {
    void (*run)(void);
    enum posix_where where;
};

static pthread_mutex_t failures_mutex = PTHREAD_MUTEX_INITIALIZER;
static uint32_t failures;

/* CMocka can only fail on its own thread, so failures are counted here and judged there. */
void posix_check_failed(const char *file, int line, const char *text)
{
    pthread_mutex_lock(&failures_mutex);
    failures++;
    print_error("%s:%d: %s\n", file, line, text);
    pthread_mutex_unlock(&failures_mutex);
}

void posix_ignore_broken_pipes(void)
{
    signal(SIGPIPE, SIG_IGN);
}

int posix_unlink(const char *path)
{
    return unlink(path);
}

static uint32_t take_failures(void)
{
    uint32_t count;

    pthread_mutex_lock(&failures_mutex);
    count = failures;
    failures = 0;
    pthread_mutex_unlock(&failures_mutex);
    return count;
}

static void run_case(void **state)
{
    const struct posix_case *chosen = *state;

    if (chosen->where == SIMULATED || (UNDER_TSAN && chosen->where == NO_TSAN))
        skip();
    chosen->run();
    assert_int_equal(take_failures(), 0);
}

/* A check that cannot fail proves nothing: see both kinds fail, on another thread as well. */
static void *fail_twice(void *argument)
{
    CHECK(argument != NULL);
    CHECK_EQ(-7, 7);
    return NULL;
}

static void checks_can_fail(void **state)
{
    pthread_t thread;

    (void)state;
    print_message("two failures are meant to be printed here\n");
    assert_int_equal(pthread_create(&thread, NULL, fail_twice, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(take_failures(), 2);
}

#define CASE_OBJECT(name, where) static struct posix_case case_##name = {name, where};
POSIX_CASES(CASE_OBJECT)

#define CASE_TEST(name, where) {#name, run_case, NULL, NULL, &case_##name},

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(checks_can_fail),
        POSIX_CASES(CASE_TEST)
    };

    return cmocka_run_group_tests_name("posix on real threads", tests, NULL, NULL);
}
