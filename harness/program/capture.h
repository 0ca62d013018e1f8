/* What a program reads from standard input and writes to standard output and error. */
#ifndef HARNESS_PROGRAM_CAPTURE_H
#define HARNESS_PROGRAM_CAPTURE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { CAPTURE_BYTES_MAX = 1 << 20, INPUT_BYTES_MAX = 16 << 20 };

/* The output of one execution: pieces, each one byte that tells the stream (1 or 2), its length
 * in four bytes, and the text. Lies in shared memory, so that the parent can print it. */
struct capture {
    uint32_t used;
    bool cut;          /* there was more */
    uint64_t passed;   /* bytes of text at the beginning that were printed already, */
    uint64_t missing;  /* and how many of them are not here any more */
    char bytes[CAPTURE_BYTES_MAX];
};

/* Standard input, read when somebody first asks for it; the same in every execution. Several
 * processes may share it. */
struct input {
    _Atomic bool read;
    _Atomic uint32_t readers; /* that found it unread */
    uint32_t bytes;
    char text[INPUT_BYTES_MAX];
};

/* Where output goes and input comes from: call once per process. */
void capture_use(struct capture *capture, struct input *input);

/* A new execution. Live: as long as it has no second thread, output that does not fit is printed,
 * so that a program that never makes one can print as much as it likes. */
void capture_begin(bool live);

/* From now on the output of live executions is printed at once. */
void capture_straight(void);

void capture_write(int stream, const char *bytes, size_t count);

/* From now on, what libraries that are called as they are write to their own streams belongs to the
 * output of executions. */
void capture_libraries(void);
/* Around an execution: those streams, and then the ones that were there before. */
void capture_switch(bool begin);
/* The first line of what they wrote in this execution to standard error; "" if nothing. */
const char *capture_complaint(void);

/* The input; reads it if nobody has. */
const char *capture_input(size_t *bytes);

/* Prints what was not printed yet, each piece to its own stream. */
void capture_print(struct capture *capture);

/* The text of both streams as one string, malloc'ed. */
char *capture_text(const struct capture *capture);

#endif
