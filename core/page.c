#include "core/page.h"

#include "core/core.h"

#include <stdlib.h>
#include <string.h>

/* ---- from memory, or not ---- */

/* Reading back begins below the cursor, so one behind the head is known there. */
static bool is_of_this_log(const struct log *log, const struct page_order *order)
{
    uint64_t last = order->direction == HISTORY_FORWARD ? log->head : log->head + 1;
    return order->cursor.epoch == log->epoch && order->cursor.seq <= last;
}

/* From first up to, and without, end. */
struct range {
    uint64_t first, end;
};

/*
 * Where the events of the page can be: the first order->limit of them that are kept, or reading
 * backward all.
 */
static struct range range_of(const struct log *log, const struct page_order *order)
{
    struct history_cursor cursor = order->cursor;
    struct range range = { 1, log->head + 1 };
    bool known = is_of_this_log(log, order);
    if (order->direction == HISTORY_BACKWARD) {
        range.end = known && cursor.seq > 0 ? cursor.seq : range.end;
        range.first = range.end > order->limit ? range.end - order->limit : 1;
        return range;
    }
    range.first = known ? cursor.seq + 1 : 1;
    return range;
}

static enum core_result page_of_memory(struct turn *turn, const struct session *session,
                                       const struct page_order *wanted, struct history_page *page)
{
    enum core_result rc =
        log_page(&session->log, wanted->cursor, wanted->limit, wanted->direction, page);
    /* Behind the floor of the log the store goes on. */
    if (rc == CORE_OK && wanted->direction == HISTORY_BACKWARD && turn->core->has_messages &&
        page->next.seq > session->stored_floor) {
        page->more = true;
        page->trimmed = false;
    }
    return rc;
}

enum core_result page_begin(struct turn *turn, struct session *session,
                            const struct page_order *wanted, struct page_order **order,
                            struct history_page *page)
{
    const struct log *log = &session->log;
    *order = NULL;
    /* What the store has forgotten, too, needs no call. */
    bool from_store = turn->core->has_messages && session->stored_floor < log->floor &&
                      range_of(log, wanted).first < log->floor;
    if (!from_store)
        return page_of_memory(turn, session, wanted, page);
    struct page_order *queued = malloc(sizeof *queued);
    if (queued == NULL)
        return CORE_NO_MEMORY;
    *queued = *wanted;
    queued->operation = (struct append){ .session = session, .operation = STORE_PAGE };
    if (!store_post(turn, &queued->operation)) {
        free(queued);
        return CORE_DRAINING;
    }
    session->users++;
    *order = queued;
    return CORE_OK;
}

/* ---- from the store ---- */

struct reading {
    struct history_page *page;
    struct range range;
    uint64_t bytes, bytes_max;
    bool backward;          /* then the newest are those that count */
    bool dropped;           /* and some others did not fit */
    bool failed;            /* no memory */
};

static void event_free(struct history_event *event)
{
    free(event->type);
    free(event->payload);
}

static void drop_oldest(struct reading *reading)
{
    struct history_page *page = reading->page;
    reading->bytes -= page->events[0].length;
    event_free(&page->events[0]);
    reading->dropped = true;
    page->count--;
    memmove(page->events, page->events + 1, page->count * sizeof *page->events);
}

/* False: the page is full. */
static bool make_room(struct reading *reading, size_t length)
{
    if (!reading->backward)
        return reading->page->count == 0 || reading->bytes + length <= reading->bytes_max;
    while (reading->page->count > 0 && reading->bytes + length > reading->bytes_max)
        drop_oldest(reading);
    return true;
}

static bool collect(void *context, const struct store_event *event)
{
    struct reading *reading = context;
    struct history_page *page = reading->page;
    if (event->seq >= reading->range.end || !make_room(reading, event->length))
        return false;
    struct history_event copy = { .seq = event->seq, .length = event->length,
                                  .type = core_copy_text(event->type),
                                  .payload = malloc(event->length + 1) };
    reading->failed = copy.type == NULL || copy.payload == NULL;
    if (reading->failed) {
        event_free(&copy);
        return false;
    }
    memcpy(copy.payload, event->payload, event->length);
    copy.payload[event->length] = '\0';
    page->events[page->count++] = copy;
    reading->bytes += event->length;
    return true;
}

