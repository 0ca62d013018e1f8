/* Polling, starting and asking over HTTP. */
#include "tests/lws/lws_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer alice\r\n" \
                  "Connection: close\r\n\r\n"

/* The body of a response with this status; the response is freed. */
static json_t *body_of(char *response, int status)
{
    char line[32];
    snprintf(line, sizeof line, "HTTP/1.1 %d ", status);
    if (strncmp(response, line, strlen(line)) != 0)
        fail_msg("%s is not %d", response, status);
    const char *body = strstr(response, "\r\n\r\n");
    assert_non_null(body);
    json_t *object = json_loads(body + 4, 0, NULL);
    assert_non_null(object);
    free(response);
    return object;
}

static void expect_error(char *response, int status, const char *code)
{
    json_t *body = body_of(response, status);
    assert_string_equal(frame_word(body, "type"), "error");
    assert_string_equal(frame_word(body, "code"), code);
    json_decref(body);
}

static void publish_tokens(struct site *site, int count)
{
    struct session_ref session = rig_session(&site->rig, "s1");
    for (int i = 0; i < count; i++)
        assert_int_equal(publish_wait(site->rig.core, session, "token", "{\"n\":1}", 7, NULL),
                         CORE_OK);
}

static void history_is_read_by_pages(void **state)
{
    struct site site;
    int64_t seq = 0, epoch = 7, pages = 0;
    bool more = true;
    (void)state;
    site_init(&site);
    site.rig.config.first_epoch = 7;
    site_start(&site);
    publish_tokens(&site, 25);
    while (more) {
        json_t *page = body_of(
            client_ask(&site, "GET /sessions/s1/history?epoch=%lld&cursor=%lld&limit=10 "
                                "HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer alice\r\n"
                                "Connection: close\r\n\r\n", (long long)epoch, (long long)seq),
            200);
        json_t *event;
        size_t i;
        json_array_foreach(json_object_get(page, "events"), i, event)
            assert_int_equal(frame_number(event, "seq"), ++seq);
        assert_int_equal(frame_number(page, "next"), seq);
        more = json_is_true(json_object_get(page, "more"));
        pages++;
        json_decref(page);
    }
    assert_int_equal(seq, 25);
    assert_int_equal(pages, 3);
    site_stop(&site);
}

static void history_refuses_nonsense(void **state)
{
    struct site site;
    (void)state;
    site_init(&site);
    site_start(&site);
    publish_tokens(&site, 1);
    expect_error(client_ask(&site, GET("/sessions/s1/history?cursor=1")), 400, "invalid");
    expect_error(client_ask(&site, GET("/sessions/s1/history?epoch=1&cursor=-1")), 400,
                 "invalid");
    expect_error(client_ask(&site, GET("/sessions/s1/history?limit=0")), 400, "invalid");
    expect_error(client_ask(&site, GET("/sessions/s1/history?backward=yes")), 400, "invalid");
    expect_error(client_ask(&site, GET("/sessions/s9/history")), 404, "not_found");
    expect_error(client_ask(&site, GET("/sessions/")), 404, "not_found");
    expect_error(client_ask(&site, GET("/nothing")), 404, "not_found");
    expect_error(client_ask(&site, "DELETE /sessions/s1 HTTP/1.1\r\nHost: h\r\n"
                                     "Connection: close\r\n\r\n"), 405, "invalid");
    site_stop(&site);
}

/* Somebody else's session does not exist. */
static void a_session_has_one_owner(void **state)
{
    struct site site;
    (void)state;
    site_init(&site);
    site_start(&site);
    publish_tokens(&site, 1);
    expect_error(client_ask(&site, "GET /sessions/s1 HTTP/1.1\r\nHost: h\r\n"
                                     "Authorization: Bearer mallory\r\n"
                                     "Connection: close\r\n\r\n"), 404, "not_found");
    json_t *info = body_of(client_ask(&site, GET("/sessions/s1")), 200);
    assert_int_equal(frame_number(info, "head"), 1);
    assert_string_equal(frame_word(info, "session"), "s1");
    json_decref(info);
    site_stop(&site);
}

