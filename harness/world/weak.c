#include "weak.h"

#include "word.h"

const char *const world_older_value = "older value";

/* Per execution: words that keep their stores; per word: stores that it keeps, and what is known
 * of who has seen which. What there is no room for is forgotten: then loads read what is newest. */
enum { WORDS = 256, STORES = 8, SEEN = 32 };

struct store {
    uint64_t value;
    uint64_t made_ns;
    struct race_clock released;
};

/* Whoever knows that epoch of that thread knows of that store, and that older ones are gone. */
struct seen {
    uint32_t epoch, store;
    uint16_t slot;
};

struct word {
    uintptr_t address;
    uint32_t bytes;
    bool mixed;          /* others overlap with it: no older values */
    uint32_t first, end; /* stores that are kept: numbers, in modification order */
    uint32_t consistent; /* what sequentially consistent operations and fences have in common */
    uint32_t seen_count;
    struct seen seen[SEEN];
    struct store stores[STORES];
};

static struct word *words;
static uint32_t word_count;
static struct number {
    uint32_t run, word; /* valid in that execution only */
} *numbers;             /* by object */

void weak_reset(void)
{
    word_count = 0;
    W.weak_left = W.find_races ? W.limits.weak_max : 0;
    if (W.weak_left == 0 || words != NULL) return;
    words = race_reserve(WORDS * sizeof *words);
    numbers = race_reserve(WORLD_OBJECTS_MAX * sizeof *numbers);
}

/* --- what is known --- */

static struct store *store_at(struct word *word, uint32_t number)
{
    return &word->stores[number % STORES];
}

static uint32_t newest(const struct word *word)
{
    return word->end - 1;
}

/* All but the newest store are forgotten, and who has seen them. */
static void forget_older(struct word *word)
{
    word->first = word->consistent = newest(word);
    word->seen_count = 0;
}

static void drop_useless(struct word *word)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < word->seen_count; i++) {
        if (word->seen[i].store > word->first) word->seen[kept++] = word->seen[i];
    }
    word->seen_count = kept;
}

/* The running thread has seen that store. */
static void note(struct word *word, uint32_t store, uint32_t epoch)
{
    uint16_t slot = W.self->slot;
    if (store <= word->first) return;
    for (uint32_t i = 0; i < word->seen_count; i++) {
        struct seen *seen = &word->seen[i];
        if (seen->slot != slot) continue;
        if (seen->store >= store) return;
        if (seen->epoch == epoch) {
            seen->store = store;
            return;
        }
    }
    if (word->seen_count == SEEN) drop_useless(word);
    if (word->seen_count == SEEN) {
        forget_older(word);
        return;
    }
    word->seen[word->seen_count++] = (struct seen){epoch, store, slot};
}

/* The oldest store that the running thread may still read. */
static uint32_t oldest_for_self(const struct word *word)
{
    const struct race_clock *known = &R.threads[W.self->slot];
    uint32_t oldest = word->first;
    for (uint32_t i = 0; i < word->seen_count; i++) {
        const struct seen *seen = &word->seen[i];
        if (seen->store <= oldest || seen->slot >= known->count) continue;
        if (known->at[seen->slot] >= seen->epoch) oldest = seen->store;
    }
    return oldest;
}

/* --- words --- */

static bool overlap(const struct word *word, const struct weak_access *access)
{
    return word->address < access->address + access->bytes &&
           access->address < word->address + word->bytes;
}

static void add_store(struct word *word, uint64_t value, const struct race_clock *released)
{
    struct store *store = store_at(word, word->end++);
    store->value = value;
    store->made_ns = W.now_ns;
    race_clock_copy(&store->released, released);
    if (word->end - word->first > STORES) word->first = word->end - STORES;
}

static void begin_word(struct word *word, const struct weak_access *access, uint64_t value)
{
    word->address = access->address;
    word->bytes = access->bytes;
    word->mixed = false;
    word->first = word->end = word->consistent = word->seen_count = 0;
    add_store(word, value, &R.objects[access->object]);
}

