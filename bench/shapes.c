/* Shapes of programs for the cost of race detection, each on two threads: ./shapes SHAPE TIMES. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBERS = 16384, NODES = 512, BUCKETS = 256, SIZE = 48, BYTES = 8192, THREADS = 2 };

static int times;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned long totals[THREADS];

/* --- sums of an array that both read --- */

static unsigned numbers[NUMBERS];

static unsigned long array(unsigned thread)
{
    unsigned long sum = thread;
    for (int round = 0; round < times; round++) {
        for (int i = 0; i < NUMBERS; i++) sum += numbers[i] ^ sum >> 3;
    }
    return sum;
}

/* --- bytes, one at a time: a checksum of a text of one's own --- */

static unsigned char texts[THREADS][NUMBERS];

static unsigned long bytes(unsigned thread)
{
    unsigned long sum = 0;
    for (int round = 0; round < times; round++) {
        for (int i = 0; i < NUMBERS; i++) {
            sum = sum * 31 + texts[thread][i];
            texts[thread][i] = (unsigned char)sum;
        }
    }
    return sum;
}

/* --- a list of one's own, walked and changed --- */

struct node {
    struct node *next;
    unsigned long value;
};

static unsigned long list(unsigned thread)
{
    struct node *first = NULL;
    unsigned long sum = thread;
    for (unsigned i = 0; i < NODES; i++) {
        struct node *node = malloc(sizeof *node);
        *node = (struct node){first, i};
        first = node;
    }
    for (int round = 0; round < 16 * times; round++) {
        for (struct node *node = first; node; node = node->next) sum += node->value++;
    }
    while (first) {
        struct node *next = first->next;
        free(first);
        first = next;
    }
    return sum;
}

/* --- a hash table that both change, under a lock for each eight operations --- */

static struct entry {
    unsigned key, count;
} table[BUCKETS];

static void insert(unsigned key)
{
    unsigned at = key * 2654435761u >> 24;
    for (int i = 0; i < 8 && table[at].key != 0 && table[at].key != key; i++) {
        at = (at + 1) % BUCKETS;
    }
    table[at].key = key;
    table[at].count++;
}

static unsigned long hash(unsigned thread)
{
    for (int round = 0; round < 16 * times; round++) {
        pthread_mutex_lock(&lock);
        for (unsigned i = 0; i < 8; i++) insert((unsigned)round * 8 + i * 7919 + thread);
        pthread_mutex_unlock(&lock);
    }
    return thread;
}

/* --- a product of matrices, each thread half of the rows --- */

static double left[SIZE][SIZE], right[SIZE][SIZE], product[SIZE][SIZE];

static unsigned long matrix(unsigned thread)
{
    for (int round = 0; round < times; round++) {
        for (unsigned i = thread; i < SIZE; i += THREADS) {
            for (unsigned k = 0; k < SIZE; k++) {
                double sum = 0;
                for (unsigned j = 0; j < SIZE; j++) sum += left[i][j] * right[j][k];
                product[i][k] += sum;
            }
        }
    }
    return (unsigned long)product[thread][0];
}

/* --- blocks copied to and fro, of all sizes --- */

static char blocks[THREADS][2][BYTES];

static unsigned long copy(unsigned thread)
{
    for (int round = 0; round < 4 * times; round++) {
        for (size_t size = 64; size <= BYTES; size *= 2) {
            memcpy(blocks[thread][0], blocks[thread][1], size);
            blocks[thread][0][size - 1]++;
            memcpy(blocks[thread][1], blocks[thread][0], size);
        }
    }
    return (unsigned long)blocks[thread][0][BYTES - 1];
}

static const struct shape {
    const char *name;
    unsigned long (*work)(unsigned thread);
} shapes[] = {
    {"array", array}, {"bytes", bytes},   {"list", list},
    {"hash", hash},   {"matrix", matrix}, {"copy", copy},
};
static const struct shape *shape;

static void *run(void *argument)
{
    unsigned thread = argument == &totals[1];
    totals[thread] = shape->work(thread);
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t threads[THREADS];
    for (unsigned i = 0; argc == 3 && i < sizeof shapes / sizeof shapes[0]; i++) {
        if (strcmp(argv[1], shapes[i].name) == 0) shape = &shapes[i];
    }
    if (shape == NULL) {
        fprintf(stderr, "usage: shapes array|bytes|list|hash|matrix|copy TIMES\n");
        return 2;
    }
    times = atoi(argv[2]);
    for (unsigned i = 0; i < NUMBERS; i++) numbers[i] = i * 7919;
    for (unsigned i = 0; i < SIZE * SIZE; i++) {
        left[i / SIZE][i % SIZE] = right[i % SIZE][i / SIZE] = (double)i / SIZE;
    }
    for (int i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, run, &totals[i]);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    printf("%lu\n", totals[0] ^ totals[1]);
    return 0;
}
