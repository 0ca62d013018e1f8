/* What is said over HTTP: event streams, polls and starts become messages; the rest is told. */
#include "harness/capture/capture.h"
#include "harness/capture/export.h"
#include "harness/capture/import.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char path[] = "capture_http.pcap";
static const struct export_ends ends = { 1, 1, 1, "left", "core", "alice" };
static struct export *export;
static uint64_t now_ns;

static int begin(void **state)
{
    char problem[EXPORT_PROBLEM_MAX];

    (void)state;
    export = export_open(path, 1700000000000000000, false, problem);
    assert_non_null(export);
    now_ns = 0;
    export_stream(export, now_ns, 7, &ends);
    return 0;
}

static int end(void **state)
{
    (void)state;
    return unlink(path);
}

static void say(bool from_client, const char *text)
{
    now_ns += 1000000;
    export_bytes(export, now_ns, 7, from_client, text, strlen(text));
}

static struct capture *written(void)
{
    char written[EXPORT_PROBLEM_MAX], problem[CAPTURE_PROBLEM_MAX] = "";

    assert_true(export_close(export, written));
    struct capture *capture = capture_read(path, NULL, problem);
    assert_string_equal(problem, "");
    return capture;
}

/* All messages of that kind of connection: ">" for the client's, "<" for the server's. */
static char *messages(const struct capture *capture, enum capture_kind kind)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    for (uint32_t i = 0; i < capture->count; i++) {
        const struct capture_connection *connection = capture->connections[i];
        for (uint32_t m = 0; connection->kind == kind && m < connection->count; m++)
            (void)fprintf(out, "%c%s\n", connection->messages[m].from_client ? '>' : '<',
                          connection->messages[m].opcode == WEBSOCKET_CLOSE
                              ? "close" : connection->messages[m].bytes);
    }
    (void)fclose(out);
    return text;
}

static void expect(enum capture_kind kind, const char *due)
{
    struct capture *capture = written();
    char *text = messages(capture, kind);

    assert_string_equal(text, due);
    assert_int_equal(capture->note_count, 0);
    free(text);
    capture_free(capture);
}

static void an_event_stream_in_chunks(void **state)
{
    (void)state;
    say(true, "GET /api/sessions/shop%201/events HTTP/1.1\r\nHost: x\r\n"
              "Last-Event-ID: 3-17\r\n\r\n");
    say(false, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
               "Transfer-Encoding: chunked\r\n\r\n");
    /* A chunk ends in the midst of an event, which has two lines of data and a remark. */
    say(false, "1a\r\nid: 3-18\ndata: {\"seq\":18,\n\r\n");
    say(false, "1D;more=no\r\n: a remark\r\ndata: \"n\":1}\r\n\r\n\r\n");
    say(false, "25\r\nevent: close\ndata: {\"code\":1000}\n\n    \n\r\n0\r\n\r\n");
    expect(CAPTURE_STREAM, ">{\"type\":\"hello\",\"session\":\"shop 1\",\"epoch\":3,"
                           "\"cursor\":17}\n"
                           "<{\"seq\":18,\n\"n\":1}\n<close\n");
}

