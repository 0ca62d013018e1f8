/* Server-sent events (HTML Living Standard, section 9.2.6) from pieces of any size. Internal to
 * harness/capture. */
#ifndef HARNESS_CAPTURE_EVENTS_H
#define HARNESS_CAPTURE_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { EVENTS_NAME_MAX = 32, EVENTS_LINE_MAX = 16 << 20 };

struct events {
    char *line, *data;
    size_t line_used, line_room, data_used, data_room;
    char name[EVENTS_NAME_MAX]; /* of the event; "" for a message */
    bool after_return;          /* a line feed now belongs to the line end before */
    bool begun;                 /* a byte order mark can no longer come */
    bool torn;                  /* what comes belongs to an event of which something is missing */
    uint32_t lost;              /* events that were not told for that */
};

/* Told of an event: its name, and its data with a zero behind them; valid during the call. */
typedef void (*events_listener)(void *context, const char *name, const char *data, size_t length);

void events_take(struct events *events, const uint8_t *bytes, size_t size, events_listener listener,
                 void *context);

/* Some bytes are missing: the event that they are in, and the one behind them, are lost. */
void events_miss(struct events *events);

void events_free(struct events *events);

#endif
