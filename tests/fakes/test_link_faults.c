/* Faults of links and tabs, each in a scenario of its own where it must strike. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "rig.h"

/* One agent, one tab; the tab's attributes, its script after `connect`, and the fault. */
#define SCENE(tab, script, fault) \
    "scenario scene \"one tab, one fault\"\n" \
    "core start_gate=attached heartbeat=1s heartbeat_timeout=3s\n" \
    "agent bot session=s1\n" \
    "  token: emit token times 6 every 10ms\n" \
    "  done:  emit done\n" \
    "tab left user=alice session=s1 " tab "\n" \
    "  open: connect\n" \
    script \
    "faults\n" \
    "  " fault "\n" \
    "check\n" \
    "  on no_lost_events\n"

#define EXPECT_ALL "  seen: expect token times 6 in order within 0..60s\n"

/* The fault strikes once, everything arrives all the same, in order. */
static void run_through(struct rig *rig, const char *text)
{
    rig_open_text(rig, "scene", text);
    rig_run_default(rig);
    if (rig->result.end != WORLD_DONE) rig_dump();
    assert_string_equal(rig_end(rig), "done");
    assert_int_equal(rig_count(RECORD_FAULT_BEGIN, NULL, NULL), 1);
    assert_int_equal(rig_count(RECORD_FAULT_END, NULL, NULL), 1);
    assert_int_equal(rig_count(RECORD_CLIENT_APPLY, "kind", "token"), 6);
}

static void cut(void **state)
{
    (void)state;
    struct rig rig;
    run_through(&rig, SCENE("reconnect=100ms", EXPECT_ALL, "cut left after bot.token[2]"));
    assert_int_equal(rig_count(RECORD_CLIENT_OPEN, NULL, NULL), 2);
    assert_int_equal(rig_count(RECORD_DETACH, "why", "cut"), 1);
    rig_close(&rig);
}

/* For every frame of the handshake and beyond. */
static void cut_at_each_frame(void **state)
{
    (void)state;
    static const char *const texts[] = {
        SCENE("reconnect=100ms", EXPECT_ALL, "cut left frame=1"),
        SCENE("reconnect=100ms", EXPECT_ALL, "cut left frame=2"),
        SCENE("reconnect=100ms", EXPECT_ALL, "cut left frame=4"),
        SCENE("reconnect=100ms", EXPECT_ALL, "cut core->left frame=3"),
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct rig rig;
        run_through(&rig, texts[i]);
        assert_int_equal(rig_count(RECORD_CLIENT_OFFLINE, "why", "cut"), 1);
        rig_close(&rig);
    }
}

/* The core must find out by itself: its own close comes last. */
static void halfopen(void **state)
{
    (void)state;
    struct rig rig;
    run_through(&rig, SCENE("reconnect=100ms", EXPECT_ALL,
                            "halfopen left after bot.token[2] for 10s"));
    assert_int_equal(rig_count(RECORD_DETACH, "why", "cut"), 0);
    assert_int_equal(rig_count(RECORD_CORE_CLOSE, NULL, NULL), 2);
    rig_close(&rig);
}

/* When the n-th event of that kind arrived, n from 1. */
static uint64_t arrival_us(const char *kind, uint32_t n)
{
    uint32_t count;
    const struct record *records = record_all(&count);
    for (uint32_t i = 0; i < count; i++) {
        if (records[i].kind != RECORD_CLIENT_APPLY) continue;
        if (records[i].values.CLIENT_APPLY.kind != record_intern(kind)) continue;
        if (--n == 0) return records[i].time_ns / 1000;
    }
    return 0;
}

/* Emitted at 10 ms, arrived at 60 ms; the first one was there before the fault. */
static void slow(void **state)
{
    (void)state;
    struct rig rig;
    run_through(&rig, SCENE("", EXPECT_ALL, "slow core->left by 50ms after bot.token[1] for 5s"));
    assert_int_equal(arrival_us("token", 1), 0);
    assert_int_equal(arrival_us("token", 2), 60000);
    rig_close(&rig);
}

/* What the wire lost is asked for again. */
static void lose(void **state)
{
    (void)state;
    struct rig rig;
    run_through(&rig, SCENE("", EXPECT_ALL, "lose core->left kind=token after bot.token[2]"));
    assert_int_equal(rig_count(RECORD_WIRE_DROP, "why", "lost"), 1);
    assert_int_equal(rig_count(RECORD_CLIENT_SEND, "kind", "history"), 1);
    rig_close(&rig);
}

