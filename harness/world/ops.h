/* The vocabulary of the machine: visible operations and findings, one table each. */
#ifndef HARNESS_WORLD_OPS_H
#define HARNESS_WORLD_OPS_H

/* Name and word. The word names implicit points ("core/ws.lock[17]"). */
#define WORLD_OPS(X)                                                                               \
    X(START, "begin")                                                                              \
    X(CREATE, "create")                                                                            \
    X(EXIT, "exit")                                                                                \
    X(JOIN, "join")                                                                                \
    X(DETACH, "detach")                                                                            \
    X(CANCEL, "cancel")                                                                            \
    X(LOCK, "lock")                                                                                \
    X(TRYLOCK, "trylock")                                                                          \
    X(TIMEDLOCK, "timedlock")                                                                      \
    X(UNLOCK, "unlock")                                                                            \
    X(WAIT, "wait")                                                                                \
    X(WAKE, "wake")                                                                                \
    X(TIMEOUT, "timeout")                                                                          \
    X(SIGNAL, "signal")                                                                            \
    X(BROADCAST, "broadcast")                                                                      \
    X(RDLOCK, "rdlock")                                                                            \
    X(WRLOCK, "wrlock")                                                                            \
    X(TRYRDLOCK, "tryrdlock")                                                                      \
    X(TRYWRLOCK, "trywrlock")                                                                      \
    X(RWUNLOCK, "rwunlock")                                                                        \
    X(SEM_WAIT, "sem_wait")                                                                        \
    X(SEM_TRY, "sem_trywait")                                                                      \
    X(SEM_POST, "sem_post")                                                                        \
    X(SEM_READ, "sem_getvalue")                                                                    \
    X(BARRIER, "barrier")                                                                          \
    X(ONCE, "once")                                                                                \
    X(SLEEP, "sleep")                                                                              \
    X(YIELD, "yield")                                                                              \
    X(INIT, "init")                                                                                \
    X(DESTROY, "destroy")                                                                          \
    X(POINT, "point")                                                                              \
    X(CHOOSE, "choose")                                                                            \
    X(TASK, "event")                                                                               \
    X(ADVANCE, "advance")                                                                          \
    X(ATOMIC_LOAD, "load")                                                                         \
    X(ATOMIC_STORE, "store")                                                                       \
    X(ATOMIC_UPDATE, "update")                                                                     \
    X(COMPARE_EXCHANGE, "compare_exchange")                                                        \
    X(FENCE, "fence")                                                                              \
    X(READ, "read")                                                                                \
    X(WRITE, "write")                                                                              \
    X(OPEN, "open")                                                                                \
    X(USE, "use")                                                                                  \
    X(CLOSE, "close")                                                                              \
    X(BIND, "bind")                                                                                \
    X(LISTEN, "listen")                                                                            \
    X(CONNECT, "connect")                                                                          \
    X(ACCEPT, "accept")                                                                            \
    X(SEND, "send")                                                                                \
    X(RECV, "recv")                                                                                \
    X(SHUTDOWN, "shutdown")                                                                        \
    X(POLL, "poll")                                                                                \
    X(CONTROL, "control")                                                                          \
    X(FLIGHT, "in flight")                                                                         \
    X(ARRIVAL, "arrival")                                                                         \
    X(KILL, "kill")                                                                               \
    X(HANDLE, "handle")                                                                            \
    X(SPIN, "spin")                                                                                \
    X(WRLOCK_WAITS, "wrlock_waits")

enum world_op {
#define X(name, word) WORLD_OP_##name,
    WORLD_OPS(X)
#undef X
    WORLD_OP_COUNT
};

/* Two steps are dependent when they touch the same object and one of them writes. */
enum world_access { WORLD_NONE, WORLD_READ, WORLD_WRITE };

/* Flags in the result of a step on a descriptor's place, which has two gates: for those who wait
 * for something to come, and for those who wait for room. OPENED: before this step nobody could
 * pass. PASSED: this step could not be made while the gate was closed. The rest is a value. */
enum { WORLD_GATE_IN = 1, WORLD_GATE_OUT = 2 };
#define WORLD_OPENED(gates) ((uint32_t)(gates) << 28)
#define WORLD_PASSED(gates) ((uint32_t)(gates) << 30)
#define WORLD_RESULT(result) ((result)&0xfffffff)

/* Name, word, and what it means. */
#define WORLD_FINDINGS(X)                                                                          \
    X(NONE, "none", "nothing was found")                                                           \
    X(DEADLOCK, "deadlock", "threads wait for each other in a cycle")                              \
    X(STUCK_WAITER, "stuck_waiter", "nothing can run any more, and somebody still waits")          \
    X(LIVELOCK, "livelock", "threads spin, and nobody is left who could end it")                   \
    X(UNLOCK_NOT_OWNER, "unlock_not_owner", "a lock is released by one who does not hold it")      \
    X(RELOCK, "relock", "a normal mutex is locked again by its owner")                             \
    X(DESTROY_BUSY, "destroy_busy", "an object is destroyed while it is held or waited on")        \
    X(USE_DESTROYED, "use_destroyed", "an object is used after it was destroyed")                  \
    X(UNINITIALISED_OBJECT, "uninitialised_object", "an object is used without initialisation")    \
    X(COND_MUTEX_NOT_HELD, "cond_mutex_not_held", "a wait without holding the mutex")              \
    X(COND_TWO_MUTEXES, "cond_two_mutexes", "one condition, two mutexes at the same time")         \
    X(JOIN_INVALID, "join_invalid", "join of a thread that cannot be joined")                      \
    X(EXIT_HOLDING_LOCK, "exit_holding_lock", "a thread ends while it holds a mutex")              \
    X(OVERFLOW, "overflow", "a counter of an object overflows")                                    \
    X(DOUBLE_FREE, "double_free", "a block is freed twice")                                        \
    X(INVALID_FREE, "invalid_free", "a pointer is freed that was never allocated")                 \
    X(USE_AFTER_FREE, "use_after_free", "a block is used after it was freed")                      \
    X(HEAP_OVERFLOW, "heap_overflow", "a write beyond the end of a block")                         \
    X(LEAK, "leak", "a block is never freed")                                                      \
    X(CRASH, "crash", "a fatal signal")                                                            \
    X(STACK_OVERFLOW, "stack_overflow", "a thread's stack is used up")                             \
    X(ABORT, "abort", "the program aborted")                                                       \
    X(ASSERT, "assert", "an assertion failed")                                                     \
    X(EXIT, "exit", "the program ended the process")                                               \
    X(DATA_RACE, "data_race", "two accesses to the same memory that nothing orders")               \
    X(ENDLESS_LOOP, "endless_loop", "a thread computes for ever between two scheduling points")    \
    X(MEMORY, "memory", "the memory of an execution is used up")                                   \
    X(UNCONTROLLED, "uncontrolled", "a call that the world does not control")                      \
    X(CHECK, "check", "a promise was broken")

enum world_finding_kind {
#define X(name, word, text) WORLD_FOUND_##name,
    WORLD_FINDINGS(X)
#undef X
    WORLD_FINDING_COUNT
};

extern const char *const world_op_words[WORLD_OP_COUNT];
extern const char *const world_finding_words[WORLD_FINDING_COUNT];
extern const char *const world_finding_texts[WORLD_FINDING_COUNT];

#endif
