/* The streams of a program: what FILE * and file descriptors mean inside an execution. */
#ifndef HARNESS_PROGRAM_STREAMS_H
#define HARNESS_PROGRAM_STREAMS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "files.h"
#include "harness/net/descriptor.h"

enum { STREAMS_MAX = 256, STREAM_BUFFER = 4096 }; /* open at a time */

/* What a stream over memory reads and writes. */
struct stream_memory {
    char *bytes;
    size_t count, room;
    char **out; /* who is told of it, and where it grows; NULL: nobody */
    size_t *out_count;
    bool own;   /* to be freed with the stream */
};

struct stream {
    /* The C library's layout, with empty buffers and its two flags: macros that look inside find
     * nothing there and call __overflow() or __uflow(). */
    FILE face;
    bool open;     /* the program has its face, or nothing but a descriptor */
    bool has_face; /* it ends by fclose(), even if no descriptor leads to it any more */
    bool led_to;   /* by a descriptor, even if it was closed */
    bool readable, writable, appends;
    int pushed;        /* one character put back, or EOF */
    struct file *file; /* NULL: a standard stream, or one over a descriptor or memory */
    bool in_memory;
    struct stream_memory memory;
    size_t position;
    int descriptor;
    struct description description; /* of a file or standard stream: what the descriptor leads to */
    char *buffer; /* of one over a pipe or socket: what was read; otherwise NULL */
    size_t buffered;
    struct stream *over; /* what reads the pipe or socket that was put under its number, or NULL */
    pthread_mutex_t lock; /* flockfile() */
};

/* Only the three standard streams are open. */
void streams_begin(void);

/* The stream behind what the program passed; ends the execution as misuse if there is none. */
struct stream *stream_of(FILE *face);

/* Opens a file with flags of open(2), and the permissions that a new one gets. NULL, and errno. */
struct stream *stream_open(const char *path, int flags, mode_t mode, uintptr_t site);
/* A stream for a descriptor that is open: what it has already, or a new one over a pipe or socket.
 * NULL, and errno. */
struct stream *stream_over(int descriptor, bool reads, bool writes);
/* One without a descriptor, whose memory is to be set. NULL, and errno. */
struct stream *stream_in_memory(bool reads, bool writes);
void stream_close(struct stream *stream);
/* Its descriptor leads to what the other was opened for, which has no stream of its own then. */
void stream_replace(struct stream *stream, struct stream *fresh);
/* The program's stream of that descriptor; NULL: it has none. */
const FILE *stream_of_descriptor(int descriptor);
/* What the program opened as a file; NULL: something else. */
struct file *stream_file(const struct description *self);

/* The stream that it reads and moves in: another one where the program has put what that was opened
 * for under its number. */
struct stream *stream_source(struct stream *stream);
/* What there is to read from the stream's position on; 0 bytes at the end. */
const char *stream_rest(struct stream *stream, size_t *bytes);
/* On behalf of a call that stands at `site`. 0, or -1 and errno. */
int stream_write(struct stream *stream, const char *bytes, size_t count, uintptr_t site);
int stream_seek(struct stream *stream, long offset, int whence);

/* Of one over memory, in stdio_memory.c: as stream_write(); before it is closed. */
int stream_memory_write(struct stream *stream, const char *bytes, size_t count, uintptr_t site);
void stream_memory_close(const struct stream *stream);

void stream_mark(struct stream *stream, bool end, bool error);

#endif
