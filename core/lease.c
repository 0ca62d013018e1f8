#include "core/lease.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* Clocks of two machines may run apart by this share of a lease before a holder errs. */
enum { MARGIN_SHARE = 10 };

static struct lease_ref ref_of(const struct lease *lease)
{
    return (struct lease_ref){ lease->slot, lease->generation };
}

static struct lease *find(struct leases *leases, uint32_t slot, uint64_t generation)
{
    if (slot >= leases->capacity)
        return NULL;
    struct lease *lease = leases->slots[slot];
    return lease && lease->generation == generation ? lease : NULL;
}

uint64_t lease_margin_us(const struct lease *lease)
{
    return lease->ttl_us / MARGIN_SHARE;
}

void lease_new_owner(struct core *core, struct lease *lease)
{
    struct leases *leases = core->leases;
    int length = snprintf(lease->owner, sizeof lease->owner, "%.24s-%016llx-%llx", core->name,
                          (unsigned long long)leases->nonce,
                          (unsigned long long)++leases->owners);
    REQUIRE(length > 0 && (size_t)length < sizeof lease->owner);
    lease->token = 0;
    lease->doubt = false;
}

struct lease_answer lease_owe(struct lease *lease, enum core_result result)
{
    struct lease_answer answer = { .done = lease->done,
                                   .context = lease->done_context,
                                   .result = result,
                                   .lease = ref_of(lease),
                                   .token = lease->token };
    lease->done = NULL;
    return answer;
}

void lease_tell(struct turn *turn, const struct lease_answer *answer)
{
    turn_flush(turn);
    if (answer->done)
        answer->done(answer->context, answer->result, answer->lease, answer->token);
    if (answer->lost)
        answer->lost(answer->context, answer->lease);
}

static void end(struct turn *turn, struct lease *lease, bool lost)
{
    REQUIRE(lease->phase != LEASE_ENDING);
    if (lease->phase == LEASE_HELD)
        watch_ended(turn, lease, lost);
    lease_disarm(turn, lease);
    lease->phase = LEASE_ENDING;
    lease->attempts = 0;
    lease->due_us = 0;
    pthread_cond_signal(&turn->core->leases->changed);
}

struct lease_answer lease_lose(struct turn *turn, struct lease *lease)
{
    REQUIRE(lease->phase == LEASE_HELD);
    end(turn, lease, true);
    trace_owe(turn, TP_LOCK_LOST, lease->key, lease->token, 0, 0);
    return (struct lease_answer){ .lost = lease->on_lost,
                                  .context = lease->lost_context,
                                  .lease = ref_of(lease) };
}

struct lease_answer lease_give_up(struct turn *turn, struct lease *lease, enum core_result result)
{
    REQUIRE(lease->phase == LEASE_WANTED);
    watch_failed(turn, lease, result);
    end(turn, lease, false);
    return lease_owe(lease, result);
}

/* ---- deadlines: told by a timer, because the thread may be held up by the store ---- */

static void on_deadline(struct core *core, struct timer_target target)
{
    struct leases *leases = core->leases;
    struct lease_answer answer = { 0 };
    struct turn turn;
    turn_begin(&turn, core);
    turn_lock(&turn, &leases->lock);
    struct lease *lease = find(leases, target.slot, target.generation);
    if (lease && lease->timer_number == target.number) {
        lease->timer = 0;
        if (lease->phase == LEASE_WANTED)
            answer = lease_give_up(&turn, lease, CORE_EXPIRED);
        else if (lease->phase == LEASE_HELD && core_now_us() >= lease->valid_until_us)
            answer = lease_lose(&turn, lease);
        else if (lease->phase == LEASE_HELD)
            lease_arm(&turn, lease, lease->valid_until_us);
    }
    turn_unlock(&turn, &leases->lock);
    lease_tell(&turn, &answer);
    turn_end(&turn);
}

void lease_arm(struct turn *turn, struct lease *lease, uint64_t due_us)
{
    REQUIRE(lease->timer == 0);
    struct timer_target target = { lease->slot, lease->generation, lease->timer_number };
    lease->timer = timer_arm(turn, due_us, on_deadline, target);
}

void lease_disarm(struct turn *turn, struct lease *lease)
{
    lease->timer_number++;   /* what is on its way is about the past */
    timer_cancel(turn, lease->timer);
    lease->timer = 0;
}

/* ---- acquire ---- */

static struct lease *lease_new(const char *key, uint64_t ttl_us,
                               const struct lease_options *options, lease_done done, void *context)
{
    struct lease *lease = calloc(1, sizeof *lease);
    if (!lease)
        return NULL;
    core_set_name(lease->key, key);
    lease->ttl_us = ttl_us;
    lease->phase = LEASE_WANTED;
    lease->done = done;
    lease->done_context = context;
    if (options) {
        lease->waits = options->wait_us > 0;
        lease->give_up_us = core_now_us() + options->wait_us;
        lease->on_lost = options->on_lost;
        lease->lost_context = options->context;
    }
    return lease;
}

static enum core_result place(struct leases *leases, struct lease *lease)
{
    uint32_t slot = 0;
    while (slot < leases->capacity && leases->slots[slot])
        slot++;
    if (slot == LEASES_MAX)
        return CORE_LIMIT;
    if (slot == leases->capacity) {
        uint32_t capacity = leases->capacity ? leases->capacity * 2 : 4;
        struct lease **slots = realloc(leases->slots, capacity * sizeof(struct lease *));
        if (!slots)
            return CORE_NO_MEMORY;
        memset(slots + slot, 0, (capacity - slot) * sizeof(struct lease *));
        leases->slots = slots;
        leases->capacity = capacity;
    }
    lease->slot = slot;
    lease->generation = ++leases->generations;
    leases->slots[slot] = lease;
    leases->count++;
    return CORE_OK;
}

