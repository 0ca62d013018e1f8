/* One execution from a clean machine to its end, and what it leaves behind. */
#include "cycle.h"
#include "instrument.h"
#include "livelock.h"
#include "plain.h"
#include "race.h"
#include "refuse.h"
#include "spin.h"
#include "weak.h"
#include "word.h"

#include <string.h>
#include <sys/mman.h>

static void *reserve(size_t bytes)
{
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    REQUIRE(at != MAP_FAILED);
    return at;
}

/* Whoever calls functions of the program between executions. */
static struct entity outside;

/* Whose steps take no longer than this does not wait for anything. */
enum { SPIN_NS = 1000000 };

void world_init(void)
{
    outside.owns = plain_word(1);
    W.steps = reserve(WORLD_STEPS_MAX * sizeof *W.steps);
    W.entities = reserve(WORLD_ENTITIES_MAX * sizeof *W.entities);
    W.objects = reserve(WORLD_OBJECTS_MAX * sizeof *W.objects);
    W.op_counts = reserve(WORLD_ENTITIES_MAX * sizeof *W.op_counts);
    W.limits = (struct world_limits){
        .steps_max = 20000,
        .time_max_ns = 3600 * SECOND_NS,
        .lag_max_ns = 10 * SECOND_NS,
        .check_memory = true,
    };
    W.errno_at = __errno_location();
    W.self = &outside;
    arena_init();
    fiber_init();
    instrument_init();
    crash_init();
}

void world_limits_set(const struct world_limits *limits)
{
    REQUIRE(limits->steps_max > 0 && limits->steps_max <= WORLD_STEPS_MAX);
    W.limits = *limits;
}

static const char *const level_words[WORLD_LEVELS] = {"sync", "atomics", "memory", "points"};

void world_level_set(enum world_level level)
{
    REQUIRE((W.runs == 0 || W.branched) && level < WORLD_LEVELS);
    W.level = level;
}

enum world_level world_level(void)
{
    return W.level;
}

const char *world_level_word(enum world_level level)
{
    return level_words[level];
}

void world_look_away(bool away)
{
    static enum world_level level;
    static bool find_races;
    if (away) {
        level = W.level;
        find_races = W.find_races;
    }
    W.level = away ? WORLD_LEVEL_SYNC : level;
    W.find_races = !away && find_races;
}

void world_choice_log(struct world_choice *log, uint32_t capacity, volatile uint32_t *used)
{
    W.choice_log = log;
    W.choices_max = capacity;
    W.choices_used = used;
}

void world_observe(world_observer observer, void *context)
{
    W.observer = observer;
    W.observer_context = context;
}

void world_unwind_stacks(void)
{
    W.unwinds = true;
}

void world_keep_stacks(bool keep)
{
    W.keep_stacks = keep;
    race_look();
}

void world_count_accesses(bool every)
{
    W.count_accesses = every;
}

uint64_t world_accesses(void)
{
    return W.accesses;
}

/* --- steps --- */

static void tell(struct world_step *step)
{
    if (W.observer == NULL) return;
    if (step->entity < WORLD_ENTITIES_MAX) W.op_counts[step->entity][step->op]++;
    W.observer(W.observer_context, step);
}

/* At the bound: where nobody else ever was, what happened so far matters to nobody. */
static struct world_step *steps_over(void)
{
    if (W.entity_count > 1 || W.choices > 0 || W.rewinds_left == 0) sched_leave(WORLD_CUT);
    W.rewinds_left--;
    W.step = W.steps;
    livelock_reset();
    cycle_reset();
    return W.steps;
}

/* The bound is reached, or somebody looks on, or steps order accesses, or it goes on for long. */
void step_record_watched(struct entity *entity, enum world_op op, uint32_t object,
                         enum world_access access, uint32_t result)
{
    struct world_step *step = W.step;
    int saved_errno = errno; /* of the program, which whoever looks on must not touch */
    if (step == W.steps_end) step = steps_over();
    step_keep(entity, op, object, &W.objects[object], access, result);
    if (W.find_races) race_step(step);
    tell(step);
    if (UNLIKELY(step >= W.look_at)) livelock_step(step);
    if (UNLIKELY(step >= W.cycle_at)) cycle_step(step);
    errno = saved_errno;
}

void steps_look_at(uint32_t index)
{
    W.look_at = W.steps + index;
    W.steps_plain_end = W.look_at < W.steps_end ? W.look_at : W.steps_end;
    if (W.cycle_at < W.steps_plain_end) W.steps_plain_end = W.cycle_at;
    if (W.observer || W.find_races) W.steps_plain_end = W.steps;
}

void step_record_advance(void)
{
    struct world_step *step = W.step;
    if (step == W.steps_end) step = steps_over();
    W.step = step + 1;
    *step = (struct world_step){(uint32_t)(W.now_ns >> 32), (uint32_t)W.now_ns, W.choices,
                                WORLD_ADVANCE, WORLD_OP_ADVANCE, WORLD_NONE};
    W.fence_hash = mix(W.class_hash, W.now_ns);
    tell(step);
    if (UNLIKELY(step >= W.cycle_at)) cycle_step(step);
}

