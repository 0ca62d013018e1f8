/* What was asked over HTTP: polls, and starts of runs. A program asks the core so for its clients,
 * and is a backend of the scenario. */
#include "harness/capture/tale.h"

#include <string.h>

/* Pollers have scripts of their own, for they are long. No event is published by that name. */
static const char poller[] = " poller";

static void remember(struct story *story, struct story_link *link, struct story_asked asked)
{
    link->asked = scn_arena_grow(story->arena, link->asked, link->asked_count, &link->asked_room,
                                 sizeof *link->asked);
    link->asked[link->asked_count++] = asked;
}

static void on_start(struct story *story, const struct story_message *message, uint32_t index)
{
    struct story_session *session = &story->sessions[index];

    if (session->run_count == 0) session->core = story->links[message->link].core;
    session->runs = scn_arena_grow(story->arena, session->runs, session->run_count,
                                   &session->run_room, sizeof *session->runs);
    session->runs[session->run_count++] = (struct story_run){
        .agent = story_text(message->body, "agent"), .key = story_text(message->body, "key"),
        .actor = -1, .seen_us = message->time_us, .packet = message->message->packet };
}

static void on_poll(struct story *story, const struct story_message *message, uint32_t index)
{
    struct story_actor *actor = story_program(story, &story->sessions[index], poller);
    const json_t *body = message->body, *cursor = json_object_get(body, "cursor");
    bool backward = json_is_true(json_object_get(body, "backward"));

    if (actor == NULL) return;
    /* Without a cursor a page begins anew, where a backend would go on. */
    const char *from = cursor == NULL && !backward ? " cursor=0"
                                                   : story_attr(story, "cursor", cursor);
    story_add(story, &actor->steps, message->time_us, message->message->packet,
              scn_arena_format(story->arena, "history%s%s%s", from,
                               story_attr(story, "limit", json_object_get(body, "limit")),
                               backward ? " back=yes" : ""));
}

static void on_answer(struct story *story, const struct story_message *message)
{
    struct story_link *link = &story->links[message->link];
    const json_t *events = json_object_get(message->body, "events");

    /* Answers come in the order of the requests. */
    if (link->answered == link->asked_count) return;
    struct story_asked asked = link->asked[link->answered++];
    if (asked.session == STORY_SESSIONS_MAX) return;
    for (size_t i = 0; i < json_array_size(events); i++)
        (void)tale_event(story, asked.session, message, story_number(message->body, "epoch"),
                         json_array_get(events, i), asked.goes_on);
}

void tale_request(struct story *story, const struct story_message *message)
{
    struct story_link *link = &story->links[message->link];
    const char *called = story_text(message->body, "session");

    if (!message->message->from_client) {
        on_answer(story, message);
        return;
    }
    uint32_t index = *called == '\0' ? STORY_SESSIONS_MAX : tale_session(story, called, link->core);
    remember(story, link, (struct story_asked){
        index, json_object_get(message->body, "cursor") != NULL });
    if (index == STORY_SESSIONS_MAX) story->homeless += link->asked_count == 1;
    else if (strcmp(message->type, "start_agent") == 0) on_start(story, message, index);
    else if (strcmp(message->type, "history") == 0) on_poll(story, message, index);
}