/* Aborts where a drain has ended its run: who lets it run awaits flag 0 before the site stops. */
static enum core_result emit_three(struct rig *rig, struct run_context *run)
{
    for (int i = 0; i < 3; i++)
        emit_ok(run, "token");
    rig_raise(rig, 0);
    return CORE_OK;
}

static char *post(struct site *site, const char *body)
{
    return client_ask(site, "POST /sessions/s1/runs HTTP/1.1\r\nHost: h\r\n"
                              "Authorization: Bearer alice\r\nContent-Length: %zu\r\n"
                              "Connection: close\r\n\r\n%s", strlen(body), body);
}

/* A start makes its session; the same key again finds the same run. */
static void a_start_is_done_once(void **state)
{
    struct site site;
    (void)state;
    site_init(&site);
    site.rig.agent = emit_three;
    site_start(&site);
    json_t *first = body_of(post(&site, "{\"agent\":\"bot\",\"key\":\"k1\",\"input\":{}}"), 201);
    json_t *again = body_of(post(&site, "{\"agent\":\"bot\",\"key\":\"k1\"}"), 200);
    assert_string_equal(frame_word(first, "type"), "accepted");
    assert_int_equal(frame_number(first, "run"), frame_number(again, "run"));
    json_decref(first);
    json_decref(again);
    rig_await(&site.rig, 0);
    expect_error(post(&site, "{\"agent\":\"bot\"}"), 400, "invalid");
    expect_error(post(&site, "[]"), 400, "invalid");
    expect_error(post(&site, "not json"), 400, "invalid");
    site_stop(&site);
    assert_int_equal(site.rig.agents_run, 1);
}

static void a_long_body_is_refused(void **state)
{
    struct site site;
    (void)state;
    site_init(&site);
    site.config.message_max_bytes = 100;
    site_start(&site);
    expect_error(client_ask(&site, "POST /sessions/s1/runs HTTP/1.1\r\nHost: h\r\n"
                                     "Authorization: Bearer alice\r\nContent-Length: 101\r\n"
                                     "Connection: close\r\n\r\n%0101d", 0), 413, "limit");
    expect_error(client_ask(&site, "POST /sessions/s1/runs HTTP/1.1\r\nHost: h\r\n"
                                     "Authorization: Bearer alice\r\n"
                                     "Connection: close\r\n\r\n"), 411, "invalid");
    site_stop(&site);
}

static void health_and_metrics(void **state)
{
    struct site site;
    (void)state;
    site_init(&site);
    site_start(&site);
    json_t *health = body_of(client_ask(&site, GET("/health")), 200);
    assert_string_equal(frame_word(health, "health"), "healthy");
    json_decref(health);
    char *metrics = client_ask(&site, GET("/metrics"));
    assert_non_null(strstr(metrics, "\r\n\r\nsession_up 1\n"));
    free(metrics);
    site_stop(&site);
}

/* A start, and a question behind it at once, which waits for as long as the store needs. */
static void a_start_is_no_end(void **state)
{
    static const char two[] =
        "POST /sessions/s1/runs HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer alice\r\n"
        "Content-Length: 25\r\n\r\n{\"agent\":\"bot\",\"key\":\"k\"}"
        "GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n";
    struct memory_store store;
    struct site site;
    struct client client;
    (void)state;
    memory_store_init(&store);
    store.slow_us = 50000;
    site_init(&site);
    site.rig.config.messages = &store.port;
    site.rig.agent = emit_three;
    site_start(&site);
    client_connect(&site, &client);
    client_write(&client, two, sizeof two - 1);
    free(client_read_until(&client, "\"accepted\""));
    free(client_read_until(&client, "session_up 1\n"));
    rig_await(&site.rig, 0);
    client_close(&client);
    site_stop(&site);
    memory_store_free(&store);
}

