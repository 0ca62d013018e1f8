/* Double-checked initialisation: the flag goes up before the value is there, so the check without
 * the lock lets a thread through that finds nothing. The fix: the flag last. */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic int initialised;
static _Atomic int value;

static int get(void)
{
    if (!initialised) {
        pthread_mutex_lock(&lock);
        if (!initialised) {
#ifdef FIXED
            value = 42;
            initialised = 1;
#else
            initialised = 1;
            value = 42;
#endif
        }
        pthread_mutex_unlock(&lock);
    }
    return value;
}

static void *use(void *argument)
{
    assert(get() == 42);
    return argument;
}

int main(void)
{
    pthread_t one, other;
    pthread_create(&one, NULL, use, NULL);
    pthread_create(&other, NULL, use, NULL);
    pthread_join(one, NULL);
    pthread_join(other, NULL);
    return 0;
}
