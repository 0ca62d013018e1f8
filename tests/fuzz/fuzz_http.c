/* Any bytes at all from a client of the real transport, over a real socket: it answers with HTTP or
 * not at all, ends the connection when the client has ended, and goes on to serve others. */
#include "adapters/lws/ws_transport.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BEGIN = 7, EVERY = 64, PATIENCE_S = 20, ANSWER_MAX = 16384, KEPT = 4096, HOSTS = 4096 };

static struct ws_transport *transport;

static void require(bool condition)
{
    if (condition) return;
    perror("fuzz_http");
    abort();
}

static bool authenticate(void *context, const char *token, struct ws_identity *identity)
{
    (void)context;
    if (strcmp(token, "t") != 0) return false;
    *identity = (struct ws_identity){.user = "alice"};
    return true;
}

static char *tell_metrics(void *context, size_t *length)
{
    (void)context;
    *length = 1;
    return strdup("1");
}

static enum core_result run_agent(void *context, const char *agent, struct run_context *run)
{
    (void)context, (void)agent, (void)run;
    return CORE_OK;
}

static void request_stop(void *context, const char *agent, struct run_ref run)
{
    (void)context, (void)agent, (void)run;
}

static void begin(void)
{
    struct ws_transport_config config;
    struct core_config core_config;
    struct core *core;

    lws_set_log_level(0, NULL);
    ws_transport_config_default(&config);
    config.authenticate = authenticate;
    config.metrics = config.settings = tell_metrics;
    config.deflate = true;
    config.message_max_bytes = 4096;
    /* A client that has half of a request left to say may be waited for, but not for long. */
    config.handshake_timeout_us = config.idle_timeout_us = CORE_SECONDS(1);
    require(ws_transport_create(&config, &transport) == CORE_OK);
    core_config_default(&core_config);
    core_config.name = "core";
    core_config.transport = ws_transport_port(transport);
    core_config.agents = (struct agent_runner_port){.run = run_agent, .request_stop = request_stop};
    require(core_create(&core_config, &core) == CORE_OK && core_start(core) == CORE_OK);
    require(ws_transport_start(transport, core) == CORE_OK);
}

/* Who asks for a stream and says no more may still want to read it, so that one has no end. */
static bool is_stream(const char *answer, size_t length)
{
    static const char type[] = "text/event-stream";
    return memmem(answer, length, type, sizeof type - 1) != NULL;
}

/* The fuzzer's own clock strikes now and then. */
static ssize_t receive(int fd, char *bytes, size_t room)
{
    ssize_t got;

    do {
        got = recv(fd, bytes, room, 0);
    } while (got < 0 && errno == EINTR);
    return got;
}

/* Reads until the server closes. Of a long answer only the beginning is kept. */
static size_t hear(int fd, char answer[ANSWER_MAX])
{
    size_t total = 0;
    ssize_t got;

    while ((got = receive(fd, answer + total, ANSWER_MAX - total)) > 0) {
        total += (size_t)got;
        if (is_stream(answer, total)) return total;
        if (total == ANSWER_MAX) total = KEPT;
    }
    require(got == 0 || errno == ECONNRESET);
    return total;
}

/* One client's ports are used up for a minute after some ten thousand inputs, so there are many. */
static int connect_as_another(void)
{
    static uint32_t host;
    struct sockaddr_in own = {.sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK + host++ % HOSTS)};
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(ws_transport_listens(transport)),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    require(fd >= 0 && bind(fd, (struct sockaddr *)&own, sizeof own) == 0);
    require(connect(fd, (struct sockaddr *)&address, sizeof address) == 0);
    return fd;
}

/* Sends it all, and gives how much came back, or SIZE_MAX if that was no HTTP. */
static size_t talk(const uint8_t *data, size_t size)
{
    struct timeval patience = {.tv_sec = PATIENCE_S};
    char answer[ANSWER_MAX];
    int fd = connect_as_another();

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    /* The server may have had enough before it is over. */
    (void)!send(fd, data, size, MSG_NOSIGNAL);
    shutdown(fd, SHUT_WR);
    size_t total = hear(fd, answer);
    close(fd);
    return total >= BEGIN && memcmp(answer, "HTTP/1.", BEGIN) != 0 ? SIZE_MAX : total;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char health[] = "GET /health HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    static unsigned inputs;

    if (transport == NULL) begin();
    require(talk(data, size) != SIZE_MAX);
    if (inputs++ % EVERY == 0) require(talk((const uint8_t *)health, sizeof health - 1) > BEGIN);
    return 0;
}
