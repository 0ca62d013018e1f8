/* A capture is written, its packets are treated as networks treat them, and it says the same. */
#include "harness/capture/capture.h"
#include "harness/capture/export.h"
#include "harness/capture/import.h"

#include <pcap/pcap.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

enum { PACKETS_MAX = 400, PACKET_ROOM = 4096, ETHERNET = 14 };

struct raw {
    struct pcap_pkthdr header;
    uint8_t bytes[PACKET_ROOM];
};

static struct raw packets[PACKETS_MAX];
static uint32_t packet_count;
static const char path[] = "capture_streams.pcap";

/* --- one story --- */

static const struct export_ends ends = { 1, 1, 1, "left", "core", "alice" };

static void say(struct export *export, uint64_t time_ns, uint32_t number, const char *text)
{
    export_from_server(export, time_ns, 7, number, text, strlen(text));
    export_arrived(export, time_ns, 7, number);
}

static void ask(struct export *export, uint64_t time_ns, const char *text)
{
    export_from_client(export, time_ns, 7, text, strlen(text));
}

static void write_story(bool six)
{
    char problem[EXPORT_PROBLEM_MAX], token[4000];
    struct export *export = export_open(path, 1700000000000000000, six, problem);

    assert_non_null(export);
    export_connection(export, 0, 7, &ends);
    ask(export, 1000, "{\"type\":\"hello\",\"session\":\"s1\"}");
    say(export, 2000, 1, "{\"type\":\"connection_ready\",\"epoch\":1,\"gen\":2,\"runs\":[]}");
    say(export, 3000, 2, "{\"type\":\"state_replay_complete\",\"to\":0}");
    ask(export, 4000, "{\"type\":\"connection_acknowledged\",\"gen\":2}");
    for (int i = 1; i <= 5; i++) {
        /* Of several segments each. */
        (void)snprintf(token, sizeof token, "{\"seq\":%d,\"type\":\"token\",\"payload\":{\"n\":%d,"
                       "\"text\":\"%.3000d\"}}", i, i, i);
        say(export, (uint64_t)i * 1000000, (uint32_t)i + 2, token);
    }
    export_client_closes(export, 9000000, 7);
    assert_true(export_close(export, problem));
}

static void load(void)
{
    char problem[PCAP_ERRBUF_SIZE];
    struct pcap_pkthdr *header;
    const uint8_t *bytes;
    pcap_t *pcap = pcap_open_offline(path, problem);

    assert_non_null(pcap);
    for (packet_count = 0; pcap_next_ex(pcap, &header, &bytes) == 1; packet_count++) {
        assert_true(packet_count < PACKETS_MAX && header->caplen < PACKET_ROOM);
        packets[packet_count].header = *header;
        memcpy(packets[packet_count].bytes, bytes, header->caplen);
    }
    pcap_close(pcap);
}

static void store(int link)
{
    pcap_t *pcap = pcap_open_dead(link, 65535);
    pcap_dumper_t *dumper = pcap_dump_open(pcap, path);

    assert_non_null(dumper);
    for (uint32_t i = 0; i < packet_count; i++)
        pcap_dump((u_char *)dumper, &packets[i].header, packets[i].bytes);
    pcap_dump_close(dumper);
    pcap_close(pcap);
}

static void add(const struct raw *packet)
{
    assert_true(packet_count < PACKETS_MAX);
    packets[packet_count++] = *packet;
}

static void put_in(uint32_t at, const struct raw *packet)
{
    add(packet);
    memmove(&packets[at + 1], &packets[at], (packet_count - 1 - at) * sizeof *packets);
    packets[at] = *packet;
}

/* --- what is read --- */

/* All messages, without the numbers of packets; at *notes how many warnings there were. */
static char *messages(uint32_t *notes)
{
    char problem[CAPTURE_PROBLEM_MAX], *text = NULL;
    size_t size;
    struct capture *capture = capture_read(path, NULL, problem);
    FILE *out = open_memstream(&text, &size);

    assert_non_null(capture);
    for (uint32_t i = 0; i < capture->count; i++) {
        const struct capture_connection *connection = capture->connections[i];
        for (uint32_t m = 0; m < connection->count; m++)
            (void)fprintf(out, "%d %d %s\n", connection->messages[m].from_client,
                          connection->messages[m].opcode, connection->messages[m].bytes);
    }
    (void)fclose(out);
    *notes = capture->note_count;
    capture_free(capture);
    return text;
}

