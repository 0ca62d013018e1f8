/* Loops and sections: who does which part. */
#include "calls.h"
#include "openmp.h"

/* --- pieces, as numbers of iterations from 0 --- */

static bool give(struct thread *thread, uint64_t from, uint64_t count)
{
    const struct share *share = thread->share;
    if (from >= share->count) return false;
    thread->piece = from;
    thread->piece_end = count < share->count - from ? from + count : share->count;
    return true;
}

/* Without a size of pieces: one for each, the first ones longer by one where they do not divide. */
static bool next_static(struct thread *thread)
{
    const struct share *share = thread->share;
    uint64_t id = thread->id, size = thread->team->size, turn = (uint64_t)thread->pieces++;
    if (share->chunk > 0) return give(thread, (turn * size + id) * share->chunk, share->chunk);
    uint64_t each = share->count / size, more = share->count % size;
    if (turn > 0 || each + (id < more) == 0) return false;
    return give(thread, id * each + (id < more ? id : more), each + (id < more));
}

static bool next_dynamic(struct thread *thread)
{
    struct share *share = thread->share;
    openmp_point(&share->taken);
    uint64_t chunk = share->chunk > 0 ? share->chunk : 1;
    if (share->kind == SCHEDULE_GUIDED) {
        uint64_t part = (share->count - share->at + thread->team->size - 1) / thread->team->size;
        if (part > chunk) chunk = part;
    }
    if (!give(thread, share->at, chunk)) return false;
    share->at = thread->piece_end;
    return true;
}

/* Whoever has the iterations before comes first. */
static void await_turn(struct thread *thread)
{
    struct team *team = thread->team;
    while (thread->share->turn != thread->piece) pthread_cond_wait(&team->changed, &team->lock);
}

static void end_turn(struct thread *thread)
{
    struct team *team = thread->team;
    if (!thread->share->ordered || thread->piece == thread->piece_end) return;
    pthread_mutex_lock(&team->lock);
    await_turn(thread);
    thread->share->turn = thread->piece_end;
    pthread_cond_broadcast(&team->changed);
    pthread_mutex_unlock(&team->lock);
    thread->piece = thread->piece_end;
}

void GOMP_ordered_start(void)
{
    struct thread *thread = openmp_self();
    if (thread->share == NULL || !thread->share->ordered) return;
    pthread_mutex_lock(&thread->team->lock);
    await_turn(thread);
    pthread_mutex_unlock(&thread->team->lock);
}

void GOMP_ordered_end(void)
{
}

static bool next(struct thread *thread)
{
    end_turn(thread);
    return thread->share->kind == SCHEDULE_STATIC ? next_static(thread) : next_dynamic(thread);
}

/* --- loops --- */

static uint64_t iterations(bool up, uint64_t from, uint64_t to, uint64_t step)
{
    return up ? (to - from + step - 1) / step : (from - to - step - 1) / -step;
}

static struct share loop(enum schedule kind, uint64_t count, uint64_t start, uint64_t end,
                         uint64_t step, uint64_t chunk)
{
    return (struct share){.kind = kind, .count = count, .chunk = chunk, .first = start,
                          .step = step, .end = end};
}

static struct share loop_of(enum schedule kind, long start, long end, long step, uint64_t chunk)
{
    bool any = step > 0 ? start < end : start > end;
    uint64_t from = (uint64_t)start, to = (uint64_t)end, by = (uint64_t)step;
    return loop(kind, any ? iterations(step > 0, from, to, by) : 0, from, to, by, chunk);
}

static struct share wide_loop_of(enum schedule kind, bool up, uint64_t start, uint64_t end,
                                 uint64_t step, uint64_t chunk)
{
    bool any = up ? start < end : start > end;
    return loop(kind, any ? iterations(up, start, end, step) : 0, start, end, step, chunk);
}

/* The schedule that the run chooses. */
static struct share at_run(struct share share)
{
    openmp_schedule(&share.kind, &share.chunk);
    return share;
}

static struct share in_order(struct share share)
{
    share.ordered = true;
    return share;
}

static bool next_bounds(uint64_t *from, uint64_t *to)
{
    struct thread *thread = openmp_self();
    const struct share *share = thread->share;
    if (!next(thread)) return false;
    *from = share->first + thread->piece * share->step;
    *to = thread->piece_end == share->count ? share->end
                                            : share->first + thread->piece_end * share->step;
    return true;
}

static bool start_bounds(struct share share, uint64_t *from, uint64_t *to)
{
    openmp_share(&share);
    return next_bounds(from, to);
}

#define NEXT(name)                                                                                 \
    bool GOMP_loop_##name##_next(uint64_t *from, uint64_t *to);                                    \
    bool GOMP_loop_##name##_next(uint64_t *from, uint64_t *to) { return next_bounds(from, to); }   \
    bool GOMP_loop_ull_##name##_next(uint64_t *from, uint64_t *to);                                \
    bool GOMP_loop_ull_##name##_next(uint64_t *from, uint64_t *to)                                 \
    {                                                                                              \
        return next_bounds(from, to);                                                              \
    }

