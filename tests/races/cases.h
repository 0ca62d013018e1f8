/* Programs of one file: each case is a function, chosen by the first argument. */
#ifndef TESTS_RACES_CASES_H
#define TESTS_RACES_CASES_H

#include <pthread.h>
#include <stdio.h>
#include <string.h>

struct test_case {
    const char *name;
    void (*run)(void);
};

/* What the compiler must not see through. */
#define OPAQUE __attribute__((noinline))

static inline void run_both(void *(*first)(void *), void *(*second)(void *))
{
    pthread_t threads[2];
    pthread_create(&threads[0], NULL, first, NULL);
    pthread_create(&threads[1], NULL, second, NULL);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
}

static inline int run_case(const struct test_case *cases, int count, int argc, char **argv)
{
    for (int i = 0; i < count && argc > 1; i++) {
        if (strcmp(cases[i].name, argv[1]) != 0) continue;
        cases[i].run();
        return 0;
    }
    fprintf(stderr, "there is no such case\n");
    return 2;
}

#define MAIN(cases)                                                                                \
    int main(int argc, char **argv)                                                                \
    {                                                                                              \
        return run_case(cases, (int)(sizeof(cases) / sizeof(cases)[0]), argc, argv);               \
    }

#endif
