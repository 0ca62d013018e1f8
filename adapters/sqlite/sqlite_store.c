#include "adapters/sqlite/sqlite_store.h"

#include "adapters/sqlite/statements.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum purpose { READING, WRITING, PURPOSE_COUNT };

/* Calls that fail one after another. */
struct outage {
    uint64_t failed;
    uint64_t told; /* primary error codes of SQLite, a bit each */
};

struct sqlite_store {
    struct sqlite_store_options options;
    pthread_mutex_t lock; /* one connection: guards all below */
    struct outage outages[PURPOSE_COUNT];
    sqlite3 *db;
    sqlite3_stmt *statements[STORE_STATEMENT_COUNT];
};

/* A row of stream. */
struct stream {
    int64_t id;
    struct store_meta meta;
};

enum core_result sqlite_store_open(const struct sqlite_store_options *options,
                                   struct sqlite_store **out,
                                   char problem[SQLITE_STORE_PROBLEM_MAX])
{
    struct sqlite_store *store = calloc(1, sizeof *store);
    if (store == NULL) {
        snprintf(problem, SQLITE_STORE_PROBLEM_MAX, "%s: out of memory", options->path);
        return CORE_NO_MEMORY;
    }
    store->options = *options;
    enum core_result rc = statements_open(options, &store->db, store->statements, problem);
    if (rc == CORE_OK && pthread_mutex_init(&store->lock, NULL) != 0) rc = CORE_NO_MEMORY;
    if (rc != CORE_OK) {
        statements_close(store->db, store->statements);
        free(store);
        return rc;
    }
    *out = store;
    return CORE_OK;
}

void sqlite_store_close(struct sqlite_store *store)
{
    if (store == NULL) return;
    statements_close(store->db, store->statements);
    pthread_mutex_destroy(&store->lock);
    free(store);
}

/* ---- statements and transactions; the lock is held ---- */

static sqlite3_stmt *bind(struct sqlite_store *store, enum store_statement which)
{
    sqlite3_reset(store->statements[which]);
    sqlite3_clear_bindings(store->statements[which]);
    return store->statements[which];
}

static bool step(sqlite3_stmt *statement, int expected)
{
    return sqlite3_step(statement) == expected;
}

static bool run(struct sqlite_store *store, enum store_statement which)
{
    sqlite3_stmt *statement = bind(store, which);
    bool done = step(statement, SQLITE_DONE);
    sqlite3_reset(statement);
    return done;
}

/* A full disk fails every call until somebody makes room; a log is not to fill it further. */
static void note_failure(struct sqlite_store *store, enum purpose purpose, const char *what)
{
    char text[SQLITE_STORE_PROBLEM_MAX];
    struct outage *outage = &store->outages[purpose];
    uint64_t kind = UINT64_C(1) << (sqlite3_errcode(store->db) & 63);
    outage->failed++;
    if ((outage->told & kind) != 0 || store->options.on_problem == NULL) return;
    outage->told |= kind;
    snprintf(text, sizeof text, "%s: %s failed: %s", store->options.path, what,
             sqlite3_errmsg(store->db));
    store->options.on_problem(store->options.context, text);
}

static void note_success(struct sqlite_store *store, enum purpose purpose)
{
    static const char *const words[] = {[READING] = "reading", [WRITING] = "writing"};
    uint64_t failed = store->outages[purpose].failed;
    if (failed == 0) return;
    store->outages[purpose] = (struct outage){.failed = 0};
    if (store->options.on_recovery != NULL)
        store->options.on_recovery(store->options.context, words[purpose], failed);
}

/* The last call of SQLite failed: nothing of this transaction has taken effect, or will. */
static enum core_result give_up(struct sqlite_store *store, enum purpose purpose, const char *what)
{
    note_failure(store, purpose, what);
    for (int i = 0; i < STORE_STATEMENT_COUNT; i++) sqlite3_reset(store->statements[i]);
    if (!sqlite3_get_autocommit(store->db)) run(store, SQL_ROLLBACK);
    return CORE_UNAVAILABLE;
}

/*
 * A commit that found the file busy or full is rolled back, and that is certain. After an error of
 * the device the log may hold it all the same.
 */
