/* The client's own parser: examples of RFC 6455, every cut of a conversation, broken servers. */
#include "fakes/websocket/client.h"
#include "fakes/websocket/sha1.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void *grow(void *context, void *old, size_t used, size_t size)
{
    (void)context;
    (void)used;
    return realloc(old, size);
}

/* The key of section 1.3: "the sample nonce". */
static void begin(struct websocket *websocket)
{
    struct websocket_request request = { .host = "h", .path = "/", .key = "the sample nonc" };
    char text[512];
    request.key[15] = 'e';
    assert_int_not_equal(websocket_begin(websocket, &request, text, sizeof text, 1000, grow, NULL),
                         0);
    assert_non_null(strstr(text, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"));
}

static const char response[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                               "Connection: Upgrade\r\n"
                               "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

static void digest_of_the_standard(void **state)
{
    static const uint8_t abc[] = { 0xa9, 0x99, 0x3e, 0x36, 0x47, 0x06, 0x81, 0x6a, 0xba, 0x3e,
                                   0x25, 0x71, 0x78, 0x50, 0xc2, 0x6c, 0x9c, 0xd0, 0xd8, 0x9d };
    static const uint8_t two_blocks[] = { 0x84, 0x98, 0x3e, 0x44, 0x1c, 0x3b, 0xd2, 0x6e, 0xba,
                                          0xae, 0x4a, 0xa1, 0xf9, 0x51, 0x29, 0xe5, 0xe5, 0x46,
                                          0x70, 0xf1 };
    static const char text[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    uint8_t digest[SHA1_BYTES];
    (void)state;
    sha1("abc", 3, digest);
    assert_memory_equal(digest, abc, sizeof abc);
    sha1(text, sizeof text - 1, digest);
    assert_memory_equal(digest, two_blocks, sizeof two_blocks);
}

/* Section 5.7: a fragmented "Hello" with a ping inside, then a close. Cut at every place. */
static void any_cut_gives_the_same(void **state)
{
    static const char frames[] = "\x01\x03" "Hel" "\x89\x05" "Hello" "\x80\x02" "lo"
                                 "\x88\x05\x03\xe8" "bye";
    char all[sizeof response + sizeof frames];
    size_t length = sizeof response - 1 + sizeof frames - 1;
    static const enum websocket_event_kind kinds[] = { WEBSOCKET_GOT_OPEN, WEBSOCKET_GOT_PING,
                                                       WEBSOCKET_GOT_TEXT, WEBSOCKET_GOT_CLOSE };
    static const char *const texts[] = { "", "Hello", "Hello", "bye" };
    (void)state;
    memcpy(all, response, sizeof response - 1);
    memcpy(all + sizeof response - 1, frames, sizeof frames - 1);
    for (size_t cut = 0; cut <= length; cut++) {
        struct websocket websocket;
        struct websocket_event event;
        size_t at = 0, taken, seen = 0;
        begin(&websocket);
        while (at < length) {
            size_t end = at < cut ? cut : length;
            if (websocket_take(&websocket, all + at, end - at, &taken, &event)) {
                assert_true(seen < 4);
                assert_int_equal(event.kind, kinds[seen]);
                assert_string_equal(event.bytes, texts[seen]);
                seen++;
            }
            at += taken;
        }
        assert_int_equal(seen, 4);
        assert_int_equal(event.code, 1000);
        assert_int_equal(websocket.state, WEBSOCKET_CLOSED);
        free(websocket.room);
    }
}

/* Section 5.7: "Hello" masked with 37 fa 21 3d. */
static void frames_are_masked(void **state)
{
    static const uint8_t mask[4] = { 0x37, 0xfa, 0x21, 0x3d };
    char out[5 + WEBSOCKET_HEADER_MAX], *long_out = malloc(70000 + WEBSOCKET_HEADER_MAX);
    (void)state;
    size_t length = websocket_frame(out, WEBSOCKET_TEXT, true, mask, "Hello", 5);
    assert_int_equal(length, 11);
    assert_memory_equal(out, "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11);
    char *zeros = calloc(1, 70000);
    assert_non_null(long_out);
    assert_non_null(zeros);
    assert_int_equal(websocket_frame(long_out, WEBSOCKET_BINARY, false, mask, zeros, 256), 264);
    assert_memory_equal(long_out, "\x02\xfe\x01\x00\x37", 5);
    assert_int_equal(websocket_frame(long_out, WEBSOCKET_TEXT, true, mask, zeros, 70000), 70014);
    assert_memory_equal(long_out, "\x81\xff\0\0\0\0\0\x01\x11\x70\x37", 11);
    free(zeros);
    free(long_out);
}

static void expect_problem(const char *opening, const char *bytes, size_t length,
                           const char *problem)
{
    struct websocket websocket;
    struct websocket_event event = { .kind = WEBSOCKET_GOT_OPEN };
    size_t taken, at = 0;
    begin(&websocket);
    if (opening != NULL)
        assert_true(websocket_take(&websocket, opening, strlen(opening), &taken, &event));
    while (at < length && event.kind != WEBSOCKET_GOT_BROKEN) {
        websocket_take(&websocket, bytes + at, length - at, &taken, &event);
        at += taken;
    }
    assert_int_equal(websocket.state, WEBSOCKET_BROKEN);
    assert_string_equal(event.bytes, problem);
    free(websocket.room);
}

static void broken_servers_are_told(void **state)
{
    static const struct { const char *bytes; size_t length; const char *problem; } frames[] = {
        { "\xc1\x00", 2, "a reserved bit of a frame is set" },
        { "\x81\x80", 2, "a frame of the server is masked" },
        { "\x83\x00", 2, "a frame has an opcode that does not exist" },
        { "\x09\x00", 2, "a control frame is long or fragmented" },
        { "\x88\x7e\x00\x7e", 4, "a control frame is long or fragmented" },
        { "\x01\x00\x81\x00", 4, "a message begins inside another one" },
        { "\x80\x00", 2, "there is nothing to continue" },
        { "\x81\x7e\x03\xe9", 4, "a message is too long" },
        { "\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff", 10, "a message is too long" },
        { "\x81\x7e\x00\x7d", 4, "a length is written with more bytes than needed" },
        { "\x88\x01\x03", 3, "a close frame holds half a code" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof frames / sizeof *frames; i++)
        expect_problem(response, frames[i].bytes, frames[i].length, frames[i].problem);
}

static void broken_responses_are_told(void **state)
{
    static const struct { const char *text, *problem; } responses[] = {
        { "HTTP/1.0 101 X\r\n\r\n", "the response is not HTTP/1.1" },
        { "HTTP/2.0 101 X\r\n\r\n", "the response is not HTTP/1" },
        { "HTTP/1.1 1 01\r\n\r\n", "the response is not HTTP/1" },
        { "HTTP/1.1\r\n\r\n", "the response is not HTTP/1" },
        { "HTTP/1.1 401 Unauthorized\r\n\r\n", "the server refused the upgrade" },
        { "HTTP/1.1 101 X\r\nUpgrade: websocket\r\n\r\n", "the response does not upgrade" },
        { "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
          "Sec-WebSocket-Accept: AAAA\r\n\r\n", "the accept key is wrong" },
        { "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
          "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
          "Sec-WebSocket-Protocol: chat\r\n\r\n", "the server speaks another subprotocol" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof responses / sizeof *responses; i++)
        expect_problem(NULL, responses[i].text, strlen(responses[i].text), responses[i].problem);
    char *endless = malloc(2 * WEBSOCKET_RESPONSE_MAX);
    assert_non_null(endless);
    memset(endless, 'a', 2 * WEBSOCKET_RESPONSE_MAX);
    expect_problem(NULL, endless, 2 * WEBSOCKET_RESPONSE_MAX, "the response is too long");
    free(endless);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digest_of_the_standard),
        cmocka_unit_test(any_cut_gives_the_same),
        cmocka_unit_test(frames_are_masked),
        cmocka_unit_test(broken_servers_are_told),
        cmocka_unit_test(broken_responses_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