const struct world_step *world_steps(uint32_t *count)
{
    *count = (uint32_t)(W.step - W.steps);
    return W.steps;
}

uint32_t world_steps_chosen(void)
{
    return W.fix == WORLD_FIX_NOW ? W.fixed_at : (uint32_t)(W.step - W.steps);
}

uint64_t world_run_hash(void)
{
    uint64_t hash = 0;
    for (const struct world_step *step = W.steps; step < W.step; step++) {
        hash = mix(hash, (uint64_t)step->object << 32 | step->result);
        hash = mix(hash, (uint64_t)step->entity << 8 | step->op);
    }
    return hash;
}

/* When the step of that index was made. */
static uint64_t time_of(uint32_t index)
{
    for (const struct world_step *step = W.steps + index; step >= W.steps; step--) {
        if (step->op == WORLD_OP_ADVANCE) return (uint64_t)step->object << 32 | step->result;
    }
    return 0;
}

static bool has_spun(uint32_t steps)
{
    return W.end == WORLD_CUT && steps >= W.limits.steps_max && steps / 2 >= WORLD_SPIN_STEPS &&
           W.now_ns - time_of(steps / 2) < SPIN_NS;
}

uint32_t world_op_count(uint16_t entity, enum world_op op)
{
    return W.op_counts[entity][op];
}

/* --- an execution --- */

/* No more than is in use: there is room for many. */
static void sets_clear(void)
{
    for (uint32_t word = 0; word < W.words; word++) {
        for (uint32_t class_ = 0; class_ < WORLD_CLASSES; class_++) W.enabled[class_][word] = 0;
    }
}

static void reset(struct world_chooser *chooser)
{
    sets_clear();
    memset(W.by_class, 0, sizeof W.by_class);
    memset(W.ordinals, 0, sizeof W.ordinals);
    W.chooser = chooser;
    W.others = W.relaxed = 0;
    W.words = 1;
    W.self = NULL;
    W.step = W.steps;
    W.steps_end = W.steps + W.limits.steps_max;
    W.rewinds_left = W.limits.rewinds_max;
    race_begin();
    livelock_reset();
    W.class_hash = W.fence_hash = 0;
    W.choices = 0;
    W.accesses = 0;
    *W.choices_used = 0;
    W.now_ns = 0;
    world_met_forget();
    W.fix = WORLD_FIX_NEVER;
    W.wall_offset_ns = 0;
    W.spurious_left = W.limits.spurious_max;
    W.stalls_left = W.limits.stalls_max;
    plain_update();
    W.timer_count = 0;
    W.timer_births = 0;
    if (W.observer) memset(W.op_counts, 0, (W.entity_count + 1) * sizeof *W.op_counts);
    W.entity_count = W.live_threads = 0;
    W.thread_count = W.slots_kept;
    W.object_count = 1;
    W.named_first = 0;
    word_reset();
    weak_reset();
    spin_reset();
    gate_reset();
    refuse_reset();
    W.release_points = W.limits.every_release;
    W.chance = W.limits.seed;
    W.end = WORLD_DONE;
    W.finding.kind = WORLD_FOUND_NONE;
    W.finding.text[0] = W.finding.detail[0] = W.stop_text[0] = '\0';
    W.finding.stack.depth = 0;
    arena_reset();
    cycle_reset();
    image_restore();
    keys_reset();
    rwlock_reset();
    contenders_reset();
    semaphores_reset();
    process_reset();
    endings_reset();
    if (W.branched) branch_restore();
}

/* The body of thread 0: what belongs to a program's life around its main. */
struct life {
    void (*main)(void *);
    void *argument;
};

static void live(void *argument)
{
    struct life *life = argument;
    if (!W.branched) image_construct();
    life->main(life->argument);
    endings_run(W.self);
    process_run_atexit();
    if (!W.branched) image_destruct();
    if (W.limits.check_memory) arena_check();
    world_finish();
}

struct world_result world_run(struct world_chooser *chooser, const char *name,
                              void (*main)(void *), void *arg)
{
    static struct life life;
    REQUIRE(W.choice_log != NULL && !W.running);
    reset(chooser);
    life = (struct life){main, arg};
    uint16_t first = world_spawn(name, WORLD_THREAD, live, &life);
    W.runs++;
    W.running = true;
    fiber_start(entity_of(first));
    W.running = false;
    /* What somebody asks of the program from here on is no part of it. */
    W.find_races = false;
    W.self = &outside;
    uint32_t kept = (uint32_t)(W.step - W.steps);
    uint32_t rewinds = W.limits.rewinds_max - W.rewinds_left;
    return (struct world_result){
        .end = W.end,
        .steps = rewinds * W.limits.steps_max + kept,
        .choices = W.choices,
        .now_ns = W.now_ns,
        .class_hash = W.class_hash,
        .spins = has_spun(kept),
    };
}
