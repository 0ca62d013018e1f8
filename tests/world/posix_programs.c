/* Small classical programs: several primitives together, judged by an invariant. */
#include "posix_check.h"
#include "posix_list.h"
#include "posix_support.h"

#include <semaphore.h>
#include <stdbool.h>
#include <stddef.h>

enum { CAPACITY = 2, ITEMS = 3, PRODUCERS = 2, CONSUMERS = 2, PHASES = 3, TURNS = 3, SEATS = 3 };

/* A queue of bounded length with two conditions. */
struct queue {
    pthread_mutex_t mutex;
    pthread_cond_t not_full;
    pthread_cond_t not_empty;
    uint32_t items[CAPACITY];
    uint32_t head;
    uint32_t count;
    uint32_t next;
    uint32_t sum;
};

static void queue_put(struct queue *queue, uint32_t item)
{
    CHECK_OK(pthread_mutex_lock(&queue->mutex));
    while (queue->count == CAPACITY)
        CHECK_OK(pthread_cond_wait(&queue->not_full, &queue->mutex));
    queue->items[(queue->head + queue->count++) % CAPACITY] = item;
    CHECK(queue->count <= CAPACITY);
    CHECK_OK(pthread_cond_signal(&queue->not_empty));
    CHECK_OK(pthread_mutex_unlock(&queue->mutex));
}

static uint32_t queue_take(struct queue *queue)
{
    uint32_t item;

    CHECK_OK(pthread_mutex_lock(&queue->mutex));
    while (queue->count == 0)
        CHECK_OK(pthread_cond_wait(&queue->not_empty, &queue->mutex));
    item = queue->items[queue->head];
    queue->head = (queue->head + 1) % CAPACITY;
    queue->count--;
    queue->sum += item;
    CHECK_OK(pthread_cond_signal(&queue->not_full));
    CHECK_OK(pthread_mutex_unlock(&queue->mutex));
    return item;
}

static void *produce(void *argument)
{
    for (uint32_t item = 1; item <= ITEMS; item++)
        queue_put(argument, item);
    return NULL;
}

static void *consume(void *argument)
{
    for (uint32_t i = 0; i < PRODUCERS * ITEMS / CONSUMERS; i++) {
        uint32_t item = queue_take(argument);

        CHECK(item >= 1 && item <= ITEMS);
    }
    return NULL;
}

void posix_programs_bounded_queue(void)
{
    struct queue queue = {.mutex = PTHREAD_MUTEX_INITIALIZER,
                          .not_full = PTHREAD_COND_INITIALIZER,
                          .not_empty = PTHREAD_COND_INITIALIZER};
    pthread_t threads[PRODUCERS + CONSUMERS];

    for (size_t i = 0; i < PRODUCERS + CONSUMERS; i++)
        threads[i] = posix_start(i < PRODUCERS ? produce : consume, &queue);
    for (size_t i = 0; i < PRODUCERS + CONSUMERS; i++)
        posix_finish(threads[i]);
    CHECK_EQ(queue.count, 0);
    CHECK_EQ(queue.sum, PRODUCERS * ITEMS * (ITEMS + 1) / 2);
    CHECK_OK(pthread_cond_destroy(&queue.not_full));
    CHECK_OK(pthread_cond_destroy(&queue.not_empty));
    CHECK_OK(pthread_mutex_destroy(&queue.mutex));
}

/* Readers and writers over one mutex and one condition; a waiting writer goes first. */
struct library {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    uint32_t readers;
    uint32_t writers_waiting;
    bool writing;
    uint32_t version;
};

static void *read_library(void *argument)
{
    struct library *library = argument;
    uint32_t version;

    CHECK_OK(pthread_mutex_lock(&library->mutex));
    while (library->writing || library->writers_waiting > 0)
        CHECK_OK(pthread_cond_wait(&library->changed, &library->mutex));
    library->readers++;
    CHECK_OK(pthread_mutex_unlock(&library->mutex));
    version = library->version;
    CHECK_OK(pthread_mutex_lock(&library->mutex));
    CHECK(!library->writing);
    CHECK_EQ(library->version, version);
    library->readers--;
    CHECK_OK(pthread_cond_broadcast(&library->changed));
    CHECK_OK(pthread_mutex_unlock(&library->mutex));
    return NULL;
}

