/* What the simulated machine found, in the findings' own layout: who waits for whom, where memory
 * was allocated, where the program stood. */
#ifndef REPORTS_FINDING_H
#define REPORTS_FINDING_H

#include <stdio.h>

#include "reports/report.h"

/* True if the failure is the machine's finding rather than a broken promise of the scenario. */
bool finding_is_shown(const struct report_failure *failure);

/* True if the way to it says anything: not for a leak, which is found when all is over. */
bool finding_has_history(const struct report_failure *failure);

/* Writes the detail of the finding, its stack or the leaked blocks. Needs the execution. */
void finding_print(FILE *out, const struct report_failure *failure);

/* Writes these blocks as leaks, those of one allocation site together. */
void finding_print_blocks(FILE *out, const struct world_block *blocks, uint32_t count);

#endif
