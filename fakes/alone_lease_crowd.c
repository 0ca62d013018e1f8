/* More locks than a core remembers, each taken and given back once: of those that nobody holds the
 * one that was used longest ago is forgotten. One of the first is held all the time. */
#include "fakes/alone_lease.h"

#include <stdio.h>
#include <stdlib.h>

enum { REMEMBERED = PACT_KEYS_TOLD, CROWD = PACT_CROWD, HELD = 2, FEW = 3 };

static const char *name_of_lock(char name[CORE_NAME_MAX], uint32_t number)
{
    (void)snprintf(name, CORE_NAME_MAX, "crowd %03u", number);
    return name;
}

static void on_answer(void *context, enum core_result rc, struct lease_ref ref, uint64_t token)
{
    struct lease_ref *given = context;

    (void)token;
    *given = rc == CORE_OK ? ref : (struct lease_ref){ 0, 0 };
}

static struct lease_ref take(struct leasing *leasing, uint32_t number)
{
    struct lease_ref *given = scratch_alloc(sizeof *given);
    char name[CORE_NAME_MAX];

    *given = (struct lease_ref){ 0, 0 };
    leasing_tell(leasing, "the answer to a lease that is asked for",
                 leasing->api->lease_acquire(leasing->core, name_of_lock(name, number), 0, NULL,
                                             on_answer, given), CORE_OK);
    world_sleep_until(ahead_ns(10));
    return *given;
}

static void give_back(struct leasing *leasing, struct lease_ref ref)
{
    leasing_tell(leasing, "the answer to a lease that is given back",
                 leasing->api->lease_release(leasing->core, ref, NULL, NULL), CORE_OK);
    world_sleep_until(ahead_ns(10));
}

static void compare_one(const struct leasing *leasing, const struct lock_metrics *told,
                        uint32_t number)
{
    bool held = number == HELD;

    leasing_tell(leasing, "grants of a lock that is remembered", told->granted, 1);
    leasing_tell(leasing, "holds of a lock that is remembered", told->held, held);
    leasing_tell(leasing, "ended holds of a lock that is remembered", told->ended, !held);
}

static void compare(struct leasing *leasing)
{
    struct lock_metrics *told = leasing->told;
    bool seen[CROWD] = { false };
    size_t count = leasing->api->lock_metrics(leasing->core, told, CROWD);

    leasing_tell(leasing, "locks that are remembered", count, REMEMBERED);
    for (size_t i = 0; i < count && i < CROWD; i++) {
        char name[CORE_NAME_MAX];
        uint32_t number = (uint32_t)atoi(told[i].key + strlen("crowd "));
        bool known = number < CROWD && strcmp(name_of_lock(name, number), told[i].key) == 0;
        leasing_tell(leasing, "whether a lock that is remembered was asked for", known, 1);
        if (!known) return;
        seen[number] = true;
        compare_one(leasing, &told[i], number);
    }
    for (uint32_t i = 0; i < CROWD; i++)
        leasing_tell(leasing, "whether a lock is remembered", seen[i],
                     i == HELD || i > CROWD - REMEMBERED);
    told[FEW].granted = 7;
    leasing_tell(leasing, "locks that there is no room for",
                 leasing->api->lock_metrics(leasing->core, told, FEW), REMEMBERED);
    leasing_tell(leasing, "what lies behind the locks that were asked for", told[FEW].granted, 7);
}

void leasing_crowd(struct leasing *leasing)
{
    struct lease_ref held = { 0, 0 };

    leasing->crowded = true;
    for (uint32_t i = 0; i < CROWD; i++) {
        struct lease_ref ref = take(leasing, i);
        if (i == HELD) held = ref;
        else give_back(leasing, ref);
    }
    compare(leasing);
    give_back(leasing, held);
    leasing->crowded = false;
}
