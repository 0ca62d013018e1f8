/* The message store: what the port promises, files that are not ours, and sudden death. */
#include "tests/adapters/folder.h"

#include "adapters/sqlite/sqlite_store.h"

#include <errno.h>
#include <signal.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/wait.h>

struct fixture {
    char folder[FOLDER_MAX], path[FILE_MAX];
    char problem[SQLITE_STORE_PROBLEM_MAX];
    struct sqlite_store *store;
    struct message_store_port port;
    struct store_meta meta;
    unsigned problems, recoveries;
    uint64_t failed;
};

static void on_problem(void *context, const char *text)
{
    struct fixture *fixture = context;
    assert_non_null(strstr(text, fixture->path));
    fixture->problems++;
}

static void on_recovery(void *context, const char *what, uint64_t failed)
{
    struct fixture *fixture = context;
    assert_string_equal(what, "writing");
    fixture->recoveries++;
    fixture->failed = failed;
}

static void reopen(struct fixture *fixture)
{
    struct sqlite_store_options options = {.path = fixture->path, .busy_us = 20000,
                                           .on_problem = on_problem, .on_recovery = on_recovery,
                                           .context = fixture};
    sqlite_store_close(fixture->store);
    fixture->store = NULL;
    assert_int_equal(sqlite_store_open(&options, &fixture->store, fixture->problem), CORE_OK);
    fixture->port = sqlite_store_port(fixture->store);
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    folder_make(fixture->folder);
    folder_file(fixture->folder, "store.db", fixture->path);
    reopen(fixture);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    sqlite_store_close(fixture->store);
    folder_remove(fixture->folder);
    free(fixture);
    return 0;
}

static enum core_result load(struct fixture *fixture, bool create)
{
    return fixture->port.load_meta(fixture->port.context, "s1", "alice", create, &fixture->meta);
}

static enum core_result append(struct fixture *fixture, uint64_t seq, uint64_t key)
{
    struct store_event event = {
        .seq = seq, .key = key, .type = "token", .payload = "{\"n\":1}", .length = 7};
    return fixture->port.append(fixture->port.context, "s1", fixture->meta.epoch,
                                fixture->meta.tenure, &event);
}

struct seen {
    uint64_t count, first, last;
};

static bool see(void *context, const struct store_event *event)
{
    struct seen *seen = context;
    assert_string_equal(event->type, "token");
    assert_string_equal(event->payload, "{\"n\":1}");
    assert_int_equal(event->length, 7);
    if (seen->count > 0)
        assert_int_equal(event->seq, seen->last + 1);
    else
        seen->first = event->seq;
    seen->last = event->seq;
    seen->count++;
    return true;
}

static struct seen read_all(struct fixture *fixture, uint64_t from, size_t limit)
{
    struct seen seen = {0, 0, 0};
    assert_int_equal(fixture->port.read(fixture->port.context, "s1", fixture->meta.epoch, from,
                                        limit, see, &seen),
                     CORE_OK);
    return seen;
}

/* ---- the port ---- */

static void a_stream_is_made_once_and_found_again(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(load(fixture, false), CORE_NOT_FOUND);
    assert_int_equal(load(fixture, true), CORE_OK);
    uint64_t epoch = fixture->meta.epoch;
    assert_true(epoch != 0 && epoch < UINT64_C(1) << 53);
    assert_int_equal(fixture->meta.tenure, 1);
    assert_int_equal(fixture->meta.head, 0);
    assert_int_equal(fixture->meta.floor, 1);
    reopen(fixture);
    assert_int_equal(load(fixture, true), CORE_OK);
    assert_int_equal(fixture->meta.epoch, epoch);
    assert_int_equal(fixture->meta.tenure, 2);
    assert_string_equal(fixture->meta.owner, "alice");
}

static void an_event_is_stored_once_and_in_order(void **state)
{
    struct fixture *fixture = *state;
    load(fixture, true);
    assert_int_equal(append(fixture, 1, 11), CORE_OK);
    assert_int_equal(append(fixture, 1, 11), CORE_OK); /* the answer was lost: asked again */
    assert_int_equal(append(fixture, 1, 12), CORE_CONFLICT); /* taken by another one */
    assert_int_equal(append(fixture, 3, 13), CORE_CONFLICT); /* would leave a hole */
    assert_int_equal(append(fixture, 2, 12), CORE_OK);
    struct seen seen = read_all(fixture, 1, 100);
    assert_int_equal(seen.count, 2);
    assert_int_equal(read_all(fixture, 1, 1).count, 1);
    assert_int_equal(read_all(fixture, 2, 100).first, 2);
}

