/* Locks, sandboxes and their servers: each promise broken once, and near misses. */
#include "tests/check/stream.h"

#include <string.h>

static const char story[] =
    "core prompt_clock=always heartbeat_timeout=12s ack_timeout=10s pool_idle=30s pool_sweep=10s\n"
    "tab left user=alice session=s1\n"
    "  connect\n"
    "agent bot session=s1\n"
    "  emit token times 4\n"
    "  ask deploy timeout=30s\n"
    "sandbox box project=shop\n"
    "backend host session=s1\n"
    "  lease nightly\n"
    "check\n"
    "  on no_lost_events\n";

enum { BOX = THIRD, HOST = FOURTH, CORE = PARTY_CORE };

static void begin(void)
{
    stream_begin(story);
    SEE(CORE_STARTED, CORE, .life = 1);
}

/* --- locks --- */

static void grant(const char *owner, int64_t token, int64_t until_us)
{
    SEE_ARROW(LK_GRANT, PARTY_LOCKS, PARTY_LOCKS, CORE, .key = W("dev_server"), .owner = W(owner),
              .token = token, .until = until_us, .lock = W("dev_server:box"));
}

static void release(const char *owner, int64_t token)
{
    SEE(LK_RELEASE, PARTY_LOCKS, .key = W("dev_server"), .owner = W(owner), .token = token,
        .lock = W("dev_server:box"));
}

static void two_holders(void **state)
{
    (void)state;
    begin();
    grant("a", 1, 5000000);
    stream_at_ms(4999);
    grant("b", 2, 9000000);
    stream_violates(SCN_INVARIANT_LOCKS_EXCLUDE,
                    "lock dev_server was granted to b (token 2) while a held it (token 1)");
}

static void one_holder_after_the_other(void **state)
{
    (void)state;
    begin();
    grant("a", 1, 5000000);
    release("a", 1);
    grant("b", 2, 5000000);
    stream_at_ms(5000);
    SEE(LK_EXPIRE, PARTY_LOCKS, .key = W("dev_server"), .owner = W("b"), .token = 2,
        .lock = W("dev_server:box"));
    grant("c", 3, 9000000);
    release("c", 3);
    stream_calm(75000);
    assert_null(stream_verdict());
    assert_true(stream_exercised(SCN_INVARIANT_NO_STUCK_LOCKS));
    stream_end();
}

/* At its very last instant a grant is over, whether or not the store has said so. */
static void granted_on_time(void **state)
{
    (void)state;
    begin();
    grant("a", 1, 5000000);
    stream_at_ms(5000);
    grant("b", 2, 9000000);
    stream_holds();
}

/* Two locks of one kind have the same key in scenarios, and are two. */
static void two_locks(void **state)
{
    (void)state;
    begin();
    grant("a", 1, 5000000);
    SEE_ARROW(LK_GRANT, PARTY_LOCKS, PARTY_LOCKS, CORE, .key = W("dev_server"), .owner = W("b"),
              .token = 2, .until = 5000000, .lock = W("dev_server:cabin"));
    stream_holds();
}

static void token_not_larger(void **state)
{
    (void)state;
    begin();
    grant("a", 4, 5000000);
    release("a", 4);
    grant("b", 4, 5000000);
    stream_violates(SCN_INVARIANT_LOCKS_EXCLUDE,
                    "lock dev_server was granted with token 4 after token 4");
}

/* The store forgets its newest write: the grant before comes back, by nobody's request. */
static void token_came_back(void **state)
{
    (void)state;
    begin();
    grant("a", 1, 5000000);
    release("a", 1);
    SEE(LK_GRANT, PARTY_LOCKS, .key = W("dev_server"), .owner = W("a"), .token = 1,
        .until = 5000000, .lock = W("dev_server:box"));
    stream_holds();
}

