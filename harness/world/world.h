/* The simulated machine: threads, locks, time, memory and chance under one scheduler.
 *
 * Simulated threads are fibers on one OS thread. Everything that a program asks of the
 * machine (pthread_*, sem_*, clocks, malloc, ...) is renamed at build time to world_*
 * functions, which decide nothing themselves: whenever more than one thing could happen
 * next they ask the chooser. An execution is therefore its list of choices, and nothing else.
 *
 * There is one world per process. Nothing here may be called from a second OS thread.
 * This layer knows nothing of sessions, scenarios or strategies.
 */
#ifndef HARNESS_WORLD_H
#define HARNESS_WORLD_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ops.h"
#include "stream.h"

enum {
    WORLD_ENTITIES_MAX = 2048, /* threads and tasks of one execution */
    WORLD_OBJECTS_MAX = 65536, /* locks, conditions, ... of one execution */
    WORLD_NAME_MAX = 64,
    WORLD_STACK_MAX = 24,      /* frames kept of one stack */
    WORLD_TEXT_MAX = 1024,
    WORLD_NOBODY = 0xffff,
    WORLD_ADVANCE = 0xfffe,    /* the option "nobody: let time pass" */
};
#define WORLD_NEVER UINT64_MAX

/* What kind of thing may happen next. The order of this list is the order of the options
 * of a choice (after "go on with the current thread"), so it defines what choice 0 means:
 * threads, actors, messages, open windows, due faults, then letting time pass; spurious
 * wakeups and optional faults come last and never happen by default. */
enum world_class {
    WORLD_THREAD,   /* a thread of the program under test */
    WORLD_ACTOR,    /* a thread of the environment */
    WORLD_MESSAGE,  /* a delivery */
    WORLD_WINDOW,   /* may run now or later, up to a deadline */
    WORLD_FAULT,    /* must happen now */
    WORLD_SPURIOUS, /* a waiter that could wake without a reason */
    WORLD_OPTIONAL, /* may happen or not */
};
enum { WORLD_CLASSES = WORLD_OPTIONAL + 1 };

/* What of a program is visible to the world, beyond its calls; the objects are compiled
 * accordingly. The same choices mean the same only at the same level. */
enum world_level {
    WORLD_LEVEL_SYNC,    /* nothing */
    WORLD_LEVEL_ATOMICS, /* atomic operations, which are scheduling points */
    WORLD_LEVEL_MEMORY,  /* also every access, which is not */
    WORLD_LEVEL_POINTS,  /* also every access, and each is a scheduling point */
};
#define WORLD_LEVELS (WORLD_LEVEL_POINTS + 1)

/* How an execution ended. */
enum world_end {
    WORLD_DONE,     /* the main body returned, or world_finish() */
    WORLD_FINDING,  /* a defect: see world_finding_get() */
    WORLD_CUT,      /* the bound on steps or time was reached */
    WORLD_STOPPED,  /* the chooser gave up (world_stop) */
};

/* What happened besides operations on objects of the machine. */
enum world_met {
    WORLD_MET_NOTHING, /* or no more than certain places */
    WORLD_MET_FAKES,   /* something that only the environment knows was read or changed */
    WORLD_MET_ALL,     /* a thread was stopped, or a clock set: nothing is independent of that */
};
/* How a place is met. What is given can be taken then, and not before. */
enum world_how { WORLD_LOOKS, WORLD_CHANGES, WORLD_GIVES, WORLD_TAKES };
/* What the environment knows is divided into places, which it numbers itself. Each is told once;
 * more than fit are all of them. */
enum { WORLD_PLACES = 4096, WORLD_PLACES_MET = 62 };
struct world_places {
    uint16_t what; /* enum world_met */
    uint16_t count;
    struct {
        uint16_t place;
        uint8_t how; /* enum world_how */
    } at[WORLD_PLACES_MET];
};

/* The label of a choice between values that an atomic load may read: 0 is the newest. */
extern const char *const world_older_value;

/* Decides everything. Both functions return an index below count; count is at least 2.
 * They may look at the options with world_option(), and may call world_stop(). */
