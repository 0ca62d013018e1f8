/* Threads enter messages into a hash table without locks. Finding a slot empty and filling it are
 * two steps, so one entry covers another. The fix: compare and exchange. */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { SLOTS = 8, THREADS = 3, MESSAGES = 2 };

static _Atomic int table[SLOTS];

static bool fill(int slot, int message)
{
#ifdef FIXED
    int empty = 0;
    return atomic_compare_exchange_strong(&table[slot], &empty, message);
#else
    if (table[slot] != 0) return false;
    table[slot] = message;
    return true;
#endif
}

static void *enter(void *number)
{
    for (int i = 0; i < MESSAGES; i++) {
        int message = (int)(intptr_t)number * MESSAGES + i + 1;
        int slot = message * 3 % SLOTS;
        while (!fill(slot, message)) slot = (slot + 1) % SLOTS;
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    int found = 0;
    table[6] = -1; /* so that messages of different threads want the same slot */
    for (intptr_t i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, enter, (void *)i);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    for (int i = 0; i < SLOTS; i++) found += table[i] > 0;
    assert(found == THREADS * MESSAGES);
    return 0;
}
