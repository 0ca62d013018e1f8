/* The text for /metrics, in the format of Prometheus. Names end in _total if they only grow. */
#include "sessiond/parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct metric {
    const char *name, *help;
    bool counts; /* only grows */
    uint64_t value;
};

static void write_metrics(FILE *text, const struct metric *metrics, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct metric *metric = &metrics[i];
        fprintf(text, "# HELP session_%s %s\n# TYPE session_%s %s\nsession_%s %" PRIu64 "\n",
                metric->name, metric->help, metric->name, metric->counts ? "counter" : "gauge",
                metric->name, metric->value);
    }
}

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static void write_core(FILE *text, struct core *core)
{
    struct core_stats stats;
    core_stats(core, &stats);
    const struct metric metrics[] = {
        {"sessions", "Sessions in memory.", false, stats.sessions},
        {"connections", "Connections known to the core.", false, stats.conns},
        {"connections_attached", "Connections that follow a session.", false, stats.attached},
        {"runs", "Runs that have not ended.", false, stats.runs},
        {"prompts", "Open questions.", false, stats.prompts},
        {"timers", "Deadlines that are waited for.", false, stats.timers},
        {"jobs", "Jobs waiting or running.", false, stats.jobs},
        {"store_operations", "Operations waiting for the message store.", false,
         stats.store_operations},
        {"leases", "Leases held or wanted.", false, stats.leases},
        {"sandboxes", "Sandboxes in use.", false, stats.sandboxes},
        {"servers", "Dev servers that are not stopped.", false, stats.servers},
        {"events_appended_total", "Events stored.", true, stats.events_appended},
        {"events_trimmed_total", "Events forgotten by memory.", true, stats.events_trimmed},
        {"frames_sent_total", "Frames given to clients.", true, stats.frames_sent},
        {"resyncs_total", "Clients moved to the tail.", true, stats.resyncs},
        {"stale_calls_total", "Calls with a handle that was not current.", true, stats.stale_calls},
    };
    write_metrics(text, metrics, COUNT_OF(metrics));
}

static void write_transport(FILE *text, struct ws_transport *transport)
{
    struct ws_transport_stats stats;
    ws_transport_stats(transport, &stats);
    const struct metric metrics[] = {
        {"http_connections", "Network connections of every kind.", false, stats.connections},
        {"http_accepted_total", "Network connections accepted.", true, stats.accepted},
        {"http_refused_total", "Clients turned away.", true, stats.refused},
        {"http_sockets_total", "WebSockets opened.", true, stats.sockets},
        {"http_streams_total", "Event streams opened.", true, stats.streams},
        {"http_requests_total", "Other requests.", true, stats.requests},
        {"http_received_bytes_total", "Bytes of messages received.", true, stats.bytes_in},
        {"http_sent_bytes_total", "Bytes of messages and answers sent.", true, stats.bytes_out},
    };
    write_metrics(text, metrics, COUNT_OF(metrics));
}

static void write_agents(FILE *text, struct agents *agents)
{
    struct agents_stats stats;
    agents_stats(agents, &stats);
    const struct metric metrics[] = {
        {"agents", "Agents that run.", false, stats.running},
        {"agents_started_total", "Agents started.", true, stats.started},
        {"agents_completed_total", "Agents that ended well.", true, stats.completed},
        {"agents_stopped_total", "Agents that were stopped.", true, stats.stopped},
        {"agents_failed_total", "Agents that failed.", true, stats.failed},
    };
    write_metrics(text, metrics, COUNT_OF(metrics));
}

static void write_health(FILE *text, struct core *core)
{
    struct core_health_report report;
    core_health_report(core, &report);
    const struct metric metrics[] = {
        {"healthy", "1 if every part answers.", false, report.health == CORE_HEALTHY},
        {"health_checks_total", "Checks of the parts.", true, report.checks},
        {"messages_answer", "1 if the message store answered the last check.", false,
         report.messages.present && report.messages.answering},
        {"locks_answer", "1 if the lock store answered the last check.", false,
         report.locks.present && report.locks.answering},
        {"sandboxes_answer", "1 if the provider answered the last check.", false,
         report.sandboxes.present && report.sandboxes.answering},
    };
    write_metrics(text, metrics, COUNT_OF(metrics));
}

/* Sums over all keys: a key names a session, which is nobody else's business. */
static void write_locks(FILE *text, struct core *core)
{
    enum { KEYS_MAX = 256 };
    struct lock_metrics *keys = calloc(KEYS_MAX, sizeof *keys);
    struct lock_metrics sum = {.key = ""};
    size_t count = keys == NULL ? 0 : core_lock_metrics(core, keys, KEYS_MAX), contended = 0;
    for (size_t i = 0; i < count && i < KEYS_MAX; i++) {
        sum.granted += keys[i].granted;
        sum.failed += keys[i].failed;
        sum.lost += keys[i].lost;
        sum.held += keys[i].held;
        contended += keys[i].contended;
    }
    free(keys);
    /* Gauges: of more than 256 keys the oldest is forgotten, and its counts with it. */
    const struct metric metrics[] = {
        {"locks_held", "Leases held.", false, sum.held},
        {"locks_granted", "Grants of the keys that are known.", false, sum.granted},
        {"locks_given_up", "Waits for a lock that were given up.", false, sum.failed},
        {"locks_lost", "Leases that ended before their release.", false, sum.lost},
        {"locks_contended", "Keys with an alert of contention.", false, contended},
    };
    write_metrics(text, metrics, COUNT_OF(metrics));
}

char *service_metrics(struct service *service, size_t *length)
{
    char *bytes = NULL;
    FILE *text = open_memstream(&bytes, length);
    if (text == NULL) return NULL;
    fprintf(text,
            "# HELP session_info Version of the daemon.\n# TYPE session_info gauge\n"
            "session_info{version=\"%s\"} 1\n",
            SESSIOND_VERSION);
    write_core(text, service->core);
    write_transport(text, service->transport);
    write_agents(text, service->agents);
    write_health(text, service->core);
    write_locks(text, service->core);
    if (fclose(text) == 0) return bytes;
    free(bytes);
    return NULL;
}
