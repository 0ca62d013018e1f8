/* Tabs: sockets opened, lost and opened again, as a browser client does it. */
#include "fakes/internal.h"
#include "fakes/text.h"

/* Attempts in a row that end without a handshake, before a tab gives up; and the pause that it adds
 * for each, so that a core that refuses it is not asked for ever at one instant. */
enum { FAILURES_MAX = 8 };
static const uint64_t failure_pause_us = 1000000;

static void set_reconnecting(struct tab *tab, bool reconnecting)
{
    if (tab->reconnecting == reconnecting) return;
    tab->reconnecting = reconnecting;
    play_busy(tab->actor->play, place_each(PLACE_RETURNS, tab->actor->index), reconnecting);
}

/* --- sending --- */

static void push_message(struct tab *tab, const struct outgoing *message)
{
    struct socket *socket = tab->socket;
    struct frame *frame = link_frame(socket, FRAME_MESSAGE);
    uint16_t party = tab->actor->party;

    meet_each(PLACE_PAGE, tab->actor->index);
    frame->bytes = message->bytes;
    frame->length = message->length;
    frame->word = record_intern(message->kind);
    frame->number = ++socket->frames_in;
    frame->cause = RECORD(CLIENT_SEND, party, party, socket->instance->party, 0,
                          .conn = socket->serial, .kind = frame->word,
                          .id = message->id == NULL ? 0 : record_intern(message->id),
                          .port = (int64_t)message->port, .run = (int64_t)message->run,
                          .frame = frame->number);
    if (strcmp(message->kind, "history") == 0)
        tab_asks_page(tab, message->bytes, message->length);
    if (socket->ends != NULL) sockets_wrap(socket, frame, WEBSOCKET_TEXT);
    if (!socket->cut) link_push(&tab->to_core, frame);
}

bool tab_is_opening(const struct tab *tab)
{
    return tab->socket != NULL && tab->socket->ends != NULL &&
           tab->socket->ends->websocket.state == WEBSOCKET_OPENING;
}

static void keep_message(struct tab *tab, const struct outgoing *message)
{
    struct outgoing *kept = scratch_alloc(sizeof *kept), **tail = &tab->sayings;

    *kept = *message;
    while (*tail != NULL) tail = &(*tail)->next;
    *tail = kept;
}

static void send_message(struct tab *tab, const struct outgoing *message)
{
    /* Who is told otherwise than by a WebSocket cannot speak. */
    if (tab->socket == NULL || tab->speech != SPEECH_WEBSOCKET) return;
    if (tab_is_opening(tab)) {
        keep_message(tab, message);
        return;
    }
    if (tab->lose_ack && strcmp(message->kind, "connection_acknowledged") == 0) {
        tab->lose_ack = false;
        RECORD(WIRE_DROP, tab->actor->party, tab->actor->party, tab->actor->instance->party, 0,
               .conn = tab->socket->serial, .kind = record_intern(message->kind),
               .why = record_intern("lost"));
        return;
    }
    push_message(tab, message);
}

static struct outgoing dump(const json_t *body, const char *kind)
{
    struct outgoing message = { .bytes = json_dumps(body, JSON_COMPACT), .kind = kind };

    message.length = strlen(message.bytes);
    message.run = (uint64_t)json_integer_value(json_object_get(body, "run"));
    return message;
}

void tab_tell(struct tab *tab, const char *kind, const char *name, uint64_t number)
{
    struct outgoing message = { .kind = kind };

    message.bytes = text_message(kind, name, number, &message.length);
    send_message(tab, &message);
}

void tab_send(struct tab *tab, const json_t *body, const char *kind)
{
    struct outgoing message = dump(body, kind);
    send_message(tab, &message);
}

void tab_say(struct tab *tab, const char *bytes, size_t length)
{
    record_word type = ws_type_of(bytes, length);

    send_message(tab, &(struct outgoing){ .bytes = bytes, .length = length,
                                          .kind = type == 0 ? "text" : record_text(type) });
}

void tab_queue(struct tab *tab, const json_t *body, const char *kind, const char *id,
               uint64_t port)
{
    struct outgoing message = dump(body, kind);

    meet_each(PLACE_PAGE, tab->actor->index);
    message.id = id;
    message.port = port;
    if (tab->phase == TAB_ONLINE) {
        send_message(tab, &message);
        return;
    }
    struct outgoing *kept = scratch_alloc(sizeof *kept);
    *kept = message;
    *tab->outgoing_tail = kept;
    tab->outgoing_tail = &kept->next;
}

