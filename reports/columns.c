#include "columns.h"

#include <string.h>

#include "harness/check/require.h"

static bool is_core(uint16_t party)
{
    return party >= PARTY_CORE && party < PARTY_LOCKS;
}

/* A core's threads are called "core/ws", "core/jobs[2]". */
static bool is_thread_of(uint16_t entity, uint16_t core)
{
    const char *name = record_party_name(core);
    const char *thread = world_entity_name(entity);
    size_t length = strlen(name);
    return strncmp(thread, name, length) == 0 && thread[length] == '/';
}

static uint16_t place_of(const struct record *record, uint16_t party)
{
    if (is_core(party) && is_thread_of(record->entity, party))
        return (uint16_t)(PARTY_THREAD + record->entity);
    return party;
}

void columns_ends(const struct record *records, const struct record *record, uint16_t *at,
                  uint16_t *to)
{
    enum label_shape shape = label_shape_of(record->kind);
    uint16_t from = record->from, subject = record->subject;

    *to = PARTY_NOBODY;
    if (shape == LABEL_SEND && from != PARTY_NOBODY) {
        *at = place_of(record, from);
    } else if (shape == LABEL_AT || from == PARTY_NOBODY || record->to == PARTY_NOBODY ||
               from == record->to) {
        *at = place_of(record, subject != PARTY_NOBODY ? subject : from);
    } else {
        /* A message is delivered by nobody, but a thread has sent it. */
        bool sent = shape == LABEL_ARRIVE && record->cause != 0;
        *at = place_of(sent ? &records[record->cause - 1] : record, from);
        *to = place_of(record, record->to);
    }
}

/* The core that a thread belongs to, or the party itself. */
static uint16_t fold(uint16_t party)
{
    if (party < PARTY_THREAD) return party;
    for (uint16_t core = PARTY_CORE; core < PARTY_LOCKS; core++) {
        if (is_thread_of((uint16_t)(party - PARTY_THREAD), core)) return core;
    }
    return party;
}

/* Who talks first stands left: people and agents, threads, cores, stores, machines. */
static uint32_t rank_of(uint16_t party)
{
    const struct scn_file *file = record_scenario_get();

    if (party >= PARTY_THREAD) return 1;
    if (party >= PARTY_LOCKS) return 3;
    if (party >= PARTY_CORE) return 2;
    if (file == NULL || (uint32_t)(party - PARTY_ACTOR) >= file->actor_count) return 0;
    return file->actors[party - PARTY_ACTOR].kind == SCN_ACTOR_SANDBOX ? 4 : 0;
}

static bool stands_before(uint16_t left, uint16_t right)
{
    if (rank_of(left) != rank_of(right)) return rank_of(left) < rank_of(right);
    return left < right;
}

static uint32_t count_uses(const struct record *records, uint32_t count, const bool *flags,
                           bool folded, uint32_t *uses)
{
    uint32_t used = 0;

    memset(uses, 0, COLUMNS_PARTIES * sizeof *uses);
    for (uint32_t i = 0; i < count; i++) {
        uint16_t ends[2];
        if (!flags[i]) continue;
        columns_ends(records, &records[i], &ends[0], &ends[1]);
        for (int k = 0; k < 2; k++) {
            uint16_t party = folded ? fold(ends[k]) : ends[k];
            REQUIRE(party < COLUMNS_PARTIES);
            if (party != PARTY_NOBODY && uses[party]++ == 0) used++;
        }
    }
    return used;
}

/* The busiest parties until the columns are used up; the first one wins a tie. */
static void take_busiest(uint32_t *uses, uint32_t most, struct columns *columns)
{
    while (columns->count < most) {
        uint16_t best = PARTY_NOBODY;
        for (uint16_t party = 1; party < COLUMNS_PARTIES; party++) {
            if (uses[party] > (best == PARTY_NOBODY ? 0 : uses[best])) best = party;
        }
        if (best == PARTY_NOBODY) return;
        uses[best] = 0;

        uint32_t at = columns->count++;
        for (; at > 0 && stands_before(best, columns->parties[at - 1]); at--)
            columns->parties[at] = columns->parties[at - 1];
        columns->parties[at] = best;
    }
}

void columns_find(const struct record *records, uint32_t count, const bool *flags,
                  struct columns *columns)
{
    static uint32_t uses[COLUMNS_PARTIES];
    uint32_t used = count_uses(records, count, flags, false, uses);

    memset(columns, 0, sizeof *columns);
    if (used > DIAGRAM_COLUMNS_MAX) {
        columns->folded = true;
        used = count_uses(records, count, flags, true, uses);
    }
    columns->others = used > DIAGRAM_COLUMNS_MAX;
    take_busiest(uses, DIAGRAM_COLUMNS_MAX - columns->others, columns);
    if (columns->others || columns->count == 0)
        columns->parties[columns->count++] = PARTY_NOBODY;
}

uint8_t columns_of(const struct columns *columns, uint16_t party)
{
    uint16_t wanted = columns->folded ? fold(party) : party;

    if (wanted == PARTY_NOBODY) return 0;
    for (uint32_t i = 0; i < columns->count; i++) {
        if (columns->parties[i] == wanted) return (uint8_t)i;
    }
    REQUIRE(columns->others);
    return (uint8_t)(columns->count - 1);
}

const char *columns_name(const struct columns *columns, uint32_t column)
{
    REQUIRE(column < columns->count);
    if (columns->parties[column] == PARTY_NOBODY) return columns->others ? "others" : "run";
    return record_party_name(columns->parties[column]);
}
