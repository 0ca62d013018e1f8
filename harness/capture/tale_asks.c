/* What clients ask for, as steps of their tabs. */
#include "harness/capture/tale.h"

#include <string.h>

/* Of what is said as it is: with its time the line has 100 columns. */
enum { SAY_MAX = 64 };

/* In quotes, with ' in place of their own ones. */
static bool can_say(const struct capture_message *message)
{
    if (!message->from_client || message->opcode != WEBSOCKET_TEXT || message->length == 0 ||
        message->length > SAY_MAX)
        return false;
    for (size_t i = 0; i < message->length; i++) {
        char letter = message->bytes[i];
        if (letter < 32 || letter > 126 || letter == '\'' || letter == '#') return false;
    }
    return true;
}

void tale_say(struct story *story, const struct story_message *message, const char *remark)
{
    char text[SAY_MAX + 1];
    const struct capture_message *said = message->message;

    if (!can_say(said)) {
        tale_remark(story, message, remark);
        return;
    }
    for (size_t i = 0; i <= said->length; i++)
        text[i] = said->bytes[i] == '"' ? '\'' : said->bytes[i];
    tale_add(story, message, scn_arena_format(story->arena, "say \"%s\"", text));
}

static const char *prompt_of(struct story *story, uint32_t session, uint64_t number, bool *input)
{
    const struct story_session *in = &story->sessions[session];

    for (uint32_t i = in->event_count; i-- > 0;) {
        const struct story_event *event = &in->events[i];
        *input = strcmp(event->type, "request_user_input") == 0;
        if (!*input && strcmp(event->type, "request_confirmation") != 0) continue;
        if (story_number(event->payload, "prompt") == number)
            return story_text(event->payload, "id");
    }
    return NULL;
}

static void on_answer(struct story *story, struct story_message *message)
{
    const struct story_tab *tab = tale_tab(story, &story->links[message->link]);
    bool input = false;
    const char *id =
        prompt_of(story, tab->session, story_number(message->body, "prompt"), &input);
    char name[STORY_NAME_MAX];

    if (id == NULL) {
        tale_remark(story, message, "an answer to a question that is not in the capture");
        return;
    }
    story_word(id, "question", name);
    const json_t *values = json_object_get(message->body, "values");
    tale_add(story, message, scn_arena_format(
        story->arena, "expect request_%s[id=%s] or run_state[state=interrupted]",
        input ? "user_input" : "confirmation", name));
    const char *text = story_attr(story, "text", json_object_get(values, "text"));
    const char *quoted = strchr(text, '=') == NULL ? "" : strchr(text, '=') + 1;
    if (input)
        tale_add(story, message, scn_arena_format(story->arena, *quoted == '"' ? "answer %s %s"
                                             : "answer %s \"%s\"", name, quoted));
    else
        tale_add(story, message, scn_arena_format(
            story->arena, "answer %s %s", name,
            json_is_true(json_object_get(message->body, "value")) ? "yes" : "no"));
}

static void on_start(struct story *story, struct story_message *message)
{
    struct story_session *session =
        &story->sessions[tale_tab(story, &story->links[message->link])->session];
    const char *key = story_text(message->body, "key");
    const json_t *input = json_object_get(message->body, "input");
    bool talks = strcmp(message->type, "user_message") == 0;

    tale_add(story, message, scn_arena_format(
        story->arena, "send %s%s%s", message->type,
        story_attr(story, "key", json_object_get(message->body, "key")),
        talks ? story_attr(story, "text", json_object_get(input, "text")) : ""));
    session->runs = scn_arena_grow(story->arena, session->runs, session->run_count,
                                   &session->run_room, sizeof *session->runs);
    const struct story_link *link = &story->links[message->link];
    session->runs[session->run_count++] = (struct story_run){
        .agent = story_text(message->body, "agent"), .key = key, .actor = -1, .asked = true,
        .tab = (uint32_t)link->tab, .step = tale_tab(story, link)->steps.count - 1,
        .seen_us = UINT64_MAX };
}

static void on_server_request(struct story *story, struct story_message *message)
{
    struct story_tab *tab = tale_tab(story, &story->links[message->link]);
    uint64_t port = story_number(message->body, "port");

    story->sessions[tab->session].serves = true;
    if (port == 0) port = strcmp(story_text(message->body, "app"), "mobile") == 0 ? 8081 : 3000;
    tale_add(story, message, scn_arena_format(story->arena, "send %s port=%llu", message->type,
                                         (unsigned long long)port));
}

static void on_history(struct story *story, struct story_message *message, const char *before)
{
    const json_t *body = message->body;
    bool limited = json_object_get(body, "limit") != NULL;

    /* A client that has missed something asks by itself after a heartbeat, for all there is. */
    if (!limited && (strcmp(before, "pong") == 0 || strcmp(before, "ack") == 0)) {
        tale_remark(story, message, "history: the tab asks for what it missed");
        return;
    }
    if (json_is_true(json_object_get(body, "backward"))) {
        tale_say(story, message, "history backward: there is no word for it");
        return;
    }
    tale_add(story, message, scn_arena_format(
        story->arena, "send history%s%s",
        story_attr(story, "cursor", json_object_get(body, "cursor")),
        story_attr(story, "limit", json_object_get(body, "limit"))));
}

static void on_cancel(struct story *story, struct story_message *message)
{
    const struct story_tab *tab = tale_tab(story, &story->links[message->link]);
    uint64_t run = story_number(message->body, "run");

    story->sessions[tab->session].cancels = true;
    tale_add(story, message, run == tab->run ? "send cancel"
        : scn_arena_format(story->arena, "send cancel run=%llu", (unsigned long long)run));
}

/* An acknowledgement of less than the client has been sent is one of its own; a client that keeps
 * up may still be one event behind. */
static bool is_behind(const struct story_tab *tab, const struct story_message *message)
{
    return strcmp(message->type, "ack") == 0 &&
           story_number(message->body, "seq") + 1 < tab->cursor;
}

void tale_ask(struct story *story, struct story_message *message, const char *before)
{
    struct story_link *link = &story->links[message->link];
    const char *type = message->type;

    if (strcmp(type, "connection_acknowledged") == 0) {
        link->acknowledged = true;
        story->sessions[tale_tab(story, link)->session].acknowledged = true;
    }
    if (is_behind(tale_tab(story, link), message))
        tale_add(story, message, scn_arena_format(story->arena, "send ack%s", story_attr(
            story, "seq", json_object_get(message->body, "seq"))));
    else if (strcmp(type, "pong") == 0 && link->unanswered == 0)
        tale_add(story, message, "send pong");
    else if (tale_is_automatic(type))
        tale_remark(story, message, scn_arena_format(story->arena, "%s", type));
    else if (strcmp(type, "confirm") == 0 || strcmp(type, "user_input") == 0)
        on_answer(story, message);
    else if (strcmp(type, "start_agent") == 0 || strcmp(type, "user_message") == 0)
        on_start(story, message);
    else if (strcmp(type, "server_start") == 0 || strcmp(type, "server_stop") == 0)
        on_server_request(story, message);
    else if (strcmp(type, "history") == 0) on_history(story, message, before);
    else if (strcmp(type, "cancel") == 0) on_cancel(story, message);
    else tale_say(story, message, "a message that the language has no word for");
}