static char *first_note(void)
{
    char problem[CAPTURE_PROBLEM_MAX];
    struct capture *capture = capture_read(path, NULL, problem);

    assert_non_null(capture);
    assert_true(capture->note_count > 0);
    char *note = strdup(capture->notes[0]);
    capture_free(capture);
    return note;
}

static char *told;

static void expect_same(int link)
{
    uint32_t notes;

    store(link);
    char *text = messages(&notes);
    assert_string_equal(text, told);
    assert_int_equal(notes, 0);
    free(text);
}

static int begin(void **state)
{
    uint32_t notes;

    (void)state;
    write_story(false);
    load();
    told = messages(&notes);
    assert_int_equal(notes, 0);
    return 0;
}

static int end(void **state)
{
    (void)state;
    free(told);
    return 0;
}

static uint32_t payload_of(const struct raw *packet)
{
    uint32_t tcp = (uint32_t)(packet->bytes[ETHERNET + 32] >> 4) * 4;

    return packet->header.caplen - ETHERNET - 20 - tcp;
}

/* The n-th packet with a payload; n from 0. */
static uint32_t nth_data(uint32_t n)
{
    for (uint32_t i = 0; i < packet_count; i++) {
        if (payload_of(&packets[i]) > 0 && n-- == 0) return i;
    }
    fail();
    return 0;
}

static void what_was_said_is_read(void **state)
{
    (void)state;
    assert_non_null(strstr(told, "1 1 {\"type\":\"hello\",\"session\":\"s1\"}\n"
                                 "0 1 {\"type\":\"connection_ready\""));
    assert_non_null(strstr(told, "0 1 {\"seq\":5,"));
    assert_non_null(strstr(told, "1 8 "));
}

static void retransmissions_and_late_segments(void **state)
{
    (void)state;
    for (uint32_t i = packet_count; i-- > 0;) put_in(i, &packets[i]);
    expect_same(DLT_EN10MB);
    /* The segments of one message, backwards. */
    for (uint32_t i = 8; i + 2 < packet_count; i++) {
        if (payload_of(&packets[i]) < 1400 || payload_of(&packets[i + 2]) < 1400) continue;
        struct raw kept = packets[i];
        packets[i] = packets[i + 2];
        packets[i + 2] = kept;
    }
    expect_same(DLT_EN10MB);
}

static void expect_one_connection(void)
{
    char problem[CAPTURE_PROBLEM_MAX];

    expect_same(DLT_EN10MB);
    struct capture *capture = capture_read(path, NULL, problem);
    assert_non_null(capture);
    assert_int_equal(capture->tcp, 1);
    for (uint32_t i = 0; i < capture->count; i++) assert_false(capture->connections[i]->amid);
    capture_free(capture);
}

/* The SYN comes again when all is over; it comes behind the answer to it and the first request;
 * so does the answer. */
static void a_late_beginning(void **state)
{
    const struct raw syn = packets[0];
    const uint32_t request = nth_data(0);

    (void)state;
    add(&syn);
    expect_one_connection();
    memmove(packets, packets + 1, request * sizeof *packets);
    packets[request] = syn;
    expect_one_connection();
    const struct raw answer = packets[0];
    memmove(packets, packets + 1, request * sizeof *packets);
    packets[request] = answer;
    expect_one_connection();
}

