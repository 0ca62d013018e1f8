/* The daemon without its process: the core, its ports and the transport, from options. */
#ifndef SESSIOND_SERVICE_H
#define SESSIOND_SERVICE_H

#include "sessiond/agents.h"
#include "sessiond/journal.h"
#include "sessiond/options.h"

enum { SERVICE_PROBLEM_MAX = 768 };

struct service;

/*
 * Opens the stores, starts the core, and listens. NULL, with a sentence in `problem` and nothing
 * left behind, if one of them cannot. Options and log must outlive the service. SIGPIPE must be
 * ignored.
 */
struct service *service_start(const struct options *options, struct journal *log,
                              char problem[SERVICE_PROBLEM_MAX]);

/* The port that it listens on. */
uint16_t service_port(const struct service *service);

/* Reads the files of tokens again. False, with a sentence, if that fails: the old ones stay. */
bool service_reload(struct service *service, char problem[SERVICE_PROBLEM_MAX]);

/*
 * Takes no new work, lets agents end for drain_time, ends everything, and frees it. False if an
 * agent had to be waited for longer.
 */
bool service_stop(struct service *service);

/*
 * Kills what the service of these options runs outside of this process, which is about to end at
 * once. Any thread, also while the service is stopped.
 */
void service_abandon(const struct options *options);

/*
 * Writes the core's trace into the file of the option `trace`, anew, for its owner alone. False:
 * `problem` is a sentence.
 */
bool service_trace(struct service *service, char problem[SERVICE_PROBLEM_MAX]);

/* Everything that /metrics tells, in the text format of Prometheus; malloc. NULL: out of memory. */
char *service_metrics(struct service *service, size_t *length);

/* The text for /settings, allocated by malloc; NULL without memory. Any thread. */
char *service_settings(struct service *service, size_t *length);

#endif
