/* The SQL of the message store, prepared once: private to this folder. */
#ifndef ADAPTERS_SQLITE_STATEMENTS_H
#define ADAPTERS_SQLITE_STATEMENTS_H

#include "adapters/sqlite/sqlite_store.h"

#include <sqlite3.h>

/* "sess", so that a foreign file is told from ours, and the version of the tables below. */
enum { STORE_APPLICATION_ID = 0x73657373, STORE_SCHEMA_VERSION = 1 };

#define STORE_SCHEMA                                                                               \
    "CREATE TABLE stream(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, owner TEXT NOT NULL,"  \
    " epoch INTEGER NOT NULL, tenure INTEGER NOT NULL, head INTEGER NOT NULL,"                     \
    " floor INTEGER NOT NULL);"                                                                    \
    "CREATE TABLE event(stream INTEGER NOT NULL, seq INTEGER NOT NULL, tenure INTEGER NOT NULL,"   \
    " key INTEGER NOT NULL, type TEXT NOT NULL, payload BLOB NOT NULL, UNIQUE(stream, seq));"      \
    "CREATE TABLE counter(name TEXT PRIMARY KEY, value INTEGER NOT NULL);"

#define STORE_STATEMENTS(X)                                                                        \
    X(SQL_BEGIN, "BEGIN IMMEDIATE")                                                                \
    X(SQL_COMMIT, "COMMIT")                                                                        \
    X(SQL_ROLLBACK, "ROLLBACK")                                                                    \
    X(SQL_FIND, "SELECT id, owner, epoch, tenure, head, floor FROM stream WHERE name = ?1")        \
    X(SQL_CREATE, "INSERT INTO stream(name, owner, epoch, tenure, head, floor)"                    \
                  " VALUES(?1, ?2, ?3, 0, 0, 1)")                                                  \
    X(SQL_RAISE, "UPDATE stream SET tenure = tenure + 1 WHERE name = ?1")                          \
    X(SQL_STORED, "SELECT tenure, key FROM event WHERE stream = ?1 AND seq = ?2")                  \
    X(SQL_INSERT, "INSERT INTO event(stream, seq, tenure, key, type, payload)"                     \
                  " VALUES(?1, ?2, ?3, ?4, ?5, ?6)")                                               \
    X(SQL_ADVANCE, "UPDATE stream SET head = ?2 WHERE id = ?1")                                    \
    X(SQL_READ, "SELECT seq, key, type, payload FROM event WHERE stream = ?1 AND seq >= ?2"        \
                " ORDER BY seq LIMIT ?3")                                                          \
    X(SQL_FORGET, "DELETE FROM event WHERE stream = ?1 AND seq < ?2")                              \
    X(SQL_FLOOR, "UPDATE stream SET floor = ?2 WHERE id = ?1")                                     \
    X(SQL_COUNT, "INSERT INTO counter VALUES('starts', 1)"                                         \
                 " ON CONFLICT(name) DO UPDATE SET value = value + 1 RETURNING value")             \
    X(SQL_RENEW, "UPDATE stream SET epoch = ?1 + id")

enum store_statement {
#define STORE_STATEMENT_ENUM(name, text) name,
    STORE_STATEMENTS(STORE_STATEMENT_ENUM)
#undef STORE_STATEMENT_ENUM
        STORE_STATEMENT_COUNT
};

/*
 * Opens the connection, checks or makes the tables and prepares every statement. On failure
 * `problem` is written; what is open then is closed by statements_close.
 */
enum core_result statements_open(const struct sqlite_store_options *options, sqlite3 **db,
                                 sqlite3_stmt *statements[STORE_STATEMENT_COUNT],
                                 char problem[SQLITE_STORE_PROBLEM_MAX]);

void statements_close(sqlite3 *db, sqlite3_stmt *statements[STORE_STATEMENT_COUNT]);

#endif
