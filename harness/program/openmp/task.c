/* Tasks: created in a queue of the team, run by whoever waits for some. */
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "openmp.h"

/* As gcc passes them. */
enum flags { FINAL = 1 << 1, DEPENDS = 1 << 3, UP = 1 << 8, GRAINS = 1 << 9, IF = 1 << 10,
             NO_GROUP = 1 << 11 };

/* --- dependences --- */

enum { OBJECT_IN = 1 }; /* what gcc writes into an object that depends by `in` */

/* Addresses that are written come first. */
static void read_depends(struct task *task, void **depends)
{
    size_t plain = depends[0] ? 2 : 5; /* where they begin, in the old form and the new one */
    size_t all = (size_t)depends[depends[0] ? 0 : 1];
    size_t outs = (size_t)depends[depends[0] ? 1 : 2];
    size_t ins = all - outs;
    if (depends[0] == NULL) {
        outs += (size_t)depends[3];
        ins = (size_t)depends[4];
    }
    task->depends = openmp_memory((all + 1) * sizeof *task->depends);
    memcpy(task->depends, depends + plain, all * sizeof *task->depends);
    /* What is left are objects that name an address, and what is done there. */
    for (size_t i = outs + ins; i < all; i++) {
        void *const *object = task->depends[i];
        task->depends[i] = object[0];
        if ((uintptr_t)object[1] == OBJECT_IN) continue;
        task->depends[i] = task->depends[outs];
        task->depends[outs++] = object[0];
    }
    task->outs = outs;
    task->ins = all - outs;
}

static bool names(const struct task *task, const void *address, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        if (task->depends[i] == address) return true;
    }
    return false;
}

static bool conflict(const struct task *older, const struct task *task)
{
    for (size_t i = 0; i < task->outs + task->ins; i++) {
        size_t against = i < task->outs ? older->outs + older->ins : older->outs;
        if (names(older, task->depends[i], 0, against)) return true;
    }
    return false;
}

static bool ready(const struct task *task)
{
    for (const struct task *older = task->older; older; older = older->older) {
        if (conflict(older, task)) return false;
    }
    return true;
}

/* --- the life of a task; the team's lock is held --- */

static void let_go(struct task *task)
{
    while (task && --task->users == 0) {
        struct task *parent = task->parent;
        free(task->depends);
        free(task);
        task = parent;
    }
}

static void adopt(struct task *task, struct task *parent, struct team *team)
{
    task->parent = parent;
    task->group = parent->group;
    task->older = parent->children;
    task->users = 1;
    parent->children = task;
    parent->users++;
    parent->unfinished++;
    team->unfinished++;
    if (task->group) task->group->unfinished++;
}

static void finish(struct task *task, struct team *team)
{
    struct task **at = &task->parent->children;
    while (*at != task) at = &(*at)->older;
    *at = task->older;
    task->parent->unfinished--;
    team->unfinished--;
    if (task->group) task->group->unfinished--;
    pthread_cond_broadcast(&team->changed);
    let_go(task);
}

static void run(struct task *task, struct team *team)
{
    struct thread *thread = openmp_self();
    struct task *before = thread->task;
    struct group *group = task->group;
    pthread_mutex_unlock(&team->lock);
    thread->task = task;
    task->body(task->data);
    thread->task = before;
    pthread_mutex_lock(&team->lock);
    task->group = group;
    finish(task, team);
}

bool openmp_run_one(struct team *team, const struct task *parent, const struct group *group)
{
    struct task *last = NULL;
    for (struct task *task = team->first; task; last = task, task = task->next) {
        if ((parent && task->parent != parent) || (group && task->group != group)) continue;
        if (!ready(task)) continue;
        if (last) {
            last->next = task->next;
        } else {
            team->first = task->next;
        }
        if (team->last == task) team->last = last;
        run(task, team);
        return true;
    }
    return false;
}

static void append(struct task *task, struct team *team)
{
    if (team->last) {
        team->last->next = task;
    } else {
        team->first = task;
    }
    team->last = task;
    pthread_cond_broadcast(&team->changed);
}

/* Runs what it waits for, or waits for those who do. */
static void await(struct team *team, const struct task *parent, const struct group *group)
{
    if (!openmp_run_one(team, parent, group)) pthread_cond_wait(&team->changed, &team->lock);
}

/* --- creation --- */

struct kind {
    openmp_body *body;
    void (*copy)(void *, void *);
    size_t bytes, alignment;
    bool deferred;
    unsigned flags;
};

