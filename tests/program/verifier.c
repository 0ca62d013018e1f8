/* In the manner of the Competition on Software Verification: two who add each other's number, as
 * often as it pleases. Built with -DBOUND=N: what no number exceeds. */
#include <pthread.h>
#include <stdio.h>

extern void abort(void);
extern int __VERIFIER_nondet_int(void);
extern void __VERIFIER_assume(int condition);
extern void __VERIFIER_atomic_begin(void);
extern void __VERIFIER_atomic_end(void);
extern void __VERIFIER_error(void);

static int first = 1, second = 1, rounds, step;

static void assume_abort_if_not(int condition)
{
    if (!condition) abort();
}

static void *add_second(void *argument)
{
    for (int i = 0; i < rounds; i++) {
        __VERIFIER_atomic_begin();
        first += second * step;
        __VERIFIER_atomic_end();
    }
    return argument;
}

static void *add_first(void *argument)
{
    for (int i = 0; i < rounds; i++) {
        __VERIFIER_atomic_begin();
        second += first * step;
        __VERIFIER_atomic_end();
    }
    return argument;
}

int main(void)
{
    pthread_t threads[2];
    rounds = __VERIFIER_nondet_int();
    assume_abort_if_not(rounds > 0 && rounds <= 3);
    sscanf("1", "%d", &step);
    pthread_create(&threads[0], NULL, add_second, NULL);
    pthread_create(&threads[1], NULL, add_first, NULL);
#ifdef SCANS
    sscanf("1", "%d", &step);
#endif
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    __VERIFIER_assume(first > second);
    if (first > BOUND) __VERIFIER_error();
    return 0;
}
