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

/* A message that is a request over HTTP, or its answer (tale_requests.c). */
void tale_request(struct story *story, const struct story_message *message);

/* Puts a message behind the ones before it that led to it (tale_order.c); see story.clock_us. */
void tale_set_time(struct story *story, struct story_message *message);

/* Whether a tab sends such a message by itself, without a step of its script. */
bool tale_is_automatic(const char *type);

#endif
