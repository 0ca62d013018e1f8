/* A daemon that runs already: where it is, what its users show, what its settings are. */
#include "harness/live/internal.h"

#include "harness/check/require.h"

#include <inttypes.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { USERS_MAX = 64, WORD_MAX = 1024, PATIENCE_US = 10000000 };

struct elsewhere {
    const struct live_options *options;
    struct address address;
    char users[USERS_MAX][CORE_NAME_MAX]; /* "": whoever has no other */
    char *tokens[USERS_MAX];
    uint32_t count;
};

/* --- the address --- */

/* What is in front of the host says how it is spoken to. */
static const char *skip_scheme(const char *text, bool *secure)
{
    static const struct { const char *text; bool secure; } schemes[] = {
        {"wss://", true}, {"https://", true}, {"ws://", false}, {"http://", false}};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        size_t length = strlen(schemes[i].text);
        if (strncmp(text, schemes[i].text, length) != 0) continue;
        *secure = schemes[i].secure;
        return text + length;
    }
    return text;
}

/* HOST:PORT, or [HOST]:PORT where the host has colons itself. */
static bool split(const char *text, struct address *address, const char **port)
{
    text = skip_scheme(text, &address->secure);
    const char *colon = strrchr(text, ':');
    if (colon == NULL || colon == text || colon[1] == '\0') return false;
    bool framed = text[0] == '[' && colon[-1] == ']';
    size_t length = (size_t)(colon - text);
    const char *host = text;
    if (framed) {
        host++;
        length -= 2;
    }
    if (length == 0 || length >= sizeof address->host) return false;
    memcpy(address->host, host, length);
    address->host[length] = '\0';
    *port = colon + 1;
    return framed || strchr(address->host, ':') == NULL;
}

static bool find_address(struct elsewhere *elsewhere, const char *text, char *problem)
{
    struct address *address = &elsewhere->address;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *found;
    const char *port;
    if (!split(text, address, &port)) {
        (void)snprintf(problem, LIVE_PROBLEM_MAX,
                       "--connect takes HOST:PORT, such as 127.0.0.1:7420 or [::1]:7420, or "
                       "wss://HOST:PORT, not '%s'", text);
        return false;
    }
    if (elsewhere->options->ca != NULL && !address->secure) {
        (void)snprintf(problem, LIVE_PROBLEM_MAX,
                       "--ca is for TLS: write --connect wss://HOST:PORT, not '%s'", text);
        return false;
    }
    /* RFC 6761, 6.3: that name is the loopback, also where nobody resolves names. */
    const char *host = strcasecmp(address->host, "localhost") == 0 ? NULL : address->host;
    int rc = getaddrinfo(host, port, &hints, &found);
    if (rc != 0) {
        (void)snprintf(problem, LIVE_PROBLEM_MAX, "--connect %s: %s", text, gai_strerror(rc));
        return false;
    }
    for (const struct addrinfo *one = found; one != NULL && address->count < PLACES_MAX;
         one = one->ai_next) {
        struct place *place = &address->places[address->count++];
        memcpy(&place->storage, one->ai_addr, one->ai_addrlen);
        place->length = one->ai_addrlen;
    }
    freeaddrinfo(found);
    return !address->secure || secure_trust(elsewhere->options->ca, problem);
}

/* --- tokens --- */

/* `USER SESSION TOKEN` as the daemon's own file has it, or one word, for everybody. */
static bool keep_token(struct elsewhere *elsewhere, const char *line)
{
    char words[3][WORD_MAX];
    int count = sscanf(line, "%1023s %1023s %1023s", words[0], words[1], words[2]);
    if (count <= 0 || words[0][0] == '#') return true;
    const char *user = count == 1 ? "" : words[0], *token = words[count == 1 ? 0 : 2];
    bool good = count != 2 && strlen(user) < CORE_NAME_MAX && elsewhere->count < USERS_MAX;
    /* Sessions of a run have names of their own: a token of one session opens none of them. */
    if (!good || (count == 3 && strcmp(words[1], "*") != 0)) return good;
    memcpy(elsewhere->users[elsewhere->count], user, strlen(user) + 1);
    elsewhere->tokens[elsewhere->count] = strdup(token);
    REQUIRE(elsewhere->tokens[elsewhere->count] != NULL);
    elsewhere->count++;
    return true;
}

static bool read_tokens(struct elsewhere *elsewhere, const char *path, char *problem)
{
    char line[3 * WORD_MAX];
    uint32_t number = 0;
    bool good = true;
    FILE *in = fopen(path, "r");
    if (in == NULL) {
        (void)snprintf(problem, LIVE_PROBLEM_MAX, "--token %.300s: %m", path);
        return false;
    }
    while (good && fgets(line, sizeof line, in) != NULL) {
        number++;
        good = keep_token(elsewhere, line);
    }
    (void)fclose(in);
    if (!good)
        (void)snprintf(problem, LIVE_PROBLEM_MAX,
                       "%.300s:%u: a line is USER SESSION TOKEN, or a token for everybody", path,
                       number);
    return good;
}

const char *elsewhere_token(const struct elsewhere *elsewhere, const char *user)
{
    const char *token = NULL;
    for (uint32_t i = 0; i < elsewhere->count; i++) {
        if (strcmp(elsewhere->users[i], user) == 0) return elsewhere->tokens[i];
        if (elsewhere->users[i][0] == '\0') token = elsewhere->tokens[i];
    }
    return token;
}

/* --- begin and end --- */

