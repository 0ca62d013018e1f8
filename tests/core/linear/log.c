/* Histories of a session's log: publishers against clients that attach, readers of its history, and
 * the trimming that publishing causes. Each has to be one that a single thread could have made.
 *
 *   log [memory|store]     with or without a message store */
#include <harness.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "session_core.h"

enum { KEPT = 3, BEFORE = 2, CLIENTS = 2, STORED = 16, TORN = -1 };

/* --- the log of a single thread --- */

struct log {
    int64_t head;
    int64_t floor[CLIENTS];   /* oldest event that was kept when the client attached */
};

static int64_t floor_of(int64_t head)
{
    return head < KEPT ? 1 : head - KEPT + 1;
}

static void begin_log(void *state)
{
    ((struct log *)state)->head = BEFORE;
}

/* Results are a range of events, first and last. */
static int64_t range(uint64_t first, uint64_t last)
{
    return (int64_t)(first * 1000 + last);
}

static bool step_log(void *state, const struct harness_operation *operation)
{
    struct log *log = state;
    int64_t first = operation->result / 1000, last = operation->result % 1000;

    if (strcmp(operation->name, "publish") == 0) {
        log->head++;
        return !operation->returned || operation->result == log->head;
    }
    if (strcmp(operation->name, "attach") == 0) {
        log->floor[operation->argument] = floor_of(log->head);
        return operation->result == range((uint64_t)floor_of(log->head), (uint64_t)log->head);
    }
    if (strcmp(operation->name, "history") == 0)
        return operation->result == range((uint64_t)floor_of(log->head), (uint64_t)log->head);
    /* "received": all that came since it attached, but what was trimmed under it. */
    return operation->result != TORN && last == log->head &&
           first >= log->floor[operation->argument] && first <= floor_of(log->head);
}

static const struct harness_model model = { sizeof(struct log), begin_log, step_log };

/* --- a message store --- */

static struct stored { uint64_t seq, key; char type[32], payload[128]; size_t length; }
    stored[STORED];
static uint64_t tenure, head;

static enum core_result load_meta(void *context, const char *session, const char *owner,
                                  bool create, struct store_meta *meta)
{
    (void)context, (void)session, (void)create;
    *meta = (struct store_meta){ .epoch = 1, .tenure = ++tenure, .head = head, .floor = 1 };
    (void)snprintf(meta->owner, sizeof meta->owner, "%s", owner);
    return CORE_OK;
}

static enum core_result append(void *context, const char *session, uint64_t epoch, uint64_t by,
                               const struct store_event *event)
{
    (void)context, (void)session, (void)epoch;
    if (by != tenure)
        return CORE_STALE;
    HARNESS_ASSERT(event->seq == head + 1 && event->length < sizeof stored[0].payload);
    struct stored *kept = &stored[head++];
    *kept = (struct stored){ .seq = event->seq, .key = event->key, .length = event->length };
    (void)snprintf(kept->type, sizeof kept->type, "%s", event->type);
    (void)snprintf(kept->payload, sizeof kept->payload, "%s", event->payload);
    return CORE_OK;
}

static enum core_result read_events(void *context, const char *session, uint64_t epoch,
                                    uint64_t from, size_t limit, store_visit visit,
                                    void *visit_context)
{
    (void)context, (void)session, (void)epoch;
    for (uint64_t seq = from; seq <= head && limit > 0; seq++, limit--) {
        const struct stored *kept = &stored[seq - 1];
        struct store_event event = { seq, kept->key, kept->type, kept->payload, kept->length };
        if (!visit(visit_context, &event))
            break;
    }
    return CORE_OK;
}

static const struct message_store_port store = { NULL, load_meta, append, read_events, NULL };

/* --- the core --- */

static struct core *core;
static struct session_ref session;
static struct client { struct conn_ref conn; uint64_t first, last, floor, head; bool gap, torn; }
    clients[CLIENTS];

static void want_write(void *context, uint64_t handle, struct conn_ref conn)
{
    (void)context, (void)handle, (void)conn;
}

static void close_conn(void *context, uint64_t handle, struct conn_ref conn,
                       enum core_close_code code)
{
    (void)context, (void)handle, (void)conn, (void)code;
}

static uint64_t number_in(const char *text, const char *name)
{
    unsigned long long value = 0;
    const char *at = strstr(text, name);
    if (at != NULL)
        (void)sscanf(at + strlen(name), ":%llu", &value);
    return value;
}

