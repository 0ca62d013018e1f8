/*
 * What the daemon can be told, in a file or on the command line: a table of its own options, the
 * settings of the core by their names, and the commands of agents (agent.NAME).
 */
#ifndef SESSIOND_OPTIONS_H
#define SESSIOND_OPTIONS_H

#include "session_core.h"

enum { OPTION_PROBLEM_MAX = 512 };

/* TEXT(name, default, help); DURATION(name, default in microseconds, help) */
#define DAEMON_OPTIONS(TEXT, DURATION)                                                             \
    TEXT(listen, "127.0.0.1:7420", "address and port; port 0 takes a free one, told in the log")   \
    TEXT(name, "sessiond", "of this instance, unique among those that share stores")               \
    TEXT(store, "sessiond.db", "file of the message store; 'memory' keeps events in memory only")  \
    TEXT(store_sync, "full", "'full' survives a loss of power, 'process' only that of the process")\
    TEXT(restored, "no", "'yes' once, after the store's file was restored from a copy")            \
    TEXT(locks, "local", "'local', or where a Redis is: redis://[:PASSWORD@]HOST[:PORT][/DB]")     \
    TEXT(locks_prefix, "session", "of every key in Redis")                                         \
    TEXT(sandboxes, "none", "folder of sandboxes on this machine; 'none': no dev servers")         \
    TEXT(command_web, "", "starts a web dev server in its sandbox; {port} is replaced")            \
    TEXT(command_mobile, "", "starts a mobile dev server")                                         \
    TEXT(tokens, "", "file of tokens, a line each: USER SESSION TOKEN; SESSION * is every one")    \
    TEXT(secret, "", "file with the key of signed tokens (JWT, HS256)")                            \
    TEXT(origins, "", "web origins that may connect, with commas between; * is every one")         \
    TEXT(certificate, "", "PEM file with certificate and chain: clients speak TLS")               \
    TEXT(certificate_key, "", "PEM file with its key")                                             \
    TEXT(compression, "off", "'on': permessage-deflate for WebSockets that offer it")              \
    TEXT(trace, "", "file of the trace, written on SIGUSR2; keeps the newest trace_ring records")  \
    TEXT(log, "-", "file of the log; - is standard error")                                         \
    TEXT(log_level, "info", "error, warning, info or debug")                                       \
    DURATION(drain_time, CORE_SECONDS(10), "what agents get to end by themselves at a stop")       \
    DURATION(agent_grace, CORE_SECONDS(5), "between the TERM and the KILL of a stopped agent")     \
    DURATION(locks_timeout, CORE_SECONDS(1), "of one call of Redis")

struct agent_command {
    struct agent_command *next;
    char *name;        /* "*": every agent without a command of its own */
    char *command;
};

struct options {
#define OPTION_TEXT_FIELD(name, value, help) char *name;
#define OPTION_DURATION_FIELD(name, value, help) uint64_t name##_us;
    DAEMON_OPTIONS(OPTION_TEXT_FIELD, OPTION_DURATION_FIELD)
#undef OPTION_TEXT_FIELD
#undef OPTION_DURATION_FIELD
    struct core_settings settings;
    struct agent_command *agents;
};

/* Everything as it is by default. False: out of memory; free what is there. */
bool options_init(struct options *options);
void options_free(struct options *options);

/*
 * Sets one option by its name. Minus signs in the name count as underscores. NULL if that was
 * possible, otherwise one sentence with a hint, written to `problem`.
 */
const char *options_set(struct options *options, const char *name, const char *value,
                        char problem[OPTION_PROBLEM_MAX]);

/* Is there an option, agent or setting of that name, with - or _ between its words? */
bool options_knows(const char *name);

/* What is wrong between them, as options_set. */
const char *options_check(const struct options *options, char problem[OPTION_PROBLEM_MAX]);

/* The command of this agent, or NULL. */
const char *options_agent(const struct options *options, const char *name);

/* Prints every option with its default to standard output. */
void options_print_help(void);

#endif
