/* Settings that the first user creates: double-checked locking.
 *
 * The race: they are visible before they are complete. Whoever looks in between finds them, takes
 * no lock, and reads a name that is not there yet.
 * The fix: completed first, published last, by an atomic pointer. */
#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct settings {
    char name[16];
};

static pthread_mutex_t create_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;
static struct settings *_Atomic shared;

/* Reads from a table that others use, too. */
static void read_name(char *out, size_t bytes)
{
    pthread_mutex_lock(&table_lock);
    snprintf(out, bytes, "production");
    pthread_mutex_unlock(&table_lock);
}

static struct settings *settings(void)
{
    if (atomic_load(&shared) != NULL) return atomic_load(&shared);
    pthread_mutex_lock(&create_lock);
    if (atomic_load(&shared) == NULL) {
        struct settings *fresh = calloc(1, sizeof *fresh);
#ifdef FIXED
        read_name(fresh->name, sizeof fresh->name);
        atomic_store(&shared, fresh);
#else
        atomic_store(&shared, fresh);
        read_name(fresh->name, sizeof fresh->name);
#endif
    }
    pthread_mutex_unlock(&create_lock);
    return atomic_load(&shared);
}

static void *use(void *argument)
{
    assert(strcmp(settings()->name, "production") == 0);
    return argument;
}

int main(void)
{
    pthread_t users[2];
    for (int i = 0; i < 2; i++) pthread_create(&users[i], NULL, use, NULL);
    for (int i = 0; i < 2; i++) pthread_join(users[i], NULL);
    printf("name: %s\n", settings()->name);
    free(atomic_load(&shared));
    return 0;
}
