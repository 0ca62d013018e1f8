/* Promises of the calls that an agent makes; what is broken becomes a record. */
#ifndef FAKES_AGENT_JUDGE_H
#define FAKES_AGENT_JUDGE_H

#include "fakes/internal.h"

/* A call that does something has returned; stopped: the agent had been asked to stop before it. */
void agent_judges_stopped(const struct actor *actor, bool stopped, enum core_result rc);

/* The question of that name was settled. */
void agent_judges_answer(const struct actor *actor, const char *id, bool input,
                         const struct prompt_answer *answer);

/* A pause that was to last until then has ended. */
void agent_judges_pause(const struct actor *actor, uint64_t until_us, enum core_result rc);

#endif
