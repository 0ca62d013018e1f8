/* What the embedding program calls about sessions. */
#include "core/core.h"

#include <stdlib.h>
#include <string.h>

static enum core_result add_opener(struct session *session, const char *owner,
                                   session_open_done done, void *context)
{
    struct open_waiter *waiter = calloc(1, sizeof *waiter);
    if (waiter == NULL)
        return CORE_NO_MEMORY;
    waiter->done = done;
    waiter->context = context;
    core_set_name(waiter->owner, owner);
    struct open_waiter **end = &session->opening;
    while (*end != NULL)
        end = &(*end)->next;
    *end = waiter;
    return CORE_OK;
}

static void owe_opened(struct turn *turn, struct session *session, session_open_done done,
                       void *context)
{
    struct effect *effect = turn_owe(turn, EFFECT_OPEN_DONE);
    effect->u.open.done = done;
    effect->u.open.context = context;
    effect->u.open.result = CORE_OK;
    effect->u.open.session = session_ref_of(session);
    effect->u.open.epoch = session->log.epoch;
}

/* Session lock held. */
static enum core_result open_found(struct turn *turn, struct session *session, const char *owner,
                                   session_open_done done, void *context)
{
    if (session->phase == SESSION_LOADING)
        return add_opener(session, owner, done, context);
    if (strcmp(session->owner, owner) != 0)
        return CORE_REFUSED;
    owe_opened(turn, session, done, context);
    return CORE_OK;
}

enum core_result session_open_with(struct core *core, const char *key, const char *owner,
                                   uint32_t flags, const struct core_settings *settings,
                                   session_open_done done, void *context)
{
    char checked_key[CORE_NAME_MAX], checked_owner[CORE_NAME_MAX];
    if (settings != NULL && core_settings_session_problem(&core->settings, settings) != NULL)
        return CORE_INVALID;
    if (!core_copy_name(checked_key, key) || !core_copy_name(checked_owner, owner))
        return CORE_INVALID;
    REQUIRE(done != NULL);
    enum core_result rc;
    struct turn turn;
    turn_begin(&turn, core);
    turn_lock(&turn, &core->table_lock);
    struct session *session = session_begin(&turn, checked_key, checked_owner,
                                            (flags & SESSION_CREATE) != 0, settings, &rc);
    turn_unlock(&turn, &core->table_lock);
    if (session != NULL) {
        rc = open_found(&turn, session, checked_owner, done, context);
        session_leave(&turn, session);
    }
    turn_end(&turn);
    return rc;
}

enum core_result session_open(struct core *core, const char *key, const char *owner, uint32_t flags,
                              session_open_done done, void *context)
{
    return session_open_with(core, key, owner, flags, NULL, done, context);
}

/* A thread that waits for an answer which comes through a completion. */
struct open_answer {
    pthread_mutex_t mutex;
    pthread_cond_t cond;    /* predicate: done */
    bool done;
    enum core_result result;
    struct session_ref session;
    uint64_t epoch;
};

static void opened(void *context, enum core_result result, struct session_ref session,
                   uint64_t epoch)
{
    struct open_answer *answer = context;
    REQUIRE(pthread_mutex_lock(&answer->mutex) == 0);
    answer->result = result;
    answer->session = session;
    answer->epoch = epoch;
    answer->done = true;
    pthread_cond_signal(&answer->cond);
    /* Last access: the waiter owns the memory and may go on once the mutex is free. */
    REQUIRE(pthread_mutex_unlock(&answer->mutex) == 0);
}

