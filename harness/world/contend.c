/* Contenders that have no bit: crowds, and the list. */
#include "contend.h"

#include <string.h>

enum { CROWDS = UINT8_MAX };

/* Unlike a list it is enabled and disabled a word at a time, whoever is in it. */
static struct crowd {
    uint64_t members[SET_WORDS];
    uint32_t count;
} crowds[CROWDS];

static uint8_t unused[CROWDS]; /* numbers from 1 on, as in object.crowd */
static uint32_t unused_count, ever_used;

void contenders_reset(void)
{
    if (ever_used == 0) return; /* clearing nothing takes a hundred nanoseconds, too */
    memset(crowds, 0, ever_used * sizeof *crowds);
    unused_count = ever_used = 0;
}

static struct crowd *crowd_of(const struct object *mutex)
{
    return &crowds[mutex->crowd - 1];
}

static bool crowd_begin(struct object *mutex)
{
    if (mutex->crowd != 0) return true;
    if (unused_count > 0) {
        mutex->crowd = unused[--unused_count];
    } else if (ever_used < CROWDS) {
        mutex->crowd = (uint8_t)++ever_used;
    }
    return mutex->crowd != 0;
}

static bool crowd_add(struct object *mutex, const struct entity *entity)
{
    if (entity->home_class != WORLD_THREAD || entity->paused) return false;
    if (!crowd_begin(mutex)) return false;
    struct crowd *crowd = crowd_of(mutex);
    crowd->members[entity->id >> 6] |= 1ull << (entity->id & 63);
    crowd->count++;
    return true;
}

bool contenders_crowd_remove(struct object *mutex, const struct entity *entity)
{
    if (mutex->crowd == 0) return false;
    struct crowd *crowd = crowd_of(mutex);
    uint64_t *word = &crowd->members[entity->id >> 6], bit = 1ull << (entity->id & 63);
    if (!(*word & bit)) return false;
    *word &= ~bit;
    if (--crowd->count > 0) return true;
    unused[unused_count++] = mutex->crowd;
    mutex->crowd = 0;
    return true;
}

void contenders_others_add(struct object *mutex, struct entity *entity)
{
    if (!crowd_add(mutex, entity)) queue_push(&mutex->head, &mutex->tail, entity);
}

void contenders_others_remove(struct object *mutex, struct entity *entity)
{
    if (contenders_crowd_remove(mutex, entity)) return;
    queue_remove(&mutex->head, &mutex->tail, entity);
}

void contenders_others_enable(struct object *mutex)
{
    for (uint32_t word = 0; mutex->crowd != 0 && word < W.words; word++) {
        W.enabled[WORLD_THREAD][word] |= crowd_of(mutex)->members[word];
    }
    for (uint16_t at = mutex->head; at != 0;) {
        struct entity *entity = entity_of((uint16_t)(at - 1));
        entity_enable(entity);
        at = entity->next;
    }
}

void contenders_others_disable(struct object *mutex)
{
    for (uint32_t word = 0; mutex->crowd != 0 && word < W.words; word++) {
        W.enabled[WORLD_THREAD][word] &= ~crowd_of(mutex)->members[word];
    }
    for (uint16_t at = mutex->head; at != 0;) {
        struct entity *entity = entity_of((uint16_t)(at - 1));
        if (entity->reason != WOKEN_TIMEOUT) entity_disable(entity);
        at = entity->next;
    }
}
