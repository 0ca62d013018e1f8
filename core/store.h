/*
 * The store thread: loads sessions from the message store and appends their events, one operation
 * at a time, in the order in which they were queued. An event becomes visible in the log only when
 * the store has it (L14). Without a message store there is no thread and appends are immediate.
 */
#ifndef CORE_STORE_H
#define CORE_STORE_H

#include "core/log.h"
#include "core/turn.h"

struct session;

/* A thread waiting for one operation. Guarded by the session's lock. */
struct waiter {
    pthread_cond_t cond;    /* predicate: done */
    bool done;
    enum core_result result;
    uint64_t seq;
};

enum store_operation {
    STORE_APPEND,
    STORE_LOAD,             /* not an event at all: load the session */
    STORE_LOOK,             /* nor this: see whether the store has more than the log */
    STORE_PAGE,             /* nor this: a page of history for somebody (page.c) */
    STORE_TRIM,             /* nor this: retention is over for all of a stream (retention.c) */
    STORE_ASK               /* nor this, and without a session: does the store answer? */
};

/* An event on its way into the log. */
struct append {
    struct append *next;    /* in the store's queue */
    struct session *session; /* pinned by session->users */
    enum store_operation operation;
    bool owed;              /* decided by the core: repeated until the store has it */
    uint64_t number;        /* idempotency key of the store call */
    struct log_event *event; /* owned until it is in the log */
    uint64_t prompt;        /* prompt that this event opens or closes, or 0 */
    uint64_t run;           /* run whose state it tells, or 0 */
    publish_done done;      /* one of done and waiter, or neither */
    void *context;
    struct waiter *waiter;
};

struct store {
    struct core_lock lock;   /* RANK_STORE; guards all below */
    pthread_cond_t ready;    /* queue not empty, or stop, or give_up_us set */
    pthread_t thread;
    bool running, stop;
    bool ended;              /* its thread takes no more operations */
    bool failing;            /* the last call was not answered */
    uint64_t give_up_us;     /* from then on nothing is tried twice; 0: never */
    uint64_t count;
    struct append *head, *tail;
    struct retired *retired; /* streams whose time is running (retention.c) */
    uint64_t retired_count, retirements;
};

enum core_result store_create(struct core *core);
enum core_result store_start(struct core *core);
/* From deadline_us on, what the store does not take at once is answered as unknown. */
void store_give_up_at(struct core *core, uint64_t deadline_us);
void store_stop(struct core *core);       /* works off the queue, joins the thread */
void store_destroy(struct core *core);

/* Remembers whether the store answers; core_health tells. No lock held. */
void store_note(struct turn *turn, bool failing);

/*
 * Queues an operation; each one that is queued will be carried out. False if the store has stopped:
 * the caller keeps it. Session lock may be held.
 */
bool store_post(struct turn *turn, struct append *append);
/* Has the store thread find out whether the store answers, for the health check. False: stopped. */
bool store_ask(struct turn *turn);

/*
 * Sees to it that what the store has and the log has not gets there: an append that was given up as
 * unknown, or events of a core that has opened the stream since. Session lock held.
 */
void store_look(struct turn *turn, struct session *session);

#endif
