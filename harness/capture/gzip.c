/* A stream of the C library that inflates. */
#include "harness/capture/gzip.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <zlib.h>

enum { INPUT_SIZE = 65536, GZIP_WRAPPER = 16 };

struct unpacker {
    FILE *file;
    bool ended, damaged;        /* nothing more can be read */
    bool between;               /* a member has ended, and no other one begun */
    z_stream stream;
    uint8_t input[INPUT_SIZE];
};

size_t gzip_peek(FILE *file, uint8_t bytes[4])
{
    size_t count = fread(bytes, 1, 4, file);

    /* What was just read can be given back. */
    for (size_t i = count; i > 0; i--) (void)ungetc(bytes[i - 1], file);
    return count;
}

static bool refill(struct unpacker *unpacker)
{
    if (unpacker->stream.avail_in > 0) return true;
    unpacker->stream.next_in = unpacker->input;
    unpacker->stream.avail_in = (uInt)fread(unpacker->input, 1, INPUT_SIZE, unpacker->file);
    if (unpacker->stream.avail_in > 0) return true;
    unpacker->ended = true;
    if (!unpacker->between) unpacker->damaged = true;
    return false;
}

static ssize_t unpack(void *cookie, char *bytes, size_t size)
{
    struct unpacker *unpacker = cookie;
    z_stream *stream = &unpacker->stream;

    stream->next_out = (uint8_t *)bytes;
    stream->avail_out = (uInt)(size < INPUT_SIZE ? size : INPUT_SIZE);
    uInt room = stream->avail_out;
    while (stream->avail_out == room && !unpacker->ended && refill(unpacker)) {
        unpacker->between = false;
        int rc = inflate(stream, Z_NO_FLUSH);
        if (rc == Z_STREAM_END) {
            /* Another member may follow (RFC 1952, section 2.2). */
            unpacker->between = true;
            rc = inflateReset(stream);
        }
        if (rc != Z_OK && rc != Z_BUF_ERROR) unpacker->ended = unpacker->damaged = true;
    }
    if (stream->avail_out < room || !unpacker->damaged) return (ssize_t)(room - stream->avail_out);
    errno = EBADMSG;
    return -1;
}

static int close_unpacker(void *cookie)
{
    struct unpacker *unpacker = cookie;
    int rc = fclose(unpacker->file);

    (void)inflateEnd(&unpacker->stream);
    free(unpacker);
    return rc;
}

FILE *gzip_open(FILE *file)
{
    static const cookie_io_functions_t functions = { .read = unpack, .close = close_unpacker };
    uint8_t magic[4];

    if (gzip_peek(file, magic) < 2 || magic[0] != 0x1f || magic[1] != 0x8b) return file;
    struct unpacker *unpacker = calloc(1, sizeof *unpacker);
    if (unpacker != NULL && inflateInit2(&unpacker->stream, MAX_WBITS + GZIP_WRAPPER) == Z_OK) {
        unpacker->file = file;
        FILE *plain = fopencookie(unpacker, "rb", functions);
        if (plain != NULL) return plain;
        (void)inflateEnd(&unpacker->stream);
    }
    free(unpacker);
    (void)fclose(file);
    return NULL;
}
