#include "outcome.h"

#include <stdio.h>
#include <string.h>
#include <xxhash.h>

static uint64_t mix(uint64_t hash, uint64_t value)
{
    return (hash ^ value) * 0x9e3779b97f4a7c15ull ^ hash >> 29;
}

static uint64_t hash_text(const char *text)
{
    return XXH3_64bits(text, strlen(text));
}

/* How often somebody said the same before is no part of it. */
static bool is_part(const struct record *record, const struct record_field *field)
{
    return record->kind != RECORD_POINT || strcmp(field->name, "count") != 0;
}

static uint64_t hash_of(const struct record *record)
{
    const struct record_info *info = record_info_of((enum record_kind)record->kind);
    uint64_t hash = mix(record->time_ns + 1, record->from < PARTY_THREAD ? record->from : 0);

    hash = mix(hash, record->to < PARTY_THREAD ? record->to : 0);
    for (uint32_t i = 0; i < info->field_count; i++) {
        int64_t value = record->values.at[i];
        if (!is_part(record, &info->fields[i])) continue;
        bool word = info->fields[i].type == RECORD_WORD;
        hash = mix(hash, word ? hash_text(record_text(value)) : (uint64_t)value);
    }
    return hash;
}

const struct outcome *outcome_of(struct check_set *checks, const struct world_result *result)
{
    static struct outcome outcome;
    uint32_t count;
    const struct record *records = record_all(&count);
    const struct check_violation *violation = check_end(checks, result, NULL);

    memset(&outcome, 0, sizeof outcome);
    outcome.end = result->end;
    outcome.verdict = violation == NULL ? 0 : hash_text(violation->name);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t party = records[i].subject < PARTY_THREAD ? records[i].subject : 0;
        uint64_t *of = &outcome.of[party][records[i].kind], hash = hash_of(&records[i]);
        *of = party == 0 || records[i].kind == RECORD_POINT ? *of + hash : mix(*of, hash);
    }
    return &outcome;
}

bool outcome_same(const struct outcome *a, const struct outcome *b)
{
    return a->end == b->end && a->verdict == b->verdict && memcmp(a->of, b->of, sizeof a->of) == 0;
}

uint64_t outcome_hash(const struct outcome *outcome)
{
    return mix(mix(XXH3_64bits(outcome->of, sizeof outcome->of), outcome->verdict), outcome->end);
}

void outcome_tell(const char *name, const struct outcome *was, const struct outcome *is)
{
    (void)fprintf(stderr, "%s: end %u, then %u %s\n", name, was->end, is->end,
                  is->end == WORLD_STOPPED ? world_stop_text() : "");
    for (uint16_t party = 0; party < OUTCOME_PARTIES; party++) {
        for (uint32_t kind = 0; kind < RECORD_KIND_COUNT; kind++) {
            if (was->of[party][kind] != is->of[party][kind])
                (void)fprintf(stderr, "  %s of %s\n",
                              record_info_of((enum record_kind)kind)->word,
                              record_party_name(party));
        }
    }
}
