#include "adapters/lock_local/local_locks.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A key that is held, or was until its time ran out. */
struct grant {
    struct grant *next;
    char key[CORE_NAME_MAX], owner[CORE_NAME_MAX];
    uint64_t token, until_us;
};

struct local_locks {
    pthread_mutex_t lock; /* guards all below */
    struct grant *grants;
    uint64_t last_token;
};

struct local_locks *local_locks_new(uint64_t last_token)
{
    struct local_locks *locks = calloc(1, sizeof *locks);
    if (locks == NULL) return NULL;
    locks->last_token = last_token;
    if (pthread_mutex_init(&locks->lock, NULL) == 0) return locks;
    free(locks);
    return NULL;
}

void local_locks_free(struct local_locks *locks)
{
    if (locks == NULL) return;
    while (locks->grants != NULL) {
        struct grant *grant = locks->grants;
        locks->grants = grant->next;
        free(grant);
    }
    pthread_mutex_destroy(&locks->lock);
    free(locks);
}

static uint64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

/* ---- the list; the lock is held ---- */

/* The current grant of the key, or NULL. What has run out is forgotten on the way. */
static struct grant **find(struct local_locks *locks, const char *key, uint64_t now)
{
    struct grant **at = &locks->grants;
    struct grant **found = NULL;
    while (*at != NULL) {
        struct grant *grant = *at;
        if (grant->until_us <= now) {
            *at = grant->next;
            free(grant);
            continue;
        }
        if (strcmp(grant->key, key) == 0) found = at;
        at = &grant->next;
    }
    return found;
}

static struct grant **find_own(struct local_locks *locks, const char *key, const char *owner,
                               uint64_t token, uint64_t now)
{
    struct grant **at = find(locks, key, now);
    bool own = at != NULL && (*at)->token == token && strcmp((*at)->owner, owner) == 0;
    return own ? at : NULL;
}

static enum core_result add(struct local_locks *locks, const char *key, const char *owner,
                            uint64_t until_us, uint64_t *token)
{
    struct grant *grant = calloc(1, sizeof *grant);
    if (grant == NULL) return CORE_NO_MEMORY;
    snprintf(grant->key, sizeof grant->key, "%s", key);
    snprintf(grant->owner, sizeof grant->owner, "%s", owner);
    grant->until_us = until_us;
    grant->token = *token = ++locks->last_token;
    grant->next = locks->grants;
    locks->grants = grant;
    return CORE_OK;
}

/* ---- the port ---- */

static enum core_result try_acquire(void *context, const char *key, const char *owner,
                                    uint64_t ttl_us, uint64_t *token)
{
    struct local_locks *locks = context;
    enum core_result rc = CORE_CONFLICT;
    pthread_mutex_lock(&locks->lock);
    uint64_t now = now_us();
    if (find(locks, key, now) == NULL) rc = add(locks, key, owner, now + ttl_us, token);
    pthread_mutex_unlock(&locks->lock);
    return rc;
}

static enum core_result renew(void *context, const char *key, const char *owner, uint64_t token,
                              uint64_t ttl_us)
{
    struct local_locks *locks = context;
    pthread_mutex_lock(&locks->lock);
    uint64_t now = now_us();
    struct grant **at = find_own(locks, key, owner, token, now);
    if (at != NULL) (*at)->until_us = now + ttl_us;
    pthread_mutex_unlock(&locks->lock);
    return at != NULL ? CORE_OK : CORE_STALE;
}

static enum core_result release(void *context, const char *key, const char *owner, uint64_t token)
{
    struct local_locks *locks = context;
    pthread_mutex_lock(&locks->lock);
    struct grant **at = find_own(locks, key, owner, token, now_us());
    struct grant *grant = at == NULL ? NULL : *at;
    if (grant != NULL) *at = grant->next;
    pthread_mutex_unlock(&locks->lock);
    free(grant);
    return grant != NULL ? CORE_OK : CORE_STALE;
}

static enum core_result read_grant(void *context, const char *key, struct lock_grant *out)
{
    struct local_locks *locks = context;
    *out = (struct lock_grant){.held = false};
    pthread_mutex_lock(&locks->lock);
    uint64_t now = now_us();
    struct grant **at = find(locks, key, now);
    if (at != NULL) {
        out->held = true;
        memcpy(out->owner, (*at)->owner, sizeof out->owner);
        out->token = (*at)->token;
        out->remaining_us = (*at)->until_us - now;
    }
    pthread_mutex_unlock(&locks->lock);
    return CORE_OK;
}

struct lock_store_port local_locks_port(struct local_locks *locks)
{
    return (struct lock_store_port){locks, try_acquire, renew, release, read_grant};
}
