/* How a failure was found, and how often it would come back. */
#include "report.h"

#include <inttypes.h>
#include <math.h>

void report_origin(const struct report *report, char *out, size_t size)
{
    const struct report_failure *failure = report->failure;
    uint32_t left = cost_choices(&failure->cost), found = failure->choices_found;
    char worst[64], shrunk[32] = "", seed[32] = "", ended[96] = "";

    if (report->live != NULL) {
        snprintf(out, size, "live run %" PRIu64 ", seed %" PRIu64 ", speed %s", report->live->runs,
                 report->live->seed, report->live->speed);
        return;
    }
    cost_write(&failure->cost, worst, sizeof worst);
    if (failure->strategy == NULL) {
        snprintf(out, size, "%s%s; %u choice%s%s", failure->corpus ? "replayed from " : "replayed",
                 failure->corpus ? failure->corpus : "", left, left == 1 ? "" : "s", worst);
        return;
    }
    /* The default schedule has none. */
    if (failure->run > 0) snprintf(seed, sizeof seed, " seed=%" PRIu64, failure->seed);
    if (left != found) snprintf(shrunk, sizeof shrunk, ", shrunk to %u", left);
    if (failure->ended_after > 0) {
        snprintf(ended, sizeof ended, "; shrinking ended after %u executions of %.1f million "
                 "accesses each", failure->ended_after, (double)failure->accesses / 1e6);
    }
    snprintf(out, size, "run %" PRIu64 " of %" PRIu64 ", %s%s; %u choice%s%s%s%s",
             failure->run + 1, report->runs_max, failure->strategy, seed, found,
             found == 1 ? "" : "s", shrunk, worst, ended);
}

void report_fix(const struct report *report, char *out, size_t size)
{
    uint64_t runs = report->failure->clean_runs;

    out[0] = '\0';
    if (runs > 0)
        snprintf(out, size, "%" PRIu64 " runs in a row that hold would show a fix (99 %% sure)",
                 runs);
}

/* Each of them holds with probability 1 - 1 / n; so many do by chance in one case of a hundred. */
uint64_t report_clean_runs(uint64_t run)
{
    if (run == 0) return 0;
    return (uint64_t)ceil(log(0.01) / log1p(-1.0 / ((double)run + 1)));
}
