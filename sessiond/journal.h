/*
 * The daemon's log: one JSON object a line, with time (UTC), level, event and what belongs to it.
 * Any thread; a line that cannot be written is lost, and the daemon goes on.
 */
#ifndef SESSIOND_JOURNAL_H
#define SESSIOND_JOURNAL_H

#include <stdbool.h>

#define LOG_LEVELS(X)                                                                              \
    X(LOG_ERROR, "error") X(LOG_WARNING, "warning") X(LOG_INFO, "info") X(LOG_DEBUG, "debug")

enum journal_level {
#define LOG_LEVEL_ENUM(name, word) name,
    LOG_LEVELS(LOG_LEVEL_ENUM)
#undef LOG_LEVEL_ENUM
        LOG_LEVEL_COUNT
};

/* False for a word that is no level. */
bool journal_level_of(const char *word, enum journal_level *level);

struct journal;

/* Writes lines up to this level to the descriptor, which stays the caller's. NULL: no memory. */
struct journal *journal_new(int fd, enum journal_level level);
void journal_free(struct journal *log);

/*
 * Writes one line, if the level is wanted. `format` and what follows are those of json_pack for an
 * object, "{s:s, s:i}" for instance; NULL: no fields. Without a log nothing happens.
 */
void journal_tell(struct journal *log, enum journal_level level, const char *event,
                  const char *format, ...);

#endif