struct world_chooser {
    uint32_t (*schedule)(struct world_chooser *self, uint32_t count);
    /* The label is world_older_value where a load may read one. */
    uint32_t (*value)(struct world_chooser *self, uint32_t count, const char *label);
    /* Optional (may be NULL): a thread announced that it spins (sched_yield). */
    void (*yielded)(struct world_chooser *self, uint16_t entity);
    /* Set by the world before schedule(): all options are threads of the program. */
    bool plain;
    /* Optional (may be NULL): plain choices are uniform and need not be asked for. The world
     * draws them here by itself; looked up at the begin of an execution. */
    struct world_stream *uniform;
    /* Optional (may be NULL): told of every scheduling point that has only one option, too: an
     * entity, or WORLD_ADVANCE when time is about to pass or, without deadlines, nothing can
     * happen any more. Looked up at the begin of an execution; slower. */
    void (*forced)(struct world_chooser *self, uint16_t entity);
};

/* One visible operation that happened. Object ids count first uses within the execution;
 * 0 is "no object". For WORLD_OP_ADVANCE, object and result are the high and low half of
 * the new time in ns. */
struct world_step {
    uint32_t object;
    uint32_t result;
    uint32_t choices; /* choices drawn before this step */
    uint16_t entity;
    uint8_t op;       /* enum world_op */
    uint8_t access;   /* enum world_access */
};

struct world_stack {
    uint32_t depth;
    uintptr_t pc[WORLD_STACK_MAX]; /* return addresses, innermost first */
};

/* A defect that the machine itself can see. Text is one sentence; detail is lines. */
struct world_finding {
    enum world_finding_kind kind;
    uint16_t entity;
    char text[WORLD_TEXT_MAX];
    char detail[2 * WORLD_TEXT_MAX];
    struct world_stack stack; /* of the guilty operation */
    /* Of a data race: the access before. The detail is a line about each, the later first. */
    uint16_t other;
    struct world_stack other_stack;
    uint32_t other_step; /* how many steps came before it */
};

/* Limits and modes of the executions that follow. */
struct world_limits {
    uint32_t steps_max;    /* at most WORLD_STEPS_MAX */
    uint32_t rewinds_max;  /* times that the steps are forgotten at that bound, and counted anew:
                            * while the first thread has been alone, and nothing was chosen */
    uint64_t time_max_ns;  /* virtual time */
    uint32_t spurious_max; /* spurious wakeups per execution */
    uint32_t stalls_max;   /* times that time may pass while threads are runnable */
    uint64_t lag_max_ns;   /* how far one stall may reach */
    uint32_t late_max;     /* times that something is sent which arrives later, or in parts */
    uint32_t weak_max;     /* atomic loads that may read an older value; needs find_races */
    uint64_t seed;         /* of getrandom() and friends */
    bool check_memory;     /* look for writes after free at the end of every execution */
    bool every_release;    /* each unlock is a choice, whether or not a try could tell */
    bool find_races;       /* at level memory and above: accesses that nothing orders */
    bool may_exit;         /* exit(0) ends an execution as done; otherwise it is a finding */
};
enum { WORLD_STEPS_MAX = 1 << 20 };

/* The result of one execution. */
struct world_result {
    enum world_end end;
    uint32_t steps;        /* those that were forgotten, too: see rewinds_max */
    uint32_t choices;      /* schedule and value choices that had an alternative */
    uint64_t now_ns;       /* virtual time at the end, counted from the start */
    uint64_t class_hash;   /* of the dependence order: equal for equivalent executions */
    bool spins;            /* cut by the bound on steps, and in the last half of them, if those are
                              WORLD_SPIN_STEPS at least, less than a millisecond passed */
};
enum { WORLD_SPIN_STEPS = 2000 };

/* One choice as it was made; index < count. */
struct world_choice {
    uint16_t index;
    uint16_t count;
};

/* Prepare the machine; call once per process, before anything else. Ends the process with
 * exit status 5 and a message when the address ranges that determinism needs are taken. */
