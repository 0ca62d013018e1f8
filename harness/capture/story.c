/* From connections to tabs: who came back, and what each of them did. */
#include "harness/capture/story.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "harness/capture/tale.h"
#include "harness/scenario/ast.h"
#include "session_types.h"

/* --- small things --- */

const char *story_text(const json_t *body, const char *field)
{
    const char *text = json_string_value(json_object_get(body, field));
    return text == NULL ? "" : text;
}

uint64_t story_number(const json_t *body, const char *field)
{
    json_int_t number = json_integer_value(json_object_get(body, field));
    return number < 0 ? 0 : (uint64_t)number;
}

static void add_line(struct story *story, struct story_steps *steps, struct story_step step)
{
    steps->items =
        scn_arena_grow(story->arena, steps->items, steps->count, &steps->room, sizeof step);
    steps->items[steps->count++] = step;
}

void story_add(struct story *story, struct story_steps *steps, uint64_t time_us, uint32_t packet,
               const char *text)
{
    add_line(story, steps, (struct story_step){ time_us, 0, packet, false, text });
}

void story_remark(struct story *story, struct story_steps *steps, uint64_t time_us,
                  uint32_t packet, const char *text)
{
    add_line(story, steps, (struct story_step){ time_us, 0, packet, true, text });
}

static bool is_name(const char *text)
{
    if (!islower((unsigned char)*text)) return false;
    for (; *text != '\0'; text++) {
        if (!islower((unsigned char)*text) && !isdigit((unsigned char)*text) && *text != '_')
            return false;
    }
    return true;
}

/* Can stand in double quotes: one line, no quotes, printable. */
static bool is_quotable(const char *text)
{
    if (strlen(text) > STORY_VALUE_MAX) return false;
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 32 || (unsigned char)*text > 126 || *text == '"') return false;
    }
    return true;
}

bool story_can_emit(const char *type)
{
    static const char *const words[] = {
#define WORD(name, word) word,
        WIRE_EVENTS(WORD) WIRE_CONTROL(WORD) WIRE_REQUESTS(WORD)
#undef WORD
    };

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(words[i], type) == 0) return false;
    }
    /* It has a meaning of its own where a kind is expected. */
    return is_name(type) && strlen(type) <= STORY_VALUE_MAX && strcmp(type, "nothing") != 0;
}

const char *story_attr(struct story *story, const char *field, const json_t *value)
{
    const char *text = json_string_value(value);

    if (!is_name(field) || strlen(field) > STORY_VALUE_MAX) return "";
    if (json_is_integer(value) && json_integer_value(value) >= 0)
        return scn_arena_format(story->arena, " %s=%lld", field,
                                (long long)json_integer_value(value));
    if (json_is_boolean(value))
        return scn_arena_format(story->arena, " %s=%s", field, json_is_true(value) ? "yes" : "no");
    if (text == NULL || !is_quotable(text)) return "";
    return scn_arena_format(story->arena, is_name(text) ? " %s=%s" : " %s=\"%s\"", field, text);
}

/* --- names --- */

/* A number may follow. */
enum { BASE_MAX = STORY_NAME_MAX - 8 };

static bool is_taken(const struct story *story, const char *name)
{
    /* Words with a meaning of their own where an actor could stand. */
    static const char *const words[] = { "core", "store", "clock", "sandboxes", "free", "any",
                                         "nothing", "to", "by", "for", "may", "end", "or",
                                         "before", "when" };

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(words[i], name) == 0) return true;
    }
    for (uint32_t i = 0; i < story->tab_count; i++) {
        if (strcmp(story->tabs[i].name, name) == 0) return true;
    }
    for (uint32_t i = 0; i < story->core_count; i++) {
        if (strcmp(story->core_names[i], name) == 0) return true;
    }
    for (uint32_t i = 0; i < story->session_count; i++) {
        for (uint32_t a = 0; a < story->sessions[i].actor_count; a++) {
            if (strcmp(story->sessions[i].actors[a].name, name) == 0) return true;
        }
    }
    return false;
}

void story_word(const char *text, const char *fallback, char name[STORY_NAME_MAX])
{
    size_t used = 0;

    for (; *text != '\0' && used + 1 < BASE_MAX; text++) {
        char letter = (char)tolower((unsigned char)*text);
        if (used == 0 && !islower((unsigned char)letter)) continue;
        bool good = islower((unsigned char)letter) || isdigit((unsigned char)letter);
        name[used++] = good ? letter : '_';
    }
    name[used] = '\0';
    if (used == 0) (void)snprintf(name, BASE_MAX, "%s", fallback);
}

void story_name(struct story *story, const char *text, const char *fallback,
                char name[STORY_NAME_MAX])
{
    char base[STORY_NAME_MAX];

    story_word(text, fallback, base);
    memcpy(name, base, sizeof base);
    for (uint32_t number = 2; is_taken(story, name); number++)
        (void)snprintf(name, STORY_NAME_MAX, "%.*s_%u", BASE_MAX - 1, base, number);
}

