/* Files take blocks of a disk. Whether a block is free is asked under its lock, and asked no more
 * when it is taken: two files get the same one. The fix: one critical section for both. */
#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum { BLOCKS = 3, FILES = 3 };

static pthread_mutex_t locks[BLOCKS];
static bool busy[BLOCKS];
static int holders[BLOCKS];

static bool take(int block)
{
    pthread_mutex_lock(&locks[block]);
    bool taken = !busy[block];
#ifndef FIXED
    pthread_mutex_unlock(&locks[block]);
    pthread_mutex_lock(&locks[block]);
#endif
    if (taken) {
        busy[block] = true;
        holders[block]++;
    }
    assert(holders[block] <= 1);
    pthread_mutex_unlock(&locks[block]);
    return taken;
}

static void *make_file(void *number)
{
    int block = (int)((intptr_t)number * 2 % BLOCKS);
    while (!take(block)) block = (block + 1) % BLOCKS;
    return NULL;
}

int main(void)
{
    pthread_t threads[FILES];
    for (int i = 0; i < BLOCKS; i++) pthread_mutex_init(&locks[i], NULL);
    for (intptr_t i = 0; i < FILES; i++) {
        pthread_create(&threads[i], NULL, make_file, (void *)(i / 2));
    }
    for (int i = 0; i < FILES; i++) pthread_join(threads[i], NULL);
    return 0;
}
