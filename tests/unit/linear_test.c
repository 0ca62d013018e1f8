/* The search for linearizations, against all orders of small histories one by one. */
#include "harness/program/linear.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { HISTORIES = 20000, OPERATIONS = 5 };

/* A register with a counter of its writes, so that states are of several words. */
struct cell {
    int64_t value, writes;
};

static bool step(void *state, const struct harness_operation *operation)
{
    struct cell *cell = state;
    if (operation->name[0] == 'w') {
        cell->value = operation->argument;
        cell->writes++;
        return true;
    }
    return !operation->returned || operation->result == cell->value;
}

static void init(void *state)
{
    ((struct cell *)state)->value = 1;
}

static const struct harness_model model = {sizeof(struct cell), init, step};

static uint64_t chance = 1;
static uint32_t draw(uint32_t n)
{
    chance = chance * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(chance >> 33) % n;
}

/* Calls in order; each returns at some later event, or not at all. */
static uint32_t make(struct linear_operation *operations)
{
    uint32_t event = 0, made = 0, open[OPERATIONS], open_count = 0;
    while (made < OPERATIONS || open_count > 0) {
        if (made < OPERATIONS && (open_count == 0 || draw(2) == 0)) {
            struct linear_operation *operation = &operations[made];
            *operation = (struct linear_operation){.called = ++event};
            operation->name[0] = draw(2) ? 'w' : 'r';
            operation->what.argument = draw(3);
            operation->what.result = draw(3);
            open[open_count++] = made++;
            continue;
        }
        uint32_t at = draw(open_count);
        if (draw(8) > 0) operations[open[at]].returned = ++event;
        open[at] = open[--open_count];
    }
    return event;
}

/* Whether some order of those that are left goes on from that state. */
static bool try_all(const struct linear_operation *operations, uint32_t taken, struct cell state)
{
    bool all = true;
    for (uint32_t i = 0; i < OPERATIONS; i++) all &= taken >> i & 1 || !operations[i].returned;
    if (all) return true;
    for (uint32_t i = 0; i < OPERATIONS; i++) {
        bool possible = !(taken >> i & 1);
        for (uint32_t k = 0; k < OPERATIONS; k++) {
            bool waits = !(taken >> k & 1) && operations[k].returned;
            if (waits && operations[k].returned < operations[i].called) possible = false;
        }
        struct cell next = state;
        struct harness_operation what = operations[i].what;
        what.name = operations[i].name;
        what.returned = operations[i].returned != 0;
        if (possible && step(&next, &what) && try_all(operations, taken | 1u << i, next)) {
            return true;
        }
    }
    return false;
}

static void finds_what_trying_all_finds(void **state)
{
    uint32_t linearizable = 0;
    (void)state;
    for (int i = 0; i < HISTORIES; i++) {
        struct linear_operation operations[OPERATIONS];
        struct cell first = {.value = 1};
        uint32_t events = make(operations);
        bool wanted = try_all(operations, 0, first);
        assert_int_equal(linear_holds(&model, operations, OPERATIONS, events), wanted);
        linearizable += wanted;
    }
    /* Both answers must be common, or this shows nothing. */
    assert_in_range(linearizable, HISTORIES / 10, HISTORIES * 9 / 10);
}

static bool step_write(void *state, const struct harness_operation *operation)
{
    *(int64_t *)state = operation->argument;
    return true;
}

/* Where all is concurrent there are 2^20 sets of operations; but most lead to a state that was
 * seen. The last one that returned sits on top of what would be 20! orders. */
static void many_at_once(void **state)
{
    enum { MANY = 14 };
    struct linear_operation operations[MANY];
    static const struct harness_model writes = {sizeof(int64_t), NULL, step_write};
    (void)state;
    for (uint32_t i = 0; i < MANY; i++) {
        operations[i] = (struct linear_operation){.called = i + 1, .returned = MANY + i + 1};
        operations[i].what.argument = i;
    }
    assert_true(linear_holds(&writes, operations, MANY, 2 * MANY));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_trying_all_finds),
        cmocka_unit_test(many_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