void tab_flush(struct tab *tab)
{
    while (tab->outgoing != NULL && tab->phase == TAB_ONLINE) {
        struct outgoing *outgoing = tab->outgoing;
        tab->outgoing = outgoing->next;
        if (tab->outgoing == NULL) tab->outgoing_tail = &tab->outgoing;
        send_message(tab, outgoing);
    }
}

/* --- connecting --- */

/* Never back within one log: whoever writes into the store last need not be the furthest. */
void tab_keep_cursor(struct tab *tab)
{
    struct cursor_store *kept = tab->kept;

    if (kept == NULL) return;
    world_meet(WORLD_MET_FAKES);
    if (kept->known && kept->epoch == tab->page.epoch && kept->cursor > tab->page.cursor) return;
    *kept = tab->page;
}

bool tab_knows_cursor(const struct tab *tab)
{
    return tab->kept != NULL ? tab->kept->known : tab->page.known;
}

/* A shared store is read here, and only here: what other pages write later is theirs. */
static void load_cursor(struct tab *tab)
{
    if (tab->kept != NULL) world_meet(WORLD_MET_FAKES);
    if (tab->kept == NULL || !tab->kept->known) return;
    if (tab->page.epoch != tab->kept->epoch) tab->acked = 0;
    tab->page = *tab->kept;
}

struct hello_note tab_place(struct tab *tab)
{
    const struct cursor_store *store = &tab->page;

    load_cursor(tab);
    uint64_t epoch = store->epoch, cursor = store->cursor;

    if (tab->wrong_epoch) epoch += 1000;
    if (tab->reset_cursor) cursor = 0;
    if (tab->cursor_ahead) cursor += 1000;
    tab->wrong_epoch = tab->reset_cursor = tab->cursor_ahead = false;
    RECORD(CLIENT_HELLO, tab->actor->party, 0, 0, 0, .conn = tab->socket->serial,
           .session = tab->actor->session_word, .epoch = store->known ? (int64_t)epoch : 0,
           .cursor = store->known ? (int64_t)cursor : 0);
    tab->socket->hello = (struct hello_note){ true, store->known, epoch, cursor };
    return tab->socket->hello;
}

void tab_hello(struct tab *tab)
{
    const struct hello_note place = tab_place(tab);
    json_t *body = json_object();

    json_object_set_new(body, "type", json_string("hello"));
    json_object_set_new(body, "session",
                        json_string(session_called(tab->actor->play, tab->actor->session)));
    if (place.known) {
        json_object_set_new(body, "epoch", json_integer((json_int_t)place.epoch));
        json_object_set_new(body, "cursor", json_integer((json_int_t)place.cursor));
    }
    if (tab->gen > 0) json_object_set_new(body, "previous", json_integer((json_int_t)tab->gen));
    struct outgoing message = dump(body, "hello");
    push_message(tab, &message);
    if (tab->double_hello) push_message(tab, &message);
    tab->double_hello = false;
}

void tab_greet(struct tab *tab)
{
    const struct scn_attrs *attrs = &tab->actor->scn->attrs;

    if (strcmp(attr_text(attrs, "greeting", "on"), "on") == 0 || tab->hello_waits) tab_hello(tab);
    tab->hello_waits = false;
    for (; tab->sayings != NULL; tab->sayings = tab->sayings->next) send_message(tab, tab->sayings);
}

static struct socket *socket_new(struct tab *tab)
{
    struct play *play = tab->actor->play;
    struct socket *socket = scratch_alloc(sizeof *socket);

    if (play->socket_count == SOCKETS_MAX)
        world_stop("more than %d sockets in one execution", SOCKETS_MAX);
    play->sockets[play->socket_count++] = socket;
    socket->handle = play->socket_count;
    socket->tab = tab;
    socket->instance = tab->actor->instance;
    socket->life = socket->instance->life;
    socket->serial = ++tab->sockets;
    socket->tab_open = true;
    if (socket->instance->sockets) socket->ends = scratch_alloc(sizeof *socket->ends);
    return socket;
}

void tab_connect(struct tab *tab)
{
    struct instance *instance = tab->actor->instance;

    world_meet_place(PLACE_SOCKETS, WORLD_CHANGES);
    meet_each(PLACE_SOCKET, tab->actor->index);
    meet_each(PLACE_PAGE, tab->actor->index);
    world_task_disarm(tab->reconnect_task);
    if (tab->socket != NULL) tab_close(tab);
    tab->closed_for_good = false;
    if (!instance->alive) {
        tab->failures++;
        tab_reconnect_later(tab);
        return;
    }
    set_reconnecting(tab, true);
    tab->socket = socket_new(tab);
    tab->phase = TAB_CONNECTING;
    tab->sayings = NULL;
    tab->hello_waits = false;
    tab->fetching = false;
    tab->head_heard = tab->put_off = tab->paged = 0;
    RECORD(CLIENT_OPEN, tab->actor->party, tab->actor->party, instance->party, 0,
           .conn = tab->socket->serial, .session = tab->actor->session_word);
    struct frame *open = link_frame(tab->socket, FRAME_OPEN);
    if (tab->socket->ends != NULL) sockets_greet(tab->socket, open);
    link_push(&tab->to_core, open);
    /* Over bytes it comes when the WebSocket is open. */
    if (tab->socket->ends == NULL) tab_greet(tab);
}

