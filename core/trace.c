#include "core/trace.h"

#include "core/core.h"

#include <stdlib.h>
#include <string.h>

static void ring_point(void *context, const struct trace_record *record);

/* Nobody listens and there is no ring: records are not even made. */
static bool is_silent(const struct core *core)
{
    return core->trace_port.point == NULL;
}

enum core_result trace_create(struct core *core)
{
    core->ring.capacity = core->settings.trace_ring;
    if (is_silent(core) && core->ring.capacity > 0)
        core->trace_port = (struct trace_port){ .context = core, .point = ring_point };
    return core_lock_init(&core->ring.lock, RANK_TRACE);
}

void trace_destroy(struct core *core)
{
    free(core->ring.entries);
    core_lock_destroy(&core->ring.lock);
}

static void copy_subject(char to[CORE_NAME_MAX], const char *from)
{
    size_t length = strnlen(from, CORE_NAME_MAX - 1);
    memcpy(to, from, length);
    to[length] = '\0';
}

static void ring_point(void *context, const struct trace_record *record)
{
    struct core *core = context;
    struct trace_ring *ring = &core->ring;
    struct turn turn;
    turn_begin(&turn, core);
    turn_lock(&turn, &ring->lock);
    if (ring->entries == NULL)
        ring->entries = calloc(ring->capacity, sizeof *ring->entries);
    if (ring->entries != NULL) {   /* without memory the core goes on untraced */
        struct trace_entry *entry = &ring->entries[ring->written % ring->capacity];
        entry->number = ++ring->written;
        entry->time_us = core_now_us();
        entry->point = record->point;
        copy_subject(entry->subject, record->subject);
        memcpy(entry->args, record->args, sizeof entry->args);
    }
    turn_unlock(&turn, &ring->lock);
    turn_end(&turn);
}

size_t core_trace_dump(struct core *core, struct trace_entry *entries, size_t capacity)
{
    struct trace_ring *ring = &core->ring;
    struct turn turn;
    turn_begin(&turn, core);
    turn_lock(&turn, &ring->lock);
    uint64_t kept = ring->written < ring->capacity ? ring->written : ring->capacity;
    size_t count = kept < capacity ? (size_t)kept : capacity;
    for (size_t i = 0; i < count; i++)
        entries[i] = ring->entries[(ring->written - count + i) % ring->capacity];
    turn_unlock(&turn, &ring->lock);
    turn_end(&turn);
    return count;
}

static void fill(struct trace_record *record, enum trace_point_id point, uint64_t first,
                 uint64_t second, uint64_t third)
{
    record->point = point;
    record->args[0] = first;
    record->args[1] = second;
    record->args[2] = third;
}

void trace_owe(struct turn *turn, enum trace_point_id point, const char *subject, uint64_t first,
               uint64_t second, uint64_t third)
{
    if (is_silent(turn->core))
        return;
    struct effect *effect = turn_owe(turn, EFFECT_TRACE);
    fill(&effect->u.record, point, first, second, third);
    copy_subject(effect->subject, subject);
}

void trace_point(struct turn *turn, enum trace_point_id point, const char *subject, uint64_t first,
                 uint64_t second, uint64_t third)
{
    REQUIRE(turn->ranks_held == 0);
    if (is_silent(turn->core))
        return;
    struct trace_record record;
    fill(&record, point, first, second, third);
    record.subject = subject;
    turn->core->trace_port.point(turn->core->trace_port.context, &record);
}
