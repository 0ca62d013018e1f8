/* What was seen of a core that is a process elsewhere, told to the stage, which writes it down as
 * the fakes would have: what its message store holds, and the servers in its sandboxes. For the
 * thread of the world, inside an execution. */
#ifndef FAKES_WITNESS_H
#define FAKES_WITNESS_H

#include "fakes/stage.h"

/* --- the message store --- */

/* A core has opened that session's stream: `head` and `floor` are what it found. */
void witness_opened(struct stage *stage, uint32_t core, const char *session, uint64_t epoch,
                    uint64_t tenure, uint64_t head, uint64_t floor);
void witness_stored(struct stage *stage, uint32_t core, const char *session, uint64_t epoch,
                    uint64_t tenure, const struct store_event *event);
void witness_trimmed(struct stage *stage, const char *session, uint64_t epoch, uint64_t floor);

/* --- sandboxes: the first that is seen is the first of the scenario, and so on --- */

/* Somebody owns that sandbox now; "": nobody does. */
void witness_assigned(struct stage *stage, const char *sandbox, const char *owner, uint64_t token,
                      enum app_type app);
/* A server was started in it: `group` is its process group. Tells how long it has to wait before it
 * listens. */
uint64_t witness_spawned(struct stage *stage, const char *sandbox, enum app_type app,
                         uint64_t group, uint16_t port, uint64_t fence);
void witness_listens(struct stage *stage, const char *sandbox, uint64_t group, uint16_t port);
void witness_ended(struct stage *stage, const char *sandbox, uint64_t group, const char *why);

#endif
