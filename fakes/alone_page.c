/* Pages of the log of a core that a backend has for itself. */
#include "fakes/alone.h"

enum { CURSORS_BACK = 16 };

static void compare_event(const struct alone *alone, const struct alone_session *session,
                          const struct history_event *event, uint64_t seq)
{
    alone_tell(alone, "the number of an event of a page", event->seq, seq);
    if (event->seq != seq) return;
    const struct alone_event *known = &session->events[seq - 1];
    bool same = strcmp(event->type, known->type) == 0 && event->length == known->length &&
                memcmp(event->payload, known->payload, known->length) == 0;
    alone_tell(alone, "whether an event of a page is what was published", same, true);
}

static void compare_page(struct alone *alone, const struct alone_session *session,
                         const struct alone_page *due)
{
    const struct history_page *page = &alone->page;

    alone_tell(alone, "the events of a page", page->count, due->count);
    for (size_t i = 0; i < page->count && i < due->count; i++)
        compare_event(alone, session, &page->events[i],
                      due->back ? due->first - i : due->first + i);
    alone_tell(alone, "the epoch of a page", page->next.epoch, session->epoch);
    alone_tell(alone, "where the next page begins", page->next.seq, due->next);
    alone_tell(alone, "whether a page begins anew", page->epoch_changed, due->renewed);
    alone_tell(alone, "whether more follows a page", page->more, due->more);
    alone_tell(alone, "whether a page was trimmed", page->trimmed, due->trimmed);
    alone->api->history_page_free(&alone->page);
    alone_tell(alone, "what is left of a page that was freed", page->count, 0);
}

static void on_page(void *context, enum core_result rc, struct history_page *page)
{
    struct alone *alone = context;

    alone_tell(alone, "whether a page was given before", alone->called, false);
    alone->called = true;
    alone->rc = rc;
    alone->page = *page;
    world_release(&alone->given);
}

static struct history_cursor draw_cursor(const struct alone_session *session, bool back)
{
    uint64_t epochs[] = { session->epoch, session->epoch, session->epoch, 0, session->epoch + 1 };
    uint32_t reach = session->head < CURSORS_BACK ? (uint32_t)session->head : CURSORS_BACK;
    uint64_t seq = session->head + 2 - world_choose(reach + 3, "a_cursor");

    /* Below the first event there was never one: whether that is trimmed nobody says. */
    if (back && seq == 1) seq = 0;
    return (struct history_cursor){ epochs[world_choose(5, "an_epoch")], seq };
}

void alone_read(struct alone *alone, const struct alone_session *session)
{
    bool back = alone_draw("read_back"), all = alone_draw("read_the_store_too");
    struct history_cursor cursor = draw_cursor(session, back);
    size_t limit = 1 + world_choose(16, "a_limit");
    enum history_direction direction = back ? HISTORY_BACKWARD : HISTORY_FORWARD;
    enum core_result rc;

    alone->called = false;
    if (all)
        rc = alone->api->history_read(alone->core, session->ref, cursor, limit, direction, on_page,
                                      alone);
    else
        rc = alone->api->history(alone->core, session->ref, cursor, limit, direction,
                                 &alone->page);
    struct alone_page due = { .count = 0 };
    if (session->open) due = alone_expect_page(alone, session, cursor, limit, back, all);
    if (all && rc == CORE_OK && due.in_memory)
        alone_tell(alone, "whether a page of memory is given at once", alone->called, true);
    alone_settle();
    alone_tell(alone, "the answer to a reader", rc, session->open ? CORE_OK : CORE_STALE);
    alone->stale += !session->open;
    alone_tell(alone, "whether a page was given", alone->called, all && rc == CORE_OK);
    if (all && rc == CORE_OK) alone_tell(alone, "the result of a page", alone->rc, CORE_OK);
    world_acquire(&alone->given);
    if (rc == CORE_OK && session->open) compare_page(alone, session, &due);
}

void alone_read_one(struct alone *alone)
{
    alone_read(alone, alone_draw_session(alone));
}