/* Threads of agents are named by the first letters of those. */
static bool is_alike_agent(const struct story *story, const char *name)
{
    for (uint32_t i = 0; i < story->session_count; i++) {
        for (uint32_t a = 0; a < story->sessions[i].actor_count; a++) {
            const struct story_actor *actor = &story->sessions[i].actors[a];
            if (actor->agent && strncmp(actor->name, name, SCN_AGENT_LETTERS) == 0) return true;
        }
    }
    return false;
}

void story_agent_name(struct story *story, const char *text, char name[STORY_NAME_MAX])
{
    char base[STORY_NAME_MAX], end[12];

    story_word(text, "agent", base);
    story_name(story, text, "agent", name);
    for (uint32_t number = 2; is_alike_agent(story, name) || is_taken(story, name); number++) {
        int length = snprintf(end, sizeof end, "_%u", number);
        (void)snprintf(name, STORY_NAME_MAX, "%.*s%s", SCN_AGENT_LETTERS - length, base, end);
    }
}

const char *story_time(struct story *story, uint64_t time_us)
{
    static const struct { uint64_t us; const char *word; } units[] = {
        { 3600000000, "h" }, { 60000000, "m" }, { 1000000, "s" }, { 1000, "ms" }, { 1, "us" } };
    static const uint64_t longest_us = UINT64_C(31536000000000);
    uint32_t unit = 0;

    if (time_us > longest_us) time_us = longest_us;
    if (time_us == 0) return "0s";
    while (time_us % units[unit].us != 0) unit++;
    return scn_arena_format(story->arena, "%llu%s",
                            (unsigned long long)(time_us / units[unit].us), units[unit].word);
}

/* --- links and messages --- */

static int by_packet(const void *one, const void *other)
{
    const struct story_message *a = one, *b = other;

    if (a->message->packet != b->message->packet)
        return a->message->packet < b->message->packet ? -1 : 1;
    if (a->link != b->link) return a->link < b->link ? -1 : 1;
    return a->order < b->order ? -1 : a->order > b->order;
}

static json_t *decode(const struct capture_message *message, const char **type)
{
    if (message->opcode != WEBSOCKET_TEXT && message->opcode != WEBSOCKET_BINARY) return NULL;
    json_t *body = json_loadb(message->bytes, message->length, JSON_REJECT_DUPLICATES, NULL);
    *type = json_string_value(json_object_get(body, "type"));
    if (*type != NULL) return body;
    json_decref(body);
    return NULL;
}

/* Threads are named by the first letters of their core, so those have to differ. */
static bool is_alike(const struct story *story, const char *name)
{
    for (uint32_t i = 0; i < story->core_count; i++) {
        if (strncmp(story->core_names[i], name, SCN_CORE_LETTERS) == 0) return true;
    }
    return false;
}

/* Only a core that has no others beside it can be called just that. */
static void rename_alone(struct story *story)
{
    char name[STORY_NAME_MAX];

    if (strcmp(story->core_names[0], "core") != 0) return;
    story_name(story, "first", "first", name);
    memcpy(story->core_names[0], name, sizeof name);
}

static uint32_t core_of(struct story *story, const struct capture_connection *connection)
{
    char host[128];

    for (uint32_t i = 0; i < story->core_count; i++) {
        if (packet_address_same(&story->cores[i], &connection->server)) return i;
    }
    if (story->core_count == STORY_CORES_MAX) return 0;
    if (story->core_count == 1) rename_alone(story);
    /* A host of one word is a core's own name; one with dots is an address. */
    (void)snprintf(host, sizeof host, "%s", connection->host);
    host[strcspn(host, ":")] = '\0';
    uint32_t core = story->core_count;
    story->cores[core] = connection->server;
    if (strcmp(host, "core") == 0 && core == 0)
        (void)snprintf(story->core_names[core], STORY_NAME_MAX, "core");
    else
        story_name(story, is_name(host) ? host : "", "server", story->core_names[core]);
    char *name = story->core_names[core];
    uint32_t number = core;
    while (is_alike(story, name) || (number > core && is_taken(story, name)))
        (void)snprintf(name, STORY_NAME_MAX, "core_%u", ++number);
    story->core_count++;
    return core;
}

/* Times count from here: the first message that was said at all. */
static uint64_t begin_of(const struct capture *capture)
{
    uint64_t begin_ns = UINT64_MAX;

    for (uint32_t i = 0; i < capture->count; i++) {
        const struct capture_connection *connection = capture->connections[i];
        for (uint32_t m = 0; m < connection->count; m++) {
            if (connection->messages[m].time_ns < begin_ns)
                begin_ns = connection->messages[m].time_ns;
        }
    }
    return begin_ns;
}