/* So is the answer, and the question for it. */
static void lose_twice(void **state)
{
    (void)state;
    struct rig rig;
    rig_open_text(&rig, "scene", SCENE("", EXPECT_ALL,
                                       "lose core->left kind=token after bot.token[2]\n"
                                       "  lose left->core kind=history"));
    rig_run_default(&rig);
    assert_string_equal(rig_end(&rig), "done");
    assert_int_equal(rig_count(RECORD_WIRE_DROP, "why", "lost"), 2);
    assert_int_equal(rig_count(RECORD_CLIENT_SEND, "kind", "history"), 2);
    assert_int_equal(rig_count(RECORD_CLIENT_APPLY, "kind", "token"), 6);
    rig_close(&rig);
}

/* Events that overtake the page, or that the page overtakes: each arrives once, in order. */
static void lose_and_reorder(void **state)
{
    (void)state;
    struct rig rig;
    rig_open_text(&rig, "scene", SCENE("reconnect=100ms", EXPECT_ALL,
                                       "lose core->left kind=token\n"
                                       "  may reorder core->left after lose_core_left\n"
                                       "  may slow core->left by 5ms..1s for 2s"));
    for (uint64_t seed = 1; seed <= 1000; seed++) {
        rig_run_random(&rig, seed);
        if (rig.result.end != WORLD_DONE) rig_dump();
        assert_string_equal(rig_end(&rig), "done");
        assert_int_equal(rig_count(RECORD_CLIENT_APPLY, "kind", "token"), 6);
    }
    rig_close(&rig);
}

static void duplicate(void **state)
{
    (void)state;
    struct rig rig;
    run_through(&rig, SCENE("", EXPECT_ALL, "duplicate core->left kind=token"));
    assert_int_equal(rig_count(RECORD_WIRE_DROP, "why", "came before"), 1);
    rig_close(&rig);
    run_through(&rig, SCENE("", EXPECT_ALL, "duplicate left->core kind=hello"));
    assert_int_equal(rig_count(RECORD_CORE_INPUT, "kind", "hello"), 2);
    assert_int_equal(rig_count(RECORD_CLIENT_RECV, "code", "invalid"), 1);
    rig_close(&rig);
}

static void reorder(void **state)
{
    (void)state;
    struct rig rig;
    run_through(&rig, SCENE("reconnect=100ms", EXPECT_ALL, "reorder core->left"));
    rig_close(&rig);
}

/* Nothing is read for two seconds: the second token arrives after that. */
static void stall(void **state)
{
    (void)state;
    struct rig rig;
    run_through(&rig, SCENE("", EXPECT_ALL, "stall left after bot.token[1] for 2s"));
    assert_int_equal(arrival_us("token", 2), 2000000);
    rig_close(&rig);
}

/* When the only `wait` of the tab ended. */
static uint64_t wait_ended_us(const struct rig *rig)
{
    uint32_t count;
    const struct record *records = record_all(&count);
    for (uint32_t i = 0; i < count; i++) {
        if (records[i].kind != RECORD_STEP_END) continue;
        if (strcmp(record_party_name(records[i].subject), "left") != 0) continue;
        int64_t step = records[i].values.STEP_END.step;
        if (rig->file->actors[1].steps[step].verb == SCN_VERB_WAIT)
            return records[i].time_ns / 1000;
    }
    return 0;
}

/* The tab freezes in the first second of its wait, and waits the rest when it is thawed. Frames
 * arrive meanwhile. */
static void freeze(void **state)
{
    (void)state;
    struct rig rig;
    run_through(&rig, SCENE("", "  nap: wait 1s\n", "freeze left for 3s after bot.token[2]"));
    assert_int_equal(wait_ended_us(&rig), 4000000);
    assert_int_equal(arrival_us("token", 6), 50000);
    rig_close(&rig);
    /* Until the calm: the patience with its script is as long as a gate takes. */
    run_through(&rig, SCENE("", "  nap: wait 1s\n", "freeze left after bot.token[2]"));
    assert_true(wait_ended_us(&rig) > 3000000);
    rig_close(&rig);
}

static void lose_ack(void **state)
{
    (void)state;
    struct rig rig;
    run_through(&rig, SCENE("reconnect=100ms", EXPECT_ALL, "lose_ack left"));
    assert_int_equal(rig_count(RECORD_WIRE_DROP, "kind", "connection_acknowledged"), 1);
    rig_close(&rig);
}