/* Whoever announces a body that nobody reads is refused; whether it comes hinders no one. */
static void half_a_body_stops_nobody(void **state)
{
    static const char *const requests[] = {
        "GET /metrics HTTP/1.1\r\nHost: h\r\nContent-Length: 41\r\n\r\n{\"half\":",
        "GET /nothing HTTP/1.1\r\nHost: h\r\nContent-Length: 41\r\n\r\n{\"half\":",
        "POST /sessions/s1/runs HTTP/1.1\r\nHost: h\r\nContent-Length: 41\r\n\r\n{\"half\":",
    };
    struct site site;
    (void)state;
    site_init(&site);
    site_start(&site);
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++) {
        /* Behind another one, so that all of it is there when it is looked at. */
        char *answer =
            client_ask(&site, "GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n%s", requests[i]);
        assert_non_null(strstr(answer, i < 2 ? "only a POST has a body" : "the token is missing"));
        free(answer);
        free(client_ask(&site, GET("/health")));
    }
    site_stop(&site);
}

#define KEPT(path) "GET " path " HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer alice\r\n\r\n"
#define REST                                                                                       \
    " HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer alice\r\n"                                     \
    "Content-Length: 25\r\n\r\n{\"agent\":\"bot\",\"key\":\"k\"}"
#define START "POST /sessions/s1/runs" REST

static void expect_not_taken(char *answer)
{
    if (strstr(answer, "HTTP/1.1 503 ") == NULL ||
        strstr(answer, "a start behind another request is not taken") == NULL)
        fail_msg("it is told: %s", answer);
    free(answer);
}

/* libwebsockets would take its head for its body, and turn in circles at the end: it is not taken,
 * whatever is in front of it and however it is written, and everybody is told. */
static void a_start_behind_a_question_is_not_taken(void **state)
{
    static const char *const fronts[] = {
        KEPT("/health"), KEPT("/sessions/none/history"), KEPT("/health") KEPT("/metrics") };
    static const char *const starts[] = {
        "post /sessions/s1/runs" REST, "Post /sessions/s1/runs" REST,
        "POST  /sessions/s1/runs" REST };
    struct site site;
    (void)state;
    site_init(&site);
    site.rig.agent = emit_three;
    site_start(&site);
    for (size_t i = 0; i < sizeof fronts / sizeof *fronts; i++)
        expect_not_taken(client_ask(&site, "%s%s", fronts[i], START GET("/health")));
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        expect_not_taken(client_ask(&site, KEPT("/health") "%s" GET("/health"), starts[i]));
    char *alone = client_ask(&site, "%s", START GET("/health"));
    assert_non_null(strstr(alone, "HTTP/1.1 201 "));
    free(alone);
    rig_await(&site.rig, 0);
    site_stop(&site);
}

/* Nor if only a part of its body is there: libwebsockets frees that and reads on in it. */
static void half_a_start_behind_a_question_is_not_taken(void **state)
{
    enum { HALF = 1000 };
    char blanks[HALF + 1];
    struct site site;
    (void)state;
    memset(blanks, ' ', HALF);
    blanks[HALF] = '\0';
    site_init(&site);
    site.rig.agent = emit_three;
    site_start(&site);
    expect_not_taken(client_ask(&site, KEPT("/health") "POST /sessions/s1/runs HTTP/1.1\r\n"
                                "Host: h\r\nAuthorization: Bearer alice\r\n"
                                "Content-Length: %d\r\n\r\n%s", 2 * HALF, blanks));
    free(client_ask(&site, "%s", GET("/health")));
    site_stop(&site);
}

