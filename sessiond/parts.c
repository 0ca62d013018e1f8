#include "sessiond/parts.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

/* So many tokens and instances has one start of the daemon: more than it can use up. */
enum { NUMBERS_PER_START_BITS = 32 };

static void tell_store(void *context, const char *text)
{
    journal_tell(context, LOG_ERROR, "store_failed", "{s:s}", "reason", text);
}

static void tell_recovery(void *context, const char *what, uint64_t failed)
{
    journal_tell(context, LOG_WARNING, "store_works_again", "{s:s, s:I}", "what", what, "failed",
                 (json_int_t)failed);
}

static bool open_store(struct parts *parts, const struct options *options, struct journal *log,
                       char *problem)
{
    char why[SQLITE_STORE_PROBLEM_MAX];
    struct sqlite_store_options store = {.path = options->store,
                                         .on_problem = tell_store,
                                         .on_recovery = tell_recovery,
                                         .context = log,
                                         .survives_process_only =
                                             strcmp(options->store_sync, "process") == 0};
    if (strcmp(options->store, "memory") == 0) return true;
    if (sqlite_store_open(&store, &parts->store, why) != CORE_OK) {
        snprintf(problem, SERVICE_PROBLEM_MAX, "store: %s", why);
        return false;
    }
    parts->store_port = sqlite_store_port(parts->store);
    if (strcmp(options->restored, "yes") != 0) return true;
    if (sqlite_store_renew_epochs(parts->store) == CORE_OK) return true;
    snprintf(problem, SERVICE_PROBLEM_MAX, "store: %s cannot be written", options->store);
    return false;
}

/*
 * Tokens and instances begin above this number, which is larger at every start. Without a file that
 * counts starts it is the clock's microseconds: one that is set back would repeat tokens.
 */
static bool count_start(const struct parts *parts, const char *path, uint64_t *base,
                        char *problem)
{
    struct timespec now;
    if (parts->store == NULL) {
        clock_gettime(CLOCK_REALTIME, &now);
        *base = (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
        return true;
    }
    if (sqlite_store_count_start(parts->store, base) == CORE_OK) {
        *base <<= NUMBERS_PER_START_BITS;
        return true;
    }
    snprintf(problem, SERVICE_PROBLEM_MAX, "store: %s cannot be written to: the log tells why",
             path);
    return false;
}

static bool open_locks(struct parts *parts, const struct options *options, uint64_t base,
                       char *problem)
{
    struct redis_locks_options redis = {.url = options->locks,
                                        .prefix = options->locks_prefix,
                                        .timeout_us = options->locks_timeout_us};
    if (strcmp(options->locks, "local") == 0) {
        parts->local_locks = local_locks_new(base);
        if (parts->local_locks == NULL) {
            snprintf(problem, SERVICE_PROBLEM_MAX, "out of memory");
            return false;
        }
        parts->locks_port = local_locks_port(parts->local_locks);
        return true;
    }
    const char *wrong = redis_locks_url_problem(options->locks);
    if (wrong != NULL || redis_locks_open(&redis, &parts->redis_locks) != CORE_OK) {
        snprintf(problem, SERVICE_PROBLEM_MAX, "locks: '%s': %s", options->locks,
                 wrong != NULL ? wrong : "the prefix is too long");
        return false;
    }
    parts->locks_port = redis_locks_port(parts->redis_locks);
    return true;
}

static bool open_sandboxes(struct parts *parts, const struct options *options, uint64_t base,
                           char *problem)
{
    char why[LOCAL_PROBLEM_MAX];
    struct local_provider_options local = {.root = options->sandboxes, .last_instance = base};
    if (strcmp(options->sandboxes, "none") == 0) return true;
    if (local_provider_open(&local, &parts->sandboxes, why) != CORE_OK) {
        snprintf(problem, SERVICE_PROBLEM_MAX, "sandboxes: %s", why);
        return false;
    }
    parts->sandboxes_port = local_provider_port(parts->sandboxes);
    return true;
}

bool parts_open(struct parts *parts, const struct options *options, struct journal *log,
                char problem[SERVICE_PROBLEM_MAX])
{
    uint64_t base;
    return open_store(parts, options, log, problem) &&
           count_start(parts, options->store, &base, problem) &&
           open_locks(parts, options, base, problem) &&
           open_sandboxes(parts, options, base, problem);
}

void parts_close(struct parts *parts)
{
    local_provider_close(parts->sandboxes);
    redis_locks_close(parts->redis_locks);
    local_locks_free(parts->local_locks);
    sqlite_store_close(parts->store);
}

/*
 * Epochs of logs that no store keeps must not come again after a restart, nor at another daemon.
 * They are tokens of runs, too, and so have to grow: by the clock, as long as nobody sets it back,
 * with more of them in a second than sessions are opened in it. Clients read numbers up to 2^53.
 */
static uint64_t draw_epoch(void)
{
    enum { CHANCE_BITS = 11 };
    struct timespec now;
    uint64_t chance = 0;
    if (getrandom(&chance, sizeof chance, 0) != (ssize_t)sizeof chance) chance = 0;
    chance &= (UINT64_C(1) << CHANCE_BITS) - 1;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    return (ms << CHANCE_BITS | chance) + 1;
}

void parts_configure(const struct parts *parts, const struct options *options,
                     struct core_config *config)
{
    core_config_default(config);
    config->name = options->name;
    config->settings = options->settings;
    config->first_epoch = draw_epoch();
    config->messages = parts->store != NULL ? &parts->store_port : NULL;
    config->locks = &parts->locks_port;
    config->sandboxes = parts->sandboxes != NULL ? &parts->sandboxes_port : NULL;
    config->commands[APP_WEB] = options->command_web[0] != 0 ? options->command_web : NULL;
    config->commands[APP_MOBILE] = options->command_mobile[0] != 0 ? options->command_mobile : NULL;
}
