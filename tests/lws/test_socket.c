/* WebSockets against the real transport: messages both ways, fragments, closes, backpressure. */
#include "tests/lws/lws_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static void publish_some(struct site *site, const char *session, int count)
{
    struct session_ref ref = rig_session(&site->rig, session);
    for (int i = 0; i < count; i++) {
        char payload[32];
        int length = snprintf(payload, sizeof payload, "{\"i\":%d}", i);
        assert_int_equal(publish_wait(site->rig.core, ref, "token", payload, (size_t)length,
                                      NULL), CORE_OK);
    }
}

static void expect_tokens(struct client *client, int64_t first, int64_t last)
{
    for (int64_t seq = first; seq <= last; seq++) {
        json_t *event = socket_expect(client, "token");
        assert_int_equal(frame_number(event, "seq"), seq);
        json_decref(event);
    }
}

/* What was published before is replayed, what comes after follows, each once and in order. */
static void a_tab_gets_everything_once(void **state)
{
    struct site site;
    struct client client;
    (void)state;
    site_init(&site);
    site_start(&site);
    publish_some(&site, "s1", 5);
    socket_open(&site, &client, "alice");
    socket_attach(&client, "s1", 0, 0);
    publish_some(&site, "s1", 5);
    expect_tokens(&client, 1, 10);
    client_close(&client);
    site_stop(&site);
}

static void it_comes_back_with_its_cursor(void **state)
{
    struct site site;
    struct client client;
    (void)state;
    site_init(&site);
    site.rig.config.first_epoch = 7;
    site_start(&site);
    publish_some(&site, "s1", 6);
    socket_open(&site, &client, "alice");
    socket_attach(&client, "s1", 7, 4);
    expect_tokens(&client, 5, 6);
    client_close(&client);
    site_stop(&site);
}

/* One message in fragments of one byte, with a ping between them. */
static void fragments_are_put_together(void **state)
{
    static const char hello[] = "{\"type\":\"hello\",\"session\":\"s1\"}";
    struct site site;
    struct client client;
    (void)state;
    site_init(&site);
    site_start(&site);
    publish_some(&site, "s1", 1);
    socket_open(&site, &client, "alice");
    for (size_t i = 0; i < sizeof hello - 1; i++) {
        socket_send(&client, i == 0 ? WEBSOCKET_TEXT : WEBSOCKET_CONTINUATION,
                    i == sizeof hello - 2, hello + i, 1);
        if (i == 3)
            socket_send(&client, WEBSOCKET_PING, true, "are you there", 13);
    }
    struct websocket_event event = socket_next(&client);
    assert_int_equal(event.kind, WEBSOCKET_GOT_PONG);
    assert_string_equal(event.bytes, "are you there");
    json_decref(socket_expect(&client, "connection_ready"));
    client_close(&client);
    site_stop(&site);
}

static void what_is_no_text_is_refused(void **state)
{
    struct site site;
    struct client client;
    (void)state;
    site_init(&site);
    site_start(&site);
    socket_open(&site, &client, "alice");
    socket_send(&client, WEBSOCKET_BINARY, true, "{}", 2);
    assert_int_equal(socket_expect_close(&client), 1003);
    client_close(&client);
    socket_open(&site, &client, "alice");
    socket_send(&client, WEBSOCKET_TEXT, true, "\xff\xfe", 2);
    assert_int_equal(socket_expect_close(&client), 1007);
    client_close(&client);
    site_stop(&site);
}

static void a_long_message_is_refused(void **state)
{
    struct site site;
    struct client client, other;
    char *text = calloc(1, 3000);
    (void)state;
    assert_non_null(text);
    memset(text, ' ', 3000);
    site_init(&site);
    site.config.message_max_bytes = 2000;
    site_start(&site);
    publish_some(&site, "s1", 1);
    socket_open(&site, &other, "alice");
    socket_open(&site, &client, "alice");
    socket_send(&client, WEBSOCKET_TEXT, false, text, 1500);
    socket_send(&client, WEBSOCKET_CONTINUATION, true, text, 501);
    assert_int_equal(socket_expect_close(&client), CORE_CLOSE_TOO_BIG);
    /* Nobody else notices. */
    socket_attach(&other, "s1", 0, 0);
    expect_tokens(&other, 1, 1);
    client_close(&client);
    client_close(&other);
    free(text);
    site_stop(&site);
}

