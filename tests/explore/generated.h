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
    OP_UNTIMED_COUNT,
    OP_SLEEP = OP_UNTIMED_COUNT, /* a millisecond, or two, by the object */
    OP_HOLD,        /* lock, sleep, work, unlock */
    OP_TIMED,       /* timedlock for a millisecond; work only if it was had */
    OP_TIMED_READ,
    OP_TIMED_WRITE,
    OP_TIMED_TAKE,
    OP_TIMED_AWAIT, /* wait for the flag, but not for long */
    OP_CLOCK,       /* look at the time, inside a section */
    OP_COUNT,
};

struct generated_step {
    uint8_t op, object;
};

struct generated_program {
    uint32_t threads;
    uint32_t left; /* so many threads are not joined: the program may end before they do */
    struct generated_step steps[GENERATED_THREADS][GENERATED_OPS];
};

/* Given by the test: the program to run, and where what it did is told. */
extern const struct generated_program *generated_now(void);
extern void generated_tell(uint64_t outcome);

void program_generated(void);

#endif