static enum core_result commit(struct sqlite_store *store, const char *what)
{
    if (run(store, SQL_COMMIT)) {
        note_success(store, WRITING);
        return CORE_OK;
    }
    int code = sqlite3_errcode(store->db) & 0xff;
    enum core_result rc = give_up(store, WRITING, what);
    return code == SQLITE_BUSY || code == SQLITE_FULL ? rc : CORE_UNKNOWN;
}

/* Ends a transaction that decided to change nothing. */
static enum core_result leave(struct sqlite_store *store, enum core_result rc)
{
    run(store, SQL_ROLLBACK);
    return rc;
}

/* OK, NOT_FOUND, or UNAVAILABLE without having told anybody. */
static enum core_result find(struct sqlite_store *store, const char *session, struct stream *stream)
{
    sqlite3_stmt *row = bind(store, SQL_FIND);
    sqlite3_bind_text(row, 1, session, -1, SQLITE_STATIC);
    int found = sqlite3_step(row);
    if (found == SQLITE_ROW) {
        stream->id = sqlite3_column_int64(row, 0);
        stream->meta = (struct store_meta){.epoch = (uint64_t)sqlite3_column_int64(row, 2),
                                           .tenure = (uint64_t)sqlite3_column_int64(row, 3),
                                           .head = (uint64_t)sqlite3_column_int64(row, 4),
                                           .floor = (uint64_t)sqlite3_column_int64(row, 5)};
        snprintf(stream->meta.owner, sizeof stream->meta.owner, "%s",
                 (const char *)sqlite3_column_text(row, 1));
    }
    if (found == SQLITE_ROW || found == SQLITE_DONE) sqlite3_reset(row);
    return found == SQLITE_ROW ? CORE_OK : found == SQLITE_DONE ? CORE_NOT_FOUND : CORE_UNAVAILABLE;
}

/* ---- load_meta ---- */

/* Drawn, not counted: a file that was lost and made anew must not repeat an epoch. Clients read
 * numbers up to 2^53. */
static uint64_t fresh_epoch(void)
{
    uint64_t epoch = 0;
    while (epoch == 0) {
        if (getrandom(&epoch, sizeof epoch, 0) != (ssize_t)sizeof epoch) epoch = 0;
        epoch &= (UINT64_C(1) << 52) - 1;
    }
    return epoch;
}

static bool create_stream(struct sqlite_store *store, const char *session, const char *owner)
{
    sqlite3_stmt *insert = bind(store, SQL_CREATE);
    sqlite3_bind_text(insert, 1, session, -1, SQLITE_STATIC);
    sqlite3_bind_text(insert, 2, owner, -1, SQLITE_STATIC);
    sqlite3_bind_int64(insert, 3, (int64_t)fresh_epoch());
    bool done = step(insert, SQLITE_DONE);
    if (done) sqlite3_reset(insert);
    return done;
}

static bool raise_tenure(struct sqlite_store *store, const char *session)
{
    sqlite3_stmt *update = bind(store, SQL_RAISE);
    sqlite3_bind_text(update, 1, session, -1, SQLITE_STATIC);
    bool done = step(update, SQLITE_DONE);
    if (done) sqlite3_reset(update);
    return done;
}

static enum core_result load(struct sqlite_store *store, const char *session, const char *owner,
                             bool create, struct store_meta *meta)
{
    struct stream stream;
    if (!run(store, SQL_BEGIN)) return give_up(store, WRITING, "opening a session");
    enum core_result rc = find(store, session, &stream);
    if (rc == CORE_NOT_FOUND && !create) return leave(store, rc);
    if (rc == CORE_NOT_FOUND && !create_stream(store, session, owner))
        return give_up(store, WRITING, "making a session");
    if (rc == CORE_UNAVAILABLE || !raise_tenure(store, session) ||
        find(store, session, &stream) != CORE_OK)
        return give_up(store, WRITING, "opening a session");
    *meta = stream.meta;
    return commit(store, "opening a session");
}

static enum core_result load_meta(void *context, const char *session, const char *owner,
                                  bool create, struct store_meta *meta)
{
    struct sqlite_store *store = context;
    pthread_mutex_lock(&store->lock);
    enum core_result rc = load(store, session, owner, create, meta);
    pthread_mutex_unlock(&store->lock);
    return rc;
}

