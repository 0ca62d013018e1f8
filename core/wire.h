/*
 * The JSON messages: decoding of requests and encoding of frames (docs/PROTOCOL.md). Pure functions
 * of their arguments; no locks.
 */
#ifndef CORE_WIRE_H
#define CORE_WIRE_H

#include "core/log.h"
#include "session_core.h"

#include <jansson.h>

struct wire_request {
    enum wire_message kind;   /* one of WIRE_REQUESTS */
    json_t *body;             /* the whole object; owned */
};

/* Decodes one message. On failure *problem is a sentence for the client (static memory). */
enum core_result wire_decode(const char *bytes, size_t length, struct wire_request *request,
                             const char **problem);
void wire_request_free(struct wire_request *request);

/* Fields of a request. False if missing, of another type, or out of range. */
bool wire_number(const json_t *body, const char *name, uint64_t *value);
bool wire_name(const json_t *body, const char *name, char value[CORE_NAME_MAX]);
bool wire_bool(const json_t *body, const char *name, bool *value);

/* The text of an object, which is given up; allocated by the C library. NULL without memory. */
char *wire_text(json_t *object, size_t *length);

/* The same for what is owed (reserve.h): never NULL. */
char *wire_text_owed(struct core *core, json_t *object, size_t *length);

/* A new message object with its "type". */
json_t *wire_message(enum wire_message message);

/* The frame of an event: {"seq":..,"type":..,"payload":..}. NULL without memory. */
char *wire_event(const struct log_event *event, size_t *length);

/* May an agent emit this? A word that is no message of the core's own. */
bool wire_is_event_type(const char *type);

/* Can this be a JSON string (is it UTF-8)? */
bool wire_is_text(const char *text);

/* Is this a JSON object? */
bool wire_is_object(const char *text, size_t length);

#endif