/* With room behind it for its data. */
static struct task *new_task(const struct kind *kind, void *data)
{
    struct task *task = openmp_memory(sizeof *task + kind->bytes + kind->alignment);
    uintptr_t room = (uintptr_t)(task + 1) + kind->alignment - 1;
    task->body = kind->body;
    task->data = (char *)task + (room - room % kind->alignment - (uintptr_t)task);
    if (kind->copy) {
        kind->copy(task->data, data);
    } else {
        memcpy(task->data, data, kind->bytes);
    }
    return task;
}

static void start(struct task *task, const struct kind *kind, void **depends)
{
    struct thread *thread = openmp_self();
    struct team *team = thread->team;
    struct task *parent = thread->task;
    task->final = parent->final || (kind->flags & FINAL) != 0;
    if (kind->flags & DEPENDS) read_depends(task, depends);
    pthread_mutex_lock(&team->lock);
    adopt(task, parent, team);
    if (kind->deferred && team->size > 1 && !task->final) {
        append(task, team);
    } else {
        while (!ready(task)) await(team, parent, NULL);
        run(task, team);
    }
    pthread_mutex_unlock(&team->lock);
}

void GOMP_task(openmp_body *body, void *data, void (*copy)(void *, void *), long bytes,
               long alignment, bool deferred, unsigned flags, void **depends, int priority)
{
    struct kind kind = {body, copy, (size_t)bytes, alignment > 0 ? (size_t)alignment : 1,
                        deferred, flags};
    (void)priority;
    start(new_task(&kind, data), &kind, depends);
}

/* The first two numbers of a task's data are where its iterations begin and end. */
static void split(const struct kind *kind, void *data, unsigned long tasks, const long *bounds,
                  uint64_t count)
{
    long from = bounds[0], step = bounds[2];
    for (unsigned long i = 0; i < tasks; i++) {
        uint64_t some = count / tasks + (i < count % tasks);
        struct task *task = new_task(kind, data);
        long *piece = task->data;
        piece[0] = from;
        from += (long)some * step;
        piece[1] = i + 1 < tasks ? from : bounds[1];
        start(task, kind, NULL);
    }
}

void GOMP_taskloop(openmp_body *body, void *data, void (*copy)(void *, void *), long bytes,
                   long alignment, unsigned flags, unsigned long tasks, int priority, long from,
                   long to, long step)
{
    struct kind kind = {body, copy, (size_t)bytes, alignment > 0 ? (size_t)alignment : 1,
                        (flags & IF) != 0, flags & FINAL};
    long bounds[3] = {from, to, step};
    uint64_t count = step > 0 ? (from < to ? (uint64_t)((to - from + step - 1) / step) : 0)
                              : (from > to ? (uint64_t)((from - to - step - 1) / -step) : 0);
    (void)priority;
    if (count == 0) return;
    if (flags & GRAINS) tasks = count / tasks;
    if (tasks == 0) tasks = flags & GRAINS ? 1 : openmp_self()->team->size;
    if (tasks > count) tasks = count;
    if (!(flags & NO_GROUP)) GOMP_taskgroup_start();
    split(&kind, data, tasks, bounds, count);
    if (!(flags & NO_GROUP)) GOMP_taskgroup_end();
}

/* --- waiting --- */

void GOMP_taskwait(void)
{
    struct thread *thread = openmp_self();
    struct team *team = thread->team;
    if (thread->task->unfinished == 0 && team->size == 1) return;
    pthread_mutex_lock(&team->lock);
    while (thread->task->unfinished > 0) await(team, thread->task, NULL);
    pthread_mutex_unlock(&team->lock);
}

/* As a task that does nothing would. */
void GOMP_taskwait_depend(void **depends)
{
    struct thread *thread = openmp_self();
    struct team *team = thread->team;
    struct task task = {.older = thread->task->children};
    read_depends(&task, depends);
    pthread_mutex_lock(&team->lock);
    for (;;) {
        task.older = thread->task->children;
        if (ready(&task)) break;
        await(team, thread->task, NULL);
    }
    pthread_mutex_unlock(&team->lock);
    free(task.depends);
}

void GOMP_taskyield(void)
{
    struct team *team = openmp_self()->team;
    if (team->size == 1) return;
    pthread_mutex_lock(&team->lock);
    openmp_run_one(team, openmp_self()->task, NULL);
    pthread_mutex_unlock(&team->lock);
}

void GOMP_taskgroup_start(void)
{
    struct task *task = openmp_self()->task;
    struct group *group = openmp_memory(sizeof *group);
    group->outer = task->group;
    task->group = group;
}

void GOMP_taskgroup_end(void)
{
    struct thread *thread = openmp_self();
    struct team *team = thread->team;
    struct group *group = thread->task->group;
    pthread_mutex_lock(&team->lock);
    while (group->unfinished > 0) await(team, NULL, group);
    pthread_mutex_unlock(&team->lock);
    thread->task->group = group->outer;
    free(group);
}
