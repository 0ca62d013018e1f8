#include "core/turn.h"

#include "core/core.h"
#include "core/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- locks ---- */

enum core_result core_lock_init(struct core_lock *lock, enum lock_rank rank)
{
    lock->rank = rank;
    return pthread_mutex_init(&lock->mutex, NULL) == 0 ? CORE_OK : CORE_NO_MEMORY;
}

void core_lock_destroy(struct core_lock *lock)
{
    REQUIRE(pthread_mutex_destroy(&lock->mutex) == 0);
}

enum core_result core_cond_init(pthread_cond_t *cond)
{
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes) != 0)
        return CORE_NO_MEMORY;
    int rc = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    if (rc == 0)
        rc = pthread_cond_init(cond, &attributes);
    pthread_condattr_destroy(&attributes);
    return rc == 0 ? CORE_OK : CORE_NO_MEMORY;
}

enum core_result core_lock_and_cond_init(struct core_lock *lock, enum lock_rank rank,
                                         pthread_cond_t *cond)
{
    enum core_result rc = core_lock_init(lock, rank);
    if (rc != CORE_OK)
        return rc;
    rc = core_cond_init(cond);
    if (rc != CORE_OK)
        core_lock_destroy(lock);
    return rc;
}

static uint32_t rank_bit(enum lock_rank rank)
{
    REQUIRE(rank < LOCK_RANK_COUNT);
    return 1u << rank;
}

bool turn_holds(const struct turn *turn, enum lock_rank rank)
{
    return (turn->ranks_held & rank_bit(rank)) != 0;
}

void turn_lock(struct turn *turn, struct core_lock *lock)
{
    REQUIRE(turn->effects != NULL);   /* nobody would carry out what is owed after its end */
    /* Every rank held must be smaller: the whole mask is below the new bit. */
    REQUIRE(turn->ranks_held < rank_bit(lock->rank));
    REQUIRE(pthread_mutex_lock(&lock->mutex) == 0);
    turn->ranks_held |= rank_bit(lock->rank);
}

void turn_unlock(struct turn *turn, struct core_lock *lock)
{
    REQUIRE(turn_holds(turn, lock->rank));
    turn->ranks_held &= ~rank_bit(lock->rank);
    REQUIRE(pthread_mutex_unlock(&lock->mutex) == 0);
}

bool turn_wait(struct turn *turn, pthread_cond_t *cond, struct core_lock *lock,
               uint64_t deadline_us)
{
    REQUIRE(turn->ranks_held == rank_bit(lock->rank));
    if (deadline_us == 0) {
        REQUIRE(pthread_cond_wait(cond, &lock->mutex) == 0);
        return true;
    }
    struct timespec deadline = {
        .tv_sec = (time_t)(deadline_us / 1000000u),
        .tv_nsec = (long)(deadline_us % 1000000u) * 1000,
    };
    int rc = pthread_cond_timedwait(cond, &lock->mutex, &deadline);
    REQUIRE(rc == 0 || rc == ETIMEDOUT);
    return rc == 0;
}

uint64_t core_now_us(void)
{
    struct timespec now;
    REQUIRE(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

/* ---- effects ---- */

void turn_begin(struct turn *turn, struct core *core)
{
    turn->core = core;
    turn->ranks_held = 0;
    turn->count = 0;
    turn->capacity = TURN_EFFECTS_INLINE;
    turn->effects = turn->inline_effects;
}

static void grow(struct turn *turn)
{
    size_t capacity = turn->capacity * 2;
    bool is_inline = turn->effects == turn->inline_effects;
    /* The state has changed already: an effect that is owed cannot be taken back. */
    struct effect *effects = memory_owed(turn->core, is_inline ? NULL : turn->effects,
                                         capacity * sizeof *effects);
    if (is_inline)
        memcpy(effects, turn->inline_effects, turn->count * sizeof *effects);
    turn->effects = effects;
    turn->capacity = capacity;
}

struct effect *turn_owe(struct turn *turn, enum effect_kind kind)
{
    if (turn->count == turn->capacity)
        grow(turn);
    struct effect *effect = &turn->effects[turn->count++];
    effect->kind = kind;
    return effect;
}

void turn_owe_call(struct turn *turn, effect_call fn, void *context, uint64_t number)
{
    struct effect *effect = turn_owe(turn, EFFECT_CALL);
    effect->u.call.fn = fn;
    effect->u.call.context = context;
    effect->u.call.number = number;
}

static void want_write(struct turn *turn, struct effect *effect)
{
    struct transport_port *port = &turn->core->transport;
    trace_point(turn, TP_CONN_WANT_WRITE, effect->subject, effect->u.conn.conn.generation, 0, 0);
    port->want_write(port->context, effect->u.conn.handle, effect->u.conn.conn);
}

static void carry_out(struct turn *turn, struct effect *effect)
{
    struct core *core = turn->core;
    switch (effect->kind) {
    case EFFECT_TRACE:
        core->trace_port.point(core->trace_port.context, &effect->u.record);
        return;
    case EFFECT_WANT_WRITE:
        want_write(turn, effect);
        return;
    case EFFECT_CLOSE:
        core->transport.close(core->transport.context, effect->u.conn.handle, effect->u.conn.conn,
                              effect->u.conn.code);
        return;
    case EFFECT_PUBLISH_DONE:
        effect->u.publish.done(effect->u.publish.context, effect->u.publish.result,
                               effect->u.publish.epoch, effect->u.publish.seq);
        return;
    case EFFECT_OPEN_DONE:
        effect->u.open.done(effect->u.open.context, effect->u.open.result, effect->u.open.session,
                            effect->u.open.epoch);
        return;
    case EFFECT_PROMPT_DONE:
        effect->u.prompt.done(effect->u.prompt.context, &effect->u.prompt.answer);
        free(effect->u.prompt.answer.values);
        return;
    case EFFECT_REQUEST_STOP:
        if (core->agents.request_stop != NULL)
            core->agents.request_stop(core->agents.context, effect->subject, effect->u.stop);
        return;
    case EFFECT_START_RUN:
        run_launch(turn, effect->u.run);
        return;
    case EFFECT_REMOVE_SESSION:
        session_remove(turn, effect->u.session);
        return;
    case EFFECT_ALERTS:
        alerts_tell(turn);
        return;
    case EFFECT_CALL:
        effect->u.call.fn(core, effect->u.call.context, effect->u.call.number);
        return;
    }
    UNREACHABLE();
}

void turn_flush(struct turn *turn)
{
    REQUIRE(turn->ranks_held == 0);
    /* Carrying out may owe more, and may move the array: a copy, and the count is read anew. */
    for (size_t i = 0; i < turn->count; i++) {
        struct effect effect = turn->effects[i];
        if (effect.kind == EFFECT_TRACE)
            effect.u.record.subject = effect.subject;
        carry_out(turn, &effect);
        REQUIRE(turn->ranks_held == 0);
    }
    turn->count = 0;
}

void turn_end(struct turn *turn)
{
    turn_flush(turn);
    if (turn->effects != turn->inline_effects)
        free(turn->effects);
    turn->effects = NULL;
}
