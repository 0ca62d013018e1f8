/* What a failing execution costs who reads it. Of two that break the same promise the better one
 * has fewer faults; then fewer preemptions, as in context bounding (Musuvathi, Qadeer, "Iterative
 * context bounding for systematic testing of multithreaded programs", PLDI 2007); then fewer other
 * choices that are not the default; then fewer steps. */
#ifndef HARNESS_EXPLORE_COST_H
#define HARNESS_EXPLORE_COST_H

#include "strategy.h"
#include "token.h"

enum cost_kind {
    COST_NONE,       /* option 0 */
    COST_OTHER,      /* another one when nobody could go on, or a value */
    COST_PREEMPTION, /* a switch away from a thread that could have gone on */
    COST_FAULT,      /* an optional fault, a spurious wakeup, a thread that is delayed in time */
    COST_KINDS
};

struct explore_cost {
    uint32_t of[COST_KINDS]; /* choices of each kind; those of option 0 are not counted */
    uint32_t steps;
};

/* Whether `one` is better. */
bool cost_less(const struct explore_cost *one, const struct explore_cost *other);
/* Choices that are not the default. */
uint32_t cost_choices(const struct explore_cost *cost);
/* The worst of it, to be written behind the number of choices: " (2 preemptions, 1 fault)", what of
 * that applies, or "". */
void cost_write(const struct explore_cost *cost, char *out, size_t size);

/* What taking that option costs; for choosers, while the schedule choice is made. */
enum cost_kind cost_of_option(uint32_t index);
/* The same, where world_options() told the first one and another one. */
enum cost_kind cost_of_other(uint16_t first, uint16_t option);

/* Lets `inner` choose, and counts. Place it anywhere; valid after the execution, until the next. */
struct meter {
    struct strategy strategy; /* to be executed */
    struct strategy *inner;
    struct explore_cost cost; /* its steps are not counted */
    uint32_t at;
    struct meter_note {
        uint8_t kind;     /* enum cost_kind */
        uint16_t put_off; /* who would have made the next step by default; COST_NONE: unset */
    } notes[TOKEN_CHOICES_MAX];
};
void meter_init(struct meter *meter, struct strategy *inner);

/* The step that a choice of the execution which has just ended led to, looked for from step `from`
 * on; the count of steps: it ended before. */
uint32_t meter_step(uint32_t choice, uint32_t from);

#endif
