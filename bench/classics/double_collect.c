/* A token moves between two places: it is put down before it is taken away, so one of them has it
 * at any time. Who looks at one, the other and the first again, and sees the same there, believes
 * in what was seen; but it may have moved twice. The fix: moves are counted. */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

enum { MOVES = 3 };

static _Atomic int here, there, moves;

static void *move(void *argument)
{
    for (int i = 0; i < MOVES; i++) {
        moves++;
        if (i % 2 == 0) {
            here = 1;
            there = 0;
        } else {
            there = 1;
            here = 0;
        }
    }
    return argument;
}

static void *look(void *argument)
{
#ifdef FIXED
    int before = moves;
#endif
    int first = here, other = there, again = here;
#ifdef FIXED
    if (moves != before) return argument;
#endif
    if (first == again) assert(first || other);
    return argument;
}

int main(void)
{
    pthread_t mover, looker;
    there = 1;
    pthread_create(&mover, NULL, move, NULL);
    pthread_create(&looker, NULL, look, NULL);
    pthread_join(mover, NULL);
    pthread_join(looker, NULL);
    return 0;
}
