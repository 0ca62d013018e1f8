/* The stories of scenarios/ on the stage: what happens by default, and that no choice hangs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "rig.h"

enum { EXECUTIONS = 300 };

/* --- by default --- */

static void late_connect_delivers_once(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig, SCENARIOS "late_connect.scn");
    rig_run_default(&rig);
    assert_string_equal(rig_end(&rig), "done");
    assert_int_equal(rig_count(RECORD_CLIENT_APPLY, "kind", "token"), 5);
    assert_int_equal(rig_count(RECORD_CLIENT_APPLY, "kind", "done"), 1);
    assert_int_equal(rig_count(RECORD_PUB_ACK, "code", "ok"), 6);
    assert_int_equal(rig_count(RECORD_QUIESCE, NULL, NULL), 1);
    assert_int_equal(rig_count(RECORD_CORE_DRAINED, "code", "ok"), 1);
    rig_close(&rig);
}

static void double_tab_starts_one_server(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig, SCENARIOS "double_tab.scn");
    rig_run_default(&rig);
    assert_string_equal(rig_end(&rig), "done");
    assert_int_equal(rig_count(RECORD_PR_SPAWN, NULL, NULL), 1);
    assert_int_equal(rig_count(RECORD_PR_LISTEN, NULL, NULL), 1);
    assert_int_equal(rig_count(RECORD_SRV_STATE, "state", "running"), 2);
    rig_close(&rig);
}

/* The tab is cut once, comes back at once, and answers: the question is approved. */
static void disconnect_settles_once(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig, SCENARIOS "disconnect_mid_task.scn");
    rig_run_default(&rig);
    assert_string_equal(rig_end(&rig), "done");
    assert_int_equal(rig_count(RECORD_FAULT_BEGIN, NULL, NULL), 1);
    assert_int_equal(rig_count(RECORD_CLIENT_OFFLINE, "why", "cut"), 1);
    assert_int_equal(rig_count(RECORD_PROMPT_DONE, NULL, NULL), 1);
    assert_int_equal(rig_count(RECORD_PROMPT_DONE, "outcome", "approved"), 1);
    assert_int_equal(rig_count(RECORD_CLIENT_APPLY, "kind", "token"), 8);
    rig_close(&rig);
}

/* --- by any choices --- */

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

/* Every fault there is, in one scenario. */
static void no_fault_hangs(void **state)
{
    (void)state;
    explore(EVERYTHING);
}

/* The same choices give the same execution, also when another one came in between. */
static void the_same_again(void **state)
{
    (void)state;
    struct rig rig;
    rig_open(&rig, EVERYTHING);
    for (uint64_t seed = 1; seed <= 20; seed++) {
        uint32_t records, again;
        rig_run_random(&rig, seed);
        uint64_t hash = world_run_hash();
        (void)record_all(&records);
        rig_run_random(&rig, seed + 1000);
        rig_run_random(&rig, seed);
        (void)record_all(&again);
        assert_true(world_run_hash() == hash);
        assert_int_equal(again, records);
    }
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(late_connect_delivers_once),
        cmocka_unit_test(double_tab_starts_one_server),
        cmocka_unit_test(disconnect_settles_once),
        cmocka_unit_test(no_choice_hangs),
        cmocka_unit_test(no_fault_hangs),
        cmocka_unit_test(the_same_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
