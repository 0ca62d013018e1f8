/* Faults of cores, stores, sandboxes and clocks, each where it must strike. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <time.h>

#include "rig.h"

#define STREAM(tab, fault) \
    "scenario scene \"an agent streams\"\n" \
    "core start_gate=none heartbeat=1s heartbeat_timeout=3s\n" \
    "agent bot session=s1\n" \
    "  token: emit token times 6 every 100ms\n" \
    "tab left user=alice session=s1 reconnect=100ms\n" \
    "  open: connect\n" \
    tab \
    "faults\n" \
    "  " fault "\n" \
    "check\n" \
    "  on no_lost_events\n"

#define SERVER(fault) \
    "scenario scene \"a tab wants the dev server\"\n" \
    "core heartbeat=1s heartbeat_timeout=3s\n" \
    "store lease_ttl=5s\n" \
    "sandbox box project=shop boot=1s\n" \
    "tab left user=alice project=shop\n" \
    "  open:  connect\n" \
    "  start: send server_start port=3000\n" \
    "  ready: expect server_state[state=running, port=3000] within 0..60s\n" \
    "faults\n" \
    "  " fault "\n" \
    "check\n" \
    "  on no_duplicate_servers\n"

static void run_through(struct rig *rig, const char *text)
{
    rig_open_text(rig, "scene", text);
    rig_run_default(rig);
    if (rig->result.end != WORLD_DONE) rig_dump();
    assert_string_equal(rig_end(rig), "done");
    assert_int_equal(rig_count(RECORD_FAULT_BEGIN, NULL, NULL), 1);
}

#define SANDBOX(box, tab, fault) \
    "scenario scene \"a tab wants the dev server\"\n" \
    "core heartbeat=1s heartbeat_timeout=3s start_timeout_web=10s\n" \
    "sandbox box " box "\n" \
    "tab left user=alice " tab "\n" \
    "  open:  connect\n" \
    "  start: send server_start port=3000\n" \
    "  ready: expect server_state[state=running] or server_state[state=failed] within 0..60s\n" \
    fault \
    "check\n" \
    "  on no_duplicate_servers\n"

static void play(struct rig *rig, const char *text)
{
    rig_open_text(rig, "scene", text);
    rig_run_default(rig);
    if (rig->result.end != WORLD_DONE) rig_dump();
    assert_string_equal(rig_end(rig), "done");
}

static const struct record *first_of(enum record_kind kind)
{
    uint32_t count;
    const struct record *records = record_all(&count);
    for (uint32_t i = 0; i < count; i++) {
        if (records[i].kind == kind) return &records[i];
    }
    fail_msg("there is no %s", record_info_of(kind)->word);
    return NULL;
}

static void a_sandbox_has_a_port_of_its_own(void **state)
{
    (void)state;
    struct rig rig;
    play(&rig, SANDBOX("project=shop port=4000", "project=shop", ""));
    assert_int_equal(first_of(RECORD_PR_LISTEN)->values.PR_LISTEN.port, 4000);
    rig_close(&rig);
    play(&rig, SANDBOX("project=shop", "project=shop", ""));
    assert_int_equal(first_of(RECORD_PR_LISTEN)->values.PR_LISTEN.port, 3000);
    rig_close(&rig);
}

/* The sandbox of another project is not given away: the provider makes a new one. */
static void a_sandbox_holds_one_project(void **state)
{
    (void)state;
    struct rig rig;
    play(&rig, SANDBOX("project=other", "project=shop", ""));
    assert_int_equal(rig_count(RECORD_SB_ASSIGN, "sandbox", "box"), 0);
    assert_int_equal(rig_count(RECORD_SB_ASSIGN, "sandbox", "sandbox_2"), 1);
    rig_close(&rig);
    play(&rig, SANDBOX("project=shop", "project=shop session=s1", ""));
    assert_int_equal(rig_count(RECORD_SB_ASSIGN, "sandbox", "box"), 1);
    rig_close(&rig);
}

/* A thread that would sleep for longer than the story lasts wakes when the story is over. */
static void what_stood_still_goes_on_in_the_calm(void **state)
{
    (void)state;
    struct rig rig;
    play(&rig, "scenario scene \"the timer stands still\"\n"
               "core heartbeat=1s heartbeat_timeout=3s start_gate=none\n"
               "tab left user=alice session=s1\n"
               "  open: connect\n"
               "faults\n"
               "  pause core/timer by 60s after left.open\n"
               "check\n"
               "  on no_lost_events\n");
    assert_true(first_of(RECORD_HEARTBEAT)->time_ns >= first_of(RECORD_CALM)->time_ns);
    assert_true(first_of(RECORD_HEARTBEAT)->time_ns < UINT64_C(60000000000));
    rig_close(&rig);
}

