/* Runs the programs with a defect inside the simulated world: each must be found out, by the
 * right word. One that loops for ever is left to tests/explore: only a watching parent process
 * can end it. */
#include "harness/explore/explore.h"
#include "harness/world/image.h"
#include "misuse_list.h"
#include "posix_check.h"

/* CMocka wants these before its own header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

enum { RUNS = 500 };

extern const struct image image_misuse_image;

struct misuse_case {
    const char *name;
    void (*run)(void);
    const char *finding;
    enum misuse_when when;
};

/* The support code that both kinds of cases share may check; here that is of no interest. */
void posix_check_failed(const char *file, int line, const char *text)
{
    (void)file, (void)line, (void)text;
}

static void body(void *context)
{
    ((const struct misuse_case *)context)->run();
}

static uint32_t judge(void *context, const struct world_result *result)
{
    (void)context;
    if (result->end == WORLD_FINDING) return (uint32_t)world_finding_get()->kind;
    return world_bytes_live() > 0 ? (uint32_t)WORLD_FOUND_LEAK : EXPLORE_PASSED;
}

static void run_case(void **state)
{
    static struct explore_failure failed;
    const struct misuse_case *chosen = *state;
    struct explore_stats stats;
    struct explore_subject subject = {*state, "main", body, NULL, judge};
    struct explore_options options = {.strategy = {.kind = EXPLORE_AUTO, .seed = 1},
                                      .runs_max = chosen->when == ALWAYS ? 1 : RUNS};
    if (chosen->when == AT_MEMORY_LEVEL || strcmp(chosen->finding, "endless_loop") == 0) skip();
    world_catch_signals(); /* from CMocka */
    assert_int_equal(explore_run(&subject, &options, &stats, &failed), 0);
    assert_int_not_equal(failed.id, EXPLORE_PASSED);
    assert_string_equal(world_finding_words[failed.id], chosen->finding);
}

#define CASE_TEST(case_name, finding, when) {#case_name, run_case, NULL, NULL, NULL},

int main(void)
{
    static struct CMUnitTest tests[] = {MISUSES(CASE_TEST)};
    struct misuse_case *cases = (struct misuse_case *)(uintptr_t)image_misuse_image.entry;
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) tests[i].initial_state = &cases[i];
    world_init();
    world_image_add(&image_misuse_image);
    world_limits_set(&(struct world_limits){.steps_max = 20000,
                                            .time_max_ns = 3600ull * 1000000000,
                                            .spurious_max = 1,
                                            .stalls_max = 1,
                                            .lag_max_ns = 10ull * 1000000000,
                                            .seed = 1,
                                            .check_memory = true});
    explore_log_set(NULL);
    return cmocka_run_group_tests_name("defects in the simulated world", tests, NULL, NULL);
}
