/* A stack of free indexes without locks (after Vyukov's SafeStack). A pop takes the link of the
 * top one away, so that no other pop can use it, and a count keeps the last one inside. Still, a
 * pop that is interrupted long enough finds the top as it was and the link to something else:
 * three threads and five interruptions, and an index has two owners. The fix: a count of changes
 * beside the top. */
#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>

enum { THREADS = 3, ROUNDS = 2, NONE = -1 };

static _Atomic int count = THREADS;
static _Atomic uint64_t top; /* an index; in the fix, with the number of changes above it */
static _Atomic int below[THREADS] = {1, 2, NONE};
static _Atomic int users[THREADS];

#ifdef FIXED
#define NEXT(seen, index) ((((seen) >> 32) + 1) << 32 | (uint32_t)(index))
#define TAKE_LINK(index) below[index]
#define GIVE_LINK_BACK(index, link)
#else
#define NEXT(seen, index) ((uint32_t)(index))
#define TAKE_LINK(index) atomic_exchange(&below[index], NONE)
#define GIVE_LINK_BACK(index, link) (below[index] = (link))
#endif

static int pop(void)
{
    while (count > 1) {
        uint64_t seen = top;
        int index = (int)(uint32_t)seen;
        int next = index == NONE ? NONE : TAKE_LINK(index);
        if (next != NONE) {
            if (atomic_compare_exchange_strong(&top, &seen, NEXT(seen, next))) {
                count--;
                return index;
            }
            GIVE_LINK_BACK(index, next);
        }
        sched_yield();
    }
    return NONE;
}

static void push(int index)
{
    uint64_t seen = top;
    do below[index] = (int)(uint32_t)seen;
    while (!atomic_compare_exchange_strong(&top, &seen, NEXT(seen, index)));
    count++;
}

static void *use(void *argument)
{
    for (int i = 0; i < ROUNDS; i++) {
        int index = pop();
        while (index == NONE) {
            sched_yield();
            index = pop();
        }
        assert(++users[index] == 1);
        users[index]--;
        push(index);
    }
    return argument;
}

int main(void)
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, use, NULL);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    return 0;
}
