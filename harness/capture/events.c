/* Lines of an event stream. */
#include "harness/capture/events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void append(char **at, size_t *used, size_t *room, const char *bytes, size_t size)
{
    size_t wanted = *room == 0 ? 256 : *room;

    while (wanted < *used + size + 1) wanted *= 2;
    if (wanted != *room) {
        *at = realloc(*at, wanted);
        if (*at == NULL) abort();
        *room = wanted;
    }
    if (size > 0) memcpy(*at + *used, bytes, size);
    *used += size;
    (*at)[*used] = '\0';
}

static void forget(struct events *events)
{
    events->data_used = 0;
    events->name[0] = '\0';
}

static void dispatch(struct events *events, events_listener listener, void *context)
{
    if (events->torn) {
        events->lost++;
        events->torn = false;
    } else if (events->data_used > 0) {
        /* Each line of data has ended with a line feed, the last one's does not count. */
        events->data[--events->data_used] = '\0';
        listener(context, events->name, events->data, events->data_used);
    }
    forget(events);
}

static void take_field(struct events *events, const char *name, size_t length, const char *value)
{
    if (length == 4 && memcmp(name, "data", 4) == 0) {
        append(&events->data, &events->data_used, &events->data_room, value, strlen(value));
        append(&events->data, &events->data_used, &events->data_room, "\n", 1);
        if (events->data_used > EVENTS_LINE_MAX) events_miss(events);
    } else if (length == 5 && memcmp(name, "event", 5) == 0) {
        (void)snprintf(events->name, sizeof events->name, "%s", value);
    }
}

static void end_line(struct events *events, events_listener listener, void *context)
{
    append(&events->line, &events->line_used, &events->line_room, "", 0);
    const char *line = events->line;
    const char *colon = strchr(line, ':');
    size_t length = colon == NULL ? events->line_used : (size_t)(colon - line);
    const char *value = colon == NULL ? "" : colon[1] == ' ' ? colon + 2 : colon + 1;

    if (events->line_used == 0) dispatch(events, listener, context);
    else if (length > 0 && !events->torn) take_field(events, line, length, value);
    events->line_used = 0;
}

static void take_letter(struct events *events, char letter, events_listener listener,
                        void *context)
{
    bool second = events->after_return && letter == '\n';

    events->after_return = letter == '\r';
    if (second) return;
    if (letter == '\r' || letter == '\n') {
        end_line(events, listener, context);
        return;
    }
    append(&events->line, &events->line_used, &events->line_room, &letter, 1);
    if (events->line_used > EVENTS_LINE_MAX) events_miss(events);
    if (events->begun || events->line_used < 3) return;
    events->begun = true;
    if (memcmp(events->line, "\xef\xbb\xbf", 3) == 0) events->line_used = 0;
}

void events_take(struct events *events, const uint8_t *bytes, size_t size, events_listener listener,
                 void *context)
{
    for (size_t i = 0; i < size; i++) take_letter(events, (char)bytes[i], listener, context);
}

void events_miss(struct events *events)
{
    forget(events);
    events->line_used = 0;
    events->torn = true;
    events->after_return = false;
}

void events_free(struct events *events)
{
    free(events->line);
    free(events->data);
}
