/* A writer makes a version odd, writes two words, and makes it even. A reader that compares
 * versions but does not look whether the first was odd takes half of an update. The fix: it
 * looks. */
#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { UPDATES = 2 };

static _Atomic unsigned version;
static _Atomic int left, right;

static void *write_both(void *argument)
{
    for (int i = 1; i <= UPDATES; i++) {
        version++;
        left = i;
        right = i;
        version++;
    }
    return argument;
}

static void *read_both(void *argument)
{
    unsigned before;
    int one, other;
    do {
        before = version;
#ifdef FIXED
        while (before % 2 == 1) {
            sched_yield();
            before = version;
        }
#endif
        one = left;
        other = right;
    } while (version != before);
    assert(one == other);
    return argument;
}

int main(void)
{
    pthread_t writer, reader;
    pthread_create(&writer, NULL, write_both, NULL);
    pthread_create(&reader, NULL, read_both, NULL);
    pthread_join(writer, NULL);
    pthread_join(reader, NULL);
    return 0;
}
