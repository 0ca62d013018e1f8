#include "tests/world/explored.h"

static void (*before_each)(void *context);

void check(bool condition, const char *what)
{
    if (!condition) world_fail(WORLD_FOUND_CHECK, "%s", what);
}

static void before(void *context)
{
    if (before_each != NULL) before_each(context);
}

static uint32_t judge(void *context, const struct world_result *result)
{
    (void)context;
    if (result->end == WORLD_FINDING) print_error("%s\n", world_finding_get()->text);
    return result->end == WORLD_DONE ? EXPLORE_PASSED : EXPLORE_CHECKS;
}

void explored_case(void **state)
{
    static struct explore_failure failed;
    struct explore_stats stats;
    void (*body)(void *) = (void (*)(void *))(uintptr_t)*state;
    struct explore_subject subject = {NULL, "main", body, before, judge};
    struct explore_options options = {.strategy = {.kind = EXPLORE_AUTO, .seed = 1},
                                      .runs_max = 20};
    assert_int_equal(explore_run(&subject, &options, &stats, &failed), 0);
    assert_int_equal(failed.id, EXPLORE_PASSED);
}

void explored_begin(void (*before_execution)(void *context))
{
    before_each = before_execution;
    world_init();
    explore_log_set(NULL);
}
