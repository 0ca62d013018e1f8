/* What the tests of the scenario language share. */
#ifndef TESTS_SCENARIO_SUPPORT_H
#define TESTS_SCENARIO_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs the four above. */
#include <cmocka.h>

#include "harness/scenario/scenario.h"

/* A file of the source tree, as a text that the caller frees. Fails the test if it is not there. */
char *support_read(const char *folder, const char *name);

/* Parse a text that must be right. The caller frees the file. */
const struct scn_file *support_parse(const char *path, const char *text);

/* The diagnostics of a text, printed. The caller frees them. */
char *support_diagnostics(const char *path, const char *bytes, size_t size);

/* The plan, and the canonical layout, as texts that the caller frees. */
char *support_plan(const struct scn_file *file);
char *support_format(const char *path, const char *text);

#endif
