/* How a connection becomes a WebSocket (RFC 6455, section 4; RFC 7692), and whose it is. */
#include "harness/capture/bearer.h"
#include "harness/capture/dialogue.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* --- who --- */

/* A token that names its user: in a header, or as a parameter of the path. */
static void take_token(struct capture_connection *connection, struct text head, struct text path)
{
    static const char scheme[] = "Bearer ";
    struct text value;

    if (head_find(head, "Authorization", &value) && value.length > sizeof scheme &&
        strncasecmp(value.at, scheme, sizeof scheme - 1) == 0) {
        size_t skipped = sizeof scheme - 1;
        (void)bearer_user(value.at + skipped, value.length - skipped, connection->user,
                          sizeof connection->user);
    } else if (head_parameter(path, "token", &value)) {
        (void)bearer_user(value.at, value.length, connection->user, sizeof connection->user);
    }
}

/* Copies the first of these headers that there is, of a list its first item. */
static void take_first(struct text head, const char *const *names, size_t count, char *out,
                       size_t size)
{
    struct text value, item;

    for (size_t i = 0; i < count; i++) {
        if (!head_find(head, names[i], &value) || !text_next(&value, ',', &item)) continue;
        text_copy(item, out, size);
        return;
    }
}

void upgrade_describe(struct text head, struct capture_connection *connection)
{
    /* A proxy that knows who the user is, or where he is, says so in one of these. */
    static const char *const users[] = { "X-Forwarded-User", "X-Remote-User", "Remote-User",
                                         "X-User" };
    static const char *const places[] = { "X-Forwarded-For", "X-Real-IP" };
    struct text line = head, word, value, path = { "", 0 };

    (void)text_next(&line, ' ', &word);
    if (text_next(&line, ' ', &path)) text_copy(path, connection->path, sizeof connection->path);
    if (head_find(head, "Host", &value))
        text_copy(value, connection->host, sizeof connection->host);
    if (head_find(head, "User-Agent", &value))
        text_copy(value, connection->agent, sizeof connection->agent);
    take_first(head, users, sizeof users / sizeof *users, connection->user,
               sizeof connection->user);
    take_first(head, places, sizeof places / sizeof *places, connection->origin,
               sizeof connection->origin);
    if (connection->user[0] == '\0') take_token(connection, head, path);
}

/* --- the handshake --- */

static void take_parameter(struct dialogue *dialogue, struct text parameter)
{
    struct text name, value = { "", 0 };
    struct text rest = parameter;

    if (!text_next(&rest, '=', &name)) return;
    (void)text_next(&rest, '=', &value);
    if (value.length > 1 && *value.at == '"')
        value = (struct text){ value.at + 1, value.length - 2 };
    uint64_t number = text_number(value);
    int bits = number >= 8 && number <= 15 ? (int)number : 15;
    if (text_is_word(name, "client_no_context_takeover")) dialogue->client_forgets = true;
    if (text_is_word(name, "server_no_context_takeover")) dialogue->server_forgets = true;
    if (text_is_word(name, "client_max_window_bits")) dialogue->client_bits = bits;
    if (text_is_word(name, "server_max_window_bits")) dialogue->server_bits = bits;
}

static void take_extensions(struct dialogue *dialogue, struct text head)
{
    struct text value, extension, parameter;

    if (!head_find(head, "Sec-WebSocket-Extensions", &value)) return;
    while (text_next(&value, ',', &extension)) {
        if (!text_next(&extension, ';', &parameter)) continue;
        if (!text_is_word(parameter, "permessage-deflate")) continue;
        dialogue->settings.deflate = true;
        while (text_next(&extension, ';', &parameter)) take_parameter(dialogue, parameter);
    }
}

void upgrade_half(struct dialogue *dialogue, bool from_client)
{
    struct half *half = from_client ? &dialogue->client : &dialogue->server;
    struct websocket_settings settings = dialogue->settings;

    settings.from_client = from_client;
    settings.forget = from_client ? dialogue->client_forgets : dialogue->server_forgets;
    settings.window_bits = from_client ? dialogue->client_bits : dialogue->server_bits;
    /* zlib cannot write windows of 8 bits, and reads what claims to be with one of 9. */
    if (settings.window_bits == 8) settings.window_bits = 9;
    half->reader = websocket_reader_new(&settings);
    if (half->reader == NULL) abort();
    half->mode = HALF_SOCKET;
}

void upgrade_request(struct dialogue *dialogue, struct text head)
{
    struct text value;

    upgrade_describe(head, dialogue->connection);
    if (head_find(head, "Sec-WebSocket-Key", &value))
        text_copy(value, dialogue->key, sizeof dialogue->key);
}

const char *upgrade_answer(struct dialogue *dialogue, struct text head)
{
    struct text accept;
    char due[WEBSOCKET_ACCEPT_SIZE];

    take_extensions(dialogue, head);
    dialogue->agreed = true;
    dialogue->connection->kind = CAPTURE_SOCKET;
    websocket_answer(dialogue->key, strlen(dialogue->key), due);
    if (dialogue->key[0] != '\0' &&
        (!head_find(head, "Sec-WebSocket-Accept", &accept) || !text_is(accept, due)))
        return "the server's Sec-WebSocket-Accept does not belong to the client's key";
    return NULL;
}
