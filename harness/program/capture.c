#include "capture.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/check/require.h"
#include "harness/world/world.h"

enum { HEAD = 5 };

static struct capture *now;
static struct input *source;
static bool is_live, is_straight;
static FILE *streams[2], *streams_before[2]; /* standard output and error of libraries */
static char complaint[256];
static uint32_t last; /* where the last piece begins */

void capture_use(struct capture *capture, struct input *input)
{
    now = capture;
    source = input;
}

void capture_begin(bool live)
{
    is_live = live;
    now->used = last = 0;
    now->missing = 0;
    now->cut = false;
}

void capture_straight(void)
{
    is_straight = true;
}

static void write_out(int stream, const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t written = write(stream, bytes, count);
        if (written <= 0) return; /* nobody reads it any more */
        bytes += written;
        count -= (size_t)written;
    }
}

static uint32_t length_at(const struct capture *capture, uint32_t at)
{
    uint32_t length;
    memcpy(&length, capture->bytes + at + 1, sizeof length);
    return length;
}

void capture_print(struct capture *capture)
{
    uint64_t skip = capture->passed - capture->missing;
    for (uint32_t at = 0; at < capture->used; at += HEAD + length_at(capture, at)) {
        uint32_t length = length_at(capture, at);
        uint32_t before = skip < length ? (uint32_t)skip : length;
        skip -= before;
        write_out(capture->bytes[at], capture->bytes + at + HEAD + before, length - before);
    }
    if (capture->cut) fprintf(stderr, "harness: there was more output than 1 MiB\n");
}

static bool may_pass(void)
{
    return is_live && world_entity_count() <= 1;
}

static void pass(void)
{
    for (uint32_t at = 0; at < now->used; at += HEAD + length_at(now, at)) {
        write_out(now->bytes[at], now->bytes + at + HEAD, length_at(now, at));
        now->passed += length_at(now, at);
    }
    now->missing = now->passed;
    now->used = last = 0;
}

void capture_write(int stream, const char *bytes, size_t count)
{
    if (now == NULL || count == 0) return;
    if (is_live && is_straight) {
        write_out(stream, bytes, count);
        return;
    }
    if (now->used + HEAD + count > CAPTURE_BYTES_MAX && may_pass()) {
        pass();
        write_out(stream, bytes, count);
        now->passed = now->missing += count;
        return;
    }
    bool joins = now->used > 0 && now->bytes[last] == stream;
    uint32_t room = CAPTURE_BYTES_MAX - now->used;
    uint32_t head = joins ? 0 : HEAD;
    if (room < head + count) {
        now->cut = true;
        if (room <= head) return;
        count = room - head;
    }
    if (!joins) {
        last = now->used;
        now->bytes[last] = (char)stream;
        memset(now->bytes + last + 1, 0, HEAD - 1);
        now->used += HEAD;
    }
    uint32_t length = length_at(now, last) + (uint32_t)count;
    memcpy(now->bytes + last + 1, &length, sizeof length);
    memcpy(now->bytes + now->used, bytes, count);
    now->used += (uint32_t)count;
}

/* --- libraries --- */

static ssize_t take_output(void *cookie, const char *bytes, size_t count)
{
    (void)cookie;
    capture_write(STDOUT_FILENO, bytes, count);
    return (ssize_t)count;
}

static ssize_t take_complaint(void *cookie, const char *bytes, size_t count)
{
    size_t used = strlen(complaint), room = sizeof complaint - 1 - used;
    (void)cookie;
    if (strchr(complaint, '\n') == NULL) strncat(complaint, bytes, count < room ? count : room);
    capture_write(STDERR_FILENO, bytes, count);
    return (ssize_t)count;
}

void capture_libraries(void)
{
    streams[0] = fopencookie(NULL, "w", (cookie_io_functions_t){.write = take_output});
    streams[1] = fopencookie(NULL, "w", (cookie_io_functions_t){.write = take_complaint});
    for (int i = 0; i < 2; i++) {
        REQUIRE(streams[i] != NULL);
        setvbuf(streams[i], NULL, _IONBF, 0);
    }
}

void capture_switch(bool begin)
{
    if (streams[0] == NULL) return;
    if (begin) {
        complaint[0] = '\0';
        streams_before[0] = stdout;
        streams_before[1] = stderr;
    }
    stdout = begin ? streams[0] : streams_before[0];
    stderr = begin ? streams[1] : streams_before[1];
}

const char *capture_complaint(void)
{
    complaint[strcspn(complaint, "\n")] = '\0';
    return complaint;
}

static void read_input(void)
{
    ssize_t got = 1;
    while (got > 0 && source->bytes < INPUT_BYTES_MAX) {
        got = read(STDIN_FILENO, source->text + source->bytes, INPUT_BYTES_MAX - source->bytes);
        if (got > 0) source->bytes += (uint32_t)got;
    }
    source->read = true;
}

const char *capture_input(size_t *bytes)
{
    REQUIRE(source != NULL);
    if (!source->read && may_pass()) pass(); /* it may be a question */
    if (!source->read && atomic_fetch_add(&source->readers, 1) == 0) read_input();
    while (!source->read) usleep(1000); /* another worker is at it */
    if (source->bytes == INPUT_BYTES_MAX) {
        world_fail(WORLD_FOUND_UNCONTROLLED, "standard input is longer than %d MiB",
                   INPUT_BYTES_MAX >> 20);
    }
    *bytes = source->bytes;
    return source->text;
}

char *capture_text(const struct capture *capture)
{
    char *text = malloc(capture->used + 1), *end = text;
    REQUIRE(text != NULL);
    for (uint32_t at = 0; at < capture->used; at += HEAD + length_at(capture, at)) {
        uint32_t length = length_at(capture, at);
        memcpy(end, capture->bytes + at + HEAD, length);
        end += length;
    }
    *end = '\0';
    return text;
}
