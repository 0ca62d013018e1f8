/* What weaker memory orders permit, and what they do not: the litmus tests of the literature (SB,
 * MP, IRIW, WRC, RWC, CoRR, CoWR), with what C11 says of each. A case fails an assertion where its
 * outcome is met: seen_... has to meet it, never_... may not. */
#include "cases.h"

#include <assert.h>
#include <stdatomic.h>

static atomic_int x, y, z;
static int r[4];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define SET(word, value, order) atomic_store_explicit(&(word), value, memory_order_##order)
#define GET(word, order) atomic_load_explicit(&(word), memory_order_##order)
#define ADD(word, value, order) atomic_fetch_add_explicit(&(word), value, memory_order_##order)
#define FENCE(order) atomic_thread_fence(memory_order_##order)

static void run_all(void *(*const bodies[])(void *), int count)
{
    pthread_t threads[4];
    for (int i = 0; i < count; i++) pthread_create(&threads[i], NULL, bodies[i], NULL);
    for (int i = 0; i < count; i++) pthread_join(threads[i], NULL);
}

#define BODY(name, ...)                                                                            \
    static void *name(void *argument)                                                              \
    {                                                                                              \
        __VA_ARGS__;                                                                               \
        return argument;                                                                           \
    }

#define CASE2(name, first, second, outcome)                                                        \
    BODY(name##_1, first) BODY(name##_2, second)                                                   \
    static void run_##name(void)                                                                   \
    {                                                                                              \
        run_all((void *(*const[])(void *)){name##_1, name##_2}, 2);                                \
        assert(!(outcome));                                                                        \
    }

#define CASE3(name, first, second, third, outcome)                                                 \
    BODY(name##_1, first) BODY(name##_2, second) BODY(name##_3, third)                             \
    static void run_##name(void)                                                                   \
    {                                                                                              \
        run_all((void *(*const[])(void *)){name##_1, name##_2, name##_3}, 3);                      \
        assert(!(outcome));                                                                        \
    }

#define CASE4(name, first, second, third, fourth, outcome)                                         \
    BODY(name##_1, first) BODY(name##_2, second) BODY(name##_3, third) BODY(name##_4, fourth)      \
    static void run_##name(void)                                                                   \
    {                                                                                              \
        run_all((void *(*const[])(void *)){name##_1, name##_2, name##_3, name##_4}, 4);            \
        assert(!(outcome));                                                                        \
    }

/* --- store buffering: each raises a flag and looks at the other's --- */

#define BOTH_MISS (r[0] == 0 && r[1] == 0)

CASE2(seen_sb_relaxed, SET(x, 1, relaxed); r[0] = GET(y, relaxed),
      SET(y, 1, relaxed); r[1] = GET(x, relaxed), BOTH_MISS)
CASE2(seen_sb_acquire, SET(x, 1, release); r[0] = GET(y, acquire),
      SET(y, 1, release); r[1] = GET(x, acquire), BOTH_MISS)
CASE2(seen_sb_one_fence, SET(x, 1, relaxed); FENCE(seq_cst); r[0] = GET(y, relaxed),
      SET(y, 1, relaxed); r[1] = GET(x, relaxed), BOTH_MISS)
CASE2(seen_sb_stores, SET(x, 1, seq_cst); r[0] = GET(y, relaxed),
      SET(y, 1, seq_cst); r[1] = GET(x, relaxed), BOTH_MISS)
CASE2(never_sb, SET(x, 1, seq_cst); r[0] = GET(y, seq_cst),
      SET(y, 1, seq_cst); r[1] = GET(x, seq_cst), BOTH_MISS)
CASE2(never_sb_fences, SET(x, 1, relaxed); FENCE(seq_cst); r[0] = GET(y, relaxed),
      SET(y, 1, relaxed); FENCE(seq_cst); r[1] = GET(x, relaxed), BOTH_MISS)

/* --- message passing: a flag says that something is there --- */

#define FLAG_ONLY (r[0] == 1 && r[1] == 0)

CASE2(seen_mp_relaxed, SET(x, 1, relaxed); SET(y, 1, relaxed),
      r[0] = GET(y, relaxed); r[1] = GET(x, relaxed), FLAG_ONLY)
CASE2(seen_mp_release_only, SET(x, 1, relaxed); SET(y, 1, release),
      r[0] = GET(y, relaxed); r[1] = GET(x, relaxed), FLAG_ONLY)
CASE2(seen_mp_acquire_only, SET(x, 1, relaxed); SET(y, 1, relaxed),
      r[0] = GET(y, acquire); r[1] = GET(x, relaxed), FLAG_ONLY)
CASE2(never_mp, SET(x, 1, relaxed); SET(y, 1, release),
      r[0] = GET(y, acquire); r[1] = GET(x, relaxed), FLAG_ONLY)
CASE2(never_mp_fences, SET(x, 1, relaxed); FENCE(release); SET(y, 1, relaxed),
      r[0] = GET(y, relaxed); FENCE(acquire); r[1] = GET(x, relaxed), FLAG_ONLY)
CASE2(never_mp_lock,
      SET(x, 1, relaxed); pthread_mutex_lock(&lock); SET(y, 1, relaxed);
      pthread_mutex_unlock(&lock),
      pthread_mutex_lock(&lock); r[0] = GET(y, relaxed); pthread_mutex_unlock(&lock);
      r[1] = GET(x, relaxed), FLAG_ONLY)
/* An update in between continues what was released. */
CASE3(never_mp_sequence, SET(x, 1, relaxed); SET(y, 1, release), ADD(y, 1, relaxed),
      r[0] = GET(y, acquire); r[1] = GET(x, relaxed), r[0] == 2 && r[1] == 0)

/* --- one word has one order --- */

CASE2(never_corr, SET(x, 1, relaxed), r[0] = GET(x, relaxed); r[1] = GET(x, relaxed), FLAG_ONLY)
CASE2(never_corr_back, SET(x, 1, relaxed); SET(x, 2, relaxed),
      r[0] = GET(x, relaxed); r[1] = GET(x, relaxed), r[0] == 2 && r[1] == 1)
CASE2(seen_corr_between, SET(x, 1, relaxed); SET(x, 2, relaxed),
      r[0] = GET(x, relaxed); r[1] = GET(x, relaxed), r[0] == 1 && r[1] == 2)
CASE2(never_cowr, SET(x, 1, relaxed); r[0] = GET(x, relaxed), SET(x, 2, relaxed), r[0] == 0)
CASE2(never_lost_update, ADD(x, 1, relaxed), ADD(x, 1, relaxed), atomic_load(&x) != 2)

/* --- three and four threads --- */

#define CHAIN_BROKEN (r[0] == 1 && r[1] == 1 && r[2] == 0)

CASE3(seen_wrc_relaxed, SET(x, 1, relaxed), r[0] = GET(x, relaxed); SET(y, 1, relaxed),
      r[1] = GET(y, relaxed); r[2] = GET(x, relaxed), CHAIN_BROKEN)
CASE3(never_wrc, SET(x, 1, relaxed), r[0] = GET(x, relaxed); SET(y, 1, release),
      r[1] = GET(y, acquire); r[2] = GET(x, relaxed), CHAIN_BROKEN)
CASE3(never_rwc_fences, SET(x, 1, release),
      r[0] = GET(x, acquire); FENCE(seq_cst); r[1] = GET(y, relaxed),
      SET(y, 1, relaxed); FENCE(seq_cst); r[2] = GET(x, relaxed),
      r[0] == 1 && r[1] == 0 && r[2] == 0)
/* What a fence knows is known to those that it is released to. */
CASE3(never_fence_passed_on, SET(x, 1, relaxed); FENCE(seq_cst); SET(z, 1, relaxed),
      r[0] = GET(z, acquire); r[1] = GET(y, relaxed),
      SET(y, 1, relaxed); FENCE(seq_cst); r[2] = GET(x, relaxed),
      r[0] == 1 && r[1] == 0 && r[2] == 0)

#define DISAGREE (r[0] == 1 && r[1] == 0 && r[2] == 1 && r[3] == 0)

CASE4(seen_iriw_acquire, SET(x, 1, release), SET(y, 1, release),
      r[0] = GET(x, acquire); r[1] = GET(y, acquire),
      r[2] = GET(y, acquire); r[3] = GET(x, acquire), DISAGREE)
CASE4(never_iriw, SET(x, 1, seq_cst), SET(y, 1, seq_cst),
      r[0] = GET(x, seq_cst); r[1] = GET(y, seq_cst),
      r[2] = GET(y, seq_cst); r[3] = GET(x, seq_cst), DISAGREE)

static const struct test_case cases[] = {
    {"seen_sb_relaxed", run_seen_sb_relaxed},
    {"seen_sb_acquire", run_seen_sb_acquire},
    {"seen_sb_one_fence", run_seen_sb_one_fence},
    {"seen_sb_stores", run_seen_sb_stores},
    {"never_sb", run_never_sb},
    {"never_sb_fences", run_never_sb_fences},
    {"seen_mp_relaxed", run_seen_mp_relaxed},
    {"seen_mp_release_only", run_seen_mp_release_only},
    {"seen_mp_acquire_only", run_seen_mp_acquire_only},
    {"never_mp", run_never_mp},
    {"never_mp_fences", run_never_mp_fences},
    {"never_mp_lock", run_never_mp_lock},
    {"never_mp_sequence", run_never_mp_sequence},
    {"never_corr", run_never_corr},
    {"never_corr_back", run_never_corr_back},
    {"seen_corr_between", run_seen_corr_between},
    {"never_cowr", run_never_cowr},
    {"never_lost_update", run_never_lost_update},
    {"seen_wrc_relaxed", run_seen_wrc_relaxed},
    {"never_wrc", run_never_wrc},
    {"never_rwc_fences", run_never_rwc_fences},
    {"never_fence_passed_on", run_never_fence_passed_on},
    {"seen_iriw_acquire", run_seen_iriw_acquire},
    {"never_iriw", run_never_iriw},
};

MAIN(cases)