struct elsewhere *elsewhere_new(const struct live_options *options, char problem[LIVE_PROBLEM_MAX])
{
    struct elsewhere *elsewhere = calloc(1, sizeof *elsewhere);
    REQUIRE(elsewhere != NULL);
    elsewhere->options = options;
    if (find_address(elsewhere, options->connect, problem) &&
        (options->tokens == NULL || read_tokens(elsewhere, options->tokens, problem)))
        return elsewhere;
    elsewhere_free(elsewhere);
    return NULL;
}

void elsewhere_free(struct elsewhere *elsewhere)
{
    if (elsewhere == NULL) return;
    for (uint32_t i = 0; i < elsewhere->count; i++) free(elsewhere->tokens[i]);
    free(elsewhere);
}

const struct address *elsewhere_address(const struct elsewhere *elsewhere)
{
    return &elsewhere->address;
}

enum core_result elsewhere_start(struct daemon *daemon)
{
    struct live *live = daemon->live;
    daemon->group = world_group_of(world_self());
    daemon->runs = NULL;
    daemon->life++;
    daemon->port = 1; /* the address has its own */
    if (live->options.agents != NULL) agents_open(daemon);
    loop_hold(&live->loop, false);
    return CORE_OK;
}

enum core_result elsewhere_leave(struct daemon *daemon)
{
    history_look(daemon->live);
    daemon->port = 0; /* what becomes of its runs now is not of the scenario */
    network_end();
    agents_dismiss(daemon);
    return CORE_OK;
}

/* --- what it cannot be asked for --- */

struct asking {
    const struct elsewhere *elsewhere;
    const struct scn_file *file;
    stage_tell tell;
    void *context;
};

static void refuse(const struct asking *asking, struct scn_place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void refuse(const struct asking *asking, struct scn_place place, const char *format, ...)
{
    char text[300];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    asking->tell(asking->context, true, place, text);
}

static void ask_for_actors(const struct asking *asking)
{
    for (uint32_t i = 0; i < asking->file->actor_count; i++) {
        const struct scn_actor *actor = &asking->file->actors[i];
        const struct scn_attr *user = scn_attrs_find(&actor->attrs, "user");
        const char *name = user == NULL ? "user" : user->value.text;
        if (actor->kind == SCN_ACTOR_AGENT && asking->elsewhere->options->agents == NULL)
            refuse(asking, actor->place, "agent %s: agents of the daemon are its own; --agents "
                   "tells where they report", actor->name);
        if (actor->kind != SCN_ACTOR_TAB && user == NULL) continue;
        if (elsewhere_token(asking->elsewhere, name) == NULL)
            refuse(asking, actor->place, "%s: --token has none of '%s' for every session",
                   actor->name, name);
    }
}

static void compare(const struct asking *asking, const struct core_setting *setting,
                    const json_t *told)
{
    const struct scn_attr *attr = scn_core_setting(asking->file, 0, setting->name);
    struct scn_place place = attr == NULL ? asking->file->cores[0].place : attr->place;
    const char *word, *unit = setting->kind == CORE_SETTING_DURATION ? "us" : "";
    uint64_t value =
        live_wanted(asking->file, setting, asking->elsewhere->options->speed, &word);
    const char *own = json_string_value(told);
    if (word != NULL && (own == NULL || strcmp(word, own) != 0))
        refuse(asking, place, "%s is %s at the daemon, and not %s", setting->name,
               own == NULL ? "unknown" : own, word);
    if (word == NULL && (uint64_t)json_integer_value(told) != value)
        refuse(asking, place, "%s is %" JSON_INTEGER_FORMAT "%s at the daemon, and not %" PRIu64
               "%s", setting->name, json_integer_value(told), unit, value, unit);
}

static void compare_settings(const struct asking *asking, const struct core_api *api,
                             const json_t *told)
{
    for (size_t i = 0; i < live_setting_count(); i++) {
        const struct core_setting *setting = api->setting_find(live_setting_name(i));
        if (strcmp(setting->name, "trace_ring") == 0) continue; /* nobody outside feels it */
        compare(asking, setting, json_object_get(told, setting->name));
    }
}

bool live_ask_elsewhere(const struct live_options *options, const struct scn_file *file,
                        const struct core_api *api, stage_tell tell, void *context,
                        char problem[LIVE_PROBLEM_MAX])
{
    struct elsewhere *elsewhere = elsewhere_new(options, problem);
    if (elsewhere == NULL) return false;
    struct asking asking = {elsewhere, file, tell, context};
    ask_for_actors(&asking);
    const char *token = elsewhere->count == 0 ? "" : elsewhere->tokens[0];
    const char *why;
    json_t *told;
    uint64_t patience_ns = options->wall_us < PATIENCE_US ? options->wall_us * 1000
                                                          : PATIENCE_US * (uint64_t)1000;
    int status = elsewhere_ask(&elsewhere->address, token, "/settings",
                               loop_clock_ns() + patience_ns, &told, &why);
    if (status == 200 && told != NULL) compare_settings(&asking, api, told);
    else if (status == 0)
        (void)snprintf(problem, LIVE_PROBLEM_MAX, "--connect %s: nobody answers there: %s",
                       options->connect, why);
    else
        (void)snprintf(problem, LIVE_PROBLEM_MAX,
                       "--connect %s: GET /settings is answered with %d: %s", options->connect,
                       status, status == 401 ? "--token is not for this daemon"
                                             : "this is no sessiond, or an older one");
    bool told_all = status == 200 && told != NULL;
    json_decref(told);
    elsewhere_free(elsewhere);
    return told_all;
}
