#include "adapters/sqlite/statements.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { BUSY_MS = 5000 };

static const char *const statement_text[STORE_STATEMENT_COUNT] = {
#define STORE_STATEMENT_TEXT(name, text) [name] = text,
    STORE_STATEMENTS(STORE_STATEMENT_TEXT)
#undef STORE_STATEMENT_TEXT
};

static enum core_result __attribute__((format(printf, 3, 4)))
complain(char problem[SQLITE_STORE_PROBLEM_MAX], enum core_result rc, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(problem, SQLITE_STORE_PROBLEM_MAX, format, arguments);
    va_end(arguments);
    return rc;
}

/* What a failure of SQLite means for somebody who wants to open this file. */
static enum core_result explain(sqlite3 *db, const char *path, char *problem)
{
    switch (sqlite3_errcode(db) & 0xff) {
    case SQLITE_NOTADB:
        return complain(problem, CORE_INVALID, "%s is not an SQLite database; name another file",
                        path);
    case SQLITE_CORRUPT:
        return complain(problem, CORE_INVALID,
                        "%s is damaged (%s); restore a copy, then start once with --restored yes",
                        path, sqlite3_errmsg(db));
    case SQLITE_BUSY:
        return complain(problem, CORE_UNAVAILABLE, "%s is locked by another program", path);
    default:
        return complain(problem, CORE_UNAVAILABLE, "%s: %s", path, sqlite3_errmsg(db));
    }
}

/* One number that SQL gives; false if it gives none. */
static bool ask_number(sqlite3 *db, const char *sql, int64_t *number)
{
    sqlite3_stmt *statement = NULL;
    bool found = sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
                 sqlite3_step(statement) == SQLITE_ROW;
    if (found) *number = sqlite3_column_int64(statement, 0);
    return sqlite3_finalize(statement) == SQLITE_OK && found;
}

static bool run(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

/* Inside a transaction, so that of two programs that begin at once one makes the tables. */
static enum core_result check_tables(sqlite3 *db, const char *path, char *problem)
{
    int64_t application, version, tables;
    if (!ask_number(db, "PRAGMA application_id", &application) ||
        !ask_number(db, "PRAGMA user_version", &version) ||
        !ask_number(db, "SELECT count(*) FROM sqlite_schema", &tables))
        return explain(db, path, problem);
    if (tables == 0 && application == 0) {
        char make[sizeof STORE_SCHEMA + 128];
        snprintf(make, sizeof make,
                 STORE_SCHEMA "PRAGMA application_id = %d;"
                              "PRAGMA user_version = %d;",
                 STORE_APPLICATION_ID, STORE_SCHEMA_VERSION);
        return run(db, make) ? CORE_OK : explain(db, path, problem);
    }
    if (application != STORE_APPLICATION_ID)
        return complain(problem, CORE_INVALID,
                        "%s is a database of another program; name another file", path);
    if (version != STORE_SCHEMA_VERSION)
        return complain(problem, CORE_INVALID,
                        "%s has version %lld of the message store, this program knows %d", path,
                        (long long)version, STORE_SCHEMA_VERSION);
    return CORE_OK;
}

static enum core_result set_up(sqlite3 *db, const struct sqlite_store_options *options,
                               char *problem)
{
    if (!run(db, "BEGIN IMMEDIATE")) return explain(db, options->path, problem);
    enum core_result rc = check_tables(db, options->path, problem);
    if (!run(db, rc == CORE_OK ? "COMMIT" : "ROLLBACK") && rc == CORE_OK)
        rc = explain(db, options->path, problem);
    if (rc != CORE_OK) return rc;
    /* Journal and sync cannot be set inside a transaction. */
    if (!run(db, "PRAGMA journal_mode = WAL") ||
        !run(db, options->survives_process_only ? "PRAGMA synchronous = NORMAL"
                                                : "PRAGMA synchronous = FULL"))
        return explain(db, options->path, problem);
    return CORE_OK;
}

enum core_result statements_open(const struct sqlite_store_options *options, sqlite3 **db,
                                 sqlite3_stmt *statements[STORE_STATEMENT_COUNT],
                                 char problem[SQLITE_STORE_PROBLEM_MAX])
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    int opened = sqlite3_open_v2(options->path, db, flags, NULL);
    if (*db == NULL) return complain(problem, CORE_NO_MEMORY, "%s: out of memory", options->path);
    if (opened != SQLITE_OK) return explain(*db, options->path, problem);
    sqlite3_busy_timeout(*db, options->busy_us == 0 ? BUSY_MS : (int)(options->busy_us / 1000));
    enum core_result rc = set_up(*db, options, problem);
    for (int i = 0; rc == CORE_OK && i < STORE_STATEMENT_COUNT; i++) {
        if (sqlite3_prepare_v3(*db, statement_text[i], -1, SQLITE_PREPARE_PERSISTENT,
                               &statements[i], NULL) != SQLITE_OK)
            rc = explain(*db, options->path, problem);
    }
    return rc;
}

void statements_close(sqlite3 *db, sqlite3_stmt *statements[STORE_STATEMENT_COUNT])
{
    for (int i = 0; i < STORE_STATEMENT_COUNT; i++) sqlite3_finalize(statements[i]);
    sqlite3_close(db);
}
