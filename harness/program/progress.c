#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "course.h"
#include "reports/report.h"

enum { TICKS_A_SECOND = 1000 / WORKER_TICK_MS, SOON = 10, LONG = 120 };

static bool wanted;
static const char *doing;
static uint64_t ticks; /* since the exploration began */
static bool shown;

void progress_begin(void)
{
    wanted = isatty(STDERR_FILENO);
}

/* How long it goes on, where that is worth a word, and how to have it shorter where it is long. */
static void tell_rest(uint64_t runs, uint64_t all, char *out, size_t bytes)
{
    uint64_t seconds = ticks / TICKS_A_SECOND;
    out[0] = '\0';
    if (seconds < 2 || runs == 0) return;
    uint64_t rest = (all - runs) * seconds / runs;
    if (rest < SOON) return;
    bool minutes = rest >= LONG;
    snprintf(out, bytes, ", about %" PRIu64 " %s left%s", minutes ? (rest + 30) / 60 : rest,
             minutes ? "min" : "s", minutes ? " (HARNESS_RUNS=N for fewer)" : "");
}

static void show(uint64_t runs)
{
    char line[256], rest[80];
    ticks++;
    tell_rest(runs, options.runs, rest, sizeof rest);
    if (doing) {
        snprintf(line, sizeof line, "%s", doing);
    } else {
        snprintf(line, sizeof line, "%" PRIu64 " of %" PRIu64 " runs%s", runs, options.runs, rest);
    }
    report_progress_line(stderr, line);
    shown = true;
}

static void tick(void *argument)
{
    (void)argument;
    show(shared->tally.stats.runs);
}

static void tick_crew(void *context, uint64_t runs)
{
    (void)context;
    show(shared->tally.stats.runs + runs);
}

progress_tick progress_of_crew(void)
{
    doing = NULL;
    return wanted ? tick_crew : NULL;
}

void progress_end(void)
{
    if (shown) report_progress_erase(stderr);
    shown = false;
}

struct worker_result progress_work(int (*body)(void *), const char *what)
{
    doing = what;
    struct worker_result result = worker_run(body, NULL, wanted ? tick : NULL, NULL);
    progress_end();
    return result;
}