/* ---- append ---- */

/* Is what the store has under this seq the very event? */
static enum core_result compare(struct sqlite_store *store, const struct stream *stream,
                                const struct store_event *event)
{
    sqlite3_stmt *row = bind(store, SQL_STORED);
    sqlite3_bind_int64(row, 1, stream->id);
    sqlite3_bind_int64(row, 2, (int64_t)event->seq);
    int found = sqlite3_step(row);
    if (found != SQLITE_ROW && found != SQLITE_DONE) return give_up(store, WRITING, "an append");
    bool same = found == SQLITE_ROW &&
                (uint64_t)sqlite3_column_int64(row, 0) == stream->meta.tenure &&
                (uint64_t)sqlite3_column_int64(row, 1) == event->key;
    sqlite3_reset(row);
    return leave(store, same ? CORE_OK : CORE_CONFLICT);
}

static bool insert(struct sqlite_store *store, const struct stream *stream,
                   const struct store_event *event)
{
    sqlite3_stmt *row = bind(store, SQL_INSERT);
    sqlite3_bind_int64(row, 1, stream->id);
    sqlite3_bind_int64(row, 2, (int64_t)event->seq);
    sqlite3_bind_int64(row, 3, (int64_t)stream->meta.tenure);
    sqlite3_bind_int64(row, 4, (int64_t)event->key);
    sqlite3_bind_text(row, 5, event->type, -1, SQLITE_STATIC);
    sqlite3_bind_blob64(row, 6, event->payload, event->length, SQLITE_STATIC);
    if (!step(row, SQLITE_DONE)) return false;
    sqlite3_reset(row);
    row = bind(store, SQL_ADVANCE);
    sqlite3_bind_int64(row, 1, stream->id);
    sqlite3_bind_int64(row, 2, (int64_t)event->seq);
    if (!step(row, SQLITE_DONE)) return false;
    sqlite3_reset(row);
    return true;
}

/* Begins a transaction, and finds the stream as (epoch, tenure) know it. Unless OK it has ended. */
static enum core_result enter(struct sqlite_store *store, const char *session, uint64_t epoch,
                              uint64_t tenure, const char *what, struct stream *stream)
{
    if (!run(store, SQL_BEGIN)) return give_up(store, WRITING, what);
    enum core_result rc = find(store, session, stream);
    if (rc == CORE_UNAVAILABLE) return give_up(store, WRITING, what);
    if (rc == CORE_OK && (stream->meta.epoch != epoch || stream->meta.tenure != tenure))
        rc = CORE_STALE;
    return rc == CORE_OK ? CORE_OK : leave(store, rc);
}

static enum core_result append(void *context, const char *session, uint64_t epoch, uint64_t tenure,
                               const struct store_event *event)
{
    struct sqlite_store *store = context;
    struct stream stream;
    pthread_mutex_lock(&store->lock);
    enum core_result rc = enter(store, session, epoch, tenure, "an append", &stream);
    if (rc == CORE_OK) {
        if (event->seq <= stream.meta.head)
            rc = compare(store, &stream, event);
        else if (event->seq != stream.meta.head + 1)
            rc = leave(store, CORE_CONFLICT);
        else if (!insert(store, &stream, event))
            rc = give_up(store, WRITING, "an append");
        else
            rc = commit(store, "an append");
    }
    pthread_mutex_unlock(&store->lock);
    return rc;
}

/* ---- read and trim ---- */

