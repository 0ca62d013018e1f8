/* Owners, orphans, signals, states of servers, leases: each promise broken once, and near
 * misses. */
#include "tests/check/stream.h"

enum { BOX = FIRST, DEN = SECOND, LEFT = THIRD, HOST = FOURTH, CORE = PARTY_CORE };

static void begin(void)
{
    stream_begin("core pool_total=2\n"
                 "sandbox box project=shop\n"
                 "sandbox den project=shop\n"
                 "tab left user=alice session=s1\n"
                 "  connect\n"
                 "backend host session=s1\n"
                 "  lease nightly\n"
                 "check\n"
                 "  on no_crash\n");
    SEE(CORE_STARTED, CORE, .life = 1);
}

static void assign(const char *sandbox, const char *owner, int64_t token)
{
    SEE(SB_ASSIGN, BOX, .sandbox = W(sandbox), .owner = W(owner), .token = token);
}

static void release(const char *sandbox, const char *owner, int64_t token)
{
    SEE(SB_RELEASE, BOX, .sandbox = W(sandbox), .owner = W(owner), .token = token);
}

static void spawn(int64_t instance, int64_t fence)
{
    SEE(PR_SPAWN, BOX, .port = 3000, .instance = instance, .app = W("web"), .sandbox = W("box"),
        .token = 2, .fence = fence);
}

static void end(int64_t instance, bool child)
{
    SEE(PR_EXIT, BOX, .port = 3000, .instance = instance, .child = child, .sandbox = W("box"));
}

/* --- owners --- */

static void two_owners(void **state)
{
    (void)state;
    begin();
    assign("box", "shop", 2);
    assign("box", "mill", 3);
    stream_violates(SCN_INVARIANT_ONE_OWNER,
                    "sandbox box was given to mill while shop owned it");
}

static void token_stays(void **state)
{
    (void)state;
    begin();
    assign("box", "shop", 2);
    release("box", "shop", 3);
    assign("box", "mill", 3);
    stream_violates(SCN_INVARIANT_ONE_OWNER,
                    "sandbox box was given to mill with token 3 after token 3");
}

static void two_sandboxes(void **state)
{
    (void)state;
    begin();
    assign("box", "shop", 2);
    assign("den", "shop", 2);
    stream_calm(75000);
    stream_violates(SCN_INVARIANT_ONE_OWNER, "shop owns two sandboxes, box and den");
}

static void one_after_the_other(void **state)
{
    (void)state;
    begin();
    assign("box", "shop", 2);
    assign("den", "shop", 2);
    release("box", "shop", 3);
    assign("box", "mill", 4);
    stream_calm(75000);
    assert_null(stream_verdict());
    assert_true(stream_exercised(SCN_INVARIANT_ONE_OWNER));
    stream_end();
}

static void one_sandbox_too_many(void **state)
{
    (void)state;
    begin();
    SEE(SB_CREATE, BOX, .sandbox = W("sandbox_3"), .app = W("web"));
    stream_violates(SCN_INVARIANT_LIMITS_HOLD, "sandbox sandbox_3 is number 3; 2 are allowed");
}

static void room_for_another(void **state)
{
    (void)state;
    begin();
    SEE(SB_DESTROY, BOX, .sandbox = W("den"), .token = 1);
    SEE(SB_CREATE, BOX, .sandbox = W("sandbox_3"), .app = W("web"));
    stream_holds();
}

/* --- orphans --- */

static void process_of_the_owner_before(void **state)
{
    (void)state;
    begin();
    assign("box", "shop", 2);
    spawn(1, 1);
    release("box", "shop", 3);
    assign("box", "mill", 4);
    stream_violates(SCN_INVARIANT_NO_ORPHANS,
                    "sandbox box was given to mill with 1 processes of shop still in it");
}

