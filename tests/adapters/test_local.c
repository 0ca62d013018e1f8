/* The local provider with real processes and real ports. */
#include "tests/adapters/folder.h"

#include "adapters/local/local_provider.h"
#include "adapters/process/group.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

enum { LONG_US = 60000000 };

struct fixture {
    char root[FOLDER_MAX];
    struct local_provider *provider;
    struct sandbox_provider_port port;
    struct sandbox_record box;
};

static void open_provider(struct fixture *fixture)
{
    char problem[LOCAL_PROBLEM_MAX];
    struct local_provider_options options = {.root = fixture->root};
    assert_int_equal(local_provider_open(&options, &fixture->provider, problem), CORE_OK);
    fixture->port = local_provider_port(fixture->provider);
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    folder_make(fixture->root);
    open_provider(fixture);
    const struct sandbox_provider_port *port = &fixture->port;
    assert_int_equal(port->create(port->context, "r1", APP_WEB, &fixture->box), CORE_OK);
    assert_int_equal(
        port->assign(port->context, fixture->box.id, "alice", fixture->box.token, &fixture->box),
        CORE_OK);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    local_provider_close(fixture->provider);
    folder_remove(fixture->root);
    free(fixture);
    return 0;
}

static enum core_result spawn_as(struct fixture *fixture, const char *command, uint16_t port,
                                 uint64_t fence, struct process_record *process)
{
    struct spawn_request request = {.request = "try",
                                    .name = "dev_server_web",
                                    .command = command,
                                    .app = APP_WEB,
                                    .port = port,
                                    .fence = fence};
    return fixture->port.spawn(fixture->port.context, fixture->box.id, fixture->box.token, &request,
                               process);
}

static struct process_record spawn(struct fixture *fixture, const char *command, uint16_t port)
{
    struct process_record process;
    assert_int_equal(spawn_as(fixture, command, port, 1, &process), CORE_OK);
    assert_true(process.alive);
    return process;
}

static enum core_result signal_it(struct fixture *fixture, uint64_t instance,
                                  enum process_signal signal)
{
    return fixture->port.signal(fixture->port.context, fixture->box.id, fixture->box.token,
                                instance, signal);
}

static enum core_result await(struct fixture *fixture, uint64_t instance, uint64_t timeout_us)
{
    return fixture->port.wait(fixture->port.context, fixture->box.id, fixture->box.token, instance,
                              timeout_us);
}

static void breathe(void)
{
    struct timespec moment = {.tv_nsec = 5000000};
    nanosleep(&moment, NULL);
}

/* A file that a process of the sandbox makes when it has come so far. */
static void await_file(struct fixture *fixture, const char *name)
{
    char path[FILE_MAX + CORE_NAME_MAX];
    snprintf(path, sizeof path, "%s/%s/%s", fixture->root, fixture->box.id, name);
    for (int patience = 12000; patience > 0 && access(path, F_OK) != 0; patience--) breathe();
    assert_int_equal(access(path, F_OK), 0);
}

static pid_t read_pid(struct fixture *fixture, const char *name)
{
    char path[FILE_MAX + CORE_NAME_MAX];
    long pid = 0;
    await_file(fixture, name);
    snprintf(path, sizeof path, "%s/%s/%s", fixture->root, fixture->box.id, name);
    for (int patience = 12000; patience > 0 && pid == 0; patience--) {
        FILE *file = fopen(path, "r");
        if (fscanf(file, "%ld", &pid) != 1) pid = 0;
        fclose(file);
        breathe();
    }
    assert_true(pid > 0);
    return (pid_t)pid;
}

static bool runs(pid_t pid)
{
    char path[64], state = 'X';
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "r");
    if (file == NULL) return false;
    if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1) state = 'X';
    fclose(file);
    return state != 'Z' && state != 'X';
}

/* ---- processes ---- */

static void term_ends_the_whole_group(void **state)
{
    struct fixture *fixture = *state;
    struct process_record process = spawn(fixture, "sleep 1000 & echo $! > child; wait", 0);
    pid_t child = read_pid(fixture, "child");
    assert_true(runs(child));
    assert_int_equal(await(fixture, process.instance, 1000), CORE_EXPIRED);
    assert_int_equal(signal_it(fixture, process.instance, PROCESS_TERM), CORE_OK);
    assert_int_equal(await(fixture, process.instance, LONG_US), CORE_OK);
    assert_false(runs(child));
    assert_int_equal(kill((pid_t)process.process_group, 0), -1); /* reaped, too */
    assert_int_equal(errno, ESRCH);
    assert_int_equal(signal_it(fixture, process.instance, PROCESS_KILL), CORE_NOT_FOUND);
}

