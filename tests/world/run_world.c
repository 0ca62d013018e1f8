/* Runs the conformance cases inside the simulated world, each under many schedules, with
 * spurious wakeups and delayed threads: they hold on real threads, so they must hold here. */
#include "harness/explore/explore.h"
#include "harness/net/names.h"
#include "harness/net/net.h"
#include "harness/world/image.h"
#include "posix_check.h"
#include "posix_list.h"
#include "posix_net.h"

/* CMocka wants these before its own header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

enum { RUNS = 300 };

/* The image's entry: the cases, in the order of the list. */
extern const struct image image_posix_image;

struct posix_case {
    const char *name;
    void (*run)(void);
};

static char failure[512];

void posix_check_failed(const char *file, int line, const char *text)
{
    if (failure[0] == '\0') snprintf(failure, sizeof failure, "%s:%d: %s", file, line, text);
}

static bool ignore(void)
{
    return true;
}

void posix_ignore_broken_pipes(void)
{
    net_on_broken_pipe(ignore);
}

int posix_unlink(const char *path)
{
    return names_unlink(path) ? 0 : -1;
}

static void body(void *context)
{
    const struct posix_case *chosen = context;
    chosen->run();
}

static void before(void *context)
{
    (void)context;
    failure[0] = '\0';
    net_begin();
}

static uint32_t judge(void *context, const struct world_result *result)
{
    (void)context;
    if (result->end == WORLD_FINDING) return (uint32_t)world_finding_get()->kind;
    if (failure[0] != '\0') return EXPLORE_CHECKS;
    if (result->end != WORLD_DONE) return EXPLORE_CHECKS + 1;
    if (net_open_list(NULL, 0) > 0) return EXPLORE_CHECKS + 2;
    return world_bytes_live() > 0 ? (uint32_t)WORLD_FOUND_LEAK : EXPLORE_PASSED;
}

static void explain(const struct explore_failure *failed)
{
    const struct world_finding *finding = world_finding_get();
    char *token = token_write(failed->choices, failed->count);
    print_error("run %llu (%s), id %u\n  check: %s\n  finding: %s %s\n  %s\n  replay: %s\n",
                (unsigned long long)failed->run, failed->strategy, failed->id, failure,
                world_finding_words[finding->kind], finding->text, finding->detail, token);
    free(token);
}

static void run_case(void **state)
{
    static struct explore_failure failed;
    struct explore_stats stats;
    struct explore_subject subject = {*state, "main", body, before, judge};
    struct explore_options options = {.strategy = {.kind = EXPLORE_AUTO, .seed = 1},
                                      .runs_max = RUNS};
    world_catch_signals(); /* from CMocka */
    assert_int_equal(explore_run(&subject, &options, &stats, &failed), 0);
    if (failed.id != EXPLORE_PASSED) explain(&failed);
    assert_int_equal(failed.id, EXPLORE_PASSED);
}

#define CASE_TEST(case_name, where) {#case_name, run_case, NULL, NULL, NULL},

int main(void)
{
    static struct CMUnitTest tests[] = {POSIX_CASES(CASE_TEST)};
    struct posix_case *cases = (struct posix_case *)(uintptr_t)image_posix_image.entry;
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) tests[i].initial_state = &cases[i];
    world_init();
    world_image_add(&image_posix_image);
    world_limits_set(&(struct world_limits){.steps_max = 20000,
                                            .time_max_ns = 3600ull * 1000000000,
                                            .spurious_max = 2,
                                            .stalls_max = 1,
                                            .late_max = 2,
                                            .lag_max_ns = 10ull * 1000000000,
                                            .seed = 1,
                                            .check_memory = true});
    explore_log_set(NULL);
    return cmocka_run_group_tests_name("posix in the simulated world", tests, NULL, NULL);
}
