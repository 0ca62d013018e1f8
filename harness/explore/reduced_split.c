/* Dividing the reduced search. What follows one more thread at a node depends on what was tried
 * there before it: those sleep. As threads take turns in the order in which it was found that they
 * have to be tried, the next one can be given away as soon as there is one. What is found
 * elsewhere to be tried at nodes that both share is told to the giver, which then knows as much as
 * if it had searched that part itself. */
#include "reduced.h"
#include "split.h"

#include <stddef.h>

/* What of a node does not mean something else in every process. */
enum { NODE_BYTES = offsetof(struct node, print) };

static void put_print(const struct reduced *self, const struct print *print, struct parcel *parcel)
{
    parcel_put(parcel, print, sizeof *print);
    parcel_put(parcel, &self->pool[print->touches], print->count * sizeof *self->pool);
}

static void get_print(struct reduced *self, struct print *print, struct parcel *parcel)
{
    parcel_get(parcel, print, sizeof *print);
    print->touches = self->pool_used;
    if (parcel->overflow || print->count > REDUCED_TOUCHES_MAX - self->pool_used) {
        self->overflow = true;
        print->count = 0;
        return;
    }
    parcel_get(parcel, &self->pool[print->touches], print->count * sizeof *self->pool);
    self->pool_used += print->count;
}

/* Who comes next at a node, if that can be said already. */
static uint32_t next_at(const struct reduced *self, uint32_t at)
{
    struct node node = self->nodes[at];
    if (node.kind != NODE_SCHEDULE || node.given) return REDUCED_THREADS;
    if (self->nodes[at + 1].kind == NODE_VALUE) return REDUCED_THREADS; /* of the transition */
    node.done |= reduced_bit(node.thread);
    node.whole = true; /* only those that were demanded */
    return reduced_turn(&node);
}

static uint32_t give(struct strategy *strategy, struct parcel *part)
{
    struct reduced *self = (struct reduced *)strategy;
    uint32_t at = self->floor, next = REDUCED_THREADS;
    for (; at + 1 < self->depth; at++) {
        next = next_at(self, at);
        if (next != REDUCED_THREADS) break;
    }
    if (next == REDUCED_THREADS) return 0;
    struct node last = self->nodes[at];
    last.done |= reduced_bit(last.thread);
    last.thread = (uint8_t)next;
    parcel_put(part, &at, sizeof at);
    for (uint32_t i = 0; i < at; i++) parcel_put(part, &self->nodes[i], NODE_BYTES);
    parcel_put(part, &last, NODE_BYTES);
    for (uint64_t left = last.done | last.sleep; left != 0; left &= left - 1) {
        put_print(self, &last.print[__builtin_ctzll(left)], part);
    }
    if (part->overflow) return 0;
    self->nodes[at].given = true;
    return at + 1;
}

static void adopt(struct strategy *strategy, struct parcel *part)
{
    struct reduced *self = (struct reduced *)strategy;
    uint32_t at = 0;
    parcel_get(part, &at, sizeof at);
    for (uint32_t i = 0; i <= at; i++) {
        struct node *node = &self->nodes[i];
        *node = (struct node){0};
        parcel_get(part, node, NODE_BYTES);
        node->given = node->cut = false;
        node->touch_count = 0;
    }
    struct node *last = &self->nodes[at];
    for (uint64_t left = last->done | last->sleep; left != 0; left &= left - 1) {
        get_print(self, &last->print[__builtin_ctzll(left)], part);
    }
    self->depth = self->floor = at + 1;
    self->fresh = true;
}

static void tell(struct strategy *strategy, struct parcel *news)
{
    struct reduced *self = (struct reduced *)strategy;
    for (; self->demands_told < self->demand_count; self->demands_told++) {
        parcel_put(news, &self->demands[self->demands_told], sizeof *self->demands);
    }
}

static void report(struct strategy *strategy, struct parcel *report)
{
    const struct reduced *self = (const struct reduced *)strategy;
    const struct node *node = &self->nodes[self->floor - 1];
    parcel_put(report, &node->cut, sizeof node->cut);
    put_print(self, &node->print[node->thread], report);
}

static uint32_t paused(struct strategy *strategy)
{
    const struct reduced *self = (const struct reduced *)strategy;
    return self->paused ? self->count : 0;
}

/* All that comes before that part has been searched, so that the threads take turns in the order in
 * which they are heard of. */
static void hear(struct strategy *strategy, struct parcel *news)
{
    struct reduced *self = (struct reduced *)strategy;
    struct demand demand;
    self->beyond = false;
    while (news->used - news->at >= sizeof demand) {
        parcel_get(news, &demand, sizeof demand);
        if (demand.preferred == REDUCED_THREADS) reduced_demand_all(self, demand.at);
        else reduced_demand(self, demand.at, demand.threads, demand.preferred);
    }
}

static void resume(struct strategy *strategy, struct parcel *report)
{
    struct reduced *self = (struct reduced *)strategy;
    struct node *node = &self->nodes[self->count - 1];
    if (report) {
        bool cut = false;
        uint32_t thread = reduced_turn(node);
        self->pool_used = node->touches + node->touch_count;
        parcel_get(report, &cut, sizeof cut);
        get_print(self, &node->print[thread], report);
        node->touches = node->print[thread].touches;
        node->touch_count = node->print[thread].count;
        node->done |= reduced_bit(thread);
        node->whole |= !cut;
        if (cut) reduced_cut(self, self->count - 1);
    }
    reduced_resume(self);
}

const struct split reduced_split = {
    .give = give,
    .adopt = adopt,
    .tell = tell,
    .report = report,
    .paused = paused,
    .hear = hear,
    .resume = resume,
};
