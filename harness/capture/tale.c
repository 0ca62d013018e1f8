/* What the messages mean, one after another: what cores say, and how connections end. */
#include "harness/capture/tale.h"

#include <string.h>

/* Several servers or clients that end within this time were ended by one cause. */
enum { TOGETHER_US = 1000000 };

struct story_tab *tale_tab(struct story *story, const struct story_link *link)
{
    return link->tab < 0 ? NULL : &story->tabs[link->tab];
}

void tale_add(struct story *story, const struct story_message *message, const char *text)
{
    struct story_tab *tab = tale_tab(story, &story->links[message->link]);

    story_add(story, &tab->steps, message->time_us, message->message->packet, text);
}

void tale_remark(struct story *story, const struct story_message *message, const char *text)
{
    struct story_tab *tab = tale_tab(story, &story->links[message->link]);

    story_remark(story, &tab->steps, message->time_us, message->message->packet, text);
}

/* --- what the core says --- */

/* Keeps an event once, behind the others of its epoch with lower numbers. */
static void keep_event(struct story *story, struct story_event **events, uint32_t *count,
                       uint32_t *room, const struct story_event *event)
{
    uint32_t at = *count;

    for (uint32_t i = *count; i-- > 0;) {
        struct story_event *old = &(*events)[i];
        if (old->epoch != event->epoch) continue;
        if (old->seq == event->seq) {
            if (event->live && !old->live) *old = *event;
            return;
        }
        at = i + (old->seq < event->seq);
        if (old->seq < event->seq) break;
    }
    *events = scn_arena_grow(story->arena, *events, *count, room, sizeof *event);
    memmove(*events + at + 1, *events + at, (*count - at) * sizeof *event);
    (*events)[at] = *event;
    ++*count;
}

/* A session lives where its runs are told of first. */
static void see_run(struct story *story, struct story_session *session,
                    const struct story_message *message, uint64_t epoch, const json_t *fields)
{
    struct story_run *run = story_run_of(story, session, epoch, fields);

    if (run->seen_us != UINT64_MAX) return;
    run->seen_us = message->time_us;
    if (run == session->runs) session->core = story->links[message->link].core;
}

static struct story_event read_event(const struct story *story,
                                     const struct story_message *message, uint64_t epoch,
                                     const json_t *body, bool live)
{
    const struct story_link *link = &story->links[message->link];

    return (struct story_event){
        .epoch = epoch, .seq = story_number(body, "seq"), .type = story_text(body, "type"),
        .payload = json_object_get(body, "payload"), .time_us = message->time_us, .live = live,
        .latest_us = live ? 0 : link->hello_us + 1, .packet = message->message->packet,
        .core = link->core };
}

bool tale_event(struct story *story, uint32_t index, const struct story_message *message,
                uint64_t epoch, const json_t *body, bool live)
{
    struct story_session *session = &story->sessions[index];
    struct story_event event = read_event(story, message, epoch, body, live);

    if (event.seq == 0) return false;
    keep_event(story, &session->events, &session->event_count, &session->event_room, &event);
    if (strcmp(event.type, "run_state") != 0) return true;
    see_run(story, session, message, epoch, event.payload);
    bool runs = strcmp(story_text(event.payload, "state"), "running") == 0;
    /* Who polls is not attached. */
    live = live && story->links[message->link].connection->kind != CAPTURE_REQUESTS;
    if (runs && !session->acknowledged && live) session->attached = true;
    if (runs && !session->acknowledged && !live) session->early = true;
    return true;
}

static void on_event(struct story *story, const struct story_message *message, const json_t *body,
                     bool live)
{
    const struct story_link *link = &story->links[message->link];
    struct story_tab *tab = tale_tab(story, link);
    struct story_event event = read_event(story, message, link->epoch, body, live);

    if (!tale_event(story, tab->session, message, link->epoch, body, live)) return;
    /* Who has left reads nothing more. */
    if (link->client_closed) return;
    keep_event(story, &tab->received, &tab->received_count, &tab->received_room, &event);
    if (event.seq > tab->cursor) tab->cursor = event.seq;
    if (strcmp(event.type, "run_state") == 0) tab->run = story_number(event.payload, "run");
}

static void note_head(struct story *story, const struct story_message *message, uint64_t time_us,
                      const char *field)
{
    const struct story_link *link = &story->links[message->link];

    story_note_head(story, &story->sessions[tale_tab(story, link)->session], link->epoch,
                    story_number(message->body, field), time_us);
}

/* What a program did to the session of a message. */
static void add_step(struct story *story, const struct story_message *message, uint64_t time_us,
                     const char *text)
{
    struct story_session *session =
        &story->sessions[tale_tab(story, &story->links[message->link])->session];
    struct story_actor *actor = story_program(story, session, "");

    session->closed = strcmp(text, "close") == 0;
    if (actor == NULL) return;
    session->reopened = session->reopened || !session->closed;
    story_add(story, &actor->steps, time_us, message->message->packet, text);
}

