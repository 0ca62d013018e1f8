/* Who runs next: the one place where the machine asks the chooser. */
#include "interrupt.h"
#include "plain.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct world W;
/* For programs that compare their accesses in place: race_inline.c. */
extern struct world world___tsan_world __attribute__((alias("W"), visibility("hidden")));

static uint16_t select_bit(uint64_t bits, uint32_t index)
{
    while (index-- > 0) bits &= bits - 1;
    return (uint16_t)__builtin_ctzll(bits);
}

/* The enabled entities of that class, leaving out the current one where it goes on. */
static inline uint64_t others_of(uint32_t class_, uint32_t word)
{
    uint64_t bits = W.enabled[class_][word];
    if (class_ > WORLD_ACTOR || !W.option_continues) return bits;
    if (W.self->id >> 6 == word && W.self->class_ == class_) bits &= ~(1ull << (W.self->id & 63));
    return bits;
}

/* The index-th of them; WORLD_NOBODY and a reduced index when there are fewer. */
static uint16_t option_of_class(uint32_t class_, uint32_t *index)
{
    for (uint32_t word = 0; word < W.words; word++) {
        uint64_t bits = others_of(class_, word);
        uint32_t here = (uint32_t)__builtin_popcountll(bits);
        if (*index < here) return (uint16_t)(word * 64 + select_bit(bits, *index));
        *index -= here;
    }
    return WORLD_NOBODY;
}

uint16_t world_option(uint32_t index)
{
    if (W.option_continues && index-- == 0) return W.self->id;
    for (uint32_t class_ = 0; class_ < WORLD_CLASSES; class_++) {
        if (class_ == WORLD_SPURIOUS && W.option_advance && index-- == 0) return WORLD_ADVANCE;
        uint16_t id = option_of_class(class_, &index);
        if (id != WORLD_NOBODY) return id;
    }
    REQUIRE(!"an option beyond the last");
    return WORLD_NOBODY;
}

static uint16_t *options_of_class(uint32_t class_, uint16_t *out)
{
    for (uint32_t word = 0; word < W.words; word++) {
        for (uint64_t bits = others_of(class_, word); bits != 0; bits &= bits - 1) {
            *out++ = (uint16_t)(word * 64 + (uint32_t)__builtin_ctzll(bits));
        }
    }
    return out;
}

void world_options(uint16_t *out, uint16_t ends[WORLD_CLASSES])
{
    uint16_t *at = out;
    if (W.option_continues) *at++ = W.self->id;
    for (uint32_t class_ = 0; class_ < WORLD_CLASSES; class_++) {
        if (class_ == WORLD_SPURIOUS && W.option_advance) *at++ = WORLD_ADVANCE;
        if (class_ == WORLD_THREAD || W.by_class[class_] > 0) at = options_of_class(class_, at);
        ends[class_] = (uint16_t)(at - out);
    }
}

bool world_option_continues(void)
{
    return W.option_continues;
}

uint32_t sched_count(uint64_t bits)
{
    return (uint32_t)__builtin_popcountll(bits);
}

static uint32_t options_enabled(void)
{
    uint32_t count = W.others;
    for (uint32_t word = 0; word < W.words; word++) {
        count += sched_count(W.enabled[WORLD_THREAD][word]);
    }
    return count;
}

/* Time may pass when nothing presses, or when a thread may be delayed. */
static bool may_advance(uint32_t options)
{
    if (options == W.relaxed) return true;
    return W.stalls_left > 0 && W.timer_count > 0 &&
           W.timers[W.timer_count - 1].due_ns - W.now_ns <= W.limits.lag_max_ns;
}

static void advance(void)
{
    if (UNLIKELY(W.clock != NULL)) {
        timer_follow();
        return;
    }
    if (W.timer_count == 0 && W.spinners > 0) {
        spin_idle();
        return;
    }
    if (W.timer_count == 0) finding_idle();
    if (options_enabled() > W.relaxed) W.stalls_left--;
    plain_update();
    timer_advance();
    spin_time_passed();
    if (W.fix == WORLD_FIX_WHEN_TIME_PASSES) world_fix_choices(WORLD_FIX_NOW);
}

