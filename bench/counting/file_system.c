/* N threads take a block each for an inode of their own, under the lock of the inode and those of
 * the blocks. Up to 13 threads none meets another; each one more meets one. */
#include <pthread.h>

enum { BLOCKS = 26, INODES = 32 };

static pthread_mutex_t inode_locks[INODES], block_locks[BLOCKS];
static int inodes[INODES], busy[BLOCKS];

static int take_block(int block)
{
    for (;; block = (block + 1) % BLOCKS) {
        pthread_mutex_lock(&block_locks[block]);
        int taken = busy[block];
        busy[block] = 1;
        pthread_mutex_unlock(&block_locks[block]);
        if (!taken) return block;
    }
}

static void *work(void *argument)
{
    int inode = *(const int *)argument % INODES;
    pthread_mutex_lock(&inode_locks[inode]);
    if (inodes[inode] == 0) inodes[inode] = take_block(inode * 2 % BLOCKS) + 1;
    pthread_mutex_unlock(&inode_locks[inode]);
    return argument;
}

int main(void)
{
    static int own[N];
    pthread_t threads[N];
    for (int i = 0; i < INODES; i++) pthread_mutex_init(&inode_locks[i], NULL);
    for (int i = 0; i < BLOCKS; i++) pthread_mutex_init(&block_locks[i], NULL);
    for (int i = 0; i < N; i++) {
        own[i] = i;
        pthread_create(&threads[i], NULL, work, &own[i]);
    }
    for (int i = 0; i < N; i++) pthread_join(threads[i], NULL);
    return 0;
}