static void on_ready(struct story *story, struct story_message *message)
{
    struct story_link *link = &story->links[message->link];
    struct story_tab *tab = tale_tab(story, link);

    struct story_session *session = &story->sessions[tab->session];
    const json_t *runs = json_object_get(message->body, "runs");

    if (session->closed) add_step(story, message, link->hello_us, "open");
    if (session->owner == NULL) session->owner = tab->user;
    if (!session->begun) session->begin_us = message->time_us;
    session->begun = true;
    link->gen = story_number(message->body, "gen");
    link->epoch = story_number(message->body, "epoch");
    for (size_t i = 0; i < json_array_size(runs); i++)
        see_run(story, session, message, link->epoch, json_array_get(runs, i));
    if (session->epoch == 0) {
        session->epoch = link->epoch;
        session->floor = story_number(message->body, "floor");
    }
    note_head(story, message, link->hello_us, "head");
    tab->ready = true;
}

static void on_page(struct story *story, struct story_message *message)
{
    const json_t *events = json_object_get(message->body, "events");

    for (size_t i = 0; i < json_array_size(events); i++)
        on_event(story, message, json_array_get(events, i), false);
}

/* A remark of at most one line: the message without its braces, and shortened. */
static const char *excerpt(struct story *story, const struct story_message *message)
{
    char text[72];
    size_t used = 0;
    const char *bytes = message->message->bytes;

    for (size_t i = 0; i < message->message->length && used + 1 < sizeof text; i++)
        text[used++] = bytes[i] >= 32 && bytes[i] < 127 ? bytes[i] : '.';
    text[used] = '\0';
    return scn_arena_format(story->arena, "<- %s", text);
}

/* For a client that reads an event stream, the server acknowledges. */
static void on_replayed(struct story *story, struct story_link *link)
{
    link->replayed = true;
    if (link->connection->kind != CAPTURE_STREAM) return;
    link->acknowledged = true;
    story->sessions[tale_tab(story, link)->session].acknowledged = true;
}

static void on_replay(struct story *story, struct story_link *link,
                      const struct story_message *message)
{
    link->replayed = false;
    link->replay_to = story_number(message->body, "to");
    note_head(story, message, link->hello_us, "to");
}

static void on_heartbeat(struct story *story, struct story_link *link,
                         const struct story_message *message)
{
    if (link->unanswered++ == 0) link->ignored_us = message->time_us;
    note_head(story, message, message->time_us, "head");
}

/* Of two answers the core may take the later one first: what it refuses came behind the other. */
static void refuse_answer(struct story_tab *tab, uint64_t time_us)
{
    if (tab->answer > 0) tab->steps.items[tab->answer - 1].time_us = time_us;
    tab->answer = 0;
}

/* Who comes to a session that is not there, or is somebody else's, is told so in one word. */
static void on_error(struct story *story, const struct story_message *message)
{
    struct story_tab *tab = tale_tab(story, &story->links[message->link]);
    struct story_session *session = &story->sessions[tab->session];
    const char *about = story_text(message->body, "about");

    if (strcmp(about, "confirm") == 0 || strcmp(about, "user_input") == 0)
        refuse_answer(tab, message->time_us);
    if (strcmp(about, "hello") != 0 ||
        strcmp(story_text(message->body, "code"), "not_found") != 0 || session->begun)
        return;
    session->missing = true;
    session->missed_us = message->time_us;
    session->missed_by = tab->user;
}

static void on_reply(struct story *story, struct story_message *message)
{
    struct story_link *link = &story->links[message->link];
    const char *type = message->type;

    tale_remark(story, message, excerpt(story, message));
    if (strcmp(type, "connection_ready") == 0) on_ready(story, message);
    else if (strcmp(type, "state_replay_complete") == 0) on_replayed(story, link);
    else if (strcmp(type, "initial_state") == 0) on_replay(story, link, message);
    else if (strcmp(type, "heartbeat") == 0) on_heartbeat(story, link, message);
    else if (strcmp(type, "history_page") == 0) on_page(story, message);
    else if (strcmp(type, "error") == 0) on_error(story, message);
    else on_event(story, message, message->body,
                  link->replayed || story_number(message->body, "seq") > link->replay_to);
}

/* --- ends --- */

/* A session that was closed takes all its connections with it; the first one tells. */
static void end_session(struct story *story, const struct story_message *message)
{
    const struct story_tab *tab = tale_tab(story, &story->links[message->link]);

    if (!story->sessions[tab->session].closed) add_step(story, message, message->time_us, "close");
}

