/* Gates, threads and deadlines for the conformance cases. */
#include "posix_support.h"

#include "posix_check.h"

#include <stddef.h>

enum { TEXT_MAX = 256, DIGITS_MAX = 20, US_PER_S = 1000000, NS_PER_US = 1000 };

struct text {
    char bytes[TEXT_MAX];
    size_t length;
};

static void append(struct text *text, const char *more)
{
    while (*more != '\0' && text->length + 1 < TEXT_MAX)
        text->bytes[text->length++] = *more++;
    text->bytes[text->length] = '\0';
}

static void append_number(struct text *text, int64_t number)
{
    uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    char digits[DIGITS_MAX + 1];
    size_t at = DIGITS_MAX;

    digits[at] = '\0';
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest != 0 && at > 0);
    append(text, number < 0 ? "-" : "");
    append(text, digits + at);
}

void posix_check_equal(const char *file, int line, const char *text, int64_t left, int64_t right)
{
    struct text full = {.length = 0};

    if (left == right)
        return;
    append(&full, text);
    append(&full, ": ");
    append_number(&full, left);
    append(&full, " against ");
    append_number(&full, right);
    posix_check_failed(file, line, full.bytes);
}

void posix_gate_init(struct posix_gate *gate)
{
    CHECK_OK(pthread_mutex_init(&gate->mutex, NULL));
    CHECK_OK(pthread_cond_init(&gate->raised, NULL));
    gate->level = 0;
}

void posix_gate_destroy(struct posix_gate *gate)
{
    CHECK_OK(pthread_cond_destroy(&gate->raised));
    CHECK_OK(pthread_mutex_destroy(&gate->mutex));
}

void posix_gate_raise(struct posix_gate *gate)
{
    CHECK_OK(pthread_mutex_lock(&gate->mutex));
    gate->level++;
    /* Inside the lock: after the unlock the gate may be gone already. */
    CHECK_OK(pthread_cond_broadcast(&gate->raised));
    CHECK_OK(pthread_mutex_unlock(&gate->mutex));
}

void posix_gate_wait(struct posix_gate *gate, uint32_t level)
{
    CHECK_OK(pthread_mutex_lock(&gate->mutex));
    while (gate->level < level)
        CHECK_OK(pthread_cond_wait(&gate->raised, &gate->mutex));
    CHECK_OK(pthread_mutex_unlock(&gate->mutex));
}

pthread_t posix_start(void *(*entry)(void *), void *argument)
{
    pthread_t thread;

    CHECK_OK(pthread_create(&thread, NULL, entry, argument));
    return thread;
}

void *posix_finish(pthread_t thread)
{
    void *value = NULL;

    CHECK_OK(pthread_join(thread, &value));
    return value;
}

struct timespec posix_span(uint64_t span_us)
{
    return (struct timespec){
        .tv_sec = (time_t)(span_us / US_PER_S),
        .tv_nsec = (long)(span_us % US_PER_S) * NS_PER_US,
    };
}

struct timespec posix_deadline(clockid_t clock, uint64_t after_us)
{
    struct timespec span = posix_span(after_us);
    struct timespec now;

    CHECK_OK(clock_gettime(clock, &now));
    now.tv_sec += span.tv_sec;
    now.tv_nsec += span.tv_nsec;
    if (now.tv_nsec >= (long)US_PER_S * NS_PER_US) {
        now.tv_nsec -= (long)US_PER_S * NS_PER_US;
        now.tv_sec++;
    }
    return now;
}

struct timespec posix_past(clockid_t clock)
{
    struct timespec now;

    CHECK_OK(clock_gettime(clock, &now));
    /* A simulated clock may start near zero; a time before its origin is past as well. */
    now.tv_sec = now.tv_sec > 0 ? now.tv_sec - 1 : 0;
    if (now.tv_sec == 0)
        now.tv_nsec = 0;
    return now;
}

struct timespec posix_malformed(clockid_t clock)
{
    struct timespec deadline = posix_deadline(clock, POSIX_FAR_US);

    deadline.tv_nsec = (long)US_PER_S * NS_PER_US;
    return deadline;
}

bool posix_passed(clockid_t clock, const struct timespec *deadline)
{
    struct timespec now;

    CHECK_OK(clock_gettime(clock, &now));
    if (now.tv_sec != deadline->tv_sec)
        return now.tv_sec > deadline->tv_sec;
    return now.tv_nsec >= deadline->tv_nsec;
}

uint64_t posix_between_us(const struct timespec *a, const struct timespec *b)
{
    int64_t seconds = (int64_t)b->tv_sec - (int64_t)a->tv_sec;
    int64_t nanoseconds = (int64_t)b->tv_nsec - (int64_t)a->tv_nsec;

    return (uint64_t)((seconds * US_PER_S * NS_PER_US + nanoseconds) / NS_PER_US);
}