#define LOOP(name, kind, wrap)                                                                     \
    bool GOMP_loop_##name##_start(long start, long end, long step, long chunk, uint64_t *from,     \
                                  uint64_t *to);                                                   \
    bool GOMP_loop_##name##_start(long start, long end, long step, long chunk, uint64_t *from,     \
                                  uint64_t *to)                                                    \
    {                                                                                              \
        return start_bounds(wrap(loop_of(kind, start, end, step, (uint64_t)chunk)), from, to);     \
    }                                                                                              \
    bool GOMP_loop_ull_##name##_start(bool up, uint64_t start, uint64_t end, uint64_t step,        \
                                      uint64_t chunk, uint64_t *from, uint64_t *to);               \
    bool GOMP_loop_ull_##name##_start(bool up, uint64_t start, uint64_t end, uint64_t step,        \
                                      uint64_t chunk, uint64_t *from, uint64_t *to)                \
    {                                                                                              \
        return start_bounds(wrap(wide_loop_of(kind, up, start, end, step, chunk)), from, to);      \
    }                                                                                              \
    NEXT(name)

#define LOOP_AT_RUN(name, wrap)                                                                    \
    bool GOMP_loop_##name##_start(long start, long end, long step, uint64_t *from, uint64_t *to);  \
    bool GOMP_loop_##name##_start(long start, long end, long step, uint64_t *from, uint64_t *to)   \
    {                                                                                              \
        return start_bounds(wrap(at_run(loop_of(SCHEDULE_STATIC, start, end, step, 0))), from,     \
                            to);                                                                   \
    }                                                                                              \
    bool GOMP_loop_ull_##name##_start(bool up, uint64_t start, uint64_t end, uint64_t step,        \
                                      uint64_t *from, uint64_t *to);                               \
    bool GOMP_loop_ull_##name##_start(bool up, uint64_t start, uint64_t end, uint64_t step,        \
                                      uint64_t *from, uint64_t *to)                                \
    {                                                                                              \
        return start_bounds(wrap(at_run(wide_loop_of(SCHEDULE_STATIC, up, start, end, step, 0))),  \
                            from, to);                                                             \
    }                                                                                              \
    NEXT(name)

LOOP(static, SCHEDULE_STATIC, )
LOOP(dynamic, SCHEDULE_DYNAMIC, )
LOOP(guided, SCHEDULE_GUIDED, )
LOOP(nonmonotonic_dynamic, SCHEDULE_DYNAMIC, )
LOOP(nonmonotonic_guided, SCHEDULE_GUIDED, )
LOOP(ordered_static, SCHEDULE_STATIC, in_order)
LOOP(ordered_dynamic, SCHEDULE_DYNAMIC, in_order)
LOOP(ordered_guided, SCHEDULE_GUIDED, in_order)
LOOP_AT_RUN(runtime, )
LOOP_AT_RUN(nonmonotonic_runtime, )
LOOP_AT_RUN(maybe_nonmonotonic_runtime, )
LOOP_AT_RUN(ordered_runtime, in_order)

/* Loops that are a parallel region of their own: each thread asks for the next piece. */
#define PARALLEL(name, kind)                                                                       \
    void GOMP_parallel_loop_##name(openmp_body *body, void *data, unsigned threads, long start,    \
                                   long end, long step, long chunk, unsigned flags);               \
    void GOMP_parallel_loop_##name(openmp_body *body, void *data, unsigned threads, long start,    \
                                   long end, long step, long chunk, unsigned flags)                \
    {                                                                                              \
        (void)flags;                                                                               \
        struct share share = loop_of(kind, start, end, step, (uint64_t)chunk);                     \
        openmp_parallel(body, data, threads, &share);                                              \
    }

#define PARALLEL_AT_RUN(name)                                                                      \
    void GOMP_parallel_loop_##name(openmp_body *body, void *data, unsigned threads, long start,    \
                                   long end, long step, unsigned flags);                           \
    void GOMP_parallel_loop_##name(openmp_body *body, void *data, unsigned threads, long start,    \
                                   long end, long step, unsigned flags)                            \
    {                                                                                              \
        (void)flags;                                                                               \
        struct share share = at_run(loop_of(SCHEDULE_STATIC, start, end, step, 0));                \
        openmp_parallel(body, data, threads, &share);                                              \
    }

PARALLEL(static, SCHEDULE_STATIC)
PARALLEL(dynamic, SCHEDULE_DYNAMIC)
PARALLEL(guided, SCHEDULE_GUIDED)
PARALLEL(nonmonotonic_dynamic, SCHEDULE_DYNAMIC)
PARALLEL(nonmonotonic_guided, SCHEDULE_GUIDED)
PARALLEL_AT_RUN(runtime)
PARALLEL_AT_RUN(nonmonotonic_runtime)
PARALLEL_AT_RUN(maybe_nonmonotonic_runtime)

void GOMP_loop_end_nowait(void)
{
    openmp_share_leave();
}

void GOMP_loop_end(void)
{
    openmp_share_leave();
    openmp_barrier();
}

bool GOMP_loop_end_cancel(void)
{
    GOMP_loop_end();
    return false;
}

/* --- sections: numbers from 1; 0: no more --- */

unsigned GOMP_sections_next(void)
{
    struct thread *thread = openmp_self();
    return next(thread) ? (unsigned)thread->piece + 1 : 0;
}

unsigned GOMP_sections_start(unsigned count)
{
    openmp_share(&(struct share){.kind = SCHEDULE_DYNAMIC, .count = count});
    return GOMP_sections_next();
}

void GOMP_parallel_sections(openmp_body *body, void *data, unsigned threads, unsigned count,
                            unsigned flags)
{
    (void)flags;
    struct share share = {.kind = SCHEDULE_DYNAMIC, .count = count};
    openmp_parallel(body, data, threads, &share);
}

void GOMP_sections_end_nowait(void)
{
    openmp_share_leave();
}

void GOMP_sections_end(void)
{
    GOMP_loop_end();
}

bool GOMP_sections_end_cancel(void)
{
    return GOMP_loop_end_cancel();
}
