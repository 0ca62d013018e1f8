/*
 * Agents as programs: the runner starts a command for each run and speaks JSON lines with it
 * (docs/SESSIOND.md, *Agents*). The command, and everything it started, is gone when the run ends.
 */
#ifndef SESSIOND_AGENTS_H
#define SESSIOND_AGENTS_H

#include "sessiond/journal.h"
#include "sessiond/options.h"

struct agents;

struct agents_stats {
    uint64_t started, completed, stopped, failed, running;
};

/* The options and the log must outlive the runner. NULL: out of memory. */
struct agents *agents_new(const struct options *options, struct journal *log);

/* After the core was destroyed. NULL is allowed. */
void agents_free(struct agents *agents);

struct agent_runner_port agents_port(struct agents *agents);

/* The core that the runs belong to; before core_start. */
void agents_attach(struct agents *agents, struct core *core);

/* KILL to every agent of this process, without waiting: for one that must end at once. */
void agents_abandon(void);

/* Kills the agents of daemons that were killed themselves. How many daemons that were. */
size_t agents_sweep(void);

void agents_stats(struct agents *agents, struct agents_stats *stats);

#endif
