/* Shared by the files of world/ only: the state of the machine and its fast paths. */
#ifndef HARNESS_WORLD_INTERNAL_H
#define HARNESS_WORLD_INTERNAL_H

#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "tsan.h"
#include "world.h"

/* Nothing below is for the outside, so calls and data need no indirection. */
#pragma GCC visibility push(hidden)

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define CALLER ((uintptr_t)__builtin_return_address(0))
#define SECOND_NS 1000000000ull

/* Where the memory of an execution lies, the same in every process: heap and stacks. */
#ifdef WITH_TSAN /* which has its shadow there, and below executables room for programs */
#define ARENA_FROM ((uintptr_t)0x550000000000)
#define STACKS_FROM ((uintptr_t)0x551000000000)
#else
#define ARENA_FROM ((uintptr_t)0x200000000000)
#define STACKS_FROM ((uintptr_t)0x300000000000)
#endif
#define ARENA_BYTES ((size_t)2 << 30)
#define STACK_BYTES ((size_t)8 << 20)
#define STACKS_BYTES (STACK_BYTES * WORLD_ENTITIES_MAX)

/* A bug of the harness itself: never the user's. Exit status 5. */
_Noreturn void world_broken(const char *file, int line, const char *what);
#define REQUIRE(x)                                                                                 \
    do {                                                                                           \
        if (UNLIKELY(!(x))) world_broken(__FILE__, __LINE__, #x);                                  \
    } while (0)

enum { WORLD_RANGE_UNIT = 64 }; /* bytes of a range that count as one access */
enum { SET_WORDS = WORLD_ENTITIES_MAX / 64, KEYS_MAX = 1024 /* as in Linux */, GROUPS_MAX = 16 };

/* Why a thread is not runnable, or what it is about to do. */
enum wait_kind {
    WAIT_NONE,
    WAIT_MUTEX,   /* contends for object */
    WAIT_COND,    /* in the queue of object */
    WAIT_RWLOCK,
    WAIT_SEM,
    WAIT_BARRIER,
    WAIT_ONCE,
    WAIT_JOIN,    /* for entity `wait_for` */
    WAIT_SLEEP,
    WAIT_QUEUE,   /* world_wait */
    WAIT_FUTEX,   /* the same, of a program's own word: queue_wait */
    WAIT_GATE,    /* gate_pass */
    WAIT_FOREVER, /* of a killed group, or already ended */
};

enum wake_reason { WOKEN, WOKEN_TIMEOUT, WOKEN_SPURIOUS, WOKEN_CANCELLED, WOKEN_SIGNAL };

enum entity_state { ENTITY_LIVE, ENTITY_ENDED, ENTITY_GONE };

/* From where a thread was switched away: see fiber_switch. */
enum fiber_place { FIBER_ELSEWHERE, FIBER_AT_POINT, FIBER_AT_LOCK };

struct race_clock;
struct cleanup; /* glibc's cancellation frame */

/* A thread (with a stack) or a task (a callback). */
/* Aligned so that its beginning shares no cache line with another's. */
struct __attribute__((aligned(256))) entity {
    /* The inner loop needs no more than these. */
    void *stack_pointer;
    uint64_t hash; /* causal past of its last step */
    uint64_t owns; /* the word of a plain mutex that it holds: see mutex.c */
    uint64_t bit;  /* in the first word of a set: see contend.h; 0 for those not kept there */
    uintptr_t wait_site;
    uint32_t wait_object;
    int saved_errno;
    uint16_t slot; /* stack; WORLD_NOBODY for tasks */
    uint16_t id;   /* in the middle of a word, or it would be loaded with what was just stored */
    uint16_t held; /* mutexes held */
    uint16_t wait; /* enum wait_kind */
    uint16_t reason;
    uint8_t class_;
    uint8_t home_class; /* what it is when no window is open */
    uint8_t state;
    uint8_t group;
    uint8_t left_at;  /* enum fiber_place */
    bool interrupted; /* to run what for before it goes on: see signal.h */

    uint64_t race_key;      /* of the epoch it is in; 0: none yet. See race.h */
    const struct race_clock *race_known; /* with a key: what it knows, */
    uint64_t race_own; /* and that epoch: its clock, and above it the slot */
    const void *next_place; /* what it touches next, when it goes on at a scheduling point */
    uint8_t next_access;
    bool paused;   /* would be enabled, but for a pause */
    bool wants_run; /* while paused: to be enabled at the end */
    bool detached, joining_done;
    uint8_t apart; /* nested calls of world_apart() */
    bool prompt; /* a task that runs when its time comes, before anybody is chosen */
    bool cancel_pending, cancel_disabled, cancel_async, cancelling;
    bool wants_write;  /* WAIT_RWLOCK */
    uint16_t wait_for; /* WAIT_JOIN */
    uint16_t joiner;   /* id + 1 of the thread that joins this one */
    uint16_t next;     /* in a queue or contender list: id + 1 */
    uint16_t children;
    uint16_t parent;   /* who made it; WORLD_NOBODY: nobody */
    uint64_t path;     /* who it is, by who made it as which child */
    uint32_t object;   /* its own, for joins; 0 until used */
    uint32_t locals;   /* objects on its own stack that it was the first to use */
    const char *wait_what;
    void *(*start)(void *);
    void (*body)(void *);
    int (*start_c11)(void *);
    void *argument;
    void *result;
    struct cleanup *cleanups;
    uint64_t signal_mask; /* blocked */
    bool has_keys; /* some thread-specific value was set */
    uint64_t window_since_ns, window_until_ns;
    bool tells; /* of the environment: what it meets */
    bool named; /* otherwise world_entity_name() makes up a name */
    char name[WORLD_NAME_MAX];
};

enum object_kind {
    OBJECT_MUTEX,
    OBJECT_COND,
    OBJECT_RWLOCK,
    OBJECT_SEM,
    OBJECT_BARRIER,
    OBJECT_SPIN,
    OBJECT_ONCE,
    OBJECT_THREAD,
    OBJECT_QUEUE,
    OBJECT_NAMED,
    OBJECT_ATOMIC,    /* a word that is accessed atomically, or watched: see word.c */
    OBJECT_PLACE,     /* of a descriptor: see gate.h */
    OBJECT_DESTROYED, /* was one of the others */
    OBJECT_KINDS
};

/* The state of a lock, condition, ... lives here and not in the user's storage, which only
 * holds the id: so a copy or garbage is recognised, and small types have room. */
struct object {
    const void *address;
    uint64_t write_hash, read_hash; /* causal past of the last write, and reads since */
    uintptr_t site;                 /* where it was acquired last, or first used */
    uint64_t contenders;            /* of a mutex: bits of entities, see contend.h */
    union {
        struct {
            uint8_t kind;
            uint8_t type;   /* mutex type, clock of a condition */
            bool tried;     /* somebody uses try or timed locks: unlocking is a choice */
            uint8_t crowd;  /* of a mutex: contenders beyond the 64th, see contend.h; 0: none */
            uint16_t owner; /* id + 1 */
            uint16_t head;  /* waiters or contenders: id + 1, linked by entity.next */
        };
        uint64_t word; /* all of them in one comparison: see mutex.c */
    };
    uint16_t tail;
    uint16_t waiters;
    uint32_t ordinal : 24; /* among its kind */
    uint32_t maker : 8; /* group + 1 of who initialised it; 0: nobody had to */
    uint32_t count;  /* recursion, value of a semaphore, readers, barrier size; 1: a name told */
    uint32_t other;  /* mutex of a condition, arrived at a barrier, generation, state of once */
};

struct timer {
    uint64_t due_ns;
    uint64_t birth;
    uint16_t entity;
    uint8_t what; /* enum timer_what */
};
enum timer_what { TIMER_WAKE, TIMER_TASK, TIMER_WINDOW_OPEN, TIMER_WINDOW_CLOSE, TIMER_PAUSE };
enum { TIMERS_MAX = 4 * WORLD_ENTITIES_MAX };

struct world {
    struct entity *self;
    uint64_t enabled[WORLD_CLASSES][SET_WORDS];
    uint32_t others;  /* enabled entities that are no threads of the program */
    uint32_t relaxed; /* of them, those that let time pass */
    uint32_t by_class[WORLD_CLASSES]; /* of `others` */
    uint32_t words;   /* words of the sets in use */
    bool plain;       /* only threads with a bit can be options: see plain_update */
    struct world_stream *draws; /* where choices are drawn while all is plain, or NULL */

    struct world_step *steps;
    struct world_step *step; /* next to be written */
    struct world_step *steps_end;
    uint32_t rewinds_left;
    struct world_step *look_at; /* from here on each step may be part of a loop */
    struct world_step *cycle_at; /* from here on each may be part of a circle: see cycle.h */
    struct world_step *steps_plain_end; /* up to here nothing but the step is to be kept */
    uint64_t class_hash;
    uint64_t fence_hash; /* everything before time last passed */
    struct world_choice *choice_log;
    uint32_t choices, choices_max;
    volatile uint32_t *choices_used;

    struct world_chooser *chooser;
    const struct world_clock *clock; /* NULL: time is the world's own */
    struct world_places met; /* since somebody asked last */
    uint64_t unseen;         /* uses of what cycle.c does not look at */
    uint32_t signalled;      /* condition of the last signal that had a choice */
    bool option_continues, option_advance; /* of the choice being made */
    uint8_t fix;             /* enum world_fix */
    uint32_t fixed_at;       /* so many steps came before, if it is WORLD_FIX_NOW */
    uint64_t now_ns;
    int64_t wall_offset_ns;
    uint32_t spurious_left, stalls_left;

    struct timer timers[TIMERS_MAX + 1];
    uint32_t timer_count;
    uint64_t timer_births;

    struct entity *entities; /* WORLD_ENTITIES_MAX */
    uint32_t entity_count;
    uint32_t thread_count; /* slots of stacks in use: those kept, and one for each thread */
    uint32_t slots_kept;   /* of the execution that was branched off from; see branch.c */
    bool branched;
    uint32_t live_threads; /* WORLD_THREAD class, not ended */
    struct object *objects; /* WORLD_OBJECTS_MAX */
    uint32_t object_count;  /* first free id; ids start at 1 */
    uint32_t ordinals[OBJECT_KINDS];
    uint32_t named_first;   /* list of named objects, linked through object.other */

    uint64_t chance; /* state of getrandom() and friends */
    void *main_stack_pointer;
    enum world_end end;
    struct world_finding finding;
    char stop_text[WORLD_TEXT_MAX];
    bool running;
    uint64_t runs; /* executions so far, in this process */

    world_observer observer;
    void *observer_context;
    bool unwinds;     /* stacks are found by the tables for exceptions */
    bool keep_stacks; /* of every allocation */
    uint32_t (*op_counts)[WORLD_OP_COUNT];

    struct world_limits limits;
    enum world_level level;
    bool find_races; /* of this execution: see race.h */
    bool refuses;    /* somebody may be refused something: see refuse.h */
    uint32_t weak_left; /* loads that may still read an older value: see weak.h */
    bool count_accesses; /* every one of them */
    uint64_t accesses;   /* of this execution; 64 bytes of a range count as one */
    uint32_t spinners; /* threads set aside because they spin: see spin.h */
    bool release_points; /* unlocking is a choice even where nobody tries */
    bool probing;      /* whether they can end is being found out: see livelock.h */
    uint64_t outside;  /* looks at what changes without a step: time, chance, files */
    uint64_t clock_looks; /* of them, those at the time */

    bool uses_tls;
    bool switch_hooks; /* a switch is more than the switch of stacks */
    int *errno_at; /* of the OS thread */
};

extern struct world W;

/* --- entities and sets --- */

static inline struct entity *entity_of(uint16_t id)
{
    return &W.entities[id];
}

/* The short paths are for programs of at most 64 threads where time cannot pass early. */
static inline void plain_update(void)
{
    W.plain = W.others == 0 && W.words == 1 && W.stalls_left == 0 && W.chooser->forced == NULL &&
              W.fix != WORLD_FIX_NOW;
    W.draws = W.plain ? W.chooser->uniform : NULL;
}

static inline void set_count(uint32_t class_, uint32_t by)
{
    if (LIKELY(class_ == WORLD_THREAD)) return;
    W.others += by;
    W.by_class[class_] += by;
    if (class_ >= WORLD_WINDOW && class_ != WORLD_FAULT) W.relaxed += by;
    plain_update();
}

static inline uint64_t *set_word(const struct entity *entity)
{
    return &W.enabled[entity->class_][entity->id >> 6];
}

/* In the set of its class. */
static inline bool entity_enabled(const struct entity *entity)
{
    return *set_word(entity) >> (entity->id & 63) & 1;
}

static inline void set_add(struct entity *entity)
{
    *set_word(entity) |= 1ull << (entity->id & 63);
    set_count(entity->class_, 1);
}

static inline void set_remove(struct entity *entity)
{
    *set_word(entity) &= ~(1ull << (entity->id & 63));
    set_count(entity->class_, (uint32_t)-1);
}

static inline void entity_enable(struct entity *entity)
{
    if (UNLIKELY(entity->paused)) {
        entity->wants_run = true;
    } else if (!entity_enabled(entity)) {
        set_add(entity);
    }
}

static inline void entity_disable(struct entity *entity)
{
    entity->wants_run = false;
    if (entity_enabled(entity)) set_remove(entity);
}

/* A thread that keeps its place among the contenders of a mutex as a bit; 0: it cannot. */
static inline uint64_t entity_bit(const struct entity *entity)
{
    return entity->home_class == WORLD_THREAD && entity->id < 64 ? 1ull << entity->id : 0;
}

struct entity *entity_new(const char *name, enum world_class class_);
void entity_class_set(struct entity *entity, enum world_class class_);

/* --- scheduling (sched.c) --- */

uint32_t sched_count(uint64_t bits); /* how many are set */
void sched_pass(void);
void sched_run_task(struct entity *task);

/* Whether the running thread is the only option, so that there is nothing to choose. */
static inline bool sched_alone(const struct entity *self)
{
    return W.plain && self->bit != 0 && W.enabled[WORLD_THREAD][0] == self->bit;
}

/* A scheduling point of the running thread: others may run first. Call it before the
 * operation takes effect; `place` is what that touches, NULL if nothing or not known. A thread
 * that was disabled, because it cannot do the operation now, returns from here once something
 * has enabled it and it was chosen. */
static inline void sched_point(const void *place, enum world_access access)
{
    if (sched_alone(W.self)) return;
    W.self->next_place = place;
    W.self->next_access = (uint8_t)access;
    sched_pass();
}

/* Block the running thread: returns once something has enabled it and it was chosen. */
static inline void sched_block(void)
{
    entity_disable(W.self);
    sched_pass();
}

_Noreturn void sched_leave(enum world_end end);

static inline void sched_log(uint32_t index, uint32_t count)
{
    if (UNLIKELY(W.choices == W.choices_max)) sched_leave(WORLD_CUT);
    struct world_choice choice = {(uint16_t)index, (uint16_t)count};
    W.choice_log[W.choices] = choice;
    *W.choices_used = ++W.choices;
}
uint32_t sched_value(uint32_t count, const char *label);

/* --- steps (inline: this is the inner loop) --- */

static inline uint64_t mix(uint64_t a, uint64_t b)
{
    uint64_t x = (a ^ (b << 29 | b >> 35)) * 0x9e3779b97f4a7c15ull;
    return x ^ x >> 32;
}

void step_record_watched(struct entity *entity, enum world_op op, uint32_t object,
                         enum world_access access, uint32_t result);

/* `o` is what that id stands for. */
static inline void step_keep(struct entity *entity, enum world_op op, uint32_t object,
                             struct object *o, enum world_access access, uint32_t result)
{
    struct world_step *step = W.step;
    uint64_t what = ((uint64_t)op << 32 | result) + W.fence_hash;
    uint64_t past = o->write_hash;
    if (access == WORLD_WRITE) past += o->read_hash;
    uint64_t hash = mix(entity->hash + what, past);
    entity->hash = hash;
    W.class_hash += hash;
    if (access == WORLD_WRITE) {
        o->write_hash = hash;
        o->read_hash = 0;
    } else if (access == WORLD_READ) {
        o->read_hash += hash;
    }
    W.step = step + 1;
    *step = (struct world_step){object, result, W.choices, entity->id, (uint8_t)op,
                                (uint8_t)access};
}

static inline void step_record_as(struct entity *entity, enum world_op op, uint32_t object,
                                  enum world_access access, uint32_t result)
{
    if (UNLIKELY(W.step >= W.steps_plain_end)) {
        step_record_watched(entity, op, object, access, result);
    } else {
        step_keep(entity, op, object, &W.objects[object], access, result);
    }
}

static inline void step_record(enum world_op op, uint32_t object, enum world_access access,
                               uint32_t result)
{
    step_record_as(W.self, op, object, access, result);
}

/* From that step on, tell livelock.c of each. */
void steps_look_at(uint32_t index);

/* Time passed: a fence that every later step depends on. */
void step_record_advance(void);

/* --- objects (object.c) --- */

/* The object behind an id kept in user storage, created on first use of zeroed storage
 * (static initialisers). A finding when the storage is garbage, a copy, or destroyed. */
uint32_t object_adopt(uint32_t *storage, enum object_kind kind, uintptr_t site);
uint32_t object_new(const void *address, enum object_kind kind, uintptr_t site);
/* By a call that has to be followed by its counterpart: see world_objects_live. */
uint32_t object_init(uint32_t *storage, enum object_kind kind, uintptr_t site);
void object_destroy(uint32_t *storage, enum object_kind kind, uintptr_t site);
/* As world_object_place(), of what lies at that address, if an object does. */
const void *object_place(const void *address);

/* What was freed is looked at, too, so that it is told of: the sanitizer would end the process. */
__attribute__((no_sanitize("address")))
static inline uint32_t object_at(uint32_t *storage, enum object_kind kind, uintptr_t site)
{
    uint32_t id = *storage;
    if (LIKELY(id - 1 < W.object_count - 1)) {
        const struct object *object = &W.objects[id];
        if (LIKELY(object->address == storage && object->kind == kind)) return id;
    }
    return object_adopt(storage, kind, site);
}

/* FIFO of entities linked through entity.next. */
static inline void queue_push(uint16_t *head, uint16_t *tail, struct entity *entity)
{
    uint16_t link = (uint16_t)(entity->id + 1);
    entity->next = 0;
    if (*head == 0) {
        *head = link;
    } else {
        entity_of((uint16_t)(*tail - 1))->next = link;
    }
    *tail = link;
}

void queue_remove_inner(uint16_t *head, uint16_t *tail, struct entity *entity);

static inline void queue_remove(uint16_t *head, uint16_t *tail, struct entity *entity)
{
    if (*head != entity->id + 1) {
        queue_remove_inner(head, tail, entity);
        return;
    }
    *head = entity->next;
    if (*head == 0) *tail = 0;
}

/* --- queues (environment.c) --- */

/* As world_wait(), of that kind. WAIT_FUTEX can be interrupted: the thread is in the queue no more
 * then, and what it does goes on (WOKEN_SPURIOUS) or ends (WOKEN_SIGNAL). */
enum wake_reason queue_wait(struct world_queue *queue, uint64_t deadline_ns, enum wait_kind kind,
                            const char *what);
/* The thread waits no more in the queue whose object lies at that address. */
void queue_leave(const void *object, struct entity *entity);

/* --- mutexes as used by conditions, C11 and once (mutex.c) --- */

int mutex_lock(uint32_t id, uint64_t deadline_ns, bool relock, uintptr_t site);
int mutex_take_chosen(uint32_t id, uintptr_t site);
void mutex_release(uint32_t id, uint32_t *count);
void mutex_check_cycle(void);
void mutex_owner_ends(struct entity *self);
uint32_t mutex_at(pthread_mutex_t *mutex, uintptr_t site);

/* --- time (timer.c, clock.c) --- */

void timer_add(struct entity *entity, enum timer_what what, uint64_t due_ns);
void timer_remove(struct entity *entity, enum timer_what what);
void timer_advance(void);
void timer_follow(void); /* as timer_advance, where time is another's */
/* Deadline of an absolute time on that clock, as monotonic ns; a wall-clock deadline is
 * converted with the wall clock as it stands. False: the timespec is invalid. */
bool clock_deadline(clockid_t clock, const struct timespec *at, uint64_t *deadline_ns);
/* Whether locks and conditions can wait on that clock. */
bool clock_can_wait(clockid_t clock);
uint64_t clock_read(clockid_t clock);

/* --- threads (thread.c) --- */

_Noreturn void thread_main(void); /* of every thread */
_Noreturn void thread_end(void);
/* A cancellation point: does not return when a cancellation is pending. */
void thread_test_cancel(void);
int thread_create_c11(pthread_t *out, int (*start)(void *), void *argument);
int thread_join(pthread_t thread, void **result, uint64_t deadline_ns, uintptr_t site);
/* A thread that waits, and may be cancelled there, goes on if it was meanwhile. */
void thread_wake_cancelled(struct entity *target);
bool thread_exists(pthread_t thread, bool *detached);
void thread_stack_range(pthread_t thread, uintptr_t *low, uintptr_t *high);
void keys_destroy(struct entity *entity);
void keys_look(const struct entity *entity, void (*look)(const char *from, const char *to));
/* Destructors of the thread's thread-local objects (cxx.c). */
void endings_run(const struct entity *entity);
void endings_reset(void);
void keys_reset(void);
void rwlock_reset(void);
void contenders_reset(void);
void semaphores_reset(void); /* those with names */
void semaphores_keep(void);
bool rwlock_is_read_by(uint32_t object, uint16_t entity);

/* --- fibers (fiber.c) --- */

void fiber_init(void);
void fiber_prepare(struct entity *entity); /* switching to it calls thread_main() */
void fiber_switch_hooked(struct entity *from, struct entity *to); /* see plain.h */
void fiber_start(struct entity *first); /* from the OS thread's own stack, until fiber_leave */
_Noreturn void fiber_leave(void);
bool fiber_guard_hit(uintptr_t address, uint16_t *entity);
void fiber_stack_range(const struct entity *entity, uintptr_t *low, uintptr_t *high);
/* From where on it is in use, of a thread that does not run. All of it, when that waits on a stack
 * of the program's own: then nobody knows. */
uintptr_t fiber_stack_used(const struct entity *entity, uintptr_t *high);

/* --- waiting for descriptors (gate.c) --- */

void gate_reset(void);
void gate_tell(const struct entity *entity, char *out, size_t bytes);
bool gate_pending(const struct entity *entity, uint32_t index, struct world_step *step);

/* --- memory (arena.c), globals (image.c), crashes (crash.c) --- */

void arena_init(void);
void arena_reset(void);
/* The block that holds the address, or once held it; false when there is none. */
bool arena_find(const void *address, struct world_block *out, bool *freed);
void *arena_alloc(size_t bytes, size_t align, bool zero, uintptr_t site);
void arena_free(void *block, uintptr_t site);
size_t arena_size(const void *block);
void arena_group_kill(uint8_t group);
void arena_check(void); /* findings for damage; at the end of an execution */
void image_restore(void);
/* What there is now is what executions begin with from here on. */
void image_keep(void);
uint32_t arena_keep(void); /* the number of allocations so far */
uintptr_t arena_end(void); /* of what was ever handed out in this execution */
void keys_keep(void);
/* Put back what was kept of objects and of the first thread's stack. */
void branch_restore(void);
/* The globals of the index-th image; false when there are fewer. */
bool image_data(uint32_t index, uintptr_t *from, size_t *bytes);
void image_construct(void);
void image_destruct(void);
void process_reset(void);
void process_run_atexit(void);
void process_thread_ends(void); /* it is about to */
void crash_init(void);

/* Like world_fail, for defects seen by the machine. */
_Noreturn void finding_raise(enum world_finding_kind kind, uintptr_t site, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Adds a line to the detail of the finding about to be raised. A code address is written as
 * {pc:HEX}, which reports replace by file and line. */
void finding_detail(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void finding_idle(void);
/* Adds a line about that thread, if it waits; whether it does. */
bool finding_waiter(const struct entity *entity);
/* What lies at that address, in words; static variables as {data:HEX}, for whoever has symbols. */
void finding_memory(uintptr_t address, char *out, size_t bytes);
/* The stack of the finding about to be raised, from registers of an interrupted thread. */
void finding_stack_from(uintptr_t pc, uintptr_t caller, uintptr_t frame);

#pragma GCC visibility pop

#endif
