/* What the messages mean, one after another. */
#include "harness/capture/tale.h"

#include <string.h>

/* Several servers or clients that end within this time were ended by one cause. */
enum { TOGETHER_US = 1000000 };

static struct story_tab *tab_of(struct story *story, const struct story_link *link)
{
    return link->tab < 0 ? NULL : &story->tabs[link->tab];
}

static void add(struct story *story, const struct story_message *message, const char *text)
{
    struct story_tab *tab = tab_of(story, &story->links[message->link]);

    story_add(story, &tab->steps, message->time_us, message->message->packet, text);
}

static void remark(struct story *story, const struct story_message *message, const char *text)
{
    struct story_tab *tab = tab_of(story, &story->links[message->link]);

    story_remark(story, &tab->steps, message->time_us, message->message->packet, text);
}

/* --- who it is --- */

uint32_t tale_session(struct story *story, const char *called, uint32_t core)
{
    for (uint32_t i = 0; i < story->session_count; i++) {
        if (strcmp(story->sessions[i].called, called) == 0) return i;
    }
    if (story->session_count == STORY_SESSIONS_MAX) return STORY_SESSIONS_MAX;
    struct story_session *session = &story->sessions[story->session_count];
    *session = (struct story_session){ .called = called, .core = core };
    story_word(called, "session", session->name);
    for (uint32_t i = 0; i < story->session_count; i++) {
        if (strcmp(story->sessions[i].name, session->name) == 0)
            (void)snprintf(session->name, STORY_NAME_MAX, "session_%u", story->session_count + 1);
    }
    return story->session_count++;
}

static bool is_gone(const struct story *story, const struct story_tab *tab)
{
    const struct story_link *last = &story->links[tab->link];

    return last->over || last->client_closed || last->server_closed;
}

/* As far as the connections tell: the same machine, program and user, also behind a proxy. */
static bool same_client(const struct capture_connection *one,
                        const struct capture_connection *other)
{
    struct packet_address host = one->client;
    bool users = one->user[0] != '\0' && other->user[0] != '\0';

    host.port = other->client.port;
    if (users && strcmp(one->user, other->user) != 0) return false;
    if (!packet_address_same(&host, &other->client)) return false;
    return one->amid || (strcmp(one->origin, other->origin) == 0 &&
                         strcmp(one->agent, other->agent) == 0);
}

/* The protocol tells it by `previous`; the harness's own captures by the name in User-Agent; and
 * else a cursor that comes from the same machine as one that has gone. */
static int known_tab(struct story *story, const struct story_link *link, const json_t *hello,
                     uint32_t session)
{
    uint64_t previous = story_number(hello, "previous");
    bool named = strncmp(link->connection->agent, "tab/", 4) == 0;
    int found = -1;

    for (uint32_t i = 0; previous > 0 && i < story->link_count; i++) {
        const struct story_link *old = &story->links[i];
        if (old->tab >= 0 && old->gen == previous && story->tabs[old->tab].session == session)
            return old->tab;
    }
    for (uint32_t i = 0; i < story->tab_count; i++) {
        const struct story_tab *tab = &story->tabs[i];
        const struct capture_connection *last = story->links[tab->link].connection;
        if (tab->session != session) continue;
        if (named && strcmp(last->agent, link->connection->agent) == 0) return (int)i;
        if (named || json_object_get(hello, "cursor") == NULL || !is_gone(story, tab) ||
            !same_client(last, link->connection))
            continue;
        /* Of several, who stands exactly there. */
        if (found < 0 || tab->cursor == story_number(hello, "cursor")) found = (int)i;
        if (tab->cursor == story_number(hello, "cursor")) break;
    }
    return found;
}

static int new_tab(struct story *story, const struct story_link *link, uint32_t session)
{
    const struct capture_connection *connection = link->connection;
    bool named = strncmp(connection->agent, "tab/", 4) == 0;

    if (story->tab_count == STORY_TABS_MAX) return -1;
    struct story_tab *tab = &story->tabs[story->tab_count];
    *tab = (struct story_tab){ .session = session, .core = link->core, .gone_us = UINT64_MAX };
    story_name(story, named ? connection->agent + 4 : "", "tab", tab->name);
    if (connection->user[0] != '\0') tab->user = connection->user;
    return (int)story->tab_count++;
}

/* --- connecting --- */

/* A server that sends to the last connection and hears nothing: the far end had gone. `away_us` is
 * how long it could not come back, 0 if it never did. */
static void lose_last(struct story *story, const struct story_tab *tab, uint64_t away_us)
{
    const struct story_link *last = &story->links[tab->link];
    const char *length = away_us == 0 ? "" : scn_arena_format(story->arena, " for %s",
                                                             story_time(story, away_us));

    story_add(story, &story->faults, last->heard_us + 1, last->connection->packet,
              scn_arena_format(story->arena, "halfopen %s%s", tab->name, length));
}

