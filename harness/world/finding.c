/* Defects that the machine sees, and the stacks that go with them. */
#include "image.h"
#include "race.h"
#include "switch.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <unwind.h>

const char *const world_op_words[WORLD_OP_COUNT] = {
#define X(name, word) word,
    WORLD_OPS(X)
#undef X
};

const char *const world_finding_words[WORLD_FINDING_COUNT] = {
#define X(name, word, text) word,
    WORLD_FINDINGS(X)
#undef X
};

const char *const world_finding_texts[WORLD_FINDING_COUNT] = {
#define X(name, word, text) text,
    WORLD_FINDINGS(X)
#undef X
};

void world_broken(const char *file, int line, const char *what)
{
    fflush(stdout);
    fprintf(stderr, "harness fault: %s:%d: %s\n", file, line, what);
    _exit(5);
}

const struct world_finding *world_finding_get(void)
{
    return &W.finding;
}

void finding_detail(const char *format, ...)
{
    size_t used = strlen(W.finding.detail);
    if (used + 2 >= sizeof W.finding.detail) return;
    if (used > 0) W.finding.detail[used++] = '\n';
    va_list list;
    va_start(list, format);
    vsnprintf(W.finding.detail + used, sizeof W.finding.detail - used, format, list);
    va_end(list);
}

void world_detail(const char *lines)
{
    finding_detail("%s", lines);
}

__attribute__((format(printf, 4, 0)))
static _Noreturn void raise_as(uint16_t entity, enum world_finding_kind kind, uintptr_t site,
                               const char *format, va_list list)
{
    struct world_finding *finding = &W.finding;
    if (!W.running) world_broken(__FILE__, __LINE__, format);
    finding->kind = kind;
    finding->entity = entity;
    vsnprintf(finding->text, sizeof finding->text, format, list);
    if (finding->stack.depth == 0) world_stack_here(&finding->stack);
    if (finding->stack.depth == 0 && site != 0) {
        finding->stack.depth = 1;
        finding->stack.pc[0] = site;
    }
    sched_leave(WORLD_FINDING);
}

void finding_raise(enum world_finding_kind kind, uintptr_t site, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    raise_as(W.self->id, kind, site, format, list);
}

void world_fail(enum world_finding_kind kind, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    raise_as(W.self->id, kind, CALLER, format, list);
}

void world_uncontrolled(const char *symbol, const void *caller)
{
    finding_raise(WORLD_FOUND_UNCONTROLLED, (uintptr_t)caller,
                  "uncontrolled call of %s: the simulated world has no such thing", symbol);
}

void finding_memory(uintptr_t address, char *out, size_t bytes)
{
    struct world_block block;
    uint16_t whose;
    bool freed;
    if (arena_find((const void *)address, &block, &freed)) {
        snprintf(out, bytes, "byte %zu of a block of %zu, allocated by %s at {pc:%lx}",
                 (size_t)(address - (uintptr_t)block.address), block.bytes,
                 world_entity_name(block.entity), (unsigned long)block.site);
    } else if (address - STACKS_FROM < STACKS_BYTES) {
        const char *owner = "an ended thread";
        for (uint32_t id = 0; id < W.entity_count; id++) {
            const struct entity *entity = entity_of((uint16_t)id);
            if (entity->slot != (address - STACKS_FROM) / STACK_BYTES) continue;
            owner = world_entity_name((uint16_t)id);
        }
        snprintf(out, bytes, "a variable on the stack of %s", owner);
    } else if (W.uses_tls && race_local_cell(address, &whose)) {
        snprintf(out, bytes, "a thread-local variable of %s", world_entity_name(whose));
    } else {
        snprintf(out, bytes, "{data:%lx}", (unsigned long)address);
    }
}

/* --- nothing can run any more --- */

static const char *wait_words(const struct entity *entity)
{
    switch ((enum wait_kind)entity->wait) {
    case WAIT_MUTEX:
    case WAIT_COND:
    case WAIT_RWLOCK:
    case WAIT_SEM:
    case WAIT_BARRIER:
    case WAIT_ONCE:
        return world_object_kind(entity->wait_object);
    case WAIT_JOIN:
        return world_entity_name(entity->wait_for);
    case WAIT_QUEUE:
    case WAIT_FUTEX:
        return entity->wait_what;
    case WAIT_NONE:
    case WAIT_SLEEP:
    case WAIT_GATE:
    case WAIT_FOREVER:
        return "nothing";
    }
    return "";
}