static void an_older_tenure_is_refused(void **state)
{
    struct fixture *fixture = *state;
    load(fixture, true);
    assert_int_equal(append(fixture, 1, 11), CORE_OK);
    struct store_meta old = fixture->meta;
    load(fixture, false);
    struct store_meta new = fixture->meta;
    fixture->meta = old;
    assert_int_equal(append(fixture, 2, 12), CORE_STALE);
    /* The same number from another tenure is another event. */
    fixture->meta = new;
    assert_int_equal(append(fixture, 1, 11), CORE_CONFLICT);
    fixture->meta.epoch++;
    assert_int_equal(append(fixture, 2, 12), CORE_STALE);
}

static void what_is_trimmed_is_gone_and_told(void **state)
{
    struct fixture *fixture = *state;
    load(fixture, true);
    for (uint64_t seq = 1; seq <= 10; seq++) assert_int_equal(append(fixture, seq, seq), CORE_OK);
    const struct message_store_port *port = &fixture->port;
    const struct store_meta *meta = &fixture->meta;
    assert_int_equal(port->trim(port->context, "s1", meta->epoch, meta->tenure, 7), CORE_OK);
    assert_int_equal(read_all(fixture, 1, 100).first, 7);
    assert_int_equal(port->trim(port->context, "s1", meta->epoch, meta->tenure, 3), CORE_OK);
    assert_int_equal(read_all(fixture, 1, 100).first, 7);
    assert_int_equal(port->trim(port->context, "s1", meta->epoch, meta->tenure, 12), CORE_INVALID);
    assert_int_equal(port->trim(port->context, "s1", meta->epoch, meta->tenure - 1, 9), CORE_STALE);
    assert_int_equal(port->trim(port->context, "s1", meta->epoch, meta->tenure, 11), CORE_OK);
    load(fixture, false);
    assert_int_equal(fixture->meta.floor, 11);
    assert_int_equal(fixture->meta.head, 10);
}

static void a_restored_file_begins_new_epochs(void **state)
{
    struct fixture *fixture = *state;
    load(fixture, true);
    append(fixture, 1, 1);
    uint64_t epoch = fixture->meta.epoch;
    assert_int_equal(sqlite_store_renew_epochs(fixture->store), CORE_OK);
    load(fixture, false);
    assert_int_not_equal(fixture->meta.epoch, epoch);
    assert_int_equal(read_all(fixture, 1, 10).count, 1);
}

static void starts_are_counted(void **state)
{
    struct fixture *fixture = *state;
    uint64_t starts;
    assert_int_equal(sqlite_store_count_start(fixture->store, &starts), CORE_OK);
    assert_int_equal(starts, 1);
    reopen(fixture);
    assert_int_equal(sqlite_store_count_start(fixture->store, &starts), CORE_OK);
    assert_int_equal(starts, 2);
}

/* ---- files ---- */

static void write_file(const char *path, const char *text, size_t length)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, length, file), length);
    fclose(file);
}

static void assert_refused(struct fixture *fixture, const char *path, enum core_result expected,
                           const char *word)
{
    struct sqlite_store_options options = {.path = path};
    struct sqlite_store *store = NULL;
    assert_int_equal(sqlite_store_open(&options, &store, fixture->problem), expected);
    assert_null(store);
    if (strstr(fixture->problem, word) == NULL || strstr(fixture->problem, path) == NULL)
        fail_msg("'%s' says neither %s nor %s", fixture->problem, word, path);
}