void world_fix_choices(enum world_fix fix)
{
    W.fix = (uint8_t)fix;
    if (fix == WORLD_FIX_NOW) W.fixed_at = (uint32_t)(W.step - W.steps);
    plain_update();
}

/* One choice among what is enabled; WORLD_ADVANCE, or an entity. */
static uint16_t pick(void)
{
    uint32_t options = options_enabled();
    W.option_continues = entity_enabled(W.self) && W.self->class_ <= WORLD_ACTOR;
    W.option_advance = may_advance(options);
    W.chooser->plain = W.others == 0 && !W.option_advance;
    uint32_t count = options + W.option_advance;
    if (count == 0) return WORLD_ADVANCE;
    if (W.fix == WORLD_FIX_NOW) return world_option(0);
    if (count > 1) return world_option(sched_ask(count));
    uint16_t only = world_option(0);
    if (W.chooser->forced) W.chooser->forced(W.chooser, only);
    return only;
}

void sched_run_task(struct entity *task)
{
    struct entity *self = W.self;
    int saved_errno = errno;
    entity_disable(task);
    if (task->class_ != task->home_class) entity_class_set(task, task->home_class);
    timer_remove(task, TIMER_WINDOW_CLOSE);
    task->window_until_ns = WORLD_NEVER;
    W.self = task;
    step_record(WORLD_OP_TASK, 0, WORLD_NONE, 0);
    task->body(task->argument);
    W.self = self;
    errno = saved_errno;
}

/* Tasks run here and now, time passes here, until a thread is chosen. */
static struct entity *choose(struct entity *self)
{
    for (;;) {
        uint64_t bits = W.enabled[WORLD_THREAD][0];
        if (LIKELY(W.plain && bits != 0)) return sched_choose_plain(self, bits);
        uint16_t id = pick();
        if (UNLIKELY(id == WORLD_ADVANCE)) {
            advance();
            continue;
        }
        struct entity *next = entity_of(id);
        if (LIKELY(next->slot != WORLD_NOBODY)) return next;
        sched_run_task(next);
    }
}

/* The loop of the machine: returns when the calling thread is chosen. */
void sched_pass(void)
{
    struct entity *self = W.self, *next = choose(self);
    bool enabled = W.enabled[WORLD_THREAD][0] & self->bit;
    if (next != self) fiber_switch(self, next, enabled ? FIBER_AT_POINT : FIBER_ELSEWHERE);
    if (UNLIKELY(self->interrupted)) signal_arrive();
}

uint32_t sched_value(uint32_t count, const char *label)
{
    if (count <= 1 || W.fix == WORLD_FIX_NOW) return 0;
    uint32_t index = W.chooser->value(W.chooser, count, label);
    REQUIRE(index < count);
    sched_log(index, count);
    return index;
}

uint32_t world_choose(uint32_t n, const char *label)
{
    uint32_t index = sched_value(n, label);
    step_record(WORLD_OP_CHOOSE, 0, WORLD_NONE, index);
    return index;
}

void sched_leave(enum world_end end)
{
    W.end = end;
    fiber_leave();
}

void world_cut(void)
{
    sched_leave(WORLD_CUT);
}

void world_finish(void)
{
    sched_leave(WORLD_DONE);
}

void world_stop(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    vsnprintf(W.stop_text, sizeof W.stop_text, format, list);
    va_end(list);
    sched_leave(WORLD_STOPPED);
}

const char *world_stop_text(void)
{
    return W.stop_text;
}

/* --- entities --- */

/* Names are short: a call would take longer. */
static inline void name_set(struct entity *entity, const char *name)
{
    uint32_t at = 0;
    for (; name[at] != '\0' && at < WORLD_NAME_MAX - 1; at++) entity->name[at] = name[at];
    entity->name[at] = '\0';
}

