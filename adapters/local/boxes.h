/* Sandboxes and their record files: private to this folder. */
#ifndef ADAPTERS_LOCAL_BOXES_H
#define ADAPTERS_LOCAL_BOXES_H

#include "adapters/local/local_provider.h"
#include "adapters/process/group.h"

#include <pthread.h>

enum { LOCAL_PATH_MAX = 512 };

struct process {
    struct process *next;      /* in the order of instances */
    struct group group;
    struct process_record record;
    bool ended;                /* nobody runs any more, the leader is reaped */
};

struct box {
    struct box *next;          /* in the order of ids */
    struct sandbox_record record;
    uint64_t fences[APP_TYPE_COUNT];
    struct process *processes;
    bool emptying;             /* its last owner's processes and files are being removed */
};

struct local_provider {
    char root[LOCAL_PATH_MAX];
    int root_lock;             /* descriptor of ROOT/lock */
    pthread_mutex_t lock;      /* guards all below */
    pthread_cond_t emptied;    /* a box is no longer emptying, or gone */
    struct box *boxes;
    uint64_t last_instance, last_box;
};

/* ROOT/ID and what comes behind it. False, with a text cut off, if that is too long. */
bool local_box_path(const struct local_provider *provider, const char *id, const char *suffix,
              char path[LOCAL_PATH_MAX]);

/* Writes the record file anew, whole or not at all. */
bool local_box_save(const struct local_provider *provider, const struct box *box);

/* Reads every record file of the root into the list. */
enum core_result local_boxes_load(struct local_provider *provider, char problem[LOCAL_PROBLEM_MAX]);

/* Puts a box into the list, in its place. */
void local_box_insert(struct local_provider *provider, struct box *box);

/* Removes everything in the folder, and with `self` the folder too. Follows no links. */
bool local_box_wipe(const char *path, bool self);

/* Removes record, logs and folder. */
void local_box_remove_files(const struct local_provider *provider, const char *id);

/* SESSION_ROOT=ROOT, which every process of the provider has in its environment. */
void local_mark(const char *root, char mark[GROUP_MARK_MAX]);

/* ---- with the provider's lock held ---- */

/* Where the list refers to the box of this id; NULL if nowhere. */
struct box **local_box_find(struct local_provider *provider, const char *id);

/* The box under its current token, or NULL with the answer to whoever asked. */
struct box *local_box_reach(struct local_provider *provider, const char *id, uint64_t token,
                      enum core_result *rc);

/* Kills what runs in the box, and reaps it: as good as at once, for nobody can refuse a KILL. */
void local_box_kill_all(struct box *box);

/* Frees the processes that have ended. */
void local_box_forget_ended(struct box *box);

/* Frees the box and what it knows of processes. */
void local_box_free(struct box *box);

/* Does anybody of the group still run? If not, the leader is reaped. */
bool local_process_check(struct process *process);

/* ---- the port in two parts ---- */

void local_fill_boxes(struct sandbox_provider_port *port);
void local_fill_processes(struct sandbox_provider_port *port);

#endif
