/*
 * The lock store in Redis (5 or newer), through hiredis: for daemons that share sessions.
 *
 * A grant is the string "TOKEN OWNER" under PREFIX:{locks}:key:KEY, set with NX and PX. Its token
 * comes from INCR of one counter, which a fresh database begins at the clock's microseconds, so
 * that tokens go on growing if Redis lost its memory. Renewal and release compare before they act,
 * in Lua scripts, which Redis runs as one step. All keys have one hash tag and so one slot of a
 * cluster.
 *
 * One Redis that is not replicated, or waits for its replicas, excludes by itself. Where a failover
 * may lose the last writes two holders are possible: the fencing token is what protects then.
 */
#ifndef ADAPTERS_REDIS_LOCKS_H
#define ADAPTERS_REDIS_LOCKS_H

#include "session_ports.h"

enum { REDIS_LOCKS_PROBLEM_MAX = 256 };

struct redis_locks;

struct redis_locks_options {
    const char *url;         /* redis://[:PASSWORD@]HOST[:PORT][/DATABASE] or unix:PATH */
    const char *prefix;      /* of every key; NULL: "session" */
    uint64_t timeout_us;     /* of one call, and of connecting; 0: one second */
};

/* Is this the URL of a Redis? NULL if so, else one sentence (static memory). */
const char *redis_locks_url_problem(const char *url);

/*
 * Makes the store; connects at the first call, and again whenever the connection broke. INVALID for
 * a bad URL; NO_MEMORY.
 */
enum core_result redis_locks_open(const struct redis_locks_options *options,
                                  struct redis_locks **locks);

/* After the last call of the port. NULL is allowed. */
void redis_locks_close(struct redis_locks *locks);

/* What the last failed call said; "" if none failed. Any thread. */
void redis_locks_problem(struct redis_locks *locks, char problem[REDIS_LOCKS_PROBLEM_MAX]);

/*
 * The port; valid until the close. Any thread; calls wait for each other, each for at most twice
 * the timeout. UNAVAILABLE: nothing was sent, or Redis refused it. UNKNOWN: it was sent, and no
 * answer came in time.
 */
struct lock_store_port redis_locks_port(struct redis_locks *locks);

#endif
