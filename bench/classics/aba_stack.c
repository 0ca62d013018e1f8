/* A lock-free stack whose nodes are used again: while one thread is about to pop A, another one
 * pops A and B and pushes A again. The top is what it was, what is below it is not: B comes back
 * although it was taken. The fix: a count beside the top. */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

enum { NONE = 0, A = 1, B = 2, NODES = 3 };

static _Atomic uint64_t top; /* a node; in the fix, with the number of changes above it */
static _Atomic uint32_t below[NODES];
static _Atomic int owners[NODES];

#ifdef FIXED
#define NEXT(seen, node) ((((seen) >> 32) + 1) << 32 | (node))
#else
#define NEXT(seen, node) (node)
#endif

static void push(uint32_t node)
{
    uint64_t seen = top;
    do below[node] = (uint32_t)seen;
    while (!atomic_compare_exchange_strong(&top, &seen, NEXT(seen, node)));
}

static uint32_t pop(void)
{
    uint64_t seen = top;
    while ((uint32_t)seen != NONE) {
        uint32_t next = below[(uint32_t)seen];
        if (atomic_compare_exchange_strong(&top, &seen, NEXT(seen, next))) break;
    }
    uint32_t node = (uint32_t)seen;
    if (node != NONE) assert(++owners[node] == 1);
    return node;
}

static void *take_and_return(void *argument)
{
    uint32_t first = pop();
    uint32_t second = pop();
    if (first != NONE) {
        owners[first]--;
        push(first);
    }
    (void)second; /* kept */
    return argument;
}

static void *take_two(void *argument)
{
    pop();
    pop();
    return argument;
}

int main(void)
{
    pthread_t one, other;
    push(B);
    push(A);
    pthread_create(&one, NULL, take_two, NULL);
    pthread_create(&other, NULL, take_and_return, NULL);
    pthread_join(one, NULL);
    pthread_join(other, NULL);
    return 0;
}
