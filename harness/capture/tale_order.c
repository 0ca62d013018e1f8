/* What happened at one instant, in its order: who caused something, and who did not. */
#include "harness/capture/tale.h"

#include <string.h>

bool tale_is_automatic(const char *type)
{
    return strcmp(type, "ack") == 0 || strcmp(type, "pong") == 0 ||
           strcmp(type, "connection_acknowledged") == 0;
}

static bool is_new(const struct story *story, const struct story_link *link, uint64_t seq)
{
    const struct story_tab *tab = &story->tabs[link->tab];
    const struct story_session *session = &story->sessions[tab->session];
    uint32_t count = session->event_count;

    return count == 0 || session->events[count - 1].epoch != link->epoch ||
           session->events[count - 1].seq < seq;
}

/* Whether the core says it of itself, or somebody published it. */
static bool is_published(const char *type)
{
    return strcmp(type, "run_state") != 0 && strcmp(type, "prompt_closed") != 0 &&
           strcmp(type, "server_state") != 0;
}

/* Who did something that others do not lead to, 0 for nobody: tabs by their place in the scenario,
 * publishers by any number above those. */
static uint32_t cause_of(const struct story *story, const struct story_message *message)
{
    const struct story_link *link = &story->links[message->link];
    const char *by = story_text(json_object_get(message->body, "payload"), "by");
    uint64_t seq = story_number(message->body, "seq");
    uint32_t hash = 2166136261u;

    uint32_t tab = link->tab < 0 ? story->tab_count + 1 : (uint32_t)link->tab + 1;

    if (message->message->opcode == WEBSOCKET_CONTINUATION) return tab;
    if (message->message->from_client) return tale_is_automatic(message->type) ? 0 : tab;
    if (link->tab < 0 || seq == 0 || !link->replayed || !is_published(message->type) ||
        !is_new(story, link, seq))
        return 0;
    for (; *by != '\0'; by++) hash = (hash ^ (unsigned char)*by) * 16777619u;
    return hash | 0x80000000u;
}

/* An agent goes on because its run has begun, or its question was answered: whoever caused that has
 * caused this, too. */
static bool follows(const struct story *story, const struct story_message *message)
{
    const struct story_link *link = &story->links[message->link];
    const struct story_session *session =
        &story->sessions[story->tabs[link->tab].session];

    if (session->event_count == 0) return false;
    const struct story_event *last = &session->events[session->event_count - 1];
    return strcmp(last->type, "run_state") == 0 || strcmp(last->type, "prompt_closed") == 0;
}

void tale_set_time(struct story *story, struct story_message *message)
{
    uint32_t cause = cause_of(story, message);
    bool acts = message->message->from_client ||
                message->message->opcode == WEBSOCKET_CONTINUATION;

    if (message->time_us > story->clock_us) {
        story->clock_us = message->time_us;
        story->cause = 0;
        story->replied = false;
    }
    if (cause != 0) {
        bool leads = !acts && story->cause <= STORY_TABS_MAX && follows(story, message);
        /* At one instant, tabs act in the order in which the scenario names them. */
        bool later = acts ? story->replied || cause < story->cause
                          : story->cause != 0 && story->cause != cause && !leads;
        if (later) story->clock_us++;
        if (later) story->replied = false;
        story->cause = cause;
    }
    if (!message->message->from_client) story->replied = true;
    message->time_us = story->clock_us;
}