static void note_return(struct story_tab *tab, uint64_t after_us)
{
    if (!tab->returns || after_us < tab->soonest_us) tab->soonest_us = after_us;
    if (!tab->returns || after_us > tab->latest_us) tab->latest_us = after_us;
    tab->returns = true;
}

static const char *how_connected(struct story *story, const struct story_tab *tab,
                                 const json_t *hello)
{
    bool cursor = json_object_get(hello, "cursor") != NULL;

    if (tab->steps.count == 0) return "connect";
    if (cursor && story_number(hello, "cursor") == 0 && tab->cursor > 0)
        story_add(story, &story->faults, story->links[tab->link].heard_us + 1, 0,
                  scn_arena_format(story->arena, "reset_cursor %s", tab->name));
    return cursor || !tab->ready ? "reconnect" : "reload";
}

/* A tab that has never been seen and knows where another one of its user stands reads what that one
 * has kept. */
static bool share_cursor(struct story *story, struct story_tab *tab, const json_t *hello)
{
    uint64_t cursor = story_number(hello, "cursor");

    for (uint32_t i = story->tab_count - 1; i-- > 0 && cursor > 0 && !tab->shares;) {
        struct story_tab *other = &story->tabs[i];
        bool same_user = (other->user == NULL) == (tab->user == NULL) &&
                         (tab->user == NULL || strcmp(other->user, tab->user) == 0);
        if (other->session == tab->session && same_user && other->cursor >= cursor)
            tab->shares = other->shares = true;
    }
    return tab->shares;
}

/* Whether a tab that did not leave by itself comes back by itself; notes how long it took. */
static bool comes_back(struct story *story, struct story_tab *tab, struct story_message *message,
                       const char *how)
{
    const struct story_link *last = &story->links[tab->link];

    if (last->client_closed || strcmp(how, "reconnect") != 0) return false;
    if (is_gone(story, tab)) {
        note_return(tab, message->time_us - last->end_us);
        return true;
    }
    story->clock_us = message->time_us += 2;
    note_return(tab, 0);
    lose_last(story, tab, message->time_us - last->heard_us - 1);
    return true;
}

/* What would have been told by connection_ready. */
static void begin_amid(struct story *story, struct story_tab *tab,
                       const struct story_message *message)
{
    struct story_session *session = &story->sessions[tab->session];

    tab->ready = true;
    session->acknowledged = true;
    if (!session->begun) session->begin_us = message->time_us;
    session->begun = true;
}

static void on_hello(struct story *story, struct story_message *message)
{
    struct story_link *link = &story->links[message->link];
    const json_t *hello = message->body;

    if (link->tab >= 0) {
        add(story, message, "send hello");
        return;
    }
    uint32_t session = tale_session(story, story_text(hello, "session"), link->core);
    int known = session == STORY_SESSIONS_MAX ? -1 : known_tab(story, link, hello, session);
    int index = known >= 0 || session == STORY_SESSIONS_MAX ? known : new_tab(story, link, session);
    if (index < 0) {
        story->homeless++;
        return;
    }
    struct story_tab *tab = &story->tabs[index];
    const char *how = known < 0 ? "connect" : how_connected(story, tab, hello);
    bool returns = known >= 0 && comes_back(story, tab, message, how);
    link->tab = index;
    tab->link = (int)message->link;
    tab->gone_us = UINT64_MAX;
    if (returns) remark(story, message, "it is back by itself");
    else add(story, message, how);
    if (link->connection->kind == CAPTURE_STREAM)
        remark(story, message, "what it read was an event stream, here it is a WebSocket");
    if (link->joined) {
        remark(story, message, "it was connected before the capture began");
        begin_amid(story, tab, message);
    }
    if (known < 0 && share_cursor(story, tab, hello)) return;
    if (known < 0 && story_number(hello, "cursor") > 0)
        remark(story, message,
               scn_arena_format(story->arena, "it came with cursor %llu, from before the capture",
                                (unsigned long long)story_number(hello, "cursor")));
}

