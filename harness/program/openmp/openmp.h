/* OpenMP for programs that gcc has compiled: the functions that it makes of pragmas (libgomp's), on
 * the threads and locks of the simulated world. This is bound to the world as the program is.
 *
 * Threads are created by the first parallel regions and wait for the next ones. Between two calls
 * of the world nobody else runs, so what only this runtime looks at needs no lock. Locks and
 * conditions are used where OpenMP orders what threads do, and nowhere else: who takes the next
 * piece of a loop learns nothing of what the others did. */
#ifndef HARNESS_PROGRAM_OPENMP_H
#define HARNESS_PROGRAM_OPENMP_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum schedule { SCHEDULE_STATIC = 1, SCHEDULE_DYNAMIC = 2, SCHEDULE_GUIDED = 3 };

/* A loop, sections, or a single block of a team. */
struct share {
    struct share *next;
    uint64_t number; /* of those that each thread of the team comes to */
    uint32_t users;  /* threads that have come */
    int64_t taken;   /* pieces, to be seen by all */
    /* Of a loop. */
    enum schedule kind;
    bool ordered;
    uint64_t count, chunk, at, turn; /* iterations; all, of a piece, given out, in order */
    uint64_t first, step, end;
    void *copy; /* what a single block hands to all */
};

struct task {
    void (*body)(void *);
    void *data;
    struct task *parent, *next; /* next: in the queue */
    struct task *older;         /* the parent's one before it that has not ended */
    struct task *children;      /* the newest that has not ended */
    struct group *group;
    uint32_t users;             /* children that are there, and itself until it has ended */
    uint32_t unfinished;        /* children */
    bool final;
    size_t outs, ins;
    void **depends;
};

struct group {
    struct group *outer;
    uint32_t unfinished;
};

struct team {
    struct team *outer;
    struct thread *creator;
    uint32_t size, level, active;
    struct share *shares;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t changed;
    uint32_t arrived, round; /* at the barrier */
    uint32_t unfinished;     /* tasks */
    struct task *first, *last;
};

struct thread {
    struct team *team;
    uint32_t id;
    uint64_t shares; /* that it has come to */
    struct share *share;
    uint64_t piece, piece_end; /* the iterations it has now */
    int64_t pieces;            /* of a static schedule */
    struct task *task;
    struct task initial;
};

/* The calling thread's place in its team; outside of parallel regions, alone. */
struct thread *openmp_self(void);

/* Runs `body(data)` in so many threads, 0: as many as usual. `prepare`, if not NULL, is the pattern
 * of the team's first share, in which every thread begins. */
void openmp_parallel(void (*body)(void *), void *data, uint32_t threads,
                     const struct share *prepare);
/* How many a region has that asks for so many, 0: that does not say. */
uint32_t openmp_threads(uint32_t wanted);

/* All of the team, and all tasks. */
void openmp_barrier(void);

/* The next share of the calling thread; `pattern` if it is the first there. True: it is. */
bool openmp_share(const struct share *pattern);
void openmp_share_leave(void);
/* Others may go first, who then come first to what is handed out there. */
void openmp_point(int64_t *word);

/* The schedule of loops that leave it to the run. */
void openmp_schedule(enum schedule *kind, uint64_t *chunk);

/* Runs a task that may begin, of that parent or group, where they are not NULL. False: there is
 * none. The team's lock is held, and given up in between. */
bool openmp_run_one(struct team *team, const struct task *parent, const struct group *group);

/* Zeroed; ends the execution when there is none. */
void *openmp_memory(size_t bytes);

#endif