void world_init(void);
/* Take the fatal signals (again, if somebody else has taken them since world_init). */
void world_catch_signals(void);
/* From now on, the processor's counter of cycles shows the virtual time, in nanoseconds and a
 * little more at each look, to code of this executable. Call after world_init(). On x86-64, where
 * the system allows it, without the address sanitizer; otherwise it stays what it is. */
void world_trap_counter(void);
/* From now on, a thread that uses so many seconds of processor time within one step is a
 * finding. The clock only raises the suspicion: replaying the choices must confirm it. */
void world_watch_loops(unsigned seconds);

/* A build of a program under test (image.h): its writable globals are restored before every
 * execution to what they are now, and its constructors run inside each. The descriptor must
 * stay. At most WORLD_IMAGES_MAX images. */
struct image;
enum { WORLD_IMAGES_MAX = 4 };
void world_image_add(const struct image *image);
/* The running thread is about to access so many bytes of its memory, in a function of the C library
 * that was called from `pc`. A scheduling point at level points; may end the execution, by a race.
 * Nothing at level sync. `world_touch_format` is for what printf() reads: its strings;
 * `world_touch_scanned` for what scanf() has stored, which has returned so many fields. */
void world_touch(const void *memory, size_t bytes, bool write, uintptr_t pc);
void world_touch_format(const char *format, va_list list, uintptr_t pc);
void world_touch_scanned(const char *format, va_list list, int fields, uintptr_t pc);
/* Whether that code, or that static variable, is the program's: of any image. */
bool world_is_program(uintptr_t pc);
bool world_is_data(const void *address);

void world_limits_set(const struct world_limits *limits);

/* The level of this process; sync, unless set before the first execution, or after branching. */
void world_level_set(enum world_level level);
enum world_level world_level(void);
/* "sync", "atomics", ...: what tokens begin with. */
const char *world_level_word(enum world_level level);
/* From inside an execution: code of the program that runs for the harness from here on (or no
 * longer does) makes no accesses that anybody should see. */
void world_look_away(bool away);

/* Time that is not the world's own, of executions that deal with something real. Where nothing else
 * happens, time does not jump: `wait` returns what time it is when `until_ns` has come
 * (WORLD_NEVER: there is no deadline), or earlier, if anything else has happened. It may arm tasks,
 * and end the execution. Nothing is ever stuck then: what everybody waits for may still come. */
struct world_clock {
    uint64_t (*wait)(void *context, uint64_t until_ns);
    void *context;
};
/* Of the executions that follow; NULL: the world's own time. The clock must stay. */
void world_follow_clock(const struct world_clock *clock);

/* Every choice of every execution is written to log[0..capacity), also the one being made
 * when a process dies (the log may be shared memory); *used counts them. An execution that
 * needs more is cut. */
void world_choice_log(struct world_choice *log, uint32_t capacity, volatile uint32_t *used);

/* Run one execution: main(arg) is the body of thread 0, named `name`. Everything from the
 * execution before is gone (memory, globals, threads, time). */
struct world_result world_run(struct world_chooser *chooser, const char *name,
                              void (*main)(void *), void *arg);

/* --- for choosers, between choices --- */

/* The option of that index at the choice being made: an entity, or WORLD_ADVANCE. */
uint16_t world_option(uint32_t index);
/* All of them, in order: as many as the choice has. `ends`: of each class, the index behind its
 * last one. The thread that goes on is the first, whatever its class; that time passes comes
 * before the first of WORLD_SPURIOUS. */
void world_options(uint16_t *out, uint16_t ends[WORLD_CLASSES]);
/* Whether option 0 means that the thread which made the last step goes on. */
bool world_option_continues(void);
enum world_class world_class_of(uint16_t entity);
/* Until when a window stays open (WORLD_NEVER when it is none), and since when. */
uint64_t world_window_until_ns(uint16_t entity);
uint64_t world_window_since_ns(uint16_t entity);
/* What has been told to world_meet() and world_meet_place() since the last call. */
void world_met(struct world_places *out);
/* All that is forgotten. */
void world_met_forget(void);
/* Whether what that entity meets is told there; otherwise it may be all that there is. */
bool world_tells(uint16_t entity);
/* What that thread touches first if it goes on, as far as that is known before; NULL: nothing
 * that others touch, or not known. */
