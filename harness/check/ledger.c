#include "harness/check/ledger.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "harness/check/places.h"
#include "harness/check/require.h"

enum { ENTRIES_FIRST = 32, ENTRIES_MAX = 1 << 20 };

void ledger_init(struct ledger *ledger, size_t size, uint64_t number)
{
    REQUIRE(size >= sizeof(struct ledger_entry));
    memset(ledger, 0, sizeof *ledger);
    ledger->size = size;
    ledger->number = number;
}

void ledger_free(struct ledger *ledger)
{
    free(ledger->entries);
    free(ledger->slots);
    memset(ledger, 0, sizeof *ledger);
}

static struct ledger_entry *entry_at(const struct ledger *ledger, uint32_t index)
{
    return (struct ledger_entry *)(ledger->entries + index * ledger->size);
}

/* What is known of a key is one place; which keys there are is another one. */
static uint64_t meet_key(const struct ledger *ledger, const struct ledger_key *key,
                         enum world_how how)
{
    uint64_t hash = XXH3_64bits(key, sizeof *key);
    place_fact(hash + ledger->number * 0x9e3779b97f4a7c15ull, how);
    return hash;
}

/* Two that are added may be so in any order. Whoever walks through all of them sees them. */
static void meet_keys(const struct ledger *ledger, bool walks)
{
    place_fact(ledger->number, walks ? WORLD_CHANGES : WORLD_LOOKS);
}

static void *at(const struct ledger *ledger, uint32_t index, enum world_how how)
{
    REQUIRE(index < ledger->count);
    struct ledger_entry *entry = entry_at(ledger, index);
    meet_keys(ledger, true);
    (void)meet_key(ledger, &entry->key, how);
    return entry;
}

const void *ledger_at(const struct ledger *ledger, uint32_t index)
{
    return at(ledger, index, WORLD_LOOKS);
}

void *ledger_change_at(const struct ledger *ledger, uint32_t index)
{
    return at(ledger, index, WORLD_CHANGES);
}

void ledger_reset(struct ledger *ledger)
{
    for (uint32_t i = 0; i < ledger->count; i++) {
        ledger->slots[entry_at(ledger, i)->slot] = 0;
    }
    ledger->count = 0;
}

/* The slot of that key, or the free one where it belongs. */
static uint32_t slot_of(const struct ledger *ledger, const struct ledger_key *key, uint64_t hash)
{
    uint32_t mask = ledger->slot_count - 1, slot = (uint32_t)hash & mask;

    while (ledger->slots[slot] != 0) {
        const struct ledger_entry *entry = entry_at(ledger, ledger->slots[slot] - 1);
        if (memcmp(&entry->key, key, sizeof *key) == 0) return slot;
        slot = (slot + 1) & mask;
    }
    return slot;
}

static void grow(struct ledger *ledger)
{
    uint32_t capacity = ledger->capacity == 0 ? ENTRIES_FIRST : ledger->capacity * 2;

    REQUIRE(capacity <= ENTRIES_MAX);
    ledger->entries = realloc(ledger->entries, capacity * ledger->size);
    free(ledger->slots);
    ledger->slots = calloc(capacity * 2, sizeof *ledger->slots);
    REQUIRE(ledger->entries != NULL && ledger->slots != NULL);
    ledger->capacity = capacity;
    ledger->slot_count = capacity * 2;
    for (uint32_t i = 0; i < ledger->count; i++) {
        struct ledger_entry *entry = entry_at(ledger, i);
        entry->slot = slot_of(ledger, &entry->key, XXH3_64bits(&entry->key, sizeof entry->key));
        ledger->slots[entry->slot] = i + 1;
    }
}

static void *find(const struct ledger *ledger, const struct ledger_key *key, uint64_t hash)
{
    if (ledger->count == 0) return NULL;
    uint32_t index = ledger->slots[slot_of(ledger, key, hash)];
    return index == 0 ? NULL : entry_at(ledger, index - 1);
}

const void *ledger_find(const struct ledger *ledger, struct ledger_key key)
{
    return find(ledger, &key, meet_key(ledger, &key, WORLD_LOOKS));
}

void *ledger_change(const struct ledger *ledger, struct ledger_key key)
{
    return find(ledger, &key, meet_key(ledger, &key, WORLD_CHANGES));
}

void *ledger_get(struct ledger *ledger, struct ledger_key key)
{
    uint64_t hash = meet_key(ledger, &key, WORLD_CHANGES);
    void *found = find(ledger, &key, hash);
    if (found != NULL) return found;
    if (ledger->count == ledger->capacity) grow(ledger);

    struct ledger_entry *entry = entry_at(ledger, ledger->count);
    meet_keys(ledger, false);
    memset(entry, 0, ledger->size);
    entry->key = key;
    entry->slot = slot_of(ledger, &key, hash);
    ledger->slots[entry->slot] = ++ledger->count;
    return entry;
}
