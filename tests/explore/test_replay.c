/* Replaying and shrinking lists of choices. */
#include "rig.h"

/* CMocka wants these before its own header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

static const uint16_t lost_update[] = {0, 0, 1};

/* By default the threads run one after the other. The first choice is who begins, the next are
 * those at the first thread's locks: at its second lock it is overtaken by the whole of the
 * other, and then writes what it read before. */
static void test_known_failure(void **state)
{
    (void)state;
    struct world_result result;
    struct explore_subject subject = rig_subject(rig_programs->lost_update);
    assert_int_equal(explore_replay(&subject, NULL, 0, true, &result), EXPLORE_PASSED);
    assert_int_equal(result.end, WORLD_DONE);
    assert_int_equal(explore_replay(&subject, lost_update, 3, true, &result), WORLD_FOUND_ASSERT);
    assert_int_equal(result.end, WORLD_FINDING);
}

static void test_same_hash_twice(void **state)
{
    (void)state;
    struct world_result first, second;
    struct explore_subject subject = rig_subject(rig_programs->lost_update);
    explore_replay(&subject, lost_update, 3, true, &first);
    uint64_t hash = world_run_hash();
    explore_replay(&subject, lost_update, 3, true, &second);
    assert_int_equal(world_run_hash(), hash);
    assert_int_equal(first.class_hash, second.class_hash);
    explore_replay(&subject, NULL, 0, true, &second);
    assert_int_not_equal(world_run_hash(), hash);
    assert_int_not_equal(first.class_hash, second.class_hash);
}

/* Who begins makes no difference when the other overtakes it before its first lock. */
static void test_equivalent_executions(void **state)
{
    (void)state;
    static const uint16_t second_first[] = {1};
    static const uint16_t overtaken_at_once[] = {0, 1};
    struct world_result direct, detour;
    struct explore_subject subject = rig_subject(rig_programs->two_sections);
    explore_replay(&subject, second_first, 1, true, &direct);
    uint64_t hash = world_run_hash();
    explore_replay(&subject, overtaken_at_once, 2, true, &detour);
    assert_int_equal(rig_orders.count, 1);
    assert_int_equal(direct.class_hash, detour.class_hash);
    assert_int_not_equal(world_run_hash(), hash);
}

static void test_strict_names_the_choice(void **state)
{
    (void)state;
    static const uint16_t choices[] = {0, 5};
    struct world_result result;
    struct explore_subject subject = rig_subject(rig_programs->two_sections);
    explore_replay(&subject, choices, 2, true, &result);
    assert_int_equal(result.end, WORLD_STOPPED);
    assert_string_equal(world_stop_text(), "choice 2 of the token asks for option 5, but there "
                                           "are 2: thread-1, thread-2");
}

static void test_lenient_takes_the_default(void **state)
{
    (void)state;
    static const uint16_t choices[] = {7, 7, 7};
    struct world_result result;
    struct explore_subject subject = rig_subject(rig_programs->two_sections);
    assert_int_equal(explore_replay(&subject, choices, 3, false, &result), EXPLORE_PASSED);
    assert_int_equal(result.end, WORLD_DONE);
    assert_string_equal(rig_orders.of[0], "1122");
}

/* From whatever a random walk found to the one preemption that it takes. */
static void test_shrink_to_one_preemption(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        static struct explore_failure failure;
        struct explore_stats stats;
        struct explore_subject subject = rig_subject(rig_programs->lost_update);
        struct explore_options options = {
            .strategy = {.kind = EXPLORE_RANDOM, .seed = seed}, .runs_max = 1000};
        assert_int_equal(explore_run(&subject, &options, &stats, &failure), 0);
        assert_int_equal(failure.id, WORLD_FOUND_ASSERT);
        assert_true(explore_shrink(&subject, &failure, 1000) <= 1000);
        assert_int_equal(failure.cost.of[COST_PREEMPTION], 1);
        assert_int_equal(cost_choices(&failure.cost), 1);
        char *token = token_write(failure.choices, failure.count);
        assert_string_equal(token, "sync:0.0.1");
        free(token);
        struct world_result result;
        explore_replay(&subject, failure.choices, failure.count, true, &result);
        assert_int_equal(world_run_hash(), failure.run_hash);
    }
}

/* The second thread begins, and gives way before it has done anything: neither of these two
 * deviations can be left out without the other. */