static void turn_round(struct history_page *page)
{
    for (size_t i = 0; i < page->count / 2; i++) {
        struct history_event event = page->events[i];
        page->events[i] = page->events[page->count - 1 - i];
        page->events[page->count - 1 - i] = event;
    }
}

/* Where the events really begin is where retention has got to. */
static void finish_forward(struct history_page *page, const struct reading *reading, uint64_t head)
{
    uint64_t first = reading->range.first;
    page->trimmed = page->count > 0 ? page->events[0].seq > first : head >= first;
    page->next.seq = page->count > 0 ? page->events[page->count - 1].seq : head;
    page->more = page->next.seq < head;
}

/* The store may have forgotten more than this core knows of, for another one. */
static void finish_backward(struct history_page *page, const struct reading *reading,
                            uint64_t floor)
{
    page->next.seq = page->count > 0 ? page->events[0].seq : reading->range.end;
    page->trimmed = !reading->dropped && page->next.seq > 1 &&
                    (page->next.seq > reading->range.first || page->next.seq <= floor);
    page->more = !page->trimmed && page->next.seq > 1;
    turn_round(page);
}

static enum core_result read_page(struct turn *turn, const struct page_order *order,
                                  const struct log *seen, uint64_t bytes_max,
                                  struct history_page *page)
{
    struct message_store_port *port = &turn->core->messages;
    struct reading reading = { .page = page, .range = range_of(seen, order),
                               .bytes_max = bytes_max,
                               .backward = order->direction == HISTORY_BACKWARD };
    uint64_t left = reading.range.end - reading.range.first;
    size_t count = left < order->limit ? (size_t)left : order->limit;
    *page = (struct history_page){
        .next = { .epoch = seen->epoch },
        .epoch_changed = order->cursor.epoch != 0 && !is_of_this_log(seen, order),
        .events = calloc(count > 0 ? count : 1, sizeof *page->events) };
    if (page->events == NULL)
        return CORE_NO_MEMORY;
    enum core_result rc = port->read(port->context, order->operation.session->key, seen->epoch,
                                     reading.range.first, count, collect, &reading);
    if (rc == CORE_OK && reading.failed)
        rc = CORE_NO_MEMORY;
    if (rc == CORE_OK && reading.backward)
        finish_backward(page, &reading, seen->floor);
    else if (rc == CORE_OK)
        finish_forward(page, &reading, seen->head);
    return rc;
}

void page_read(struct turn *turn, struct append *operation)
{
    struct page_order *order = (struct page_order *)operation;
    struct session *session = operation->session;
    struct history_page page = { .events = NULL };
    turn_lock(turn, &session->lock);
    struct log seen = session->log;   /* its numbers; the events are not looked at */
    seen.floor = session->stored_floor;
    uint64_t bytes_max = session->settings.outbound_max_bytes;
    turn_unlock(turn, &session->lock);
    enum core_result rc = read_page(turn, order, &seen, bytes_max, &page);
    if (rc != CORE_OK)
        history_page_free(&page);
    order->deliver(turn, order, rc, &page);
    turn_lock(turn, &session->lock);
    session->users--;
    session_check_unused(turn, session);
    turn_unlock(turn, &session->lock);
    turn_flush(turn);
    free(order);
}

/* ---- public ---- */

static void deliver_publicly(struct turn *turn, const struct page_order *order,
                             enum core_result result, struct history_page *page)
{
    (void)turn;
    order->done(order->context, result, page);
}

enum core_result history_read(struct core *core, struct session_ref ref,
                              struct history_cursor cursor, size_t limit,
                              enum history_direction direction, history_done done, void *context)
{
    struct page_order wanted = { .cursor = cursor, .direction = direction,
                                 .limit = limit < PAGE_EVENTS_MAX ? limit : PAGE_EVENTS_MAX,
                                 .deliver = deliver_publicly, .done = done, .context = context };
    struct page_order *order = NULL;
    struct history_page page;
    if (limit == 0 || done == NULL)
        return CORE_INVALID;
    enum core_result rc = CORE_STALE;
    struct turn turn;
    turn_begin(&turn, core);
    struct session *session = session_enter(&turn, ref);
    if (session != NULL) {
        rc = page_begin(&turn, session, &wanted, &order, &page);
        session_leave(&turn, session);
    }
    turn_end(&turn);
    if (rc == CORE_OK && order == NULL)
        done(context, CORE_OK, &page);
    return rc;
}
