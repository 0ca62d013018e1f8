/* Objects of the machine, numbered in the order of their first use. */
#include "contend.h"
#include "signal.h"

static const char *const kind_words[OBJECT_KINDS] = {
    "mutex", "condition", "rwlock", "semaphore", "barrier", "spinlock", "once", "thread", "queue",
    "point", "word", "descriptor", "destroyed object",
};

/* --- what explored executions have in common --- */

static const void *names[WORLD_OBJECTS_MAX]; /* of those that lie on a stack */

static bool is_on_stack(const void *address)
{
    return (uintptr_t)address - STACKS_FROM < STACKS_BYTES;
}

/* Where a local variable lies, and which others have the same place, is the compiler's choice;
 * which one of its thread's it is depends on that thread alone. Who else uses it first may be
 * chance, so then it is called by its address all the same. */
static void name_local(uint32_t id, enum object_kind kind, const void *address)
{
    struct entity *self = W.self;
    names[id] = address;
    if (kind == OBJECT_ATOMIC) return; /* no id stands in a word: it is known by its address */
    if (self == NULL || self->slot != ((uintptr_t)address - STACKS_FROM) / STACK_BYTES) return;
    uint64_t number = (uint64_t)W.slots_kept << 32 | ++self->locals;
    names[id] = (const void *)(uintptr_t)(mix(self->path, number) | 1ull << 63);
}

const void *world_object_place(uint32_t object)
{
    const void *address = world_object_address(object);
    return is_on_stack(address) ? names[object] : address;
}

/* The id in it is looked for in what may be anything: an atomic number, no longer used. */
__attribute__((no_sanitize("address", "thread")))
const void *object_place(const void *address)
{
    if (!is_on_stack(address) || (uintptr_t)address % sizeof(uint32_t) != 0) return address;
    uint32_t id = *(const uint32_t *)address;
    return world_object_address(id) == address ? names[id] : address;
}

/* --- objects --- */

uint32_t object_new(const void *address, enum object_kind kind, uintptr_t site)
{
    if (W.object_count == WORLD_OBJECTS_MAX) {
        finding_raise(WORLD_FOUND_MEMORY, site, "more than %d locks, conditions and other objects",
                      WORLD_OBJECTS_MAX);
    }
    uint32_t id = W.object_count++;
    W.objects[id] = (struct object){
        .address = address,
        .kind = (uint8_t)kind,
        .tried = W.release_points,
        .site = site,
        .write_hash = kind + 1,
        .ordinal = ++W.ordinals[kind],
    };
    if (UNLIKELY(is_on_stack(address))) name_local(id, kind, address);
    return id;
}

uint32_t object_init(uint32_t *storage, enum object_kind kind, uintptr_t site)
{
    uint32_t id = *storage = object_new(storage, kind, site);
    W.objects[id].maker = (W.self ? W.self->group : 0) + 1u;
    return id;
}

uint32_t world_objects_live(uint8_t group)
{
    uint32_t count = 0;
    for (uint32_t id = 1; id < W.object_count; id++) {
        const struct object *object = &W.objects[id];
        count += object->maker == group + 1u && object->kind != OBJECT_DESTROYED;
    }
    return count;
}

void world_release_points(void)
{
    if (W.release_points) return;
    W.release_points = true;
    for (uint32_t id = 1; id < W.object_count; id++) W.objects[id].tried = true;
}

static void check_alive(const uint32_t *storage, enum object_kind kind, uintptr_t site)
{
    struct world_block block;
    char place[128];
    bool freed;
    if (!arena_find(storage, &block, &freed) || !freed) return;
    finding_memory((uintptr_t)storage, place, sizeof place);
    finding_detail("%s", place);
    finding_raise(WORLD_FOUND_USE_AFTER_FREE, site, "a %s is used after its memory was freed",
                  kind_words[kind]);
}

__attribute__((no_sanitize("address")))
uint32_t object_adopt(uint32_t *storage, enum object_kind kind, uintptr_t site)
{
    uint32_t id = *storage;
    if (id == 0) return *storage = object_new(storage, kind, site);
    check_alive(storage, kind, site);
    const struct object *known = id < W.object_count ? &W.objects[id] : NULL;
    if (known && known->kind == OBJECT_DESTROYED && known->address == storage) {
        finding_raise(WORLD_FOUND_USE_DESTROYED, site, "a %s is used after it was destroyed",
                      kind_words[kind]);
    }
    if (known && known->kind == kind) {
        finding_raise(WORLD_FOUND_UNINITIALISED_OBJECT, site,
                      "a copy of a %s is used: only the original may be", kind_words[kind]);
    }
    finding_raise(WORLD_FOUND_UNINITIALISED_OBJECT, site, "a %s is used without initialisation",
                  kind_words[kind]);
}

void object_destroy(uint32_t *storage, enum object_kind kind, uintptr_t site)
{
    uint32_t id = object_at(storage, kind, site);
    struct object *object = &W.objects[id];
    if (object->owner || contenders_any(object) || object->waiters ||
        (kind == OBJECT_RWLOCK && object->count)) {
        finding_detail("acquired or used at {pc:%lx}", (unsigned long)object->site);
        finding_raise(WORLD_FOUND_DESTROY_BUSY, site, "a %s is destroyed while it is %s",
                      kind_words[kind], object->owner ? "held" : "in use");
    }
    object->kind = OBJECT_DESTROYED;
    step_record(WORLD_OP_DESTROY, id, WORLD_WRITE, 0);
}

const void *world_object_address(uint32_t object)
{
    return object < W.object_count ? W.objects[object].address : NULL;
}

const char *world_object_kind(uint32_t object)
{
    return object > 0 && object < W.object_count ? kind_words[W.objects[object].kind] : "";
}

/* Not the first of the queue. */
void queue_remove_inner(uint16_t *head, uint16_t *tail, struct entity *entity)
{
    uint16_t previous = *head;
    while (previous != 0) {
        struct entity *before = entity_of((uint16_t)(previous - 1));
        if (before->next == entity->id + 1) {
            before->next = entity->next;
            if (*tail == entity->id + 1) *tail = previous;
            return;
        }
        previous = before->next;
    }
}
