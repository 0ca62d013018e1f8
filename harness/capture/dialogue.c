/* HTTP/1.1 (RFC 9112) as far as it leads to a WebSocket (RFC 6455, section 4; RFC 7692). */
#include "harness/capture/dialogue.h"

#include "harness/capture/bearer.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char no_memory[] = "out of memory";

/* --- headers --- */

/* A text inside a head; not ended by a zero. */
struct text {
    const char *at;
    size_t length;
};

static struct text trimmed(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t')) at++;
    while (end > at && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r')) end--;
    return (struct text){ at, (size_t)(end - at) };
}

static bool is_word(struct text text, const char *word)
{
    return text.length == strlen(word) && strncasecmp(text.at, word, text.length) == 0;
}

static bool is_exactly(struct text text, const char *word)
{
    return text.length == strlen(word) && memcmp(text.at, word, text.length) == 0;
}

static void copy(struct text text, char *out, size_t size)
{
    size_t length = text.length < size ? text.length : size - 1;

    for (size_t i = 0; i < length; i++)
        out[i] = isprint((unsigned char)text.at[i]) ? text.at[i] : '?';
    out[length] = '\0';
}

/* The value of the header of that name. */
static bool find_header(struct text head, const char *name, struct text *value)
{
    const char *at = head.at, *end = head.at + head.length;

    while (at < end) {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        if (line_end == NULL) line_end = end;
        const char *colon = memchr(at, ':', (size_t)(line_end - at));
        if (colon != NULL && is_word(trimmed(at, colon), name)) {
            *value = trimmed(colon + 1, line_end);
            return true;
        }
        at = line_end + 1;
    }
    return false;
}

/* Takes the next item from a list; `between` separates them. */
static bool next_item(struct text *list, char between, struct text *item)
{
    if (list->length == 0) return false;
    const char *end = memchr(list->at, between, list->length);
    size_t length = end == NULL ? list->length : (size_t)(end - list->at);
    *item = trimmed(list->at, list->at + length);
    size_t used = end == NULL ? length : length + 1;
    list->at += used;
    list->length -= used;
    return true;
}

static bool header_has(struct text head, const char *name, const char *word)
{
    struct text value, item;

    if (!find_header(head, name, &value)) return false;
    while (next_item(&value, ',', &item)) {
        if (is_word(item, word)) return true;
    }
    return false;
}

static uint64_t number_of(struct text text)
{
    uint64_t number = 0;

    for (size_t i = 0; i < text.length && isdigit((unsigned char)text.at[i]); i++) {
        if (number > UINT32_MAX) return number;
        number = number * 10 + (uint64_t)(text.at[i] - '0');
    }
    return number;
}

/* --- the upgrade --- */

static void take_parameter(struct dialogue *dialogue, struct text parameter)
{
    struct text name, value = { "", 0 };
    struct text rest = parameter;

    if (!next_item(&rest, '=', &name)) return;
    (void)next_item(&rest, '=', &value);
    if (value.length > 1 && *value.at == '"')
        value = (struct text){ value.at + 1, value.length - 2 };
    int bits = (int)number_of(value) >= 8 && number_of(value) <= 15 ? (int)number_of(value) : 15;
    if (is_word(name, "client_no_context_takeover")) dialogue->client_forgets = true;
    if (is_word(name, "server_no_context_takeover")) dialogue->server_forgets = true;
    if (is_word(name, "client_max_window_bits")) dialogue->client_bits = bits;
    if (is_word(name, "server_max_window_bits")) dialogue->server_bits = bits;
}

static void take_extensions(struct dialogue *dialogue, struct text head)
{
    struct text value, extension, parameter;

    if (!find_header(head, "Sec-WebSocket-Extensions", &value)) return;
    while (next_item(&value, ',', &extension)) {
        if (!next_item(&extension, ';', &parameter)) continue;
        if (!is_word(parameter, "permessage-deflate")) continue;
        dialogue->settings.deflate = true;
        while (next_item(&extension, ';', &parameter)) take_parameter(dialogue, parameter);
    }
}

static const char *open_reader(const struct dialogue *dialogue, struct half *half,
                               bool from_client)
{
    struct websocket_settings settings = dialogue->settings;

    settings.from_client = from_client;
    settings.forget = from_client ? dialogue->client_forgets : dialogue->server_forgets;
    settings.window_bits = from_client ? dialogue->client_bits : dialogue->server_bits;
    /* zlib cannot write windows of 8 bits, and reads what claims to be with one of 9. */
    if (settings.window_bits == 8) settings.window_bits = 9;
    half->reader = websocket_reader_new(&settings);
    half->mode = HALF_SOCKET;
    return half->reader == NULL ? no_memory : NULL;
}

/* A token that names its user: in a header, or as a parameter of the path. */
static void take_token(struct dialogue *dialogue, struct text head, struct text path)
{
    static const char scheme[] = "Bearer ", parameter[] = "token=";
    struct capture_connection *connection = dialogue->connection;
    struct text value;

    if (find_header(head, "Authorization", &value) && value.length > sizeof scheme &&
        strncasecmp(value.at, scheme, sizeof scheme - 1) == 0) {
        size_t skipped = sizeof scheme - 1;
        (void)bearer_user(value.at + skipped, value.length - skipped, connection->user,
                          sizeof connection->user);
        return;
    }
    (void)next_item(&path, '?', &value);
    while (next_item(&path, '&', &value)) {
        size_t skipped = sizeof parameter - 1;
        if (value.length > skipped && memcmp(value.at, parameter, skipped) == 0)
            (void)bearer_user(value.at + skipped, value.length - skipped, connection->user,
                              sizeof connection->user);
    }
}

/* A proxy that knows who the user is says so in one of these. */
static void take_user(struct dialogue *dialogue, struct text head)
{
    static const char *const names[] = { "X-Forwarded-User", "X-Remote-User", "Remote-User",
                                         "X-User" };
    char *user = dialogue->connection->user;
    struct text value;

    for (size_t i = 0; i < sizeof names / sizeof *names && user[0] == '\0'; i++) {
        if (find_header(head, names[i], &value))
            copy(value, user, sizeof dialogue->connection->user);
    }
}

static void take_request(struct dialogue *dialogue, struct text head)
{
    struct capture_connection *connection = dialogue->connection;
    struct text line = head, word, value, path = { "", 0 };

    (void)next_item(&line, ' ', &word);
    if (next_item(&line, ' ', &path)) copy(path, connection->path, sizeof connection->path);
    if (find_header(head, "Host", &value)) copy(value, connection->host, sizeof connection->host);
    if (find_header(head, "User-Agent", &value))
        copy(value, connection->agent, sizeof connection->agent);
    if (find_header(head, "Sec-WebSocket-Key", &value))
        copy(value, dialogue->key, sizeof dialogue->key);
    take_user(dialogue, head);
    if (connection->user[0] == '\0') take_token(dialogue, head, path);
}

static const char *on_request(struct dialogue *dialogue, struct text head)
{
    struct half *client = &dialogue->client;

    if (!header_has(head, "Upgrade", "websocket")) return NULL;
    take_request(dialogue, head);
    if (dialogue->agreed) return open_reader(dialogue, client, true);
    client->mode = HALF_HELD;
    return NULL;
}

static const char *on_response(struct dialogue *dialogue, struct text head)
{
    struct text status, accept, line = head;
    char due[WEBSOCKET_ACCEPT_SIZE];

    (void)next_item(&line, ' ', &status);
    if (!next_item(&line, ' ', &status) || number_of(status) != 101 ||
        !header_has(head, "Upgrade", "websocket"))
        return NULL;
    take_extensions(dialogue, head);
    dialogue->agreed = true;
    dialogue->connection->upgraded = true;
    websocket_answer(dialogue->key, strlen(dialogue->key), due);
    if (dialogue->key[0] != '\0' &&
        (!find_header(head, "Sec-WebSocket-Accept", &accept) || !is_exactly(accept, due)))
        return "the server's Sec-WebSocket-Accept does not belong to the client's key";
    return open_reader(dialogue, &dialogue->server, false);
}

/* --- bytes --- */

static const char *keep(struct half *half, const uint8_t *bytes, size_t size, size_t limit)
{
    size_t room = half->room == 0 ? 1024 : half->room;

    if (size > limit - half->used) return "a head of HTTP does not end";
    while (room < half->used + size) room *= 2;
    if (room != half->room) {
        uint8_t *grown = realloc(half->bytes, room);
        if (grown == NULL) return no_memory;
        half->bytes = grown;
        half->room = room;
    }
    memcpy(half->bytes + half->used, bytes, size);
    half->used += size;
    return NULL;
}

/* A method or a version: what HTTP/1 begins with. */
static bool looks_like_http(struct text text, bool from_client)
{
    static const char version[] = "HTTP/1.";

    if (!from_client) {
        size_t length = text.length < sizeof version - 1 ? text.length : sizeof version - 1;
        return memcmp(text.at, version, length) == 0;
    }
    for (size_t i = 0; i < text.length && i < 16; i++) {
        if (text.at[i] == ' ') return i > 0;
        if (!isupper((unsigned char)text.at[i])) return false;
    }
    return text.length < 16;
}

static const char *on_head(struct dialogue *dialogue, struct half *half, struct text head)
{
    struct text length;
    bool from_client = half == &dialogue->client;
    const char *problem = from_client ? on_request(dialogue, head) : on_response(dialogue, head);

    if (half->mode != HALF_HTTP || problem != NULL) return problem;
    /* Of what is no WebSocket only the end has to be found. */
    if (find_header(head, "Transfer-Encoding", &length)) half->mode = HALF_DEAF;
    if (find_header(head, "Content-Length", &length)) half->body = number_of(length);
    return NULL;
}

/* Reads heads and skips bodies, as far as they have come; *used is how many bytes that were. */
static const char *read_heads(struct dialogue *dialogue, struct half *half, size_t *used)
{
    const char *problem = NULL;

    *used = 0;
    while (half->mode == HALF_HTTP && problem == NULL && *used < half->used) {
        struct text rest = { (const char *)half->bytes + *used, half->used - *used };
        size_t skipped = rest.length < half->body ? rest.length : (size_t)half->body;
        half->body -= skipped;
        *used += skipped;
        if (skipped > 0) continue;
        if (!looks_like_http(rest, half == &dialogue->client)) {
            half->mode = HALF_DEAF;
            return NULL;
        }
        const char *end = memmem(rest.at, rest.length, "\r\n\r\n", 4);
        if (end == NULL) return rest.length > HALF_HEAD_MAX ? "a head of HTTP does not end" : NULL;
        rest.length = (size_t)(end - rest.at) + 4;
        problem = on_head(dialogue, half, rest);
        *used += rest.length;
    }
    return problem;
}

/* Reads what was kept behind the first `from` bytes as frames. */
static const char *read_kept(struct half *half, size_t from, websocket_listener listener,
                             void *context)
{
    uint8_t *bytes = half->bytes;
    size_t used = half->used;

    half->bytes = NULL;
    half->used = half->room = 0;
    const char *problem =
        websocket_feed(half->reader, bytes + from, used - from, listener, context);
    free(bytes);
    return problem;
}

struct told {
    dialogue_listener listener;
    void *context;
    bool from_client;
};

static void on_message(void *context, const struct websocket_message *message)
{
    const struct told *told = context;

    told->listener(told->context, told->from_client, message);
}

static const char *read_http(struct dialogue *dialogue, const uint8_t *bytes, size_t size,
                             struct told *told)
{
    struct half *half = told->from_client ? &dialogue->client : &dialogue->server;
    struct half *client = &dialogue->client;
    const char *problem = keep(half, bytes, size, HALF_HELD_MAX);
    size_t used;

    if (problem == NULL) problem = read_heads(dialogue, half, &used);
    if (problem != NULL) return problem;
    if (half->mode == HALF_SOCKET) {
        problem = read_kept(half, used, on_message, told);
    } else {
        half->used -= used;
        memmove(half->bytes, half->bytes + used, half->used);
    }
    /* The client may have sent before it was seen that the server agrees. */
    if (problem == NULL && dialogue->agreed && client->mode == HALF_HELD) {
        struct told other = { told->listener, told->context, true };
        problem = open_reader(dialogue, client, true);
        if (problem == NULL) problem = read_kept(client, 0, on_message, &other);
    }
    return problem;
}

static const char *take(struct dialogue *dialogue, const uint8_t *bytes, size_t size,
                        struct told *told)
{
    struct half *half = told->from_client ? &dialogue->client : &dialogue->server;

    switch (half->mode) {
    case HALF_HTTP: return read_http(dialogue, bytes, size, told);
    case HALF_HELD: return keep(half, bytes, size, HALF_HELD_MAX);
    case HALF_SOCKET: return websocket_feed(half->reader, bytes, size, on_message, told);
    case HALF_DEAF: return NULL;
    }
    return NULL;
}

const char *dialogue_take(struct dialogue *dialogue, bool from_client, const uint8_t *bytes,
                          size_t size, dialogue_listener listener, void *context)
{
    struct told told = { listener, context, from_client };
    const char *problem = take(dialogue, bytes, size, &told);

    if (problem != NULL) (from_client ? &dialogue->client : &dialogue->server)->mode = HALF_DEAF;
    return problem;
}

void dialogue_free(struct dialogue *dialogue)
{
    free(dialogue->client.bytes);
    free(dialogue->server.bytes);
    websocket_reader_free(dialogue->client.reader);
    websocket_reader_free(dialogue->server.reader);
}