static void an_overlap(void **state)
{
    (void)state;
    /* From the middle of a segment on, once more, and longer by what comes next. */
    struct raw again = packets[nth_data(8)];
    uint32_t head = again.header.caplen - payload_of(&again), half = payload_of(&again) / 2;
    uint8_t *bytes = again.bytes + ETHERNET + 24;
    uint32_t sequence = ((uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
                         (uint32_t)bytes[2] << 8 | bytes[3]) + half;

    for (int i = 0; i < 4; i++) bytes[i] = (uint8_t)(sequence >> (24 - 8 * i));
    memmove(again.bytes + head, again.bytes + head + half, payload_of(&again) - half);
    again.header.caplen -= half;
    again.header.len -= half;
    again.bytes[ETHERNET + 2] = (uint8_t)((again.header.caplen - ETHERNET) >> 8);
    again.bytes[ETHERNET + 3] = (uint8_t)(again.header.caplen - ETHERNET);
    put_in(nth_data(8) + 1, &again);
    expect_same(DLT_EN10MB);
}

static void missing_bytes_are_told(void **state)
{
    uint32_t gone = nth_data(8), notes;

    (void)state;
    memmove(&packets[gone], &packets[gone + 1], (--packet_count - gone) * sizeof *packets);
    store(DLT_EN10MB);
    char *text = messages(&notes), *note = first_note();
    assert_int_equal(notes, 1);
    assert_non_null(strstr(note, "bytes before it are missing"));
    assert_true(strlen(text) < strlen(told) && strncmp(text, told, 100) == 0);
    /* Only the message that they belong to is lost. */
    assert_non_null(strstr(told, "\"seq\":1,"));
    assert_null(strstr(text, "\"seq\":1,"));
    for (const char *left = "2345"; *left != '\0'; left++) {
        char message[] = "\"seq\":0,";
        message[6] = *left;
        assert_non_null(strstr(text, message));
    }
    assert_non_null(strstr(text, "1 8 "));
    free(note);
    free(text);
}

/* Where frames begin is not known any more when the head of one is missing. */
static void frames_are_found_again(void **state)
{
    uint32_t gone = nth_data(6), notes;

    (void)state;
    memmove(&packets[gone], &packets[gone + 1], (--packet_count - gone) * sizeof *packets);
    store(DLT_EN10MB);
    char *text = messages(&notes);
    assert_int_equal(notes, 1);
    assert_null(strstr(text, "\"seq\":1,"));
    assert_non_null(strstr(text, "\"seq\":2,"));
    assert_non_null(strstr(text, "\"seq\":5,"));
    free(text);
}

static void a_cut_packet_is_told(void **state)
{
    char number[32];
    uint32_t cut = nth_data(8);

    (void)state;
    packets[cut].header.caplen = 96;
    store(DLT_EN10MB);
    char *note = first_note();
    (void)snprintf(number, sizeof number, "packet %u: ", cut + 1);
    assert_true(strncmp(note, number, strlen(number)) == 0);
    assert_non_null(strstr(note, "cut by the capture"));
    free(note);
}

static void a_beginning_in_the_midst_is_told(void **state)
{
    (void)state;
    memmove(packets, packets + 8, (packet_count -= 8) * sizeof *packets);
    store(DLT_EN10MB);
    char *note = first_note();
    assert_non_null(strstr(note, "packet 2: "));
    assert_non_null(strstr(note, "in the midst of a connection"));
    free(note);
}

static void fragment(uint32_t at)
{
    struct raw whole = packets[at];
    uint32_t payload = whole.header.caplen - ETHERNET - 20, size = 512;

    for (uint32_t offset = 0, n = 0; offset < payload; offset += size, n++) {
        struct raw *part = &packets[at];
        uint32_t length = payload - offset < size ? payload - offset : size;
        if (n > 0) put_in(at, &whole);
        memcpy(part->bytes + ETHERNET + 20, whole.bytes + ETHERNET + 20 + offset, length);
        part->header.caplen = part->header.len = ETHERNET + 20 + length;
        part->bytes[ETHERNET + 2] = (uint8_t)((20 + length) >> 8);
        part->bytes[ETHERNET + 3] = (uint8_t)(20 + length);
        part->bytes[ETHERNET + 4] = part->bytes[ETHERNET + 5] = (uint8_t)at;
        part->bytes[ETHERNET + 6] = (uint8_t)((offset / 8) >> 8) |
                                    (offset + length < payload ? 0x20 : 0);
        part->bytes[ETHERNET + 7] = (uint8_t)(offset / 8);
    }
}

static void fragments_of_ip(void **state)
{
    (void)state;
    /* The last ones come first. */
    fragment(nth_data(8));
    expect_same(DLT_EN10MB);
}

/* Replaces the Ethernet header by another one. */
static void relink(const void *header, uint32_t size)
{
    for (uint32_t i = 0; i < packet_count; i++) {
        struct raw *packet = &packets[i];
        memmove(packet->bytes + size, packet->bytes + ETHERNET, packet->header.caplen - ETHERNET);
        memcpy(packet->bytes, header, size);
        packet->header.caplen += size - ETHERNET;
        packet->header.len = packet->header.caplen;
    }
}

static void other_link_types(void **state)
{
    static const struct { int type; const char *header; uint32_t size; } links[] = {
        { DLT_RAW, "", 0 },
        { DLT_NULL, "\2\0\0\0", 4 },
        { DLT_LOOP, "\0\0\0\2", 4 },
        { DLT_LINUX_SLL, "\0\0\0\1\0\6\2\0\0\0\0\0\0\0\x08\0", 16 },
        { DLT_LINUX_SLL2, "\x08\0\0\0\0\0\0\1\0\1\0\6\2\0\0\0\0\0\0\0", 20 },
        { DLT_EN10MB, "\2\0\0\0\0\1\2\0\0\0\0\2\x81\0\0\x05\x08\0", 18 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
        write_story(false);
        load();
        relink(links[i].header, links[i].size);
        expect_same(links[i].type);
    }
}

static void six_says_the_same(void **state)
{
    uint32_t notes;

    (void)state;
    write_story(true);
    char *text = messages(&notes);
    assert_string_equal(text, told);
    free(text);
}

/* --- pcapng --- */

static void put_block(FILE *out, uint32_t type, const void *body, uint32_t size)
{
    uint32_t padded = (size + 3) / 4 * 4, length = padded + 12;

    (void)fwrite(&type, 4, 1, out);
    (void)fwrite(&length, 4, 1, out);
    (void)fwrite(body, size, 1, out);
    (void)fwrite("\0\0\0", padded - size, 1, out);
    (void)fwrite(&length, 4, 1, out);
}

static void put_packet(FILE *out, uint32_t interface, uint64_t stamp, const void *bytes,
                       uint32_t size)
{
    uint32_t body[5 + PACKET_ROOM / 4] = { interface, (uint32_t)(stamp >> 32), (uint32_t)stamp,
                                           size, size };

    memcpy(body + 5, bytes, size);
    put_block(out, 6, body, 20 + size);
}

/* Nanoseconds on Ethernet; parts of 2^-20 s, counted from 1000 s on, of raw IP. Between them what
 * else such files have. */
static void store_mixed(void)
{
    static const uint8_t section[16] = { 0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 255, 255, 255, 255,
                                         255, 255, 255, 255 };
    static const uint8_t ethernet[] = { 1, 0, 0, 0, 0, 0, 4, 0, 9, 0, 1, 0, 9, 0, 0, 0,
                                        0, 0, 0, 0 };
    static const uint8_t raw[] = { 101, 0, 0, 0, 96, 0, 0, 0, 9, 0, 1, 0, 0x94, 0, 0, 0,
                                   14, 0, 8, 0, 0xe8, 3, 0, 0, 0, 0, 0, 0 };
    FILE *out = fopen(path, "wb");

    assert_non_null(out);
    put_block(out, 0x0a0d0d0a, section, sizeof section);
    put_block(out, 1, ethernet, sizeof ethernet);
    put_block(out, 1, raw, sizeof raw);
    put_block(out, 10, "KLST\4\0\0\0keys", 12);
    for (uint32_t i = 0; i < packet_count; i++) {
        const struct raw *packet = &packets[i];
        uint64_t us = (uint64_t)packet->header.ts.tv_sec * 1000000 +
                      (uint64_t)packet->header.ts.tv_usec;
        if (i % 2 == 0) put_packet(out, 0, us * 1000, packet->bytes, packet->header.caplen);
        else put_packet(out, 1, (us - 1000000000) / 15625 * 16384 +
                                    (us - 1000000000) % 15625 * 16384 / 15625,
                        packet->bytes + ETHERNET, packet->header.caplen - ETHERNET);
        if (i == 4) put_block(out, 5, "\0\0\0\0\0\0\0\0\0\0\0\0", 12);
    }
    (void)fclose(out);
}

static void interfaces_of_several_kinds(void **state)
{
    char problem[CAPTURE_PROBLEM_MAX];
    uint32_t notes;

    (void)state;
    store_mixed();
    char *text = messages(&notes);
    assert_string_equal(text, told);
    assert_int_equal(notes, 0);
    free(text);
    struct capture *capture = capture_read(path, "tcp port 8080", problem);
    assert_non_null(capture);
    assert_int_equal(capture->unmatched, 0);
    for (uint32_t i = 0; i < capture->connections[0]->count; i++) {
        /* All within ten milliseconds, whatever they were counted in. */
        uint64_t time_ns = capture->connections[0]->messages[i].time_ns;
        assert_in_range(time_ns, 1700000000000000000, 1700000000010000000);
    }
    capture_free(capture);
}

static void a_file_that_is_packed(void **state)
{
    char bytes[4096], problem[CAPTURE_PROBLEM_MAX];
    size_t size;

    (void)state;
    store(DLT_EN10MB);
    FILE *in = fopen(path, "rb");
    gzFile out = gzopen("capture_streams.gz", "wb");
    assert_true(in != NULL && out != NULL);
    while ((size = fread(bytes, 1, sizeof bytes, in)) > 0)
        assert_int_equal(gzwrite(out, bytes, (unsigned)size), size);
    (void)fclose(in);
    assert_int_equal(gzclose(out), Z_OK);
    assert_int_equal(rename("capture_streams.gz", path), 0);
    uint32_t notes;
    char *text = messages(&notes);
    assert_string_equal(text, told);
    assert_int_equal(notes, 0);
    free(text);
    assert_int_equal(truncate(path, 200), 0);
    struct capture *capture = capture_read(path, NULL, problem);
    assert_true(capture == NULL || capture->note_count > 0);
    if (capture != NULL) assert_non_null(strstr(capture->notes[0], "gzip"));
    else assert_non_null(strstr(problem, "gzip"));
    capture_free(capture);
}

static void a_foreign_link_type_is_refused(void **state)
{
    char problem[CAPTURE_PROBLEM_MAX];

    (void)state;
    store(DLT_IEEE802_11);
    assert_null(capture_read(path, NULL, problem));
    assert_non_null(strstr(problem, "its link type 105"));
}

static void a_scenario_comes_of_it(void **state)
{
    char problem[CAPTURE_PROBLEM_MAX];
    struct capture *capture = capture_read(path, NULL, problem);
    struct import_options options = { "story", "story.pcap", NULL };
    struct import_counts counts;
    char *text = import_scenario(capture, &options, &counts, problem);

    (void)state;
    assert_non_null(text);
    assert_non_null(strstr(text, "\ntab left session=s1 user=alice\n"));
    assert_non_null(strstr(text, "  close at "));
    assert_non_null(strstr(text, "publish token"));
    free(text);
    capture_free(capture);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(what_was_said_is_read), CASE(retransmissions_and_late_segments), CASE(an_overlap),
        CASE(a_late_beginning),
        CASE(missing_bytes_are_told), CASE(frames_are_found_again),
        CASE(interfaces_of_several_kinds), CASE(a_file_that_is_packed), CASE(a_cut_packet_is_told),
        CASE(a_beginning_in_the_midst_is_told), CASE(fragments_of_ip), CASE(other_link_types),
        CASE(six_says_the_same), CASE(a_foreign_link_type_is_refused),
        CASE(a_scenario_comes_of_it),
    };

    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    (void)unlink(path);
    return rc;
}