static uint64_t since_us(uint64_t time_ns, uint64_t begin_ns)
{
    /* Clocks of captures can be anything; the language ends at ten years. */
    static const uint64_t most_us = UINT64_C(10000000000000);
    uint64_t since = time_ns < begin_ns ? 0 : (time_ns - begin_ns) / 1000;

    return since < most_us ? since : most_us;
}

/* The end of TCP is something that was said, too: a fragment without a beginning. */
static void add_end(struct story *story, const struct story_link *link)
{
    const struct capture_connection *connection = link->connection;
    struct capture_message *end = scn_arena_alloc(story->arena, sizeof *end);

    *end = (struct capture_message){
        .time_ns = connection->end_ns, .packet = connection->end_packet,
        .from_client = connection->end_by_client, .opcode = WEBSOCKET_CONTINUATION };
    story->messages[story->message_count++] = (struct story_message){
        .message = end, .link = story->link_count, .order = UINT32_MAX, .type = "",
        .time_us = link->end_us };
}

static void add_link(struct story *story, const struct capture_connection *connection,
                     uint64_t begin_ns)
{
    struct story_link *link = &story->links[story->link_count];

    *link = (struct story_link){
        .connection = connection, .tab = -1, .core = core_of(story, connection), .said = "",
        .begin_us = since_us(connection->begin_ns, begin_ns), .end_us = UINT64_MAX };
    if (connection->end != CAPTURE_OPEN) link->end_us = since_us(connection->end_ns, begin_ns);
    if (connection->alive_ns != 0) link->alive_us = since_us(connection->alive_ns, begin_ns);
    for (uint32_t m = 0; m < connection->count; m++) {
        struct story_message *message = &story->messages[story->message_count++];
        message->message = &connection->messages[m];
        message->link = story->link_count;
        message->order = m + 1;
        message->type = "";
        message->body = decode(message->message, &message->type);
        if (message->body == NULL) message->type = "";
        message->time_us = since_us(message->message->time_ns, begin_ns);
        if (m == 0) link->said_us = message->time_us;
        if (message->time_us > story->end_us) story->end_us = message->time_us;
    }
    if (connection->end != CAPTURE_OPEN) add_end(story, link);
    story->link_count++;
}

static void gather(struct story *story, const struct capture *capture)
{
    uint64_t begin_ns = begin_of(capture);
    size_t messages = 0;

    /* And an end, and maybe a beginning. */
    for (uint32_t i = 0; i < capture->count; i++) messages += capture->connections[i]->count + 2;
    story->messages = scn_arena_alloc(story->arena, (messages + 1) * sizeof *story->messages);
    story->links = scn_arena_alloc(story->arena, (capture->count + 1) * sizeof *story->links);
    for (uint32_t i = 0; i < capture->count; i++) {
        if (capture->connections[i]->kind != CAPTURE_OTHER)
            add_link(story, capture->connections[i], begin_ns);
    }
    story_greet(story);
    qsort(story->messages, story->message_count, sizeof *story->messages, by_packet);
}

/* --- the whole --- */

static void complain(const struct capture *capture, const struct story *story,
                     char problem[CAPTURE_PROBLEM_MAX])
{
    const char *why = "";

    for (uint32_t i = 0; i < capture->count && *why == '\0'; i++)
        why = capture->connections[i]->why;
    if (capture->trace)
        (void)snprintf(problem, CAPTURE_PROBLEM_MAX,
                       "%u lines of a core's trace, and nobody is attached in them",
                       capture->packets);
    else if (capture->tcp == 0)
        (void)snprintf(problem, CAPTURE_PROBLEM_MAX, "%u packets, and none of them is TCP over IP",
                       capture->packets - capture->unmatched);
    else if (story->link_count == 0)
        (void)snprintf(problem, CAPTURE_PROBLEM_MAX,
                       "no WebSocket and no event stream on %u TCP connection%s%s%s", capture->tcp,
                       capture->tcp == 1 ? "" : "s", *why == '\0' ? "" : ": ", why);
    else
        (void)snprintf(problem, CAPTURE_PROBLEM_MAX,
                       "a WebSocket or more, and no client says hello (docs/PROTOCOL.md); --list "
                       "prints what is said");
}

bool story_make(struct story *story, const struct capture *capture,
                char problem[CAPTURE_PROBLEM_MAX])
{
    memset(story, 0, sizeof *story);
    story->arena = scn_arena_new();
    story->trace = capture->trace;
    story->actors_max = STORY_ACTORS_MAX;
    gather(story, capture);
    tale_read(story);
    if (story->tab_count == 0 && story->session_count == 0) {
        complain(capture, story, problem);
        return false;
    }
    story_act(story);
    return true;
}

void story_free(struct story *story)
{
    for (uint32_t i = 0; i < story->message_count; i++) json_decref(story->messages[i].body);
    scn_arena_free(story->arena);
}
