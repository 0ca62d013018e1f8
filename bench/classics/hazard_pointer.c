/* A reader says which object it uses; who replaces the object retires the old one if nobody does.
 * But it may have been replaced before the reader said so. The fix: the reader looks again. */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

static _Atomic int current;     /* index of an object */
static _Atomic int in_use = -1;
static _Atomic bool retired[2]; /* instead of being freed, so that the assertion tells */

static void *use(void *argument)
{
    int object;
    do {
        object = current;
        in_use = object;
    }
#ifdef FIXED
    while (object != current);
#else
    while (0);
#endif
    assert(!retired[object]);
    in_use = -1;
    return argument;
}

static void *replace(void *argument)
{
    int old = atomic_exchange(&current, 1);
    if (in_use != old) retired[old] = true;
    return argument;
}

int main(void)
{
    pthread_t user, replacer;
    pthread_create(&user, NULL, use, NULL);
    pthread_create(&replacer, NULL, replace, NULL);
    pthread_join(user, NULL);
    pthread_join(replacer, NULL);
    return 0;
}