/* Events follow each other, unless a gap is told; else no order of operations explains them. */
static void receive(struct client *client, const char *text)
{
    uint64_t seq = number_in(text, "{\"seq\"");

    if (strstr(text, "\"connection_ready\"") != NULL) {
        client->head = number_in(text, "\"head\"");
        client->floor = number_in(text, "\"floor\"");
    }
    if (strstr(text, "\"gap\"") != NULL)
        client->gap = true;
    if (seq == 0)
        return;
    client->torn = client->torn || (client->last != 0 && !client->gap && seq != client->last + 1);
    if (client->first == 0 || client->gap)
        client->first = seq;
    client->gap = false;
    client->last = seq;
}

static void pull(struct client *client)
{
    struct conn_frame frame;

    while (conn_next(core, client->conn, &frame)) {
        receive(client, frame.bytes);
        conn_sent(core, client->conn, frame.number);
        conn_frame_free(&frame);
    }
}

static void *publishes(void *argument)
{
    uint64_t seq = 0;
    uint32_t operation = harness_call("publish", 0);

    HARNESS_ASSERT(publish_wait(core, session, "token", "{}", 2, &seq) == CORE_OK);
    harness_return(operation, (int64_t)seq);
    return argument;
}

static void *attaches(void *argument)
{
    static const char hello[] = "{\"type\":\"hello\",\"session\":\"s\"}";
    struct client *client = argument;
    int64_t number = client - clients;

    HARNESS_ASSERT(conn_open(core, (uint64_t)number, "alice", &client->conn) == CORE_OK);
    uint32_t operation = harness_call("attach", number);
    HARNESS_ASSERT(conn_input(core, client->conn, hello, strlen(hello)) == CORE_OK);
    pull(client);
    harness_return(operation, range(client->floor, client->head));
    return NULL;
}

static void *reads(void *argument)
{
    struct history_page page;
    uint32_t operation = harness_call("history", 0);

    HARNESS_ASSERT(history(core, session, (struct history_cursor){ 0, 0 }, 100, HISTORY_FORWARD,
                           &page) == CORE_OK);
    harness_return(operation, range(page.events[0].seq, page.events[page.count - 1].seq));
    history_page_free(&page);
    return argument;
}

static void begin(bool durable)
{
    struct core_config config;
    uint64_t epoch;

    core_config_default(&config);
    config.hash_seed = config.jitter_seed = 1;
    config.settings.history_max_events = KEPT;
    config.settings.start_gate = START_GATE_NONE;
    config.transport = (struct transport_port){ NULL, want_write, close_conn };
    config.messages = durable ? &store : NULL;
    HARNESS_ASSERT(core_create(&config, &core) == CORE_OK && core_start(core) == CORE_OK);
    HARNESS_ASSERT(session_open_wait(core, "s", "alice", SESSION_CREATE, &session, &epoch) ==
                   CORE_OK);
    for (int i = 0; i < BEFORE; i++)
        HARNESS_ASSERT(publish_wait(core, session, "token", "{}", 2, NULL) == CORE_OK);
}

static void body(void *argument)
{
    static void *(*const work[])(void *) = { publishes, attaches, publishes, reads };
    pthread_t threads[4];

    begin(*(bool *)argument);
    harness_history_begin(&model);
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, work[i], &clients[0]);
    attaches(&clients[1]);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < CLIENTS; i++) {
        uint32_t operation = harness_call("received", i);
        pull(&clients[i]);
        harness_return(operation,
                       clients[i].torn ? TORN : range(clients[i].first, clients[i].last));
        conn_closed(core, clients[i].conn);
    }
    harness_history_check();
    core_destroy(core);
}

int main(int count, char **arguments)
{
    bool durable = count > 1 && strcmp(arguments[1], "store") == 0;
    /* A client that stands still for as long as send_stall is given up: no delays. */
    struct harness_options options = { .name = durable ? "log, stored" : "log", .runs = 1500,
                                       .no_delays = true };
    struct harness_result result = harness_explore(&options, body, &durable);

    printf("%s: %llu executions, %s\n", options.name, (unsigned long long)result.runs,
           result.verdict == HARNESS_HELD ? "linearizable" : result.kind);
    return result.verdict != HARNESS_HELD;
}
