/*
 * A lock store and a sandbox provider in memory, shared by as many cores as a test likes. Their
 * clock is the test: a grant expires and a server begins to listen when it says so. Every operation
 * can be made to fail, to take effect without an answer, or to stand still.
 */
#ifndef TESTS_CORE_FLEET_H
#define TESTS_CORE_FLEET_H

#include "rig.h"

enum { FLEET_KEYS = 16, FLEET_BOXES = 8, FLEET_PROCESSES = 64 };

enum fleet_op {
    OP_TRY, OP_RENEW, OP_RELEASE, OP_READ,
    OP_CREATE, OP_ASSIGN, OP_DESTROY, OP_LIST, OP_AWAIT, OP_SPAWN, OP_PROCESSES, OP_SIGNAL,
    OP_PROBE, OP_WAIT,
    OP_COUNT
};

struct fleet_script {
    int failing;                 /* so many calls answer `answer` */
    enum core_result answer;
    bool applied;                /* they take effect nevertheless */
    bool held;                   /* calls stand still: after their effect, before the answer */
    uint64_t inside, calls;
};

struct fleet_key {
    char key[CORE_NAME_MAX], owner[CORE_NAME_MAX];
    bool held;
    uint64_t token, grants;
};

struct fleet_process {
    struct process_record record;
    uint32_t box;
    uint64_t fence;
    uint16_t listens;            /* 0: not yet */
    bool ignores_term;
    char name[CORE_NAME_MAX], command[CORE_COMMAND_MAX];
    int terms, kills;
};

struct fleet {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct lock_store_port locks;
    struct sandbox_provider_port provider;
    struct fleet_script scripts[OP_COUNT];
    struct fleet_key keys[FLEET_KEYS];
    uint64_t tokens;
    struct sandbox_record boxes[FLEET_BOXES];
    bool destroyed[FLEET_BOXES];
    uint64_t fences[FLEET_BOXES][APP_TYPE_COUNT];
    uint32_t boxes_count;
    struct fleet_process processes[FLEET_PROCESSES];
    uint32_t processes_count;
    bool listens_at_once, ignores_term;
    uint64_t most_alive;         /* most processes of one app alive at once in one sandbox */
};

void fleet_init(struct fleet *fleet);
void fleet_free(struct fleet *fleet);

/* The next n calls of this operation give this answer. */
void fleet_fail(struct fleet *fleet, enum fleet_op op, int n, enum core_result answer,
                bool applied);
void fleet_hold(struct fleet *fleet, enum fleet_op op);
void fleet_let_go(struct fleet *fleet, enum fleet_op op);
void fleet_await_inside(struct fleet *fleet, enum fleet_op op);
uint64_t fleet_calls(struct fleet *fleet, enum fleet_op op);

/* The grant is over, without anybody having been asked. */
void fleet_expire(struct fleet *fleet, const char *key);
/* Somebody else has the key now. */
void fleet_take(struct fleet *fleet, const char *key, const char *owner);
bool fleet_held(struct fleet *fleet, const char *key);
uint64_t fleet_grants(struct fleet *fleet, const char *key);

uint32_t fleet_add_box(struct fleet *fleet, const char *id);
/* A process that no core has started; instance. */
uint64_t fleet_add_process(struct fleet *fleet, uint32_t box, enum app_type app, uint16_t port,
                           bool listens);
/* The newest process listens on its port. */
void fleet_listen(struct fleet *fleet);
void fleet_die(struct fleet *fleet, uint64_t instance);
uint64_t fleet_alive(struct fleet *fleet, uint32_t box);
uint64_t fleet_spawned(struct fleet *fleet);
bool fleet_is_owned(struct fleet *fleet, uint32_t box, const char *owner);
bool fleet_is_destroyed(struct fleet *fleet, uint32_t box);

/* rig_init with both ports, and waits of a millisecond instead of seconds. */
void fleet_rig(struct rig *rig, struct fleet *fleet);

/* An answer, from whichever of the completions. */
struct answer {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int count;
    enum core_result result;
    struct lease_ref lease;
    uint64_t token;
    struct sandbox_ref sandbox;
    struct server_status status;
    int lost;
};

void answer_init(struct answer *answer);
void answer_free(struct answer *answer);
void answer_lease(void *answer, enum core_result result, struct lease_ref lease, uint64_t token);
void answer_lost(void *answer, struct lease_ref lease);
void answer_sandbox(void *answer, enum core_result result, struct sandbox_ref sandbox);
void answer_server(void *answer, enum core_result result, const struct server_status *status);
/* Waits for the answer, and makes ready for the next one. */
enum core_result answer_await(struct answer *answer);
bool answer_came(struct answer *answer);
int answer_losses(struct answer *answer);

/* The sandbox of this owner, ready. */
struct sandbox_ref sandbox_ok(struct rig *rig, const char *owner);

#endif