const void *world_next_place(uint16_t entity, enum world_access *access);
/* Whether a thread that waits goes on even though what it waits for has not come: its deadline has
 * passed, or it was cancelled, or it wakes without a reason. */
bool world_gave_up(uint16_t entity);
/* The mutex that a thread is about to take, or waits for; NULL: it is none. */
const void *world_mutex_wanted(uint16_t entity);
/* Who holds such a mutex; WORLD_NOBODY: it is free. */
uint16_t world_mutex_holder(const void *mutex);
/* How often time may still pass in this execution while threads are runnable. */
uint32_t world_stalls_left(void);
/* Who a thread is, in every execution in which its creator made the same ones before it; and
 * who made it: WORLD_NOBODY for the first. */
uint64_t world_entity_path(uint16_t entity);
uint16_t world_entity_parent(uint16_t entity);
/* End the execution as WORLD_STOPPED, for a reason that world_stop_text() keeps. */
_Noreturn void world_stop(const char *format, ...) __attribute__((format(printf, 1, 2)));
const char *world_stop_text(void);

/* --- inspection, valid until the next world_run --- */

const struct world_step *world_steps(uint32_t *count);
/* Of them, those before choices were fixed the last time, if they still are: at the end they may
 * have been for long. */
uint32_t world_steps_chosen(void);
/* Of all steps in order, whatever machine or compiler: equal hashes mean equal executions. */
uint64_t world_run_hash(void);
const struct world_finding *world_finding_get(void);
const char *world_entity_name(uint16_t entity);
uint16_t world_entity_count(void);
bool world_is_task(uint16_t entity); /* it has no stack of its own */
uint16_t world_entity_find(const char *name); /* WORLD_NOBODY when there is none */
/* The newest one of that name in the group. */
uint16_t world_entity_newest(uint8_t group, const char *name);
/* How often that entity has made an operation of that kind in this execution; counted only
 * while an observer is set. */
uint32_t world_op_count(uint16_t entity, enum world_op op);
/* Kind word and ordinal of an object ("mutex", 3), for reports. */
const char *world_object_kind(uint32_t object);
/* Whether all that is done with it is world_point_told(). */
bool world_object_told(uint32_t object);
/* Where it lies: the same object has the same address in every execution that did the same
 * before it. For comparing only. */
const void *world_object_address(uint32_t object);
/* What it is called in all executions, and by world_next_place(): its address; but a lock or
 * condition that lies on a stack, and is first used by that thread, is the first, second, ... of
 * these that the thread uses. For comparing only. */
const void *world_object_place(uint32_t object);
/* Where the thread-local variables of a thread lie, in programs that have some. */
const void *world_locals(uint16_t entity, size_t *bytes);
/* Where else a thread keeps what it knows, at the end of an execution: thread-specific values, the
 * result that nobody has taken, its stack and its argument. Nothing of tasks. Of thread 0, whose
 * body may have returned, the stack only where exit() was called. */
void world_thread_roots(uint16_t entity, void (*look)(const char *from, const char *to));
/* Whether exit() has ended the execution. */
bool world_exited(void);
/* The name of a named point's object; "" for any other. */
const char *world_point_name(uint32_t object);
/* While a "signal" value is being chosen: the thread that this index would wake. */
uint16_t world_signal_waiter(uint32_t index);
/* Where a thread that cannot run is waiting, in words: "mutex 3", "the end of thread-2". */
void world_wait_describe(uint16_t entity, char *out, size_t bytes);
bool world_entity_enabled(uint16_t entity);
/* The steps that a thread was about to make when the execution ended, one of them: the index-th.
 * False: there are no more, or none that touch an object. */
bool world_pending(uint16_t entity, uint32_t index, struct world_step *step);
uint64_t world_now_ns(void);
uint64_t world_next_deadline_ns(void);