/* --- requests --- */

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
    const struct story_tab *tab = tab_of(story, &story->links[message->link]);
    bool input = false;
    const char *id =
        prompt_of(story, tab->session, story_number(message->body, "prompt"), &input);
    char name[STORY_NAME_MAX];

    if (id == NULL) {
        remark(story, message, "an answer to a question that is not in the capture");
        return;
    }
    story_word(id, "question", name);
    const json_t *values = json_object_get(message->body, "values");
    add(story, message, scn_arena_format(
        story->arena, "expect request_%s[id=%s] or run_state[state=interrupted]",
        input ? "user_input" : "confirmation", name));
    const char *text = story_attr(story, "text", json_object_get(values, "text"));
    const char *quoted = strchr(text, '=') == NULL ? "" : strchr(text, '=') + 1;
    if (input)
        add(story, message, scn_arena_format(story->arena, *quoted == '"' ? "answer %s %s"
                                             : "answer %s \"%s\"", name, quoted));
    else
        add(story, message, scn_arena_format(
            story->arena, "answer %s %s", name,
            json_is_true(json_object_get(message->body, "value")) ? "yes" : "no"));
}

static void on_start(struct story *story, struct story_message *message)
{
    struct story_session *session =
        &story->sessions[tab_of(story, &story->links[message->link])->session];
    const char *key = story_text(message->body, "key");
    const json_t *input = json_object_get(message->body, "input");
    bool talks = strcmp(message->type, "user_message") == 0;

    add(story, message, scn_arena_format(
        story->arena, "send %s%s%s", message->type,
        story_attr(story, "key", json_object_get(message->body, "key")),
        talks ? story_attr(story, "text", json_object_get(input, "text")) : ""));
    session->runs = scn_arena_grow(story->arena, session->runs, session->run_count,
                                   &session->run_room, sizeof *session->runs);
    const struct story_link *link = &story->links[message->link];
    session->runs[session->run_count++] = (struct story_run){
        .agent = story_text(message->body, "agent"), .key = key, .actor = -1, .asked = true,
        .tab = (uint32_t)link->tab, .step = tab_of(story, link)->steps.count - 1,
        .seen_us = UINT64_MAX };
}

static void on_server_request(struct story *story, struct story_message *message)
{
    struct story_tab *tab = tab_of(story, &story->links[message->link]);
    uint64_t port = story_number(message->body, "port");

    story->sessions[tab->session].serves = true;
    if (port == 0) port = strcmp(story_text(message->body, "app"), "mobile") == 0 ? 8081 : 3000;
    add(story, message, scn_arena_format(story->arena, "send %s port=%llu", message->type,
                                         (unsigned long long)port));
}

static void on_history(struct story *story, struct story_message *message, const char *before)
{
    const json_t *body = message->body;
    bool limited = json_object_get(body, "limit") != NULL;

    /* A client that has missed something asks by itself after a heartbeat, for all there is. */
    if (!limited && (strcmp(before, "pong") == 0 || strcmp(before, "ack") == 0)) {
        remark(story, message, "history: the tab asks for what it missed");
        return;
    }
    if (json_is_true(json_object_get(body, "backward"))) {
        remark(story, message, "history backward: there is no word for it");
        return;
    }
    add(story, message, scn_arena_format(
        story->arena, "send history%s%s",
        story_attr(story, "cursor", json_object_get(body, "cursor")),
        story_attr(story, "limit", json_object_get(body, "limit"))));
}

static void on_cancel(struct story *story, struct story_message *message)
{
    const struct story_tab *tab = tab_of(story, &story->links[message->link]);
    uint64_t run = story_number(message->body, "run");

    story->sessions[tab->session].cancels = true;
    add(story, message, run == tab->run ? "send cancel"
        : scn_arena_format(story->arena, "send cancel run=%llu", (unsigned long long)run));
}

static void on_request(struct story *story, struct story_message *message, const char *before)
{
    struct story_link *link = &story->links[message->link];
    const char *type = message->type;

    if (strcmp(type, "connection_acknowledged") == 0) {
        link->acknowledged = true;
        story->sessions[tab_of(story, link)->session].acknowledged = true;
    }
    if (tale_is_automatic(type)) remark(story, message, scn_arena_format(story->arena, "%s", type));
    else if (strcmp(type, "confirm") == 0 || strcmp(type, "user_input") == 0)
        on_answer(story, message);
    else if (strcmp(type, "start_agent") == 0 || strcmp(type, "user_message") == 0)
        on_start(story, message);
    else if (strcmp(type, "server_start") == 0 || strcmp(type, "server_stop") == 0)
        on_server_request(story, message);
    else if (strcmp(type, "history") == 0) on_history(story, message, before);
    else if (strcmp(type, "cancel") == 0) on_cancel(story, message);
    else remark(story, message, "a message that the language has no word for");
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
                    const struct story_message *message, const json_t *fields)
{
    struct story_run *run = story_run_of(story, session, fields);

    if (run->seen_us != UINT64_MAX) return;
    run->seen_us = message->time_us;
    if (run == session->runs) session->core = story->links[message->link].core;
}