struct entity *entity_new(const char *name, enum world_class class_)
{
    if (W.entity_count == WORLD_ENTITIES_MAX) {
        finding_raise(WORLD_FOUND_UNCONTROLLED, 0,
                      "more than %d threads and events in one execution", WORLD_ENTITIES_MAX);
    }
    uint16_t id = (uint16_t)W.entity_count++;
    if (UNLIKELY(id >> 6 >= W.words)) {
        W.words = (id >> 6) + 1u;
        plain_update();
    }
    struct entity *entity = entity_of(id);
    struct entity *parent = W.self;
    memset(entity, 0, offsetof(struct entity, name));
    entity->slot = WORLD_NOBODY;
    entity->state = ENTITY_LIVE;
    entity->window_until_ns = WORLD_NEVER;
    entity->id = id;
    entity->class_ = entity->home_class = (uint8_t)class_;
    entity->bit = entity_bit(entity);
    entity->owns = plain_word(id + 1u);
    entity->group = parent ? parent->group : 0;
    entity->hash = parent ? mix(parent->hash, ++parent->children) : 1;
    entity->parent = parent ? parent->id : WORLD_NOBODY;
    entity->path = parent ? mix(parent->path, parent->children) : 1;
    entity->named = name != NULL;
    entity->name[0] = '\0';
    if (name) name_set(entity, name);
    return entity;
}

void entity_class_set(struct entity *entity, enum world_class class_)
{
    bool enabled = entity_enabled(entity);
    if (enabled) set_remove(entity);
    entity->class_ = (uint8_t)class_;
    if (enabled) set_add(entity);
}

enum world_class world_class_of(uint16_t entity)
{
    return (enum world_class)entity_of(entity)->class_;
}

uint64_t world_entity_path(uint16_t entity)
{
    return entity_of(entity)->path;
}

uint16_t world_entity_parent(uint16_t entity)
{
    return entity_of(entity)->parent;
}

const void *world_next_place(uint16_t id, enum world_access *access)
{
    const struct entity *entity = entity_of(id);
    *access = WORLD_WRITE;
    switch ((enum wait_kind)entity->wait) {
    case WAIT_MUTEX:
        return world_object_place(entity->wait_object);
    case WAIT_NONE:
    case WAIT_RWLOCK:
    case WAIT_SEM:
    case WAIT_BARRIER:
    case WAIT_ONCE:
    case WAIT_GATE:
        *access = (enum world_access)entity->next_access;
        return object_place(entity->next_place);
    case WAIT_COND:
    case WAIT_JOIN:
    case WAIT_SLEEP:
    case WAIT_QUEUE:
    case WAIT_FUTEX:
    case WAIT_FOREVER:
        break;
    }
    return NULL;
}

uint64_t world_window_until_ns(uint16_t entity)
{
    return entity_of(entity)->window_until_ns;
}

uint64_t world_window_since_ns(uint16_t entity)
{
    return entity_of(entity)->window_since_ns;
}

bool world_gave_up(uint16_t id)
{
    const struct entity *entity = entity_of(id);
    return entity->wait != WAIT_NONE && entity->reason != WOKEN;
}

uint32_t world_stalls_left(void)
{
    return W.stalls_left;
}

const char *world_entity_name(uint16_t entity)
{
    if (entity == WORLD_ADVANCE) return "(time)";
    if (entity >= W.entity_count) return "(nobody)";
    struct entity *named = entity_of(entity);
    if (!named->named) {
        named->named = true;
        snprintf(named->name, sizeof named->name, "thread-%u", named->slot - W.slots_kept);
    }
    return named->name;
}

bool world_is_task(uint16_t entity)
{
    return entity_of(entity)->slot == WORLD_NOBODY;
}

uint16_t world_entity_count(void)
{
    return (uint16_t)W.entity_count;
}

uint16_t world_entity_find(const char *name)
{
    for (uint32_t id = 0; id < W.entity_count; id++) {
        if (strcmp(world_entity_name((uint16_t)id), name) == 0) return (uint16_t)id;
    }
    return WORLD_NOBODY;
}

uint16_t world_entity_newest(uint8_t group, const char *name)
{
    for (uint32_t id = W.entity_count; id-- > 0;) {
        if (entity_of((uint16_t)id)->group != group) continue;
        if (strcmp(world_entity_name((uint16_t)id), name) == 0) return (uint16_t)id;
    }
    return WORLD_NOBODY;
}
