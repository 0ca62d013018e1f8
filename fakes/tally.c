/* Leases as their holders were told of them, beside what core_lock_metrics says. */
#include "fakes/tally.h"

#include "fakes/inspect.h"

enum { METRICS_MAX = 64 };

struct tally *tally_of(struct instance *instance, const char *key)
{
    world_meet_place(PLACE_LOCKS, WORLD_CHANGES);
    for (uint32_t i = 0; i < instance->tally_count; i++) {
        struct tally *tally = &instance->tallies[i];
        if (tally->life == instance->life && strcmp(tally->key, key) == 0) return tally;
    }
    if (instance->tally_count == TALLIES_MAX) return NULL;
    struct tally *tally = &instance->tallies[instance->tally_count++];
    *tally = (struct tally){ .key = key, .life = instance->life };
    return tally;
}

void tally_answer(struct instance *instance, const char *key, bool waited, enum core_result rc)
{
    struct tally *tally = tally_of(instance, key);

    if (tally == NULL) return;
    tally->granted += rc == CORE_OK;
    if (rc != CORE_CONFLICT && rc != CORE_EXPIRED) return;   /* nobody was in the way */
    *(waited ? &tally->failed : &tally->refused) += 1;
}

void tally_end(struct instance *instance, const char *key, uint64_t held_us, bool lost)
{
    struct tally *tally = tally_of(instance, key);

    if (tally == NULL) return;
    tally->ended++;
    tally->lost += lost;
    tally->held_us += held_us;
}

void tally_alert(struct instance *instance, const struct core_alert *alert)
{
    if (alert->kind == ALERT_HEALTH) {
        instance->unwell = alert->raised;
        instance->health_told++;
        return;
    }
    for (uint32_t i = 0; i < instance->tally_count; i++) {
        struct tally *tally = &instance->tallies[i];
        if (tally->life != instance->life || strcmp(tally->key, alert->subject) != 0) continue;
        if (alert->kind == ALERT_CONTENTION) tally->contended = alert->raised;
        else tally->stuck = alert->raised;
    }
}

static const struct lock_metrics *metrics_of(const struct lock_metrics *metrics, size_t count,
                                             const char *key)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(metrics[i].key, key) == 0) return &metrics[i];
    return NULL;
}

static void same(const struct instance *instance, const char *what, uint64_t told, uint64_t due)
{
    inspect_tell(instance, what, told, due, due);
}

static void compare(const struct instance *instance, const struct tally *tally,
                    const struct lock_metrics *told)
{
    same(instance, "grants of a key, as its holders were told", told->granted, tally->granted);
    same(instance, "holds of a key that are over", told->ended, tally->ended);
    same(instance, "holds of a key now", told->held, tally->granted - tally->ended);
    same(instance, "holds of a key that were lost", told->lost, tally->lost);
    same(instance, "refusals of a key", told->refused, tally->refused);
    same(instance, "waits for a key that came to nothing", told->failed, tally->failed);
    same(instance, "how long a key was held", told->hold_us_sum, tally->held_us);
    same(instance, "whether a key is contended", told->contended, tally->contended);
    same(instance, "whether a key's holder stands still", told->stuck, tally->stuck);
}

void tally_audit(struct instance *instance)
{
    static struct lock_metrics metrics[METRICS_MAX];
    const struct play *play = instance->play;
    size_t count = play->api->lock_metrics(instance->core, metrics, METRICS_MAX);

    if (count > METRICS_MAX || instance->tally_count == TALLIES_MAX || inspect_pauses(play))
        return;
    for (uint32_t i = 0; i < instance->tally_count; i++) {
        const struct tally *tally = &instance->tallies[i];
        const struct lock_metrics *told = metrics_of(metrics, count, tally->key);
        if (tally->life == instance->life && told != NULL) compare(instance, tally, told);
    }
}