static void child_outlives_its_parent(void **state)
{
    (void)state;
    begin();
    assign("box", "shop", 2);
    spawn(1, 1);
    SEE(PR_CHILD, BOX, .instance = 1, .sandbox = W("box"));
    end(1, false);
    stream_calm(75000);
    stream_violates(SCN_INVARIANT_NO_ORPHANS,
                    "a child of instance 1 in box still runs, and the instance does not");
}

static void process_of_nobody(void **state)
{
    (void)state;
    begin();
    assign("box", "shop", 2);
    spawn(1, 1);
    release("box", "shop", 3);
    stream_calm(75000);
    stream_violates(SCN_INVARIANT_NO_ORPHANS, "instance 1 still runs in box, which nobody owns");
}

static void all_of_the_group_end(void **state)
{
    (void)state;
    begin();
    assign("box", "shop", 2);
    spawn(1, 1);
    SEE(PR_CHILD, BOX, .instance = 1, .sandbox = W("box"));
    end(1, false);
    end(1, true);
    release("box", "shop", 3);
    assign("box", "mill", 4);
    stream_calm(75000);
    stream_holds();
}

/* --- signals and states --- */

static void point(const char *name, int64_t first, int64_t second)
{
    SEE(POINT, CORE, .name = W(name), .subject = W("box"), .first = first, .second = second);
}

static void signal(int64_t instance)
{
    SEE_ARROW(PR_SIGNAL, BOX, CORE, BOX, .instance = instance, .signal = W("kill"), .port = 3000);
}

static void runs(int64_t instance)
{
    assign("box", "shop", 2);
    spawn(instance, 1);
    SEE(PROBE, BOX, .port = 3000, .instance = instance);
    point("server.running", instance, 1);
}

static void running_one_is_signalled(void **state)
{
    (void)state;
    begin();
    runs(1);
    signal(1);
    stream_violates(SCN_INVARIANT_NO_STRAY_SIGNALS,
                    "instance 1 of the web server in box was sent kill while it was said to run");
}

static void stopped_one_is_signalled(void **state)
{
    (void)state;
    begin();
    runs(1);
    point("server.stopping", 1, 2);
    signal(1);
    end(1, false);
    assert_null(stream_verdict());
    assert_true(stream_exercised(SCN_INVARIANT_NO_STRAY_SIGNALS));
    stream_end();
}

static void runs_without_an_answer(void **state)
{
    (void)state;
    begin();
    spawn(1, 1);
    SEE(PROBE, BOX, .port = 3000, .instance = 0);
    point("server.running", 1, 1);
    stream_violates(SCN_INVARIANT_STATUS_IS_TRUE,
                    "core says that instance 1 in box runs, but it never answered a probe");
}

static void told(int64_t seq, int64_t version, const char *what)
{
    stream_append(1, seq, 100 + seq);
    stream_apply(LEFT, 1, seq, 100 + seq);
    SEE(SRV_STATE, LEFT, .state = W(what), .port = 3000, .version = version);
}

static void begin_states(void)
{
    begin();
    SEE(STORE_OPEN, PARTY_MESSAGES, .session = W("s1"), .epoch = 1);
    stream_attach(LEFT, 1, 1, 0, 0);
}

static void older_state_is_told(void **state)
{
    (void)state;
    begin_states();
    told(1, 5, "running");
    told(2, 4, "stopped");
    stream_violates(SCN_INVARIANT_STATUS_IS_TRUE,
                    "left was told version 4 of the server on port 3000 (stopped), after version "
                    "5");
}

static void newer_states_are_told(void **state)
{
    (void)state;
    begin_states();
    told(1, 4, "starting");
    told(2, 5, "running");
    told(3, 5, "running");      /* to somebody who asked again */
    stream_holds();
}

/* --- leases --- */

static void grant(int64_t token, int64_t until_us)
{
    SEE_ARROW(LK_GRANT, PARTY_LOCKS, PARTY_LOCKS, CORE, .key = W("dev_server"), .owner = W("a"),
              .token = token, .until = until_us, .lock = W("dev_server:box"));
}