static void a_paused_sandbox_does_not_answer(void **state)
{
    (void)state;
    struct rig rig;
    play(&rig, SANDBOX("project=shop boot=1s", "project=shop",
                       "faults\n  pause box by 5s after left.start\n"));
    assert_int_equal(first_of(RECORD_PR_LISTEN)->time_ns, UINT64_C(5000000000));
    rig_close(&rig);
    play(&rig, "scenario scene \"a call comes after a second\"\n"
               "core heartbeat=1s heartbeat_timeout=3s\n"
               "sandbox box project=shop boot=1s\n"
               "backend api project=shop\n"
               "  wait 1s\n"
               "  ensure port=3000\n"
               "faults\n"
               "  pause box by 5s\n"
               "check\n"
               "  on no_duplicate_servers\n");
    assert_int_equal(first_of(RECORD_SB_ASSIGN)->time_ns, UINT64_C(5000000000));
    rig_close(&rig);
}

int world_clock_gettime(clockid_t clock, struct timespec *out);

static void the_wall_clock_is_set(void **state)
{
    (void)state;
    struct rig rig;
    struct timespec now;
    play(&rig, "scenario scene \"a clock\"\n"
               "clock wall=100h\n"
               "tab left user=alice session=s1\n"
               "  wait 2s\n"
               "check\n"
               "  on no_leaks\n");
    assert_int_equal(world_clock_gettime(CLOCK_REALTIME, &now), 0);
    assert_int_equal(now.tv_sec, 360000 + rig.result.now_ns / 1000000000);
    rig_close(&rig);
}

/* The agent dies with its core; the tab learns it from the restarted one. */
static void kill_and_restart(void **state)
{
    (void)state;
    struct rig rig;
    run_through(&rig, STREAM("  cut:  expect run_state[state=interrupted] within 0..10s\n",
                             "kill core after bot.token[3] for 500ms"));
    assert_int_equal(rig_count(RECORD_CORE_KILLED, NULL, NULL), 1);
    assert_int_equal(rig_count(RECORD_CORE_RESTARTED, NULL, NULL), 1);
    assert_int_equal(rig_count(RECORD_CLIENT_APPLY, "kind", "token"), 3);
    assert_int_equal(rig_count(RECORD_CLIENT_ONLINE, NULL, NULL), 2);
    rig_close(&rig);
}

/* Longer than a tab has patience for: it gives up, and tries again when the faults are over. */
static void kill_for_very_long(void **state)
{
    (void)state;
    struct rig rig;
    run_through(&rig, STREAM("", "kill core after bot.token[3] for 60s"));
    assert_int_equal(rig_count(RECORD_CORE_RESTARTED, NULL, NULL), 1);
    assert_int_equal(rig_count(RECORD_CLIENT_ONLINE, NULL, NULL), 2);
    rig_close(&rig);
}

static void kill_for_good(void **state)
{
    (void)state;
    struct rig rig;
    run_through(&rig, STREAM("", "kill core after bot.token[3]"));
    assert_int_equal(rig_count(RECORD_CORE_RESTARTED, NULL, NULL), 0);
    assert_int_equal(rig_count(RECORD_CLIENT_OPEN, NULL, NULL), 1);
    assert_int_equal(rig_count(RECORD_CORE_DRAINED, NULL, NULL), 0);
    rig_close(&rig);
}

static void drain_and_return(void **state)
{
    (void)state;
    struct rig rig;
    run_through(&rig, STREAM("", "drain core after bot.token[3] for 500ms"));
    assert_int_equal(rig_count(RECORD_CORE_DRAINED, "code", "ok"), 2);
    assert_int_equal(rig_count(RECORD_CORE_RESTARTED, NULL, NULL), 1);
    assert_int_equal(rig_count(RECORD_RUN_END, "outcome", "cancelled"), 1);
    rig_close(&rig);
}

/* An append whose answer is lost: the publisher hears "ok" or "unknown", never a refusal. */
static void append_times_out(void **state)
{
    (void)state;
    static const char *const texts[] = {
        STREAM("", "timeout store.messages applied=yes after bot.token[2]"),
        STREAM("", "timeout store.messages applied=no after bot.token[2]"),
    };
    for (size_t i = 0; i < 2; i++) {
        struct rig rig;
        run_through(&rig, texts[i]);
        assert_int_equal(rig_count(RECORD_STORE_REPLY, "code", "unknown"), 1);
        assert_int_equal(rig_count(RECORD_PUB_ACK, NULL, NULL), 6);
        assert_int_equal(rig_count(RECORD_CLIENT_APPLY, "kind", "token"), 6);
        rig_close(&rig);
    }
}

