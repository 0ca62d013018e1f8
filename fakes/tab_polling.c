/* A tab that polls: page after page of the log by GET, each question behind the page before, or a
 * while after it if that was the last one. The core knows nothing of such a tab. */
#include "fakes/internal.h"

#include <inttypes.h>
#include <stdio.h>

enum { PATH_ROOM = 256 };

static void hurried(struct tab *tab, bool hurries)
{
    if (tab->hurried == hurries) return;
    tab->hurried = hurries;
    play_busy(tab->actor->play, place_each(PLACE_RETURNS, tab->actor->index), hurries);
}

/* --- asking --- */

/* As a page asked for over a WebSocket is. */
static void note_question(struct tab *tab, const struct hello_note *place)
{
    char text[128];
    int length = snprintf(text, sizeof text, "{\"type\":\"history\"}");

    if (place->known)
        length = snprintf(text, sizeof text, "{\"type\":\"history\",\"epoch\":%" PRIu64
                          ",\"cursor\":%" PRIu64 "}", place->epoch, place->cursor);
    tab_asks_page(tab, text, (size_t)length);
}

void polling_greet(struct socket *socket, struct frame *frame)
{
    struct tab *tab = socket->tab;
    char *text = scratch_alloc(REQUEST_ROOM), path[PATH_ROOM], cursor[64] = "";
    const struct hello_note place = tab_place(tab);

    if (place.known)
        (void)snprintf(cursor, sizeof cursor, "?epoch=%" PRIu64 "&cursor=%" PRIu64, place.epoch,
                       place.cursor);
    (void)snprintf(path, sizeof path, "/sessions/%s/history%s",
                   session_called(tab->actor->play, tab->actor->session), cursor);
    struct http_request request = { .path = path, .host = sockets_host(socket),
                                    .token = sockets_token(socket) };
    note_question(tab, &place);
    tab->asking = true;
    frame->bytes = text;
    frame->length = http_begin(&socket->ends->http, &request, text, REQUEST_ROOM, MESSAGE_MAX,
                               scratch_grow, NULL);
    REQUIRE(frame->length > 0);
}

/* On the connection that there is, or on a new one. */
static void ask(struct tab *tab)
{
    if (tab->socket == NULL || tab->asking) return;
    if (tab->socket->ends->over || !tab->socket->ends->http.keeps) {
        tab_connect(tab);
        return;
    }
    struct frame *frame = link_frame(tab->socket, FRAME_BYTES);
    polling_greet(tab->socket, frame);
    if (!tab->socket->cut) link_push(&tab->to_core, frame);
}

static void ask_later(struct tab *tab)
{
    uint64_t pause_us = (uint64_t)attr_number(&tab->actor->scn->attrs, "poll", 1000000);

    world_task_disarm(tab->poll_task);
    if (!tab->actor->play->ending) world_task_arm(tab->poll_task, ahead_ns(pause_us));
}

static void poll_again(void *argument)
{
    struct tab *tab = argument;

    if (!tab->frozen) ask(tab);
}

void polling_init(struct tab *tab)
{
    char name[WORLD_NAME_MAX];

    tab->poll_task = world_task(name_of(name, tab->actor->scn->name, ".poll", ""), WORLD_MESSAGE,
                                poll_again, tab);
}

void polling_thaws(struct tab *tab)
{
    if (tab->socket != NULL && !tab->asking && !world_task_armed(tab->poll_task)) ask_later(tab);
}

void polling_rests(struct tab *tab)
{
    world_task_disarm(tab->poll_task);
    tab->asking = false;
    hurried(tab, false);
}

void polling_hurries(struct tab *tab)
{
    if (tab->socket == NULL) return;
    world_task_disarm(tab->poll_task);
    ask(tab);
    /* Afterwards: a new connection begins with the end of the old one, and of its hurry. */
    hurried(tab, tab->asking);
}

/* --- answers --- */

static void becomes_online(struct tab *tab)
{
    if (tab->phase == TAB_ONLINE) return;
    tab->phase = TAB_ONLINE;
    tab->failures = 0;
    RECORD(CLIENT_ONLINE, tab->actor->party, 0, 0, 0, .conn = tab->socket->serial);
    tab_online(tab);
}

static void hear_page(struct tab *tab, const struct http_event *event)
{
    struct byte_ends *ends = tab->socket->ends;
    struct frame page = { .socket = tab->socket, .kind = FRAME_MESSAGE,
                          .word = record_intern("history_page"), .number = ++ends->pages };
    const json_t *body = json_loadb(event->bytes, event->length, 0, NULL);
    bool more = json_is_true(json_object_get(body, "more"));

    tab_takes_page(tab, &page, body);
    becomes_online(tab);
    if (more) {
        ask(tab);
        return;
    }
    hurried(tab, false);
    ask_later(tab);
}

void polling_hears(struct socket *socket, const struct http_event *event)
{
    struct tab *tab = socket->tab;

    if (event->kind == HTTP_GOT_BROKEN)
        play_break(tab->actor->play, tab->actor->scn->place, tab->actor->scn->name, event->bytes);
    if (tab->socket != socket) return;
    tab->asking = false;
    if (event->kind == HTTP_GOT_BODY && socket->ends->http.status == 200)
        hear_page(tab, event);
    else
        tab_cut(tab, "the server refused a page");
}

void polling_ends(struct socket *socket)
{
    if (socket->tab->asking)
        tab_offline(socket->tab, "the connection ended", 0);
    else
        socket->ends->over = true;
}
