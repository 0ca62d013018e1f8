/* The one table of descriptors: numbers, what stands behind them, and calls that are on the way.
 *
 * As in Linux a number leads to a description, which duplicates share and which every call holds
 * until it returns: close() takes the number away at once, but whoever is blocked in a call stays
 * there, and only the last one to let go ends the connection. New numbers are the lowest that are
 * free. Looking a number up is a step that reads its slot; opening and closing write it. */
#ifndef HARNESS_NET_DESCRIPTOR_H
#define HARNESS_NET_DESCRIPTOR_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "harness/world/gate.h"

enum { DESCRIPTORS_MAX = 1024, PLACES_MAX = 4 };

/* Where the program called from; in functions that it calls itself. */
#define CALL_SITE ((uintptr_t)__builtin_return_address(0))

struct transfer;
struct description;
struct watch; /* epoll.h */

/* What a descriptor can stand for. Functions return -errno on error; those that are NULL fail. */
struct description_kind {
    const char *word; /* "socket" */
    bool silent;      /* calls are no scheduling points, and no steps */
    bool is_socket;
    ssize_t (*read)(struct transfer *transfer);
    ssize_t (*write)(struct transfer *transfer);
    off_t (*seek)(struct description *self, off_t offset, int whence);
    int (*control)(struct description *self, unsigned long request, void *argument);
    /* What poll() would say, and the places that this depends on: at most PLACES_MAX. NULL: always
     * readable and writable, and nothing that epoll would take. */
    short (*ready)(const struct description *self);
    uint32_t (*places)(struct description *self, struct world_place **out);
    /* Nobody holds it any more. */
    void (*release)(struct description *self);
    /* More about it, for reports: "127.0.0.1:80 <- :40001". NULL: nothing. */
    void (*tell)(const struct description *self, char *out, size_t bytes);
};

/* What stands behind a descriptor; the first member of what its kind keeps. */
struct description {
    const struct description_kind *kind;
    uint32_t references; /* numbers, and calls on the way */
    int flags;           /* of open(): access mode and status */
    int number;          /* the first that it had */
    struct watch *watches;
    uintptr_t site;      /* where it was opened, and by whom */
    uint16_t entity;
    uint8_t group;
    bool accepted;       /* it came from accept() */
};

/* Forget everything; no descriptor is open. */
void descriptors_begin(void);

/* A description whose only reference is a new number, at least `least`, which is the lowest that
 * is free; -EMFILE and nothing done if there is none. */
int descriptor_open(struct description *self, const struct description_kind *kind, int flags,
                    int least);
/* As that, for another number of the same description. */
int descriptor_duplicate(struct description *self, int least, bool close_on_exec);
/* The number becomes one of that description; what it was before is closed. */
void descriptor_replace(int number, struct description *self, bool close_on_exec);

/* The number is free, and the description let go of. False: it was free already. */
bool descriptor_close(int number);

/* What a number stands for, without a step; NULL: nothing. */
struct description *descriptor_look(int number);
bool *descriptor_close_on_exec(int number);
struct world_place *descriptor_place(int number);

/* The beginning of a call: a scheduling point and a step that looks the number up. The description
 * is held until description_drop(); NULL and errno = EBADF if there is none. */
struct description *descriptor_use(int number, const char *verb, uintptr_t site);
/* The same in the middle of a call that names several. */
struct description *descriptor_hold(int number);
void description_drop(struct description *self);

/* "socket 4 (127.0.0.1:80 <- :40001)" */
void description_tell(const struct description *self, char *out, size_t bytes);

/* Sets errno for results below zero, and makes them -1. */
ssize_t result_of(ssize_t result);

/* Whether a call with those MSG_... flags waits until it can do something. */
static inline bool description_waits(const struct description *self, int flags)
{
    enum { DONTWAIT = 0x40, NONBLOCK = 04000 }; /* MSG_DONTWAIT, O_NONBLOCK */
    return !(self->flags & NONBLOCK) && !(flags & DONTWAIT);
}

/* Descriptors that are open, in order; fills at most max, and returns how many there are. */
uint32_t descriptors_open(int *out, uint32_t max);
/* Those of that group are closed, as by the end of a process. */
void descriptors_close_group(uint8_t group);

#endif
