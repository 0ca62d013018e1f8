/* Small bugs, each with the two steps whose order decides: marked "NAME first" and "NAME then". */
#include <assert.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER, other = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int balance, ready, closed, waiting;
static atomic_int tickets, taken;
static sem_t items;

static void *account(void *amount)
{
    pthread_mutex_lock(&lock); /* account first */
    int before = balance;
    pthread_mutex_unlock(&lock);
    pthread_mutex_lock(&lock); /* account then */
    balance = before + *(int *)amount;
    pthread_mutex_unlock(&lock);
    return NULL;
}

static void *wakeup(void *unused)
{
    pthread_mutex_lock(&lock);
    int seen = ready;
    pthread_mutex_unlock(&lock);
    pthread_mutex_lock(&lock); /* wakeup then */
    if (!seen) pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    return unused;
}

static void *abba(void *unused)
{
    pthread_mutex_lock(&other); /* abba first */
    pthread_mutex_lock(&lock);
    pthread_mutex_unlock(&lock);
    pthread_mutex_unlock(&other);
    return unused;
}

static void *publish(void *unused)
{
    pthread_mutex_lock(&lock); /* publish then */
    ready = 1;
    pthread_mutex_unlock(&lock);
    return unused;
}

static void *counter(void *unused)
{
    int seen = atomic_load(&tickets); /* counter first */
    atomic_store(&tickets, seen + 1); /* counter then */
    return unused;
}

static void *closing(void *unused)
{
    pthread_mutex_lock(&lock); /* closing then */
    assert(!closed);
    pthread_mutex_unlock(&lock);
    return unused;
}

/* Two threads see the same item, and the second one waits for ever. */
static void *item(void *unused)
{
    if (atomic_load(&taken) == 0) { /* item first */
        sem_wait(&items);
        atomic_fetch_add(&taken, 1); /* item then */
    }
    return unused;
}

/* Whoever comes first: no order helps. */
static void *always(void *unused)
{
    pthread_mutex_lock(&lock);
    assert(waiting++ == 0);
    pthread_mutex_unlock(&lock);
    return unused;
}

static void run_two(void *(*body)(void *), int one, int two)
{
    pthread_t threads[2];
    pthread_create(&threads[0], NULL, body, &one);
    pthread_create(&threads[1], NULL, body, &two);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
}

static void run_one(void *(*body)(void *), void (*meanwhile)(void))
{
    pthread_t thread;
    pthread_create(&thread, NULL, body, NULL);
    meanwhile();
    pthread_join(thread, NULL);
}

static void signal_it(void)
{
    pthread_mutex_lock(&lock); /* wakeup first */
    ready = 1;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&lock);
}

static void lock_both(void)
{
    pthread_mutex_lock(&lock);
    pthread_mutex_lock(&other); /* abba then */
    pthread_mutex_unlock(&other);
    pthread_mutex_unlock(&lock);
}

static void use_it(void)
{
    pthread_mutex_lock(&lock); /* publish first */
    assert(ready);
    pthread_mutex_unlock(&lock);
}

static void close_it(void)
{
    pthread_mutex_lock(&lock); /* closing first */
    closed = 1;
    pthread_mutex_unlock(&lock);
}

int main(int argc, char **argv)
{
    const char *bug = argc > 1 ? argv[1] : "";
    if (strcmp(bug, "account") == 0) {
        run_two(account, 10, 20);
        assert(balance == 30);
    }
    if (strcmp(bug, "wakeup") == 0) run_one(wakeup, signal_it);
    if (strcmp(bug, "abba") == 0) run_one(abba, lock_both);
    if (strcmp(bug, "publish") == 0) run_one(publish, use_it);
    if (strcmp(bug, "counter") == 0) {
        run_two(counter, 0, 0);
        assert(tickets == 2);
    }
    if (strcmp(bug, "closing") == 0) run_one(closing, close_it);
    if (strcmp(bug, "item") == 0) {
        sem_init(&items, 0, 1);
        run_two(item, 0, 0);
    }
    if (strcmp(bug, "always") == 0) run_two(always, 0, 0);
    return 0;
}