static void *write_library(void *argument)
{
    struct library *library = argument;

    CHECK_OK(pthread_mutex_lock(&library->mutex));
    library->writers_waiting++;
    while (library->writing || library->readers > 0)
        CHECK_OK(pthread_cond_wait(&library->changed, &library->mutex));
    library->writers_waiting--;
    library->writing = true;
    CHECK_OK(pthread_mutex_unlock(&library->mutex));
    library->version++;
    CHECK_OK(pthread_mutex_lock(&library->mutex));
    CHECK_EQ(library->readers, 0);
    library->writing = false;
    CHECK_OK(pthread_cond_broadcast(&library->changed));
    CHECK_OK(pthread_mutex_unlock(&library->mutex));
    return NULL;
}

void posix_programs_readers_and_writers(void)
{
    struct library library = {.mutex = PTHREAD_MUTEX_INITIALIZER,
                              .changed = PTHREAD_COND_INITIALIZER};
    pthread_t threads[4];

    for (size_t i = 0; i < 4; i++)
        threads[i] = posix_start(i % 2 == 0 ? read_library : write_library, &library);
    for (size_t i = 0; i < 4; i++)
        posix_finish(threads[i]);
    CHECK_EQ(library.version, 2);
    CHECK_OK(pthread_cond_destroy(&library.changed));
    CHECK_OK(pthread_mutex_destroy(&library.mutex));
}

/* Each seat adds up its two neighbours of the phase before: no lock, only the barrier. */
struct ring {
    pthread_barrier_t barrier;
    uint32_t values[2][SEATS];
};

struct seat {
    struct ring *ring;
    uint32_t number;
};

static void *compute_phases(void *argument)
{
    struct seat *seat = argument;
    uint32_t left = (seat->number + SEATS - 1) % SEATS;
    uint32_t right = (seat->number + 1) % SEATS;

    for (uint32_t phase = 0; phase < PHASES; phase++) {
        const uint32_t *before = seat->ring->values[phase % 2];
        int rc;

        seat->ring->values[(phase + 1) % 2][seat->number] = before[left] + before[right];
        rc = pthread_barrier_wait(&seat->ring->barrier);
        CHECK(rc == 0 || rc == PTHREAD_BARRIER_SERIAL_THREAD);
    }
    return NULL;
}

void posix_programs_barrier_phases(void)
{
    struct ring ring = {.values = {{1, 2, 3}}};
    struct seat seats[SEATS];
    pthread_t threads[SEATS];
    const uint32_t *last = ring.values[PHASES % 2];

    CHECK_OK(pthread_barrier_init(&ring.barrier, NULL, SEATS));
    for (uint32_t i = 0; i < SEATS; i++) {
        seats[i] = (struct seat){&ring, i};
        threads[i] = posix_start(compute_phases, &seats[i]);
    }
    for (size_t i = 0; i < SEATS; i++)
        posix_finish(threads[i]);
    /* By hand: 1 2 3, then 5 4 3, then 7 8 9, then 17 16 15. */
    CHECK_EQ(last[0], 17);
    CHECK_EQ(last[1], 16);
    CHECK_EQ(last[2], 15);
    CHECK_OK(pthread_barrier_destroy(&ring.barrier));
}

/* Two players over one condition: strictly in turns. */
struct table {
    pthread_mutex_t mutex;
    pthread_cond_t turn_changed;
    uint32_t turn;
};

struct player {
    struct table *table;
    uint32_t number;
};

