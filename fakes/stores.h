/* The lock store and the message store. */
#ifndef FAKES_STORES_H
#define FAKES_STORES_H

#include "fakes/common.h"

/* --- stores (store_calls.c, locks.c, messages.c) --- */

enum store_part { STORE_LOCKS, STORE_MESSAGES, STORE_PARTS };

/* What a fault has in store for the call that is being made. */
struct store_call {
    struct store_call *next;
    enum store_part part;
    uint16_t core;          /* party */
    uint32_t number;
    uint32_t record;
    record_word op, key;
    uint64_t delay_us;
    bool timeout, applied;
    bool held;              /* its reply is held back, and counted in play->busy */
};

struct stores {
    uint32_t calls[STORE_PARTS];
    struct store_call *open[STORE_PARTS]; /* calls under way */
    uint64_t latency_low_us, latency_high_us;
    uint64_t delay_us[STORE_PARTS];       /* every call, while a fault with `for` lasts */
};

/* Brackets a call: begin waits for the latency; performed says whether the effect takes place; end
 * waits for what a fault wants and gives the answer. */
void store_call_begin(struct instance *instance, struct store_call *call, enum store_part part,
                 const char *op, const char *key);
bool store_performed(const struct store_call *call);
enum core_result store_end(struct instance *instance, struct store_call *call,
                           enum core_result result);
/* The core's threads are gone, their calls with them. */
void store_calls_killed(struct play *play, uint16_t core);
bool store_call_open(const struct play *play, const struct scn_ref *target);
void store_call_delay(struct play *play, const struct scn_ref *target, uint64_t by_us);
void store_call_timeout(struct play *play, const struct scn_ref *target, bool applied);

struct lock_entry {
    char key[CORE_NAME_MAX];
    char owner[CORE_NAME_MAX];
    record_word key_word, lock_word, owner_word;
    bool held;
    uint64_t token;         /* of the newest grant */
    uint64_t until_ns;
    bool undo_valid;        /* the write before can be taken back */
    bool undo_held;
    char undo_owner[CORE_NAME_MAX];
    record_word undo_owner_word;
    uint64_t undo_token, undo_until_ns;
};

struct locks {
    struct play *play;
    struct lock_entry entries[LOCKS_MAX];
    uint32_t count;
    struct lock_entry *written;  /* last */
    uint64_t tokens;             /* handed out so far */
    uint16_t task;               /* expiry */
};

void locks_init(struct play *play);
struct lock_store_port locks_port(struct instance *instance);
bool locks_expirable(const struct play *play, const struct scn_ref *target);
void locks_expire(struct play *play, const struct scn_ref *target);
bool locks_lose_last(struct play *play);

struct stored_event {
    uint64_t key, tenure;
    const char *type, *payload;
    size_t length;
};

struct stream {
    const char *name;
    record_word word;
    char owner[CORE_NAME_MAX];
    uint64_t epoch, tenure, head, floor;
    struct stored_event *events; /* seq 1 is at [0] */
    uint64_t capacity;
};

struct messages {
    struct stream *streams[SESSIONS_MAX];
    uint32_t count;
    uint64_t epochs;
    struct stream *written; /* last */
};

struct message_store_port messages_port(struct instance *instance);
bool messages_lose_last(struct play *play);
/* An event became durable, and what it says of runs and questions. */
void messages_record(record_word session, uint16_t core, uint64_t epoch, uint64_t tenure,
                     const struct store_event *event);

#endif
