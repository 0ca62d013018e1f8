/* The codec against the bytes that RFC 6455 and RFC 7692 print. */
#include "harness/capture/websocket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* --- what was heard --- */

struct heard {
    uint32_t count;
    enum websocket_opcode opcode;
    char text[70000];
    size_t length;
    uint32_t frames, code;
};

static void listen(void *context, const struct websocket_message *message)
{
    struct heard *heard = context;

    heard->count++;
    heard->opcode = message->opcode;
    heard->length = message->length;
    heard->frames = message->frames;
    heard->code = websocket_close_code(message);
    assert_true(message->length < sizeof heard->text);
    if (message->length > 0) memcpy(heard->text, message->bytes, message->length);
    heard->text[message->length] = '\0';
}

/* Feeds all bytes in pieces of that size; gives what is wrong with them. */
static const char *feed(struct websocket_settings settings, const void *bytes, size_t size,
                        size_t piece, struct heard *heard)
{
    struct websocket_reader *reader = websocket_reader_new(&settings);
    const char *problem = NULL;

    memset(heard, 0, sizeof *heard);
    for (size_t at = 0; at < size && problem == NULL; at += piece)
        problem = websocket_feed(reader, (const uint8_t *)bytes + at,
                                 size - at < piece ? size - at : piece, listen, heard);
    websocket_reader_free(reader);
    return problem;
}

static const struct websocket_settings client = { .from_client = true }, server = { 0 };

static void expect_text(struct websocket_settings settings, const char *bytes, size_t size,
                        uint32_t count, const char *text)
{
    static struct heard heard;

    for (size_t piece = 1; piece <= size; piece++) {
        assert_null(feed(settings, bytes, size, piece, &heard));
        assert_int_equal(heard.count, count);
        assert_int_equal(heard.opcode, WEBSOCKET_TEXT);
        assert_string_equal(heard.text, text);
    }
}

#define BYTES(text) (text), sizeof(text) - 1

/* --- RFC 6455 --- */

static void the_handshake_of_the_rfc(void **state)
{
    char accept[WEBSOCKET_ACCEPT_SIZE], key[WEBSOCKET_KEY_SIZE];

    (void)state;
    websocket_key((const uint8_t *)"the sample nonce", key);
    assert_string_equal(key, "dGhlIHNhbXBsZSBub25jZQ==");
    websocket_answer(key, strlen(key), accept);
    assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

static void the_frames_of_the_rfc(void **state)
{
    static struct heard heard;

    (void)state;
    expect_text(server, BYTES("\x81\x05\x48\x65\x6c\x6c\x6f"), 1, "Hello");
    expect_text(client, BYTES("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"), 1, "Hello");
    expect_text(server, BYTES("\x01\x03\x48\x65\x6c\x80\x02\x6c\x6f"), 1, "Hello");
    assert_null(feed(client, BYTES("\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"), 3, &heard));
    assert_int_equal(heard.opcode, WEBSOCKET_PONG);
    assert_string_equal(heard.text, "Hello");
}

static void a_control_frame_between_fragments(void **state)
{
    (void)state;
    /* "Hel", a ping, "lo". */
    expect_text(server, BYTES("\x01\x03Hel\x89\x01!\x80\x02lo"), 2, "Hello");
}

static void lengths_of_all_widths(void **state)
{
    static const size_t lengths[] = { 0, 1, 125, 126, 65535, 65536 };
    static uint8_t frame[70000];
    static struct heard heard;

    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct websocket_head head = { .final = true, .masked = true, .opcode = WEBSOCKET_BINARY,
                                       .mask = { 1, 2, 3, 4 }, .length = lengths[i] };
        size_t size = websocket_write_head(&head, frame);
        memset(frame + size, 'x', lengths[i]);
        websocket_mask(frame + size, lengths[i], head.mask, 0);
        assert_null(feed(client, frame, size + lengths[i], 1000, &heard));
        assert_int_equal(heard.count, 1);
        assert_int_equal(heard.length, lengths[i]);
        assert_int_equal(strspn(heard.text, "x"), lengths[i]);
    }
}

static void a_close_has_a_code(void **state)
{
    static struct heard heard;

    (void)state;
    assert_null(feed(server, BYTES("\x88\x02\x0f\xa9"), 4, &heard));
    assert_int_equal(heard.code, 4009);
    assert_null(feed(server, BYTES("\x88\x00"), 2, &heard));
    assert_int_equal(heard.code, 1005);
}

/* --- RFC 7692, section 7.2.3 --- */

static void the_compressed_messages_of_the_rfc(void **state)
{
    const struct websocket_settings deflated = { .deflate = true },
                                    forgetful = { .deflate = true, .forget = true };
    static struct heard heard;

    (void)state;
    expect_text(deflated, BYTES("\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00"), 1, "Hello");
    expect_text(deflated, BYTES("\x41\x03\xf2\x48\xcd\x80\x04\xc9\xc9\x07\x00"), 1, "Hello");
    /* The second one refers to the first. */
    expect_text(deflated, BYTES("\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00\xc1\x05\xf2\x00\x11\x00\x00"),
                2, "Hello");
    assert_non_null(feed(forgetful,
                         BYTES("\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00\xc1\x05\xf2\x00\x11\x00\x00"),
                         99, &heard));
    /* A block that is not compressed, and one that is the last of its stream. */
    expect_text(deflated, BYTES("\xc1\x0b\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"), 1,
                "Hello");
    expect_text(deflated, BYTES("\xc1\x08\xf3\x48\xcd\xc9\xc9\x07\x00\x00"), 1, "Hello");
}

/* --- what is refused --- */

static void what_no_peer_may_send(void **state)
{
    static const struct { const char *bytes; size_t size; const char *problem; } cases[] = {
        { BYTES("\x81\x81\0\0\0\0x"), "a frame of the server is masked" },
        { BYTES("\x83\x00"), "opcode" },
        { BYTES("\xa1\x00"), "reserved" },
        { BYTES("\xc1\x00"), "compressed" },
        { BYTES("\x80\x00"), "continues nothing" },
        { BYTES("\x01\x00\x81\x00"), "inside another" },
        { BYTES("\x09\x00"), "fragmented" },
        { BYTES("\x89\x7e\x00\x7e"), "too long" },
        { BYTES("\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff"), "negative" },
        { BYTES("\x82\x7f\x00\x00\x00\x00\x40\x00\x00\x00"), "longer than 16 MiB" },
    };
    static struct heard heard;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *problem = feed(server, cases[i].bytes, cases[i].size, 1, &heard);
        assert_non_null(problem);
        assert_non_null(strstr(problem, cases[i].problem));
        assert_int_equal(heard.count, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_handshake_of_the_rfc),
        cmocka_unit_test(the_frames_of_the_rfc),
        cmocka_unit_test(a_control_frame_between_fragments),
        cmocka_unit_test(lengths_of_all_widths),
        cmocka_unit_test(a_close_has_a_code),
        cmocka_unit_test(the_compressed_messages_of_the_rfc),
        cmocka_unit_test(what_no_peer_may_send),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