static struct story_event read_event(const struct story *story,
                                     const struct story_message *message, uint64_t epoch,
                                     const json_t *body, bool live)
{
    return (struct story_event){
        .epoch = epoch, .seq = story_number(body, "seq"), .type = story_text(body, "type"),
        .payload = json_object_get(body, "payload"), .time_us = message->time_us, .live = live,
        .packet = message->message->packet, .core = story->links[message->link].core };
}

bool tale_event(struct story *story, uint32_t index, const struct story_message *message,
                uint64_t epoch, const json_t *body, bool live)
{
    struct story_session *session = &story->sessions[index];
    struct story_event event = read_event(story, message, epoch, body, live);

    if (event.seq == 0) return false;
    keep_event(story, &session->events, &session->event_count, &session->event_room, &event);
    if (strcmp(event.type, "run_state") != 0) return true;
    see_run(story, session, message, event.payload);
    bool runs = strcmp(story_text(event.payload, "state"), "running") == 0;
    if (runs && !session->acknowledged && live) session->attached = true;
    if (runs && !session->acknowledged && !live) session->early = true;
    return true;
}

static void on_event(struct story *story, const struct story_message *message, const json_t *body,
                     bool live)
{
    const struct story_link *link = &story->links[message->link];
    struct story_tab *tab = tab_of(story, link);
    struct story_event event = read_event(story, message, link->epoch, body, live);

    if (!tale_event(story, tab->session, message, link->epoch, body, live)) return;
    keep_event(story, &tab->received, &tab->received_count, &tab->received_room, &event);
    if (event.seq > tab->cursor) tab->cursor = event.seq;
    if (strcmp(event.type, "run_state") == 0) tab->run = story_number(event.payload, "run");
}

static void on_ready(struct story *story, struct story_message *message)
{
    struct story_link *link = &story->links[message->link];
    struct story_tab *tab = tab_of(story, link);

    struct story_session *session = &story->sessions[tab->session];
    const json_t *runs = json_object_get(message->body, "runs");

    if (session->owner == NULL) session->owner = tab->user;
    if (!session->begun) session->begin_us = message->time_us;
    session->begun = true;
    for (size_t i = 0; i < json_array_size(runs); i++)
        see_run(story, session, message, json_array_get(runs, i));
    link->gen = story_number(message->body, "gen");
    link->epoch = story_number(message->body, "epoch");
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
    story->sessions[tab_of(story, link)->session].acknowledged = true;
}

static void on_reply(struct story *story, struct story_message *message)
{
    struct story_link *link = &story->links[message->link];
    const char *type = message->type;

    remark(story, message, excerpt(story, message));
    if (strcmp(type, "connection_ready") == 0) on_ready(story, message);
    else if (strcmp(type, "state_replay_complete") == 0) on_replayed(story, link);
    else if (strcmp(type, "initial_state") == 0) link->replayed = false;
    else if (strcmp(type, "history_page") == 0) on_page(story, message);
    else on_event(story, message, message->body, link->replayed);
}

/* --- ends --- */

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
        if (link->tab >= 0) add(story, message, "close");
        return;
    }
    link->server_closed = true;
    link->code = websocket_close_code(&close);
    if (link->tab < 0) return;
    remark(story, message, scn_arena_format(story->arena, "<- close %u", link->code));
    /* It was given up for its silence: its end had gone. */
    if (link->code == 4011) lose_last(story, tab_of(story, link), 0);
    if (link->code == 4008 && link->replayed && !link->acknowledged)
        story_add(story, &story->faults, link->begin_us, link->connection->packet,
                  scn_arena_format(story->arena, "lose_ack %s", tab_of(story, link)->name));
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
            other->end_us + TOGETHER_US >= link->end_us && !other->client_closed)
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
    struct story_tab *tab = tab_of(story, link);

    if (!link->client_closed && !link->server_closed) link->end_us = message->time_us;
    link->over = true;
    if (tab == NULL) return;
    if (link == &story->links[tab->link]) tab->gone_us = link->end_us;
    if (link->client_closed) return;
    if (connection->kind == CAPTURE_STREAM && connection->end_by_client && !link->server_closed) {
        link->client_closed = true;
        add(story, message, "close");
        return;
    }
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
    if (message->message->from_client) {
        link->heard_us = message->time_us;
        link->said = message->type;
    }
    if (message->body == NULL) {
        if (link->tab >= 0) remark(story, message, "no message of the protocol");
    } else if (strcmp(message->type, "hello") == 0 && message->message->from_client) {
        on_hello(story, message);
    } else if (link->tab >= 0) {
        if (message->message->from_client) on_request(story, message, before);
        else on_reply(story, message);
    }
}

void tale_read(struct story *story)
{
    for (uint32_t i = 0; i < story->message_count; i++) read_message(story, &story->messages[i]);
}