static void store_forgets(void **state)
{
    (void)state;
    struct rig rig;
    run_through(&rig, STREAM("", "lose_last store.messages after bot.token[2]"));
    assert_int_equal(rig_count(RECORD_LOG_LOST, NULL, NULL), 1);
    rig_close(&rig);
}

static void wall_clock_jumps(void **state)
{
    (void)state;
    struct rig rig;
    run_through(&rig, STREAM("", "jump clock by +2m after bot.token[2]"));
    assert_int_equal(rig_count(RECORD_CLIENT_APPLY, "kind", "token"), 6);
    rig_close(&rig);
}

/* The whole of core/ws stands still for a second: frames come later, none is lost. */
static void thread_is_paused(void **state)
{
    (void)state;
    struct rig rig;
    run_through(&rig, STREAM("", "pause core/ws by 1s after bot.token[2]"));
    assert_int_equal(rig_count(RECORD_CLIENT_APPLY, "kind", "token"), 6);
    rig_close(&rig);
}

static void lock_expires_early(void **state)
{
    (void)state;
    struct rig rig;
    run_through(&rig, SERVER("expire store.locks[key=dev_server]"));
    assert_int_equal(rig_count(RECORD_LK_EXPIRE, "key", "dev_server"), 1);
    assert_true(rig_count(RECORD_PR_LISTEN, NULL, NULL) >= 1);
    rig_close(&rig);
}

static void acquire_times_out(void **state)
{
    (void)state;
    struct rig rig;
    run_through(&rig, SERVER("timeout store.locks applied=yes"));
    assert_int_equal(rig_count(RECORD_STORE_REPLY, "code", "unknown"), 1);
    assert_int_equal(rig_count(RECORD_PR_SPAWN, NULL, NULL), 1);
    rig_close(&rig);
}

static void reply_is_late(void **state)
{
    (void)state;
    struct rig rig;
    run_through(&rig, SERVER("delay store.locks by 300ms"));
    assert_int_equal(rig_count(RECORD_PR_SPAWN, NULL, NULL), 1);
    rig_close(&rig);
}

/* The last event of a run that has ended: the calm does not begin before the store answers. */
static void no_calm_while_a_reply_is_held_back(void **state)
{
    (void)state;
    struct rig rig;
    play(&rig, "scenario scene \"the end of a run is stored late\"\n"
               "core start_gate=none heartbeat=1s heartbeat_timeout=3s\n"
               "agent bot session=s1\n"
               "  emit token\n"
               "  end: finish\n"
               "tab left user=alice session=s1\n"
               "  open: connect\n"
               "faults\n"
               "  delay store.messages by 20s after bot.end\n"
               "check\n"
               "  on no_lost_events\n");
    assert_true(first_of(RECORD_CALM)->time_ns >= UINT64_C(20000000000));
    rig_close(&rig);
}

/* The machine dies while the server boots; a second one is started when it is back. */
static void box_crashes(void **state)
{
    (void)state;
    struct rig rig;
    run_through(&rig, SERVER("crash box at 500ms for 1s"));
    assert_int_equal(rig_count(RECORD_SB_CRASH, NULL, NULL), 1);
    assert_int_equal(rig_count(RECORD_PR_EXIT, "why", "crash"), 1);
    assert_int_equal(rig_count(RECORD_PR_LISTEN, NULL, NULL), 1);
    rig_close(&rig);
}

/* Reported as failed, started all the same: adopted, not started twice. */
static void spawn_lies(void **state)
{
    (void)state;
    struct rig rig;
    run_through(&rig, SERVER("fail_exec box"));
    assert_int_equal(rig_count(RECORD_PR_SPAWN, NULL, NULL), 1);
    assert_int_equal(rig_count(RECORD_SRV_STATE, "state", "running"), 1);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sandbox_has_a_port_of_its_own),
        cmocka_unit_test(a_sandbox_holds_one_project),
        cmocka_unit_test(what_stood_still_goes_on_in_the_calm),
        cmocka_unit_test(a_paused_sandbox_does_not_answer),
        cmocka_unit_test(the_wall_clock_is_set),
        cmocka_unit_test(kill_and_restart),   cmocka_unit_test(kill_for_good),
        cmocka_unit_test(kill_for_very_long),
        cmocka_unit_test(drain_and_return),   cmocka_unit_test(append_times_out),
        cmocka_unit_test(store_forgets),      cmocka_unit_test(wall_clock_jumps),
        cmocka_unit_test(thread_is_paused),   cmocka_unit_test(lock_expires_early),
        cmocka_unit_test(acquire_times_out),  cmocka_unit_test(reply_is_late),
        cmocka_unit_test(box_crashes),        cmocka_unit_test(spawn_lies),
        cmocka_unit_test(no_calm_while_a_reply_is_held_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