static void released_by_another(void **state)
{
    (void)state;
    begin();
    grant("a", 1, 5000000);
    release("b", 1);
    stream_violates(SCN_INVARIANT_LOCKS_EXCLUDE, "lock dev_server was released for b with token "
                                                 "1, which is not the holder's");
}

static void renewed_with_an_old_token(void **state)
{
    (void)state;
    begin();
    grant("a", 1, 5000000);
    release("a", 1);
    grant("a", 2, 5000000);
    SEE(LK_RENEW, PARTY_LOCKS, .key = W("dev_server"), .owner = W("a"), .token = 1,
        .until = 9000000, .lock = W("dev_server:box"));
    stream_violates(SCN_INVARIANT_LOCKS_EXCLUDE, "lock dev_server was renewed for a with token 1, "
                                                 "which is not the holder's");
}

static void held_after_its_time(void **state)
{
    (void)state;
    begin();
    grant("a", 1, 5000000);
    stream_calm(75000);
    stream_violates(SCN_INVARIANT_NO_STUCK_LOCKS,
                    "lock dev_server:box is still held by a (token 1), 70000ms after its time");
}

static void held_by_the_dead(void **state)
{
    (void)state;
    begin();
    grant("a", 1, 500000000);
    SEE(CORE_KILLED, CORE, .life = 1);
    SEE(CORE_RESTARTED, CORE, .life = 2);
    stream_calm(75000);
    stream_violates(SCN_INVARIANT_NO_STUCK_LOCKS,
                    "lock dev_server:box is still held by a (token 1), whose core is dead");
}

static void held_by_a_core_that_came_back(void **state)
{
    (void)state;
    begin();
    SEE(CORE_KILLED, CORE, .life = 1);
    SEE(CORE_STARTED, CORE, .life = 2);
    grant("a", 1, 500000000);
    SEE(CORE_RESTARTED, CORE, .life = 2);
    stream_calm(75000);
    stream_holds();
}

static void refuse(void)
{
    SEE(LK_REFUSE, PARTY_LOCKS, .key = W("dev_server"), .owner = W("b"), .op = W("acquire"),
        .lock = W("dev_server:box"));
}

static void never_given_up(void **state)
{
    (void)state;
    begin();
    grant("a", 1, 500000000);
    SEE(CALM, PARTY_NOBODY, .length = 75000000);
    refuse();
    stream_at_ms(75000);
    SEE(QUIESCE, PARTY_NOBODY, .length = 75000000);
    stream_violates(SCN_INVARIANT_NO_STUCK_LOCKS,
                    "lock dev_server:box was never given up by a (token 1), though others asked "
                    "for it in the calm");
}

static void given_up_at_last(void **state)
{
    (void)state;
    begin();
    grant("a", 1, 500000000);
    refuse();
    SEE(CALM, PARTY_NOBODY, .length = 75000000);
    refuse();
    release("a", 1);
    grant("b", 2, 500000000);
    stream_at_ms(75000);
    SEE(QUIESCE, PARTY_NOBODY, .length = 75000000);
    stream_holds();
}

static void no_longer_held_on_purpose(void **state)
{
    (void)state;
    begin();
    SEE_ARROW(LK_GRANT, PARTY_LOCKS, PARTY_LOCKS, CORE, .key = W("nightly"), .owner = W("a"),
              .token = 1, .until = 500000000, .lock = W("nightly"));
    SEE(LEASE_HELD, HOST, .key = W("nightly"), .token = 1);
    SEE(CALM, PARTY_NOBODY, .length = 75000000);
    SEE(LEASE_ENDED, HOST, .key = W("nightly"), .token = 1);
    SEE(LK_REFUSE, PARTY_LOCKS, .key = W("nightly"), .op = W("acquire"), .lock = W("nightly"));
    SEE(QUIESCE, PARTY_NOBODY, .length = 75000000);
    stream_violates(SCN_INVARIANT_NO_STUCK_LOCKS, "lock nightly was never given up by a (token 1), "
                                                  "though others asked for it in the calm");
}