static void kill_reaches_those_that_left_the_group(void **state)
{
    struct fixture *fixture = *state;
    struct process_record process =
        spawn(fixture,
              "trap '' TERM; setsid sh -c 'trap \"\" TERM; echo $$ > far; exec sleep 1000' & "
              "echo $$ > near; while :; do sleep 1; done",
              0);
    pid_t far = read_pid(fixture, "far");
    read_pid(fixture, "near");
    assert_int_equal(signal_it(fixture, process.instance, PROCESS_TERM), CORE_OK);
    assert_int_equal(await(fixture, process.instance, 50000), CORE_EXPIRED);
    assert_int_equal(signal_it(fixture, process.instance, PROCESS_KILL), CORE_OK);
    assert_int_equal(await(fixture, process.instance, LONG_US), CORE_OK);
    assert_false(runs(far));
}

static void the_dead_are_told_once_and_forgotten(void **state)
{
    struct fixture *fixture = *state;
    struct process_record records[4];
    size_t count;
    struct process_record process = spawn(fixture, "exit 3", 0);
    const struct sandbox_provider_port *port = &fixture->port;
    do {
        breathe();
        assert_int_equal(
            port->processes(port->context, fixture->box.id, fixture->box.token, records, 4, &count),
            CORE_OK);
        assert_int_equal(count, 1);
        assert_int_equal(records[0].instance, process.instance);
    } while (records[0].alive);
    assert_int_equal(
        port->processes(port->context, fixture->box.id, fixture->box.token, records, 4, &count),
        CORE_OK);
    assert_int_equal(count, 0);
    assert_int_equal(await(fixture, process.instance, 0), CORE_NOT_FOUND);
}

static void old_tokens_and_fences_start_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct process_record process;
    assert_int_equal(spawn_as(fixture, "sleep 1000", 0, 7, &process), CORE_OK);
    assert_int_equal(spawn_as(fixture, "touch older", 0, 6, &process), CORE_STALE);
    fixture->box.token--;
    assert_int_equal(spawn_as(fixture, "touch stale", 0, 8, &process), CORE_STALE);
    fixture->box.token++;
    local_provider_close(fixture->provider);
    open_provider(fixture);
    assert_int_equal(spawn_as(fixture, "touch older", 0, 6, &process), CORE_STALE);
    assert_int_equal(spawn_as(fixture, "exit 0", 0, 7, &process), CORE_OK);
}

static void output_and_environment(void **state)
{
    struct fixture *fixture = *state;
    char path[FILE_MAX + 2 * CORE_NAME_MAX], text[128] = "";
    struct process_record process =
        spawn(fixture, "echo $PORT $SESSION_OWNER $SESSION_APP; echo $SESSION_SANDBOX >&2", 4321);
    assert_int_equal(await(fixture, process.instance, LONG_US), CORE_OK);
    snprintf(path, sizeof path, "%s/%s.dev_server_web.log", fixture->root, fixture->box.id);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    char expected[128];
    snprintf(expected, sizeof expected, "4321 alice web\n%s\n", fixture->box.id);
    assert_string_equal(text, expected);
}

/* ---- ports ---- */