enum core_result session_open_wait(struct core *core, const char *key, const char *owner,
                                   uint32_t flags, struct session_ref *session, uint64_t *epoch)
{
    struct open_answer answer = { .result = CORE_OK };
    if (pthread_mutex_init(&answer.mutex, NULL) != 0)
        return CORE_NO_MEMORY;
    enum core_result rc = core_cond_init(&answer.cond);
    if (rc == CORE_OK) {
        rc = session_open(core, key, owner, flags, opened, &answer);
        REQUIRE(pthread_mutex_lock(&answer.mutex) == 0);
        while (rc == CORE_OK && !answer.done)
            REQUIRE(pthread_cond_wait(&answer.cond, &answer.mutex) == 0);
        REQUIRE(pthread_mutex_unlock(&answer.mutex) == 0);
        if (rc == CORE_OK)
            rc = answer.result;
        pthread_cond_destroy(&answer.cond);
    }
    pthread_mutex_destroy(&answer.mutex);
    if (rc == CORE_OK && session != NULL)
        *session = answer.session;
    if (rc == CORE_OK && epoch != NULL)
        *epoch = answer.epoch;
    return rc;
}

enum core_result session_close(struct core *core, struct session_ref ref, enum core_close_code code)
{
    struct turn turn;
    turn_begin(&turn, core);
    struct session *session = session_enter(&turn, ref);
    if (session != NULL) {
        session_end(&turn, session, code);
        session_leave(&turn, session);
    }
    turn_end(&turn);
    return session != NULL ? CORE_OK : CORE_STALE;
}

enum core_result session_settings(struct core *core, struct session_ref ref,
                                  struct core_settings *settings)
{
    struct turn turn;
    turn_begin(&turn, core);
    struct session *session = session_enter(&turn, ref);
    if (session != NULL) {
        *settings = session->settings;
        session_leave(&turn, session);
    }
    turn_end(&turn);
    return session != NULL ? CORE_OK : CORE_STALE;
}

enum core_result session_configure(struct core *core, struct session_ref ref,
                                   const struct core_settings *settings)
{
    if (core_settings_session_problem(&core->settings, settings) != NULL)
        return CORE_INVALID;
    struct turn turn;
    turn_begin(&turn, core);
    struct session *session = session_enter(&turn, ref);
    if (session != NULL) {
        session->settings = *settings;
        /* What the change lets happen now is not left to the next event. */
        prompts_check_clocks(&turn, session);
        for (size_t i = 0; i < session->conns_count; i++)
            conn_rearm(&turn, session->conns[i]);
        session_leave(&turn, session);
    }
    turn_end(&turn);
    return session != NULL ? CORE_OK : CORE_STALE;
}

static void fill_info(const struct session *session, struct session_info *info)
{
    *info = (struct session_info){
        .epoch = session->log.epoch,
        .head = session->log.head,
        .floor = session->log.floor,
        .events = session->log.head + 1 - session->log.floor,
        .bytes = session->log.end_bytes - session->log.start_bytes,
        .pending = session->pending,
        .conns = session->conns_count,
        .attached = session->attached,
        .acknowledged = session->acknowledged,
        .runs_live = session->runs_live,
    };
    core_set_name(info->key, session->key);
    core_set_name(info->owner, session->owner);
    for (const struct run *run = session->runs; run != NULL; run = run->next)
        info->runs_ended += run->ended;
    for (const struct prompt *prompt = session->prompts; prompt != NULL; prompt = prompt->next)
        info->prompts_open += prompt->outcome == PROMPT_OPEN;
}

enum core_result session_info(struct core *core, struct session_ref ref, struct session_info *info)
{
    struct turn turn;
    turn_begin(&turn, core);
    struct session *session = session_enter(&turn, ref);
    if (session != NULL) {
        fill_info(session, info);
        session_leave(&turn, session);
    }
    turn_end(&turn);
    return session != NULL ? CORE_OK : CORE_STALE;
}

enum core_result history(struct core *core, struct session_ref ref, struct history_cursor cursor,
                         size_t limit, enum history_direction direction, struct history_page *page)
{
    *page = (struct history_page){ 0 };
    if (limit == 0)
        return CORE_INVALID;
    enum core_result rc = CORE_STALE;
    struct turn turn;
    turn_begin(&turn, core);
    struct session *session = session_enter(&turn, ref);
    if (session != NULL) {
        rc = log_page(&session->log, cursor, limit, direction, page);
        session_leave(&turn, session);
    }
    turn_end(&turn);
    return rc;
}
