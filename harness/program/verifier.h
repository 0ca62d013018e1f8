/* Programs in the manner of the Competition on Software Verification. */
#ifndef HARNESS_PROGRAM_VERIFIER_H
#define HARNESS_PROGRAM_VERIFIER_H

#include <stdbool.h>

#include "harness/world/world.h"

/* Before every execution. */
void verifier_begin(void);

/* Whether abort() was called by assume_abort_if_not(), as programs without an assumption of their
 * verifier define it: such an execution is of no interest. */
bool verifier_assumes(const struct world_finding *finding);

#endif
