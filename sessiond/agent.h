/* One running agent: its process, its pipes and the lines between. Private to the runner. */
#ifndef SESSIOND_AGENT_H
#define SESSIOND_AGENT_H

#include "adapters/process/group.h"
#include "sessiond/agents.h"

#include <jansson.h>
#include <pthread.h>

/* What arrived of a line that is not complete. */
struct line_buffer {
    char *bytes;
    size_t used, capacity;
};

/*
 * Shared by the agent's thread and by whoever settles its questions or stops it, which may be after
 * the thread has gone: counted.
 */
struct agent {
    struct agent *next;          /* in the runner's list, guarded by the runner's lock */
    struct agents *agents;
    struct journal *log;
    struct run_context *run;     /* its thread only */
    struct run_ref ref;
    char name[CORE_NAME_MAX], session[CORE_NAME_MAX], user[CORE_NAME_MAX];
    uint64_t grace_us;
    size_t line_max;             /* longest line that it may write */

    pthread_mutex_t lock;        /* guards the next ones */
    uint64_t references;
    bool stop_asked, closed;     /* closed: nothing is sent to it any more */
    bool overflowed;             /* it does not read what it is sent */
    char *out;                   /* what its input has not taken yet */
    size_t out_used, out_capacity;

    /* Its thread only. */
    struct group group;
    int input, output, errors;   /* our ends; -1: closed */
    int wake;                    /* eventfd; written under the lock */
    struct line_buffer lines, complaints;
    uint64_t kill_at_us;         /* monotonic; 0: not stopped yet */
    bool broke_rules;            /* a line too long */
};

struct agent *agent_new(struct agents *agents, struct run_context *run, const char *name);
void agent_keep(struct agent *agent);
void agent_drop(struct agent *agent);

/* Takes the object; queues it as a line for the agent's input. Any thread. */
void agent_send(struct agent *agent, json_t *message);

/* Wakes the agent's thread, which stops it. Any thread. */
void agent_ask_stop(struct agent *agent);

/* Starts the command; false if that is not possible. Its thread. */
bool agent_start(struct agent *agent, const char *command);

/* Serves it until it has ended and everything of it is gone. How it ended, for the core. */
enum core_result agent_serve(struct agent *agent);

/* Which every agent of this process has in its environment: what names this process. */
#define AGENT_MARK "SESSION_DAEMON"
void agent_mark_all(char mark[GROUP_MARK_MAX]);

/* One whole line that the agent wrote (agent_lines.c). */
void agent_take_line(struct agent *agent, const char *line, size_t length);

#endif
