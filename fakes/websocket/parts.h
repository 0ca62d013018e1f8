/* What the two halves of the WebSocket client share: handshake and frames. */
#ifndef FAKES_WEBSOCKET_PARTS_H
#define FAKES_WEBSOCKET_PARTS_H

#include "fakes/websocket/client.h"

/* Ends it with an event that says so; returns true. */
bool websocket_break(struct websocket *websocket, const char *problem,
                     struct websocket_event *event);

/* Room for so many bytes more, and a zero. */
bool websocket_room(struct websocket *websocket, size_t more);

/* As websocket_take, in the states OPENING and OPEN. */
bool websocket_take_response(struct websocket *websocket, const char *bytes, size_t length,
                             size_t *taken, struct websocket_event *event);
bool websocket_take_frames(struct websocket *websocket, const char *bytes, size_t length,
                           size_t *taken, struct websocket_event *event);

#endif
