/* What the files of the HTTP client share. */
#ifndef FAKES_HTTP_PARTS_H
#define FAKES_HTTP_PARTS_H

#include "fakes/http/client.h"

/* Ends it with that problem; true, for the event. */
bool http_break(struct http *http, const char *problem, struct http_event *event);
/* Adds bytes to the room, and a zero behind them. False: there is no memory. */
bool http_keep(struct http *http, const char *bytes, size_t count);

bool http_take_stream(struct http *http, const char *bytes, size_t length, size_t *taken,
                      struct http_event *event);

#endif