/* The core closes: its code arrives as a close frame, after the error that explains it. */
static void the_core_closes_with_its_code(void **state)
{
    struct site site;
    struct client client;
    (void)state;
    site_init(&site);
    site_start(&site);
    socket_open(&site, &client, "alice");
    socket_say(&client, "{\"type\":\"hello\",\"session\":\"nowhere\"}");
    json_decref(socket_expect(&client, "error"));
    assert_int_equal(socket_expect_close(&client), CORE_CLOSE_REFUSED);
    client_close(&client);
    site_stop(&site);
}

/* What was never made can be stopped, and destroyed. */
static void nothing_is_stopped(void **state)
{
    (void)state;
    ws_transport_stop(NULL);
    ws_transport_destroy(NULL);
}

static bool nobody(void *context, const char *token, struct ws_identity *identity)
{
    (void)context, (void)token, (void)identity;
    return false;
}

/* Neither half of a certificate is of use alone. */
static void a_certificate_has_a_key(void **state)
{
    struct ws_transport *transport = NULL;
    struct ws_transport_config config;
    (void)state;
    ws_transport_config_default(&config);
    config.authenticate = nobody;
    config.certificate = "somewhere";
    assert_int_equal(ws_transport_create(&config, &transport), CORE_INVALID);
    config.key = "nowhere";
    assert_int_equal(ws_transport_create(&config, &transport), CORE_OK);
    ws_transport_destroy(transport);
}

static void a_drain_tells_everybody(void **state)
{
    struct site site;
    struct client clients[3];
    (void)state;
    site_init(&site);
    site_start(&site);
    publish_some(&site, "s1", 1);
    for (int i = 0; i < 3; i++) {
        socket_open(&site, &clients[i], "alice");
        socket_attach(&clients[i], "s1", 0, 0);
        expect_tokens(&clients[i], 1, 1);
    }
    site_stop(&site);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(socket_expect_close(&clients[i]), CORE_CLOSE_DRAINING);
        client_close(&clients[i]);
    }
}

/* A client that does not read: the core drops it after send_stall, the others go on. */
static void a_stalled_client_is_dropped(void **state)
{
    enum { EVENTS = 400, SIZE = 20000 };
    struct site site;
    struct client stalled, reader;
    char *payload = long_payload(SIZE);
    (void)state;
    site_init(&site);
    site.rig.config.settings.send_stall_us = MS(300);
    site.rig.config.settings.on_slow = ON_SLOW_DISCONNECT;
    site_start(&site);
    struct session_ref session = rig_session(&site.rig, "s1");
    socket_open(&site, &stalled, "alice");
    socket_attach(&stalled, "s1", 0, 0);
    socket_open(&site, &reader, "alice");
    socket_attach(&reader, "s1", 0, 0);
    for (int i = 1; i <= EVENTS; i++) {
        assert_int_equal(publish_wait(site.rig.core, session, "blob", payload, SIZE, NULL),
                         CORE_OK);
        json_t *event = socket_expect(&reader, "blob");
        assert_int_equal(frame_number(event, "seq"), i);
        json_decref(event);
    }
    RIG_AWAIT(site_count(&site, &site.closed) == 1);
    assert_int_equal(site.closed_code, CORE_CLOSE_SLOW);
    client_close(&stalled);
    client_close(&reader);
    free(payload);
    site_stop(&site);
}

/* Neither a reset nor a connection that dies in the midst of a frame leaves anything behind. */
static void a_cut_connection_is_reported(void **state)
{
    struct site site;
    struct client client;
    (void)state;
    site_init(&site);
    site_start(&site);
    publish_some(&site, "s1", 1);
    for (int i = 0; i < 20; i++) {
        socket_open(&site, &client, "alice");
        socket_attach(&client, "s1", 0, 0);
        client_write(&client, "\x81", 1);
        client_close(&client);
    }
    RIG_AWAIT(site_count(&site, &site.closed) == 20);
    site_stop(&site);
}

