/* Cleanup handlers: their order, who calls them, and their place before key destructors. */
#include "posix_check.h"
#include "posix_list.h"
#include "posix_support.h"

#include <stddef.h>

enum { STEPS_MAX = 8 };

/* What happened, in order. One thread writes, the joiner reads. */
struct diary {
    uint32_t steps[STEPS_MAX];
    uint32_t count;
    pthread_key_t key;
};

struct entry {
    struct diary *diary;
    uint32_t step;
};

static void note(void *argument)
{
    struct entry *entry = argument;

    CHECK(entry->diary->count < STEPS_MAX);
    entry->diary->steps[entry->diary->count++] = entry->step;
}

static void *push_three_and_exit(void *argument)
{
    struct entry entries[3] = {{argument, 1}, {argument, 2}, {argument, 3}};

    pthread_cleanup_push(note, &entries[0]);
    pthread_cleanup_push(note, &entries[1]);
    pthread_cleanup_push(note, &entries[2]);
    pthread_exit(argument);
    pthread_cleanup_pop(0);
    pthread_cleanup_pop(0);
    pthread_cleanup_pop(0);
    return NULL;
}

void posix_cleanup_last_in_first_out(void)
{
    struct diary diary = {.count = 0};

    CHECK(posix_finish(posix_start(push_three_and_exit, &diary)) == &diary);
    CHECK_EQ(diary.count, 3);
    CHECK_EQ(diary.steps[0], 3);
    CHECK_EQ(diary.steps[1], 2);
    CHECK_EQ(diary.steps[2], 1);
}

static void *pop_two_ways(void *argument)
{
    struct entry entries[2] = {{argument, 1}, {argument, 2}};

    pthread_cleanup_push(note, &entries[0]);
    pthread_cleanup_push(note, &entries[1]);
    pthread_cleanup_pop(0);
    pthread_cleanup_pop(1);
    return argument;
}

/* Popped with zero: forgotten. Popped with non-zero: called, once. */
void posix_cleanup_pop(void)
{
    struct diary diary = {.count = 0};

    CHECK(posix_finish(posix_start(pop_two_ways, &diary)) == &diary);
    CHECK_EQ(diary.count, 1);
    CHECK_EQ(diary.steps[0], 1);
}

static void inner_frame(struct diary *diary)
{
    struct entry entry = {diary, 2};

    pthread_cleanup_push(note, &entry);
    CHECK_OK(pthread_cancel(pthread_self()));
    pthread_testcancel();
    pthread_cleanup_pop(0);
}

static void *outer_frame(void *argument)
{
    struct entry entry = {argument, 1};

    pthread_cleanup_push(note, &entry);
    inner_frame(argument);
    CHECK(!"survived its cancellation");
    pthread_cleanup_pop(0);
    return NULL;
}

void posix_cleanup_across_frames(void)
{
    struct diary diary = {.count = 0};

    CHECK(posix_finish(posix_start(outer_frame, &diary)) == PTHREAD_CANCELED);
    CHECK_EQ(diary.count, 2);
    CHECK_EQ(diary.steps[0], 2);
    CHECK_EQ(diary.steps[1], 1);
}

static void note_destructor(void *value)
{
    struct entry entry = {value, 9};

    note(&entry);
}

static void *set_key_and_cancel(void *argument)
{
    struct diary *diary = argument;

    CHECK_OK(pthread_setspecific(diary->key, diary));
    return outer_frame(diary);
}

/* Handlers first, while the thread's values are still there, then destructors. */
void posix_cleanup_before_destructors(void)
{
    struct diary diary = {.count = 0};

    CHECK_OK(pthread_key_create(&diary.key, note_destructor));
    CHECK(posix_finish(posix_start(set_key_and_cancel, &diary)) == PTHREAD_CANCELED);
    CHECK_OK(pthread_key_delete(diary.key));
    CHECK_EQ(diary.count, 3);
    CHECK_EQ(diary.steps[0], 2);
    CHECK_EQ(diary.steps[1], 1);
    CHECK_EQ(diary.steps[2], 9);
}

static void *push_and_return(void *argument)
{
    struct entry entry = {argument, 1};

    pthread_cleanup_push(note, &entry);
    pthread_cleanup_pop(0);
    return argument;
}

/* An ordinary return calls no handler that was popped. */
void posix_cleanup_not_on_return(void)
{
    struct diary diary = {.count = 0};

    CHECK(posix_finish(posix_start(push_and_return, &diary)) == &diary);
    CHECK_EQ(diary.count, 0);
}
