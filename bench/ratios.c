/* What a step costs, as ratios in one process: all parts are measured in alternating slices,
 * and the best slice of each counts, so that a busy machine disturbs the ratios little.
 *
 *   bare switch    two stacks that hand over to each other
 *   minimal step   choose at random among the enabled threads, switch; nothing recorded
 *   recorded step  a step of the world: choice logged, step recorded and hashed
 *   execution      of bench/increment.c, from a clean machine to its end
 *   reduced search of the same program, all of it: an execution, its races and its class; it takes
 *                  long, so of each few executions in a row the best of several searches counts */
#include "harness/explore/chance.h"
#include "harness/explore/explore.h"
#include "harness/world/image.h"
#include "harness/world/switch.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

enum { SLICES = 60, SEARCHES = 6, BLOCKS_MAX = 1024, THREADS = 2, STACK = 64 << 10 };

extern const struct image image_program;

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* --- bare switches and minimal steps --- */

static void *stacks[THREADS];
static void *pointers[THREADS + 1]; /* the last is the caller's */
static uint32_t running;
static uint64_t enabled;
static uint64_t left;
static struct chance chance;

static void hand_over(void)
{
    for (;;) {
        uint32_t self = running;
        if (left-- == 0) {
            world_switch(&pointers[self], pointers[THREADS]);
            continue;
        }
        running = self ^ 1;
        world_switch(&pointers[self], pointers[running]);
    }
}

static uint32_t nth_bit(uint64_t bits, uint32_t n)
{
    while (n-- > 0) bits &= bits - 1;
    return (uint32_t)__builtin_ctzll(bits);
}

static void choose_and_go(void)
{
    for (;;) {
        uint32_t self = running;
        if (left-- == 0) {
            world_switch(&pointers[self], pointers[THREADS]);
            continue;
        }
        uint32_t count = (uint32_t)__builtin_popcountll(enabled);
        running = nth_bit(enabled, chance_below(&chance, count));
        if (running != self) world_switch(&pointers[self], pointers[running]);
    }
}

static double time_loop(void (*entry)(void), uint64_t steps)
{
    for (int i = 0; i < THREADS; i++) pointers[i] = world_switch_prepare(stacks[i], STACK, entry);
    running = 0;
    enabled = (1u << THREADS) - 1;
    left = steps;
    chance = chance_for(1, 1);
    double start = now_s();
    world_switch(&pointers[THREADS], pointers[0]);
    return (now_s() - start) / (double)steps;
}

/* --- steps and executions of the world --- */

enum { POINTS = 20000 };

static __attribute__((noinline)) void spin_points(void *argument)
{
    (void)argument;
    for (int i = 0; i < POINTS / THREADS; i++) world_point("bench", WORLD_WRITE);
}

static void points_body(void *argument)
{
    (void)argument;
    for (int i = 1; i < THREADS; i++) world_spawn("other", WORLD_THREAD, spin_points, NULL);
    spin_points(NULL);
    world_sleep_until(1);
}

static void program_body(void *argument)
{
    int (*program)(void) = (int (*)(void))(uintptr_t)image_program.entry;
    (void)argument;
    program();
}

static double time_executions(struct strategy *strategy, void (*body)(void *), uint64_t count,
                              uint64_t *steps)
{
    *steps = 0;
    double start = now_s();
    for (uint64_t i = 0; i < count; i++) {
        strategy->begin(strategy, i);
        struct world_result result = world_run(&strategy->chooser, "main", body, NULL);
        if (result.end != WORLD_DONE) exit(1);
        *steps += result.steps;
    }
    return now_s() - start;
}

static void keep_best(double *best, double value)
{
    if (*best == 0 || value < *best) *best = value;
}

/* Executions in a row, of all searches: the same ones each time. */
struct blocks {
    double start, best[BLOCKS_MAX];
    uint32_t count;
};

static bool end_block(void *context, const struct explore_stats *stats)
{
    struct blocks *blocks = context;
    double now = now_s();
    (void)stats;
    if (blocks->count == BLOCKS_MAX) exit(1);
    keep_best(&blocks->best[blocks->count++], now - blocks->start);
    blocks->start = now;
    return true;
}

static uint64_t search_all(struct blocks *blocks)
{
    static struct explore_failure failure;
    struct explore_stats stats;
    struct explore_subject subject = {.name = "main", .body = program_body};
    struct explore_options options = {.strategy = {.kind = EXPLORE_EXHAUSTIVE},
                                      .runs_max = UINT64_MAX,
                                      .progress = end_block,
                                      .progress_context = blocks};
    blocks->count = 0;
    blocks->start = now_s();
    if (explore_run(&subject, &options, &stats, &failure) != 0 || !stats.complete) exit(1);
    end_block(blocks, &stats);
    return stats.runs;
}

/* An execution of a complete search. */
static double time_search(uint64_t *executions)
{
    static struct blocks blocks;
    double sum = 0;
    for (int i = 0; i < SEARCHES; i++) *executions = search_all(&blocks);
    for (uint32_t i = 0; i < blocks.count; i++) sum += blocks.best[i];
    return sum / (double)*executions;
}

static void report(double bare, double minimal, double step, double execution)
{
    printf("bare switch     %7.1f ns\n", bare * 1e9);
    printf("minimal step    %7.1f ns\n", minimal * 1e9);
    printf("recorded step   %7.1f ns   %5.2f minimal steps (limit 3)\n", step * 1e9,
           step / minimal);
    printf("lock/increment  %7.1f ns   %5.1f minimal steps an execution (limit 45), "
           "%.0f executions/s\n",
           execution * 1e9, execution / minimal, 1 / execution);
}

static void report_search(double minimal, double execution, uint64_t executions)
{
    printf("reduced search  %7.1f ns   %5.0f minimal steps an execution (limit 500), "
           "complete after %llu\n",
           execution * 1e9, execution / minimal, (unsigned long long)executions);
}

static void limit(bool every_release)
{
    world_limits_set(&(struct world_limits){.steps_max = 4 * POINTS,
                                            .time_max_ns = UINT64_MAX,
                                            .seed = 1,
                                            .check_memory = true,
                                            .every_release = every_release});
}

static void prepare(void)
{
    for (int i = 0; i < THREADS; i++) {
        stacks[i] = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    }
    world_init();
    world_image_add(&image_program);
    explore_log_set(NULL);
    limit(false);
}

/* With a number as its argument: only so many executions, for a profiler. */
int main(int argc, char **argv)
{
    double bare = 0, minimal = 0, step = 0, execution = 0;
    struct strategy *strategy = strategy_random(1, 0, false);
    uint64_t steps, executions;
    prepare();
    if (argc > 1) {
        time_executions(strategy, program_body, strtoull(argv[1], NULL, 10), &steps);
        return 0;
    }
    for (int slice = 0; slice < SLICES; slice++) {
        keep_best(&bare, time_loop(hand_over, 200000));
        keep_best(&minimal, time_loop(choose_and_go, 200000));
        double seconds = time_executions(strategy, points_body, 8, &steps);
        keep_best(&step, seconds / (double)steps);
        keep_best(&execution, time_executions(strategy, program_body, 5000, &steps) / 5000);
    }
    limit(true); /* as the search has it elsewhere */
    double search = time_search(&executions);
    report(bare, minimal, step, execution);
    report_search(minimal, search, executions);
    return 0;
}
