/* A table of what was seen, by a key of up to four numbers.
 *
 * Entries stand in the order in which they were made, and are walked in that order only. Emptying
 * costs as much as was used, so that an execution of fifty records pays for fifty.
 */
#ifndef HARNESS_CHECK_LEDGER_H
#define HARNESS_CHECK_LEDGER_H

#include <stddef.h>
#include <stdint.h>

struct ledger_key {
    int64_t at[4];
};

/* First member of every entry. */
struct ledger_entry {
    struct ledger_key key;
    uint32_t slot;
};

struct ledger {
    size_t size;          /* of one entry */
    uint64_t number;      /* which one it is, of those whose places are told apart */
    char *entries;
    uint32_t count, capacity;
    uint32_t *slots;      /* index + 1; a power of two of them */
    uint32_t slot_count;
};

/* An empty ledger whose entries have that size and begin with a struct ledger_entry; its number is
 * its own. */
void ledger_init(struct ledger *ledger, size_t size, uint64_t number);
void ledger_free(struct ledger *ledger);

/* Forgets all entries, keeps the memory. */
void ledger_reset(struct ledger *ledger);

/* The entry of that key, or NULL. Valid until the next ledger_get or ledger_reset. The world is
 * told (world_meet_place): who only looks at an entry does not depend on others who do. */
const void *ledger_find(const struct ledger *ledger, struct ledger_key key);
/* The same, to change it. */
void *ledger_change(const struct ledger *ledger, struct ledger_key key);

/* The entry of that key, made with zeroes if there is none. Valid as above. */
void *ledger_get(struct ledger *ledger, struct ledger_key key);

/* Entry number index < ledger->count, in order of making. */
const void *ledger_at(const struct ledger *ledger, uint32_t index);
void *ledger_change_at(const struct ledger *ledger, uint32_t index);

/* LEDGER_KEY(a, b): the rest is 0. */
#define LEDGER_KEY(...) ((struct ledger_key){ { __VA_ARGS__ } })

#endif
