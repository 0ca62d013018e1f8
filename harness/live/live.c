/* A live run as a whole, and the table that stands for the core. */
#include "harness/live/live.h"

#include "harness/live/internal.h"

#include "harness/check/require.h"

#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

void live_path(const struct live *live, const char *name, char path[LIVE_PATH_MAX])
{
    (void)snprintf(path, LIVE_PATH_MAX, "%s/%s", live->options.folder, name);
}

void live_give_up(struct live *live, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(live->problem, sizeof live->problem, format, arguments);
    va_end(arguments);
    world_stop("%s", live->problem);
}

/* --- what stands for the core --- */

/* The table has no context of its own, and a process has one world. */
static struct live *running;

static struct daemon *daemon_of(struct core *core)
{
    return (struct daemon *)(void *)core;
}

static enum core_result create(const struct core_config *config, struct core **core)
{
    struct live *live = running;
    uint32_t index = 0;
    while (index + 1 < live->file->core_count &&
           strcmp(live->file->cores[index].name, config->name) != 0)
        index++;
    struct daemon *daemon = &live->daemons[index];
    if (!live->entered) loop_enter(&live->loop);
    if (!live->entered && live->servers != NULL) servers_open(live->servers);
    live->entered = true;
    daemon->live = live;
    daemon->index = index;
    daemon->name = live->file->cores[index].name;
    daemon->settings = config->settings;
    /* There is nobody beside a daemon who would open sessions before they are asked for. */
    daemon->settings.auto_create = AUTO_CREATE_ON_START;
    daemon->agents = config->agents;
    *core = (struct core *)(void *)daemon;
    return CORE_OK;
}

static enum core_result start(struct core *core)
{
    return daemon_start(daemon_of(core));
}

static enum core_result drain(struct core *core, uint64_t deadline_us)
{
    (void)deadline_us; /* always the same, and a daemon has it from its start */
    return daemon_drain(daemon_of(core));
}

static void destroy(struct core *core)
{
    (void)core;
}

/* Sessions come to be when somebody asks for something in them; here they only get a number. */
static enum core_result session_open_now(struct core *core, const char *key, const char *owner,
                                         uint32_t flags, struct session_ref *session,
                                         uint64_t *epoch)
{
    struct live *live = daemon_of(core)->live;
    uint32_t at = 0;
    (void)flags;
    while (at < live->session_count && strcmp(live->sessions[at], key) != 0) at++;
    if (at == live->session_count) {
        REQUIRE(at <= SCN_ACTORS_MAX);
        live->sessions[at] = key;
        live->owners[at] = owner;
        live->session_count++;
    }
    *session = (struct session_ref){.slot = at, .generation = 1};
    *epoch = 0;
    return CORE_OK;
}

static enum core_result code_of(const struct live *live, const struct reply *reply)
{
    const json_t *body = json_loadb(reply->body, reply->length, 0, NULL);
    const char *word = json_string_value(json_object_get(body, "code"));
    if (reply->status == 0) return CORE_UNKNOWN;
    for (int code = 0; word != NULL && code < CORE_RESULT_COUNT; code++) {
        if (strcmp(live->api.result_word((enum core_result)code), word) == 0)
            return (enum core_result)code;
    }
    return CORE_FAILED;
}

static enum core_result submit(struct core *core, struct session_ref session,
                               const struct run_spec *spec, struct run_ref *run, bool *created)
{
    struct daemon *daemon = daemon_of(core);
    struct live *live = daemon->live;
    char path[256];
    (void)snprintf(path, sizeof path, "/sessions/%s/runs",
                   live_session(live, live->sessions[session.slot]));
    const char *body = json_dumps(json_pack("{s:s, s:s}", "agent", spec->agent, "key", spec->key),
                                  JSON_COMPACT);
    struct reply reply =
        request_make(daemon, "POST", path, live->owners[session.slot], body);
    if (reply.status != 200 && reply.status != 201) return code_of(live, &reply);
    const json_t *answer = json_loadb(reply.body, reply.length, 0, NULL);
    *run = (struct run_ref){session, (uint64_t)json_integer_value(json_object_get(answer, "run"))};
    *created = reply.status == 201;
    return CORE_OK;
}

static void make_api(struct live *live, const struct core_api *api)
{
    live->api = *api;
    live->api.create = create;
    live->api.start = start;
    live->api.drain = drain;
    live->api.destroy = destroy;
    live->api.session_open_wait = session_open_now;
    live->api.run_submit = submit;
    agents_calls(&live->api);
}

/* --- the server's table: a daemon brings its own --- */

static void server_begin(const struct core_api *core)
{
    (void)core;
}

static void server_config_default(struct ws_transport_config *config)
{
    *config = (struct ws_transport_config){.name = NULL};
}

static enum core_result server_create(const struct ws_transport_config *config,
                                      struct ws_transport **transport)
{
    (void)config;
    *transport = NULL;
    return CORE_OK;
}

static struct transport_port server_port(struct ws_transport *transport)
{
    (void)transport;
    return (struct transport_port){NULL, NULL, NULL};
}

static enum core_result server_start(struct ws_transport *transport, struct core *core)
{
    (void)transport;
    (void)core;
    return CORE_OK;
}

static void server_end(struct ws_transport *transport)
{
    (void)transport;
}

const struct server_api *live_server(void)
{
    static const struct server_api table = {server_begin, server_config_default, server_create,
                                            server_port, server_start, server_end, server_end};
    return &table;
}

