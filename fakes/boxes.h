/* The sandbox provider: machines and their processes. */
#ifndef FAKES_BOXES_H
#define FAKES_BOXES_H

#include "fakes/common.h"

/* --- sandboxes (sandbox.c, process.c) --- */

struct process {
    uint64_t instance, pgid, token, fence;
    const char *request;
    record_word app_word;
    enum app_type app;
    uint16_t port, listening; /* asked for; where it listens, 0: nowhere yet */
    bool alive;             /* the server itself */
    bool ghost;             /* ended, and still answers */
    bool doomed, slain;     /* was asked to end, or made to, and did not heed it yet */
    uint32_t children;      /* alive, in its group */
    bool reaped;
    bool late;              /* its start was told to have failed */
    uint64_t boot_us;       /* from its start until it listens */
    uint64_t listen_ns;     /* when it will begin to; WORLD_NEVER: not any more */
    uint64_t start_ns;      /* when it will be started, by a call that failed; 0: it was */
};

struct box {
    struct play *play;
    struct actor *actor;    /* NULL: a sandbox that the scenario does not name */
    const char *id;
    const char *point;      /* "box.call": passed by every call about it */
    record_word word;
    uint16_t party;
    bool made, destroyed, down;
    char owner[CORE_NAME_MAX];
    const char *request;
    enum app_type app;
    uint64_t token, fence[APP_TYPE_COUNT];
    uint64_t boot_low_us, boot_high_us;
    uint16_t port;          /* where its servers listen; 0: where they are told to */
    uint64_t paused_until_ns;
    struct world_queue resumed;
    struct process processes[PROCESSES_MAX];
    uint32_t process_count;
    uint16_t task;          /* next server begins to listen */
    struct world_queue changed;
    uint32_t calls;         /* of the provider, under way */
    bool surviving;         /* its processes heed no signal */
    /* Faults that wait for their moment. */
    uint64_t late_exec_us;  /* 0: it is not to be late */
    bool fail_exec, leave_child, move_port, ghost_server, reuse_pid, list_clients, refuse_call,
        return_stopped, lose_answer;
};

struct provider {
    struct box *boxes[SANDBOXES_MAX];
    uint32_t count;
    uint32_t calls;         /* about no sandbox or all of them, under way */
    uint64_t instances;
};

void provider_init(struct play *play);
struct sandbox_provider_port provider_port(struct instance *instance);
void sandbox_body(void *actor);
void box_crash(struct box *box);
void box_recover(struct box *box);
/* It is nobody's, and nothing runs in it. It has an owner. */
void box_revoke(struct box *box);
/* Signals are heeded again, those of the meantime at once. */
void box_succumb(struct box *box);
/* What stood still goes on. */
void box_resume(struct box *box);
struct box *box_find(struct play *play, const char *id);
/* The first that this owner has; NULL: none. */
struct box *box_owned(const struct play *play, const char *owner);
/* Tells the script of a sandbox about a call; fields as json_pack says. */
void box_tell(struct box *box, const char *kind, json_t *fields);

/* late_us 0: it starts at once. */
struct process *process_spawn(struct box *box, const struct spawn_request *request, uint64_t token,
                              uint64_t late_us);
void process_end(struct box *box, struct process *process, const char *why);
void process_end_child(struct box *box, struct process *process, const char *why);
bool process_group_alive(const struct process *process);
struct process *process_at(struct box *box, uint64_t instance);
uint64_t process_answering(const struct box *box, uint16_t port);
void process_listen_due(void *box);
void process_arm(struct box *box);

#endif