/* Who may not read a stream is told so as a whole, whatever is behind the question. */
static void a_refused_stream_is_answered_whole(void **state)
{
    static const char *const streams[] = {
        "Authorization: Bearer alice\r\nLast-Event-ID: x\r\n",
        "Authorization: Bearer alice@s2\r\n", "" };
    static const char *const reasons[] = { "Last-Event-ID is EPOCH-SEQ", "there is no such session",
                                           "the token is missing" };
    struct site site;
    (void)state;
    site_init(&site);
    site_start(&site);
    publish_tokens(&site, 1);
    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
        char *answer = client_ask(&site, "GET /sessions/s1/events HTTP/1.1\r\nHost: h\r\n%s\r\n"
                                         GET("/health"), streams[i]);
        if (strstr(answer, reasons[i]) == NULL) fail_msg("no '%s': %s", reasons[i], answer);
        free(answer);
    }
    site_stop(&site);
}

/* On one connection, each behind the answer to the one before. */
static void starts_follow_each_other(void **state)
{
    struct site site;
    struct client client;
    (void)state;
    site_init(&site);
    site.rig.agent = emit_three;
    site_start(&site);
    client_connect(&site, &client);
    for (int i = 0; i < 3; i++) {
        client_write(&client, START, sizeof START - 1);
        free(client_read_until(&client, "\"key\":\"k\""));
        free(client_read_until(&client, "}"));
    }
    rig_await(&site.rig, 0);
    client_close(&client);
    site_stop(&site);
}

/* Who may not do a thing is told what he may. */
static void refusals_say_what_is_possible(void **state)
{
    struct site site;
    (void)state;
    site_init(&site);
    site_start(&site);
    char *put = client_ask(&site, "PUT /health HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    assert_non_null(strstr(put, "HTTP/1.1 405 "));
    assert_non_null(strstr(put, "\r\nallow: GET, HEAD, POST, OPTIONS\r\n"));
    free(put);
    char *nobody = client_ask(&site, "GET /sessions/s1 HTTP/1.1\r\nHost: h\r\n"
                                     "Authorization: Bearer nobody\r\nConnection: close\r\n\r\n");
    assert_non_null(strstr(nobody, "HTTP/1.1 401 "));
    assert_non_null(strstr(nobody, "\r\nwww-authenticate: Bearer\r\n"));
    free(nobody);
    site_stop(&site);
}

static void expect_head_refused(struct site *site)
{
    char *stream = client_ask(site, "HEAD /sessions/s1/events HTTP/1.1\r\nHost: h\r\n"
                                    "Authorization: Bearer alice\r\nConnection: close\r\n\r\n");
    assert_ptr_equal(strstr(stream, "HTTP/1.1 405 "), stream);
    assert_string_equal(strstr(stream, "\r\n\r\n"), "\r\n\r\n");
    free(stream);
}

/* The next answer follows the empty line of the head at once. */
static void a_head_has_no_body(void **state)
{
    static const char *const heads[] = {
        "HEAD /health", "HEAD /sessions/s1/history", "HEAD /sessions/none", "HEAD /metrics" };
    struct site site;
    struct client client;
    (void)state;
    site_init(&site);
    site_start(&site);
    rig_session(&site.rig, "s1");
    client_connect(&site, &client);
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        char text[300];
        int length = snprintf(text, sizeof text,
                              "%s HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer alice\r\n\r\n"
                              "GET /health HTTP/1.1\r\nHost: h\r\n\r\n", heads[i]);
        client_write(&client, text, (size_t)length);
        char *head = client_read_until(&client, "\r\n\r\n");
        assert_non_null(strstr(head, "content-length: "));
        assert_null(strstr(head, "content-length: 0\r\n"));
        free(head);
        char *next = client_read_until(&client, "\r\n\r\n");
        assert_ptr_equal(strstr(next, "HTTP/1.1 200 "), next);
        free(next);
        free(client_read_until(&client, "\"health\":\"healthy\""));
    }
    client_close(&client);
    expect_head_refused(&site);
    site_stop(&site);
}

