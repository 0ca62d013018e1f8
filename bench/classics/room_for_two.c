/* A room for reds or blues: the first of a colour opens it, the last one closes it. One lock
 * guards both counts; who waits for the room holds it, and those inside need it to leave. The
 * fix: a lock for each colour. */
#include <pthread.h>
#include <semaphore.h>

enum { COLOURS = 2, EACH = 2 };

struct colour {
    pthread_mutex_t own_lock;
    int inside;
};

static sem_t room;
static struct colour colours[COLOURS] = {
    {PTHREAD_MUTEX_INITIALIZER, 0},
    {PTHREAD_MUTEX_INITIALIZER, 0},
};
#ifdef FIXED
#define LOCK_OF(colour) (&(colour)->own_lock)
#else
#define LOCK_OF(colour) (&colours[0].own_lock)
#endif

static void enter(struct colour *colour)
{
    pthread_mutex_lock(LOCK_OF(colour));
    if (++colour->inside == 1) sem_wait(&room);
    pthread_mutex_unlock(LOCK_OF(colour));
}

static void leave(struct colour *colour)
{
    pthread_mutex_lock(LOCK_OF(colour));
    if (--colour->inside == 0) sem_post(&room);
    pthread_mutex_unlock(LOCK_OF(colour));
}

static void *visit(void *colour)
{
    enter(colour);
    leave(colour);
    return NULL;
}

int main(void)
{
    pthread_t threads[COLOURS * EACH];
    sem_init(&room, 0, 1);
    for (int i = 0; i < COLOURS * EACH; i++) {
        pthread_create(&threads[i], NULL, visit, &colours[i % COLOURS]);
    }
    for (int i = 0; i < COLOURS * EACH; i++) pthread_join(threads[i], NULL);
    sem_destroy(&room);
    return 0;
}
