/* What a core tells about itself, and what it is asked to end: each promise broken once, and near
 * misses. */
#include "session_types.h"
#include "tests/check/stream.h"

enum { CORE = PARTY_CORE };

static void tell(int64_t told, int64_t least, int64_t most)
{
    SEE(REPORTED, CORE, .what = W("open connections"), .told = told, .least = least,
        .most = most);
}

static void more_than_there_are(void **state)
{
    (void)state;
    stream_begin_session("");
    tell(3, 1, 2);
    stream_violates(SCN_INVARIANT_REPORTS_ARE_TRUE,
                    "core tells of itself: open connections: 3; it is at most 2");
}

static void fewer_than_there_are(void **state)
{
    (void)state;
    stream_begin_session("");
    tell(0, 1, 2);
    stream_violates(SCN_INVARIANT_REPORTS_ARE_TRUE,
                    "core tells of itself: open connections: 0; it is at least 1");
}

/* Values that have words are told by them. */
static void told_in_words(void **state)
{
    (void)state;
    stream_begin_session("");
    SEE(REPORTED, CORE, .what = W("whether a page was trimmed"), .told = 1);
    stream_violates(SCN_INVARIANT_REPORTS_ARE_TRUE,
                    "core tells of itself, whether a page was trimmed: yes; it is no");
    stream_begin_session("");
    SEE(REPORTED, CORE, .what = W("the answer to one run too many"), .least = CORE_LIMIT,
        .most = CORE_LIMIT);
    stream_violates(SCN_INVARIANT_REPORTS_ARE_TRUE,
                    "core tells of itself: the answer to one run too many: ok; it is limit");
    stream_begin_session("");
    tell(71, 72, 72);
    stream_violates(SCN_INVARIANT_REPORTS_ARE_TRUE,
                    "core tells of itself: open connections: 71; it is 72");
}

static void as_many_as_there_are(void **state)
{
    (void)state;
    stream_begin_session("");
    tell(1, 1, 2);
    tell(2, 1, 2);
    assert_null(stream_verdict());
    assert_true(stream_exercised(SCN_INVARIANT_REPORTS_ARE_TRUE));
    stream_end();
}

/* --- answers --- */

static const char program[] =
    "core one two\n"
    "backend api session=s1 via=one\n"
    "  wait 1s\n"
    "  want: ensure port=3000\n"
    "  key:  lease nightly wait=60s hold=10s\n"
    "tab left session=s1\n"
    "  connect\n"
    "check\n"
    "  on reports_are_true\n";

enum { WAITING, ENSURE, LEASE };

static void call(int64_t step)
{
    stream_begin(program);
    SEE(STEP_BEGIN, FIRST, .step = step, .occurrence = 1);
}

static void answer_that_never_comes(void **state)
{
    (void)state;
    call(ENSURE);
    stream_calm(150000);
    stream_violates(SCN_INVARIANT_NO_STUCK_WAITERS,
                    "api has waited for the answer to its 'ensure' for 150s");
}

static void answer_that_may_still_come(void **state)
{
    (void)state;
    call(ENSURE);
    stream_calm(149999);
    stream_holds();
}

static void answer_that_came(void **state)
{
    (void)state;
    call(ENSURE);
    SEE(STEP_END, FIRST, .step = ENSURE, .occurrence = 1);
    stream_calm(150000);
    stream_holds();
}

static void lease_that_is_waited_for(void **state)
{
    (void)state;
    call(LEASE);
    stream_calm(219999);
    stream_holds();
    call(LEASE);
    stream_calm(220000);
    stream_violates(SCN_INVARIANT_NO_STUCK_WAITERS,
                    "api has waited for the answer to its 'lease' for 220s");
}

static void who_only_waits_calls_nobody(void **state)
{
    (void)state;
    call(WAITING);
    stream_calm(220000);
    stream_holds();
}

static void caller_that_died(void **state)
{
    (void)state;
    call(ENSURE);
    SEE(CORE_KILLED, CORE, .life = 1);
    stream_calm(150000);
    stream_holds();
    call(ENSURE);
    SEE(CORE_KILLED, CORE + 1, .life = 1);
    stream_calm(150000);
    stream_violates(SCN_INVARIANT_NO_STUCK_WAITERS,
                    "api has waited for the answer to its 'ensure' for 150s");
}

/* --- an end that is none --- */

static void threads_that_go_round(void **state)
{
    struct world_result result = { .end = WORLD_CUT, .steps = 5000, .spins = true };
    (void)state;
    stream_begin(program);
    stream_at_ms(1200);
    const struct check_violation *violation = check_end(stream_set(), &result, NULL);
    assert_non_null(violation);
    assert_int_equal(violation->property, SCN_INVARIANT_NO_STUCK_WAITERS);
    stream_end();
}

static void a_bound_is_no_failure(void **state)
{
    struct world_result result = { .end = WORLD_CUT, .steps = 5000 };
    (void)state;
    stream_begin(program);
    assert_null(check_end(stream_set(), &result, NULL));
    stream_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answer_that_never_comes),
        cmocka_unit_test(answer_that_may_still_come),
        cmocka_unit_test(answer_that_came),
        cmocka_unit_test(lease_that_is_waited_for),
        cmocka_unit_test(who_only_waits_calls_nobody),
        cmocka_unit_test(caller_that_died),
        cmocka_unit_test(threads_that_go_round),
        cmocka_unit_test(a_bound_is_no_failure),
        cmocka_unit_test(more_than_there_are),
        cmocka_unit_test(fewer_than_there_are),
        cmocka_unit_test(told_in_words),
        cmocka_unit_test(as_many_as_there_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