void tab_online(struct tab *tab)
{
    REQUIRE(tab->phase == TAB_ONLINE);
    set_reconnecting(tab, false);
    faults_refresh(tab->actor->play);
}

void tab_renew(struct tab *tab)
{
    tab_connect(tab);
}

bool tab_wants_back(const struct tab *tab)
{
    return tab->socket == NULL && !tab->closed_for_good &&
           scn_attrs_find(&tab->actor->scn->attrs, "reconnect") != NULL &&
           tab->failures < FAILURES_MAX && !tab->actor->play->ending &&
           (tab->actor->instance->alive || tab->actor->instance->coming);
}

void tab_reconnect_later(struct tab *tab)
{
    const struct scn_attr *range = scn_attrs_find(&tab->actor->scn->attrs, "reconnect");
    uint64_t from_ns = world_now_ns();

    world_meet(WORLD_MET_FAKES);
    if (!tab_wants_back(tab)) {
        set_reconnecting(tab, false);
        return;
    }
    set_reconnecting(tab, true);
    if (from_ns < tab->away_until_ns) from_ns = tab->away_until_ns;
    if (from_ns < tab->frozen_until_ns) from_ns = tab->frozen_until_ns;
    from_ns += us_ns(tab->failures * failure_pause_us);
    world_task_disarm(tab->reconnect_task);
    world_task_window(tab->reconnect_task, from_ns + us_ns((uint64_t)range->value.low),
                      from_ns + us_ns((uint64_t)range->value.high));
}

static void reconnect(void *argument)
{
    struct tab *tab = argument;

    if (tab->socket != NULL || !tab_wants_back(tab)) return;
    tab_connect(tab);
}

/* --- losing the socket --- */

void tab_offline(struct tab *tab, const char *why, uint32_t code)
{
    struct socket *socket = tab->socket;

    world_meet(WORLD_MET_FAKES);
    if (socket == NULL) return;
    socket->tab_open = false;
    tab->socket = NULL;
    if (tab->speech == SPEECH_POLLING) polling_rests(tab);
    if (tab->phase != TAB_ONLINE) tab->failures++;
    tab->phase = TAB_OFFLINE;
    tab->fetching = false;
    RECORD(CLIENT_OFFLINE, tab->actor->party, 0, 0, 0, .conn = socket->serial,
           .gen = (int64_t)tab->gen, .why = record_intern(why), .code = code);
    tab_reconnect_later(tab);
    faults_refresh(tab->actor->play);
}

/* The core's end hears that the connection broke. */
static void core_hears(struct socket *socket, const char *why)
{
    if (socket->ends != NULL)
        sockets_reset(socket);
    else
        ws_post(socket->instance, socket, WORK_CLOSED, NULL, why);
}

static void core_hears_late(void *argument)
{
    struct tab *tab = argument;

    core_hears(tab->late_socket, "closed late");
}

static struct frame *goodbye(struct socket *socket)
{
    struct frame *frame = link_frame(socket, FRAME_CLOSE);

    if (socket->ends != NULL) sockets_part(frame, 1000);
    return frame;
}

void tab_close(struct tab *tab)
{
    struct socket *socket = tab->socket;

    world_meet(WORLD_MET_FAKES);
    if (socket == NULL) return;
    socket->left = true;
    if (tab->late_close_us > 0 && !world_task_armed(tab->closer_task)) {
        tab->late_socket = socket;
        world_task_arm(tab->closer_task, ahead_ns(tab->late_close_us));
        tab->late_close_us = 0;
        link_drop(&tab->to_core, socket, "closed");
        socket->cut = true;
    } else if (!socket->cut) {
        link_push(&tab->to_core, goodbye(socket));
    }
    tab->closed_for_good = true;
    tab_offline(tab, "closed", 0);
}

void tab_fresh(struct tab *tab)
{
    meet_each(PLACE_PAGE, tab->actor->index);
    tab->page = (struct cursor_store){ false, 0, 0 };
    tab->gen = 0;
    tab->acked = 0;
    tab->prompt_count = 0;
    RECORD(CLIENT_FRESH, tab->actor->party, 0, 0, 0, .session = tab->actor->session_word);
}