/* A client that reads nothing says that it has said all: the server looks after others. */
static void who_reads_nothing_and_ends_stops_nobody(void **state)
{
    enum { EVENTS = 100, SIZE = 60000, LITTLE = 4096 };
    struct site site;
    struct client stalled, reader;
    char *payload = long_payload(SIZE);
    (void)state;
    site_init(&site);
    site_start(&site);
    struct session_ref session = rig_session(&site.rig, "s1");
    site.room = LITTLE;
    socket_open(&site, &stalled, "alice");
    site.room = 0;
    socket_attach(&stalled, "s1", 0, 0);
    socket_open(&site, &reader, "alice");
    socket_attach(&reader, "s1", 0, 0);
    for (int i = 1; i <= EVENTS; i++) {
        assert_int_equal(publish_wait(site.rig.core, session, "blob", payload, SIZE, NULL),
                         CORE_OK);
        if (i == EVENTS - 5)
            shutdown(stalled.fd, SHUT_WR);
        json_decref(socket_expect(&reader, "blob"));
    }
    char *health = client_ask(&site, "GET /health HTTP/1.1\r\nHost: h\r\n"
                                     "Connection: close\r\n\r\n");
    assert_non_null(strstr(health, "healthy"));
    free(health);
    client_close(&stalled);
    client_close(&reader);
    free(payload);
    site_stop(&site);
}

/* Who reads slowly, and always finds more, is heard: between two frames, soon after it spoke. */
static void a_slow_reader_is_heard(void **state)
{
    enum { EVENTS = 30, SIZE = 400000, LITTLE = 4096, SOON = 5 };
    struct site site;
    struct client client;
    char *payload = long_payload(SIZE);
    (void)state;
    site_init(&site);
    site.rig.config.settings.event_max_bytes = 2 * SIZE;
    site.rig.config.settings.history_max_bytes = 2 * EVENTS * SIZE;
    site.rig.config.settings.outbound_max_bytes = 2 * EVENTS * SIZE;
    site_start(&site);
    struct session_ref session = rig_session(&site.rig, "s1");
    site.room = LITTLE;
    socket_open(&site, &client, "alice");
    socket_attach(&client, "s1", 0, 0);
    RIG_AWAIT(site_count(&site, &site.inputs) == 2);
    for (int i = 0; i < EVENTS; i++)
        assert_int_equal(publish_wait(site.rig.core, session, "blob", payload, SIZE, NULL),
                         CORE_OK);
    socket_say(&client, "{\"type\":\"pong\"}");
    int64_t last = (int64_t)site_count(&site, &site.written_seq) + SOON;
    assert_in_range(last, 1, EVENTS - 1);
    for (int64_t seq = 1; seq <= last; seq++) {
        json_t *event = socket_expect(&client, "blob");
        assert_int_equal(frame_number(event, "seq"), seq);
        json_decref(event);
    }
    assert_int_equal(site_count(&site, &site.inputs), 3);
    client_close(&client);
    free(payload);
    site_stop(&site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tab_gets_everything_once),
        cmocka_unit_test(it_comes_back_with_its_cursor),
        cmocka_unit_test(fragments_are_put_together),
        cmocka_unit_test(nothing_is_stopped),
        cmocka_unit_test(a_certificate_has_a_key),
        cmocka_unit_test(what_is_no_text_is_refused),
        cmocka_unit_test(a_long_message_is_refused),
        cmocka_unit_test(the_core_closes_with_its_code),
        cmocka_unit_test(a_drain_tells_everybody),
        cmocka_unit_test(a_stalled_client_is_dropped),
        cmocka_unit_test(who_reads_nothing_and_ends_stops_nobody),
        cmocka_unit_test(a_slow_reader_is_heard),
        cmocka_unit_test(a_cut_connection_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
