/* Pinned schedules: an execution told by names instead of numbers.
 *
 * A list of pins says who runs to which point; where the list says nothing, the default policy
 * (option 0) holds. Points are visible operations counted per thread ("core/ws.lock[17]") or
 * named points counted over the execution ("log.appended[4]"). The `schedule` block of the
 * scenario language is such a list. */
#ifndef HARNESS_EXPLORE_PINS_H
#define HARNESS_EXPLORE_PINS_H

#include "strategy.h"

enum pin_kind {
    PIN_RUN_TO,  /* `who` runs until it passes `point`; while it cannot, the default policy */
    PIN_FREE_TO, /* default policy until `point` is passed */
    PIN_FREE,    /* default policy to the end */
    PIN_ANY,     /* the rest belongs to another strategy */
    PIN_ADVANCE, /* default policy, time passing whenever it may, until advance_ns have passed */
    PIN_EVENT,   /* the task `who` (a delivery or a fault) happens before any other step */
    PIN_WAKE,    /* the next signal with a choice wakes `who` */
    PIN_CHOOSE,  /* the next value called `who` is `value` */
};

enum { PIN_NAME_MAX = 64, PINS_MAX = 4096 };

struct pin_point {
    char entity[WORLD_NAME_MAX]; /* empty: a named point of anybody */
    char name[PIN_NAME_MAX];     /* word of the operation, or name of the point */
    uint32_t occurrence;         /* from 1; 0: the next one */
};

struct pin {
    enum pin_kind kind;
    uint32_t line;               /* in the scenario, for messages; 0: none */
    uint32_t group;              /* the deviation it leads to, from 1: see pins_write */
    char who[PIN_NAME_MAX];
    struct pin_point point;
    uint64_t advance_ns;
    uint64_t until_ns;           /* written by pins_write: when that ended */
    uint32_t value;
};

/* Follow the pins. Ends the execution as WORLD_STOPPED, with "diverged at line N: ...", where
 * an event, a value or a wakeup is asked for that is not possible. `rest` (for PIN_ANY; may be
 * NULL) is asked after the last pin, and is freed with the follower; the pins must outlive it.
 * It observes the world, so no other observer may be set while it runs. */
struct strategy *strategy_pins(const struct pin *pins, uint32_t count, struct strategy *rest);
/* Follow the groups of pins that pins_write made, each by itself: a group whose trigger never
 * comes holds up no other, and what is asked for waits until it is possible. */
struct strategy *strategy_deviations(const struct pin *pins, uint32_t count);

/* Something that the world does not count has passed a point: to be called from inside the
 * execution, as soon as it happens. A point nobody asked for is ignored. */
void pins_mark(struct strategy *follower, const char *name);
/* Whether that follower makes the choices of the execution that is running. */
bool pins_active(const struct strategy *follower);

/* After an execution: whether it ended before all pins were fulfilled, and the sentence that
 * says where it stood. */
bool pins_left(struct strategy *follower, char *text, size_t bytes);

/* The operation that is called by that word; WORLD_OP_COUNT: none is. */
enum world_op pins_op_of(const char *word);
/* How often threads of that name have done `op` so far. Several may have had one name: those of a
 * core that was started again are called like the old ones. */
uint32_t pins_op_count(const char *entity, enum world_op op);

/* What a choice was about, as told by the recorder. */
struct pin_note {
    uint16_t entity;   /* chosen option; WORLD_NOBODY for a value */
    uint8_t class_;    /* enum world_class of that entity */
    const char *label; /* of a value */
};

/* Replays like strategy_replay (not strict) and fills notes[0..max), one for each choice. */
struct strategy *strategy_recorder(const uint16_t *choices, uint32_t count, struct pin_note *notes,
                                   uint32_t max);

/* The pins that tell the execution which the recorder has just run in this process; at most
 * max, ending with PIN_FREE. Returns how many, or 0 when it takes more. */
uint32_t pins_write(const struct pin_note *notes, struct pin *pins, uint32_t max);
/* Makes one pin of several that let time pass with nothing but the default policy between
 * them. The groups are lost: for telling, not for shrinking. Returns how many are left. */
uint32_t pins_merge(struct pin *pins, uint32_t count);

#endif
