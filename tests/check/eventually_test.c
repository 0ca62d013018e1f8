/* `eventually`: what holds within a span of time after calm. */
#include "tests/check/block.h"

/* --- eventually --- */

static void eventually_never(void **state)
{
    (void)state;
    begin("  served: eventually box.servers == 1 within 0..5s\n");
    stream_at_ms(100);
    stream_calm(10000);
    stream_violates(FIRST_LINE, "box.servers == 1 did not hold within 0s..5s after calm: "
                                "box.servers was 0");
}

static void eventually_too_late(void **state)
{
    (void)state;
    begin("  eventually box.servers == 1 within 0..5s\n");
    stream_at_ms(100);
    SEE(CALM, PARTY_NOBODY, .length = 10000000);
    stream_at_ms(5101);
    spawn(3000, 1);
    stream_at_ms(10100);
    SEE(QUIESCE, PARTY_NOBODY, .length = 10000000);
    stream_violates(FIRST_LINE, "box.servers == 1 did not hold within 0s..5s after calm: "
                                "box.servers was 1");
}

static void eventually_in_time(void **state)
{
    (void)state;
    begin("  eventually box.servers == 1 within 0..5s\n");
    stream_at_ms(100);
    SEE(CALM, PARTY_NOBODY, .length = 10000000);
    stream_at_ms(5100);
    spawn(3000, 1);
    leave(3000, 1, false);
    stream_at_ms(10100);
    SEE(QUIESCE, PARTY_NOBODY, .length = 10000000);
    stream_holds();
}

static void eventually_before_calm(void **state)
{
    (void)state;
    begin("  eventually box.servers == 1 within 0..5s\n");
    spawn(3000, 1);
    stream_at_ms(100);
    stream_calm(10000);
    stream_holds();
}

static void eventually_no_more(void **state)
{
    (void)state;
    begin("  eventually box.servers == 1 within 0..5s\n");
    spawn(3000, 1);
    stream_at_ms(100);
    leave(3000, 1, false);
    stream_at_ms(200);
    stream_calm(10000);
    stream_violates(FIRST_LINE, "box.servers == 1 did not hold within 0s..5s after calm: "
                                "box.servers was 0");
}

/* 3s..5s: what holds before and not at 3 s does not count; what holds across does. */
static void eventually_not_before(void **state)
{
    (void)state;
    begin("  eventually box.servers == 1 within 3s..5s\n"
          "  eventually box.servers == 0 within 3s..5s\n");
    spawn(3000, 1);
    SEE(CALM, PARTY_NOBODY, .length = 10000000);
    stream_at_ms(2999);
    leave(3000, 1, false);
    stream_at_ms(10000);
    SEE(QUIESCE, PARTY_NOBODY, .length = 10000000);
    stream_violates(FIRST_LINE, "box.servers == 1 did not hold within 3s..5s after calm: "
                                "box.servers was 0");
}

/* A server runs from 3s to 6s after the begin; calm comes at 3s. */
static void run_into_calm(void)
{
    begin("  eventually box.servers == 1 within 0..5s\n");
    spawn(3000, 1);
    SEE(CALM, PARTY_NOBODY, .length = 10000000);
    stream_at_ms(6000);
    leave(3000, 1, false);
}

/* The calm is disturbed and begins anew: its deadlines do, too. */
static void eventually_after_the_last_calm(void **state)
{
    (void)state;
    run_into_calm();
    stream_at_ms(7000);
    stream_calm(10000);
    stream_violates(FIRST_LINE, "box.servers == 1 did not hold within 0s..5s after calm: "
                                "box.servers was 0");
}

/* Settled in the first calm, true again in between: the second calm finds it so. */
static void eventually_again_after_the_last_calm(void **state)
{
    (void)state;
    run_into_calm();
    spawn(3000, 2);
    stream_at_ms(7000);
    stream_calm(10000);
    stream_holds();
}

static void eventually_when(void **state)
{
    (void)state;
    begin("  eventually box.servers == 1 when two.killed == 0 within 0..5s\n");
    SEE(CORE_KILLED, PARTY_CORE + 1, .life = 1);
    stream_calm(10000);
    stream_holds();
}

static void eventually_when_another_core(void **state)
{
    (void)state;
    begin("  eventually box.servers == 1 when two.killed == 0 within 0..5s\n");
    SEE(CORE_KILLED, PARTY_CORE, .life = 1);
    stream_calm(10000);
    stream_violates(FIRST_LINE, "box.servers == 1 did not hold within 0s..5s after calm: "
                                "box.servers was 0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eventually_never),
        cmocka_unit_test(eventually_too_late),
        cmocka_unit_test(eventually_in_time),
        cmocka_unit_test(eventually_before_calm),
        cmocka_unit_test(eventually_no_more),
        cmocka_unit_test(eventually_not_before),
        cmocka_unit_test(eventually_after_the_last_calm),
        cmocka_unit_test(eventually_again_after_the_last_calm),
        cmocka_unit_test(eventually_when),
        cmocka_unit_test(eventually_when_another_core),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
