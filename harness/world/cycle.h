/* Executions that go round in a circle: threads change things, and change them back.
 *
 * A circle is proven, or not told. At two steps shortly before the bound on steps everything was
 * the same: where each thread stood, with which registers and which stack, the memory of the
 * program, every lock, and how long it is until each deadline. Whoever could go on in between did,
 * and time passed if somebody waits for it. So a scheduler that is fair to all may go on like this
 * for ever. That another one gets out is possible: who tries again may be luckier. That is why
 * executions are looked at only where they come to the bound; sooner where one thread alone goes
 * round, for that does not depend on who is chosen. */
#ifndef HARNESS_WORLD_CYCLE_H
#define HARNESS_WORLD_CYCLE_H

#include "internal.h"

#pragma GCC visibility push(hidden)

/* Before an execution. */
void cycle_reset(void);

/* A step was recorded, at or after W.cycle_at. */
void cycle_step(const struct world_step *step);

#pragma GCC visibility pop

#endif
