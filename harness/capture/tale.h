/* What tabs did and were told, message by message. Internal to harness/capture. */
#ifndef HARNESS_CAPTURE_TALE_H
#define HARNESS_CAPTURE_TALE_H

#include "harness/capture/story.h"

/* Goes through story->messages: fills tabs, sessions, events, receipts, faults. */
void tale_read(struct story *story);

/* The session of that name, made if it is new; STORY_SESSIONS_MAX: there are too many. */
uint32_t tale_session(struct story *story, const char *called, uint32_t core);

/* An event as it was told by a message; false: it is none. */
bool tale_event(struct story *story, uint32_t session, const struct story_message *message,
                uint64_t epoch, const json_t *body, bool live);

/* The tab of a connection; NULL: nobody said hello on it. */
struct story_tab *tale_tab(struct story *story, const struct story_link *link);

/* Adds a step to the script of a message's tab, or a remark. */
void tale_add(struct story *story, const struct story_message *message, const char *text);
void tale_remark(struct story *story, const struct story_message *message, const char *text);

/* A server sends to the last connection of the tab and hears nothing: the far end had gone, or,
 * where its machine goes on acknowledging, reads no more. `away_us` is how long it could not come
 * back, 0 if it never did (tale_hello.c). */
void tale_lose(struct story *story, struct story_tab *tab, uint64_t away_us);

/* A client says hello: who it is, whether it is back, and how (tale_hello.c). */
void tale_hello(struct story *story, struct story_message *message);

/* A client asks for something; `before` is the type of what it said last (tale_asks.c). */
void tale_ask(struct story *story, struct story_message *message, const char *before);

/* A client says something that no step can `send`: its very text, or, if that cannot stand in a
 * scenario, `remark` (tale_asks.c). */
void tale_say(struct story *story, const struct story_message *message, const char *remark);

/* Whether a client's message has all that its type asks for (tale_sense.c). */
bool tale_makes_sense(const char *type, const json_t *body);

/* A message that is a request over HTTP, or its answer (tale_requests.c). */
void tale_request(struct story *story, const struct story_message *message);

/* Puts a message behind the ones before it that led to it (tale_order.c); see story.clock_us. */
void tale_set_time(struct story *story, struct story_message *message);

/* Whether a tab sends such a message by itself, without a step of its script. */
bool tale_is_automatic(const char *type);

#endif
