/* What a session core is asked over HTTP (docs/CORE.md, "Over libwebsockets"), as the messages that
 * mean the same. Internal to harness/capture. */
#ifndef HARNESS_CAPTURE_REQUESTS_H
#define HARNESS_CAPTURE_REQUESTS_H

#include "harness/capture/head.h"

enum { REQUESTS_NAME_MAX = 256 };

enum request_kind {
    REQUEST_FOREIGN,            /* nothing that a session core is asked */
    REQUEST_UPGRADE,            /* to a WebSocket */
    REQUEST_EVENTS,             /* GET .../sessions/NAME/events: an event stream */
    REQUEST_HISTORY,            /* GET .../sessions/NAME/history: polling */
    REQUEST_START,              /* POST .../sessions/NAME/runs */
};

struct request {
    enum request_kind kind;
    bool headless;              /* HEAD: its answer has no body, whatever it says */
    char session[REQUESTS_NAME_MAX];
    char query[REQUESTS_NAME_MAX];
    char last_id[64];           /* Last-Event-ID; "" if absent */
};

/* Reads the head of a request. */
void request_read(struct text head, struct request *request);

/* The message that says the same, as malloc'ed JSON: `hello`, `history`, or `start_agent` with the
 * fields of `body`; each names its session. NULL: the body makes no sense. */
char *request_message(const struct request *request, const char *body, size_t length);

#endif