/* The same grant is not news for a second one. */
static void told_to_two(void **state)
{
    (void)state;
    begin();
    SEE(LEASE_HELD, HOST, .key = W("nightly"), .token = 1);
    SEE(LEASE_HELD, HOST, .key = W("nightly"), .token = 1);
    stream_violates(SCN_INVARIANT_LOCKS_EXCLUDE,
                    "host was told that it holds nightly with token 1, which another one was told "
                    "before");
}

static void told_after_the_end(void **state)
{
    (void)state;
    begin();
    SEE(LEASE_HELD, HOST, .key = W("nightly"), .token = 1);
    SEE(LEASE_ENDED, HOST, .key = W("nightly"), .token = 1);
    SEE(LEASE_HELD, HOST, .key = W("nightly"), .token = 2);
    stream_holds();
}

/* Refused before the calm, or something else refused in it: nobody waits for the lock. */
static void refused_otherwise(void **state)
{
    (void)state;
    begin();
    grant("a", 1, 500000000);
    refuse();
    SEE(CALM, PARTY_NOBODY, .length = 75000000);
    SEE(LK_REFUSE, PARTY_LOCKS, .key = W("dev_server"), .owner = W("b"), .op = W("renew"),
        .lock = W("dev_server:box"));
    stream_at_ms(75000);
    SEE(QUIESCE, PARTY_NOBODY, .length = 75000000);
    stream_holds();
}

static void held_on_purpose(void **state)
{
    (void)state;
    begin();
    SEE_ARROW(LK_GRANT, PARTY_LOCKS, PARTY_LOCKS, CORE, .key = W("nightly"), .owner = W("a"),
              .token = 1, .until = 500000000, .lock = W("nightly"));
    SEE(LEASE_HELD, HOST, .key = W("nightly"), .token = 1);
    SEE(CALM, PARTY_NOBODY, .length = 75000000);
    SEE(LK_REFUSE, PARTY_LOCKS, .key = W("nightly"), .op = W("acquire"), .lock = W("nightly"));
    SEE(QUIESCE, PARTY_NOBODY, .length = 75000000);
    stream_holds();
}

/* --- sandboxes and servers --- */

static void assign(int64_t token)
{
    SEE(SB_ASSIGN, BOX, .sandbox = W("box"), .owner = W("shop"), .token = token);
}

static void spawn(int64_t instance, const char *app, int64_t token, int64_t fence)
{
    SEE(PR_SPAWN, BOX, .port = 3000, .instance = instance, .pgid = instance, .app = W(app),
        .token = token, .fence = fence, .sandbox = W("box"));
}

static void leave(int64_t instance, bool child)
{
    SEE(PR_EXIT, BOX, .port = 3000, .instance = instance, .child = child, .sandbox = W("box"));
}

static void two_servers(void **state)
{
    (void)state;
    begin();
    assign(1);
    spawn(1, "web", 1, 1);
    spawn(2, "web", 1, 2);
    stream_violates(SCN_INVARIANT_NO_DUPLICATE_SERVERS, "instance 2 of the web server was spawned "
                                                        "in box while instance 1 was alive");
}

static void two_servers_after_a_child_died(void **state)
{
    (void)state;
    begin();
    spawn(1, "web", 1, 1);
    SEE(PR_CHILD, BOX, .instance = 1, .sandbox = W("box"));
    leave(1, true);
    spawn(2, "web", 1, 2);
    stream_violates(SCN_INVARIANT_NO_DUPLICATE_SERVERS, "instance 2 of the web server was spawned "
                                                        "in box while instance 1 was alive");
}

static void one_server_after_the_other(void **state)
{
    (void)state;
    begin();
    assign(1);
    spawn(1, "web", 1, 1);
    spawn(2, "mobile", 1, 1);
    leave(1, false);
    spawn(3, "web", 1, 2);
    stream_calm(75000);
    stream_holds();
}

