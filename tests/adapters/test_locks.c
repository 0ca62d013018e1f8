/* Both lock stores by one contract, and what only Redis can do: lose its memory, or not answer. */
#include "tests/adapters/folder.h"

#include "adapters/lock_local/local_locks.h"
#include "adapters/redis/redis_locks.h"
#include "adapters/redis/redis_url.h"

#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

enum { SKIPPED = 77, TTL_LONG_US = 60000000, TTL_SHORT_US = 30000 };

struct fixture {
    struct lock_store_port port;
    struct local_locks *local;
    struct redis_locks *redis;
};

static char folder[FOLDER_MAX], url[FILE_MAX + 8];
static pid_t server;

extern char **environ;

static void pause_us(uint64_t us)
{
    struct timespec left = {.tv_sec = (time_t)(us / 1000000),
                            .tv_nsec = (long)(us % 1000000) * 1000};
    while (nanosleep(&left, &left) != 0) {
    }
}

/* ---- a Redis of our own, on a socket in a folder ---- */

/* Its socket is there a moment before it listens. */
static bool is_answering(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(path);
    assert_true(length < sizeof address.sun_path);
    memcpy(address.sun_path, path, length);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool connected = connect(fd, (struct sockaddr *)&address, sizeof address) == 0;
    close(fd);
    return connected;
}

static bool start_server(void)
{
    char program[] = "redis-server", port[] = "--port", none[] = "0",
         socket_option[] = "--unixsocket", path[FILE_MAX], save[] = "--save", empty[] = "",
         log[] = "--logfile", null[] = "/dev/null", dir_option[] = "--dir";
    char *const words[] = {program, port, none, socket_option, path,   save,
                           empty,   log,  null, dir_option,    folder, NULL};
    folder_make(folder);
    folder_file(folder, "socket", path);
    snprintf(url, sizeof url, "unix:%s", path);
    if (posix_spawnp(&server, program, NULL, NULL, words, environ) != 0) return false;
    for (int patience = 6000; patience > 0 && !is_answering(path); patience--) pause_us(10000);
    return true;
}

static void stop_server(void)
{
    kill(server, SIGKILL);
    waitpid(server, NULL, 0);
    folder_remove(folder);
}

static int set_up_local(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->local = local_locks_new(1000);
    fixture->port = local_locks_port(fixture->local);
    *state = fixture;
    return 0;
}

static int set_up_patient(void **state, uint64_t timeout_us)
{
    static int tests;
    char prefix[32];
    struct fixture *fixture = calloc(1, sizeof *fixture);
    snprintf(prefix, sizeof prefix, "test%d", tests++);
    struct redis_locks_options options = {.url = url, .prefix = prefix, .timeout_us = timeout_us};
    assert_int_equal(redis_locks_open(&options, &fixture->redis), CORE_OK);
    fixture->port = redis_locks_port(fixture->redis);
    *state = fixture;
    return 0;
}

static int set_up_redis(void **state)
{
    return set_up_patient(state, TTL_LONG_US);
}

/* For a server that does not answer. */
static int set_up_hasty(void **state)
{
    return set_up_patient(state, 500000);
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    local_locks_free(fixture->local);
    redis_locks_close(fixture->redis);
    free(fixture);
    return 0;
}

/* ---- the contract ---- */

static enum core_result acquire(struct fixture *fixture, const char *owner, uint64_t ttl_us,
                                uint64_t *token)
{
    return fixture->port.try_acquire(fixture->port.context, "key", owner, ttl_us, token);
}

static enum core_result renew(struct fixture *fixture, const char *owner, uint64_t token,
                              uint64_t ttl_us)
{
    return fixture->port.renew(fixture->port.context, "key", owner, token, ttl_us);
}

static enum core_result release(struct fixture *fixture, const char *owner, uint64_t token)
{
    return fixture->port.release(fixture->port.context, "key", owner, token);
}

static struct lock_grant read_key(struct fixture *fixture)
{
    struct lock_grant grant;
    assert_int_equal(fixture->port.read(fixture->port.context, "key", &grant), CORE_OK);
    return grant;
}

