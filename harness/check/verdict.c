/* From what all runs have shown to one word about the file, and the reasons for it. */
#include "harness/check/internal.h"
#include "harness/check/require.h"
#include "harness/scenario/scenario.h"

#include <stdarg.h>
#include <string.h>

static void reason(struct check_verdict *verdict, enum check_outcome outcome,
                   struct scn_place place, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Violated outweighs inconclusive, whichever comes first. */
static void reason(struct check_verdict *verdict, enum check_outcome outcome,
                   struct scn_place place, const char *format, ...)
{
    va_list arguments;

    if (verdict->outcome != CHECK_VIOLATED) verdict->outcome = outcome;
    if (verdict->reason_count == CHECK_REASONS_MAX) {
        verdict->reasons_left_out++;
        return;
    }
    struct check_reason *it = &verdict->reasons[verdict->reason_count++];
    it->place = place;
    va_start(arguments, format);
    (void)vsnprintf(it->text, sizeof it->text, format, arguments);
    va_end(arguments);
}

static uint32_t property_of_bug(const struct scn_check *bug)
{
    return bug->invariant >= 0 ? (uint32_t)bug->invariant
                               : (uint32_t)CHECK_FILE + (uint32_t)bug->bug_check;
}

static bool is_sometimes(const struct check_set *set, uint32_t property)
{
    return property >= CHECK_FILE && property < CHECK_SCRIPT &&
           set->file->checks[property - CHECK_FILE].kind == SCN_CHECK_SOMETIMES;
}

/* A bug in a `sometimes` is that it is never reached. */
static bool is_violated(const struct check_set *set, const struct check_stats *stats,
                        uint32_t property)
{
    if (is_sometimes(set, property)) return stats->reached[property - CHECK_FILE] == 0;
    return stats->violated[property] > 0;
}

static void judge_bugs(const struct check_set *set, const struct check_stats *stats,
                       struct check_verdict *verdict)
{
    for (uint32_t i = 0; i < set->file->check_count; i++) {
        const struct scn_check *check = &set->file->checks[i];
        if (check->kind != SCN_CHECK_KNOWN_BUG) continue;
        if (is_violated(set, stats, property_of_bug(check))) continue;
        reason(verdict, CHECK_VIOLATED, check->place, "fixed: remove line %u (%s, %s)",
               check->place.line,
               check->invariant >= 0 ? scn_invariant_word((enum scn_invariant)check->invariant)
                                     : set->file->checks[check->bug_check].name,
               check->reason);
    }
}

static void judge_reached(const struct check_set *set, const struct check_stats *stats,
                          struct check_verdict *verdict)
{
    for (uint32_t i = 0; i < set->file->check_count; i++) {
        const struct scn_check *check = &set->file->checks[i];
        if (check->kind == SCN_CHECK_SOMETIMES && stats->reached[i] == 0 &&
            !set->known[CHECK_FILE + i])
            reason(verdict, CHECK_INCONCLUSIVE, check->place, "%s: never reached", check->text);
        if (check->kind == SCN_CHECK_ON && stats->exercised[check->invariant] == 0)
            reason(verdict, CHECK_INCONCLUSIVE, check->place,
                   "on %s: no run did anything that it judges",
                   scn_invariant_word((enum scn_invariant)check->invariant));
    }
    for (uint32_t i = 0; i < set->window_count; i++)
        if (stats->windows[i] == 0)
            reason(verdict, CHECK_INCONCLUSIVE, set->windows[i].place,
                   "during %s: that window never opened", set->windows[i].text);
}

static bool line_has_reason(const struct check_verdict *verdict, uint32_t line)
{
    for (uint32_t i = 0; i < verdict->reason_count; i++)
        if (verdict->reasons[i].place.line == line) return true;
    return false;
}

/* Without `may` it must happen. Where its window never opened, that was said already. */
static void judge_faults(const struct check_set *set, const struct check_stats *stats,
                         struct check_verdict *verdict)
{
    for (uint32_t i = 0; i < set->file->fault_count; i++) {
        const struct scn_fault *fault = &set->file->faults[i];
        if (fault->may || stats->struck[i] > 0) continue;
        if (line_has_reason(verdict, fault->place.line)) continue;
        reason(verdict, CHECK_INCONCLUSIVE, fault->place, "%s %s%s%s never struck",
               scn_fault_word(fault->kind), fault->target.text, fault->linked ? "->" : "",
               fault->linked ? fault->target_to.text : "");
    }
}

/* Which bounds those are is seldom in the file. */
static void judge_ends(const struct check_set *set, struct check_verdict *verdict)
{
    static const struct scn_place nowhere = { 0, 0 };
    char time[32] = "";
    FILE *out = fmemopen(time, sizeof time, "w");

    REQUIRE(out != NULL);
    scn_write_time(out, (int64_t)set->file->explore.time_max_us);
    REQUIRE(fclose(out) == 0);
    reason(verdict, CHECK_INCONCLUSIVE, nowhere,
           "no run came to its end within its bounds: steps=%llu time=%s",
           (unsigned long long)set->file->explore.steps_max, time);
}

void check_verdict(const struct check_set *set, const struct check_stats *stats,
                   struct check_circumstances circumstances, struct check_verdict *verdict)
{
    static const struct scn_place nowhere = { 0, 0 };
    uint64_t known_runs = 0;

    memset(verdict, 0, sizeof *verdict);
    verdict->outcome = CHECK_PASSED;
    for (uint32_t i = 0; i < CHECK_PROPERTY_COUNT; i++) {
        if (set->known[i]) known_runs += stats->violated[i];
        else if (stats->violated[i] > 0) verdict->outcome = CHECK_VIOLATED;
    }
    if (circumstances.replay) return;
    if (stats->judged == 0 && known_runs == 0 && verdict->outcome == CHECK_PASSED)
        judge_ends(set, verdict);
    if (circumstances.wall_capped)
        reason(verdict, CHECK_INCONCLUSIVE, nowhere, "the cap on real time was reached");
    /* Only what ran its course can say that something is not there. */
    if (verdict->outcome != CHECK_PASSED) return;
    judge_bugs(set, stats, verdict);
    if (known_runs > 0 && stats->judged == 0) return;
    judge_reached(set, stats, verdict);
    judge_faults(set, stats, verdict);
}