/* --- what the stage asks besides --- */

static uint16_t port_of(void *context, uint32_t core)
{
    const struct live *live = context;
    return live->daemons[core].port;
}

const char *live_session(void *context, const char *name)
{
    struct live *live = context;
    if (live->elsewhere == NULL) return name;
    for (uint32_t i = 0; i < live->session_count; i++) {
        struct followed *followed = &live->followed[i];
        if (strcmp(live->sessions[i], name) != 0) continue;
        if (followed->called[0] == '\0')
            (void)snprintf(followed->called, sizeof followed->called, "%.20s-%u-%.16s-%llu", name,
                           i, live->options.tag, (unsigned long long)live->options.run);
        return followed->called;
    }
    return name; /* one that nobody opens */
}

const char *live_host(const struct live *live)
{
    return live->elsewhere == NULL ? "127.0.0.1" : elsewhere_address(live->elsewhere)->host;
}

static void kill_core(void *context, uint32_t core)
{
    struct live *live = context;
    daemon_kill(&live->daemons[core]);
}

/* --- begin and end --- */

static bool is_free(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    bool unused = fd >= 0 && bind(fd, (struct sockaddr *)&address, sizeof address) == 0;
    if (fd >= 0) close(fd);
    return unused;
}

static uint16_t port_named(const struct live *live, const char *name)
{
    const struct scn_attr *attr = scn_core_setting(live->file, 0, name);
    if (attr != NULL) return (uint16_t)attr->value.low;
    return (uint16_t)live->api.setting_find(name)->fallback;
}

/* Dev servers use the machine's own ports. */
static bool find_ports(const struct live *live, char problem[LIVE_PROBLEM_MAX])
{
    static const char *const names[] = {"port_web", "port_mobile"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        uint16_t port = port_named(live, names[i]);
        if (is_free(port)) continue;
        (void)snprintf(problem, LIVE_PROBLEM_MAX,
                       "port %u of this machine is in use, and dev servers of the scenario want "
                       "it; end who has it, or set %s", port, names[i]);
        return false;
    }
    return true;
}

static bool has_sandboxes(const struct scn_file *file)
{
    for (uint32_t i = 0; i < file->actor_count; i++) {
        if (file->actors[i].kind == SCN_ACTOR_SANDBOX) return true;
    }
    return false;
}

static bool prepare(struct live *live, char problem[LIVE_PROBLEM_MAX])
{
    char path[LIVE_PATH_MAX];
    if (live->elsewhere != NULL) return true;
    live_path(live, "events.db", path);
    live->store = store_watch_new(live, path);
    if (!has_sandboxes(live->file)) return true;
    live->servers = servers_new(live);
    return find_ports(live, problem);
}

static void look_at_store(void *context)
{
    struct live *live = context;
    if (live->elsewhere == NULL) store_look(live->store);
    else if (live->daemons[0].port != 0) history_look(live);
}

static void hear_all(void *context)
{
    struct live *live = context;
    for (uint32_t i = 0; i < live->file->core_count; i++) daemon_hear(&live->daemons[i]);
}

struct live *live_begin(const struct live_options *options, const struct scn_file *file,
                        const struct core_api *api, char problem[LIVE_PROBLEM_MAX])
{
    struct live *live = calloc(1, sizeof *live);
    REQUIRE(live != NULL);
    live->options = *options;
    live->file = file;
    make_api(live, api);
    if (options->connect != NULL) live->elsewhere = elsewhere_new(&live->options, problem);
    if (options->connect != NULL && live->elsewhere == NULL) {
        free(live);
        return NULL;
    }
    live->stage_live = (struct stage_live){live, &live_network, port_of, live_host(live),
                                           live_token, live_session, kill_core,
                                           (uint64_t)(LIVE_MARGIN_US * options->speed),
                                           live->elsewhere != NULL};
    loop_init(&live->loop, options->speed, options->wall_us);
    chance_init(&live->chance, &live->loop, options->seed, options->run);
    network_begin(&live->loop, live->elsewhere ? elsewhere_address(live->elsewhere) : NULL);
    running = live;
    if (!prepare(live, problem)) {
        live_end(live);
        return NULL;
    }
    live->loop.before = look_at_store;
    live->loop.last = hear_all;
    live->loop.context = live;
    return live;
}

void live_end(struct live *live)
{
    for (uint32_t i = 0; i < SCN_CORES_MAX; i++) {
        if (live->daemons[i].pid <= 0) continue;
        kill(live->daemons[i].pid, SIGKILL);
        (void)waitpid(live->daemons[i].pid, NULL, 0);
    }
    for (uint32_t i = 0; i < live->loop.count; i++) {
        if (live->loop.watches[i].fd >= 0) loop_close(&live->loop.watches[i]);
    }
    network_forget();
    store_watch_free(live->store);
    servers_free(live->servers);
    elsewhere_free(live->elsewhere);
    folder_empty(live->options.folder);
    running = NULL;
    free(live);
}

void live_attach(struct live *live, struct stage *stage)
{
    live->stage = stage;
}

const struct core_api *live_api(const struct live *live)
{
    return &live->api;
}

const struct stage_live *live_stage(const struct live *live)
{
    return &live->stage_live;
}

const struct world_clock *live_clock(const struct live *live)
{
    return &live->loop.clock;
}

struct world_chooser *live_chooser(struct live *live)
{
    return &live->chance.chooser;
}

const char *live_complaints(const struct live *live)
{
    return live->complaints;
}