static void cut_links(struct tab *tab, struct socket *socket, const char *why)
{
    socket->cut = true;
    link_drop(&tab->to_core, socket, why);
    link_drop(&tab->to_tab, socket, why);
}

void tab_cut(struct tab *tab, const char *why)
{
    struct socket *socket = tab->socket;

    if (socket == NULL) return;
    cut_links(tab, socket, why);
    core_hears(socket, why);
    tab_offline(tab, why, 0);
}

void tab_halfopen(struct tab *tab, uint64_t until_ns)
{
    struct socket *socket = tab->socket;

    if (socket == NULL) return;
    cut_links(tab, socket, "the far end is gone");
    if (socket->ends != NULL) sockets_resume(socket);
    tab->away_until_ns = until_ns;
    tab_offline(tab, "network lost", 0);
}

void tab_back(struct tab *tab)
{
    tab->away_until_ns = 0;
    if (tab_wants_back(tab)) tab_reconnect_later(tab);
}

void tab_try_anew(struct tab *tab)
{
    meet_each(PLACE_PAGE, tab->actor->index);
    if (tab->failures == 0 && tab->socket != NULL) return;
    world_meet(WORLD_MET_FAKES);
    tab->failures = 0;
    if (tab_wants_back(tab) && !world_task_armed(tab->reconnect_task)) tab_reconnect_later(tab);
}

void tab_freeze(struct tab *tab, uint64_t until_ns)
{
    world_meet(WORLD_MET_FAKES);
    if (!tab->frozen) tab->frozen_since_ns = world_now_ns();
    tab->frozen = true;
    tab->frozen_until_ns = until_ns;
    if (!tab_wants_back(tab)) return;
    world_task_disarm(tab->reconnect_task);
    if (until_ns != WORLD_NEVER) tab_reconnect_later(tab);
}

void tab_thaw(struct tab *tab)
{
    world_meet(WORLD_MET_FAKES);
    tab->frozen_ns = tab_frozen_ns(tab);
    tab->frozen = false;
    tab->frozen_until_ns = 0;
    world_wake(&tab->thawed);
    if (tab->speech == SPEECH_POLLING) polling_thaws(tab);
    if (tab_wants_back(tab)) tab_reconnect_later(tab);
}

uint64_t tab_frozen_ns(const struct tab *tab)
{
    return tab->frozen_ns + (tab->frozen ? world_now_ns() - tab->frozen_since_ns : 0);
}

/* --- setting up --- */

/* Tabs of one user with cursors=shared write into one store, as pages of one browser do. */
static struct cursor_store *find_shared(struct play *play, const struct actor *actor)
{
    for (uint32_t i = 0; i < actor->index; i++) {
        const struct actor *other = &play->actors[i];
        if (other->scn->kind != SCN_ACTOR_TAB || strcmp(other->user, actor->user) != 0 ||
            strcmp(other->session, actor->session) != 0)
            continue;
        if (strcmp(attr_text(&other->scn->attrs, "cursors", "own"), "shared") == 0)
            return other->tab->kept;
    }
    return NULL;
}

static enum speech speech_of(const struct actor *actor)
{
    const char *word = attr_text(&actor->scn->attrs, "speaks", "websocket");

    if (strcmp(word, "events") == 0) return SPEECH_EVENTS;
    return strcmp(word, "polling") == 0 ? SPEECH_POLLING : SPEECH_WEBSOCKET;
}

void tab_init(struct actor *actor)
{
    struct tab *tab = scratch_alloc(sizeof *tab);
    char name[WORLD_NAME_MAX];

    actor->tab = tab;
    tab->actor = actor;
    tab->speech = speech_of(actor);
    tab->outgoing_tail = &tab->outgoing;
    tab->closed_for_good = true;
    if (strcmp(attr_text(&actor->scn->attrs, "cursors", "own"), "shared") == 0) {
        tab->kept = find_shared(actor->play, actor);
        if (tab->kept == NULL) tab->kept = scratch_alloc(sizeof *tab->kept);
    }
    link_init(actor->play, tab, &tab->to_core, true);
    link_init(actor->play, tab, &tab->to_tab, false);
    tab->reconnect_task = world_task(name_of(name, actor->scn->name, ".reconnect", ""),
                                     WORLD_MESSAGE, reconnect, tab);
    tab->closer_task = world_task(name_of(name, actor->scn->name, ".late_close", ""),
                                  WORLD_MESSAGE, core_hears_late, tab);
    if (tab->speech == SPEECH_POLLING) polling_init(tab);
}