static void one_holder_at_a_time(void **state)
{
    struct fixture *fixture = *state;
    uint64_t token, other;
    assert_false(read_key(fixture).held);
    assert_int_equal(acquire(fixture, "a", TTL_LONG_US, &token), CORE_OK);
    assert_true(token > 1000);
    assert_int_equal(acquire(fixture, "b", TTL_LONG_US, &other), CORE_CONFLICT);
    struct lock_grant grant = read_key(fixture);
    assert_true(grant.held);
    assert_string_equal(grant.owner, "a");
    assert_int_equal(grant.token, token);
    assert_in_range(grant.remaining_us, TTL_LONG_US / 2, TTL_LONG_US);
    assert_int_equal(
        fixture->port.try_acquire(fixture->port.context, "other key", "b", TTL_LONG_US, &other),
        CORE_OK);
}

static void only_the_holder_renews_and_releases(void **state)
{
    struct fixture *fixture = *state;
    uint64_t token, next;
    assert_int_equal(acquire(fixture, "a", TTL_LONG_US, &token), CORE_OK);
    assert_int_equal(renew(fixture, "b", token, TTL_LONG_US), CORE_STALE);
    assert_int_equal(renew(fixture, "a", token + 1, TTL_LONG_US), CORE_STALE);
    assert_int_equal(release(fixture, "b", token), CORE_STALE);
    assert_int_equal(release(fixture, "a", token - 1), CORE_STALE);
    assert_true(read_key(fixture).held);
    assert_int_equal(renew(fixture, "a", token, TTL_LONG_US * 2), CORE_OK);
    assert_true(read_key(fixture).remaining_us > TTL_LONG_US);
    assert_int_equal(release(fixture, "a", token), CORE_OK);
    assert_int_equal(release(fixture, "a", token), CORE_STALE);
    assert_false(read_key(fixture).held);
    assert_int_equal(acquire(fixture, "b", TTL_LONG_US, &next), CORE_OK);
    assert_true(next > token);
}

static void a_grant_runs_out(void **state)
{
    struct fixture *fixture = *state;
    uint64_t token, next;
    assert_int_equal(acquire(fixture, "a", TTL_SHORT_US, &token), CORE_OK);
    while (acquire(fixture, "b", TTL_LONG_US, &next) == CORE_CONFLICT) pause_us(1000);
    assert_string_equal(read_key(fixture).owner, "b");
    assert_true(next > token);
    assert_int_equal(renew(fixture, "a", token, TTL_LONG_US), CORE_STALE);
    assert_int_equal(release(fixture, "a", token), CORE_STALE);
}

enum { CONTENDERS = 4, ROUNDS = 50 };

struct contest {
    struct fixture *fixture;
    pthread_mutex_t lock;
    int inside, winners;
    uint64_t last_token;
};

/* Whoever holds the lock is alone in here, with the largest token so far. */
static void *contend(void *context)
{
    struct contest *contest = context;
    for (int round = 0; round < ROUNDS; round++) {
        char owner[32];
        uint64_t token;
        snprintf(owner, sizeof owner, "%lx-%d", (unsigned long)pthread_self(), round);
        if (acquire(contest->fixture, owner, TTL_LONG_US, &token) != CORE_OK) continue;
        pthread_mutex_lock(&contest->lock);
        assert_int_equal(contest->inside++, 0);
        assert_true(token > contest->last_token);
        contest->last_token = token;
        contest->winners++;
        contest->inside--;
        pthread_mutex_unlock(&contest->lock);
        assert_int_equal(release(contest->fixture, owner, token), CORE_OK);
    }
    return NULL;
}

static void threads_contend(void **state)
{
    struct contest contest = {.fixture = *state, .lock = PTHREAD_MUTEX_INITIALIZER};
    pthread_t threads[CONTENDERS];
    for (int i = 0; i < CONTENDERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, contend, &contest), 0);
    for (int i = 0; i < CONTENDERS; i++) pthread_join(threads[i], NULL);
    assert_true(contest.winners > 0);
}

/* ---- only Redis ---- */

