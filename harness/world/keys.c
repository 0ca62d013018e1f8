/* Thread-specific data. */
#include "internal.h"

#include <limits.h>
#include <string.h>

struct key {
    bool used;
    void (*destructor)(void *);
};

static struct key keys[KEYS_MAX];
static void *values[WORLD_ENTITIES_MAX][KEYS_MAX];
static uint32_t keys_used; /* above the highest key in use */
static struct key kept[KEYS_MAX];
static uint32_t kept_used;

void keys_reset(void)
{
    memset(keys, 0, keys_used * sizeof *keys);
    memcpy(keys, kept, kept_used * sizeof *keys);
    keys_used = kept_used;
}

void keys_keep(void)
{
    memcpy(kept, keys, sizeof kept);
    kept_used = keys_used;
}

/* Values of a key are cleared when the key or the thread begins, whichever is later. */
static void *read_value(const struct entity *entity, uint32_t key)
{
    return entity->has_keys ? values[entity->slot][key] : NULL;
}

int world_pthread_key_create(pthread_key_t *key, void (*destructor)(void *))
{
    uint32_t at = 0;
    while (at < KEYS_MAX && keys[at].used) at++;
    if (at == KEYS_MAX) return EAGAIN;
    keys[at] = (struct key){true, destructor};
    if (at >= keys_used) keys_used = at + 1;
    for (uint32_t slot = 0; slot < W.thread_count; slot++) values[slot][at] = NULL;
    *key = at;
    return 0;
}

int world_pthread_key_delete(pthread_key_t key)
{
    if (key >= KEYS_MAX || !keys[key].used) return EINVAL;
    keys[key] = (struct key){0};
    return 0;
}

int world_pthread_setspecific(pthread_key_t key, const void *value)
{
    struct entity *self = W.self;
    if (key >= KEYS_MAX || !keys[key].used) return EINVAL;
    if (!self->has_keys) {
        if (value == NULL) return 0;
        memset(values[self->slot], 0, keys_used * sizeof(void *));
        self->has_keys = true;
    }
    W.unseen++;
    values[self->slot][key] = (void *)(uintptr_t)value;
    return 0;
}

void *world_pthread_getspecific(pthread_key_t key)
{
    return key < KEYS_MAX && keys[key].used ? read_value(W.self, key) : NULL;
}

static bool destroy_round(struct entity *entity)
{
    bool called = false;
    for (uint32_t at = 0; at < keys_used; at++) {
        void *value = values[entity->slot][at];
        if (!keys[at].used || value == NULL) continue;
        values[entity->slot][at] = NULL;
        if (keys[at].destructor == NULL) continue;
        called = true;
        keys[at].destructor(value);
    }
    return called;
}

void keys_destroy(struct entity *entity)
{
    for (int round = 0; round < PTHREAD_DESTRUCTOR_ITERATIONS; round++) {
        if (!destroy_round(entity)) return;
    }
}

void keys_look(const struct entity *entity, void (*look)(const char *from, const char *to))
{
    const char *first = (const char *)values[entity->slot];
    if (entity->has_keys) look(first, first + keys_used * sizeof(void *));
}
