/* Workers count what they begin and what they finish. A monitor that reads the first counter
 * first can see more finished than begun. The fix: it reads them the other way round. */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

enum { WORKERS = 2, PHASES = 2 };

static _Atomic int begun, finished;

static void *work(void *argument)
{
    for (int i = 0; i < PHASES; i++) {
        begun++;
        finished++;
    }
    return argument;
}

static void *monitor(void *argument)
{
#ifdef FIXED
    int second = finished;
    int first = begun;
#else
    int first = begun;
    int second = finished;
#endif
    assert(second <= first);
    return argument;
}

int main(void)
{
    pthread_t workers[WORKERS], monitoring;
    for (int i = 0; i < WORKERS; i++) pthread_create(&workers[i], NULL, work, NULL);
    pthread_create(&monitoring, NULL, monitor, NULL);
    for (int i = 0; i < WORKERS; i++) pthread_join(workers[i], NULL);
    pthread_join(monitoring, NULL);
    return 0;
}
