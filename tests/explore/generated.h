/* Generated programs: a few threads, each with a short list of operations on shared objects. */
#ifndef TESTS_EXPLORE_GENERATED_H
#define TESTS_EXPLORE_GENERATED_H

#include <stdint.h>

enum { GENERATED_THREADS = 3, GENERATED_OPS = 5, GENERATED_OBJECTS = 2 };

enum generated_op {
    OP_NOTHING,
    OP_SECTION,   /* lock, work, unlock */
    OP_NESTED,    /* lock, lock the other one, work, unlock both */
    OP_TRY,       /* trylock; work only if it was free */
    OP_READ,      /* rwlock for reading */
    OP_WRITE,     /* rwlock for writing, work */
    OP_POST,
    OP_TAKE,      /* sem_wait, work */
    OP_TRY_TAKE,
    OP_AWAIT,     /* wait until the flag is set */
    OP_SET,       /* set the flag, signal */
    OP_SET_ALL,   /* set the flag, broadcast */
    OP_COUNT,
};

struct generated_step {
    uint8_t op, object;
};

struct generated_program {
    uint32_t threads;
    struct generated_step steps[GENERATED_THREADS][GENERATED_OPS];
};

/* Given by the test: the program to run, and where what it did is told. */
extern const struct generated_program *generated_now(void);
extern void generated_tell(uint64_t outcome);

void program_generated(void);

#endif
