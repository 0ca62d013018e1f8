/*
 * The log of a session: events floor..head in a bounded ring. It is the only truth (L1); every
 * reader is a cursor over it. Guarded by the lock of its session.
 */
#ifndef CORE_LOG_H
#define CORE_LOG_H

#include "session_core.h"

struct log_event {
    uint64_t seq;
    uint64_t end_bytes;   /* bytes of all events ever appended, up to and with this one */
    size_t length;        /* of payload */
    const char *type;     /* both point into text */
    const char *payload;
    char text[];
};

struct log {
    uint64_t epoch;
    uint64_t head;        /* seq of the newest event; 0 before the first */
    uint64_t floor;       /* seq of the oldest event kept; head + 1 if none is */
    uint64_t start_bytes; /* bytes of all events below floor */
    uint64_t end_bytes;   /* bytes of all events up to head */
    struct log_event **ring;
    size_t capacity;      /* 0 or a power of two */
};

/* A new event, not yet in any log; freed by log_event_free. NULL without memory. */
struct log_event *log_event_new(const char *type, const char *payload, size_t length);
void log_event_free(struct log_event *event);

/* An empty log whose next event is first_seq. */
void log_init(struct log *log, uint64_t epoch, uint64_t first_seq);
void log_free(struct log *log);

/* Makes room for one more event, so that log_append cannot fail. */
enum core_result log_reserve(struct log *log);

/* Appends as head + 1 and takes the event over. Room was reserved. */
void log_append(struct log *log, struct log_event *event);

/* Drops the oldest events until both limits hold; the newest stays. How many were dropped. */
uint64_t log_trim(struct log *log, uint64_t max_events, uint64_t max_bytes);

/* The event of this seq, or NULL if it is not kept. Valid while the session lock is held. */
const struct log_event *log_at(const struct log *log, uint64_t seq);

/* Bytes of the events after cursor, up to head. cursor <= head. */
uint64_t log_bytes_after(const struct log *log, uint64_t cursor);

/* First seq of the longest tail of at most max_events events and max_bytes bytes; >= floor. */
uint64_t log_tail_start(const struct log *log, uint64_t max_events, uint64_t max_bytes);

enum core_result log_page(const struct log *log, struct history_cursor cursor, size_t limit,
                          enum history_direction direction, struct history_page *page);

#endif