static void *play(void *argument)
{
    struct player *player = argument;
    struct table *table = player->table;

    for (uint32_t round = 0; round < TURNS; round++) {
        CHECK_OK(pthread_mutex_lock(&table->mutex));
        while (table->turn % 2 != player->number)
            CHECK_OK(pthread_cond_wait(&table->turn_changed, &table->mutex));
        CHECK_EQ(table->turn, 2 * round + player->number);
        table->turn++;
        /* Only the other one can be waiting. */
        CHECK_OK(pthread_cond_signal(&table->turn_changed));
        CHECK_OK(pthread_mutex_unlock(&table->mutex));
    }
    return NULL;
}

void posix_programs_ping_pong(void)
{
    struct table table = {.mutex = PTHREAD_MUTEX_INITIALIZER,
                          .turn_changed = PTHREAD_COND_INITIALIZER};
    struct player players[2] = {{&table, 0}, {&table, 1}};
    pthread_t thread = posix_start(play, &players[1]);

    play(&players[0]);
    posix_finish(thread);
    CHECK_EQ(table.turn, 2 * TURNS);
    CHECK_OK(pthread_cond_destroy(&table.turn_changed));
    CHECK_OK(pthread_mutex_destroy(&table.mutex));
}

/* One cell, written and read in turns, with two semaphores and no lock. */
struct cell {
    sem_t empty;
    sem_t full;
    uint32_t value;
};

static void *write_cell(void *argument)
{
    struct cell *cell = argument;

    for (uint32_t value = 1; value <= ITEMS; value++) {
        CHECK_OK(sem_wait(&cell->empty));
        cell->value = value;
        CHECK_OK(sem_post(&cell->full));
    }
    return NULL;
}

void posix_programs_semaphore_hand_off(void)
{
    struct cell cell = {.value = 0};
    pthread_t thread;

    CHECK_OK(sem_init(&cell.empty, 0, 1));
    CHECK_OK(sem_init(&cell.full, 0, 0));
    thread = posix_start(write_cell, &cell);
    for (uint32_t value = 1; value <= ITEMS; value++) {
        CHECK_OK(sem_wait(&cell.full));
        CHECK_EQ(cell.value, value);
        CHECK_OK(sem_post(&cell.empty));
    }
    posix_finish(thread);
    CHECK_OK(sem_destroy(&cell.empty));
    CHECK_OK(sem_destroy(&cell.full));
}

/* Philosophers who take the lower fork first: nobody starves, nothing locks up. */
struct dinner {
    pthread_mutex_t forks[SEATS];
    uint32_t used[SEATS];
};

struct philosopher {
    struct dinner *dinner;
    uint32_t seat;
};

static void *dine(void *argument)
{
    struct philosopher *self = argument;
    struct dinner *dinner = self->dinner;
    uint32_t next = (self->seat + 1) % SEATS;
    uint32_t low = self->seat < next ? self->seat : next;
    uint32_t high = self->seat < next ? next : self->seat;

    for (uint32_t meal = 0; meal < 2; meal++) {
        CHECK_OK(pthread_mutex_lock(&dinner->forks[low]));
        CHECK_OK(pthread_mutex_lock(&dinner->forks[high]));
        dinner->used[low]++;
        dinner->used[high]++;
        CHECK_OK(pthread_mutex_unlock(&dinner->forks[high]));
        CHECK_OK(pthread_mutex_unlock(&dinner->forks[low]));
    }
    return NULL;
}

void posix_programs_philosophers(void)
{
    struct dinner dinner = {.used = {0}};
    struct philosopher philosophers[SEATS];
    pthread_t threads[SEATS];

    for (size_t i = 0; i < SEATS; i++)
        CHECK_OK(pthread_mutex_init(&dinner.forks[i], NULL));
    for (uint32_t i = 0; i < SEATS; i++) {
        philosophers[i] = (struct philosopher){&dinner, i};
        threads[i] = posix_start(dine, &philosophers[i]);
    }
    for (size_t i = 0; i < SEATS; i++) {
        posix_finish(threads[i]);
    }
    for (size_t i = 0; i < SEATS; i++) {
        CHECK_EQ(dinner.used[i], 4);
        CHECK_OK(pthread_mutex_destroy(&dinner.forks[i]));
    }
}