static struct word *new_word(const struct weak_access *access, uint64_t value)
{
    bool mixed = false;
    if (word_count == WORDS) return NULL;
    for (uint32_t i = 0; i < word_count; i++) {
        if (!overlap(&words[i], access)) continue;
        words[i].mixed = mixed = true;
    }
    numbers[access->object] = (struct number){R.run, word_count};
    struct word *word = &words[word_count++];
    begin_word(word, access, value);
    word->mixed = mixed;
    return word;
}

/* One object may stand for many words: see word.c. */
static struct word *find(const struct weak_access *access)
{
    const struct number *number = &numbers[access->object];
    if (number->run != R.run) return NULL;
    struct word *word = &words[number->word];
    return word->address == access->address ? word : NULL;
}

/* With its newest store as it stands in memory: plain ones leave nothing older to be read. */
static struct word *word_of(const struct weak_access *access, uint64_t value)
{
    struct word *word = find(access);
    if (word == NULL) return new_word(access, value);
    if (word->bytes != access->bytes) word->mixed = true;
    if (store_at(word, newest(word))->value != value) {
        add_store(word, value, &R.objects[access->object]);
        forget_older(word);
    }
    return word;
}

void weak_forget(uintptr_t address, size_t bytes)
{
    for (uint32_t i = 0; i < word_count; i++) {
        if (words[i].address - address < bytes) forget_older(&words[i]);
    }
}

/* --- operations --- */

/* How many stores may be missed. A store is seen at the latest when time has passed, or threads
 * are suspected to spin for ever: "within a reasonable amount of time", 7.17.3. */
static uint32_t count_missable(struct word *word, int order)
{
    uint32_t oldest = oldest_for_self(word), store = newest(word);
    if (word->mixed || W.probing) return 0;
    if (order == __ATOMIC_SEQ_CST && word->consistent > oldest) oldest = word->consistent;
    while (store > oldest && store_at(word, store)->made_ns == W.now_ns) store--;
    return newest(word) - store;
}

static void order_consistent(struct word *word, const struct weak_access *access, uint32_t store)
{
    if (access->order == __ATOMIC_SEQ_CST && store > word->consistent) word->consistent = store;
}

uint32_t weak_load(const struct weak_access *access, uint64_t *value,
                   const struct race_clock **released)
{
    struct word *word = word_of(access, *value);
    if (word == NULL) return 0;
    uint32_t missed = sched_value(count_missable(word, access->order) + 1, world_older_value);
    uint32_t read = newest(word) - missed;
    note(word, read, race_epoch());
    order_consistent(word, access, read);
    if (missed == 0) return 0;
    W.weak_left--;
    *value = store_at(word, read)->value;
    *released = &store_at(word, read)->released;
    return missed;
}

void weak_find(const struct weak_access *access, uint64_t value)
{
    struct word *word = word_of(access, value);
    if (word) note(word, newest(word), race_epoch());
}

void weak_store(const struct weak_access *access, uint64_t value, uint32_t epoch)
{
    struct word *word = find(access);
    if (word == NULL) return;
    add_store(word, value, &R.objects[access->object]);
    note(word, newest(word), epoch);
    order_consistent(word, access, newest(word));
}

void weak_fence_step(uintptr_t pc)
{
    static const char place;
    word_point((uintptr_t)&place, WORLD_WRITE, pc);
    world_meet(WORLD_MET_ALL); /* it is ordered with what all others do consistently */
    word_step((uintptr_t)&place, WORLD_OP_FENCE, WORLD_WRITE, 0, false, 0, pc);
}

/* Fences are in one order: whoever comes later knows what those before knew. */
void weak_fence(void)
{
    for (uint32_t i = 0; i < word_count; i++) {
        struct word *word = &words[i];
        uint32_t oldest = oldest_for_self(word);
        if (word->consistent > oldest) {
            note(word, word->consistent, race_epoch());
        } else {
            word->consistent = oldest;
        }
    }
}
