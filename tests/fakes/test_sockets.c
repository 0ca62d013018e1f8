/* The stage with the real server: libwebsockets on simulated sockets, tabs that speak bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "rig.h"

enum { EXECUTIONS = 60 };

/* As by frames: see test_stories.c. */
static void late_connect_delivers_once(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig, SCENARIOS "late_connect.scn");
    rig_run_default(&rig);
    assert_string_equal(rig_end(&rig), "done");
    assert_int_equal(rig_count(RECORD_CLIENT_APPLY, "kind", "token"), 5);
    assert_int_equal(rig_count(RECORD_CLIENT_APPLY, "kind", "done"), 1);
    assert_int_equal(rig_count(RECORD_CORE_INPUT, "kind", "hello"), 1);
    assert_int_equal(rig_count(RECORD_CLIENT_ONLINE, NULL, NULL), 1);
    assert_int_equal(rig_count(RECORD_DETACHED, NULL, NULL), 1);
    assert_int_equal(rig_count(RECORD_CORE_DRAINED, "code", "ok"), 1);
    rig_close(&rig);
}

static void explore(const char *path)
{
    struct rig rig;
    rig_open(&rig, path);
    for (uint64_t seed = 1; seed <= EXECUTIONS; seed++) {
        rig_run_random(&rig, seed);
        if (rig.result.end != WORLD_DONE) print_message("seed %u of %s\n", (unsigned)seed, path);
        assert_string_equal(rig_end(&rig), "done");
        assert_true(rig_count(RECORD_QUIESCE, NULL, NULL) == 1);
    }
    rig_close(&rig);
}

static void no_choice_hangs(void **state)
{
    (void)state;
    explore(SCENARIOS "late_connect.scn");
    explore(SCENARIOS "double_tab.scn");
    explore(SCENARIOS "disconnect_mid_task.scn");
}

static void no_fault_hangs(void **state)
{
    (void)state;
    explore(EVERYTHING);
}

static void the_same_again(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig, SCENARIOS "disconnect_mid_task.scn");
    rig_run_random(&rig, 7);
    uint64_t first = world_run_hash();
    uint32_t steps = rig.result.steps;
    rig_run_random(&rig, 8);
    assert_true(world_run_hash() != first);
    rig_run_random(&rig, 7);
    assert_true(world_run_hash() == first);
    assert_int_equal(rig.result.steps, steps);
    rig_close(&rig);
}

static const char cut_text[] =
    "scenario cut_at \"the link dies after that byte\"\n"
    "core start_gate=none transport=sockets\n"
    "agent bot session=s1\n"
    "  token: emit token times 3\n"
    "tab left user=alice session=s1 reconnect=100ms\n"
    "  open: connect\n"
    "  seen: expect token times 3 in order\n"
    "faults\n"
    "  cut left byte=%d\n"
    "check\n"
    "  on no_lost_events\n"
    "explore\n"
    "  budget runs=1\n";

/* The request is 247 bytes long, the response about as long; then come the first messages. Wherever
 * it breaks, the tab comes back and has everything, once. */
static void any_byte_may_be_the_last(void **state)
{
    (void)state;
    uint32_t handshakes_cut = 0;
    for (int byte = 1; byte <= 900; byte++) {
        struct rig rig;
        char text[sizeof cut_text + 8];
        (void)snprintf(text, sizeof text, cut_text, byte);
        rig_open_text(&rig, "cut_at", text);
        rig_run_default(&rig);
        assert_string_equal(rig_end(&rig), "done");
        assert_int_equal(rig_count(RECORD_FAULT_BEGIN, NULL, NULL), 1);
        assert_int_equal(rig_count(RECORD_CLIENT_OPEN, NULL, NULL), 2);
        assert_int_equal(rig_count(RECORD_CLIENT_APPLY, "kind", "token"), 3);
        handshakes_cut += rig_count(RECORD_CLIENT_HELLO, NULL, NULL) == 1;
        rig_close(&rig);
    }
    /* Of those cut in the handshake only the second connection said hello. */
    assert_in_range(handshakes_cut, 300, 600);
}

static const char split_text[] =
    "scenario torn \"bytes arrive in parts\"\n"
    "core start_gate=none\n"
    "agent bot session=s1\n"
    "  token: emit token times 3\n"
    "tab left user=alice session=s1 reconnect=100ms\n"
    "  open: connect\n"
    "  seen: expect token times 3 in order\n"
    "check\n"
    "  on no_lost_events\n"
    "explore\n"
    "  bound splits=%d\n"
    "  budget runs=1\n";

/* How many deliveries there were in so many executions of it. */
static uint64_t run_torn(int splits)
{
    struct rig rig;
    char text[sizeof split_text + 8];
    uint64_t steps = 0;
    (void)snprintf(text, sizeof text, split_text, splits);
    rig_open_text(&rig, "torn", text);
    for (uint64_t seed = 1; seed <= 300; seed++) {
        rig_run_random(&rig, seed);
        assert_string_equal(rig_end(&rig), "done");
        assert_int_equal(rig_count(RECORD_CLIENT_OPEN, NULL, NULL), 1);
        assert_int_equal(rig_count(RECORD_CLIENT_APPLY, "kind", "token"), 3);
        steps += rig.result.steps;
    }
    rig_close(&rig);
    return steps;
}

/* Torn between any two bytes, up to eight times in a run: nobody notices, but it takes longer. */
static void bytes_may_be_torn_apart(void **state)
{
    (void)state;
    assert_true(run_torn(8) > run_torn(0) + 300 * 4);
}

static const char rare_text[] =
    "scenario rare \"who asks rarely has all at the end\"\n"
    "core start_gate=none transport=sockets\n"
    "agent bot session=s1\n"
    "  word: emit word times 250 every 1ms\n"
    "tab left session=s1 speaks=polling poll=10m\n"
    "  open: connect\n"
    "tab other session=s1\n"
    "  rest: wait 70s\n"
    "check\n"
    "  on no_lost_events\n"
    "explore\n"
    "  budget runs=1\n";

/* The server has ended the connection, which said nothing for a minute; several pages are left. */
static void last_pages_are_waited_for(void **state)
{
    (void)state;
    struct rig rig;
    rig_open_text(&rig, "rare", rare_text);
    rig_run_default(&rig);
    assert_string_equal(rig_end(&rig), "done");
    assert_int_equal(rig_count(RECORD_CLIENT_OPEN, NULL, NULL), 2);
    assert_int_equal(rig_count(RECORD_CLIENT_APPLY, "kind", "word"), 250);
    rig_close(&rig);
}

static int by_sockets(void **state)
{
    (void)state;
    rig_transport(STAGE_SOCKETS);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(late_connect_delivers_once),
        cmocka_unit_test(no_choice_hangs),
        cmocka_unit_test(no_fault_hangs),
        cmocka_unit_test(the_same_again),
        cmocka_unit_test(any_byte_may_be_the_last),
        cmocka_unit_test(bytes_may_be_torn_apart),
        cmocka_unit_test(last_pages_are_waited_for),
    };
    return cmocka_run_group_tests(tests, by_sockets, NULL);
}