/* Several requests on one connection, the second one sent before the first one is answered. */
static void a_connection_serves_many_requests(void **state)
{
    static const char two[] = "GET /health HTTP/1.1\r\nHost: h\r\n\r\n"
                              "GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n";
    struct site site;
    struct client client;
    (void)state;
    site_init(&site);
    site_start(&site);
    client_connect(&site, &client);
    for (int i = 0; i < 3; i++) {
        client_write(&client, two, sizeof two - 1);
        free(client_read_until(&client, "\"health\":\"healthy\""));
        free(client_read_until(&client, "session_up 1\n"));
    }
    client_close(&client);
    site_stop(&site);
}

/* A page of 100 events of 10,000 bytes needs more than one write. */
static void a_long_answer_arrives_whole(void **state)
{
    enum { SIZE = 10000, EVENTS = 90 };
    struct site site;
    char *payload = long_payload(SIZE);
    (void)state;
    site_init(&site);
    site_start(&site);
    struct session_ref session = rig_session(&site.rig, "s1");
    for (int i = 0; i < EVENTS; i++)
        assert_int_equal(publish_wait(site.rig.core, session, "blob", payload, SIZE, NULL),
                         CORE_OK);
    struct client *client = malloc(sizeof *client);
    assert_non_null(client);
    client_connect(&site, client);
    client_write(client, GET("/sessions/s1/history"), strlen(GET("/sessions/s1/history")));
    int seen = 0;
    for (char *piece; seen < EVENTS; seen++) {
        piece = client_read_until(client, "\"seq\":");
        free(piece);
    }
    free(client_read_until(client, "\"epoch_changed\":false}"));
    client_close(client);
    free(client);
    free(payload);
    site_stop(&site);
}

/* Who says more while a long answer waits for it to read: libwebsockets turns without an end, for
 * there is input that it does not read yet. A machine that takes all of the answer has its say. */
static void a_slow_reader_that_says_more_costs_little(void **state)
{
    enum { SIZE = 60000, EVENTS = 90, LITTLE = 4096 };
    static const char two[] = "GET /sessions/s1/history HTTP/1.1\r\nHost: h\r\n"
                              "Authorization: Bearer alice\r\n\r\n"
                              "GET /health HTTP/1.1\r\nHost: h\r\n\r\n";
    struct site site;
    struct ws_transport_stats stats;
    char *payload = long_payload(SIZE);
    (void)state;
    site_init(&site);
    site_start(&site);
    struct session_ref session = rig_session(&site.rig, "s1");
    for (int i = 0; i < EVENTS; i++)
        assert_int_equal(publish_wait(site.rig.core, session, "blob", payload, SIZE, NULL),
                         CORE_OK);
    struct client client;
    site.room = LITTLE;
    client_connect(&site, &client);
    client_write(&client, two, sizeof two - 1);
    RIG_AWAIT((ws_transport_stats(site.transport, &stats),
               stats.rests > 0 || stats.requests == 2));
    client_close(&client);
    free(payload);
    site_stop(&site);
}

/* With an argument, only the tests that fit it. */
int main(int count, char **words)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(history_is_read_by_pages),
        cmocka_unit_test(history_refuses_nonsense),
        cmocka_unit_test(a_session_has_one_owner),
        cmocka_unit_test(a_start_is_done_once),
        cmocka_unit_test(a_long_body_is_refused),
        cmocka_unit_test(health_and_metrics),
        cmocka_unit_test(a_start_is_no_end),
        cmocka_unit_test(half_a_body_stops_nobody),
        cmocka_unit_test(a_start_behind_a_question_is_not_taken),
        cmocka_unit_test(half_a_start_behind_a_question_is_not_taken),
        cmocka_unit_test(a_refused_stream_is_answered_whole),
        cmocka_unit_test(starts_follow_each_other),
        cmocka_unit_test(refusals_say_what_is_possible),
        cmocka_unit_test(a_connection_serves_many_requests),
        cmocka_unit_test(a_head_has_no_body),
        cmocka_unit_test(a_long_answer_arrives_whole),
        cmocka_unit_test(a_slow_reader_that_says_more_costs_little),
    };
    if (count > 1) cmocka_set_test_filter(words[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