static void spawned_by_a_former_owner(void **state)
{
    (void)state;
    begin();
    assign(1);
    assign(2);
    spawn(1, "web", 1, 1);
    stream_violates(SCN_INVARIANT_NO_DUPLICATE_SERVERS,
                    "instance 1 was spawned in box with assignment token 1; the current one is 2");
}

static void spawned_with_an_old_lease(void **state)
{
    (void)state;
    begin();
    spawn(1, "web", 1, 7);
    leave(1, false);
    spawn(2, "web", 1, 6);
    stream_violates(SCN_INVARIANT_LOCKS_EXCLUDE,
                    "instance 2 was spawned in box with lease token 6 after one with token 7");
}

static void idle(void **state)
{
    (void)state;
    begin();
    assign(1);
    spawn(1, "web", 1, 1);
    stream_at_ms(5000);
    leave(1, false);
    stream_calm(40000);
    stream_violates(SCN_INVARIANT_NO_IDLE_SANDBOX,
                    "sandbox box belongs to shop (token 1), and nothing has run in it for 40s");
}

static void idle_for_a_while(void **state)
{
    (void)state;
    begin();
    assign(1);
    stream_calm(39999);
    stream_holds();
}

static void not_idle(void **state)
{
    (void)state;
    begin();
    assign(1);
    spawn(1, "web", 1, 1);
    SEE(SB_ASSIGN, BOX, .sandbox = W("cabin"), .owner = W("shop"), .token = 1);
    SEE(SB_RELEASE, BOX, .sandbox = W("cabin"), .owner = W("shop"), .token = 2);
    SEE(SB_ASSIGN, BOX, .sandbox = W("hut"), .owner = W("shop"), .token = 1);
    SEE(SB_DESTROY, BOX, .sandbox = W("hut"), .token = 1);
    stream_calm(75000);
    stream_holds();
}

/* --- what a program is told of its leases --- */

static void ask(int64_t wait_us)
{
    SEE(LEASE_CALL, HOST, .key = W("nightly"), .wait = wait_us, .ttl = 5000000);
}

static void hold(int64_t token)
{
    SEE(LEASE_HELD, HOST, .key = W("nightly"), .token = token);
}

static void expire(int64_t token)
{
    SEE(LK_EXPIRE, PARTY_LOCKS, .key = W("nightly"), .owner = W("a"), .token = token,
        .lock = W("nightly"));
}

static void grant_nightly(int64_t token, int64_t until_us)
{
    SEE_ARROW(LK_GRANT, PARTY_LOCKS, PARTY_LOCKS, CORE, .key = W("nightly"), .owner = W("a"),
              .token = token, .until = until_us, .lock = W("nightly"));
}

static void loss_that_nobody_told(void **state)
{
    (void)state;
    begin();
    ask(0);
    grant_nightly(1, 5000000);
    hold(1);
    stream_at_ms(5000);
    expire(1);
    stream_violates(SCN_INVARIANT_LEASES_IN_TIME,
                    "host counts on lease nightly (token 1), whose time is over: nobody told it");
}

static void loss_that_was_told(void **state)
{
    (void)state;
    begin();
    ask(0);
    grant_nightly(1, 5000000);
    hold(1);
    /* Nobody answers. */
    SEE_ARROW(STORE_CALL, PARTY_LOCKS, CORE, PARTY_LOCKS, .op = W("renew"), .key = W("nightly"));
    stream_at_ms(4500);
    SEE(LEASE_LOST, HOST, .key = W("nightly"), .token = 1);
    stream_at_ms(5000);
    expire(1);
    stream_holds();
}

static void loss_before_its_time(void **state)
{
    (void)state;
    begin();
    ask(0);
    grant_nightly(1, 5000000);
    hold(1);
    stream_at_ms(4999);
    expire(1);
    stream_holds();
}

