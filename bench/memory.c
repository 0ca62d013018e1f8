/* Memory after many executions: bench/increment.c explored with every strategy of the
 * portfolio. Usage: memory [EXECUTIONS], a million unless given. What the process holds must
 * not grow: the table of distinct executions is bounded, and everything else begins anew. */
#include "harness/explore/explore.h"
#include "harness/world/image.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { REPORTS = 10 };

extern const struct image image_program;

static uint64_t report_every, report_next;

static uint64_t resident_kib(void)
{
    unsigned long long size, resident;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%llu %llu", &size, &resident) != 2) exit(1);
    fclose(file);
    return resident * (uint64_t)sysconf(_SC_PAGESIZE) / 1024;
}

static bool report(void *context, const struct explore_stats *stats)
{
    (void)context;
    if (stats->runs < report_next) return true;
    report_next += report_every;
    printf("%9llu executions %8llu distinct %8llu KiB\n", (unsigned long long)stats->runs,
           (unsigned long long)stats->distinct, (unsigned long long)resident_kib());
    return true;
}

static void program_body(void *argument)
{
    int (*program)(void) = (int (*)(void))(uintptr_t)image_program.entry;
    (void)argument;
    program();
}

int main(int argc, char **argv)
{
    static struct explore_failure failure;
    struct explore_stats stats;
    struct explore_subject subject = {NULL, "main", program_body, NULL, NULL};
    struct explore_options options = {.strategy = {.kind = EXPLORE_AUTO, .seed = 1},
                                      .runs_max = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000,
                                      .progress = report};
    report_every = report_next = options.runs_max / REPORTS;
    world_init();
    world_image_add(&image_program);
    explore_log_set(NULL);
    printf("%9d executions %8d distinct %8llu KiB\n", 0, 0, (unsigned long long)resident_kib());
    if (explore_run(&subject, &options, &stats, &failure) != 0) return 1;
    printf("%9llu executions %8llu distinct %8llu KiB\n", (unsigned long long)stats.runs,
           (unsigned long long)stats.distinct, (unsigned long long)resident_kib());
    return failure.id == EXPLORE_PASSED ? 0 : 1;
}
