#include "sessiond/agents.h"

#include "sessiond/agent.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* Room for the words around the payload of one event. */
enum { LINE_EXTRA = 4096 };

struct agents {
    const struct options *options;
    struct journal *log;
    struct core *core;
    pthread_mutex_t lock; /* guards the next ones */
    struct agent *first; /* those that run */
    struct agents_stats stats;
};

struct agents *agents_new(const struct options *options, struct journal *log)
{
    struct agents *agents = calloc(1, sizeof *agents);
    if (agents == NULL) return NULL;
    agents->options = options;
    agents->log = log;
    pthread_mutex_init(&agents->lock, NULL);
    return agents;
}

void agents_free(struct agents *agents)
{
    if (agents == NULL) return;
    pthread_mutex_destroy(&agents->lock);
    free(agents);
}

void agents_attach(struct agents *agents, struct core *core)
{
    agents->core = core;
}

void agents_stats(struct agents *agents, struct agents_stats *stats)
{
    pthread_mutex_lock(&agents->lock);
    *stats = agents->stats;
    pthread_mutex_unlock(&agents->lock);
}

void agents_abandon(void)
{
    struct group all = {.leader = 0};
    agent_mark_all(all.mark);
    group_signal(&all, SIGKILL);
}

size_t agents_sweep(void)
{
    return group_sweep(AGENT_MARK);
}

/* ---- the list ---- */

static void enlist(struct agents *agents, struct agent *agent)
{
    pthread_mutex_lock(&agents->lock);
    agent->next = agents->first;
    agents->first = agent;
    agents->stats.started++;
    agents->stats.running++;
    pthread_mutex_unlock(&agents->lock);
}

static void count_end(struct agents_stats *stats, enum core_result result)
{
    stats->running--;
    stats->completed += result == CORE_OK;
    stats->stopped += result == CORE_CANCELLED;
    stats->failed += result != CORE_OK && result != CORE_CANCELLED;
}

static void strike_off(struct agents *agents, struct agent *agent, enum core_result result)
{
    pthread_mutex_lock(&agents->lock);
    struct agent **at = &agents->first;
    while (*at != agent) at = &(*at)->next;
    *at = agent->next;
    count_end(&agents->stats, result);
    pthread_mutex_unlock(&agents->lock);
}

/* ---- the port ---- */

static bool describe(struct agents *agents, struct agent *agent)
{
    struct session_info info;
    if (session_info(agents->core, agent->ref.session, &info) != CORE_OK) return false;
    memcpy(agent->session, info.key, sizeof agent->session);
    memcpy(agent->user, info.owner, sizeof agent->user);
    agent->log = agents->log;
    agent->grace_us = agents->options->agent_grace_us;
    agent->line_max = agents->options->settings.event_max_bytes + LINE_EXTRA;
    return true;
}

static enum core_result refuse(struct agents *agents, const char *name, const char *why)
{
    journal_tell(agents->log, LOG_ERROR, "agent_not_started", "{s:s, s:s}", "agent", name, "reason",
                 why);
    return CORE_FAILED;
}

/* The list is entered before the command starts: a stop that comes in between must find it. */
static enum core_result serve(struct agents *agents, struct agent *agent, const char *command)
{
    enum core_result result;
    enlist(agents, agent);
    if (run_should_stop(agent->run)) agent_ask_stop(agent);
    if (!agent_start(agent, command)) {
        result = refuse(agents, agent->name, strerror(errno));
    } else {
        journal_tell(agents->log, LOG_INFO, "agent_started", "{s:s, s:s, s:I, s:i}", "session",
                     agent->session, "agent", agent->name, "run", (json_int_t)agent->ref.run,
                     "process", (int)agent->group.leader);
        result = agent_serve(agent);
    }
    strike_off(agents, agent, result);
    journal_tell(agents->log, LOG_INFO, "agent_finished", "{s:s, s:s, s:I, s:s}", "session",
                 agent->session, "agent", agent->name, "run", (json_int_t)agent->ref.run, "result",
                 core_result_word(result));
    return result;
}

static enum core_result run(void *context, const char *name, struct run_context *run_context)
{
    struct agents *agents = context;
    const char *command = options_agent(agents->options, name);
    if (command == NULL) return refuse(agents, name, "no option agent.NAME gives it a command");
    struct agent *agent = agent_new(agents, run_context, name);
    if (agent == NULL) return refuse(agents, name, "out of memory or descriptors");
    enum core_result result = CORE_STALE;
    if (describe(agents, agent)) result = serve(agents, agent, command);
    agent_drop(agent);
    return result;
}

static bool same_run(struct run_ref left, struct run_ref right)
{
    return left.run == right.run && left.session.slot == right.session.slot &&
           left.session.generation == right.session.generation;
}

static void request_stop(void *context, const char *name, struct run_ref ref)
{
    struct agents *agents = context;
    (void)name;
    pthread_mutex_lock(&agents->lock);
    for (struct agent *agent = agents->first; agent != NULL; agent = agent->next) {
        if (same_run(agent->ref, ref)) agent_ask_stop(agent);
    }
    pthread_mutex_unlock(&agents->lock);
}

struct agent_runner_port agents_port(struct agents *agents)
{
    return (struct agent_runner_port){.context = agents, .run = run, .request_stop = request_stop};
}
