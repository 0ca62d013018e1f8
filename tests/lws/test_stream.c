/* Server-sent events: the same log, with the id as the cursor. */
#include "tests/lws/lws_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static void open_stream(struct site *site, struct client *client, const char *last_id)
{
    char request[512];
    int length = snprintf(request, sizeof request,
                          "GET /sessions/s1/events HTTP/1.1\r\nHost: h\r\n"
                          "Authorization: Bearer alice\r\n%s%s%s\r\n",
                          last_id == NULL ? "" : "Last-Event-ID: ",
                          last_id == NULL ? "" : last_id, last_id == NULL ? "" : "\r\n");
    client_connect(site, client);
    client_write(client, request, (size_t)length);
}

static void expect_id(struct client *client, const char *id)
{
    char line[64];
    snprintf(line, sizeof line, "\nid: %s\ndata: {\"seq\":", id);
    free(client_read_until(client, line));
}

static void publish_tokens(struct site *site, int count)
{
    struct session_ref session = rig_session(&site->rig, "s1");
    for (int i = 0; i < count; i++)
        assert_int_equal(publish_wait(site->rig.core, session, "token", "{}", 2, NULL), CORE_OK);
}

static void start(struct site *site)
{
    site_init(site);
    site->rig.config.first_epoch = 7;
    site->rig.config.settings.heartbeat_us = MS(100);
    site->rig.config.settings.heartbeat_timeout_us = MS(1500);
    site->rig.config.settings.ack_timeout_us = MS(1500);
    site_start(site);
}

/* It stays longer than a client that does not acknowledge or answer would be kept. */
static void a_stream_follows_the_log(void **state)
{
    struct site site;
    struct client client;
    (void)state;
    start(&site);
    publish_tokens(&site, 3);
    open_stream(&site, &client, NULL);
    free(client_read_until(&client, "text/event-stream"));
    expect_id(&client, "7-1");
    expect_id(&client, "7-3");
    for (int i = 0; i < 20; i++)
        free(client_read_until(&client, "\"heartbeat\""));
    publish_tokens(&site, 1);
    expect_id(&client, "7-4");
    client_close(&client);
    site_stop(&site);
}

static void it_goes_on_behind_the_last_id(void **state)
{
    struct site site;
    struct client client;
    (void)state;
    start(&site);
    publish_tokens(&site, 5);
    open_stream(&site, &client, "7-3");
    char *before = client_read_until(&client, "\nid: ");
    assert_null(strstr(before, "\"seq\":1"));
    free(before);
    char *first = client_read_until(&client, "\n");
    assert_string_equal(first, "7-4\n");
    free(first);
    client_close(&client);
    site_stop(&site);
}

static void a_wrong_id_is_refused(void **state)
{
    static const char *const ids[] = { "7", "x-1", "7-", "7-x", "-7-1", "7-1-1", "0-1" };
    struct site site;
    struct client client;
    (void)state;
    start(&site);
    publish_tokens(&site, 1);
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        open_stream(&site, &client, ids[i]);
        char *line = client_read_until(&client, "\n");
        assert_non_null(strstr(line, " 400 "));
        free(line);
        client_close(&client);
    }
    site_stop(&site);
}

static void the_close_is_an_event(void **state)
{
    struct site site;
    struct client client;
    (void)state;
    start(&site);
    publish_tokens(&site, 1);
    open_stream(&site, &client, NULL);
    expect_id(&client, "7-1");
    site_stop(&site);
    free(client_read_until(&client, "event: close\ndata: {\"code\":1001,"));
    client_close(&client);
}

/* In good order or not: nothing is written meanwhile that would show it. */
static void its_end_is_noticed(void **state)
{
    static const struct linger at_once = { 1, 0 };
    struct site site;
    struct client client;
    (void)state;
    start(&site);
    publish_tokens(&site, 1);
    for (uint64_t i = 0; i < 4; i++) {
        open_stream(&site, &client, NULL);
        expect_id(&client, "7-1");
        free(client_read_until(&client, "state_replay_complete"));
        if (i % 2 == 1)
            setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        client_close(&client);
        RIG_AWAIT(site_count(&site, &site.closed) == i + 1);
    }
    site_stop(&site);
}

/* A stream has no end, and so nothing behind it. */
static void nothing_follows_a_stream(void **state)
{
    static const char more[] = "GET /health HTTP/1.1\r\nHost: h\r\n\r\n";
    struct site site;
    struct client client;
    (void)state;
    start(&site);
    publish_tokens(&site, 1);
    open_stream(&site, &client, NULL);
    expect_id(&client, "7-1");
    client_write(&client, more, sizeof more - 1);
    RIG_AWAIT(site_count(&site, &site.closed) == 1);
    client_close(&client);
    site_stop(&site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_follows_the_log),
        cmocka_unit_test(it_goes_on_behind_the_last_id),
        cmocka_unit_test(a_wrong_id_is_refused),
        cmocka_unit_test(the_close_is_an_event),
        cmocka_unit_test(its_end_is_noticed),
        cmocka_unit_test(nothing_follows_a_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
