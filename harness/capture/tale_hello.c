/* Who it is that says hello, and what became of it since the last time. */
#include "harness/capture/tale.h"

#include <string.h>

/* --- who --- */

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

void tale_lose(struct story *story, struct story_tab *tab, uint64_t away_us)
{
    const struct story_link *last = &story->links[tab->link];
    const char *length = away_us == 0 ? "" : scn_arena_format(story->arena, " for %s",
                                                             story_time(story, away_us));
    bool stands = away_us == 0 && last->unanswered > 0 && last->alive_us >= last->ignored_us;

    if (away_us == 0) tab->gone_us = last->heard_us;
    story_add(story, &story->faults, last->heard_us + 1, last->connection->packet,
              scn_arena_format(story->arena, "%s %s%s", stands ? "stall" : "halfopen", tab->name,
                               length));
}

static void note_return(struct story_tab *tab, uint64_t after_us)
{
    if (!tab->returns || after_us < tab->soonest_us) tab->soonest_us = after_us;
    if (!tab->returns || after_us > tab->latest_us) tab->latest_us = after_us;
    tab->returns = true;
}

/* What a client says of where it stands, and cannot have been told. */
static void add_lies(struct story *story, const struct story_tab *tab, const json_t *hello)
{
    const struct story_link *last = &story->links[tab->link];
    uint64_t cursor = story_number(hello, "cursor");
    bool elsewhere = last->epoch != 0 && story_number(hello, "epoch") != last->epoch;
    const char *lie = elsewhere                                  ? "wrong_epoch"
                      : cursor == 0 && tab->cursor > 0           ? "reset_cursor"
                      : cursor > tab->cursor && !tab->shares     ? "cursor_ahead" : NULL;

    if (lie == NULL) return;
    story_add(story, &story->faults, last->heard_us + 1, 0,
              scn_arena_format(story->arena, "%s %s", lie, tab->name));
}

static const char *how_connected(struct story *story, const struct story_tab *tab,
                                 const json_t *hello)
{
    bool cursor = json_object_get(hello, "cursor") != NULL;

    if (tab->steps.count == 0) return "connect";
    if (cursor && tab->ready) add_lies(story, tab, hello);
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

/* The last step or fault of that text is put before `until_us`. */
static void hurry(struct story_steps *steps, const char *text, uint64_t until_us)
{
    for (uint32_t i = steps->count; i-- > 0;) {
        struct story_step *step = &steps->items[i];
        if (step->remark || strcmp(step->text, text) != 0) continue;
        if (step->time_us >= until_us) step->time_us = until_us - 1;
        return;
    }
}

/* A tab that comes back with less than it was sent had gone before that, though the server, where
 * the capture was taken, learned of it later. */
static void leave_earlier(struct story *story, struct story_tab *tab, const json_t *hello)
{
    struct story_link *last = &story->links[tab->link];
    uint64_t cursor = story_number(hello, "cursor");
    const struct story_event *missed = NULL;

    for (uint32_t i = 0; i < tab->received_count && missed == NULL; i++) {
        const struct story_event *event = &tab->received[i];
        if (event->epoch == last->epoch && event->seq > cursor) missed = event;
    }
    if (cursor == 0 || missed == NULL || missed->time_us <= last->hello_us ||
        last->end_us == UINT64_MAX || missed->time_us > last->end_us)
        return;
    if (last->client_closed) hurry(&tab->steps, "close", missed->time_us);
    else hurry(&story->faults, scn_arena_format(story->arena, "cut %s", tab->name),
               missed->time_us);
    last->end_us = missed->time_us - 1;
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
    tale_lose(story, tab, message->time_us - last->heard_us - 1);
    return true;
}

static void note_past(struct story_session *session, uint64_t cursor)
{
    if (cursor > session->known) session->known = cursor;
}

/* What would have been told by connection_ready. */
static void begin_amid(struct story *story, struct story_tab *tab,
                       const struct story_message *message)
{
    struct story_session *session = &story->sessions[tab->session];

    tab->ready = true;
    session->acknowledged = true;
    note_past(session, story->links[message->link].past);
    if (!session->begun) session->begin_us = message->time_us;
    session->begun = true;
}

void tale_hello(struct story *story, struct story_message *message)
{
    struct story_link *link = &story->links[message->link];
    const json_t *hello = message->body;

    if (link->tab >= 0) {
        if (tale_makes_sense(message->type, hello)) tale_add(story, message, "send hello");
        else tale_say(story, message, "a hello that makes no sense");
        return;
    }
    /* A trace does not tell of which epoch a cursor is. */
    if (!story->trace && !tale_makes_sense(message->type, hello)) {
        link->unheard++;
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
    if (known >= 0) leave_earlier(story, tab, hello);
    const char *how = known < 0 ? "connect" : how_connected(story, tab, hello);
    bool returns = known >= 0 && comes_back(story, tab, message, how);
    link->tab = index;
    link->cursor = story_number(hello, "cursor");
    tab->link = (int)message->link;
    tab->gone_us = UINT64_MAX;
    if (returns) tale_remark(story, message, "it is back by itself");
    else tale_add(story, message, how);
    if (link->unheard > 0)
        tale_remark(story, message, scn_arena_format(
            story->arena, "before that it said %u other messages, which are left out",
            link->unheard));
    if (link->connection->kind == CAPTURE_STREAM)
        tale_remark(story, message, "what it read was an event stream, here it is a WebSocket");
    if (link->joined) {
        tale_remark(story, message, "the capture does not have its hello");
        begin_amid(story, tab, message);
    }
    link->hello_us = message->time_us;
    if (known < 0 && share_cursor(story, tab, hello)) return;
    if (known < 0) note_past(&story->sessions[session], story_number(hello, "cursor"));
    if (known < 0 && story_number(hello, "cursor") > 0)
        tale_remark(story, message,
               scn_arena_format(story->arena, "it came with cursor %llu, from before the capture",
                                (unsigned long long)story_number(hello, "cursor")));
}
