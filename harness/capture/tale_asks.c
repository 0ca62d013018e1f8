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

/* The event that asked this; NULL: it is not in the capture. `newest`: no other question is called
 * like it that came later. */
static const struct story_event *prompt_of(const struct story_session *session, uint64_t number,
                                           bool *newest)
{
    const char *id = NULL;

    for (uint32_t i = session->event_count; i-- > 0;) {
        const struct story_event *event = &session->events[i];
        if (strncmp(event->type, "request_", 8) != 0) continue;
        if (story_number(event->payload, "prompt") != number) continue;
        id = story_text(event->payload, "id");
        *newest = true;
        for (uint32_t later = i + 1; later < session->event_count; later++) {
            const struct story_event *other = &session->events[later];
            if (strncmp(other->type, "request_", 8) == 0 &&
                strcmp(story_text(other->payload, "id"), id) == 0)
                *newest = false;
        }
        return event;
    }
    return NULL;
}

/* Whether the language can answer so: " yes", " no" or " \"text\""; NULL: it cannot. */
static const char *answer_of(struct story *story, const struct story_message *message, bool input)
{
    const json_t *values = json_object_get(message->body, "values");

    if ((strcmp(message->type, "user_input") == 0) != input) return NULL;
    if (!input) return json_is_true(json_object_get(message->body, "value")) ? " yes" : " no";
    const char *text = story_attr(story, "text", json_object_get(values, "text"));
    const char *quoted = strchr(text, '=') == NULL ? "" : strchr(text, '=') + 1;
    return scn_arena_format(story->arena, *quoted == '"' ? " %s" : " \"%s\"", quoted);
}

/* Whether the tab answers this one for the first time. */
static bool note_answered(struct story *story, struct story_tab *tab, uint64_t prompt)
{
    for (uint32_t i = 0; i < tab->answered_count; i++) {
        if (tab->answered[i] == prompt) return false;
    }
    tab->answered = scn_arena_grow(story->arena, tab->answered, tab->answered_count,
                                   &tab->answered_room, sizeof *tab->answered);
    tab->answered[tab->answered_count++] = prompt;
    return true;
}

static void on_answer(struct story *story, struct story_message *message)
{
    struct story_tab *tab = tale_tab(story, &story->links[message->link]);
    uint64_t prompt = story_number(message->body, "prompt");
    bool newest = false;
    char name[STORY_NAME_MAX];

    const struct story_event *question =
        prompt_of(&story->sessions[tab->session], prompt, &newest);
    bool input = question != NULL && strcmp(question->type, "request_user_input") == 0;
    const char *answer = question == NULL ? NULL : answer_of(story, message, input);
    if (answer == NULL || !newest) {
        tale_say(story, message, question == NULL ? "an answer to a question that is not in the "
                                 "capture" : "an answer that the language has no word for");
        return;
    }
    story_word(story_text(question->payload, "id"), "question", name);
    if (note_answered(story, tab, prompt))
        tale_add(story, message, scn_arena_format(
            story->arena, "expect request_%s[id=%s] or run_state[state=interrupted]",
            input ? "user_input" : "confirmation", name));
    tale_add(story, message, scn_arena_format(story->arena, "answer %s%s", name, answer));
    tab->answer = tab->steps.count;
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

/* An acknowledgement of less than the client has been sent is one of its own, as one of more is;
 * a client that keeps up may still be one event behind. */
static bool is_astray(const struct story *story, const struct story_message *message)
{
    const struct story_link *link = &story->links[message->link];
    const struct story_tab *tab = &story->tabs[link->tab];
    uint64_t seq = story_number(message->body, "seq");

    if (strcmp(message->type, "ack") != 0) return false;
    if (seq + 1 < tab->cursor) return true;
    return seq > tab->cursor && seq > link->cursor && !link->connection->damaged &&
           !link->connection->amid;
}

/* What is no request of the protocol, or one about another connection than this. */
static bool is_nonsense(const struct story_link *link, const struct story_message *message)
{
    return !tale_makes_sense(message->type, message->body) ||
           (strcmp(message->type, "connection_acknowledged") == 0 && link->gen != 0 &&
            story_number(message->body, "gen") != link->gen);
}

void tale_ask(struct story *story, struct story_message *message, const char *before)
{
    struct story_link *link = &story->links[message->link];
    const char *type = message->type;

    /* What is refused from here on is this one, and none before it: see on_answer(). */
    if (strcmp(type, "confirm") == 0 || strcmp(type, "user_input") == 0)
        tale_tab(story, link)->answer = 0;
    if (is_nonsense(link, message)) {
        tale_say(story, message, "a message that makes no sense");
        return;
    }
    if (strcmp(type, "connection_acknowledged") == 0) {
        link->acknowledged = true;
        story->sessions[tale_tab(story, link)->session].acknowledged = true;
    }
    if (is_astray(story, message))
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
