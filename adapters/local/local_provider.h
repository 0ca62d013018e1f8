/*
 * The sandbox provider of one machine: a sandbox is a folder below a root folder, and the processes
 * that work in it: real process groups on real ports, run by sh as the daemon's own user. It keeps
 * projects apart by folder, not from a hostile program; for that, supply a provider of containers
 * or machines.
 *
 * Sandboxes outlive the program: each has a record file beside its folder. Processes do not: what
 * an earlier program left running is ended when the root is opened. A root belongs to one program
 * at a time. All sandboxes share the machine's ports: see the settings port_web and port_fallback.
 *
 * A sandbox that goes back to the pool is emptied: its processes are killed, its files removed.
 *
 * What a process finds in its environment: PORT, SESSION_SANDBOX, SESSION_OWNER, SESSION_APP. Its
 * output goes to ROOT/ID.NAME.log, a new file for each start.
 */
#ifndef ADAPTERS_LOCAL_PROVIDER_H
#define ADAPTERS_LOCAL_PROVIDER_H

#include "session_ports.h"

enum { LOCAL_PROBLEM_MAX = 512 };

/* What a probe tells of somebody who is no process of the sandbox. */
#define LOCAL_STRANGER UINT64_MAX

struct local_provider;

struct local_provider_options {
    const char *root;          /* absolute; made if missing */
    uint64_t last_instance;    /* instances are numbered from here on */
};

/*
 * Opens the root, reads its sandboxes, and ends what an earlier program left. CONFLICT if another
 * program has it, INVALID for a damaged record, UNAVAILABLE, NO_MEMORY; `problem` says why.
 */
enum core_result local_provider_open(const struct local_provider_options *options,
                                     struct local_provider **provider,
                                     char problem[LOCAL_PROBLEM_MAX]);

/* Kills every process, reaps them and closes. After the last call of the port; NULL is allowed. */
void local_provider_close(struct local_provider *provider);

/* KILL to every process of the root, without waiting: for a program that must end at once. */
void local_provider_abandon(const char *root);

/* The port; valid until the close. Any thread; a call waits only where its contract says so. */
struct sandbox_provider_port local_provider_port(struct local_provider *provider);

/* The folder of the sandbox that this owner has, "" if none. Any thread. */
void local_provider_folder(struct local_provider *provider, const char *owner, char *path,
                           size_t size);

#endif
