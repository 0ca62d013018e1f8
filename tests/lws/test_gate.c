/* Who is let in: tokens, origins, paths, subprotocols, limits. */
#include "tests/lws/lws_rig.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Asks for the upgrade, and returns the HTTP status of the refusal. */
static uint32_t refusal(struct site *site, const char *path, const char *token,
                        const char *origin)
{
    struct client *client = malloc(sizeof *client);
    assert_non_null(client);
    socket_ask(site, client, path, token, origin);
    struct websocket_event event = socket_next(client);
    uint32_t status = client->websocket.status;
    assert_int_equal(event.kind, status == 101 ? WEBSOCKET_GOT_OPEN : WEBSOCKET_GOT_BROKEN);
    client_close(client);
    free(client);
    return status;
}

static void tokens_are_checked(void **state)
{
    struct site site;
    (void)state;
    site_init(&site);
    site_start(&site);
    assert_int_equal(refusal(&site, "/ws", "alice", NULL), 101);
    assert_int_equal(refusal(&site, "/ws?token=alice", NULL, NULL), 101);
    assert_int_equal(refusal(&site, "/ws", NULL, NULL), 401);
    assert_int_equal(refusal(&site, "/ws", "nobody", NULL), 401);
    assert_int_equal(refusal(&site, "/ws?token=nobody", NULL, NULL), 401);
    assert_int_equal(refusal(&site, "/elsewhere", "alice", NULL), 404);
    RIG_AWAIT(site_count(&site, &site.refused) == 4);
    site_stop(&site);
}

static void origins_are_checked(void **state)
{
    static const char *const origins[] = { "https://app.example", NULL };
    struct site site;
    (void)state;
    site_init(&site);
    site.config.origins = origins;
    site_start(&site);
    assert_int_equal(refusal(&site, "/ws", "alice", "https://app.example"), 101);
    assert_int_equal(refusal(&site, "/ws", "alice", "https://evil.example"), 403);
    assert_int_equal(refusal(&site, "/ws", "alice", "https://app.example.evil"), 403);
    assert_int_equal(refusal(&site, "/ws", "alice", NULL), 101);
    char *answer = client_ask(&site, "GET /sessions/s1 HTTP/1.1\r\nHost: h\r\n"
                                       "Origin: https://evil.example\r\n"
                                       "Connection: close\r\n\r\n");
    assert_non_null(strstr(answer, "403"));
    free(answer);
    site_stop(&site);
}

/* A token for one session opens no other, and does not learn whether there is one. */
static void a_token_opens_its_own_session_only(void **state)
{
    struct site site;
    struct client client;
    (void)state;
    site_init(&site);
    site_start(&site);
    rig_session(&site.rig, "s1");
    rig_session(&site.rig, "s2");
    socket_open(&site, &client, "alice@s1");
    socket_attach(&client, "s1", 0, 0);
    json_decref(socket_expect(&client, "state_replay_complete"));
    client_close(&client);
    socket_open(&site, &client, "alice@s1");
    socket_say(&client, "{\"type\":\"hello\",\"session\":\"s2\"}");
    assert_int_equal(socket_expect_close(&client), CORE_CLOSE_REFUSED);
    client_close(&client);
    char *answer = client_ask(&site, "GET /sessions/s2 HTTP/1.1\r\nHost: h\r\n"
                                       "Authorization: Bearer alice@s1\r\n"
                                       "Connection: close\r\n\r\n");
    assert_non_null(strstr(answer, "404"));
    free(answer);
    site_stop(&site);
}

static void another_subprotocol_is_refused(void **state)
{
    struct site site;
    (void)state;
    site_init(&site);
    site_start(&site);
    char *answer = client_ask(&site,
                              "GET /ws?token=alice HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n"
                              "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                              "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
                              "Sec-WebSocket-Protocol: chat\r\nConnection: close\r\n\r\n");
    assert_non_null(strstr(answer, " 400 "));
    free(answer);
    site_stop(&site);
}

