#include "adapters/redis/redis_locks.h"

#include "adapters/redis/redis_url.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

enum { TIMEOUT_US = 1000000, PREFIX_MAX = 64, KEY_MAX = PREFIX_MAX + CORE_NAME_MAX + 16 };

/* KEYS: the lock, the counter. ARGV: owner, milliseconds. The new token, or 0 if it is held. */
static const char script_acquire[] =
    "if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end "
    "if redis.call('EXISTS', KEYS[2]) == 0 then "
    "  local now = redis.call('TIME') "
    "  redis.call('SET', KEYS[2], string.format('%.0f', now[1] * 1000000 + now[2])) "
    "end "
    "local token = redis.call('INCR', KEYS[2]) "
    "redis.call('SET', KEYS[1], string.format('%.0f ', token) .. ARGV[1], 'NX', 'PX', ARGV[2]) "
    "return token";

/* KEYS: the lock. ARGV: its value, milliseconds. 1 if it was extended. */
static const char script_renew[] = "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end "
                                   "return redis.call('PEXPIRE', KEYS[1], ARGV[2])";

static const char script_release[] = "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end "
                                     "return redis.call('DEL', KEYS[1])";

static const char script_read[] =
    "return { redis.call('GET', KEYS[1]), redis.call('PTTL', KEYS[1]) }";

struct redis_locks {
    struct redis_url url;
    char prefix[PREFIX_MAX];
    struct timeval timeout;
    pthread_mutex_t lock; /* one connection: guards all below */
    redisContext *connection; /* NULL: not connected */
    pthread_mutex_t told; /* guards problem, which is read while a call waits */
    char problem[REDIS_LOCKS_PROBLEM_MAX];
};

const char *redis_locks_url_problem(const char *url)
{
    struct redis_url parsed;
    return redis_url_parse(url, &parsed);
}

enum core_result redis_locks_open(const struct redis_locks_options *options,
                                  struct redis_locks **out)
{
    struct redis_locks *locks = calloc(1, sizeof *locks);
    if (locks == NULL) return CORE_NO_MEMORY;
    const char *prefix = options->prefix == NULL ? "session" : options->prefix;
    if (redis_url_parse(options->url, &locks->url) != NULL || strlen(prefix) >= PREFIX_MAX) {
        free(locks);
        return CORE_INVALID;
    }
    uint64_t timeout_us = options->timeout_us == 0 ? TIMEOUT_US : options->timeout_us;
    locks->timeout = (struct timeval){.tv_sec = (time_t)(timeout_us / 1000000),
                                      .tv_usec = (suseconds_t)(timeout_us % 1000000)};
    snprintf(locks->prefix, sizeof locks->prefix, "%s", prefix);
    pthread_mutex_init(&locks->lock, NULL);
    pthread_mutex_init(&locks->told, NULL);
    *out = locks;
    return CORE_OK;
}

void redis_locks_close(struct redis_locks *locks)
{
    if (locks == NULL) return;
    if (locks->connection != NULL) redisFree(locks->connection);
    pthread_mutex_destroy(&locks->told);
    pthread_mutex_destroy(&locks->lock);
    free(locks);
}

void redis_locks_problem(struct redis_locks *locks, char problem[REDIS_LOCKS_PROBLEM_MAX])
{
    pthread_mutex_lock(&locks->told);
    memcpy(problem, locks->problem, REDIS_LOCKS_PROBLEM_MAX);
    pthread_mutex_unlock(&locks->told);
}

/* ---- the connection; the lock is held ---- */

static void note(struct redis_locks *locks, const char *what, const char *why)
{
    pthread_mutex_lock(&locks->told);
    snprintf(locks->problem, sizeof locks->problem, "%s: %s", what, why);
    pthread_mutex_unlock(&locks->told);
}

static void hang_up(struct redis_locks *locks)
{
    redisFree(locks->connection);
    locks->connection = NULL;
}

/* Password and database of a new connection. */
static bool greet(struct redis_locks *locks, const char *command, const char *argument)
{
    redisReply *reply = redisCommand(locks->connection, "%s %s", command, argument);
    bool fine = reply != NULL && reply->type != REDIS_REPLY_ERROR;
    if (!fine) note(locks, command, reply != NULL ? reply->str : locks->connection->errstr);
    freeReplyObject(reply);
    return fine;
}

static bool connect_now(struct redis_locks *locks)
{
    const struct redis_url *url = &locks->url;
    char database[16];
    locks->connection = url->path[0] != 0
                            ? redisConnectUnixWithTimeout(url->path, locks->timeout)
                            : redisConnectWithTimeout(url->host, url->port, locks->timeout);
    if (locks->connection == NULL) return false;
    if (locks->connection->err != 0) {
        note(locks, "connecting", locks->connection->errstr);
        return false;
    }
    snprintf(database, sizeof database, "%d", url->database);
    return redisSetTimeout(locks->connection, locks->timeout) == REDIS_OK &&
           (url->password[0] == 0 || greet(locks, "AUTH", url->password)) &&
           (url->database == 0 || greet(locks, "SELECT", database));
}

static bool is_connected(struct redis_locks *locks)
{
    if (locks->connection != NULL) return true;
    if (connect_now(locks)) return true;
    if (locks->connection != NULL) hang_up(locks);
    return false;
}

/* ---- one script ---- */