static void run_sql(const char *path, const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void foreign_files_are_refused(void **state)
{
    struct fixture *fixture = *state;
    char path[FILE_MAX];
    static const char text[] = "this is no database, but a text that is long enough to be read as "
                               "one, with a header of a hundred bytes and more";
    folder_file(fixture->folder, "text", path);
    write_file(path, text, sizeof text - 1);
    assert_refused(fixture, path, CORE_INVALID, "is not an SQLite database");
    folder_file(fixture->folder, "other.db", path);
    run_sql(path, "CREATE TABLE invoice(id INTEGER)");
    assert_refused(fixture, path, CORE_INVALID, "another program");
    folder_file(fixture->folder, "no/such/folder", path);
    assert_refused(fixture, path, CORE_UNAVAILABLE, "unable to open");
}

static void a_newer_version_is_refused(void **state)
{
    struct fixture *fixture = *state;
    sqlite_store_close(fixture->store);
    fixture->store = NULL;
    run_sql(fixture->path, "PRAGMA user_version = 99");
    assert_refused(fixture, fixture->path, CORE_INVALID, "version 99");
}

static void damage_is_told(void **state)
{
    struct fixture *fixture = *state;
    load(fixture, true);
    for (uint64_t seq = 1; seq <= 200; seq++) append(fixture, seq, seq);
    sqlite_store_close(fixture->store);
    fixture->store = NULL;
    FILE *file = fopen(fixture->path, "r+");
    char waste[4096 * 2];
    memset(waste, 0x5a, sizeof waste);
    fseek(file, 100, SEEK_SET); /* behind the header, so that the file still looks like one */
    fwrite(waste, 1, sizeof waste, file);
    fclose(file);
    assert_refused(fixture, fixture->path, CORE_INVALID, "damaged");
}

/* ---- others, and death ---- */

static void a_busy_file_is_unavailable_and_unchanged(void **state)
{
    struct fixture *fixture = *state;
    sqlite3 *other;
    load(fixture, true);
    assert_int_equal(sqlite3_open(fixture->path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(append(fixture, 1, 1), CORE_UNAVAILABLE);
    assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(other);
    assert_int_equal(append(fixture, 1, 2), CORE_OK);
}

static void an_outage_is_told_once_and_its_end(void **state)
{
    struct fixture *fixture = *state;
    sqlite3 *other;
    load(fixture, true);
    assert_int_equal(sqlite3_open(fixture->path, &other), SQLITE_OK);
    for (unsigned outage = 1; outage <= 2; outage++) {
        assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
        for (unsigned i = 0; i < 3; i++)
            assert_int_equal(append(fixture, outage, outage), CORE_UNAVAILABLE);
        assert_int_equal(fixture->problems, outage);
        assert_int_equal(fixture->recoveries, outage - 1);
        assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(append(fixture, outage, outage), CORE_OK);
        assert_int_equal(fixture->recoveries, outage);
        assert_int_equal(fixture->failed, 3);
    }
    assert_int_equal(fixture->problems, 2);
    sqlite3_close(other);
}

/* Appends until it is killed, and tells each one that was acknowledged. */
static void append_for_ever(const char *path, int told)
{
    struct fixture child = {.store = NULL};
    struct sqlite_store_options options = {.path = path};
    if (sqlite_store_open(&options, &child.store, child.problem) != CORE_OK) _exit(1);
    child.port = sqlite_store_port(child.store);
    if (load(&child, true) != CORE_OK) _exit(2);
    for (uint64_t seq = child.meta.head + 1;; seq++) {
        if (append(&child, seq, seq) != CORE_OK || write(told, &seq, sizeof seq) != sizeof seq)
            _exit(3);
    }
}

/* Kills it after so many acknowledgements and a little more, never at a chosen place. */
static uint64_t kill_after(const char *path, uint64_t wanted)
{
    int ends[2], status;
    uint64_t seq, last = 0;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) append_for_ever(path, ends[1]);
    close(ends[1]);
    for (uint64_t told = 0; told < wanted; told++)
        assert_int_equal(read(ends[0], &last, sizeof last), sizeof last);
    kill(child, SIGKILL);
    while (read(ends[0], &seq, sizeof seq) == sizeof seq) last = seq;
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    return last;
}

static void a_kill_loses_nothing_acknowledged(void **state)
{
    struct fixture *fixture = *state;
    uint64_t acknowledged = 0;
    sqlite_store_close(fixture->store);
    fixture->store = NULL;
    for (uint64_t life = 1; life <= 5; life++) {
        acknowledged = kill_after(fixture->path, 3 + 17 * life);
        reopen(fixture);
        assert_int_equal(load(fixture, false), CORE_OK);
        /* One more than was told may be stored: it was not told yet. */
        assert_in_range(fixture->meta.head, acknowledged, acknowledged + 1);
        struct seen seen = read_all(fixture, 1, 100000);
        assert_int_equal(seen.count, fixture->meta.head);
        assert_int_equal(seen.first, 1);
        sqlite_store_close(fixture->store);
        fixture->store = NULL;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_stream_is_made_once_and_found_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_event_is_stored_once_and_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_older_tenure_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_trimmed_is_gone_and_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_restored_file_begins_new_epochs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(starts_are_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(foreign_files_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_newer_version_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(damage_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_busy_file_is_unavailable_and_unchanged, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_outage_is_told_once_and_its_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_kill_loses_nothing_acknowledged, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
