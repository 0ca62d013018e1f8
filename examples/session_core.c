/* A program with a session core inside: an agent, a client, and a transport that prints.
 *
 *     cc session_core.c $(pkg-config --cflags --libs session_core) && ./a.out */
#include <semaphore.h>
#include <session_core.h>
#include <stdio.h>
#include <string.h>

/* The core has something to send, and must not be called in here: the loop is woken. */
static void want_write(void *loop, uint64_t handle, struct conn_ref conn)
{
    (void)handle, (void)conn;
    sem_post(loop);
}

static void close_conn(void *loop, uint64_t handle, struct conn_ref conn, enum core_close_code code)
{
    (void)loop, (void)handle, (void)conn;
    printf("close %d\n", (int)code);
}

/* On a thread of its own, once the client has acknowledged the handshake. */
static enum core_result work(void *context, const char *agent, struct run_context *run)
{
    (void)context, (void)agent;
    enum core_result rc = run_emit(run, "token", "{\"text\":\"one\"}", 14, NULL);
    return rc == CORE_OK ? run_emit(run, "token", "{\"text\":\"two\"}", 14, NULL) : rc;
}

/* The client: says that it has the replay, in the name that it was given before. */
static void receive(struct core *core, struct conn_ref conn, const char *frame)
{
    static unsigned long long gen;
    const char *at = strstr(frame, "\"gen\":");
    char text[80];
    printf("%s\n", frame);
    if (at != NULL) (void)sscanf(at, "\"gen\":%llu", &gen);
    if (strstr(frame, "state_replay_complete") == NULL) return;
    snprintf(text, sizeof text, "{\"type\":\"connection_acknowledged\",\"gen\":%llu}", gen);
    conn_input(core, conn, text, strlen(text));
}

int main(void)
{
    static const char hello[] = "{\"type\":\"hello\",\"session\":\"demo\"}";
    struct run_spec job = {.agent = "bot", .key = "first"};
    struct core_config config;
    struct core *core;
    struct session_ref session;
    struct run_ref run;
    struct conn_ref conn;
    struct conn_frame frame;
    uint64_t epoch;
    sem_t loop;

    sem_init(&loop, 0, 0);
    core_config_default(&config);
    config.transport = (struct transport_port){&loop, want_write, close_conn};
    config.agents.run = work;
    if (core_create(&config, &core) != CORE_OK || core_start(core) != CORE_OK ||
        session_open_wait(core, "demo", "alice", SESSION_CREATE, &session, &epoch) != CORE_OK ||
        run_submit(core, session, &job, &run, NULL) != CORE_OK ||
        conn_open(core, 1, "alice", &conn) != CORE_OK)
        return 1;
    conn_input(core, conn, hello, strlen(hello));
    for (bool more = true; more;) {
        sem_wait(&loop);
        while (conn_next(core, conn, &frame)) {
            receive(core, conn, frame.bytes);
            more = more && strstr(frame.bytes, "\"completed\"") == NULL;
            conn_sent(core, conn, frame.number);
            conn_frame_free(&frame);
        }
    }
    conn_closed(core, conn);
    core_destroy(core);
}
