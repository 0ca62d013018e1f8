/* Statistics of several parts, put together; apart from sets, because reports of programs need no
 * more than this. */
#include "harness/check/check.h"

void check_stats_add(struct check_stats *sum, const struct check_stats *more)
{
    sum->runs += more->runs;
    sum->judged += more->judged;
    for (uint32_t i = 0; i < SCN_INVARIANT_COUNT; i++) sum->exercised[i] += more->exercised[i];
    for (uint32_t i = 0; i < CHECK_PROPERTY_COUNT; i++) sum->violated[i] += more->violated[i];
    for (uint32_t i = 0; i < SCN_CHECKS_MAX; i++) sum->reached[i] += more->reached[i];
    for (uint32_t i = 0; i < SCN_FAULTS_MAX; i++) sum->struck[i] += more->struck[i];
    for (uint32_t i = 0; i < CHECK_WINDOWS_MAX; i++) sum->windows[i] |= more->windows[i];
}
