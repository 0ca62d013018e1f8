/* Faults: when they may strike, what they do. */
#ifndef FAKES_FAULTS_H
#define FAKES_FAULTS_H

#include "fakes/wire.h"

/* --- faults (fault.c, fault_act.c) --- */

struct fault {
    struct play *play;
    const struct scn_fault *scn;
    uint32_t index;
    uint16_t party;
    uint16_t task, end_task, close_task;
    uint32_t begun, ended;
    uint32_t left;          /* times that it may still strike */
    bool waits;             /* for after or during */
    bool armed;             /* conditions hold: it strikes when it can */
    bool shown;             /* its task is enabled or has a time */
    bool timed;             /* its task waits for a time or a window */
    bool counted;           /* mandatory and due: in play->busy */
    bool active;            /* with `for`: not healed yet */
    bool lasting;           /* it struck, and was not taken back yet */
    bool by_count;          /* cuts at the k-th frame or byte */
    char thread[WORLD_NAME_MAX]; /* that it pauses, where that has a name of its own */
    uint64_t cut_frame, cut_byte; /* strikes when so many have passed; 0: not that way */
    uint64_t by_us;
    uint32_t nth;           /* of what is to be refused */
    uint16_t paused;        /* the thread that stands still because of it */
    int64_t jump_us;
};

void faults_init(struct play *play);
/* Whether that can be done to a core that is a process elsewhere, foreign or not (demands.c). */
bool demands_fault(const struct scn_fault *fault, bool foreign);
/* Conditions may have changed: steps, sockets, calls, locks, frames. */
void faults_refresh(struct play *play);
/* How many of these bytes arrive before a cut at the k-th one; with transport=frames all. */
size_t faults_let_pass(const struct play *play, const struct socket *socket, bool to_tab,
                       size_t length);
/* It has arrived: cuts at the k-th frame or byte. */
void faults_delivered(struct play *play, const struct frame *frame, bool to_tab);
/* Without `may`, and it may still strike. */
bool faults_owed(const struct play *play);
/* How long those that are owed may have to wait for others to be healed. */
uint64_t faults_patience_us(const struct play *play);
/* Calm: optional ones end, active ones are healed. */
void faults_heal(struct play *play);
/* Once, when its play, file and target are known. */
void fault_name_thread(struct fault *fault);
bool fault_available(const struct fault *fault);
/* Whether no more is looked at for that than the socket of a tab, or whether a core lives: the
 * world is told then. */
bool fault_meets_socket(const struct fault *fault);
bool fault_meets_life(const struct fault *fault);
void fault_act(struct fault *fault);
void fault_undo(struct fault *fault);

#endif
