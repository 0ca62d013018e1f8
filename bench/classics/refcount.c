/* Two owners of an object let go of it. Counting down and looking whether that was the last one
 * are two steps, so both think so. The fix: the count says it itself. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { OWNERS = 2 };

static _Atomic int references = OWNERS;
static int *object;

static void *let_go(void *argument)
{
#ifdef FIXED
    if (--references == 0) free(object);
#else
    references--;
    if (references == 0) free(object);
#endif
    return argument;
}

int main(void)
{
    pthread_t owners[OWNERS];
    object = malloc(sizeof *object);
    for (int i = 0; i < OWNERS; i++) pthread_create(&owners[i], NULL, let_go, NULL);
    for (int i = 0; i < OWNERS; i++) pthread_join(owners[i], NULL);
    return 0;
}