struct call {
    const char *name, *script;
    int keys; /* 1: the lock; 2: and the counter */
    const char *arguments[2];
    int argument_count;
};

static void name_key(const struct redis_locks *locks, const char *kind, const char *key,
                     char name[KEY_MAX])
{
    snprintf(name, KEY_MAX, "%s:{locks}:%s%s", locks->prefix, kind, key);
}

/* The reply, to be freed; NULL with the result. An answer that did not come in time is unknown, and
 * would be taken for that of the next call: the connection goes. */
static redisReply *perform(struct redis_locks *locks, const struct call *call, const char *key,
                           enum core_result *rc)
{
    char lock_key[KEY_MAX], counter[KEY_MAX], keys[4];
    const char *words[8] = {"EVAL", call->script, keys, lock_key, counter};
    int count = 3 + call->keys;
    *rc = CORE_UNAVAILABLE;
    if (!is_connected(locks)) return NULL;
    name_key(locks, "key:", key, lock_key);
    name_key(locks, "token", "", counter);
    snprintf(keys, sizeof keys, "%d", call->keys);
    for (int i = 0; i < call->argument_count; i++) words[count++] = call->arguments[i];
    redisReply *reply = redisCommandArgv(locks->connection, count, words, NULL);
    if (reply == NULL) {
        note(locks, call->name, locks->connection->errstr);
        hang_up(locks);
        *rc = CORE_UNKNOWN;
        return NULL;
    }
    *rc = CORE_OK;
    if (reply->type != REDIS_REPLY_ERROR) return reply;
    note(locks, call->name, reply->str);
    freeReplyObject(reply);
    *rc = CORE_UNAVAILABLE;
    return NULL;
}

/* A script that answers with a number; 0 means no. */
static enum core_result ask(struct redis_locks *locks, const struct call *call, const char *key,
                            enum core_result no, uint64_t *number)
{
    enum core_result rc;
    pthread_mutex_lock(&locks->lock);
    redisReply *reply = perform(locks, call, key, &rc);
    pthread_mutex_unlock(&locks->lock);
    if (reply == NULL) return rc;
    *number = reply->type == REDIS_REPLY_INTEGER ? (uint64_t)reply->integer : 0;
    freeReplyObject(reply);
    return *number == 0 ? no : CORE_OK;
}

enum { VALUE_MAX = CORE_NAME_MAX + 24, NUMBER_MAX = 24 };

/* Rounded up: a grant never lives shorter than its holder believes. */
static const char *milliseconds(uint64_t us, char text[NUMBER_MAX])
{
    snprintf(text, NUMBER_MAX, "%" PRIu64, us == 0 ? 1 : us / 1000 + (us % 1000 != 0));
    return text;
}

static const char *value_of(const char *owner, uint64_t token, char text[VALUE_MAX])
{
    snprintf(text, VALUE_MAX, "%" PRIu64 " %s", token, owner);
    return text;
}

/* ---- the port ---- */

static enum core_result try_acquire(void *context, const char *key, const char *owner,
                                    uint64_t ttl_us, uint64_t *token)
{
    char ttl[NUMBER_MAX];
    struct call call = {"acquire", script_acquire, 2, {owner, milliseconds(ttl_us, ttl)}, 2};
    return ask(context, &call, key, CORE_CONFLICT, token);
}

static enum core_result renew(void *context, const char *key, const char *owner, uint64_t token,
                              uint64_t ttl_us)
{
    char value[VALUE_MAX], ttl[NUMBER_MAX];
    uint64_t done;
    struct call call = {
        "renew", script_renew, 1, {value_of(owner, token, value), milliseconds(ttl_us, ttl)}, 2};
    return ask(context, &call, key, CORE_STALE, &done);
}

static enum core_result release(void *context, const char *key, const char *owner, uint64_t token)
{
    char value[VALUE_MAX];
    uint64_t done;
    struct call call = {"release", script_release, 1, {value_of(owner, token, value)}, 1};
    return ask(context, &call, key, CORE_STALE, &done);
}

/* "TOKEN OWNER"; what somebody else has put there is nobody's grant, but not free either. */
static void read_value(const char *value, struct lock_grant *grant)
{
    char *end;
    grant->held = true;
    grant->token = strtoull(value, &end, 10);
    snprintf(grant->owner, sizeof grant->owner, "%s", *end == ' ' ? end + 1 : "");
}

static enum core_result read_grant(void *context, const char *key, struct lock_grant *grant)
{
    struct redis_locks *locks = context;
    struct call call = {"read", script_read, 1, {NULL}, 0};
    enum core_result rc;
    *grant = (struct lock_grant){.held = false};
    pthread_mutex_lock(&locks->lock);
    redisReply *reply = perform(locks, &call, key, &rc);
    pthread_mutex_unlock(&locks->lock);
    if (reply == NULL) return rc;
    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
        reply->element[0]->type == REDIS_REPLY_STRING) {
        long long left_ms = reply->element[1]->integer;
        read_value(reply->element[0]->str, grant);
        grant->remaining_us = left_ms > 0 ? (uint64_t)left_ms * 1000 : 0;
    }
    freeReplyObject(reply);
    return CORE_OK;
}

struct lock_store_port redis_locks_port(struct redis_locks *locks)
{
    return (struct lock_store_port){locks, try_acquire, renew, release, read_grant};
}