static void on_close(struct story *story, struct story_message *message)
{
    struct story_link *link = &story->links[message->link];
    const struct capture_message *said = message->message;
    struct websocket_message close = { said->opcode, (const uint8_t *)said->bytes, said->length,
                                       1 };

    if (link->client_closed || link->server_closed) return;
    link->end_us = message->time_us;
    if (said->from_client) {
        link->client_closed = true;
        if (link->tab >= 0) tale_add(story, message, "close");
        return;
    }
    link->server_closed = true;
    link->code = websocket_close_code(&close);
    if (link->tab < 0) return;
    tale_remark(story, message, scn_arena_format(story->arena, "<- close %u", link->code));
    if (link->code == 1000) end_session(story, message);
    /* It was given up for its silence: its end had gone. */
    if (link->code == 4011) tale_lose(story, tale_tab(story, link), 0);
    if (link->code == 4008 && link->replayed && !link->acknowledged)
        story_add(story, &story->faults, link->begin_us, link->connection->packet,
                  scn_arena_format(story->arena, "lose_ack %s", tale_tab(story, link)->name));
}

/* When the next connection to that core begins, after it was gone. */
static uint64_t back_us(const struct story *story, uint32_t core, uint64_t from_us)
{
    uint64_t back = UINT64_MAX;

    for (uint32_t i = 0; i < story->link_count; i++) {
        const struct story_link *link = &story->links[i];
        if (link->core == core && link->begin_us > from_us && link->begin_us < back)
            back = link->begin_us;
    }
    return back;
}

/* A server that takes all its connections with it, and is there again later, was killed. */
static void kill_core(struct story *story, const struct story_link *link)
{
    uint64_t back = back_us(story, link->core, link->end_us);
    const char *word = link->server_closed ? "drain" : "kill";

    if (back == UINT64_MAX) return;
    for (uint32_t i = 0; i < story->link_count; i++) {
        const struct story_link *other = &story->links[i];
        if (other->core != link->core || other == link) continue;
        if (other->begin_us < link->end_us && other->end_us > link->end_us + TOGETHER_US) return;
        /* The first of those that end together tells of it. */
        if (other < link && other->end_us <= link->end_us + TOGETHER_US &&
            other->end_us + TOGETHER_US >= link->end_us && other->end_us > link->begin_us &&
            !other->client_closed)
            return;
    }
    story_add(story, &story->faults, link->end_us, link->connection->end_packet,
              scn_arena_format(story->arena, "%s %s for %lluus", word,
                               story->core_names[link->core],
                               (unsigned long long)(back - link->end_us + 1) / 2));
}

static void on_end(struct story *story, const struct story_message *message)
{
    struct story_link *link = &story->links[message->link];
    const struct capture_connection *connection = link->connection;
    struct story_tab *tab = tale_tab(story, link);

    if (!link->client_closed && !link->server_closed) link->end_us = message->time_us;
    link->over = true;
    if (tab == NULL) return;
    if (link == &story->links[tab->link] && link->end_us < tab->gone_us)
        tab->gone_us = link->end_us;
    if (link->client_closed) return;
    if (!connection->end_by_client && (!link->server_closed || link->code == 1001))
        kill_core(story, link);
    if (connection->end_by_client && !link->server_closed)
        story_add(story, &story->faults, message->time_us, connection->end_packet,
                  scn_arena_format(story->arena, "cut %s", tab->name));
}

/* --- all of it --- */

static void read_message(struct story *story, struct story_message *message)
{
    struct story_link *link = &story->links[message->link];
    const char *before = link->said;

    tale_set_time(story, message);
    if (message->message->opcode == WEBSOCKET_CONTINUATION) {
        on_end(story, message);
        return;
    }
    if (message->message->opcode == WEBSOCKET_CLOSE) {
        on_close(story, message);
        return;
    }
    if (link->connection->kind == CAPTURE_REQUESTS) {
        tale_request(story, message);
        return;
    }
    /* Those are of the transport: the core hears nothing of them. */
    if (message->message->opcode == WEBSOCKET_PING || message->message->opcode == WEBSOCKET_PONG) {
        if (link->tab >= 0)
            tale_remark(story, message, message->message->opcode == WEBSOCKET_PING
                        ? "a ping" : "a pong of the WebSocket");
        return;
    }
    if (message->message->from_client) {
        link->heard_us = message->time_us;
        link->said = message->type;
    }
    if (message->body == NULL) {
        if (link->tab >= 0) tale_say(story, message, "no message of the protocol");
        else link->unheard += message->message->from_client;
    } else if (strcmp(message->type, "hello") == 0 && message->message->from_client) {
        tale_hello(story, message);
    } else if (link->tab >= 0) {
        if (message->message->from_client) tale_ask(story, message, before);
        else on_reply(story, message);
    } else {
        link->unheard += message->message->from_client;
    }
    if (message->message->from_client) link->unanswered = 0;
}

void tale_read(struct story *story)
{
    for (uint32_t i = 0; i < story->message_count; i++) read_message(story, &story->messages[i]);
    for (uint32_t i = 0; i < story->link_count; i++)
        story->speechless += story->links[i].tab < 0 && story->links[i].unheard > 0;
    /* Who answers no heartbeat any more has gone, whether or not the server has noticed. */
    for (uint32_t t = 0; t < story->tab_count; t++) {
        const struct story_link *last = &story->links[story->tabs[t].link];
        if (last->unanswered > 1 && !last->over && !last->client_closed && !last->server_closed)
            tale_lose(story, &story->tabs[t], 0);
    }
}
