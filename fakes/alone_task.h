/* A run that takes its time, of a core that a backend has for itself: what has to be so, for those
 * who meddle with it. Environment context. */
#ifndef FAKES_ALONE_TASK_H
#define FAKES_ALONE_TASK_H

#include "fakes/alone.h"

/* A state of the run, and the reason that is told, or "". */
struct alone_line task_state(const char *said, const char *why);
/* These events have come, and no others. */
void task_take_in(struct alone *alone, const struct alone_line *due, size_t count);
/* It goes on, with so many deadlines of its own. */
void task_judge_state(struct alone *alone, enum run_state due, uint64_t deadlines);
/* It has ended so, at alone->task.over_us. */
void task_judge_end(struct alone *alone, enum run_state due);
/* So many questions have an outcome; that of the last one, and when it was told. */
void task_judge_outcomes(struct alone *alone, uint32_t count, enum prompt_outcome last,
                         uint64_t at_us);
void task_wait_us(uint64_t time_us);
/* The program cancels it, for a reason or for none; begun: its agent is to be told. */
void task_cancel(struct alone *alone, const char *why, bool begun);

/* A question that clients answer, or do not (alone_talk.c). */
void task_talk(struct alone *alone);

#endif
