/* Locks a mutex while the frame pointer is anything, as in a program that was built without. Who
 * holds threads back by their frames must not follow it. */
#include <pthread.h>

void lock_astray(pthread_mutex_t *mutex);

__asm__(".text\n"
        ".globl lock_astray\n"
        ".type lock_astray, @function\n"
        "lock_astray:\n"
        "    pushq %rbp\n"
        "    movabsq $0x7ffffffffff8, %rbp\n"
        "    call pthread_mutex_lock@PLT\n"
        "    popq %rbp\n"
        "    ret\n"
        ".size lock_astray, . - lock_astray\n");

static void *lock_in_thread(void *mutex)
{
    lock_astray(mutex);
    return NULL;
}

int main(void)
{
    static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER, other = PTHREAD_MUTEX_INITIALIZER;
    pthread_t thread;
    lock_astray(&one);
    if (pthread_create(&thread, NULL, lock_in_thread, &other) != 0) return 1;
    return pthread_join(thread, NULL);
}
