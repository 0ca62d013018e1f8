/* What a core says when it is asked: a backend's step `inspect`. */
#ifndef FAKES_INSPECT_H
#define FAKES_INSPECT_H

#include "fakes/backend.h"

/* Records a value that the core tells about itself, with the least and the most that is true. */
void inspect_tell(const struct instance *instance, const char *what, uint64_t told, uint64_t least,
                  uint64_t most);

/* May somebody stand still in this scenario? Then he hears of things later than they are. */
bool inspect_pauses(const struct play *play);

/* In the calm, what is behind the core's ports; the statistics are those of this moment. */
void audit_servers(const struct instance *instance);
void audit_sandboxes(const struct instance *instance, const struct core_stats *stats);
void audit_health(const struct instance *instance, const struct core_stats *stats);

/* What the core asks a sandbox to run: called, commanded and named as it is documented. */
void inspect_spawn(const struct instance *instance, const struct box *box,
                   const struct spawn_request *request);

/* Everything; on the backend's own thread, at any time. */
void inspect_core(struct actor *actor);

/* The tables of settings and commands, by their documentation (inspect_words.c). */
void inspect_settings(const struct instance *instance);
void inspect_commands(const struct instance *instance);

#endif
