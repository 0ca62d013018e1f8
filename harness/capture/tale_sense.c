/* Whether a client's message is one that the language has words for: with all that belongs to it,
 * of the right sorts. What is not is said as it was, so that a core refuses it as it did. */
#include "harness/capture/tale.h"

#include <string.h>

static bool is_number(const json_t *body, const char *field, json_int_t least)
{
    const json_t *value = json_object_get(body, field);
    return json_is_integer(value) && json_integer_value(value) >= least;
}

static bool is_number_or_none(const json_t *body, const char *field, json_int_t least)
{
    return json_object_get(body, field) == NULL || is_number(body, field, least);
}

static bool is_word(const json_t *body, const char *field)
{
    return *story_text(body, field) != '\0';
}

static bool is_hello(const json_t *body)
{
    bool epoch = json_object_get(body, "epoch") != NULL;
    bool cursor = json_object_get(body, "cursor") != NULL;

    return is_word(body, "session") && epoch == cursor && is_number_or_none(body, "epoch", 0) &&
           is_number_or_none(body, "cursor", 0) && is_number_or_none(body, "previous", 0);
}

static bool is_start(const json_t *body)
{
    const json_t *input = json_object_get(body, "input");

    return is_word(body, "agent") && is_word(body, "key") &&
           (input == NULL || json_is_object(input));
}

static bool is_server_request(const json_t *body)
{
    const char *app = story_text(body, "app");

    return is_number(body, "port", 1) || strcmp(app, "web") == 0 || strcmp(app, "mobile") == 0;
}

static bool is_history(const json_t *body)
{
    const json_t *backward = json_object_get(body, "backward");
    bool epoch = json_object_get(body, "epoch") != NULL;
    bool cursor = json_object_get(body, "cursor") != NULL;

    return epoch == cursor && is_number_or_none(body, "epoch", 0) &&
           is_number_or_none(body, "cursor", 0) && is_number_or_none(body, "limit", 1) &&
           (backward == NULL || json_is_boolean(backward));
}

bool tale_makes_sense(const char *type, const json_t *body)
{
    if (strcmp(type, "hello") == 0) return is_hello(body);
    if (strcmp(type, "connection_acknowledged") == 0) return is_number(body, "gen", 0);
    if (strcmp(type, "ack") == 0) return is_number(body, "seq", 0);
    if (strcmp(type, "confirm") == 0)
        return is_number(body, "prompt", 1) && json_is_boolean(json_object_get(body, "value"));
    if (strcmp(type, "user_input") == 0)
        return is_number(body, "prompt", 1) && json_is_object(json_object_get(body, "values"));
    if (strcmp(type, "cancel") == 0) return is_number(body, "run", 0);
    if (strcmp(type, "start_agent") == 0 || strcmp(type, "user_message") == 0)
        return is_start(body);
    if (strcmp(type, "server_start") == 0 || strcmp(type, "server_stop") == 0)
        return is_server_request(body);
    return strcmp(type, "history") != 0 || is_history(body);
}