static void test_shrink_leaves_out_a_detour(void **state)
{
    (void)state;
    static struct explore_failure failure;
    failure = (struct explore_failure){
        .id = WORLD_FOUND_ASSERT, .count = 4, .choices = {1, 1, 0, 1}};
    struct world_result result;
    struct explore_subject subject = rig_subject(rig_programs->changed_meanwhile);
    assert_int_equal(explore_replay(&subject, failure.choices, 4, true, &result),
                     WORLD_FOUND_ASSERT);
    explore_shrink(&subject, &failure, 1000);
    char *token = token_write(failure.choices, failure.count);
    assert_string_equal(token, "sync:0.0.1");
    free(token);
}

static void test_verify_tells_the_cost(void **state)
{
    (void)state;
    static struct explore_failure failure;
    struct world_result result;
    struct explore_subject subject = rig_subject(rig_programs->lost_update);
    failure = (struct explore_failure){
        .id = WORLD_FOUND_ASSERT, .count = 4, .choices = {1, 0, 1, 0}};
    explore_replay(&subject, failure.choices, failure.count, true, &result);
    assert_false(explore_verify(&subject, &failure));
    failure.run_hash = world_run_hash();
    assert_true(explore_verify(&subject, &failure));
    assert_int_equal(failure.cost.of[COST_PREEMPTION], 1);
    assert_int_equal(failure.cost.of[COST_OTHER], 1);
    assert_int_equal(failure.cost.of[COST_FAULT], 0);
}

/* Worse comes first, and each kind before all that is less bad. */
static void test_cost_is_compared(void **state)
{
    (void)state;
    const struct explore_cost fault = {.of = {[COST_FAULT] = 1}};
    const struct explore_cost preemption = {.of = {[COST_PREEMPTION] = 1, [COST_OTHER] = 9}};
    const struct explore_cost others = {.of = {[COST_OTHER] = 9}, .steps = 9};
    const struct explore_cost shorter = {.of = {[COST_OTHER] = 9}, .steps = 8};
    char text[64];
    assert_true(cost_less(&preemption, &fault));
    assert_true(cost_less(&others, &preemption));
    assert_true(cost_less(&shorter, &others));
    assert_false(cost_less(&others, &others));
    cost_write(&(struct explore_cost){.of = {[COST_FAULT] = 1, [COST_PREEMPTION] = 2}}, text,
               sizeof text);
    assert_string_equal(text, " (2 preemptions, 1 fault)");
    cost_write(&others, text, sizeof text);
    assert_string_equal(text, "");
}

static void test_shrink_keeps_within_its_budget(void **state)
{
    (void)state;
    static struct explore_failure failure;
    failure = (struct explore_failure){
        .id = WORLD_FOUND_ASSERT, .count = 4, .choices = {1, 0, 1, 0}};
    struct explore_subject subject = rig_subject(rig_programs->lost_update);
    assert_int_equal(explore_shrink(&subject, &failure, 1), 1);
}

/* The same failure, if each of its executions took seconds. */
static void test_shrink_ends_when_executions_are_long(void **state)
{
    (void)state;
    static struct explore_failure failure;
    failure = (struct explore_failure){
        .id = WORLD_FOUND_ASSERT, .count = 4, .choices = {1, 0, 1, 0}};
    struct explore_subject subject = rig_subject(rig_programs->lost_update);
    failure.accesses = 1 << 29;
    explore_shrink(&subject, &failure, 1000);
    assert_int_equal(explore_affordable(&failure, 1000), 3);
    assert_in_range(failure.ended_after, 3, 10); /* it ends between two acts */
    failure.accesses = 1000;
    assert_int_equal(explore_affordable(&failure, 1000), 1000);
    explore_shrink(&subject, &failure, 1000);
    assert_int_equal(failure.ended_after, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_failure),
        cmocka_unit_test(test_same_hash_twice),
        cmocka_unit_test(test_equivalent_executions),
        cmocka_unit_test(test_strict_names_the_choice),
        cmocka_unit_test(test_lenient_takes_the_default),
        cmocka_unit_test(test_shrink_to_one_preemption),
        cmocka_unit_test(test_shrink_leaves_out_a_detour),
        cmocka_unit_test(test_verify_tells_the_cost),
        cmocka_unit_test(test_cost_is_compared),
        cmocka_unit_test(test_shrink_keeps_within_its_budget),
        cmocka_unit_test(test_shrink_ends_when_executions_are_long),
    };
    return cmocka_run_group_tests_name("replay", tests, rig_begin, NULL);
}
