/* Data races with what functions of the C library do with the program's memory. With LOCKED, the
 * same without a race. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "cases.h"

/* Shared data is not static, or else the compiler would know all that happens to it. */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
char text[32] = "some words in a line";
int numbers[8] = {5, 3, 8, 1, 9, 2, 7, 4};
char out[32], words[] = "in a line";
volatile size_t sink;
static void (*call)(void);

#ifdef LOCKED
#define LOCK() pthread_mutex_lock(&lock)
#define UNLOCK() pthread_mutex_unlock(&lock)
#else
#define LOCK() (void)lock
#define UNLOCK() (void)lock
#endif

static void *do_call(void *argument)
{
    LOCK();
    call();
    UNLOCK();
    return argument;
}

static void *write_text(void *argument)
{
    LOCK();
    text[5] = 'W';
    UNLOCK();
    return argument;
}

static void *read_text(void *argument)
{
    LOCK();
    sink = (size_t)text[5];
    UNLOCK();
    return argument;
}

static void *read_number(void *argument)
{
    LOCK();
    sink = (size_t)numbers[2];
    UNLOCK();
    return argument;
}

static void against(void *(*other)(void *), void (*what)(void))
{
    call = what;
    run_both(do_call, other);
}

/* CASE(name, against, what): one thread calls, the other one touches the sixth letter. */
#define CASE(name, other, ...)                                                                     \
    OPAQUE static void call_##name(void)                                                           \
    {                                                                                              \
        __VA_ARGS__;                                                                               \
    }                                                                                              \
    static void run_##name(void)                                                                   \
    {                                                                                              \
        against(other, call_##name);                                                               \
    }

/* Reading. */
CASE(memchr, write_text, sink = memchr(text, 'l', sizeof text) != NULL)
CASE(strrchr, write_text, sink = strrchr(text, 'w') != NULL)
CASE(strstr, write_text, sink = strstr(text, "line") != NULL)
CASE(strcasecmp, write_text, sink = (size_t)strcasecmp(text, "SOME WORDS"))
CASE(strspn, write_text, sink = strcspn(text, "i"))
CASE(strnlen, write_text, sink = strnlen(text, sizeof text))
CASE(strdup, write_text, char *copy = strdup(text); sink = copy[0] == 's'; free(copy))
CASE(strtol, write_text, sink = (size_t)strtol("12", NULL, 10) + (size_t)atoi(text + 5))
CASE(print, write_text, printf("%d %5.2f %s\n", 1, 2.0, text))
CASE(print_part, write_text, printf("%-*.*s\n", 12, 8, text))
CASE(fputs, write_text, fputs(text, stdout))
CASE(fwrite, write_text, fwrite(text, 1, sizeof text, stdout))
CASE(write, write_text, sink = (size_t)write(1, text, sizeof text))
CASE(format, write_text, snprintf(out, sizeof out, "%s", text))

/* Writing. */
CASE(snprintf, read_text, snprintf(text, sizeof text, "%d and %d", 1000, 2000))
CASE(strncat, read_text, text[1] = '\0'; strncat(text, words, 16))
CASE(memcpy, read_text, memcpy(text + 4, "all", 3))
CASE(stpcpy, read_text, sink = (size_t)(stpcpy(text, "in place") - text))
CASE(strtok, read_text, char *rest; strtok_r(text, "w", &rest))
CASE(fgets, read_text, FILE *file = fopen("calls.in", "r");
     if (file) sink = fgets(text, sizeof text, file) != NULL)
CASE(fread, read_text, FILE *file = fopen("calls.in", "r");
     if (file) sink = fread(text, 1, 12, file))
static int compare(const void *left, const void *right)
{
    return *(const int *)left - *(const int *)right;
}
CASE(qsort, read_number, qsort(numbers, 8, sizeof *numbers, compare))

static const struct test_case cases[] = {
    {"memchr", run_memchr},
    {"strrchr", run_strrchr},
    {"strstr", run_strstr},
    {"strcasecmp", run_strcasecmp},
    {"strspn", run_strspn},
    {"strnlen", run_strnlen},
    {"strdup", run_strdup},
    {"strtol", run_strtol},
    {"print", run_print},
    {"print_part", run_print_part},
    {"fputs", run_fputs},
    {"fwrite", run_fwrite},
    {"write", run_write},
    {"format", run_format},
    {"snprintf", run_snprintf},
    {"strncat", run_strncat},
    {"memcpy", run_memcpy},
    {"stpcpy", run_stpcpy},
    {"strtok", run_strtok},
    {"fgets", run_fgets},
    {"fread", run_fread},
    {"qsort", run_qsort},
};

MAIN(cases)
