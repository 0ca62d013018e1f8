#include "rf_kept.h"

#include "harness/world/world.h"

#include <stdlib.h>
#include <string.h>

enum { KEPT_MAX = 256, SEEN = 1 << 14, COUNTED = 1 << 12 };

/* An event: the number-th of a thread at a place. */
struct event {
    uint64_t path;
    uint32_t number; /* 0: there is none */
};

struct rf_kept {
    struct wishes kept[KEPT_MAX];
    uint32_t drawn[KEPT_MAX]; /* how often each was gone on from */
    uint32_t count;
    uint64_t seen[SEEN]; /* which event reads from which: an open table of hashes; 0: free */
    uint32_t seen_count;
    /* Of the execution that is looked through: */
    struct event last[LEARN_PLACES_MAX]; /* the last write, by shared place */
    struct {
        uint64_t key;
        uint32_t events;
    } counted[COUNTED]; /* events by thread and place: an open table; key 0: free */
    uint32_t counted_count;
};

struct rf_kept *rf_kept_new(void)
{
    return calloc(1, sizeof(struct rf_kept));
}

void rf_kept_free(struct rf_kept *kept)
{
    free(kept);
}

static uint64_t mixed(uint64_t a, uint64_t b)
{
    uint64_t x = (a ^ (b << 29 | b >> 35)) * 0x9e3779b97f4a7c15ull;
    return x ^ x >> 32;
}

/* --- what an execution has shown --- */

/* The number of the event that this thread makes now; 0: there is no room to count it. */
static uint32_t count_event(struct rf_kept *self, uint64_t path, uint32_t place)
{
    uint64_t key = mixed(path, place) | 1;
    uint32_t at = (uint32_t)(key >> 40) % COUNTED;
    while (self->counted[at].key != 0 && self->counted[at].key != key) at = (at + 1) % COUNTED;
    if (self->counted[at].key == 0) {
        if (self->counted_count == COUNTED / 2) return 0;
        self->counted_count++;
        self->counted[at].key = key;
        self->counted[at].events = 0;
    }
    return ++self->counted[at].events;
}

/* Whether that was never seen before. */
static bool see(struct rf_kept *self, uint64_t hash)
{
    uint32_t at = (uint32_t)(hash >> 40) % SEEN;
    hash |= 1;
    while (self->seen[at] != 0 && self->seen[at] != hash) at = (at + 1) % SEEN;
    if (self->seen[at] == hash || self->seen_count == SEEN / 2) return false;
    self->seen_count++;
    self->seen[at] = hash;
    return true;
}

/* That the event reads from the last write of another thread, if so, and it never did. */
static bool reads_anew(struct rf_kept *self, uint32_t place, struct event event)
{
    const struct event *from = &self->last[place];
    if (from->number == 0 || from->path == event.path) return false;
    uint64_t write = mixed(mixed(from->path, from->number), place);
    return see(self, mixed(write, mixed(event.path, event.number)));
}

static void keep(struct rf_kept *self, const struct wishes *wishes, const struct wish *found)
{
    if (self->count == KEPT_MAX) return;
    struct wishes *kept = &self->kept[self->count];
    self->drawn[self->count++] = 0;
    *kept = *wishes;
    /* One more than there is room for takes the place of the oldest. */
    if (kept->count == WISHES_MAX) {
        memmove(&kept->wish[0], &kept->wish[1], --kept->count * sizeof kept->wish[0]);
    }
    kept->wish[kept->count++] = *found;
}

/* Of what is new in one execution only the first is kept with it: the rest may follow from that. */
static bool note(struct rf_kept *self, const struct learned *learned,
                 const struct world_step *step, struct wish *found)
{
    const void *name = world_object_place(step->object);
    uint32_t place = learned_place(learned, name);
    uint64_t path = world_entity_path(step->entity);
    if (place == LEARN_NOTHING) return false;
    struct event event = {path, count_event(self, path, place)}, from = self->last[place];
    if (event.number == 0) return false;
    bool is_new = reads_anew(self, place, event);
    if (step->access == WORLD_WRITE) self->last[place] = event;
    if (!is_new) return false;
    *found = (struct wish){
        .place = name, .path = {from.path, path}, .left = {from.number, event.number}};
    return true;
}

void rf_kept_note(struct rf_kept *self, const struct learned *learned, uint64_t n,
                  const struct wishes *wishes)
{
    uint32_t count;
    const struct world_step *steps = world_steps(&count);
    bool any = false;
    if (n >= RF_EVOLVES) return;
    memset(self->last, 0, sizeof self->last);
    memset(self->counted, 0, sizeof self->counted);
    self->counted_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct wish found;
        if (steps[i].op == WORLD_OP_ADVANCE || !learn_is_event(&steps[i])) continue;
        if (!note(self, learned, &steps[i], &found) || any) continue;
        any = true;
        if (n >= LEARN_RUNS) keep(self, wishes, &found);
    }
}

/* --- going on from it --- */

bool rf_kept_draw(struct rf_kept *self, uint64_t n, struct chance *chance, struct wishes *out)
{
    if (self->count == 0) return false;
    uint32_t one = chance_below(chance, self->count), other = chance_below(chance, self->count);
    uint32_t chosen = self->drawn[other] < self->drawn[one] ? other : one;
    *out = self->kept[chosen];
    self->drawn[chosen] += n < RF_EVOLVES;
    return true;
}
