/* A unit test of a queue. Each call locks, no item is lost, and nobody waits for ever; but is it a
 * queue? It is if some order of the calls, one after another, explains all that they returned.
 *
 * The race: take() looks at the first item, and removes it under the lock a second time, so two
 * threads can take the same one. The fix: both under one lock. */
#include <harness.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { ROOM = 4, EMPTY = -1 };

static struct {
    pthread_mutex_t lock;
    int items[ROOM];
    int first, end;
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void put(int item)
{
    pthread_mutex_lock(&queue.lock);
    queue.items[queue.end++] = item;
    pthread_mutex_unlock(&queue.lock);
}

static int take(void)
{
    int item = EMPTY;
    pthread_mutex_lock(&queue.lock);
    int first = queue.first;
    if (first < queue.end) {
        item = queue.items[first];
#ifndef FIXED
        pthread_mutex_unlock(&queue.lock);
        pthread_mutex_lock(&queue.lock);
#endif
        queue.first = first + 1;
    }
    pthread_mutex_unlock(&queue.lock);
    return item;
}

/* --- what a queue is --- */

struct model {
    int64_t items[ROOM], count;
};

static bool step(void *state, const struct harness_operation *operation)
{
    struct model *model = state;
    if (strcmp(operation->name, "put") == 0) {
        model->items[model->count++] = operation->argument;
        return true;
    }
    int64_t item = model->count > 0 ? model->items[0] : EMPTY;
    if (model->count > 0) {
        memmove(model->items, model->items + 1, (ROOM - 1) * sizeof *model->items);
        model->items[--model->count] = 0;
    }
    return !operation->returned || operation->result == item;
}

static const struct harness_model fifo = {.state_bytes = sizeof(struct model), .step = step};

/* --- the test --- */

static void *work(void *argument)
{
    int first = *(int *)argument;
    for (int item = first; item < first + 2; item++) {
        uint32_t operation = harness_call("put", item);
        put(item);
        harness_return(operation, 0);
        operation = harness_call("take", 0);
        harness_return(operation, take());
    }
    return NULL;
}

static void two_threads(void *argument)
{
    pthread_t threads[2];
    int first[2] = {1, 11};
    (void)argument;
    harness_history_begin(&fifo);
    for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, work, &first[i]);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    harness_history_check();
}

int main(void)
{
    struct harness_options options = {.name = "queue", .runs = 2000};
    struct harness_result result = harness_explore(&options, two_threads, NULL);
    printf("%lu executions\n", (unsigned long)result.runs);
    return result.verdict == HARNESS_HELD ? 0 : 1;
}
