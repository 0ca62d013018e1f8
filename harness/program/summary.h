/* What a program has found out, for machines: HARNESS_JSON and HARNESS_JUNIT. */
#ifndef HARNESS_PROGRAM_SUMMARY_H
#define HARNESS_PROGRAM_SUMMARY_H

#include "reports/report.h"
#include "tell.h"

/* Writes what there is before anything was explored, so that nobody takes an older file for that of
 * this run. False: stderr says what cannot be written. */
bool summary_begin(void);

/* An exploration has ended as `shared` tells (course.h); `failed`: with a failure, that
 * shared->screen shows. `text` (may be NULL) says why there is no other verdict. Adds it to what
 * was explored before, and writes the files. Returns the exit status: `status`, unless they cannot
 * be written. */
int summary_end(int status, enum report_verdict verdict, const char *text,
                const struct tell *tell, bool failed);

/* Of an exploration in which nothing failed: PASS, or INCONCLUSIVE, which *doubt explains. If
 * `out` is not NULL, prints the line that says so. */
enum report_verdict summary_judge(FILE *out, const struct tell *tell, const char **doubt);

#endif
