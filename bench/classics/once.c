/* Initialisation by whoever comes first. Who comes second sees that somebody began, and goes on
 * before it is done. The fix: waiting until it is. */
#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { THREADS = 2 };
enum { NEW, BEGUN, DONE };

static _Atomic int state;
static _Atomic int value;

static void initialise_once(void)
{
    int expected = NEW;
    if (atomic_compare_exchange_strong(&state, &expected, BEGUN)) {
        value = 42;
        state = DONE;
    }
#ifdef FIXED
    while (state != DONE) sched_yield();
#endif
}

static void *use(void *argument)
{
    initialise_once();
    assert(value == 42);
    return argument;
}

int main(void)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, use, NULL);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    return 0;
}
