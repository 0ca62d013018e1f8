/* What tabs did and were told, message by message. Internal to harness/capture. */
#ifndef HARNESS_CAPTURE_TALE_H
#define HARNESS_CAPTURE_TALE_H

#include "harness/capture/story.h"

/* Goes through story->messages: fills tabs, sessions, events, receipts, faults. */
void tale_read(struct story *story);

#endif
