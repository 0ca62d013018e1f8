/* The point of no return, of failures that can be thought through by hand. */
#include "rig.h"

/* CMocka wants these before its own header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "harness/explore/inevitable.h"

static struct explore_failure failure;

static void fail_by(const struct explore_subject *subject, const uint16_t *choices, uint32_t count)
{
    struct world_result result;
    failure.count = count;
    for (uint32_t i = 0; i < count; i++) failure.choices[i] = choices[i];
    failure.id = explore_replay(subject, choices, count, true, &result);
    assert_int_equal(failure.id, WORLD_FOUND_ASSERT);
}

static void replay_failure(const struct explore_subject *subject)
{
    struct world_result result;
    explore_replay(subject, failure.choices, failure.count, true, &result);
}

/* The first thread has read the balance when the second overtakes it at its second lock; once
 * that one has read it, too, an update is lost whatever comes. By the third choice it has begun, by
 * the fourth it takes the lock. */
static void test_after_the_second_read(void **state)
{
    (void)state;
    static const uint16_t lost_update[] = {0, 0, 1};
    struct inevitable inevitable, again;
    struct explore_subject subject = rig_subject(rig_programs->lost_update);
    fail_by(&subject, lost_update, 3);
    explore_inevitable(&subject, &failure, &inevitable);
    assert_true(inevitable.found);
    assert_int_equal(inevitable.kept, 4);
    assert_int_equal(inevitable.tried, 100);
    assert_in_range(inevitable.kept, 1, inevitable.total - 1);

    explore_inevitable(&subject, &failure, &again);
    assert_int_equal(again.kept, inevitable.kept);
    assert_int_equal(again.tried, inevitable.tried);

    replay_failure(&subject);
    uint32_t count, at = inevitable_step(&inevitable);
    const struct world_step *steps = world_steps(&count);
    assert_int_equal(steps[at].op, WORLD_OP_LOCK);
    assert_string_equal(world_entity_name(steps[at].entity), "thread-2");
}

/* What its own id makes a failure of every execution was inevitable from the start. */
static uint32_t judge_nothing_good(void *context, const struct world_result *result)
{
    (void)context, (void)result;
    return WORLD_FOUND_ASSERT;
}

static void test_from_the_start(void **state)
{
    (void)state;
    struct inevitable inevitable;
    struct explore_subject subject = rig_subject(rig_programs->two_sections);
    subject.judge = judge_nothing_good;
    fail_by(&subject, NULL, 0);
    explore_inevitable(&subject, &failure, &inevitable);
    assert_true(inevitable.found);
    assert_int_equal(inevitable.kept, 0);
    assert_int_equal(inevitable.tried, 100);
}

/* Whoever is last decides: until the last choice, it could be the other. */
static uint32_t judge_this_order(void *context, const struct world_result *result)
{
    static uint64_t hash;
    (void)context, (void)result;
    if (hash == 0) hash = world_run_hash();
    return world_run_hash() == hash ? WORLD_FOUND_ASSERT : EXPLORE_PASSED;
}

static void test_with_the_last_choice(void **state)
{
    (void)state;
    static const uint16_t in_turns[] = {0, 1, 1};
    struct inevitable inevitable;
    struct explore_subject subject = rig_subject(rig_programs->two_sections);
    subject.judge = judge_this_order;
    fail_by(&subject, in_turns, 3);
    explore_inevitable(&subject, &failure, &inevitable);
    assert_true(inevitable.found);
    assert_int_equal(inevitable.kept, inevitable.total);
    assert_int_equal(inevitable.tried, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_after_the_second_read),
        cmocka_unit_test(test_from_the_start),
        cmocka_unit_test(test_with_the_last_choice),
    };
    return cmocka_run_group_tests_name("the point of no return", tests, rig_begin, NULL);
}
