/* The course of one connection, from the first frame to the last: what docs/PROTOCOL.md leaves no
 * choice about. After hello and connection_ready each number that follows is known out here: where
 * the replay begins and ends, which gap is told, which event is next. Where the network lost or
 * reordered frames only what a frame says about itself is judged. */
#include "fakes/internal.h"

static void object(const struct tab *tab, const char *what, uint64_t told, uint64_t due)
{
    if (told == due) return;
    RECORD(REPORTED, tab->actor->instance->party, tab->actor->instance->party, 0, 0,
           .what = record_intern(what), .told = (int64_t)told, .least = (int64_t)due,
           .most = (int64_t)due);
}

static uint64_t number_of(const json_t *body, const char *name)
{
    return (uint64_t)json_integer_value(json_object_get(body, name));
}

static bool says(const json_t *body, const char *name, const char *word)
{
    const char *text = json_string_value(json_object_get(body, name));
    return text != NULL && strcmp(text, word) == 0;
}

/* --- the handshake --- */

static uint64_t replay_limit(const struct tab *tab)
{
    return tab->actor->play->stage->settings[tab->actor->instance->index].replay_max_events;
}

static const char *mode_due(const struct tab *tab, const struct hello_note *hello)
{
    const struct course *course = &tab->socket->course;

    if (!hello->known) return "fresh";
    bool held = hello->epoch == course->epoch && hello->cursor <= course->head &&
                hello->cursor + 1 >= course->floor;
    return held && course->head - hello->cursor <= replay_limit(tab) ? "tail" : "resync";
}

/* The replay begins behind the cursor, or is as long as it may be. */
static void foresee(struct tab *tab, const json_t *body)
{
    const struct hello_note *hello = &tab->socket->hello;
    struct course *course = &tab->socket->course;
    uint64_t limit = replay_limit(tab);
    bool known = hello->known && hello->epoch == course->epoch && hello->cursor <= course->head;

    course->mode = mode_due(tab, hello);
    course->cursor = known ? hello->cursor : 0;
    course->from = course->floor;
    if (course->head + 1 - course->floor > limit) course->from = course->head + 1 - limit;
    if (strcmp(course->mode, "tail") == 0) course->from = hello->cursor + 1;
    object(tab, "whether connection_ready says recovered",
           json_is_true(json_object_get(body, "recovered")), strcmp(course->mode, "tail") == 0);
}

static void on_ready(struct tab *tab, const json_t *body)
{
    struct course *course = &tab->socket->course;

    object(tab, "whether a connection was ready before", course->ready, false);
    course->ready = true;
    course->epoch = number_of(body, "epoch");
    course->head = number_of(body, "head");
    course->floor = number_of(body, "floor");
    if (tab->socket->hello.said) foresee(tab, body);
    else course->blind = true;
}

/* --- replays --- */

static void on_gap(struct tab *tab, const json_t *body)
{
    struct course *course = &tab->socket->course;
    uint64_t to = number_of(body, "to");

    object(tab, "the beginning of a gap", number_of(body, "from"), course->cursor + 1);
    object(tab, "whether a gap is one", to > course->cursor, true);
    course->cursor = to;
    course->skipped = true;
}

/* The first one is foreseen. Any other comes because the tab was left behind, which a gap told. */
static void on_initial_state(struct tab *tab, const json_t *body)
{
    struct course *course = &tab->socket->course;
    uint64_t to = number_of(body, "to");

    if (!course->begun) {
        object(tab, "the mode of initial_state", says(body, "mode", course->mode), true);
        object(tab, "the beginning of the first replay", number_of(body, "from"), course->from);
        object(tab, "the end of the first replay", to, course->head);
    } else {
        object(tab, "the mode of a new beginning", says(body, "mode", "resync"), true);
        object(tab, "whether a new beginning leaves something out", course->skipped, true);
    }
    object(tab, "the epoch of initial_state", number_of(body, "epoch"), course->epoch);
    object(tab, "the beginning of a replay", number_of(body, "from"), course->cursor + 1);
    course->begun = course->replays = true;
    course->skipped = false;
    course->to = to;
}

