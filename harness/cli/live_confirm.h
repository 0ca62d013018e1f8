/* harness live --confirm: where a thread of a daemon has to be held back, so that it fails as a
 * simulated execution did. */
#ifndef HARNESS_CLI_LIVE_CONFIRM_H
#define HARNESS_CLI_LIVE_CONFIRM_H

#include "harness/cli/options.h"

enum { CONFIRM_RANGES_MAX = 8192, CONFIRM_TEXT_MAX = 4096 };

struct confirm {
    char ranges[CONFIRM_RANGES_MAX]; /* as harness/live/hold.c reads them */
    char text[CONFIRM_TEXT_MAX];     /* lines: who is held back; or why nobody can be */
};

/* Executes the token of --confirm in the simulation, and looks for the pair of steps whose order
 * decides. The second one, in the order that fails, is what is held back. False: confirm->text says
 * why that is not possible. */
bool confirm_find(struct confirm *confirm, const char *path, const struct cli_options *words,
                  const char *daemon);

#endif