/* One that never finishes its request is thrown out, and takes nobody's place for ever. */
static void a_slow_handshake_ends(void **state)
{
    struct site site;
    struct client client;
    char byte;
    (void)state;
    site_init(&site);
    site.config.handshake_timeout_us = MS(1000);
    site_start(&site);
    client_connect(&site, &client);
    client_write(&client, "GET /ws HT", 10);
    assert_true(read(client.fd, &byte, 1) <= 0);
    client_close(&client);
    client_connect(&site, &client);
    assert_true(read(client.fd, &byte, 1) <= 0);
    client_close(&client);
    site_stop(&site);
}

/* A body that comes byte by byte has as much time as any request, not more with each byte. */
static void a_slow_body_ends(void **state)
{
    enum { TRIES = 39 }; /* one less than the bytes that were promised */
    static const char head[] = "POST /sessions/s1/runs HTTP/1.1\r\nHost: h\r\n"
                               "Authorization: Bearer alice\r\nContent-Length: 40\r\n\r\n";
    struct site site;
    struct client client;
    bool ended = false;
    char byte;
    (void)state;
    site_init(&site);
    site.config.handshake_timeout_us = MS(1000);
    site_start(&site);
    client_connect(&site, &client);
    client_write(&client, head, sizeof head - 1);
    for (int i = 0; i < TRIES && !ended; i++) {
        struct pollfd descriptor = { .fd = client.fd, .events = POLLIN };
        ended = send(client.fd, " ", 1, MSG_NOSIGNAL) < 0 || poll(&descriptor, 1, 400) > 0;
    }
    assert_true(ended);
    assert_true(read(client.fd, &byte, 1) <= 0);
    client_close(&client);
    site_stop(&site);
}

static void there_is_room_for_so_many(void **state)
{
    struct site site;
    struct client clients[3], late;
    (void)state;
    site_init(&site);
    site.config.max_connections = 3;
    site_start(&site);
    for (int i = 0; i < 3; i++)
        socket_open(&site, &clients[i], "alice");
    socket_ask(&site, &late, "/ws", "alice", NULL);
    assert_string_equal(socket_next(&late).bytes, "eof");
    client_close(&late);
    client_close(&clients[0]);
    RIG_AWAIT(site_count(&site, &site.closed) == 1);
    struct ws_transport_stats stats;
    do
        ws_transport_stats(site.transport, &stats);
    while (stats.connections == 3);
    socket_open(&site, &late, "alice");
    client_close(&late);
    client_close(&clients[1]);
    client_close(&clients[2]);
    site_stop(&site);
}

/* The limits of the core: the client learns the code. */
static void the_core_may_be_full(void **state)
{
    struct site site;
    struct client first, second;
    (void)state;
    site_init(&site);
    site.rig.config.settings.max_conns_per_user = 1;
    site_start(&site);
    socket_open(&site, &first, "alice");
    socket_open(&site, &second, "alice");
    assert_int_equal(socket_expect_close(&second), CORE_CLOSE_EXCESS);
    client_close(&second);
    socket_open(&site, &second, "bob");
    client_close(&second);
    client_close(&first);
    site_stop(&site);
}

static void a_config_is_looked_at(void **state)
{
    struct ws_transport_config config;
    struct ws_transport *transport;
    (void)state;
    ws_transport_config_default(&config);
    assert_int_equal(ws_transport_create(&config, &transport), CORE_INVALID);
    struct site site, second;
    site_init(&site);
    site_start(&site);
    site_init(&second);
    second.config.port = site.port;
    assert_int_equal(ws_transport_create(&second.config, &transport), CORE_OK);
    assert_int_equal(ws_transport_start(transport, site.rig.core), CORE_UNAVAILABLE);
    ws_transport_destroy(transport);
    site_stop(&site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_are_checked),
        cmocka_unit_test(origins_are_checked),
        cmocka_unit_test(a_token_opens_its_own_session_only),
        cmocka_unit_test(another_subprotocol_is_refused),
        cmocka_unit_test(a_slow_handshake_ends),
        cmocka_unit_test(a_slow_body_ends),
        cmocka_unit_test(there_is_room_for_so_many),
        cmocka_unit_test(the_core_may_be_full),
        cmocka_unit_test(a_config_is_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
