/* Small JSON texts that are written and recognised without a library, because every execution
 * has dozens of them. What does not look exactly like this is left to the library. */
#ifndef FAKES_TEXT_H
#define FAKES_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* {"type":"ack","seq":7}, or without a field when name is NULL; in scratch memory. */
char *text_message(const char *type, const char *name, uint64_t number, size_t *length);

/* {"by":"bot","n":3}: the payload of an event of which the script says nothing else. */
char *text_payload(const char *by, uint64_t n, size_t *length);

/* {"seq":5,"type":"token","payload":{...}}: a frame with an event, as the core writes it. */
struct event_text {
    uint64_t seq;
    const char *type;       /* not terminated */
    size_t type_length;
    const char *payload;
    size_t payload_length;
};
bool text_parse_event(const char *bytes, size_t length, struct event_text *event);

/* Whether the payload is one of text_payload: who published it, and its number. */
bool text_parse_payload(const char *bytes, size_t length, const char **by, size_t *by_length,
                        uint64_t *n);

#endif
