/* A connection to a core that a backend has for itself: what is said and what has to come, frame by
 * frame (alone_conn.c), for those who talk over it. Environment context. */
#ifndef FAKES_ALONE_LINE_H
#define FAKES_ALONE_LINE_H

#include "fakes/alone.h"

/* A connection, from its greeting to its end. */
struct line {
    struct alone *alone;
    struct alone_session *session;
    struct conn_ref conn;
    uint64_t frames;         /* that it was given */
    uint64_t cursor, gen;
    uint64_t beat_ns;        /* when the next heartbeat is due */
    uint64_t due_us;         /* when the next message of the client is due */
    bool found;              /* at the last heartbeat: the store is looked at more often */
    bool over;               /* the client did something wrong, or nothing */
    bool beat_waits;         /* a heartbeat came due while nobody took a frame */
    bool asked, cut;         /* for a frame by the core; that it be closed */
    enum core_close_code code;
};

/* Opens one and goes through its handshake; a run that waited for that begins. */
struct line *line_attach(struct alone *alone, struct alone_session *session);
/* The client goes. */
void line_leave(struct line *line);
/* A message that makes sense. */
void line_say(struct line *line, const char *text);
/* The next frame, which must be of that kind; NULL if there is none. */
const json_t *line_due(struct line *line, const char *kind);
void line_due_number(const struct line *line, const json_t *body, const char *name,
                     uint64_t right);
void line_due_error(struct line *line, const char *about, enum core_result code);
/* The events that are new, and nothing behind them. */
void line_due_news(struct line *line);
void line_due_silence(struct line *line);
/* Until the next heartbeat finds nothing new in the store. */
void line_calm_down(struct line *line);
/* An event is published, which the transport is told of; false if the store has others first. */
bool line_publish(struct line *line);
/* The core has given it up, and says no more. */
void line_due_loss(struct line *line, enum core_close_code close);
/* The transport takes no frame, or does not tell that one was sent (alone_stall.c): for less than
 * send_stall, or for as long. */
void line_stall(struct line *line);

#endif
