/* The reduced search of scenarios against searches without reduction: whatever those come to, it
 * comes to as well, and where they end without a bound, to nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "harness/explore/explore.h"
#include "harness/net/net.h"
#include "outcome.h"
#include "rig.h"

#include <stdio.h>
#include <string.h>

enum { OUTCOMES_MAX = 1 << 16 };

/* The hashes of those that were seen. */
struct outcomes {
    uint64_t of[2 * OUTCOMES_MAX]; /* an open table; 0: free */
    uint32_t count;
};

static struct outcomes *now;
static struct check_set *checks;

static uint64_t *slot_of(struct outcomes *all, uint64_t outcome)
{
    uint64_t at = outcome % (2 * OUTCOMES_MAX);

    while (all->of[at] != 0 && all->of[at] != outcome) at = (at + 1) % (2 * OUTCOMES_MAX);
    return &all->of[at];
}

static uint32_t judge(void *context, const struct world_result *result)
{
    uint64_t outcome = outcome_hash(outcome_of(checks, result));
    uint64_t *slot = slot_of(now, outcome);

    (void)context;
    if (result->end == WORLD_STOPPED || *slot != 0) return EXPLORE_PASSED;
    assert_true(++now->count < OUTCOMES_MAX);
    *slot = outcome;
    return EXPLORE_PASSED;
}

static void before(void *context)
{
    (void)context;
    net_begin();
    record_reset();
    check_begin(checks);
}

static void body(void *context)
{
    stage_run(((struct rig *)context)->stage);
}

static struct explore_stats search(struct rig *rig, struct outcomes *out,
                                   const struct strategy_options *how, uint64_t most)
{
    static struct explore_failure failure;
    struct explore_stats stats;
    struct explore_subject subject = { rig, "core/stage", body, before, judge };
    struct explore_options options = { .strategy = *how, .runs_max = most };

    now = out;
    memset(out, 0, sizeof *out);
    world_limits_set(&(struct world_limits){ .steps_max = 20000, .time_max_ns = WORLD_NEVER,
                                             .seed = 1, .check_memory = true });
    assert_int_equal(explore_run(&subject, &options, &stats, &failure), 0);
    return stats;
}

static void contains(struct outcomes *all, const struct outcomes *some)
{
    for (uint32_t i = 0; i < 2 * OUTCOMES_MAX; i++)
        if (some->of[i] != 0) assert_int_not_equal(*slot_of(all, some->of[i]), 0);
}

static void compare(const char *name, const char *text, uint32_t delays)
{
    static struct outcomes reduced, brute;
    char whole[2000];
    struct rig rig;
    const struct strategy_options few = { .kind = EXPLORE_EXHAUSTIVE };
    const struct strategy_options many = { .kind = EXPLORE_EXHAUSTIVE, .bound = EXPLORE_DELAYS,
                                           .delays = delays, .brute_force = true };

    (void)snprintf(whole, sizeof whole, "scenario %s \"small\"\n%s\n"
                   "check\n  on accepted_is_stored\nexplore\n"
                   "  strategy exhaustive\n  bound choices=storm\n", name, text);
    rig_open_text(&rig, name, whole);
    explore_log_set(NULL);
    record_scenario(rig.file);
    checks = check_set_new(rig.file);
    record_subscribe(check_record, checks);
    struct explore_stats less = search(&rig, &reduced, &few, 5000);
    struct explore_stats more = search(&rig, &brute, &many, 5000);
    print_message("%s: %llu executions, %u outcomes; within %u delays %llu, %u\n", name,
                  (unsigned long long)less.runs, reduced.count, delays,
                  (unsigned long long)more.runs, brute.count);
    assert_true(less.complete && more.complete);
    contains(&reduced, &brute);
    record_unsubscribe(check_record, checks);
    check_set_free(checks);
    rig_close(&rig);
}

/* Each is so small that both searches end. */
static const struct {
    const char *name, *text;
    uint32_t delays;
} stories[] = {
    { "publishers", "backend one session=s1 user=alice\n  publish news\n"
                    "backend two session=s1 user=alice\n  publish news\n", 2 },
    { "connecting", "backend feed session=s1 user=alice\n  news: publish news\n"
                    "tab left session=s1 user=alice\n  connect after feed.news\n"
                    "  expect news\n", 2 },
    { "sessions", "backend one session=s1 user=alice\n  publish news\n"
                  "backend two session=s2 user=bob\n  publish news\n", 2 },
    { "timeout", "backend one session=s1 user=alice\n  publish news\n"
                 "faults\n  may timeout store.messages applied=either\n", 2 },
    { "delay", "backend one session=s1 user=alice\n  publish news\n"
               "faults\n  may delay store.messages by 1s\n", 2 },
    { "timers", "backend one session=s1 user=alice\n  wait 10ms\n  publish news\n"
                "backend two session=s2 user=bob\n  publish news\n", 2 },
    { "window", "backend one session=s1 user=alice\n  publish news within 0..5ms\n"
                "faults\n  may timeout store.messages applied=either within 1ms..3ms\n", 2 },
    { "lease", "store lease_ttl=3s\n"
               "backend one session=s1 user=alice\n  lease nightly hold=4s\n", 2 },
    { "leases", "backend one session=s1 user=alice\n  own: lease nightly\n"
                "backend two session=s1 user=alice\n  lease nightly wait=1s after one.own\n", 2 },
    { "cancel", "core start_gate=none\nagent bot session=s1 user=alice\n  ask: ask deploy\n"
                "backend api session=s1 user=alice\n  cancel during bot.ask\n", 2 },
    { "question", "core start_gate=none prompt_clock=always store_attempts=1\n"
                  "agent bot session=s1 user=alice\n  ask deploy timeout=1s\n"
                  "faults\n  may timeout store.messages applied=no\n", 2 },
    { "drain", "backend one session=s1 user=alice\n  publish news\n  drain\n", 2 },
};

static void test_stories(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof stories / sizeof stories[0]; i++)
        compare(stories[i].name, stories[i].text, stories[i].delays);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_stories) };
    return cmocka_run_group_tests_name("complete scenarios", tests, NULL, NULL);
}
