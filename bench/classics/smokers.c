/* An agent puts two of three ingredients on the table. The smoker who lacks them takes the first
 * one; another one takes the second, and both wait. The fix: only who can have both takes any. */
#include <pthread.h>
#include <stdbool.h>

enum { KINDS = 3, ROUNDS = 2 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool table[KINDS];
static int smoked;

static bool there(int first, int second)
{
    return smoked == ROUNDS || (table[first] && table[second]);
}

static void await(int first, int second)
{
    while (!there(first, second)) pthread_cond_wait(&changed, &lock);
}

static void *smoke(void *kind)
{
    int first = (*(int *)kind + 1) % KINDS, second = (*(int *)kind + 2) % KINDS;
    pthread_mutex_lock(&lock);
    while (smoked < ROUNDS) {
#ifndef FIXED
        await(first, first);
        if (smoked == ROUNDS) break;
        table[first] = false;
        await(second, second);
#else
        await(first, second);
#endif
        if (smoked == ROUNDS) break;
        table[first] = table[second] = false;
        smoked++;
        pthread_cond_broadcast(&changed);
    }
    pthread_mutex_unlock(&lock);
    return NULL;
}

static void *serve(void *argument)
{
    pthread_mutex_lock(&lock);
    for (int round = 0; round < ROUNDS; round++) {
        table[round] = table[round + 1] = true;
        pthread_cond_broadcast(&changed);
        while (smoked == round) pthread_cond_wait(&changed, &lock);
    }
    pthread_mutex_unlock(&lock);
    return argument;
}

int main(void)
{
    pthread_t smokers[KINDS], agent;
    static int kinds[KINDS] = {2, 0, 1};
    pthread_create(&agent, NULL, serve, NULL);
    for (int i = 0; i < KINDS; i++) pthread_create(&smokers[i], NULL, smoke, &kinds[i]);
    for (int i = 0; i < KINDS; i++) pthread_join(smokers[i], NULL);
    pthread_join(agent, NULL);
    return 0;
}
