/* Backends: a program that calls the core with what it has to refuse: names that are none, handles
 * of nobody, arguments out of range. What comes of each call becomes a record, beside what the
 * contract in session_core.h says; a refusal changes nothing, which the other checks see. */
#include "fakes/backend.h"

/* No object has had that generation, and none will. */
static const uint64_t NEVER_MADE = UINT64_MAX / 2;

struct misuse {
    struct actor *actor;
    const struct core_api *api;
    struct core *core;
    struct session_ref nobody, session;   /* no session; the backend's own */
};

static void tell(const struct misuse *misuse, const char *call, uint64_t told, uint64_t right)
{
    const struct instance *instance = misuse->actor->instance;

    /* One that drains refuses everything. */
    if (!instance->alive) return;
    RECORD(REPORTED, instance->party, instance->party, misuse->actor->party, 0,
           .what = record_intern(call), .told = (int64_t)told, .least = (int64_t)right,
           .most = (int64_t)right);
}

/* --- names --- */

static void never_opened(void *context, enum core_result rc, struct session_ref session,
                         uint64_t epoch)
{
    (void)rc, (void)session, (void)epoch;
    tell(context, "an answer to a call that was refused", 1, 0);
}

static void misuse_names(struct misuse *misuse)
{
    static const char longest[] =
        "0123456789012345678901234567890123456789012345678901234567890123456789"
        "0123456789012345678901234567890123456789012345678901234567890123456789";
    static const char *const names[] = { "", "two\nlines", "umlaut\xc3\xa4", longest };
    const struct core_api *api = misuse->api;
    const char *mine = misuse->actor->session, *user = misuse->actor->user;

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct conn_ref conn;
        tell(misuse, "session_open of a name that is none",
             api->session_open(misuse->core, names[i], user, SESSION_CREATE, never_opened, misuse),
             CORE_INVALID);
        tell(misuse, "session_open for an owner that is none",
             api->session_open(misuse->core, mine, names[i], 0, never_opened, misuse),
             CORE_INVALID);
        tell(misuse, "conn_open of a user that is none",
             api->conn_open(misuse->core, 0, names[i], &conn), CORE_INVALID);
        tell(misuse, "session_refresh of a name that is none",
             api->session_refresh(misuse->core, names[i]), CORE_INVALID);
    }
    tell(misuse, "session_refresh of a session that is not there",
         api->session_refresh(misuse->core, "never/opened"), CORE_NOT_FOUND);
}

static void misuse_owner(struct misuse *misuse)
{
    const struct core_api *api = misuse->api;
    struct session_ref ref;
    uint64_t epoch;
    enum core_result rc = api->session_open_wait(misuse->core, misuse->actor->session, "nobody", 0,
                                                 &ref, &epoch);

    tell(misuse, "session_open for another owner", rc == CORE_OK, false);
    rc = api->session_open_wait(misuse->core, "never/opened", misuse->actor->user, 0, &ref,
                                &epoch);
    /* The store may not answer. */
    tell(misuse, "session_open of what there is not", rc == CORE_OK, false);
}

/* --- handles of nobody --- */

static void misuse_session(struct misuse *misuse)
{
    const struct core_api *api = misuse->api;
    struct core *core = misuse->core;
    struct run_spec spec = { .agent = "bot", .key = "never" };
    struct history_cursor cursor = { 0, 0 };
    struct core_settings settings;
    struct history_page page;
    struct session_info info;
    uint64_t seq;

    tell(misuse, "session_info of nobody", api->session_info(core, misuse->nobody, &info),
         CORE_STALE);
    tell(misuse, "session_settings of nobody",
         api->session_settings(core, misuse->nobody, &settings), CORE_STALE);
    tell(misuse, "session_close of nobody",
         api->session_close(core, misuse->nobody, CORE_CLOSE_NORMAL), CORE_STALE);
    tell(misuse, "publish to nobody",
         api->publish(core, misuse->nobody, "news", "{}", 2, NULL, NULL), CORE_STALE);
    tell(misuse, "publish_wait to nobody",
         api->publish_wait(core, misuse->nobody, "news", "{}", 2, &seq), CORE_STALE);
    tell(misuse, "history of nobody",
         api->history(core, misuse->nobody, cursor, 1, HISTORY_FORWARD, &page), CORE_STALE);
    tell(misuse, "run_submit to nobody",
         api->run_submit(core, misuse->nobody, &spec, NULL, NULL), CORE_STALE);
}

static void misuse_conn(struct misuse *misuse)
{
    static const char pong[] = "{\"type\":\"pong\"}";
    const struct core_api *api = misuse->api;
    struct conn_ref conn = { 0, NEVER_MADE }, beyond = { UINT32_MAX, 1 };
    struct conn_frame frame;

    api->conn_sent(misuse->core, conn, 1);
    api->conn_closed(misuse->core, conn);
    api->conn_closed(misuse->core, beyond);
    tell(misuse, "conn_input of nobody",
         api->conn_input(misuse->core, conn, pong, sizeof pong - 1), CORE_STALE);
    tell(misuse, "conn_input beyond all",
         api->conn_input(misuse->core, beyond, pong, sizeof pong - 1), CORE_STALE);
    tell(misuse, "conn_next of nobody", api->conn_next(misuse->core, conn, &frame), false);
    tell(misuse, "conn_state of nobody", api->conn_state(misuse->core, conn), CONN_DISCONNECTED);
}