static void double_hello(void **state)
{
    (void)state;
    struct rig rig;
    run_through(&rig, SCENE("", EXPECT_ALL, "double_hello left"));
    assert_int_equal(rig_count(RECORD_CORE_INPUT, "kind", "hello"), 2);
    rig_close(&rig);
}

static void late_close(void **state)
{
    (void)state;
    struct rig rig;
    run_through(&rig, SCENE("", EXPECT_ALL "  away: close\n",
                            "late_close left by 2s after left.open"));
    assert_int_equal(rig_count(RECORD_DETACH, "why", "closed late"), 1);
    rig_close(&rig);
}

/* Cursors that mean nothing to the core are answered by a resync, and the tab goes on. */
static void wrong_cursors(void **state)
{
    (void)state;
    static const char *const faults[] = {
        SCENE("", "  some: expect token times 2\n  away: close\n  back: reconnect\n",
              "wrong_epoch left after left.away"),
        SCENE("", "  some: expect token times 2\n  away: close\n  back: reconnect\n",
              "cursor_ahead left after left.away"),
    };
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct rig rig;
        rig_open_text(&rig, "scene", faults[i]);
        rig_run_default(&rig);
        assert_string_equal(rig_end(&rig), "done");
        assert_int_equal(rig_count(RECORD_CLIENT_HELLO, NULL, NULL), 2);
        rig_close(&rig);
    }
}

/* Nothing is left to do but a fault: the first heartbeat comes after a second. */
static void a_fault_is_waited_for(void **state)
{
    (void)state;
    struct rig rig;
    run_through(&rig, SCENE("", EXPECT_ALL, "lose core->left kind=heartbeat"));
    rig_close(&rig);
}

/* The cut waits for something that ends long after all scripts, and longer than the calm. */
static void the_end_of_a_fault_is_waited_for(void **state)
{
    (void)state;
    struct rig rig;
    rig_open_text(&rig, "scene",
                  SCENE("reconnect=100ms", EXPECT_ALL,
                        "slow: slow core->left by 1ms for 8s after left.open\n"
                        "  cut left after slow"));
    rig_run_default(&rig);
    assert_string_equal(rig_end(&rig), "done");
    assert_int_equal(rig_count(RECORD_FAULT_BEGIN, NULL, NULL), 2);
    rig_close(&rig);
}

/* No gap is ever told of, and the run ends without it. */
static void a_fault_is_not_waited_for_in_vain(void **state)
{
    (void)state;
    struct rig rig;
    rig_open_text(&rig, "scene", SCENE("", EXPECT_ALL, "lose core->left kind=gap"));
    rig_run_default(&rig);
    assert_string_equal(rig_end(&rig), "done");
    assert_int_equal(rig_count(RECORD_FAULT_BEGIN, NULL, NULL), 0);
    rig_close(&rig);
}

#define DROP "drop: cut left after bot.token[2]\n"

/* A cut that something follows: the tab comes back by itself, and says something else. */
static void cursors_after_a_cut(void **state)
{
    (void)state;
    static const char *const faults[] = {
        SCENE("reconnect=100ms", "", DROP "  wrong_epoch left after drop"),
        SCENE("reconnect=100ms", "", DROP "  reset_cursor left after drop"),
        SCENE("reconnect=100ms", "", DROP "  cursor_ahead left after drop"),
        SCENE("reconnect=100ms", "", DROP "  double_hello left after drop"),
    };
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct rig rig;
        rig_open_text(&rig, "scene", faults[i]);
        rig_run_default(&rig);
        assert_string_equal(rig_end(&rig), "done");
        assert_int_equal(rig_count(RECORD_FAULT_BEGIN, NULL, NULL), 2);
        rig_close(&rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cut),          cmocka_unit_test(cut_at_each_frame),
        cmocka_unit_test(halfopen),     cmocka_unit_test(slow),
        cmocka_unit_test(lose),         cmocka_unit_test(lose_twice),
        cmocka_unit_test(lose_and_reorder),
        cmocka_unit_test(duplicate),
        cmocka_unit_test(reorder),      cmocka_unit_test(stall),
        cmocka_unit_test(lose_ack),     cmocka_unit_test(double_hello),
        cmocka_unit_test(late_close),   cmocka_unit_test(wrong_cursors),
        cmocka_unit_test(cursors_after_a_cut), cmocka_unit_test(freeze),
        cmocka_unit_test(a_fault_is_waited_for),
        cmocka_unit_test(the_end_of_a_fault_is_waited_for),
        cmocka_unit_test(a_fault_is_not_waited_for_in_vain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
