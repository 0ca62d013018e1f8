/*
 * The lock store of one process: grants in memory, on the monotonic clock. For a daemon that shares
 * its sessions with no other; several cores of the process may share it.
 */
#ifndef ADAPTERS_LOCAL_LOCKS_H
#define ADAPTERS_LOCAL_LOCKS_H

#include "session_ports.h"

struct local_locks;

/*
 * Makes an empty store whose tokens begin above `last_token`, which must not be smaller than any
 * token given before the program's restart. NULL: out of memory.
 */
struct local_locks *local_locks_new(uint64_t last_token);

/* After the last call of the port. NULL is allowed. */
void local_locks_free(struct local_locks *locks);

/* The port; valid until the store is freed. Any thread; never blocks for long, never UNKNOWN. */
struct lock_store_port local_locks_port(struct local_locks *locks);

#endif
