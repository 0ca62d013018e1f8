/* From a capture to a scenario. */
#ifndef HARNESS_CAPTURE_IMPORT_H
#define HARNESS_CAPTURE_IMPORT_H

#include "harness/capture/capture.h"

struct import_options {
    const char *name;           /* of the scenario */
    const char *source;         /* where it comes from, for its first line */
    const char *settings;       /* lines of core, store and clock, or NULL */
};

/* What is in the scenario. */
struct import_counts {
    uint32_t tabs, agents, backends, sessions;
    uint32_t homeless;          /* connections for which it had no room */
};

/* Writes the scenario as malloc'ed text, which parses. NULL: `problem` is a sentence: the capture
 * has no session traffic. */
char *import_scenario(const struct capture *capture, const struct import_options *options,
                      struct import_counts *counts, char problem[CAPTURE_PROBLEM_MAX]);

#endif
