#include "rig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PATIENCE_SECONDS = 60 };

void rig_breathe(void)
{
    struct timespec pause = { .tv_nsec = 1000000 };
    nanosleep(&pause, NULL);
}

static struct timespec hang_deadline(void)
{
    struct timespec deadline;
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += PATIENCE_SECONDS;
    return deadline;
}

/* ---- transport port ---- */

static void want_write(void *context, uint64_t handle, struct conn_ref conn)
{
    struct rig *rig = context;
    pthread_mutex_lock(&rig->lock);
    struct tab *tab = rig->tabs[handle];
    if (tab != NULL && tab->conn.generation == conn.generation)
        tab->wanted = true;
    pthread_cond_broadcast(&rig->changed);
    pthread_mutex_unlock(&rig->lock);
}

static void ask_close(void *context, uint64_t handle, struct conn_ref conn,
                      enum core_close_code code)
{
    struct rig *rig = context;
    pthread_mutex_lock(&rig->lock);
    struct tab *tab = rig->tabs[handle];
    if (tab != NULL && tab->conn.generation == conn.generation) {
        assert_false(tab->told_to_close);
        tab->told_to_close = true;
        tab->code = code;
    }
    pthread_cond_broadcast(&rig->changed);
    pthread_mutex_unlock(&rig->lock);
}

/* ---- agent port ---- */

static enum core_result run_agent(void *context, const char *agent, struct run_context *run)
{
    struct rig *rig = context;
    assert_string_equal(agent, "bot");
    pthread_mutex_lock(&rig->lock);
    rig->agents_run++;
    pthread_mutex_unlock(&rig->lock);
    return rig->agent(rig, run);
}

static void request_stop(void *context, const char *agent, struct run_ref run)
{
    struct rig *rig = context;
    (void)agent, (void)run;
    pthread_mutex_lock(&rig->lock);
    rig->stops_asked++;
    pthread_cond_broadcast(&rig->changed);
    pthread_mutex_unlock(&rig->lock);
}

/* ---- the rig ---- */

void rig_init(struct rig *rig)
{
    memset(rig, 0, sizeof *rig);
    pthread_mutex_init(&rig->lock, NULL);
    pthread_cond_init(&rig->changed, NULL);
    core_config_default(&rig->config);
    rig->config.transport =
        (struct transport_port){ .context = rig, .want_write = want_write, .close = ask_close };
    rig->config.agents =
        (struct agent_runner_port){ .context = rig, .run = run_agent,
                                    .request_stop = request_stop };
    rig->config.settings.start_gate = START_GATE_NONE;
}

void rig_start(struct rig *rig)
{
    assert_int_equal(core_create(&rig->config, &rig->core), CORE_OK);
    assert_int_equal(core_start(rig->core), CORE_OK);
}

void rig_stop(struct rig *rig)
{
    core_drain(rig->core, CORE_SECONDS(PATIENCE_SECONDS));
    rig_finish(rig);
}

void rig_finish(struct rig *rig)
{
    for (size_t i = 0; i < RIG_TABS; i++) {
        if (rig->tabs[i] != NULL)
            tab_close(rig->tabs[i]);
    }
    struct core_stats stats;
    core_stats(rig->core, &stats);
    assert_int_equal(stats.conns, 0);
    assert_int_equal(stats.runs, 0);
    assert_int_equal(stats.prompts, 0);
    assert_int_equal(stats.timers, 0);
    assert_int_equal(stats.jobs, 0);
    assert_int_equal(stats.store_operations, 0);
    core_destroy(rig->core);
    rig->core = NULL;
    pthread_cond_destroy(&rig->changed);
    pthread_mutex_destroy(&rig->lock);
}

struct session_ref rig_session(struct rig *rig, const char *key)
{
    struct session_ref session;
    uint64_t epoch;
    assert_int_equal(session_open_wait(rig->core, key, "alice", SESSION_CREATE, &session, &epoch),
                     CORE_OK);
    assert_true(epoch > 0);
    return session;
}

