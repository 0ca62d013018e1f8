#include "harness/check/ledger.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "harness/check/require.h"

enum { ENTRIES_FIRST = 32, ENTRIES_MAX = 1 << 20 };

void ledger_init(struct ledger *ledger, size_t size)
{
    REQUIRE(size >= sizeof(struct ledger_entry));
    memset(ledger, 0, sizeof *ledger);
    ledger->size = size;
}

void ledger_free(struct ledger *ledger)
{
    free(ledger->entries);
    free(ledger->slots);
    memset(ledger, 0, sizeof *ledger);
}

void *ledger_at(const struct ledger *ledger, uint32_t index)
{
    REQUIRE(index < ledger->count);
    return ledger->entries + index * ledger->size;
}

void ledger_reset(struct ledger *ledger)
{
    for (uint32_t i = 0; i < ledger->count; i++) {
        const struct ledger_entry *entry = ledger_at(ledger, i);
        ledger->slots[entry->slot] = 0;
    }
    ledger->count = 0;
}

/* The slot of that key, or the free one where it belongs. */
static uint32_t slot_of(const struct ledger *ledger, const struct ledger_key *key)
{
    uint32_t mask = ledger->slot_count - 1;
    uint32_t slot = (uint32_t)XXH3_64bits(key, sizeof *key) & mask;

    while (ledger->slots[slot] != 0) {
        const struct ledger_entry *entry = ledger_at(ledger, ledger->slots[slot] - 1);
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
        struct ledger_entry *entry = ledger_at(ledger, i);
        entry->slot = slot_of(ledger, &entry->key);
        ledger->slots[entry->slot] = i + 1;
    }
}

void *ledger_find(const struct ledger *ledger, struct ledger_key key)
{
    if (ledger->count == 0) return NULL;
    uint32_t index = ledger->slots[slot_of(ledger, &key)];
    return index == 0 ? NULL : ledger_at(ledger, index - 1);
}

void *ledger_get(struct ledger *ledger, struct ledger_key key)
{
    void *found = ledger_find(ledger, key);
    if (found != NULL) return found;
    if (ledger->count == ledger->capacity) grow(ledger);

    struct ledger_entry *entry = (struct ledger_entry *)(ledger->entries +
                                                         ledger->count * ledger->size);
    memset(entry, 0, ledger->size);
    entry->key = key;
    entry->slot = slot_of(ledger, &key);
    ledger->slots[entry->slot] = ++ledger->count;
    return entry;
}
