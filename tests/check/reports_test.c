/* What a core tells about itself, and what it is asked to end: each promise broken once, and near
 * misses. */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(more_than_there_are),
        cmocka_unit_test(fewer_than_there_are),
        cmocka_unit_test(as_many_as_there_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