static void expire(int64_t token)
{
    SEE(LK_EXPIRE, PARTY_LOCKS, .key = W("dev_server"), .owner = W("a"), .token = token,
        .lock = W("dev_server:box"));
}

static void spawned_after_its_lease(void **state)
{
    (void)state;
    begin();
    assign("box", "shop", 2);
    grant(7, 5000000);
    stream_at_ms(5000);
    expire(7);
    stream_at_ms(5004);
    spawn(1, 7);
    stream_violates(SCN_INVARIANT_LEASES_IN_TIME,
                    "instance 1 was spawned in box under lease 7, 4ms after its time");
}

/* Nobody tells the holder that its lease was taken from it before its time. */
static void spawned_under_a_lease_taken_away(void **state)
{
    (void)state;
    begin();
    assign("box", "shop", 2);
    grant(7, 5000000);
    expire(7);
    stream_at_ms(4000);
    spawn(1, 7);
    stream_holds();
}

static void renewed_in_time(void **state)
{
    (void)state;
    begin();
    assign("box", "shop", 2);
    grant(7, 5000000);
    stream_at_ms(4000);
    SEE(LK_RENEW, PARTY_LOCKS, .key = W("dev_server"), .owner = W("a"), .token = 7,
        .until = 9000000, .lock = W("dev_server:box"));
    stream_at_ms(8999);
    spawn(1, 7);
    stream_holds();
}

static void lost_and_called_released(void **state)
{
    (void)state;
    begin();
    SEE(LEASE_HELD, HOST, .key = W("nightly"), .token = 9);
    SEE(LEASE_ENDED, HOST, .key = W("nightly"), .token = 9, .why = W("released"));
    stream_violates(SCN_INVARIANT_LEASES_IN_TIME,
                    "host was told that it gave lease nightly back (token 9), which it had lost");
}

/* Nobody can tell whether the release came before the end. */
static void lost_or_released(void **state)
{
    (void)state;
    begin();
    SEE(LEASE_HELD, HOST, .key = W("nightly"), .token = 9);
    SEE_ARROW(STORE_REPLY, PARTY_LOCKS, PARTY_LOCKS, CORE, .op = W("release"), .key = W("nightly"),
              .code = W("unknown"));
    SEE(LEASE_ENDED, HOST, .key = W("nightly"), .token = 9, .why = W("released"));
    stream_holds();
}

static void released(void **state)
{
    (void)state;
    begin();
    grant(7, 5000000);
    SEE(LEASE_HELD, HOST, .key = W("dev_server"), .token = 7);
    SEE(LK_RELEASE, PARTY_LOCKS, .key = W("dev_server"), .owner = W("a"), .token = 7,
        .lock = W("dev_server:box"));
    SEE(LEASE_ENDED, HOST, .key = W("dev_server"), .token = 7, .why = W("released"));
    stream_holds();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_owners),
        cmocka_unit_test(token_stays),
        cmocka_unit_test(two_sandboxes),
        cmocka_unit_test(one_after_the_other),
        cmocka_unit_test(one_sandbox_too_many),
        cmocka_unit_test(room_for_another),
        cmocka_unit_test(process_of_the_owner_before),
        cmocka_unit_test(child_outlives_its_parent),
        cmocka_unit_test(process_of_nobody),
        cmocka_unit_test(all_of_the_group_end),
        cmocka_unit_test(running_one_is_signalled),
        cmocka_unit_test(stopped_one_is_signalled),
        cmocka_unit_test(runs_without_an_answer),
        cmocka_unit_test(older_state_is_told),
        cmocka_unit_test(newer_states_are_told),
        cmocka_unit_test(spawned_after_its_lease),
        cmocka_unit_test(spawned_under_a_lease_taken_away),
        cmocka_unit_test(renewed_in_time),
        cmocka_unit_test(lost_and_called_released),
        cmocka_unit_test(lost_or_released),
        cmocka_unit_test(released),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