/* Called after every step of the executions that follow (NULL: nobody; faster). */
typedef void (*world_observer)(void *context, const struct world_step *step);
void world_observe(world_observer observer, void *context);
/* Whether allocations and accesses of the executions that follow keep their stacks (slower). */
void world_keep_stacks(bool keep);
/* Whether every access of the executions that follow is counted (slower), and the count of the last
 * one: what instrumented code touches, a range as one for each 64 bytes; so are memory that is
 * handed out and freed. Without it, accesses that repeat another one are left out. */
void world_count_accesses(bool every);
uint64_t world_accesses(void);
/* Stacks are found by the tables for exceptions, not by frame pointers: for programs with code that
 * has none, such as the library of C++ (slower). */
void world_unwind_stacks(void);
/* The stack of the current operation; empty when called outside an execution. */
void world_stack_here(struct world_stack *out);
/* The stack where a thread stands that is not running. */
void world_stack_of(uint16_t entity, struct world_stack *out);

/* --- for the environment (fakes, actors): call from inside an execution --- */

/* A thread of the environment or of the program; its body may block. Returns its id. */
uint16_t world_spawn(const char *name, enum world_class class_, void (*body)(void *), void *arg);
uint16_t world_self(void);
/* Threads, tasks and memory created from here on by this thread and by the threads that it
 * creates belong to that process group (0 at first). */
void world_group_enter(uint8_t group);
uint8_t world_group_of(uint16_t entity);
/* The group's threads stop where they are, for ever; its memory is gone without a leak. */
void world_group_kill(uint8_t group);

/* What a system may refuse: memory by malloc, calloc and realloc (ENOMEM; what memalign gives is
 * not counted), a new thread (EAGAIN), a mutex or condition to be initialised (ENOMEM). */
enum world_resource { WORLD_MEMORY, WORLD_THREADS, WORLD_LOCKS, WORLD_RESOURCES };
/* The n-th of these that the group asks for from here on is refused; 0: none, as at first. */
void world_refuse(uint8_t group, enum world_resource what, uint32_t n);
/* Whether it is still to come. */
bool world_refusal_waits(uint8_t group, enum world_resource what);

/* Threads that wait for something to change; FIFO. Zero-initialised is valid. */
struct world_queue {
    uint16_t head, tail; /* entity id + 1 */
    uint32_t object;     /* 0 until first used */
    uint16_t place;      /* who waits or wakes meets this one, counted from 1; 0: all of them */
    bool silent;         /* or nobody does: whether somebody had to wait makes no difference */
};
/* Block until world_wake or the deadline (WORLD_NEVER: none); true when woken. Callers loop
 * over their predicate. `what` names the wait in reports and must outlive it. */
bool world_wait(struct world_queue *queue, uint64_t deadline_ns, const char *what);
void world_wake(struct world_queue *queue);
/* Instead of a wait in a silent queue, where there is no need to wait: others may run. */
void world_stand(const struct world_queue *queue);
/* The environment has no locks of its own, but stands for code that has: what its threads did
 * before a wake or a release is known to those who were woken, or acquire, after that. Only
 * looked at where races are; no step. */
void world_release(struct world_queue *queue);
void world_acquire(struct world_queue *queue);
/* Block until that time, or (window) run at a moment of the explorer's choice in between. */
void world_sleep_until(uint64_t when_ns);
void world_window(uint64_t from_ns, uint64_t until_ns, bool optional);

/* Something that happens in one indivisible step, with no stack of its own: a delivery, a
 * fault. The callback must not block; it may wake threads and arm tasks. */
uint16_t world_task(const char *name, enum world_class class_, void (*run)(void *), void *arg);
void world_task_arm(uint16_t task, uint64_t at_ns); /* enabled from then on; now is allowed */
/* It runs at the very moment that it is armed for, whoever else could run then. */
void world_task_prompt(uint16_t task);
void world_task_class(uint16_t task, enum world_class class_);
void world_task_disarm(uint16_t task);
bool world_task_armed(uint16_t task);
/* A task that may run from `from_ns` on and must have run when `until_ns` is over. */
void world_task_window(uint16_t task, uint64_t from_ns, uint64_t until_ns);