static void answer_after_its_time(void **state)
{
    (void)state;
    begin();
    ask(2000000);
    stream_at_ms(2001);
    SEE(LEASE_REFUSED, HOST, .key = W("nightly"), .wait = 2000000, .code = W("expired"));
    stream_violates(SCN_INVARIANT_LEASES_IN_TIME,
                    "host was answered about lease nightly 1ms after it would wait for it");
}

static void answer_in_time(void **state)
{
    (void)state;
    begin();
    grant_nightly(1, 5000000);
    ask(2000000);
    stream_at_ms(2000);
    SEE(LEASE_REFUSED, HOST, .key = W("nightly"), .wait = 2000000, .code = W("expired"));
    stream_holds();
}

static void call_locks(void)
{
    SEE_ARROW(STORE_CALL, PARTY_LOCKS, CORE, PARTY_LOCKS, .op = W("release"), .key = W("nightly"),
              .call = 1);
}

static void give_back(const char *code)
{
    begin();
    ask(0);
    grant_nightly(1, 5000000);
    hold(1);
    SEE(LEASE_RETURN, HOST, .key = W("nightly"), .token = 1);
    if (code != NULL) call_locks();
    stream_at_ms(1000);
    if (code != NULL)
        SEE_ARROW(STORE_REPLY, PARTY_LOCKS, PARTY_LOCKS, CORE, .op = W("release"),
                  .key = W("nightly"), .call = 1, .code = W(code));
    stream_at_ms(code != NULL && strcmp(code, "ok") != 0 ? 3000 : 1010);
    SEE_ARROW(LK_RELEASE, PARTY_LOCKS, CORE, PARTY_LOCKS, .key = W("nightly"), .owner = W("a"),
              .token = 1, .lock = W("nightly"));
    SEE(LEASE_ENDED, HOST, .key = W("nightly"), .token = 1);
}

static void kept_waiting_by_nobody(void **state)
{
    (void)state;
    give_back(NULL);
    stream_violates(SCN_INVARIANT_LEASES_IN_TIME,
                    "host was kept waiting for 1010ms by nobody when it gave back lease nightly");
}

static void kept_waiting_by_the_store(void **state)
{
    (void)state;
    give_back("ok");
    stream_holds();
    give_back("unknown");
    stream_holds();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loss_that_nobody_told),
        cmocka_unit_test(loss_that_was_told),
        cmocka_unit_test(loss_before_its_time),
        cmocka_unit_test(answer_after_its_time),
        cmocka_unit_test(answer_in_time),
        cmocka_unit_test(kept_waiting_by_nobody),
        cmocka_unit_test(kept_waiting_by_the_store),
        cmocka_unit_test(two_holders),
        cmocka_unit_test(one_holder_after_the_other),
        cmocka_unit_test(granted_on_time),
        cmocka_unit_test(two_locks),
        cmocka_unit_test(token_not_larger),
        cmocka_unit_test(token_came_back),
        cmocka_unit_test(released_by_another),
        cmocka_unit_test(told_to_two),
        cmocka_unit_test(told_after_the_end),
        cmocka_unit_test(renewed_with_an_old_token),
        cmocka_unit_test(held_after_its_time),
        cmocka_unit_test(held_by_the_dead),
        cmocka_unit_test(held_by_a_core_that_came_back),
        cmocka_unit_test(never_given_up),
        cmocka_unit_test(given_up_at_last),
        cmocka_unit_test(no_longer_held_on_purpose),
        cmocka_unit_test(refused_otherwise),
        cmocka_unit_test(held_on_purpose),
        cmocka_unit_test(two_servers),
        cmocka_unit_test(two_servers_after_a_child_died),
        cmocka_unit_test(one_server_after_the_other),
        cmocka_unit_test(spawned_by_a_former_owner),
        cmocka_unit_test(spawned_with_an_old_lease),
        cmocka_unit_test(idle),
        cmocka_unit_test(idle_for_a_while),
        cmocka_unit_test(not_idle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
