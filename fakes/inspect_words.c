/* What the core's tables say of settings and of shell commands, beside what is written in its
 * header: values, limits, what must hold between them; examples of what starts a dev server. */
#include "fakes/inspect.h"

#include "session_settings.h"

#include <stddef.h>
#include <stdio.h>

/* --- settings: once more from the list in the header --- */

struct expected_setting {
    const char *name;
    size_t offset;
    uint64_t value, smallest, largest;
    bool of_core, is_policy;
};

#define SCOPE_SESSION false
#define SCOPE_CORE true
#define YEAR_US (CORE_MINUTES(60) * 24 * 365)
#define WORD_COUNT(name, word) +1
#define DURATION(scope, name, value) \
    { #name, offsetof(struct core_settings, name##_us), value, 0, YEAR_US, SCOPE_##scope, false },
#define COUNT(scope, name, value, smallest, largest) \
    { #name, offsetof(struct core_settings, name), value, smallest, largest, SCOPE_##scope, false },
#define POLICY(scope, name, words, value) \
    { #name, offsetof(struct core_settings, name), value, 0, 0 words(WORD_COUNT) - 1, \
      SCOPE_##scope, true },

static const struct expected_setting expected[] = { CORE_SETTINGS(DURATION, COUNT, POLICY) };

enum { SETTINGS = sizeof expected / sizeof expected[0] };

/* What is as it should be is not worth a record: there are hundreds. */
static void compare(const struct instance *instance, const char *what, uint64_t told, uint64_t due)
{
    if (told != due) inspect_tell(instance, what, told, due, due);
}

static uint64_t *field_of(struct core_settings *settings, const struct expected_setting *row)
{
    return (uint64_t *)(void *)((char *)settings + row->offset);
}

static bool fits(const struct core_api *api, const struct core_settings *settings)
{
    return api->settings_problem(settings) == NULL;
}

/* Its limits, one by one: the value beside each is refused, and not stored. */
static void inspect_limits(const struct instance *instance, const struct expected_setting *row)
{
    const struct core_api *api = instance->play->api;
    const struct core_setting *setting = api->setting_find(row->name);
    struct core_settings settings;

    api->settings_default(&settings);
    uint64_t *field = field_of(&settings, row);
    compare(instance, row->name, *field, row->value);
    compare(instance, "whether a setting has its name", setting != NULL, 1);
    if (setting == NULL) return;
    bool least = api->setting_store(&settings, setting, row->smallest);
    compare(instance, "whether the least of a setting is stored",
            least && *field == row->smallest, 1);
    bool most = api->setting_store(&settings, setting, row->largest);
    compare(instance, "whether the most of a setting is stored",
            most && *field == row->largest, 1);
    bool more = api->setting_store(&settings, setting, row->largest + 1);
    bool less = row->smallest > 0 && api->setting_store(&settings, setting, row->smallest - 1);
    compare(instance, "whether a setting is kept within its limits",
            !more && !less && *field == row->largest, 1);
    *field = row->largest + 1;
    compare(instance, "whether a setting beyond its limits fits", fits(api, &settings), 0);
}

/* One that is the whole core's cannot differ for a session. */
static void inspect_scope(const struct instance *instance, const struct expected_setting *row)
{
    const struct core_api *api = instance->play->api;
    struct core_settings core, session;

    api->settings_default(&core);
    session = core;
    uint64_t *field = field_of(&session, row);
    *field = *field > row->smallest ? *field - 1 : *field + 1;
    bool sound = fits(api, &session);
    bool allowed = api->settings_session_problem(&core, &session) == NULL;
    compare(instance, "whether a session may have a setting of its own", allowed,
            !row->of_core && sound);
}

static void inspect_word(const struct instance *instance, const char *name, const char *word,
                         uint64_t due, bool known)
{
    const struct core_api *api = instance->play->api;
    const struct core_setting *setting = api->setting_find(name);
    uint64_t value = UINT64_MAX;

    bool found = setting != NULL && api->setting_word(setting, word, &value);
    compare(instance, "whether a policy has a word", found, known);
    if (found) compare(instance, "the value of a policy's word", value, due);
}

#define NO_DURATION(scope, name, value)
#define NO_COUNT(scope, name, value, smallest, largest)
#define CHECK_WORD(value, word) inspect_word(instance, policy, word, number++, true);
#define CHECK_POLICY(scope, name, words, value)                                                    \
    policy = #name;                                                                                \
    number = 0;                                                                                    \
    words(CHECK_WORD)

static void inspect_policies(const struct instance *instance)
{
    const char *policy;
    uint64_t number;

    CORE_SETTINGS(NO_DURATION, NO_COUNT, CHECK_POLICY)
    inspect_word(instance, "on_detach", "kee", 0, false);
    inspect_word(instance, "heartbeat", "keep", 0, false);
}

/* What must hold between two settings: the last value that does, and the first that does not. */
#define RELATIONS(X) \
    X(heartbeat_us, 0, false) \
    X(heartbeat_us, settings.heartbeat_timeout_us - 1, true) \
    X(heartbeat_us, settings.heartbeat_timeout_us, false) \
    X(lease_renew_us, 0, false) \
    X(lease_renew_us, settings.lease_ttl_us - 1, true) \
    X(lease_renew_us, settings.lease_ttl_us, false) \
    X(event_max_bytes, settings.history_max_bytes, true) \
    X(event_max_bytes, settings.history_max_bytes + 1, false) \
    X(store_max_events, settings.history_max_events, true) \
    X(store_max_events, settings.history_max_events - 1, false) \
    X(ack_timeout_us, 1, true) \
    X(ack_timeout_us, 0, false) \
    X(send_stall_us, 1, true) \
    X(send_stall_us, 0, false) \
    X(backoff_base_us, 1, true) \
    X(backoff_base_us, 0, false) \
    X(backoff_base_us, settings.backoff_cap_us, true) \
    X(backoff_base_us, settings.backoff_cap_us + 1, false)

static void inspect_relations(const struct instance *instance)
{
    const struct core_api *api = instance->play->api;
    struct core_settings settings;

#define RELATION(field, number, due)                                                               \
    api->settings_default(&settings);                                                              \
    settings.field = (number);                                                                     \
    compare(instance, "whether " #field " at " #number " fits", fits(api, &settings), due);
    RELATIONS(RELATION)
#undef RELATION
}

void inspect_settings(const struct instance *instance)
{
    size_t count = 0;

    (void)instance->play->api->settings_table(&count);
    inspect_tell(instance, "how many settings there are", count, SETTINGS, SETTINGS);
    compare(instance, "whether there is a setting of no name",
            instance->play->api->setting_find("") != NULL, 0);
    for (size_t i = 0; i < SETTINGS; i++) {
        inspect_limits(instance, &expected[i]);
        inspect_scope(instance, &expected[i]);
    }
    inspect_policies(instance);
    inspect_relations(instance);
}

/* --- commands --- */

enum { NO_SERVER = APP_TYPE_COUNT };

static const struct {
    const char *text;
    int app;                    /* NO_SERVER: it starts none */
    uint16_t port;
} commands[] = {
    { "pnpm dev", APP_WEB, 0 },
    { "pnpm run start", APP_WEB, 0 },
    { "npm start", APP_WEB, 0 },
    { "npm run dev -- --port 4000", APP_WEB, 4000 },
    { "yarn dev -p 65535", APP_WEB, 65535 },
    { "yarn  run\tstart -p 5000 &", APP_WEB, 5000 },
    { "next dev", APP_WEB, 0 },
    { "npx next dev --port=3100", APP_WEB, 3100 },
    { "npx expo start --port 8082", APP_MOBILE, 8082 },
    { "react-native start", APP_MOBILE, 0 },
    { "npx metro start", APP_MOBILE, 0 },
    { "PORT=4001 npm run dev", APP_WEB, 4001 },
    { "A1=2 npm start", APP_WEB, 0 },
    { "A_1=x PORT=4001 npm start --port=4002", APP_WEB, 4002 },
    { "cd app && npm start", APP_WEB, 0 },
    { "cd app && CI=1 npx expo start", APP_MOBILE, 0 },
    { "npm start --port 65536", APP_WEB, 0 },
    { "npm start --port 12x", APP_WEB, 0 },
    { "npm start --port -1", APP_WEB, 0 },
    { "npm start --port +80", APP_WEB, 0 },
    { "npm start -p 7", APP_WEB, 7 },
    { "npm start --port", APP_WEB, 0 },
    { "pnpm dev a b c d e f g h i j k l m n o p q r s t u v w x y z 1 2 3 4", APP_WEB, 0 },
    { "pnpm dev a b c d e f g h i j k l m n o p q r s t u v w x y z 1 2 3 4 5", NO_SERVER, 0 },
    { "", NO_SERVER, 0 },
    { "npm", NO_SERVER, 0 },
    { "npm run", NO_SERVER, 0 },
    { "npm test", NO_SERVER, 0 },
    { "run dev", NO_SERVER, 0 },
    { "npx npm start", NO_SERVER, 0 },
    { "next run dev", NO_SERVER, 0 },
    { "next start", NO_SERVER, 0 },
    { "expo dev", NO_SERVER, 0 },
    { "cd app npm start", NO_SERVER, 0 },
    { "cd app ; npm start", NO_SERVER, 0 },
    { "app app && npm start", NO_SERVER, 0 },
    { "1A=2 npm start", NO_SERVER, 0 },
    { "A=1 _=2 npm start", APP_WEB, 0 },
    { "=2 npm start", NO_SERVER, 0 },
    { "npm start & ls", NO_SERVER, 0 },
    { "npm start && ls", NO_SERVER, 0 },
    { "npm start | tee log", NO_SERVER, 0 },
    { "npm start > log", NO_SERVER, 0 },
    { "npm start 'x'", NO_SERVER, 0 },
    { "npm start $HOME", NO_SERVER, 0 },
};

static void inspect_command(const struct instance *instance, const char *text, int due,
                            uint16_t due_port)
{
    enum app_type app = APP_TYPE_COUNT;
    uint16_t port = 0;
    bool found = instance->play->api->command_find(text, &app, &port);

    compare(instance, text, found ? app : NO_SERVER, (uint64_t)due);
    if (found) compare(instance, "the port of a command", port, due_port);
}

/* Of the longest command that there may be, and of one that is longer by one character. */
static void inspect_length(const struct instance *instance)
{
    char text[CORE_COMMAND_MAX + 1];

    memset(text, 'x', sizeof text);
    memcpy(text, "npm start ", 10);
    text[CORE_COMMAND_MAX] = '\0';
    inspect_command(instance, text, NO_SERVER, 0);
    text[CORE_COMMAND_MAX - 1] = '\0';
    inspect_command(instance, text, APP_WEB, 0);
}

static bool is_new(const struct box *box, const char *request)
{
    for (uint32_t i = 0; i < box->process_count; i++) {
        if (strcmp(box->processes[i].request, request) == 0) return false;
    }
    return true;
}

static bool asks_for(const struct actor *actor, const struct scn_step *step, enum app_type app)
{
    bool asks = step->verb == SCN_VERB_ENSURE ||
                (step->verb == SCN_VERB_SEND && strcmp(step->kind, "server_start") == 0);
    return asks && app_of(actor, step) == app;
}

/* Has anybody of the owner's session begun to ask for a server of that app? */
static bool was_asked_for(const struct play *play, const char *owner, enum app_type app)
{
    for (uint32_t i = 0; i < play->file->actor_count; i++) {
        const struct actor *actor = &play->actors[i];
        if (actor->session == NULL || strcmp(actor->session, owner) != 0) continue;
        for (uint32_t s = 0; s < actor->scn->step_count; s++) {
            if (actor->begun[s] > 0 && asks_for(actor, &actor->scn->steps[s], app)) return true;
        }
    }
    return false;
}

void inspect_spawn(const struct instance *instance, const struct box *box,
                   const struct spawn_request *request)
{
    const struct core_settings *settings = &instance->play->stage->settings[instance->index];
    bool web = request->app == APP_WEB;
    uint64_t port = web ? settings->port_web : settings->port_mobile;
    char command[CORE_COMMAND_MAX];

    (void)snprintf(command, sizeof command,
                   web ? "PORT=%u pnpm run dev"
                       : "npm install --global @expo/ngrok && npx expo start --port %u "
                         "--max-workers 2 --tunnel", (unsigned)port);
    inspect_tell(instance, "the port of a start", request->port, port, port);
    compare(instance, "whether a start is the command of its app",
            strcmp(request->command, command) == 0, 1);
    compare(instance, "whether a start is in the shell session of its app",
            strcmp(request->name, web ? "dev_server_web" : "dev_server_mobile") == 0, 1);
    if (settings->autostart == AUTOSTART_OFF)
        compare(instance, "whether somebody asked for the server that is started",
                was_asked_for(instance->play, box->owner, request->app), 1);
    compare(instance, "whether a start has a name of its own", is_new(box, request->request), 1);
}

static void inspect_names(const struct instance *instance)
{
    const struct core_api *api = instance->play->api;
    char one[CORE_NAME_MAX], other[CORE_NAME_MAX];

    api->command_session_name(instance->core, one);
    api->command_session_name(instance->core, other);
    compare(instance, "whether two commands have two names", strcmp(one, other) != 0, 1);
    compare(instance, "the length of a command's name", strlen(one), strlen("session_") + 8);
}

void inspect_commands(const struct instance *instance)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        inspect_command(instance, commands[i].text, commands[i].app, commands[i].port);
    inspect_length(instance);
    inspect_names(instance);
}
