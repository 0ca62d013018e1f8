/*
 * Pages of history: from the log in memory if it has all of the page, else from the message store.
 */
#ifndef CORE_PAGE_H
#define CORE_PAGE_H

#include "core/session.h"

struct page_order;

/* A public page from the store has no more events than this; one for a client far fewer. */
enum { PAGE_EVENTS_MAX = 1000 };

/* Who wants the page; called once, no lock held. The page is the callee's. */
typedef void (*page_deliver)(struct turn *turn, const struct page_order *order,
                             enum core_result result, struct history_page *page);

struct page_order {
    struct append operation;   /* first: STORE_PAGE, freed with the order */
    struct history_cursor cursor;
    size_t limit;
    enum history_direction direction;
    page_deliver deliver;
    history_done done;         /* of the public form */
    void *context;
    struct conn_ref conn;      /* of a client's request */
};

/*
 * OK with *order NULL: the page is there already. OK with the order given back: it is queued, a
 * copy of `wanted`, and will be delivered. Anything else: nothing will come. Session lock held.
 */
enum core_result page_begin(struct turn *turn, struct session *session,
                            const struct page_order *wanted, struct page_order **order,
                            struct history_page *page);

/* STORE_PAGE, on the store thread. */
void page_read(struct turn *turn, struct append *operation);

#endif