void world_wait_describe(uint16_t id, char *out, size_t bytes)
{
    const struct entity *entity = entity_of(id);
    const char *words = wait_words(entity);
    char text[WORLD_TEXT_MAX / 4];
    switch ((enum wait_kind)entity->wait) {
    case WAIT_JOIN:
        snprintf(out, bytes, "waits for the end of %s", words);
        return;
    case WAIT_NONE:
    case WAIT_FOREVER:
        snprintf(out, bytes, "%s", entity->state == ENTITY_LIVE ? "can run" : "has ended");
        return;
    case WAIT_SLEEP:
        snprintf(out, bytes, "sleeps");
        return;
    case WAIT_QUEUE:
    case WAIT_FUTEX:
        snprintf(out, bytes, "waits for %s", words);
        return;
    case WAIT_GATE:
        gate_tell(entity, text, sizeof text);
        snprintf(out, bytes, "waits in %s", text);
        return;
    case WAIT_MUTEX:
    case WAIT_COND:
    case WAIT_RWLOCK:
    case WAIT_SEM:
    case WAIT_BARRIER:
    case WAIT_ONCE:
        snprintf(out, bytes, "waits for %s %u", words, W.objects[entity->wait_object].ordinal);
        return;
    }
}

static enum world_op pending_op(const struct entity *entity)
{
    switch ((enum wait_kind)entity->wait) {
    case WAIT_MUTEX:
        return WORLD_OP_LOCK;
    case WAIT_RWLOCK:
        return entity->wants_write ? WORLD_OP_WRLOCK : WORLD_OP_RDLOCK;
    case WAIT_SEM:
        return WORLD_OP_SEM_WAIT;
    case WAIT_ONCE:
        return WORLD_OP_ONCE;
    case WAIT_NONE:
    case WAIT_COND:
    case WAIT_BARRIER:
    case WAIT_JOIN:
    case WAIT_SLEEP:
    case WAIT_QUEUE:
    case WAIT_FUTEX:
    case WAIT_GATE:
    case WAIT_FOREVER:
        return WORLD_OP_COUNT;
    }
    return WORLD_OP_COUNT;
}

bool world_pending(uint16_t id, uint32_t index, struct world_step *step)
{
    const struct entity *entity = entity_of(id);
    if (entity->slot == WORLD_NOBODY || entity->state != ENTITY_LIVE) return false;
    if (entity->wait == WAIT_GATE) return gate_pending(entity, index, step);
    enum world_op op = pending_op(entity);
    if (index > 0 || op == WORLD_OP_COUNT) return false;
    *step = (struct world_step){.op = (uint8_t)op, .object = entity->wait_object,
                                .access = WORLD_WRITE};
    return true;
}

bool world_entity_enabled(uint16_t id)
{
    return entity_enabled(entity_of(id));
}

static bool waits(const struct entity *entity)
{
    return entity->slot != WORLD_NOBODY && entity->state == ENTITY_LIVE &&
           entity->wait != WAIT_NONE && entity->wait != WAIT_FOREVER;
}

bool finding_waiter(const struct entity *entity)
{
    if (!waits(entity)) return false;
    const struct object *object = &W.objects[entity->wait_object];
    char text[WORLD_TEXT_MAX / 4];
    if (entity->wait == WAIT_JOIN) {
        finding_detail("%s waits at {pc:%lx} for the end of %s", world_entity_name(entity->id),
                       (unsigned long)entity->wait_site, wait_words(entity));
    } else if (entity->wait == WAIT_QUEUE) {
        finding_detail("%s waits for %s", world_entity_name(entity->id), wait_words(entity));
    } else if (entity->wait == WAIT_FUTEX) {
        finding_memory((uintptr_t)entity->next_place, text, sizeof text);
        finding_detail("%s waits at {pc:%lx} for a futex, %s", world_entity_name(entity->id),
                       (unsigned long)entity->wait_site, text);
    } else if (entity->wait == WAIT_GATE) {
        gate_tell(entity, text, sizeof text);
        finding_detail("%s waits at {pc:%lx} in %s", world_entity_name(entity->id),
                       (unsigned long)entity->wait_site, text);
    } else if (entity->wait == WAIT_MUTEX && object->owner) {
        finding_detail("%s waits at {pc:%lx} for mutex %u, which %s acquired at {pc:%lx}",
                       world_entity_name(entity->id), (unsigned long)entity->wait_site,
                       object->ordinal, world_entity_name((uint16_t)(object->owner - 1)),
                       (unsigned long)object->site);
    } else {
        finding_detail("%s waits at {pc:%lx} for %s %u", world_entity_name(entity->id),
                       (unsigned long)entity->wait_site, wait_words(entity), object->ordinal);
    }
    return true;
}