void rig_raise(struct rig *rig, int flag)
{
    pthread_mutex_lock(&rig->lock);
    rig->flags[flag]++;
    pthread_cond_broadcast(&rig->changed);
    pthread_mutex_unlock(&rig->lock);
}

void rig_await(struct rig *rig, int flag)
{
    struct timespec deadline = hang_deadline();
    int rc = 0;
    pthread_mutex_lock(&rig->lock);
    while (rig->flags[flag] == 0 && rc == 0)
        rc = pthread_cond_timedwait(&rig->changed, &rig->lock, &deadline);
    bool raised = rig->flags[flag] > 0;
    pthread_mutex_unlock(&rig->lock);
    if (!raised)
        abort();   /* perhaps on an agent's thread, where CMocka cannot fail */
}

/* ---- tabs ---- */

struct tab *tab_open(struct rig *rig, const char *user)
{
    struct tab *tab = calloc(1, sizeof *tab);
    uint64_t handle = 0;
    tab->rig = rig;
    pthread_mutex_lock(&rig->lock);
    while (rig->tabs[handle] != NULL)
        handle++;
    assert_true(handle < RIG_TABS);
    rig->tabs[handle] = tab;
    pthread_mutex_unlock(&rig->lock);
    assert_int_equal(conn_open(rig->core, handle, user, &tab->conn), CORE_OK);
    tab->open = true;
    return tab;
}

void tab_close(struct tab *tab)
{
    struct rig *rig = tab->rig;
    conn_closed(rig->core, tab->conn);
    pthread_mutex_lock(&rig->lock);
    for (size_t i = 0; i < RIG_TABS; i++) {
        if (rig->tabs[i] == tab)
            rig->tabs[i] = NULL;
    }
    pthread_mutex_unlock(&rig->lock);
    for (size_t i = 0; i < tab->count; i++)
        json_decref(tab->frames[i]);
    free(tab);
}

void tab_send(struct tab *tab, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    conn_input(tab->rig->core, tab->conn, text, strlen(text));
}

static void apply(struct tab *tab, const struct conn_frame *frame)
{
    json_t *json = json_loadb(frame->bytes, frame->length, 0, NULL);
    assert_non_null(json);
    assert_true(tab->count < TAB_FRAMES);
    tab->frames[tab->count++] = json;
    json_t *seq = json_object_get(json, "seq");
    assert_int_equal(seq == NULL ? 0 : json_integer_value(seq), frame->seq);
    if (seq != NULL)
        tab->cursor = frame->seq;
    if (strcmp(frame_word(json, "type"), "connection_ready") == 0) {
        tab->epoch = (uint64_t)frame_number(json, "epoch");
        tab->gen = (uint64_t)frame_number(json, "gen");
    }
}

size_t tab_pull(struct tab *tab, size_t most)
{
    struct conn_frame frame;
    size_t pulled = 0;
    while (pulled < most && conn_next(tab->rig->core, tab->conn, &frame)) {
        struct conn_frame second;
        assert_false(conn_next(tab->rig->core, tab->conn, &second));   /* one at a time */
        apply(tab, &frame);
        conn_sent(tab->rig->core, tab->conn, frame.number);
        conn_frame_free(&frame);
        pulled++;
    }
    return pulled;
}

void tab_pump(struct tab *tab)
{
    pthread_mutex_lock(&tab->rig->lock);
    tab->wanted = false;
    pthread_mutex_unlock(&tab->rig->lock);
    tab_pull(tab, TAB_FRAMES);
}

static json_t *next_of(struct tab *tab, const char *type)
{
    while (tab->seen < tab->count) {
        json_t *frame = tab->frames[tab->seen++];
        if (strcmp(frame_word(frame, "type"), type) == 0)
            return frame;
    }
    return NULL;
}