static void a_client_that_leaves_its_stream(void **state)
{
    (void)state;
    say(true, "GET /sessions/s1/events?token=x&last_event_id=2-5 HTTP/1.1\r\n\r\n");
    say(false, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: one\n\n");
    export_finish(export, ++now_ns, 7, true);
    expect(CAPTURE_STREAM, ">{\"type\":\"hello\",\"session\":\"s1\",\"epoch\":2,\"cursor\":5}\n"
                           "<one\n>close\n");
}

static void requests_one_behind_the_other(void **state)
{
    (void)state;
    say(true, "POST /sessions/s1/runs HTTP/1.1\r\nContent-Length: 27\r\n\r\n"
              "{\"agent\":\"bot\",\"key\":\"one\"}"
              "GET /metrics HTTP/1.1\r\n\r\n"
              "GET /sessions/s1/history?epoch=1&cursor=4&limit=2&backward=true HTTP/1.1\r\n\r\n"
              "HEAD /sessions/s1/history HTTP/1.1\r\n\r\n");
    say(true, "GET /sessions/s1/history HTTP/1.1\r\n\r\n");
    say(false, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}");
    say(false, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na 1"
               "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n0\r\n\r\n");
    say(false, "HTTP/1.1 200 OK\r\nContent-Length: 700\r\n\r\n"
               "HTTP/1.1 401 Unauthorized\r\nContent-Length: 1\r\n\r\n-");
    struct capture *capture = written();
    char *text = messages(capture, CAPTURE_REQUESTS);
    assert_string_equal(text,
        ">{\"type\":\"start_agent\",\"session\":\"s1\",\"agent\":\"bot\",\"key\":\"one\"}\n"
        ">{\"type\":\"history\",\"session\":\"s1\",\"epoch\":1,\"cursor\":4,\"limit\":2,"
        "\"backward\":true}\n<{}\n<[]\n");
    assert_int_equal(capture->connections[0]->foreign, 2);
    assert_int_equal(capture->connections[0]->refused, 1);
    assert_int_equal(capture->connections[0]->status, 401);
    free(text);
    capture_free(capture);
}

/* The kinds of connections that nothing is read of, and what is told of them. */
static void expect_why(const char *why)
{
    struct capture *capture = written();

    assert_int_equal(capture->count, 1);
    assert_int_equal(capture->connections[0]->kind, CAPTURE_OTHER);
    assert_non_null(strstr(capture->connections[0]->why, why));
    capture_free(capture);
}

static void tls_is_told(void **state)
{
    (void)state;
    say(true, "\x16\x03\x01\x02\x01\x01");
    say(false, "\x16\x03\x03\x01");
    expect_why("TLS");
}

static void http_2_is_told(void **state)
{
    (void)state;
    say(true, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    expect_why("HTTP/2");
}

static void other_protocols_are_told(void **state)
{
    (void)state;
    say(true, "*1\r\n$4\r\nPING\r\n");
    say(false, "+PONG\r\n");
    expect_why("another protocol");
}

/* A run that was posted, and whose events were polled, is a backend's start. */
static void a_scenario_comes_of_requests(void **state)
{
    char problem[CAPTURE_PROBLEM_MAX];
    struct import_options options = { "polled", "polled.pcap", NULL };
    struct import_counts counts;

    (void)state;
    say(true, "POST /sessions/s1/runs HTTP/1.1\r\nContent-Length: 27\r\n\r\n"
              "{\"agent\":\"bot\",\"key\":\"one\"}");
    say(false, "HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}");
    say(true, "GET /sessions/s1/history?limit=9 HTTP/1.1\r\n\r\n");
    say(false, "HTTP/1.1 200 OK\r\nContent-Length: 187\r\n\r\n"
               "{\"type\":\"history_page\",\"epoch\":1,\"events\":"
               "[{\"seq\":1,\"type\":\"run_state\","
               "\"payload\":{\"run\":1,\"key\":\"one\",\"agent\":\"bot\",\"state\":\"running\"}},"
               "{\"seq\":2,\"type\":\"token\",\"payload\":{\"by\":\"bot\"}}]}  ");
    struct capture *capture = written();
    char *text = import_scenario(capture, &options, &counts, problem);
    assert_non_null(text);
    assert_non_null(strstr(text, "  start key=one at "));
    assert_non_null(strstr(text, "  history cursor=0 limit=9 at "));
    assert_non_null(strstr(text, "agent bot session=s1\n"));
    assert_non_null(strstr(text, "  emit token at "));
    assert_int_equal(counts.tabs, 0);
    assert_int_equal(counts.agents, 1);
    assert_int_equal(counts.backends, 2);
    free(text);
    capture_free(capture);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(an_event_stream_in_chunks), CASE(a_client_that_leaves_its_stream),
        CASE(requests_one_behind_the_other), CASE(tls_is_told), CASE(http_2_is_told),
        CASE(other_protocols_are_told), CASE(a_scenario_comes_of_requests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