__attribute__((format(printf, 3, 4)))
static _Noreturn void raise_idle(uint16_t entity, uintptr_t site, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    raise_as(entity, WORLD_FOUND_STUCK_WAITER, site, format, list);
}

void finding_idle(void)
{
    uint32_t waiting = 0;
    const struct entity *first = NULL;
    for (uint32_t id = 0; id < W.entity_count; id++) {
        const struct entity *entity = entity_of((uint16_t)id);
        if (!finding_waiter(entity)) continue;
        /* The guilty one is a waiter that waits for no other thread's end. */
        if (first == NULL || first->wait == WAIT_JOIN) first = entity;
        waiting++;
    }
    if (first) world_stack_of(first->id, &W.finding.stack);
    /* The stack is that of the guilty one, not of the one that was last to run. */
    raise_idle(first ? first->id : W.self->id, first ? first->wait_site : 0,
               "nothing can run any more, and %u thread%s still wait%s", waiting,
               waiting == 1 ? "" : "s", waiting == 1 ? "s" : "");
}

/* --- stacks: by frame pointers, or by the tables for exceptions --- */

static void walk(uintptr_t frame, uintptr_t low, uintptr_t high, struct world_stack *out)
{
    while (out->depth < WORLD_STACK_MAX && frame >= low && frame + 16 <= high && frame % 8 == 0) {
        uintptr_t next, pc;
        memcpy(&next, (const void *)frame, sizeof next);
        memcpy(&pc, (const void *)(frame + 8), sizeof pc);
        if (pc == 0) return;
        out->pc[out->depth++] = pc;
        if (next <= frame) return;
        frame = next;
    }
}

struct unwinding {
    struct world_stack *out;
    uintptr_t from;  /* begin there; 0: everywhere */
    uintptr_t below; /* this address of the stack are our own frames */
};

static _Unwind_Reason_Code take_frame(struct _Unwind_Context *context, void *argument)
{
    struct unwinding *unwinding = argument;
    struct world_stack *out = unwinding->out;
    uintptr_t pc = _Unwind_GetIP(context);
    if (_Unwind_GetCFA(context) <= unwinding->below) return _URC_NO_REASON;
    if (unwinding->from != 0 && pc != unwinding->from) return _URC_NO_REASON;
    if (out->depth == WORLD_STACK_MAX || pc == 0) return _URC_END_OF_STACK;
    /* An interrupted place is no return address: those are behind the call. */
    out->pc[out->depth++] = unwinding->from != 0 ? pc + 1 : pc;
    unwinding->from = 0;
    return _URC_NO_REASON;
}

static void unwind(uintptr_t from, uintptr_t below, struct world_stack *out)
{
    struct unwinding unwinding = {out, from, below};
    out->depth = 0;
    _Unwind_Backtrace(take_frame, &unwinding);
}

__attribute__((noinline)) void world_stack_here(struct world_stack *out)
{
    uintptr_t low, high;
    out->depth = 0;
    if (!W.running || W.self == NULL) return;
    if (W.unwinds) {
        unwind(0, (uintptr_t)__builtin_frame_address(0), out);
        return;
    }
    /* A task runs on the stack of whoever was running: find it by address. */
    uintptr_t frame = (uintptr_t)__builtin_frame_address(0);
    for (uint32_t id = 0; id < W.entity_count; id++) {
        fiber_stack_range(entity_of((uint16_t)id), &low, &high);
        if (frame >= low && frame < high) walk(frame, low, high, out);
        if (out->depth > 0) return;
    }
}

void world_stack_of(uint16_t id, struct world_stack *out)
{
    uintptr_t low, high;
    const struct entity *entity = entity_of(id);
    out->depth = 0;
    if (entity->slot == WORLD_NOBODY) return;
    if (entity == W.self) {
        world_stack_here(out);
        return;
    }
    fiber_stack_range(entity, &low, &high);
    walk((uintptr_t)world_switch_frame(entity->stack_pointer), low, high, out);
}

void finding_stack_from(uintptr_t pc, uintptr_t caller, uintptr_t frame)
{
    uintptr_t low, high, next = 0;
    struct world_stack *stack = &W.finding.stack;
    if (W.unwinds) {
        unwind(pc, 0, stack);
        if (stack->depth > 0) return;
    }
    fiber_stack_range(W.self, &low, &high);
    stack->depth = 1;
    stack->pc[0] = pc + 1; /* the others are return addresses: behind the call */
    if (frame >= low && frame + 16 <= high) {
        memcpy(&next, (const void *)(frame + 8), sizeof next);
    }
    /* A function without a frame of its own: the first one found is its caller's. */
    if (caller != 0 && caller != next) stack->pc[stack->depth++] = caller;
    walk(frame, low, high, stack);
}
