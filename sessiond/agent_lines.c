/* What an agent says: events, questions, and what is answered. */
#include "sessiond/agent.h"

#include <stdlib.h>
#include <string.h>

enum { TIMEOUT_MAX_MS = 24 * 3600 * 1000 };

static void refuse(struct agent *agent, const char *about, json_t *id, enum core_result code,
                   const char *reason)
{
    json_t *answer = json_pack("{s:s, s:s, s:s, s:s}", "type", "refused", "about", about, "code",
                               core_result_word(code), "reason", reason);
    if (id != NULL) json_object_set(answer, "id", id);
    journal_tell(agent->log, LOG_WARNING, "agent_refused", "{s:s, s:s, s:s, s:s}", "session",
                 agent->session, "agent", agent->name, "about", about, "reason", reason);
    agent_send(agent, answer);
}

/* ---- events ---- */

/* An event is answered only if it has an id: an agent that reads nothing needs no answers. */
static void emit(struct agent *agent, json_t *message, json_t *id)
{
    const char *event = json_string_value(json_object_get(message, "event"));
    json_t *given = json_object_get(message, "payload");
    uint64_t seq = 0;
    if (event == NULL) {
        refuse(agent, "emit", id, CORE_INVALID, "an emit names its \"event\"");
        return;
    }
    char *payload =
        given == NULL ? strdup("{}") : json_dumps(given, JSON_COMPACT | JSON_ENCODE_ANY);
    enum core_result rc = CORE_NO_MEMORY;
    if (payload != NULL) rc = run_emit(agent->run, event, payload, strlen(payload), &seq);
    free(payload);
    if (rc != CORE_OK)
        refuse(agent, "emit", id, rc, core_result_text(rc));
    else if (id != NULL)
        agent_send(agent, json_pack("{s:s, s:O, s:I}", "type", "stored", "id", id, "seq",
                                    (json_int_t)seq));
}

/* ---- questions ---- */

struct question {
    struct agent *agent; /* counted */
    char id[CORE_NAME_MAX];
};

static void answered(void *context, const struct prompt_answer *answer)
{
    struct question *question = context;
    json_t *line = json_pack("{s:s, s:s, s:s}", "type", "answer", "id", question->id, "outcome",
                             prompt_outcome_word(answer->outcome));
    if (answer->values != NULL)
        json_object_set_new(line, "values", json_loads(answer->values, 0, NULL));
    agent_send(question->agent, line);
    agent_drop(question->agent);
    free(question);
}

static const char *read_question(const json_t *message, struct prompt_request *request)
{
    const char *kind = json_string_value(json_object_get(message, "kind"));
    const json_t *timeout = json_object_get(message, "timeout_ms");
    json_int_t ms = json_integer_value(timeout);
    *request = (struct prompt_request){.id = json_string_value(json_object_get(message, "id")),
                                       .text = json_string_value(json_object_get(message, "text"))};
    if (request->id == NULL || strlen(request->id) >= CORE_NAME_MAX)
        return "an ask has an \"id\" of at most 63 letters";
    if (kind != NULL && strcmp(kind, "user_input") == 0)
        request->kind = PROMPT_USER_INPUT;
    else if (kind != NULL && strcmp(kind, "confirmation") == 0)
        request->kind = PROMPT_CONFIRMATION;
    else
        return "the \"kind\" of an ask is confirmation or user_input";
    if (timeout != NULL && (!json_is_integer(timeout) || ms <= 0 || ms > TIMEOUT_MAX_MS))
        return "\"timeout_ms\" is a number from 1 to 86400000";
    request->timeout_us = (uint64_t)ms * 1000;
    return NULL;
}

static void ask(struct agent *agent, json_t *message, json_t *id)
{
    struct prompt_request request;
    const char *problem = read_question(message, &request);
    if (problem != NULL) {
        refuse(agent, "ask", id, CORE_INVALID, problem);
        return;
    }
    struct question *question = calloc(1, sizeof *question);
    enum core_result rc = CORE_NO_MEMORY;
    if (question != NULL) {
        agent_keep(agent);
        question->agent = agent;
        memcpy(question->id, request.id, strlen(request.id) + 1);
        rc = run_ask_async(agent->run, &request, answered, question);
    }
    if (rc == CORE_OK) return;
    if (question != NULL) agent_drop(agent);
    free(question);
    refuse(agent, "ask", id, rc, core_result_text(rc));
}

/* ---- lines ---- */

static void take_message(struct agent *agent, json_t *message)
{
    const char *type = json_string_value(json_object_get(message, "type"));
    json_t *id = json_object_get(message, "id");
    if (type != NULL && strcmp(type, "emit") == 0)
        emit(agent, message, id);
    else if (type != NULL && strcmp(type, "ask") == 0)
        ask(agent, message, id);
    else
        refuse(agent, type != NULL ? type : "line", id, CORE_INVALID,
               "the \"type\" of a line is emit or ask");
}

void agent_take_line(struct agent *agent, const char *line, size_t length)
{
    json_error_t error;
    if (strspn(line, " \t\r") == length) return;
    json_t *message = json_loadb(line, length, JSON_REJECT_DUPLICATES, &error);
    if (json_is_object(message))
        take_message(agent, message);
    else
        refuse(agent, "line", NULL, CORE_INVALID,
               message != NULL ? "a line is a JSON object" : error.text);
    json_decref(message);
}