static enum core_result visit_rows(struct sqlite_store *store, int64_t id, uint64_t from,
                                   size_t limit, store_visit visit, void *visit_context)
{
    sqlite3_stmt *row = bind(store, SQL_READ);
    int found;
    sqlite3_bind_int64(row, 1, id);
    sqlite3_bind_int64(row, 2, (int64_t)from);
    sqlite3_bind_int64(row, 3, limit > INT64_MAX ? INT64_MAX : (int64_t)limit);
    while ((found = sqlite3_step(row)) == SQLITE_ROW) {
        struct store_event event = {.seq = (uint64_t)sqlite3_column_int64(row, 0),
                                    .key = (uint64_t)sqlite3_column_int64(row, 1),
                                    .type = (const char *)sqlite3_column_text(row, 2)};
        /* As text, which SQLite ends with a zero. */
        event.payload = (const char *)sqlite3_column_text(row, 3);
        event.length = (size_t)sqlite3_column_bytes(row, 3);
        if (event.type == NULL || event.payload == NULL || !visit(visit_context, &event)) break;
    }
    bool failed = found != SQLITE_ROW && found != SQLITE_DONE;
    if (failed) return give_up(store, READING, "reading events");
    sqlite3_reset(row);
    note_success(store, READING);
    return CORE_OK;
}

static enum core_result read_events(void *context, const char *session, uint64_t epoch,
                                    uint64_t from, size_t limit, store_visit visit,
                                    void *visit_context)
{
    struct sqlite_store *store = context;
    struct stream stream;
    pthread_mutex_lock(&store->lock);
    enum core_result rc = find(store, session, &stream);
    if (rc == CORE_UNAVAILABLE) rc = give_up(store, READING, "reading a session");
    if (rc == CORE_OK && stream.meta.epoch != epoch) rc = CORE_STALE;
    if (rc == CORE_OK) rc = visit_rows(store, stream.id, from, limit, visit, visit_context);
    pthread_mutex_unlock(&store->lock);
    return rc;
}

static bool set_floor(struct sqlite_store *store, const struct stream *stream, uint64_t floor)
{
    static const enum store_statement both[] = {SQL_FORGET, SQL_FLOOR};
    for (size_t i = 0; i < sizeof both / sizeof both[0]; i++) {
        sqlite3_stmt *change = bind(store, both[i]);
        sqlite3_bind_int64(change, 1, stream->id);
        sqlite3_bind_int64(change, 2, (int64_t)floor);
        if (!step(change, SQLITE_DONE)) return false;
        sqlite3_reset(change);
    }
    return true;
}

static enum core_result trim(void *context, const char *session, uint64_t epoch, uint64_t tenure,
                             uint64_t floor)
{
    struct sqlite_store *store = context;
    struct stream stream;
    pthread_mutex_lock(&store->lock);
    enum core_result rc = enter(store, session, epoch, tenure, "a trim", &stream);
    if (rc == CORE_OK) {
        if (floor > stream.meta.head + 1)
            rc = leave(store, CORE_INVALID);
        else if (floor <= stream.meta.floor)
            rc = leave(store, CORE_OK);
        else if (!set_floor(store, &stream, floor))
            rc = give_up(store, WRITING, "a trim");
        else
            rc = commit(store, "a trim");
    }
    pthread_mutex_unlock(&store->lock);
    return rc;
}

struct message_store_port sqlite_store_port(struct sqlite_store *store)
{
    return (struct message_store_port){.context = store,
                                       .load_meta = load_meta,
                                       .append = append,
                                       .read = read_events,
                                       .trim = trim};
}

/* ---- the daemon's own ---- */

enum core_result sqlite_store_count_start(struct sqlite_store *store, uint64_t *starts)
{
    enum core_result rc = CORE_OK;
    pthread_mutex_lock(&store->lock);
    sqlite3_stmt *row = bind(store, SQL_COUNT);
    if (step(row, SQLITE_ROW)) {
        *starts = (uint64_t)sqlite3_column_int64(row, 0);
        rc = step(row, SQLITE_DONE) ? CORE_OK : CORE_UNKNOWN;
        sqlite3_reset(row);
    } else {
        rc = give_up(store, WRITING, "counting a start");
    }
    pthread_mutex_unlock(&store->lock);
    return rc;
}

enum core_result sqlite_store_renew_epochs(struct sqlite_store *store)
{
    enum core_result rc = CORE_OK;
    pthread_mutex_lock(&store->lock);
    sqlite3_stmt *update = bind(store, SQL_RENEW);
    sqlite3_bind_int64(update, 1, (int64_t)fresh_epoch());
    if (step(update, SQLITE_DONE))
        sqlite3_reset(update);
    else
        rc = give_up(store, WRITING, "renewing epochs");
    pthread_mutex_unlock(&store->lock);
    return rc;
}
