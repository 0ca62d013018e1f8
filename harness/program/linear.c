#include "linear.h"

#include <stdlib.h>
#include <string.h>

#include "harness/check/require.h"

enum { SET_WORDS = HARNESS_OPERATIONS_MAX / 64, ROOM_FIRST = 1024 };

/* Operations that took effect, and what state that led to. */
struct spot {
    uint64_t taken[SET_WORDS];
    unsigned char state[];
};

struct search {
    const struct harness_model *model;
    const struct linear_operation *operations;
    uint32_t count, until;
    size_t spot_bytes;
    /* All spots that were tried, by open addressing: index + 1 into `spots`; 0: free. */
    uint32_t *places;
    uint32_t place_count;
    unsigned char *spots;
    uint32_t *open; /* those from which it was not gone on yet */
    uint32_t spot_count, spot_room, open_count;
};

static struct spot *spot_at(const struct search *search, uint32_t index)
{
    return (struct spot *)(void *)(search->spots + index * search->spot_bytes);
}

/* --- what was tried --- */

static uint32_t hash_of(const struct search *search, const struct spot *spot)
{
    const unsigned char *bytes = (const unsigned char *)spot;
    uint64_t hash = 14695981039346656037ull;
    for (size_t i = 0; i < search->spot_bytes; i++) hash = (hash ^ bytes[i]) * 1099511628211ull;
    return (uint32_t)(hash >> 32);
}

static uint32_t *place_of(const struct search *search, const struct spot *spot)
{
    uint32_t at = hash_of(search, spot);
    for (;; at++) {
        uint32_t *place = &search->places[at % search->place_count];
        if (*place == 0 || memcmp(spot_at(search, *place - 1), spot, search->spot_bytes) == 0) {
            return place;
        }
    }
}

static void grow(struct search *search)
{
    search->spot_room = search->spot_room ? 2 * search->spot_room : ROOM_FIRST;
    search->place_count = 2 * search->spot_room;
    search->spots = realloc(search->spots, search->spot_room * search->spot_bytes);
    search->open = realloc(search->open, search->spot_room * sizeof *search->open);
    free(search->places);
    search->places = calloc(search->place_count, sizeof *search->places);
    REQUIRE(search->spots != NULL && search->open != NULL && search->places != NULL);
    for (uint32_t i = 0; i < search->spot_count; i++) {
        *place_of(search, spot_at(search, i)) = i + 1;
    }
}

/* To be gone on from, unless it was tried already. */
static void add(struct search *search, const struct spot *spot)
{
    if (search->spot_count == search->spot_room) grow(search);
    uint32_t *place = place_of(search, spot);
    if (*place != 0) return;
    memcpy(spot_at(search, search->spot_count), spot, search->spot_bytes);
    search->open[search->open_count++] = search->spot_count;
    *place = ++search->spot_count;
}

/* --- the search --- */

static bool is_taken(const struct spot *spot, uint32_t index)
{
    return spot->taken[index / 64] >> (index % 64) & 1;
}

/* As far as the history is looked at. */
static bool is_there(const struct search *search, uint32_t index)
{
    return index < search->count && search->operations[index].called <= search->until;
}

static bool has_returned(const struct search *search, uint32_t index)
{
    const struct linear_operation *operation = &search->operations[index];
    return operation->returned != 0 && operation->returned <= search->until;
}

/* The event that the next operation must have been called before: the first return of those that
 * are not taken. 0: all that have returned are taken. */
static uint32_t next_return(const struct search *search, const struct spot *spot)
{
    uint32_t first = 0;
    for (uint32_t i = 0; is_there(search, i); i++) {
        if (is_taken(spot, i) || !has_returned(search, i)) continue;
        uint32_t returned = search->operations[i].returned;
        if (first == 0 || returned < first) first = returned;
    }
    return first;
}

static bool take(const struct search *search, struct spot *spot, uint32_t index)
{
    struct harness_operation what = search->operations[index].what;
    what.returned = has_returned(search, index);
    what.name = search->operations[index].name;
    if (!what.returned) what.result = 0;
    spot->taken[index / 64] |= 1ull << (index % 64);
    return search->model->step(spot->state, &what);
}

/* All that can follow, the operation that was called first being the next to be tried. */
static void expand(struct search *search, uint32_t from, uint32_t before, struct spot *scratch)
{
    uint32_t end = 0;
    while (is_there(search, end) && search->operations[end].called < before) end++;
    for (uint32_t i = end; i-- > 0;) {
        memcpy(scratch, spot_at(search, from), search->spot_bytes);
        if (is_taken(scratch, i)) continue;
        if (take(search, scratch, i)) add(search, scratch);
    }
}

bool linear_holds(const struct harness_model *model, const struct linear_operation *operations,
                  uint32_t count, uint32_t until)
{
    struct search search = {.model = model, .operations = operations, .count = count,
                            .until = until};
    search.spot_bytes = (sizeof(struct spot) + model->state_bytes + 7) & ~(size_t)7;
    struct spot *scratch = calloc(1, search.spot_bytes);
    bool holds = false;
    REQUIRE(scratch != NULL);
    if (model->init) model->init(scratch->state);
    add(&search, scratch);
    while (search.open_count > 0 && !holds) {
        uint32_t at = search.open[--search.open_count];
        uint32_t before = next_return(&search, spot_at(&search, at));
        if (before == 0) {
            holds = true;
        } else {
            expand(&search, at, before, scratch);
        }
    }
    free(scratch);
    free(search.places);
    free(search.open);
    free(search.spots);
    return holds;
}
