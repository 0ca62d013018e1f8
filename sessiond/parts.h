/* What a service is made of: private to the daemon. */
#ifndef SESSIOND_PARTS_H
#define SESSIOND_PARTS_H

#include "adapters/local/local_provider.h"
#include "adapters/lock_local/local_locks.h"
#include "adapters/lws/ws_transport.h"
#include "adapters/redis/redis_locks.h"
#include "adapters/sqlite/sqlite_store.h"
#include "sessiond/auth.h"
#include "sessiond/service.h"
#include "sessiond/words.h"

#include <pthread.h>

/* The ports that hold something; each NULL if the options do without it. */
struct parts {
    struct sqlite_store *store;
    struct local_locks *local_locks;
    struct redis_locks *redis_locks;
    struct local_provider *sandboxes;
    struct message_store_port store_port;
    struct lock_store_port locks_port;
    struct sandbox_provider_port sandboxes_port;
};

struct service {
    const struct options *options;
    struct journal *log;
    struct parts parts;
    struct agents *agents;
    struct core *core;
    struct ws_transport *transport;
    char **origins;             /* ends with NULL; NULL: every one */
    char address[PLACE_ADDRESS_MAX];           /* "": every one */
    pthread_rwlock_t auth_lock; /* guards auth, which a reload replaces */
    struct auth *auth;
};

/* Opens what the options name. False with a sentence; what is open is closed by parts_close. */
bool parts_open(struct parts *parts, const struct options *options, struct journal *log,
                char problem[SERVICE_PROBLEM_MAX]);

/* After the core was destroyed. */
void parts_close(struct parts *parts);

/* Everything that goes into the core, ports first. */
void parts_configure(const struct parts *parts, const struct options *options,
                     struct core_config *config);

#endif