static void no_answer_is_unknown(void **state)
{
    struct fixture *fixture = *state;
    uint64_t token = 0, other;
    char problem[REDIS_LOCKS_PROBLEM_MAX];
    assert_false(read_key(fixture).held); /* connected from here on */
    kill(server, SIGSTOP);
    enum core_result rc = acquire(fixture, "a", TTL_LONG_US, &token);
    kill(server, SIGCONT);
    assert_int_equal(rc, CORE_UNKNOWN);
    redis_locks_problem(fixture->redis, problem);
    assert_non_null(strstr(problem, "acquire"));
    /* It was carried out all the same, and the owner's name tells that it is ours. */
    while (!read_key(fixture).held) pause_us(1000);
    struct lock_grant grant = read_key(fixture);
    assert_string_equal(grant.owner, "a");
    assert_int_equal(acquire(fixture, "b", TTL_LONG_US, &other), CORE_CONFLICT);
    assert_int_equal(release(fixture, "a", grant.token), CORE_OK);
}

static void tokens_grow_after_a_loss_of_memory(void **state)
{
    struct fixture *fixture = *state;
    uint64_t before, after;
    assert_int_equal(acquire(fixture, "a", TTL_LONG_US, &before), CORE_OK);
    char command[2 * FILE_MAX];
    snprintf(command, sizeof command, "redis-cli -s '%s/socket' flushall > /dev/null", folder);
    assert_int_equal(system(command), 0);
    assert_int_equal(acquire(fixture, "b", TTL_LONG_US, &after), CORE_OK);
    assert_true(after > before);
}

static void nobody_there_is_unavailable(void **state)
{
    (void)state;
    struct redis_locks *locks;
    struct lock_grant grant;
    uint64_t token;
    struct redis_locks_options options = {.url = "unix:/nowhere/at/all", .timeout_us = 100000};
    assert_int_equal(redis_locks_open(&options, &locks), CORE_OK);
    struct lock_store_port port = redis_locks_port(locks);
    assert_int_equal(port.try_acquire(locks, "key", "a", 1000, &token), CORE_UNAVAILABLE);
    assert_int_equal(port.read(locks, "key", &grant), CORE_UNAVAILABLE);
    redis_locks_close(locks);
}

static void urls_are_read(void **state)
{
    (void)state;
    struct redis_url parsed;
    assert_null(redis_url_parse("redis://:se@cret@[::1]:7000/3", &parsed));
    assert_string_equal(parsed.host, "::1");
    assert_string_equal(parsed.password, "se@cret");
    assert_int_equal(parsed.port, 7000);
    assert_int_equal(parsed.database, 3);
    assert_null(redis_url_parse("redis://cache", &parsed));
    assert_string_equal(parsed.host, "cache");
    assert_int_equal(parsed.port, 6379);
    assert_null(redis_url_parse("unix:/run/redis.sock", &parsed));
    assert_string_equal(parsed.path, "/run/redis.sock");
    static const char *const wrong[] = {"cache",           "redis://",    "redis://a:port",
                                        "redis://a:70000", "redis://a/x", "redis://user:p@a",
                                        "unix:there",      "http://a",    "redis://[::1"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_non_null(redis_locks_url_problem(wrong[i]));
}

#define CONTRACT(set_up)                                                                           \
    cmocka_unit_test_setup_teardown(one_holder_at_a_time, set_up, tear_down),                      \
        cmocka_unit_test_setup_teardown(only_the_holder_renews_and_releases, set_up, tear_down),   \
        cmocka_unit_test_setup_teardown(a_grant_runs_out, set_up, tear_down),                      \
        cmocka_unit_test_setup_teardown(threads_contend, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest local[] = {CONTRACT(set_up_local), cmocka_unit_test(urls_are_read),
                                       cmocka_unit_test(nobody_there_is_unavailable)};
    const struct CMUnitTest redis[] = {
        CONTRACT(set_up_redis),
        cmocka_unit_test_setup_teardown(no_answer_is_unknown, set_up_hasty, tear_down),
        cmocka_unit_test_setup_teardown(tokens_grow_after_a_loss_of_memory, set_up_redis,
                                        tear_down),
    };
    int failed = cmocka_run_group_tests_name("local", local, NULL, NULL);
    if (!start_server()) {
        printf("skipped: there is no redis-server\n");
        return failed != 0 ? failed : SKIPPED;
    }
    failed += cmocka_run_group_tests_name("redis", redis, NULL, NULL);
    stop_server();
    return failed;
}