json_t *tab_expect(struct tab *tab, const char *type)
{
    struct rig *rig = tab->rig;
    struct timespec deadline = hang_deadline();
    json_t *frame;
    int rc = 0;
    tab_pump(tab);
    while ((frame = next_of(tab, type)) == NULL && rc == 0) {
        /* Only when the core says so: a wakeup that it forgets hangs here, as it should. */
        pthread_mutex_lock(&rig->lock);
        while (!tab->wanted && rc == 0)
            rc = pthread_cond_timedwait(&rig->changed, &rig->lock, &deadline);
        pthread_mutex_unlock(&rig->lock);
        tab_pump(tab);
    }
    if (frame == NULL)
        fail_msg("no frame of type %s came", type);
    return frame;
}

enum core_close_code tab_expect_close(struct tab *tab)
{
    struct timespec deadline = hang_deadline();
    int rc = 0;
    pthread_mutex_lock(&tab->rig->lock);
    while (!tab->told_to_close && rc == 0)
        rc = pthread_cond_timedwait(&tab->rig->changed, &tab->rig->lock, &deadline);
    bool told = tab->told_to_close;
    pthread_mutex_unlock(&tab->rig->lock);
    assert_true(told);
    tab_pump(tab);
    return tab->code;
}

size_t tab_count(struct tab *tab, const char *type)
{
    size_t count = 0;
    for (size_t i = 0; i < tab->count; i++)
        count += strcmp(frame_word(tab->frames[i], "type"), type) == 0;
    return count;
}

static struct tab *finish_connect(struct tab *tab)
{
    tab_expect(tab, "connection_ready");
    tab_expect(tab, "initial_state");
    tab_expect(tab, "state_replay_complete");
    tab_send(tab, "{\"type\":\"connection_acknowledged\",\"gen\":%llu}",
             (unsigned long long)tab->gen);
    return tab;
}

struct tab *tab_connect(struct rig *rig, const char *user, const char *session)
{
    struct tab *tab = tab_open(rig, user);
    tab_send(tab, "{\"type\":\"hello\",\"session\":\"%s\"}", session);
    return finish_connect(tab);
}

struct tab *tab_connect_at(struct rig *rig, const char *user, const char *session, uint64_t epoch,
                           uint64_t cursor)
{
    struct tab *tab = tab_open(rig, user);
    tab_send(tab, "{\"type\":\"hello\",\"session\":\"%s\",\"epoch\":%llu,\"cursor\":%llu}", session,
             (unsigned long long)epoch, (unsigned long long)cursor);
    return finish_connect(tab);
}

void tab_assert_in_order(struct tab *tab, uint64_t after)
{
    for (size_t i = 0; i < tab->count; i++) {
        json_t *seq = json_object_get(tab->frames[i], "seq");
        if (seq == NULL)
            continue;
        assert_int_equal(json_integer_value(seq), after + 1);
        after++;
    }
}

json_int_t frame_number(const json_t *frame, const char *field)
{
    const json_t *value = json_object_get(frame, field);
    assert_true(json_is_integer(value));
    return json_integer_value(value);
}

const char *frame_word(const json_t *frame, const char *field)
{
    const char *word = json_string_value(json_object_get(frame, field));
    assert_non_null(word);
    return word;
}

const json_t *frame_payload(const json_t *frame)
{
    const json_t *payload = json_object_get(frame, "payload");
    assert_true(json_is_object(payload));
    return payload;
}

/* ---- runs ---- */

uint64_t emit_ok(struct run_context *run, const char *type)
{
    uint64_t seq = 0;
    if (run_emit(run, type, "{}", 2, &seq) != CORE_OK)
        abort();
    return seq;
}

struct run_ref submit_ok(struct rig *rig, struct session_ref session, const char *key)
{
    struct run_spec spec = { .agent = "bot", .key = key };
    struct run_ref run;
    assert_int_equal(run_submit(rig->core, session, &spec, &run, NULL), CORE_OK);
    return run;
}

enum run_state await_end(struct rig *rig, struct run_ref run)
{
    enum run_state state = RUN_WAITING;
    RIG_AWAIT(run_state(rig->core, run, &state) == CORE_OK && run_state_is_terminal(state));
    return state;
}
