/* A read-write lock in which readers never wait for a writer that waits: two of them can take
 * turns and keep it out for as long as they like. The fix: who comes after the writer goes after
 * it. */
#include <assert.h>
#include <pthread.h>

enum { ROUNDS = 3, PATIENCE = 2 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int readers, writers, writers_waiting;
static int overtaken; /* readers that entered while the writer waited */

static void enter_reader(void)
{
    pthread_mutex_lock(&lock);
#ifdef FIXED
    while (writers > 0 || writers_waiting > 0) pthread_cond_wait(&changed, &lock);
#else
    while (writers > 0) pthread_cond_wait(&changed, &lock);
#endif
    readers++;
    if (writers_waiting > 0) overtaken++;
    assert(overtaken <= PATIENCE);
    pthread_mutex_unlock(&lock);
}

static void leave_reader(void)
{
    pthread_mutex_lock(&lock);
    readers--;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
}

static void *read_often(void *argument)
{
    for (int i = 0; i < ROUNDS; i++) {
        enter_reader();
        leave_reader();
    }
    return argument;
}

static void *write_once(void *argument)
{
    pthread_mutex_lock(&lock);
    writers_waiting++;
    while (readers > 0 || writers > 0) pthread_cond_wait(&changed, &lock);
    writers_waiting--;
    writers++;
    pthread_mutex_unlock(&lock);
    pthread_mutex_lock(&lock);
    writers--;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    return argument;
}

int main(void)
{
    pthread_t threads[3];
    pthread_create(&threads[0], NULL, read_often, NULL);
    pthread_create(&threads[1], NULL, read_often, NULL);
    pthread_create(&threads[2], NULL, write_once, NULL);
    for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
    return 0;
}
