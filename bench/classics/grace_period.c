/* Readers count themselves in one of two phases; who replaces the object goes to the other phase
 * and waits until the old one is empty. A reader that was slow to count itself sits in a phase that
 * nobody waits for at the second replacement. The fix: wait for both. */
#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { OBJECTS = 3 };

static _Atomic int phase, readers[2], current, alive[OBJECTS];

static void *read_object(void *argument)
{
    int own = phase;
    readers[own]++;
    int object = current;
    assert(alive[object]);
    readers[own]--;
    return argument;
}

static void wait_for(int own)
{
    while (readers[own] > 0) sched_yield();
}

static void *replace_objects(void *argument)
{
    for (int next = 1; next < OBJECTS; next++) {
        int before = current, old = phase;
        alive[next] = 1;
        current = next;
        phase = 1 - old;
        wait_for(old);
#ifdef FIXED
        wait_for(1 - old);
#endif
        alive[before] = 0;
    }
    return argument;
}

int main(void)
{
    pthread_t reader, writer;
    alive[0] = 1;
    pthread_create(&reader, NULL, read_object, NULL);
    pthread_create(&writer, NULL, replace_objects, NULL);
    pthread_join(reader, NULL);
    pthread_join(writer, NULL);
    return 0;
}
