#include "shard.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/check/require.h"
#include "reports/members.h"

enum { LATELY = 1000, NUMBER_BYTES = 48 };

bool shard_begin(struct report_shard *shard)
{
    *shard = (struct report_shard){.stats.steps_min = UINT32_MAX};
    return distinct_init(&shard->distinct);
}

void shard_end(struct report_shard *shard)
{
    distinct_free(&shard->distinct);
    free(shard->classes);
}

static void keep_class(struct report_shard *shard, uint64_t run, uint64_t hash)
{
    if (shard->class_count == shard->class_room) {
        shard->class_room = shard->class_room ? 2 * shard->class_room : 1024;
        shard->classes = realloc(shard->classes, shard->class_room * sizeof *shard->classes);
        REQUIRE(shard->classes != NULL);
    }
    shard->classes[shard->class_count++] = (struct shard_class){run, hash};
}

void shard_count(void *context, uint64_t class_hash)
{
    struct report_shard *shard = context;
    uint64_t run = shard->first_run + shard->counted++;
    if (distinct_add(&shard->distinct, class_hash)) keep_class(shard, run, class_hash);
}

/* --- numbers that are mostly zero: [[index, number], ...] --- */

static json_t *sparse(const void *numbers, size_t width, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        uint64_t number = width == 1 ? ((const uint8_t *)numbers)[i]
                                     : ((const uint64_t *)numbers)[i];
        if (number == 0) continue;
        json_t *pair = json_array();
        json_array_append_new(pair, json_integer((json_int_t)i));
        json_array_append_new(pair, json_integer((json_int_t)number));
        json_array_append_new(list, pair);
    }
    return list;
}

static bool take_sparse(const json_t *list, void *numbers, size_t width, size_t count)
{
    size_t at;
    const json_t *pair;
    if (!json_is_array(list)) return false;
    json_array_foreach(list, at, pair) {
        json_int_t index = json_integer_value(json_array_get(pair, 0));
        json_int_t number = json_integer_value(json_array_get(pair, 1));
        if (index < 0 || (size_t)index >= count || number <= 0) return false;
        if (width == 1) {
            ((uint8_t *)numbers)[index] = 1;
        } else {
            ((uint64_t *)numbers)[index] = (uint64_t)number;
        }
    }
    return true;
}

#define COUNTED(X)                                                                                 \
    X(exercised, 8, SCN_INVARIANT_COUNT)                                                           \
    X(violated, 8, CHECK_PROPERTY_COUNT)                                                           \
    X(reached, 8, SCN_CHECKS_MAX)                                                                  \
    X(struck, 8, SCN_FAULTS_MAX)                                                                   \
    X(windows, 1, CHECK_WINDOWS_MAX)

static json_t *write_checks(const struct check_stats *checks)
{
    json_t *object = json_object();
    member_set(object, "runs", json_integer((json_int_t)checks->runs));
    member_set(object, "judged", json_integer((json_int_t)checks->judged));
#define X(name, width, count) member_set(object, #name, sparse(checks->name, width, count));
    COUNTED(X)
#undef X
    return object;
}

/* --- numbers that must be there --- */

struct reader {
    const json_t *object;
    const char *missing; /* the first that is missing or wrong */
};

static uint64_t number_of(struct reader *reader, const char *name)
{
    const json_t *value = json_object_get(reader->object, name);
    bool good = json_is_integer(value) && json_integer_value(value) >= 0;
    if (!good && reader->missing == NULL) reader->missing = name;
    return good ? (uint64_t)json_integer_value(value) : 0;
}

