/* Backends: what the files of their verbs share. */
#ifndef FAKES_BACKEND_H
#define FAKES_BACKEND_H

#include "fakes/internal.h"

/* What a completion of the core hands to the thread that waits for it. */
struct reply {
    bool done;
    enum core_result rc;
    struct sandbox_ref sandbox;
    struct lease_ref lease;
    uint64_t token;
    struct actor *holder;   /* of a lease, and its key */
    record_word key;
    bool waits, lost;       /* its holder would wait for it; was told that it is lost */
    uint64_t held_ns;       /* since then */
    uint32_t place;         /* who waits for it finds it there */
    struct world_queue queue;
};

/* One that the actor will wait for; lives as long as the execution. */
struct reply *reply_new(const struct actor *actor);
/* The same, for one that is part of something else. */
void reply_init(struct reply *reply, const struct actor *actor);

/* Blocks until reply_finish. */
void reply_await(struct actor *actor, struct reply *reply);
void reply_finish(struct reply *reply, enum core_result rc);
/* The completion of a sandbox call; context is a struct reply. */
void reply_sandbox(void *context, enum core_result rc, struct sandbox_ref sandbox);

/* Writes down that the core did not do it, unless it did. */
void note_refusal(struct actor *actor, const char *op, enum core_result rc);
/* The session of this backend; flags as for session_open. */
enum core_result find_session(struct actor *actor, uint32_t flags, struct session_ref *ref);
/* Which server a step is about, by its port. */
enum app_type app_of(const struct actor *actor, const struct scn_step *step);
/* The verbs `ensure` (wanted) and `stop`: its sandbox, then the server in it. */
void use_server(struct actor *actor, const struct scn_step *step, bool wanted);
void keep_page(struct actor *actor, const struct history_page *page);

/* Verbs of the second file: whatever backend.c does not know. */
void backend_more(struct actor *actor, const struct scn_step *step);

/* The verb `misuse`. */
void backend_misuse(struct actor *actor);

#endif
