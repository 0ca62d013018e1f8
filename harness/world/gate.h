/* What threads wait for that is no lock: descriptors. A place is an object of the machine with an
 * owner outside of world/. Whoever waits tells when it can go on; whoever changes something lets
 * all of them look again. For code of the environment, on the threads of the program. */
#ifndef HARNESS_WORLD_GATE_H
#define HARNESS_WORLD_GATE_H

#include "world.h"

#pragma GCC visibility push(hidden)

/* Zero-initialised, with a name, is valid. Its address must be the same in every execution that
 * did the same before. */
struct world_place {
    uint32_t object; /* 0 until it is first used */
    /* Its name in reports: "socket 4". */
    void (*tell)(const struct world_place *place, char *out, size_t bytes);
};

/* A call of the program begins, which stands there: a cancellation point. */
void place_enter(uintptr_t site);

/* A scheduling point before something is done to that place (NULL: not known). */
void place_point(const struct world_place *place, enum world_access access);

/* It was done. The result is a value below 2^28, and flags: WORLD_OPENED, WORLD_PASSED (ops.h). */
void place_step(struct world_place *place, enum world_op op, enum world_access access,
                uint32_t result);

/* Words for the step that is recorded next, for whoever looks on; nothing if nobody does. */
void place_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The program's memory is read or written on its behalf. */
void place_touch(const void *memory, size_t bytes, bool write);

/* Every order of everything is searched, so that looking up a descriptor and using it are apart. */
bool place_searching(void);

/* Where the running thread called from: see place_enter(). */
uintptr_t place_site(void);

/* A value below n that costs one of the late arrivals of an execution, unless it is 0. */
uint32_t place_late(uint32_t n, const char *label);

/* The name of a place that is an object; false: the object is no place. */
bool world_place_name(uint32_t object, char *out, size_t bytes);
/* Words for the step that is being recorded, or NULL. */
const char *world_step_words(void);

struct world_gate {
    bool (*open)(const void *context); /* whether the thread can go on; changes nothing */
    const void *context;
    const struct world_place *place;   /* what it touches then; NULL: several, or not known */
    /* What is waited for, in words: "recv on socket 4". */
    void (*tell)(const void *context, char *out, size_t bytes);
    /* The thread is cancelled while it waits: let go of everything. NULL: nothing is held. */
    void (*abandon)(const void *context);
    /* Places that may open it, with the step that would be made there; false: no more. NULL: the
     * place above, to be written. */
    bool (*pending)(const void *context, uint32_t index, struct world_step *step);
    enum world_op op;                  /* what is to be done there */
    uint32_t gates;                    /* which of its gates: WORLD_GATE_IN, WORLD_GATE_OUT */
    bool restarts;        /* waits on after a signal whose handler allows it (SA_RESTART) */
    const uint64_t *mask; /* signals that are blocked meanwhile; NULL: as before */
    uint64_t deadline_ns;
};

/* Blocks until the gate is open (true), or the deadline has passed or a signal was handled (false).
 * Comes right after a scheduling point; is one itself if it has to wait or if everything is
 * searched. Does not return if the thread is cancelled. */
bool gate_pass(const struct world_gate *gate);
/* Whether the last one that was not passed ended by a signal. */
bool gate_interrupted(void);

/* Something changed: those whose gate is open can run. */
void gate_changed(void);

#pragma GCC visibility pop

#endif
