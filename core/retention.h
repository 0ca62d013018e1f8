/*
 * How long the message store keeps what memory has given up: at most store_max_events of a session,
 * and none of it retain_in_store after the session was forgotten.
 */
#ifndef CORE_RETENTION_H
#define CORE_RETENTION_H

#include "core/session.h"

/*
 * Where the stored stream of this session should begin, or 0 to leave it. What a live run or an
 * open question has there stays; a run is told once more, so that it cannot hold it for ever.
 * Session lock held.
 */
uint64_t retention_floor(struct turn *turn, struct session *session);

/* Trims to floor, and gives up one user of the session. Store thread, no lock. */
void retention_trim(struct turn *turn, struct session *session, uint64_t floor);

/* The session is being forgotten: its stream ends retain_in_store from now. Session lock held. */
void retention_begin(struct turn *turn, struct session *session);

/* Frees what still waits for its time: a core that ends leaves those streams to the next one. */
void retention_forget(struct core *core);

/* STORE_TRIM, on the store thread. */
void retention_end(struct turn *turn, struct append *operation);

#endif
