/* One string is appended to another: its length is asked, and then so many bytes are copied. Each
 * call locks, but the string can be cut in between. The fix: it stays locked. */
#include <assert.h>
#include <pthread.h>
#include <string.h>

enum { ROOM = 8 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char source[ROOM] = "abc";

static void *append(void *target)
{
    char *text = target;
    pthread_mutex_lock(&lock);
    size_t length = strlen(source);
#ifndef FIXED
    pthread_mutex_unlock(&lock);
    pthread_mutex_lock(&lock);
#endif
    assert(length <= strlen(source));
    memcpy(text, source, length);
    pthread_mutex_unlock(&lock);
    return NULL;
}

static void *cut(void *argument)
{
    pthread_mutex_lock(&lock);
    source[0] = '\0';
    pthread_mutex_unlock(&lock);
    return argument;
}

int main(void)
{
    static char target[ROOM];
    pthread_t appending, cutting;
    pthread_create(&appending, NULL, append, target);
    pthread_create(&cutting, NULL, cut, NULL);
    pthread_join(appending, NULL);
    pthread_join(cutting, NULL);
    return 0;
}
