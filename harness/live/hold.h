/* Limits of a place where a thread of a daemon is held back (hold.c). */
#ifndef HARNESS_LIVE_HOLD_H
#define HARNESS_LIVE_HOLD_H

enum { HOLD_FRAMES_MAX = 4, HOLD_RANGES_MAX = 16 };

#endif
