/* Two accesses that nothing orders, or one of memory that is gone: as a finding. */
#include "race.h"

#include <stdio.h>
#include <string.h>

/* Where an access was made: kept only when the execution is replayed to be told. */
struct place {
    struct world_stack stack;
    uintptr_t pc;
    uint32_t step;
    uint32_t locks[RACE_LOCKS_MAX]; /* objects */
    bool shared[RACE_LOCKS_MAX];    /* that lock is held for reading */
    uint32_t lock_count;
};

static struct place *places;
static uint32_t place_count, place_run; /* of this execution */

static void find_locks(const struct entity *entity, struct place *place)
{
    place->lock_count = 0;
    for (uint32_t id = 1; id < W.object_count && place->lock_count < RACE_LOCKS_MAX; id++) {
        const struct object *object = &W.objects[id];
        bool lock = object->kind == OBJECT_MUTEX || object->kind == OBJECT_SPIN ||
                    object->kind == OBJECT_RWLOCK;
        bool owned = object->owner == entity->id + 1;
        bool shared = object->kind == OBJECT_RWLOCK && rwlock_is_read_by(id, entity->id);
        if (!lock || (!owned && !shared)) continue;
        place->shared[place->lock_count] = shared;
        place->locks[place->lock_count++] = id;
    }
}

/* As seen from that call. What stands in for an access has no frame: where the compiler did not
 * jump from there, but call, that call's return address is found in place of this one. */
static void find_stack(struct world_stack *stack, uintptr_t pc)
{
    uint32_t own = 0;
    world_stack_here(stack);
    while (own < stack->depth && !world_is_program(stack->pc[own])) own++;
    if (own < stack->depth && stack->pc[own] == pc) return;
    stack->depth -= own;
    if (stack->depth == WORLD_STACK_MAX) stack->depth--;
    memmove(&stack->pc[1], &stack->pc[own], stack->depth * sizeof *stack->pc);
    stack->pc[0] = pc;
    stack->depth++;
}

static void find_place(struct place *place, uintptr_t pc)
{
    place->pc = pc;
    world_steps(&place->step);
    find_stack(&place->stack, pc);
    find_locks(W.self, place);
}

uint32_t race_place(uintptr_t pc)
{
    if (places == NULL) places = race_reserve(RACE_STACKS_MAX * sizeof *places);
    if (place_run != R.run) {
        place_run = R.run;
        place_count = 1; /* 0: there was no room */
    }
    if (place_count == RACE_STACKS_MAX) return 0;
    find_place(&places[place_count], pc);
    return place_count++;
}

bool race_same_where(uint32_t where, uint32_t other)
{
    return W.keep_stacks ? places[where].pc == places[other].pc : where == other;
}

static void place_of(const struct race_record *record, struct place *place)
{
    if (W.keep_stacks) {
        *place = places[record->where];
        return;
    }
    *place = (struct place){.stack = {1, {record->where}}, .pc = record->where};
}

/* --- words --- */

/* What frees a stack is the end of its thread. */
static const char *verb(uint32_t flags, bool past, bool stack)
{
    if (flags & RACE_FREE && stack) return past ? "left" : "leaves";
    if (flags & RACE_FREE) return past ? "freed" : "frees";
    if (flags & RACE_WRITE) return past ? "wrote" : "writes";
    return past ? "read" : "reads";
}

static void describe_locks(const struct place *place, char *out, size_t bytes)
{
    size_t used = (size_t)snprintf(out, bytes, "holding");
    if (place->lock_count == 0) snprintf(out, bytes, "holding no lock");
    for (uint32_t i = 0; i < place->lock_count && used < bytes; i++) {
        uint32_t id = place->locks[i];
        used += (size_t)snprintf(out + used, bytes - used, "%s %s %u%s", i > 0 ? " and" : "",
                                 world_object_kind(id), W.objects[id].ordinal,
                                 place->shared[i] ? " for reading" : "");
    }
}

static void detail(const char *name, const struct race_record *record, bool past,
                   const struct place *place, bool stack)
{
    char size[16] = "it", locks[128] = "";
    if (!(record->flags & RACE_FREE)) {
        int bytes = __builtin_popcount(record->mask);
        snprintf(size, sizeof size, "%d byte%s", bytes, bytes == 1 ? "" : "s");
    }
    if (W.keep_stacks) describe_locks(place, locks, sizeof locks);
    if (record->flags & RACE_FREE && stack) {
        finding_detail("%s %s", name, past ? "ended" : "ends");
        return;
    }
    finding_detail("%s %s %s%s%s%s", name, verb(record->flags, past, stack), size,
                   record->flags & RACE_ATOMIC ? " atomically" : "", locks[0] ? ", " : "", locks);
}

static uint16_t entity_in(uint16_t slot)
{
    for (uint32_t id = 0; id < W.entity_count; id++) {
        if (entity_of((uint16_t)id)->slot == slot) return (uint16_t)id;
    }
    return WORLD_NOBODY;
}

static bool is_known(const struct race_record *record)
{
    const struct race_clock *known = &R.threads[W.self->slot];
    return record->slot == W.self->slot ||
           (record->slot < known->count && record->clock <= known->at[record->slot]);
}

static _Noreturn void tell_freed(const char *what, const char *freer, uint32_t flags,
                                 const struct place *then, uintptr_t pc)
{
    finding_detail("%s", what);
    finding_detail("freed by %s at {pc:%lx}", freer, (unsigned long)then->pc);
    finding_raise(WORLD_FOUND_USE_AFTER_FREE, pc, "%s %s memory that %s has freed",
                  world_entity_name(W.self->id), verb(flags, false, false), freer);
}

static _Noreturn void tell_ended(const char *what, uint32_t flags, const struct place *then,
                                 uintptr_t pc)
{
    finding_detail("it began with {pc:%lx}", (unsigned long)then->pc);
    finding_raise(WORLD_FOUND_USE_AFTER_FREE, pc, "%s %s %s, which has ended",
                  world_entity_name(W.self->id), verb(flags, false, true), what);
}

void race_found(const struct race_record *before, const struct race_record *now, uintptr_t address,
                uintptr_t pc)
{
    struct place here, then;
    char what[256], other[WORLD_NAME_MAX];
    uint32_t byte = (uint32_t)__builtin_ctz(before->mask & now->mask);
    find_place(&here, pc);
    place_of(before, &then);
    finding_memory(address / RACE_WORD * RACE_WORD + byte, what, sizeof what);
    W.finding.other = entity_in(before->slot);
    W.finding.stack = here.stack;
    W.finding.other_stack = then.stack;
    W.finding.other_step = then.step;
    snprintf(other, sizeof other, "%s", world_entity_name(W.finding.other));
    bool stack = address - STACKS_FROM < STACKS_BYTES;
    if (before->flags & RACE_FREE && is_known(before)) {
        if (stack) tell_ended(what, now->flags, &then, pc);
        tell_freed(what, other, now->flags, &then, pc);
    }
    detail(world_entity_name(W.self->id), now, false, &here, stack);
    detail(other, before, true, &then, stack);
    finding_raise(WORLD_FOUND_DATA_RACE, pc,
                  "%s %s %s, which %s %s before, and nothing orders the two",
                  world_entity_name(W.self->id), verb(now->flags, false, stack), what, other,
                  verb(before->flags, true, stack));
}