static void misuse_runs(struct misuse *misuse)
{
    const struct core_api *api = misuse->api;
    struct run_ref absent = { misuse->session, NEVER_MADE }, nowhere = { misuse->nobody, 1 };
    enum run_state state;

    tell(misuse, "run_cancel of no run", api->run_cancel(misuse->core, absent, NULL),
         CORE_NOT_FOUND);
    tell(misuse, "run_cancel in no session", api->run_cancel(misuse->core, nowhere, NULL),
         CORE_NOT_FOUND);
    tell(misuse, "run_state of no run", api->run_state(misuse->core, absent, &state),
         CORE_NOT_FOUND);
}

static void misuse_leases(struct misuse *misuse)
{
    const struct core_api *api = misuse->api;
    struct lease_ref lease = { 0, NEVER_MADE };

    tell(misuse, "lease_valid of no lease", api->lease_valid(misuse->core, lease), false);
    tell(misuse, "lease_token of no lease", api->lease_token(misuse->core, lease), 0);
    tell(misuse, "lease_release of no lease",
         api->lease_release(misuse->core, lease, NULL, NULL), CORE_STALE);
    tell(misuse, "lease_acquire without a completion",
         api->lease_acquire(misuse->core, "key", 0, NULL, NULL, NULL), CORE_INVALID);
}

/* --- arguments out of range --- */

static void misuse_events(struct misuse *misuse)
{
    static const char *const types[] = { "", "Upper", "two words", "heartbeat", "run_state",
                                         "hello" };
    static const char *const payloads[] = { "", "[]", "{", "1", "{\"a\":1,\"a\":2}" };
    const struct core_api *api = misuse->api;
    size_t longest = misuse->actor->play->stage->settings[
        misuse->actor->instance->index].event_max_bytes;
    char *text = scratch_alloc(longest + 2);

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        tell(misuse, "publish of a type that is none",
             api->publish(misuse->core, misuse->session, types[i], "{}", 2, NULL, NULL),
             CORE_INVALID);
    for (size_t i = 0; i < sizeof payloads / sizeof payloads[0]; i++)
        tell(misuse, "publish of what is no object",
             api->publish(misuse->core, misuse->session, "news", payloads[i], strlen(payloads[i]),
                          NULL, NULL),
             CORE_INVALID);
    memset(text, ' ', longest + 1);
    memcpy(text, "{}", 2);
    tell(misuse, "publish of too much",
         api->publish(misuse->core, misuse->session, "news", text, longest + 1, NULL, NULL),
         CORE_LIMIT);
}

static void never_read(void *context, enum core_result rc, struct history_page *page)
{
    (void)rc, (void)page;
    tell(context, "a page that was refused", 1, 0);
}

static void misuse_pages(struct misuse *misuse)
{
    const struct core_api *api = misuse->api;
    struct history_cursor cursor = { 0, 0 };
    struct history_page page;

    tell(misuse, "history of no events",
         api->history(misuse->core, misuse->session, cursor, 0, HISTORY_FORWARD, &page),
         CORE_INVALID);
    tell(misuse, "history_read of no events",
         api->history_read(misuse->core, misuse->session, cursor, 0, HISTORY_FORWARD, never_read,
                           misuse), CORE_INVALID);
    tell(misuse, "history_read without a completion",
         api->history_read(misuse->core, misuse->session, cursor, 1, HISTORY_FORWARD, NULL, NULL),
         CORE_INVALID);
    tell(misuse, "history_read of nobody",
         api->history_read(misuse->core, misuse->nobody, cursor, 1, HISTORY_FORWARD, never_read,
                           misuse), CORE_STALE);
}

static void misuse_specs(struct misuse *misuse)
{
    const struct run_spec specs[] = {
        { .agent = "", .key = "never" },
        { .agent = "bot", .key = "" },
        { .agent = "bot", .key = "never", .input = "[]" },
        { .agent = "bot", .key = "never", .input = "nonsense" },
    };

    for (size_t i = 0; i < sizeof specs / sizeof specs[0]; i++)
        tell(misuse, "run_submit of nonsense",
             misuse->api->run_submit(misuse->core, misuse->session, &specs[i], NULL, NULL),
             CORE_INVALID);
}

/* --- settings, and cores that cannot be made --- */

