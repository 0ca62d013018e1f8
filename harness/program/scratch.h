/* Names that nobody else has. */
#ifndef HARNESS_PROGRAM_SCRATCH_H
#define HARNESS_PROGRAM_SCRATCH_H

/* Before every execution: the same names in the same order. */
void scratch_begin(void);

#endif