/* For fakes: what the calling entity does from its last scheduling point to its next one depends on
 * more than the objects that it touches: on everything that the environment knows, or on one place.
 * Threads of the environment and tasks need not say so, unless they have told that they do. */
void world_meet(enum world_met what);
void world_meet_place(uint32_t place, enum world_how how);
/* An entity of the environment tells from here on what it meets, or no longer does. */
void world_tell(uint16_t entity, bool tells);
/* Whether from here on option 0 is taken wherever there is a choice, and nobody is asked: never, at
 * once, or when time has passed the next time. */
enum world_fix { WORLD_FIX_NEVER, WORLD_FIX_NOW, WORLD_FIX_WHEN_TIME_PASSES };
void world_fix_choices(enum world_fix fix);
/* A value below n, chosen by the explorer; 0 is the default. The label names the choice. */
uint32_t world_choose(uint32_t n, const char *label);
/* A scheduling point with a name: a step of the current thread on a named object, after
 * which others may run. `name` must outlive the execution. */
void world_point(const char *name, enum world_access access);
/* The same, for a name that only tells where a thread is: which of two comes first to the same one
 * makes no difference to what follows. */
void world_point_told(const char *name);
/* Others may run here, before the next step of the current thread: a note of that name. */
void world_pass(const char *name, enum world_access access);
/* As world_point, without giving others a chance to run. */
void world_note(const char *name, enum world_access access);
/* The thread or actor makes no step before that time. */
void world_hold_back(uint16_t entity, uint64_t until_ns);
/* The pause is over now, if there is one. */
void world_resume(uint16_t entity);
/* The running thread looked at something that may change without a step: what it does depends on
 * more than the memory of the program. */
void world_looked_outside(void);
/* What the wall clock shows when an execution begins, since 1970: 2024-01-01 00:00:00 UTC. */
#define WORLD_WALL_START_NS (UINT64_C(1704067200) * 1000000000)

/* Move the wall clock; monotonic time never jumps. */
void world_wall_jump(int64_t by_ns);
/* End the execution: as done, as cut, or with a defect of that kind. */
_Noreturn void world_finish(void);
/* Thread 0 has called pthread_exit(): ends it as a thread; returns when all others have ended. */
void world_leave_main(void);
_Noreturn void world_cut(void);
/* From here on, and as often as it was begun until it ends, accesses and atomic operations of the
 * running thread are no scheduling points. */
void world_apart(bool begins);
/* Lines that tell more of the defect which is about to end the execution. */
void world_detail(const char *lines);
_Noreturn void world_fail(enum world_finding_kind kind, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* --- executions that begin in the middle of another one --- */

/* From inside an execution: why executions cannot branch off from here, or NULL. */
const char *world_branch_obstacle(void);
/* From inside an execution: run outside(argument) on the OS thread's own stack, then go on. It may
 * fork, and the child may call world_branch(); it must not run executions otherwise. */
void world_outside(void (*outside)(void *), void *argument);
/* In a child that was forked outside: every execution from here on begins with the globals, heap,
 * objects and main thread's stack as they are now. Its first thread is a new one, on a stack of
 * its own. Nothing goes on where the parent's execution stands. */
void world_branch(void);
bool world_branched(void);
/* What the execution that was branched off from had: memory allocations, and its stack in use. */
uint32_t world_branch_serial(void);
void world_branch_stack(const char **low, const char **high);

/* --- memory of the program under test --- */

struct world_block {
    const void *address;
    size_t bytes;
    uint32_t serial; /* how many allocations came before it */
    uint16_t entity; /* who allocated it */
    uintptr_t site;  /* return address of the allocation */
    struct world_stack stack; /* empty unless observed */
};
/* A block as by memalign(), at the beginning of a page, for a call that stands at `site`. */
void *world_pages(size_t bytes, uintptr_t site);
/* Blocks of that group that are still allocated; fills at most max, oldest first, returns
 * how many there are. */
uint32_t world_blocks_live(uint8_t group, struct world_block *out, uint32_t max);
size_t world_bytes_live(void);
/* Locks, conditions and the like that this group has initialised and not destroyed. */
uint32_t world_objects_live(uint8_t group);

#endif
