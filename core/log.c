#include "core/log.h"

#include "core/core.h"

#include <stdlib.h>
#include <string.h>

struct log_event *log_event_new(const char *type, const char *payload, size_t length)
{
    size_t type_size = strlen(type) + 1;
    struct log_event *event = malloc(sizeof *event + type_size + length + 1);
    if (event == NULL)
        return NULL;
    char *text = event->text + type_size;
    memcpy(event->text, type, type_size);
    memcpy(text, payload, length);
    text[length] = '\0';
    event->seq = 0;
    event->end_bytes = 0;
    event->length = length;
    event->type = event->text;
    event->payload = text;
    return event;
}

void log_event_free(struct log_event *event)
{
    free(event);
}

static uint64_t event_bytes(const struct log_event *event)
{
    return event->length + strlen(event->type);
}

static size_t place_of(const struct log *log, uint64_t seq)
{
    REQUIRE(log->capacity > 0);
    return (size_t)(seq & (log->capacity - 1));
}

static uint64_t count_of(const struct log *log)
{
    return log->head + 1 - log->floor;
}

void log_init(struct log *log, uint64_t epoch, uint64_t first_seq)
{
    REQUIRE(first_seq > 0);
    *log = (struct log){ .epoch = epoch, .head = first_seq - 1, .floor = first_seq };
}

void log_free(struct log *log)
{
    for (uint64_t seq = log->floor; seq <= log->head; seq++)
        log_event_free(log->ring[place_of(log, seq)]);
    free(log->ring);
    log_init(log, 0, 1);
}

enum core_result log_reserve(struct log *log)
{
    if (count_of(log) < log->capacity)
        return CORE_OK;
    struct log larger = *log;
    larger.capacity = log->capacity == 0 ? 8 : log->capacity * 2;
    larger.ring = malloc(larger.capacity * sizeof(struct log_event *));
    if (larger.ring == NULL)
        return CORE_NO_MEMORY;
    for (uint64_t seq = log->floor; seq <= log->head; seq++)
        larger.ring[place_of(&larger, seq)] = log->ring[place_of(log, seq)];
    free(log->ring);
    *log = larger;
    return CORE_OK;
}

void log_append(struct log *log, struct log_event *event)
{
    REQUIRE(count_of(log) < log->capacity);
    log->end_bytes += event_bytes(event);
    event->seq = ++log->head;
    event->end_bytes = log->end_bytes;
    log->ring[place_of(log, event->seq)] = event;
}

uint64_t log_trim(struct log *log, uint64_t max_events, uint64_t max_bytes)
{
    uint64_t dropped = 0;
    while (count_of(log) > 1 && (count_of(log) > max_events ||
                                 log->end_bytes - log->start_bytes > max_bytes)) {
        struct log_event *oldest = log->ring[place_of(log, log->floor)];
        log->start_bytes = oldest->end_bytes;
        log->floor++;
        log_event_free(oldest);
        dropped++;
    }
    return dropped;
}

const struct log_event *log_at(const struct log *log, uint64_t seq)
{
    if (seq < log->floor || seq > log->head)
        return NULL;
    const struct log_event *event = log->ring[place_of(log, seq)];
    REQUIRE(event->seq == seq);
    return event;
}

uint64_t log_bytes_after(const struct log *log, uint64_t cursor)
{
    REQUIRE(cursor <= log->head);
    if (cursor < log->floor)
        return log->end_bytes - log->start_bytes;
    return log->end_bytes - log_at(log, cursor)->end_bytes;
}

uint64_t log_tail_start(const struct log *log, uint64_t max_events, uint64_t max_bytes)
{
    uint64_t start = log->floor;
    if (count_of(log) > max_events)
        start = log->head + 1 - max_events;
    while (start <= log->head && log_bytes_after(log, start - 1) > max_bytes)
        start++;
    return start;
}

/* ---- pages ---- */

static enum core_result copy_events(const struct log *log, uint64_t first, uint64_t step,
                                    struct history_page *page, size_t count)
{
    page->events = calloc(count > 0 ? count : 1, sizeof *page->events);
    if (page->events == NULL)
        return CORE_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        const struct log_event *event = log_at(log, first + i * step);
        struct history_event *copy = &page->events[page->count++];
        copy->seq = event->seq;
        copy->length = event->length;
        copy->type = core_copy_text(event->type);
        copy->payload = core_copy_text(event->payload);
        if (copy->type == NULL || copy->payload == NULL)
            return CORE_NO_MEMORY;
    }
    return CORE_OK;
}

static enum core_result page_forward(const struct log *log, uint64_t after, size_t limit,
                                     struct history_page *page)
{
    uint64_t first = after + 1 < log->floor ? log->floor : after + 1;
    uint64_t left = first > log->head ? 0 : log->head + 1 - first;
    size_t count = left < limit ? (size_t)left : limit;
    page->trimmed = after + 1 < log->floor;
    page->more = left > count;
    page->next.seq = count > 0 ? first + count - 1 : after;
    return copy_events(log, first, 1, page, count);
}

static enum core_result page_backward(const struct log *log, uint64_t below, size_t limit,
                                      struct history_page *page)
{
    uint64_t left = below > log->floor ? below - log->floor : 0;
    size_t count = left < limit ? (size_t)left : limit;
    /* Reading back ends at the floor; whether something was there once is told by its number. */
    page->trimmed = left == count && log->floor > 1;
    page->more = left > count;
    page->next.seq = below - count;
    return copy_events(log, below - 1, (uint64_t)-1, page, count);
}

enum core_result log_page(const struct log *log, struct history_cursor cursor, size_t limit,
                          enum history_direction direction, struct history_page *page)
{
    *page = (struct history_page){ .next = { .epoch = log->epoch } };
    /* Reading back begins below the cursor, so that one behind the head means all of it. */
    uint64_t last = direction == HISTORY_FORWARD ? log->head : log->head + 1;
    bool known = cursor.epoch == log->epoch && cursor.seq <= last;
    page->epoch_changed = cursor.epoch != 0 && !known;
    enum core_result rc;
    if (direction == HISTORY_FORWARD)
        rc = page_forward(log, known ? cursor.seq : 0, limit, page);
    else
        rc = page_backward(log, known && cursor.seq > 0 ? cursor.seq : log->head + 1, limit, page);
    if (rc != CORE_OK)
        history_page_free(page);
    return rc;
}

void history_page_free(struct history_page *page)
{
    for (size_t i = 0; i < page->count; i++) {
        free(page->events[i].type);
        free(page->events[i].payload);
    }
    free(page->events);
    *page = (struct history_page){ 0 };
}