static void on_complete(struct tab *tab, const json_t *body)
{
    struct course *course = &tab->socket->course;

    object(tab, "whether a replay that is complete was under way", course->replays, true);
    object(tab, "the end of a replay", number_of(body, "to"), course->to);
    course->replays = false; /* what is missing then is lost: no_silent_gap says it best */
}

/* What is sent counts from the moment at which the transport has it, and goes out behind it. */
static void on_heartbeat(struct tab *tab, const json_t *body)
{
    const struct course *course = &tab->socket->course;

    object(tab, "what a heartbeat says was sent", number_of(body, "sent"), course->cursor);
    object(tab, "whether the head is not below what was sent",
           number_of(body, "head") >= course->cursor, true);
}

/* --- all of them --- */

void tab_follows_event(struct tab *tab, uint64_t seq)
{
    struct course *course = &tab->socket->course;

    course->blind = course->blind || tab->socket->lossy;
    if (course->blind) return;
    object(tab, "whether an event comes after the beginning", course->begun && !course->skipped,
           true);
    /* Whether it is the next one, no_silent_gap and events_in_order say better. */
    if (course->replays) object(tab, "whether an event is of the replay", seq <= course->to, true);
    course->cursor = seq;
}

/* Why a connection is closed is said before, if it has to do with what the tab asked for. */
static const struct notice {
    uint32_t close;
    const char *type, *about, *code;
} notices[] = {
    { CORE_CLOSE_TAKEN_OVER, "taken_over", NULL, NULL },
    { CORE_CLOSE_REFUSED, "error", "hello", "not_found" },
    { CORE_CLOSE_EXCESS, "error", "hello", "limit" },
    { CORE_CLOSE_UNAVAILABLE, "error", "hello", NULL },
    { CORE_CLOSE_TOO_BIG, "error", "", "invalid" },
    { CORE_CLOSE_RATE, "error", "", "limit" },
};

static bool is_notice(const struct notice *notice, const char *type, const json_t *body)
{
    return strcmp(type, notice->type) == 0 &&
           (notice->about == NULL || says(body, "about", notice->about)) &&
           (notice->code == NULL || says(body, "code", notice->code));
}

static uint32_t note_notices(const char *type, const json_t *body)
{
    uint32_t bits = 0;

    for (size_t i = 0; i < sizeof notices / sizeof notices[0]; i++)
        if (is_notice(&notices[i], type, body)) bits |= 1u << i;
    return bits;
}

void tab_follows_close(struct tab *tab, uint32_t code)
{
    const struct socket *socket = tab->socket;

    /* A connection that the core did not take is closed by its transport, which says nothing. */
    if (!socket->close_queued || socket->course.blind || socket->cut_short) return;
    if (socket->frames_seen != socket->frames_out) return;
    for (size_t i = 0; i < sizeof notices / sizeof notices[0]; i++) {
        if (notices[i].close != code) continue;
        object(tab, "whether it was said why a connection is closed",
               socket->course.notices >> i & 1, true);
    }
}

void tab_follows_frame(struct tab *tab, const char *type, const json_t *body)
{
    struct course *course = &tab->socket->course;

    course->blind = course->blind || tab->socket->lossy;
    course->notices = note_notices(type, body);
    if (strcmp(type, "error") == 0) {
        tab_checks_error(tab, body);
        return;
    }
    object(tab, "whether anything comes after taken_over", course->over, false);
    course->over = strcmp(type, "taken_over") == 0;
    if (course->blind) return;
    if (strcmp(type, "connection_ready") == 0) {
        on_ready(tab, body);
        return;
    }
    object(tab, "whether connection_ready is the first frame", course->ready, true);
    if (strcmp(type, "gap") == 0) on_gap(tab, body);
    else if (strcmp(type, "initial_state") == 0) on_initial_state(tab, body);
    else if (strcmp(type, "state_replay_complete") == 0) on_complete(tab, body);
    else if (strcmp(type, "heartbeat") == 0) on_heartbeat(tab, body);
}
