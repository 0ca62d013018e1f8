#include "harness/check/record.h"

#include <string.h>
#include <xxhash.h>

#include "harness/check/require.h"
#include "harness/world/world.h"

#define FIELD(name, type) { #name, RECORD_##type },
#define FIELDS(kind, ...)                                                                          \
    static const struct record_field kind##_fields[] = { RECORD_FIELDS_##kind(FIELD) };
RECORD_KINDS(FIELDS)

#define INFO(kind, word, witness, help)                                                            \
    { word, help, RECORD_BY_##witness, sizeof(kind##_fields) / sizeof(kind##_fields[0]),           \
      kind##_fields },
static const struct record_info infos[RECORD_KIND_COUNT] = { RECORD_KINDS(INFO) };

/* More than a bounded execution can write; pages that nobody wrote cost nothing. */
enum { RECORDS_MAX = 1 << 18 };

static struct {
    struct record records[RECORDS_MAX];
    uint32_t count;
    record_listener listeners[RECORD_LISTENERS_MAX];
    void *contexts[RECORD_LISTENERS_MAX];
    uint32_t listener_count;
    const struct scn_file *scenario;
} trace;

const struct record_info *record_info_of(enum record_kind kind)
{
    REQUIRE((unsigned)kind < RECORD_KIND_COUNT);
    return &infos[kind];
}

int record_field_find(enum record_kind kind, const char *name)
{
    const struct record_info *info = record_info_of(kind);
    for (uint32_t i = 0; i < info->field_count; i++) {
        if (strcmp(info->fields[i].name, name) == 0) return (int)i;
    }
    return -1;
}

int64_t record_digest(const char *bytes, size_t length)
{
    return (int64_t)XXH3_64bits(bytes, length);
}

const struct record *record_all(uint32_t *count)
{
    *count = trace.count;
    return trace.records;
}

void record_subscribe(record_listener listener, void *context)
{
    REQUIRE(trace.listener_count < RECORD_LISTENERS_MAX);
    trace.listeners[trace.listener_count] = listener;
    trace.contexts[trace.listener_count] = context;
    trace.listener_count++;
}

void record_unsubscribe(record_listener listener, void *context)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < trace.listener_count; i++) {
        if (trace.listeners[i] == listener && trace.contexts[i] == context) continue;
        trace.listeners[kept] = trace.listeners[i];
        trace.contexts[kept] = trace.contexts[i];
        kept++;
    }
    REQUIRE(kept + 1 == trace.listener_count);
    trace.listener_count = kept;
}

uint32_t record_write(enum record_kind kind, uint16_t subject, uint16_t from, uint16_t to,
                      uint32_t cause, const union record_values *values)
{
    if (trace.count == RECORDS_MAX) world_stop("an execution wrote %d records", RECORDS_MAX);
    struct record *record = &trace.records[trace.count++];
    uint32_t steps;

    (void)world_steps(&steps);
    record->time_ns = world_now_ns();
    record->number = trace.count;
    record->step = steps;
    record->cause = cause;
    record->entity = world_self();
    record->subject = subject;
    record->from = from;
    record->to = to;
    record->kind = (uint8_t)kind;
    record->values = *values;
    for (uint32_t i = 0; i < trace.listener_count; i++)
        trace.listeners[i](trace.contexts[i], record);
    return record->number;
}

void record_scenario(const struct scn_file *file)
{
    trace.scenario = file;
}

const struct scn_file *record_scenario_get(void)
{
    return trace.scenario;
}

static const char *core_name(uint32_t index)
{
    if (trace.scenario == NULL || index >= trace.scenario->core_count) return "core";
    return trace.scenario->cores[index].name;
}

const char *record_party_name(uint16_t party)
{
    if (party >= PARTY_THREAD) return world_entity_name((uint16_t)(party - PARTY_THREAD));
    if (party == PARTY_NOBODY) return "";
    if (party == PARTY_LOCKS) return "store.locks";
    if (party == PARTY_MESSAGES) return "store.messages";
    if (party == PARTY_CLOCK) return "clock";
    if (party >= PARTY_CORE) return core_name((uint32_t)party - PARTY_CORE);

    uint32_t index = (uint32_t)party - PARTY_ACTOR;
    if (trace.scenario == NULL || index >= trace.scenario->actor_count) return "";
    return trace.scenario->actors[index].name;
}

/* --- words: an open table of names, whose text lives in a pool; both shrink back on reset --- */

enum { WORDS_MAX = 1 << 14, SLOTS_MAX = 2 * WORDS_MAX, TEXT_MAX = 1 << 20 };

static struct {
    uint32_t slots[SLOTS_MAX]; /* word + 1 */
    uint32_t slot_of[WORDS_MAX];
    uint32_t text_at[WORDS_MAX];
    uint32_t length[WORDS_MAX];
    char text[TEXT_MAX];
    uint32_t count, count_kept;
    uint32_t text_used, text_kept;
} words;

static record_word word_add(uint32_t slot, const char *name, size_t length)
{
    uint32_t word = words.count;

    REQUIRE(words.count < WORDS_MAX);
    REQUIRE(words.text_used + length + 1 <= TEXT_MAX);
    memcpy(words.text + words.text_used, name, length);
    words.text[words.text_used + length] = '\0';
    words.text_at[word] = words.text_used;
    words.length[word] = (uint32_t)length;
    words.slot_of[word] = slot;
    words.slots[slot] = word + 1;
    words.text_used += (uint32_t)length + 1;
    words.count++;
    return word;
}

record_word record_intern_bytes(const char *name, size_t length)
{
    if (words.count == 0 && length > 0) (void)record_intern_bytes("", 0);
    uint32_t slot = (uint32_t)XXH3_64bits(name, length) % SLOTS_MAX;

    while (words.slots[slot] != 0) {
        uint32_t word = words.slots[slot] - 1;
        if (words.length[word] == length &&
            memcmp(words.text + words.text_at[word], name, length) == 0)
            return word;
        slot = (slot + 1) % SLOTS_MAX;
    }
    return word_add(slot, name, length);
}

record_word record_intern(const char *name)
{
    return record_intern_bytes(name, strlen(name));
}

const char *record_text(record_word word)
{
    if (word == 0) return "";
    REQUIRE(word > 0 && word < words.count);
    return words.text + words.text_at[word];
}

void record_keep_words(void)
{
    words.count_kept = words.count;
    words.text_kept = words.text_used;
}

void record_reset(void)
{
    /* Newer words never stand before older ones in a probe sequence: taking them out is enough. */
    while (words.count > words.count_kept) words.slots[words.slot_of[--words.count]] = 0;
    words.text_used = words.text_kept;
    trace.count = 0;
}
