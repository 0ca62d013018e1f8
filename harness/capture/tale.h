/* What tabs did and were told, message by message. Internal to harness/capture. */
#ifndef HARNESS_CAPTURE_TALE_H
#define HARNESS_CAPTURE_TALE_H

#include "harness/capture/story.h"

/* Goes through story->messages: fills tabs, sessions, events, receipts, faults. */
void tale_read(struct story *story);

/* Puts a message behind the ones before it that led to it (tale_order.c); see story.clock_us. */
void tale_set_time(struct story *story, struct story_message *message);

/* Whether a tab sends such a message by itself, without a step of its script. */
bool tale_is_automatic(const char *type);

#endif