static int listen_somewhere(uint16_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static enum core_result probe(struct fixture *fixture, uint16_t port, uint64_t *instance)
{
    return fixture->port.probe(fixture->port.context, fixture->box.id, fixture->box.token, port,
                               instance);
}

static void a_probe_tells_who_answers(void **state)
{
    struct fixture *fixture = *state;
    uint16_t port;
    uint64_t instance = 9;
    int fd = listen_somewhere(&port);
    assert_int_equal(probe(fixture, port, &instance), CORE_NOT_FOUND); /* bound is not enough */
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(probe(fixture, port, &instance), CORE_OK);
    assert_true(instance == LOCAL_STRANGER);
    close(fd);
    spawn(fixture, "sleep 1000", 0);
    /* A grandchild that listens is its instance's. */
    struct process_record server =
        spawn(fixture, "sh -c 'python3 -m http.server --bind 127.0.0.1 $PORT; true'; true", port);
    spawn(fixture, "sleep 1000", 0);
    enum core_result rc = CORE_NOT_FOUND;
    for (int patience = 12000; patience > 0 && rc != CORE_OK; patience--) {
        breathe();
        rc = probe(fixture, port, &instance);
    }
    assert_int_equal(rc, CORE_OK);
    assert_int_equal(instance, server.instance);
}

/* ---- sandboxes ---- */

static void sandboxes_are_named_by_their_request(void **state)
{
    struct fixture *fixture = *state;
    const struct sandbox_provider_port *port = &fixture->port;
    struct sandbox_record again, records[4];
    size_t count;
    assert_int_equal(port->create(port->context, "r1", APP_WEB, &again), CORE_OK);
    assert_string_equal(again.id, fixture->box.id);
    assert_int_equal(port->create(port->context, "r2", APP_MOBILE, &again), CORE_OK);
    assert_int_equal(port->list(port->context, records, 4, &count), CORE_OK);
    assert_int_equal(count, 2);
    assert_true(strcmp(records[0].id, records[1].id) < 0);
    assert_string_equal(records[0].owner, "alice");
    assert_int_equal(port->assign(port->context, again.id, "bob", again.token + 1, &again),
                     CORE_CONFLICT);
}

static void the_next_owner_finds_nothing(void **state)
{
    struct fixture *fixture = *state;
    const struct sandbox_provider_port *port = &fixture->port;
    char path[FILE_MAX + CORE_NAME_MAX];
    spawn(fixture, "mkdir -p a/b; ln -s / a/root; chmod 000 a/b; echo $$ > secret; exec sleep 1000",
          0);
    pid_t pid = read_pid(fixture, "secret");
    assert_int_equal(
        port->assign(port->context, fixture->box.id, "", fixture->box.token, &fixture->box),
        CORE_OK);
    assert_int_equal(port->await_ready(port->context, fixture->box.id, fixture->box.token, 1000),
                     CORE_OK);
    assert_false(runs(pid));
    snprintf(path, sizeof path, "%s/%s", fixture->root, fixture->box.id);
    assert_int_equal(rmdir(path), 0); /* it is empty */
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(access("/tmp", F_OK), 0); /* the link was not followed */
}

static void sandboxes_outlive_the_program(void **state)
{
    struct fixture *fixture = *state;
    struct sandbox_record records[4];
    size_t count;
    char folder[FILE_MAX];
    local_provider_close(fixture->provider);
    open_provider(fixture);
    assert_int_equal(fixture->port.list(fixture->port.context, records, 4, &count), CORE_OK);
    assert_int_equal(count, 1);
    assert_string_equal(records[0].owner, "alice");
    assert_int_equal(records[0].token, fixture->box.token);
    local_provider_folder(fixture->provider, "alice", folder, sizeof folder);
    assert_int_equal(access(folder, F_OK), 0);
    assert_int_equal(fixture->port.destroy(fixture->port.context, records[0].id, records[0].token),
                     CORE_OK);
    assert_int_equal(access(folder, F_OK), -1);
}

/* A program that is killed leaves its processes to the next one, which ends them. */
static void leftovers_are_ended(void **state)
{
    struct fixture *fixture = *state;
    local_provider_close(fixture->provider);
    pid_t program = fork();
    if (program == 0) {
        open_provider(fixture);
        spawn(fixture, "echo $$ > left; exec sleep 1000", 0);
        await_file(fixture, "left");
        kill(getpid(), SIGKILL);
    }
    assert_int_equal(waitpid(program, NULL, 0), program);
    pid_t left = read_pid(fixture, "left");
    assert_true(runs(left));
    open_provider(fixture);
    assert_false(runs(left));
}

static void a_root_has_one_program(void **state)
{
    struct fixture *fixture = *state;
    struct local_provider *second = NULL;
    char problem[LOCAL_PROBLEM_MAX];
    struct local_provider_options options = {.root = fixture->root};
    assert_int_equal(local_provider_open(&options, &second, problem), CORE_CONFLICT);
    assert_non_null(strstr(problem, fixture->root));
    options.root = "relative";
    assert_int_equal(local_provider_open(&options, &second, problem), CORE_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(term_ends_the_whole_group, set_up, tear_down),
        cmocka_unit_test_setup_teardown(kill_reaches_those_that_left_the_group, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_dead_are_told_once_and_forgotten, set_up, tear_down),
        cmocka_unit_test_setup_teardown(old_tokens_and_fences_start_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(output_and_environment, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_probe_tells_who_answers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sandboxes_are_named_by_their_request, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_next_owner_finds_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(sandboxes_outlive_the_program, set_up, tear_down),
        cmocka_unit_test_setup_teardown(leftovers_are_ended, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_root_has_one_program, set_up, tear_down),
    };
    group_adopt_orphans();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
