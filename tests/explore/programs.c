#include "programs.h"

#include "generated.h"
#include "wired.h"

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int sections;
static int balance;

static void run_two(void *(*work)(void *))
{
    static char names[] = {'1', '2'};
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, work, &names[i]);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
}

static void *enter_sections(void *argument)
{
    for (int i = 0; i < sections; i++) {
        pthread_mutex_lock(&mutex);
        section_entered(*(const char *)argument);
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

void program_two_sections(void)
{
    sections = 2;
    run_two(enter_sections);
}

void program_three_sections(void)
{
    sections = 3;
    run_two(enter_sections);
}

void program_ten_sections(void)
{
    sections = 10;
    run_two(enter_sections);
}

static void *enter_once_or_often(void *argument)
{
    int times = *(const char *)argument == '1' ? 1 : sections;
    for (int i = 0; i < times; i++) {
        pthread_mutex_lock(&mutex);
        section_entered(*(const char *)argument);
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

void program_one_and_five_sections(void)
{
    sections = 5;
    run_two(enter_once_or_often);
}

static void *add_one(void *argument)
{
    pthread_mutex_lock(&mutex);
    int seen = balance;
    pthread_mutex_unlock(&mutex);
    pthread_mutex_lock(&mutex);
    balance = seen + 1;
    pthread_mutex_unlock(&mutex);
    return argument;
}

void program_lost_update(void)
{
    run_two(add_one);
    assert(balance == 2);
}

static int look(void)
{
    pthread_mutex_lock(&mutex);
    int seen = balance;
    pthread_mutex_unlock(&mutex);
    return seen;
}

static void *look_twice_or_change(void *argument)
{
    if (*(const char *)argument == '1') {
        int seen = look();
        assert(look() == seen);
        return NULL;
    }
    pthread_mutex_lock(&mutex);
    balance++;
    pthread_mutex_unlock(&mutex);
    return NULL;
}

void program_changed_meanwhile(void)
{
    run_two(look_twice_or_change);
}

static void *enter_or_come_late(void *argument)
{
    bool is_first = *(const char *)argument == '1';
    for (int i = 0; i < sections; i++) {
        pthread_mutex_lock(&mutex);
        if (is_first) assert(balance < sections - 1 || i > 0);
        else balance++;
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

void program_late_failure(void)
{
    sections = 6;
    run_two(enter_or_come_late);
}

extern const struct explore_programs explore_programs;
const struct explore_programs explore_programs = {
    program_two_sections,
    program_three_sections,
    program_ten_sections,
    program_one_and_five_sections,
    program_lost_update,
    program_changed_meanwhile,
    program_late_failure,
    program_generated,
    program_wired,
};
