/* Named semaphores. There is one process, so a name leads to one semaphore for as long as somebody
 * has it open or nobody has unlinked it; all names are forgotten between executions. */
#include "internal.h"

#include <fcntl.h>
#include <limits.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The file system has "sem." before each name. */
enum { NAMED_MAX = 256, NAME_BYTES = NAME_MAX + 1 - 4 };

struct named {
    sem_t sem;
    char name[NAME_BYTES]; /* empty: unlinked */
    uint32_t users;
};
static struct {
    struct named all[NAMED_MAX];
    uint32_t used;      /* above the last one that exists */
    uint32_t directory; /* the object that stands for who has which name */
} names, kept;

int world_sem_init(sem_t *sem, int shared, unsigned value);
int world_sem_destroy(sem_t *sem);

void semaphores_reset(void)
{
    if (names.used > 0 || names.directory > 0) names = kept;
}

void semaphores_keep(void)
{
    kept = names;
}

/* Others may come first; what follows is one step. */
static void look_up(uintptr_t site)
{
    uint32_t id = object_at(&names.directory, OBJECT_QUEUE, site);
    sched_point(&names.directory, WORLD_WRITE);
    step_record(WORLD_OP_INIT, id, WORLD_WRITE, 0);
}

/* Without the slashes before it; NULL and errno: no such name is possible. */
static const char *plain_name(const char *name)
{
    name += strspn(name, "/");
    bool possible = *name != '\0' && strchr(name, '/') == NULL;
    bool fits = strlen(name) < NAME_BYTES;
    errno = possible ? ENAMETOOLONG : EINVAL;
    return possible && fits ? name : NULL;
}

static struct named *find(const char *name)
{
    for (uint32_t i = 0; i < names.used; i++) {
        if (strcmp(names.all[i].name, name) == 0) return &names.all[i];
    }
    return NULL;
}

static sem_t *failed(int error)
{
    errno = error;
    return SEM_FAILED;
}

static sem_t *make(const char *name, unsigned value)
{
    uint32_t at = 0;
    if (value > SEM_VALUE_MAX) return failed(EINVAL);
    while (at < names.used && (names.all[at].users > 0 || *names.all[at].name)) at++;
    if (at == NAMED_MAX) return failed(ENFILE);
    if (at == names.used) names.used++;
    snprintf(names.all[at].name, sizeof names.all[at].name, "%s", name);
    names.all[at].users = 1;
    world_sem_init(&names.all[at].sem, true, value);
    return &names.all[at].sem;
}

sem_t *world_sem_open(const char *name, int flags, ...)
{
    unsigned value = 0;
    if (flags & O_CREAT) {
        va_list list;
        va_start(list, flags);
        (void)va_arg(list, unsigned); /* permissions: there is one user */
        value = va_arg(list, unsigned);
        va_end(list);
    }
    name = plain_name(name);
    if (name == NULL) return SEM_FAILED;
    look_up(CALLER);
    struct named *known = find(name);
    if (known == NULL) return flags & O_CREAT ? make(name, value) : failed(ENOENT);
    if ((flags & O_CREAT) && (flags & O_EXCL)) return failed(EEXIST);
    known->users++;
    return &known->sem;
}

/* Nobody can come to it any more. */
static void end_if_unreachable(struct named *one)
{
    if (one->users == 0 && *one->name == '\0') world_sem_destroy(&one->sem);
}

int world_sem_close(sem_t *sem)
{
    struct named *one = (struct named *)(void *)sem;
    look_up(CALLER);
    for (uint32_t i = 0; i < names.used; i++) {
        if (one != &names.all[i] || one->users == 0) continue;
        one->users--;
        end_if_unreachable(one);
        return 0;
    }
    errno = EINVAL;
    return -1;
}

int world_sem_unlink(const char *name)
{
    name = plain_name(name);
    if (name == NULL) {
        if (errno == EINVAL) errno = ENOENT;
        return -1;
    }
    look_up(CALLER);
    struct named *one = find(name);
    if (one == NULL) {
        errno = ENOENT;
        return -1;
    }
    one->name[0] = '\0';
    end_if_unreachable(one);
    return 0;
}