/* A core that never takes a lease has no thread for it. */
static enum core_result start_thread(struct core *core)
{
    struct leases *leases = core->leases;
    if (leases->running)
        return CORE_OK;
    if (getrandom(&leases->nonce, sizeof leases->nonce, 0) != (ssize_t)sizeof leases->nonce)
        return CORE_FAILED;
    enum core_result result =
        core_thread_create(&leases->thread, core->name, "leases", lease_worker_main, core);
    leases->running = result == CORE_OK;
    return result;
}

static enum core_result insert(struct turn *turn, struct lease *lease)
{
    struct leases *leases = turn->core->leases;
    if (leases->stop)
        return CORE_DRAINING;
    enum core_result result = start_thread(turn->core);
    if (result == CORE_OK)
        result = place(leases, lease);
    if (result != CORE_OK)
        return result;
    lease_new_owner(turn->core, lease);
    if (lease->waits)
        lease_arm(turn, lease, lease->give_up_us);
    pthread_cond_signal(&leases->changed);
    return CORE_OK;
}

enum core_result lease_begin(struct turn *turn, const char *key, uint64_t ttl_us,
                             const struct lease_options *options, lease_done done, void *context,
                             struct lease_ref *ref)
{
    struct core *core = turn->core;
    char name[CORE_NAME_MAX];
    REQUIRE(done);
    if (!core->leases)
        return CORE_UNAVAILABLE;
    if (!core_copy_name(name, key))
        return CORE_INVALID;
    ttl_us = ttl_us ? ttl_us : core->settings.lease_ttl_us;
    struct lease *lease = lease_new(name, ttl_us, options, done, context);
    if (!lease)
        return CORE_NO_MEMORY;
    turn_lock(turn, &core->leases->lock);
    enum core_result result = insert(turn, lease);
    if (result == CORE_OK)
        *ref = ref_of(lease);
    turn_unlock(turn, &core->leases->lock);
    if (result != CORE_OK)
        free(lease);
    return result;
}

enum core_result lease_acquire(struct core *core, const char *key, uint64_t ttl_us,
                               const struct lease_options *options, lease_done done, void *context)
{
    struct lease_ref ref;
    struct turn turn;
    if (!done)
        return CORE_INVALID;
    turn_begin(&turn, core);
    enum core_result result =
        core_is_running(&turn) ? lease_begin(&turn, key, ttl_us, options, done, context, &ref)
                               : CORE_DRAINING;
    turn_end(&turn);
    return result;
}

void lease_abandon(struct turn *turn, struct lease_ref ref)
{
    struct leases *leases = turn->core->leases;
    struct lease_answer answer = { 0 };
    turn_lock(turn, &leases->lock);
    struct lease *lease = find(leases, ref.slot, ref.generation);
    if (lease && lease->phase == LEASE_WANTED)
        answer = lease_give_up(turn, lease, CORE_CANCELLED);
    turn_unlock(turn, &leases->lock);
    lease_tell(turn, &answer);
}

/* ---- hold and release ---- */

uint64_t lease_token(struct core *core, struct lease_ref ref)
{
    struct turn turn;
    uint64_t token = 0;
    if (!core->leases)
        return 0;
    turn_begin(&turn, core);
    turn_lock(&turn, &core->leases->lock);
    struct lease *lease = find(core->leases, ref.slot, ref.generation);
    if (lease && lease->phase == LEASE_HELD && core_now_us() < lease->valid_until_us) {
        token = lease->token;
        watch_progress(&turn, lease);
    }
    turn_unlock(&turn, &core->leases->lock);
    turn_end(&turn);
    return token;
}

bool lease_valid(struct core *core, struct lease_ref ref)
{
    return lease_token(core, ref) != 0;
}

enum core_result lease_release(struct core *core, struct lease_ref ref, lease_done done,
                               void *context)
{
    struct turn turn;
    if (!core->leases)
        return CORE_UNAVAILABLE;
    turn_begin(&turn, core);
    turn_lock(&turn, &core->leases->lock);
    struct lease *lease = find(core->leases, ref.slot, ref.generation);
    bool held = lease && lease->phase == LEASE_HELD;
    if (held) {
        end(&turn, lease, false);
        lease->done = done;
        lease->done_context = context;
    } else {
        core->leases->stale_calls++;
    }
    turn_unlock(&turn, &core->leases->lock);
    turn_end(&turn);
    return held ? CORE_OK : CORE_STALE;
}

void lease_key(char key[CORE_NAME_MAX], const char *prefix, const char *name, const char *suffix)
{
    int length = snprintf(key, CORE_NAME_MAX, "%s%s%s", prefix, name, suffix);
    if (length < CORE_NAME_MAX)
        return;
    uint64_t hash = 14695981039346656037u;
    for (const char *c = name; *c; c++)
        hash = (hash ^ (unsigned char)*c) * 1099511628211u;
    length = snprintf(key, CORE_NAME_MAX, "%s%.12s~%016llx%s", prefix, name,
                      (unsigned long long)hash, suffix);
    REQUIRE(length < CORE_NAME_MAX);
}
