/*
 * The message store in one SQLite file: write-ahead log, one transaction for each append, so that a
 * kill at any moment loses nothing that was acknowledged. The embedded default of the daemon.
 *
 * Several cores and several processes on one machine may use one file: the tenure decides who may
 * append (session_ports.h). The port answers one call at a time, so there is nothing to commit in
 * groups: an append costs one sync of the log.
 */
#ifndef ADAPTERS_SQLITE_STORE_H
#define ADAPTERS_SQLITE_STORE_H

#include "session_ports.h"

enum { SQLITE_STORE_PROBLEM_MAX = 256 };

struct sqlite_store;

struct sqlite_store_options {
    const char *path;
    /* An append may be lost with the machine's power, never with the process. Much faster. */
    bool survives_process_only;
    uint64_t busy_us;   /* how long to wait for another process that writes; 0: five seconds */
    /* Told of a call that failed, in one sentence, by the thread that called; may be NULL. While
     * calls go on failing each kind of error is told once, those of reading apart from others. */
    void (*on_problem)(void *context, const char *text);
    /* So many calls have failed, and now one was done, "writing" or "reading"; may be NULL. */
    void (*on_recovery)(void *context, const char *what, uint64_t failed);
    void *context;
};

/*
 * Opens the file, or makes it. UNAVAILABLE if it cannot be opened, INVALID if it is no message
 * store, is of a newer version, or is damaged; NO_MEMORY. Unless OK, `problem` says why in one
 * sentence that names the file.
 */
enum core_result sqlite_store_open(const struct sqlite_store_options *options,
                                   struct sqlite_store **store,
                                   char problem[SQLITE_STORE_PROBLEM_MAX]);

/* After the last call of the port. NULL is allowed. */
void sqlite_store_close(struct sqlite_store *store);

/* The port; valid until the close. Calls may come from any thread and wait for each other. */
struct message_store_port sqlite_store_port(struct sqlite_store *store);

/* Counts the calls of this function over the life of the file, from 1: a number that no earlier
 * start of the program had. */
enum core_result sqlite_store_count_start(struct sqlite_store *store, uint64_t *starts);

/*
 * Gives every stream a fresh epoch: to be called once after the file was restored from a copy,
 * which may lack events that were acknowledged. Clients then begin anew instead of missing them.
 */
enum core_result sqlite_store_renew_epochs(struct sqlite_store *store);

#endif
