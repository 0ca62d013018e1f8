/* OpenMP: each topic holds; with "broken", the mistake beside it is found. */
#include <assert.h>
#include <omp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { COUNT = 12 };

static bool broken;

static void reduction(void)
{
    int sum = 0, plain = 0;
#pragma omp parallel for num_threads(2) reduction(+ : sum)
    for (int i = 0; i < COUNT; i++) {
        sum += i;
        if (broken) plain++;
    }
    assert(sum == COUNT * (COUNT - 1) / 2);
}

/* A piece of a loop is no order among threads: who takes the next one knows nothing of the last. */
static void pieces(void)
{
    int cells[COUNT + 1] = {0};
#pragma omp parallel for num_threads(2) schedule(dynamic, 4)
    for (int i = 0; i < COUNT; i++) cells[i] = cells[broken ? i + 1 : i] + 1;
    assert(cells[0] > 0);
}

static void schedules(void)
{
    int seen[COUNT] = {0}, order = 0, last = -1;
#pragma omp parallel num_threads(2)
    {
#pragma omp for schedule(static, 5) nowait
        for (int i = 0; i < COUNT; i++) seen[i]++;
#pragma omp for ordered schedule(dynamic, 2) lastprivate(last)
        for (long i = COUNT - 1; i >= 0; i -= 2) {
            last = (int)i;
#pragma omp ordered
            assert(order++ == (COUNT - 1 - i) / 2);
        }
#pragma omp for schedule(guided, 2)
        for (unsigned i = 0; i < COUNT; i++) {
#pragma omp atomic
            seen[i % 3]++;
        }
#pragma omp for schedule(runtime)
        for (unsigned long i = 0; i < COUNT; i++) seen[i]++;
    }
    int total = 0;
    for (int i = 0; i < COUNT; i++) total += seen[i];
    assert(total == 3 * COUNT && order == COUNT / 2 && last == 1);
}

static void sharing(void)
{
    int inside = 0, once = 0, seen = 0;
#pragma omp parallel num_threads(3)
    {
        int value = 0;
#pragma omp single copyprivate(value)
        {
            once++;
            value = 7;
        }
#pragma omp critical(door)
        inside += value;
#pragma omp barrier
#pragma omp master
        seen = inside;
        if (!broken) {
#pragma omp barrier
        }
        assert(seen == 21);
    }
    assert(once == 1);
}

static int fibonacci(int n)
{
    int one, two;
    if (n < 2) return n;
#pragma omp task shared(one) firstprivate(n)
    one = fibonacci(n - 1);
    two = fibonacci(n - 2);
    if (!broken) {
#pragma omp taskwait
    }
    two += one;
#pragma omp taskwait
    return two;
}

static void tasks(void)
{
    int result = 0;
#pragma omp parallel num_threads(2)
#pragma omp single
    result = fibonacci(4);
    assert(result == 3);
}

static void depends(void)
{
    int first = 0, second = 0, cells[COUNT] = {0};
#pragma omp parallel num_threads(2)
#pragma omp single
    {
#pragma omp task depend(out : first)
        first = 1;
        if (broken) {
#pragma omp task shared(first, second)
            second = first + 1;
        } else {
#pragma omp task depend(in : first) depend(out : second)
            second = first + 1;
        }
#pragma omp taskwait depend(in : second)
#pragma omp taskloop grainsize(5) shared(cells)
        for (int i = 0; i < COUNT; i++) cells[i]++;
        for (int i = 0; i < COUNT; i++) assert(cells[i] == 1);
    }
    assert(first == 1 && second == 2);
}

static void objects(void)
{
    int first = 0, second = 0;
    omp_depend_t object;
#pragma omp depobj(object) depend(inout : first)
#pragma omp parallel num_threads(2)
#pragma omp single
    {
#pragma omp task depend(depobj : object) shared(first)
        first = 1;
#pragma omp task depend(in : first) shared(first, second)
        second = first + 1;
    }
#pragma omp depobj(object) destroy
    assert(second == 2);
}

static void take_both(omp_lock_t *one, omp_lock_t *two)
{
    omp_set_lock(one);
    omp_set_lock(two);
    omp_unset_lock(two);
    omp_unset_lock(one);
}

static void locks(void)
{
    omp_lock_t one, two;
    omp_nest_lock_t nest;
    omp_init_lock(&one);
    omp_init_lock(&two);
    omp_init_nest_lock(&nest);
#pragma omp parallel sections num_threads(2)
    {
#pragma omp section
        take_both(&one, &two);
#pragma omp section
        take_both(broken ? &two : &one, broken ? &one : &two);
    }
    assert(omp_test_nest_lock(&nest) == 1 && omp_test_nest_lock(&nest) == 2);
    omp_unset_nest_lock(&nest);
    omp_unset_nest_lock(&nest);
    omp_destroy_nest_lock(&nest);
    omp_destroy_lock(&two);
    omp_destroy_lock(&one);
}

static void nested(void)
{
    int levels = 0;
    assert(omp_get_num_threads() == 1 && omp_get_level() == 0 && !omp_in_parallel());
    omp_set_max_active_levels(2);
#pragma omp parallel num_threads(2) reduction(+ : levels)
    {
        int mine = 0, id = omp_get_thread_num();
#pragma omp parallel num_threads(2) reduction(+ : mine)
        {
            assert(omp_get_ancestor_thread_num(1) == id && omp_get_team_size(1) == 2);
            mine += omp_get_level();
        }
        levels += mine;
    }
    assert(levels == 8);
}

/* More of them than there may be threads, which keep what is their own. */
static int regions_seen;
#pragma omp threadprivate(regions_seen)

static void regions(void)
{
    enum { REGIONS = 600 };
    int sum = 0;
    for (int i = 0; i < REGIONS; i++) {
#pragma omp parallel num_threads(2)
        assert(regions_seen++ == i);
    }
#pragma omp parallel num_threads(2) reduction(+ : sum)
    sum += regions_seen;
    assert(sum == 2 * REGIONS);
}

/* As the environment says, in whatever letters. */
static void settings(void)
{
    omp_sched_t kind;
    int chunk;
    omp_get_schedule(&kind, &chunk);
    assert(kind == omp_sched_static && chunk == 3 && omp_get_max_active_levels() > 1);
}

static const struct topic {
    const char *name;
    void (*run)(void);
} topics[] = {
    {"reduction", reduction}, {"pieces", pieces}, {"schedules", schedules}, {"sharing", sharing},
    {"tasks", tasks}, {"depends", depends}, {"locks", locks}, {"nested", nested},
    {"regions", regions}, {"objects", objects}, {"settings", settings},
};

int main(int count, char **arguments)
{
    broken = count > 2 && strcmp(arguments[2], "broken") == 0;
    for (size_t i = 0; count > 1 && i < sizeof topics / sizeof *topics; i++) {
        if (strcmp(arguments[1], topics[i].name) == 0) topics[i].run();
    }
    return 0;
}