/* Values beside each other, of which one is allowed. */
static void misuse_settings(struct misuse *misuse, const struct core_settings *usual)
{
    struct core_settings settings;

#define TRY(change, allowed) do {                                                                  \
        settings = *usual;                                                                         \
        change;                                                                                    \
        tell(misuse, "settings with " #change,                                                     \
             misuse->api->settings_problem(&settings) == NULL, allowed);                           \
    } while (false)
    TRY(settings = *usual, true);
    TRY(settings.heartbeat_us = 0, false);
    TRY(settings.heartbeat_us = settings.heartbeat_timeout_us, false);
    TRY(settings.heartbeat_us = settings.heartbeat_timeout_us - 1, true);
    TRY(settings.lease_renew_us = 0, false);
    TRY(settings.lease_renew_us = settings.lease_ttl_us, false);
    TRY(settings.lease_renew_us = settings.lease_ttl_us - 1, true);
    TRY(settings.history_max_bytes = settings.event_max_bytes - 1, false);
    TRY(settings.history_max_bytes = settings.event_max_bytes, settings.event_max_bytes >= 1024);
    TRY(settings.store_max_events = settings.history_max_events - 1, false);
    TRY(settings.store_max_events = settings.history_max_events, true);
    TRY(settings.ack_timeout_us = 0, false);
    TRY(settings.send_stall_us = 0, false);
    TRY(settings.backoff_base_us = 0, false);
    TRY(settings.backoff_base_us = settings.backoff_cap_us, true);
    TRY(settings.backoff_base_us = settings.backoff_cap_us + 1, false);
    TRY(settings.job_threads = 1, false);
    TRY(settings.job_threads = 2, true);
    TRY(settings.max_conns_per_session = 65, false);
    TRY(settings.max_conns_per_session = 64, true);
    TRY(settings.on_detach = 3, false);
    TRY(settings.on_detach = 2, true);
#undef TRY
}

static void try_settings(struct misuse *misuse, struct session_ref session,
                         const struct core_settings *settings, enum core_result right)
{
    const struct core_api *api = misuse->api;
    const char *mine = misuse->actor->session, *user = misuse->actor->user;

    tell(misuse, "session_configure", api->session_configure(misuse->core, session, settings),
         right);
    if (right != CORE_INVALID) return;
    tell(misuse, "session_open_with settings that cannot be",
         api->session_open_with(misuse->core, mine, user, 0, settings, never_opened, misuse),
         CORE_INVALID);
}

static void misuse_configure(struct misuse *misuse)
{
    struct core_settings usual, settings;

    if (misuse->api->session_settings(misuse->core, misuse->session, &usual) != CORE_OK) return;
    misuse_settings(misuse, &usual);
    try_settings(misuse, misuse->nobody, &usual, CORE_STALE);
    try_settings(misuse, misuse->session, &usual, CORE_OK);
    settings = usual;
    settings.max_conns++;
    try_settings(misuse, misuse->session, &settings, CORE_INVALID);
    settings = usual;
    settings.heartbeat_us = 0;
    try_settings(misuse, misuse->session, &settings, CORE_INVALID);
}

static void never_written(void *context, uint64_t handle, struct conn_ref conn)
{
    (void)handle, (void)conn;
    tell(context, "a call of a core that was not made", 1, 0);
}

static void never_closed(void *context, uint64_t handle, struct conn_ref conn,
                         enum core_close_code code)
{
    (void)code;
    never_written(context, handle, conn);
}

static void try_config(const struct misuse *misuse, const struct core_config *config)
{
    struct core *core = NULL;
    enum core_result rc = misuse->api->create(config, &core);

    tell(misuse, "core_create with half a configuration", rc, CORE_INVALID);
    tell(misuse, "whether core_create gives what it refused", core != NULL, false);
    if (core != NULL) misuse->api->destroy(core);
}

static void misuse_configs(struct misuse *misuse)
{
    struct core_config whole, config;

    misuse->api->config_default(&whole);
    whole.transport = (struct transport_port){ misuse, never_written, never_closed };
    config = whole;
    config.transport.want_write = NULL;
    try_config(misuse, &config);
    config = whole;
    config.transport.close = NULL;
    try_config(misuse, &config);
    config = whole;
    config.first_epoch = 0;
    try_config(misuse, &config);
    config = whole;
    config.settings.heartbeat_us = 0;
    try_config(misuse, &config);
    config = whole;
    config.name = "";
    try_config(misuse, &config);
}

void backend_misuse(struct actor *actor)
{
    struct misuse *misuse = scratch_alloc(sizeof *misuse);

    *misuse = (struct misuse){ .actor = actor, .api = actor->play->api,
                               .core = actor->instance->core, .nobody = { 0, NEVER_MADE } };
    misuse_names(misuse);
    misuse_owner(misuse);
    misuse_session(misuse);
    misuse_conn(misuse);
    misuse_leases(misuse);
    misuse_configs(misuse);
    audit_deadlines(actor->instance);
    if (find_session(actor, 0, &misuse->session) != CORE_OK) return;
    misuse_runs(misuse);
    misuse_events(misuse);
    misuse_pages(misuse);
    misuse_specs(misuse);
    misuse_configure(misuse);
}