static void take_checks(struct reader *all, struct check_stats *checks)
{
    struct reader reader = {json_object_get(all->object, "checks"), NULL};
    checks->runs = number_of(&reader, "runs");
    checks->judged = number_of(&reader, "judged");
#define X(name, width, count)                                                                      \
    if (!take_sparse(json_object_get(reader.object, #name), checks->name, width, count) &&         \
        reader.missing == NULL) {                                                                  \
        reader.missing = #name;                                                                    \
    }
    COUNTED(X)
#undef X
    if (all->missing == NULL) all->missing = reader.missing;
}

/* --- classes --- */

/* One line each, or the report would be mostly punctuation. */
static json_t *write_classes(const struct report_shard *shard)
{
    json_t *list = json_array();
    for (uint64_t i = 0; i < shard->class_count; i++) {
        char text[NUMBER_BYTES];
        snprintf(text, sizeof text, "%" PRIu64 " %016" PRIx64, shard->classes[i].run,
                 shard->classes[i].hash);
        json_array_append_new(list, json_string(text));
    }
    return list;
}

static void take_classes(struct reader *all, struct report_shard *shard)
{
    const json_t *list = json_object_get(all->object, "classes"), *value;
    size_t at;
    bool good = json_is_array(list);
    json_array_foreach(list, at, value) {
        uint64_t run, hash;
        const char *text = json_string_value(value);
        good &= text && sscanf(text, "%" SCNu64 " %" SCNx64, &run, &hash) == 2;
        if (!good) break;
        keep_class(shard, run, hash);
    }
    if (!good && all->missing == NULL) all->missing = "classes";
}

/* Two digits each; only needed where the classes are not all there. */
static json_t *write_registers(const struct distinct *distinct)
{
    char text[2 * DISTINCT_REGISTERS + 1];
    for (int i = 0; i < DISTINCT_REGISTERS; i++) {
        snprintf(text + 2 * i, 3, "%02x", distinct->registers[i] & 0xffu);
    }
    return json_string(text);
}

static void take_registers(struct reader *all, struct distinct *distinct)
{
    const char *text = json_string_value(json_object_get(all->object, "registers"));
    if (text == NULL) return;
    bool good = strlen(text) == 2 * DISTINCT_REGISTERS;
    for (int i = 0; good && i < DISTINCT_REGISTERS; i++) {
        unsigned value;
        good = sscanf(text + 2 * i, "%2x", &value) == 1 && value <= 64;
        if (good) distinct->registers[i] = (uint8_t)value;
    }
    if (!good && all->missing == NULL) all->missing = "registers";
}

/* --- a whole shard --- */

json_t *shard_write(const struct report_shard *shard)
{
    json_t *object = json_object();
    bool exact;
    distinct_count(&shard->distinct, &exact);
    member_set(object, "index", json_integer(shard->shard.index));
    member_set(object, "count", json_integer(shard->shard.count));
    member_set(object, "key", member_text(shard->key));
    member_set(object, "first_run", json_integer((json_int_t)shard->first_run));
    member_set(object, "checks", write_checks(&shard->checks));
    if (!exact) member_set(object, "registers", write_registers(&shard->distinct));
    member_set(object, "classes", write_classes(shard));
    return object;
}

/* Of a search: what it was complete within. */
static void take_bound(const json_t *from, struct explore_stats *stats)
{
    static const struct {
        const char *name;
        enum explore_bound bound;
    } bounds[] = {{"preemptions", EXPLORE_PREEMPTIONS}, {"delays", EXPLORE_DELAYS}};
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
        const json_t *count = json_object_get(from, bounds[i].name);
        if (count == NULL) continue;
        stats->bound = bounds[i].bound;
        stats->bound_count = (uint32_t)json_integer_value(count);
    }
}

bool shard_take(const json_t *object, struct report_shard *shard, char *problem, size_t bytes)
{
    struct reader all = {json_object_get(object, "shard"), NULL};
    struct reader explored = {json_object_get(object, "explored"), NULL};
    struct explore_stats *stats = &shard->stats;
    shard->shard.index = (uint32_t)number_of(&all, "index");
    shard->shard.count = (uint32_t)number_of(&all, "count");
    shard->first_run = number_of(&all, "first_run");
    shard->key = json_string_value(json_object_get(all.object, "key"));
    if (shard->key == NULL && all.missing == NULL) all.missing = "key";
    stats->runs = number_of(&explored, "runs");
    stats->cut = number_of(&explored, "cut");
    stats->steps_sum = number_of(&explored, "steps_sum");
    stats->choices_sum = number_of(&explored, "choices_sum");
    stats->steps_min = (uint32_t)number_of(&explored, "steps_min");
    stats->steps_max = (uint32_t)number_of(&explored, "steps_max");
    stats->distinct = number_of(&explored, "distinct");
    stats->new_lately = number_of(&explored, "new_lately");
    stats->distinct_exact = json_is_true(json_object_get(explored.object, "distinct_exact"));
    stats->complete = json_is_true(json_object_get(explored.object, "complete"));
    take_bound(explored.object, stats);
    take_checks(&all, &shard->checks);
    take_classes(&all, shard);
    take_registers(&all, &shard->distinct);
    if (all.missing == NULL) all.missing = explored.missing;
    if (all.missing == NULL) return true;
    snprintf(problem, bytes, "its member '%s' is missing or damaged", all.missing);
    return false;
}

/* --- putting them together --- */

void shard_add(struct report_shard *sum, const struct report_shard *next)
{
    struct explore_stats *to = &sum->stats;
    const struct explore_stats *from = &next->stats;
    for (uint64_t i = 0; i < next->class_count; i++) {
        const struct shard_class *class_ = &next->classes[i];
        if (distinct_add(&sum->distinct, class_->hash)) keep_class(sum, class_->run, class_->hash);
    }
    for (int i = 0; i < DISTINCT_REGISTERS; i++) {
        if (sum->distinct.registers[i] < next->distinct.registers[i]) {
            sum->distinct.registers[i] = next->distinct.registers[i];
        }
    }
    to->runs += from->runs;
    to->cut += from->cut;
    to->steps_sum += from->steps_sum;
    to->choices_sum += from->choices_sum;
    if (from->runs > 0 && from->steps_min < to->steps_min) to->steps_min = from->steps_min;
    if (from->steps_max > to->steps_max) to->steps_max = from->steps_max;
    check_stats_add(&sum->checks, &next->checks);
}

void shard_finish(struct report_shard *sum)
{
    struct explore_stats *stats = &sum->stats;
    uint64_t since = stats->runs == 0 ? 0 : (stats->runs - 1) / LATELY * LATELY;
    stats->new_lately = 0;
    for (uint64_t i = 0; i < sum->class_count; i++) {
        stats->new_lately += sum->classes[i].run - sum->first_run >= since;
    }
    stats->distinct = distinct_count(&sum->distinct, &stats->distinct_exact);
}
