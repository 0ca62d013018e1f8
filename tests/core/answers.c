/* Completions that a test waits for. */
#include "fleet.h"

#include <string.h>

void answer_init(struct answer *answer)
{
    memset(answer, 0, sizeof *answer);
    pthread_mutex_init(&answer->lock, NULL);
    pthread_cond_init(&answer->changed, NULL);
}

void answer_free(struct answer *answer)
{
    assert_int_equal(answer->count, 0);
    pthread_cond_destroy(&answer->changed);
    pthread_mutex_destroy(&answer->lock);
}

static void come(struct answer *answer, enum core_result result)
{
    answer->result = result;
    answer->count++;
    pthread_cond_broadcast(&answer->changed);
    pthread_mutex_unlock(&answer->lock);
}

void answer_lease(void *context, enum core_result result, struct lease_ref lease, uint64_t token)
{
    struct answer *answer = context;
    pthread_mutex_lock(&answer->lock);
    answer->lease = lease;
    answer->token = token;
    come(answer, result);
}

void answer_lost(void *context, struct lease_ref lease)
{
    struct answer *answer = context;
    (void)lease;
    pthread_mutex_lock(&answer->lock);
    answer->lost++;
    pthread_cond_broadcast(&answer->changed);
    pthread_mutex_unlock(&answer->lock);
}

void answer_sandbox(void *context, enum core_result result, struct sandbox_ref sandbox)
{
    struct answer *answer = context;
    pthread_mutex_lock(&answer->lock);
    answer->sandbox = sandbox;
    come(answer, result);
}

void answer_server(void *context, enum core_result result, const struct server_status *status)
{
    struct answer *answer = context;
    pthread_mutex_lock(&answer->lock);
    answer->status = *status;
    come(answer, result);
}

enum core_result answer_await(struct answer *answer)
{
    pthread_mutex_lock(&answer->lock);
    while (answer->count == 0)
        pthread_cond_wait(&answer->changed, &answer->lock);
    assert_int_equal(answer->count, 1);
    answer->count = 0;
    enum core_result result = answer->result;
    pthread_mutex_unlock(&answer->lock);
    return result;
}

bool answer_came(struct answer *answer)
{
    pthread_mutex_lock(&answer->lock);
    bool came = answer->count > 0;
    pthread_mutex_unlock(&answer->lock);
    return came;
}

int answer_losses(struct answer *answer)
{
    pthread_mutex_lock(&answer->lock);
    int lost = answer->lost;
    pthread_mutex_unlock(&answer->lock);
    return lost;
}

struct sandbox_ref sandbox_ok(struct rig *rig, const char *owner)
{
    struct answer answer;
    answer_init(&answer);
    assert_int_equal(sandbox_acquire(rig->core, owner, APP_WEB, answer_sandbox, &answer), CORE_OK);
    assert_int_equal(answer_await(&answer), CORE_OK);
    answer_free(&answer);
    return answer.sandbox;
}
