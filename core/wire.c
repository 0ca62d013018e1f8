#include "core/wire.h"

#include "core/core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIRE_SMALL = 512 };

static const struct { const char *word; enum wire_message kind; } requests[] = {
#define WIRE_REQUEST_ROW(name, word) { word, name },
    WIRE_REQUESTS(WIRE_REQUEST_ROW)
};

static enum core_result reject(struct wire_request *request, const char **problem,
                               const char *sentence)
{
    json_decref(request->body);
    request->body = NULL;
    *problem = sentence;
    return CORE_INVALID;
}

enum core_result wire_decode(const char *bytes, size_t length, struct wire_request *request,
                             const char **problem)
{
    request->body = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(request->body))
        return reject(request, problem, "a message is one JSON object");
    const char *type = json_string_value(json_object_get(request->body, "type"));
    if (type == NULL)
        return reject(request, problem, "a message has a \"type\"");
    for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
        if (strcmp(requests[i].word, type) == 0) {
            request->kind = requests[i].kind;
            return CORE_OK;
        }
    }
    return reject(request, problem, "this message type is not known");
}

void wire_request_free(struct wire_request *request)
{
    json_decref(request->body);
    request->body = NULL;
}

bool wire_number(const json_t *body, const char *name, uint64_t *value)
{
    const json_t *field = json_object_get(body, name);
    if (!json_is_integer(field) || json_integer_value(field) < 0)
        return false;
    *value = (uint64_t)json_integer_value(field);
    return true;
}

bool wire_name(const json_t *body, const char *name, char value[CORE_NAME_MAX])
{
    const json_t *field = json_object_get(body, name);
    return json_is_string(field) && core_copy_name(value, json_string_value(field));
}

bool wire_bool(const json_t *body, const char *name, bool *value)
{
    const json_t *field = json_object_get(body, name);
    if (!json_is_boolean(field))
        return false;
    *value = json_is_true(field);
    return true;
}

char *wire_text(json_t *object, size_t *length)
{
    /* Most messages fit: one dump, one allocation of the right size. */
    char small[WIRE_SMALL];
    size_t size = json_dumpb(object, small, sizeof small, JSON_COMPACT);
    char *text = size == 0 ? NULL : malloc(size + 1);
    if (text != NULL && size <= sizeof small) {
        memcpy(text, small, size);
    } else if (text != NULL && json_dumpb(object, text, size, JSON_COMPACT) != size) {
        free(text);   /* without memory for the second time */
        text = NULL;
    }
    if (text != NULL)
        text[size] = '\0';
    json_decref(object);
    *length = text == NULL ? 0 : size;
    return text;
}

char *wire_text_owed(struct core *core, json_t *object, size_t *length)
{
    char *text = wire_text(json_incref(object), length);
    if (text == NULL && reserve_spend(core)) {
        text = wire_text(json_incref(object), length);
        reserve_refill(core);
    }
    REQUIRE(text != NULL);
    json_decref(object);
    return text;
}

json_t *wire_message(enum wire_message message)
{
    return json_pack("{s:s}", "type", wire_message_word(message));
}

char *wire_event(const struct log_event *event, size_t *length)
{
    /* The payload is JSON already and the type a plain word: nothing to escape. */
    static const char format[] = "{\"seq\":%llu,\"type\":\"%s\",\"payload\":%s}";
    size_t size = sizeof format + 20 + strlen(event->type) + event->length;
    char *text = malloc(size);
    if (text == NULL)
        return NULL;
    int written = snprintf(text, size, format, (unsigned long long)event->seq, event->type,
                           event->payload);
    REQUIRE(written > 0 && (size_t)written < size);
    *length = (size_t)written;
    return text;
}

bool wire_is_event_type(const char *type)
{
    if (!core_is_word(type))
        return false;
    for (uint32_t i = 0; i < WIRE_MESSAGE_COUNT; i++) {
        if (strcmp(wire_message_word((enum wire_message)i), type) == 0)
            return false;
    }
    return true;
}

bool wire_is_text(const char *text)
{
    json_t *string = json_string(text);
    bool is_text = string != NULL;
    json_decref(string);
    return is_text;
}

bool wire_is_object(const char *text, size_t length)
{
    json_t *value = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
    bool is_object = json_is_object(value);
    json_decref(value);
    return is_object;
}
