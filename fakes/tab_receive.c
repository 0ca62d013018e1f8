/* What a tab does with a message from the core. It applies every event that it is given, whatever
 * its seq: a client that hides duplicates would hide the core's mistakes. Only what the wire itself
 * lost is asked for again. */
#include "fakes/internal.h"
#include "fakes/text.h"

static uint64_t number_of(const json_t *body, const char *name)
{
    return (uint64_t)json_integer_value(json_object_get(body, name));
}

static record_word word_of(const json_t *body, const char *name)
{
    const char *text = json_string_value(json_object_get(body, name));
    return text == NULL ? 0 : record_intern(text);
}

static const char *text_of(const json_t *body, const char *name)
{
    const char *text = json_string_value(json_object_get(body, name));
    return text == NULL ? "" : text;
}

static void fetch_tail(struct tab *tab)
{
    if (tab->speech == SPEECH_EVENTS) {
        tab_renew(tab);
        return;
    }
    json_t *body = json_object();

    json_object_set_new(body, "type", json_string("history"));
    json_object_set_new(body, "epoch", json_integer((json_int_t)tab->page.epoch));
    json_object_set_new(body, "cursor", json_integer((json_int_t)tab->page.cursor));
    tab->fetching = true;
    tab_send(tab, body, "history");
}

/* --- prompts --- */

struct prompt_note *tab_prompt(struct tab *tab, const char *id, bool open_only)
{
    for (uint32_t i = tab->prompt_count; i-- > 0;) {
        struct prompt_note *note = &tab->prompts[i];
        if ((id == NULL || strcmp(note->id, id) == 0) && (!open_only || note->open)) return note;
    }
    return NULL;
}

static struct prompt_note *note_prompt(struct tab *tab, const json_t *fields)
{
    uint64_t number = number_of(fields, "prompt");

    for (uint32_t i = 0; i < tab->prompt_count; i++) {
        if (tab->prompts[i].number != number) continue;
        tab_checks_prompt(tab, &tab->prompts[i], fields);
        return &tab->prompts[i];
    }
    if (tab->prompt_count == PROMPTS_MAX) return NULL;
    struct prompt_note *note = &tab->prompts[tab->prompt_count++];
    *note = (struct prompt_note){ text_of(fields, "id"), number, number_of(fields, "run"),
                                   tab->page.epoch, false, true };
    return note;
}

static void on_prompt(struct tab *tab, const json_t *fields, bool input)
{
    struct prompt_note *note = note_prompt(tab, fields);

    if (note != NULL) note->input = input;
    tab_checks_question(tab, input, fields);
    RECORD(PROMPT_SHOWN, tab->actor->party, 0, 0, 0, .id = word_of(fields, "id"),
           .prompt = (int64_t)number_of(fields, "prompt"), .gen = (int64_t)tab->gen);
}

static void on_error(struct tab *tab, const json_t *body)
{
    const char *about = text_of(body, "about");

    if (strcmp(about, "confirm") != 0 && strcmp(about, "user_input") != 0) return;
    RECORD(ANSWER_REFUSED, tab->actor->party, 0, 0, 0, .code = word_of(body, "code"));
}

/* --- events --- */

/* A frame without a seq tells what the log has told before. */
static void note_told(struct tab *tab, const json_t *fields, uint64_t seq)
{
    RECORD(CLIENT_TOLD, tab->actor->party, 0, 0, 0, .seq = (int64_t)seq,
           .run = (int64_t)number_of(fields, "run"), .state = word_of(fields, "state"),
           .prompt = (int64_t)number_of(fields, "prompt"), .outcome = word_of(fields, "outcome"));
}

static bool tells_state(const char *type)
{
    return strcmp(type, "run_state") == 0 || strcmp(type, "prompt_closed") == 0 ||
           strcmp(type, "request_confirmation") == 0 || strcmp(type, "request_user_input") == 0;
}

/* What an event means to the tab, beyond being shown. */
static void understand(struct tab *tab, const char *type, const json_t *fields, uint64_t seq)
{
    if (tells_state(type)) note_told(tab, fields, seq);
    if (seq > 0) tab_checks_fields(tab, type, fields);
    if (strcmp(type, "request_confirmation") == 0) {
        on_prompt(tab, fields, false);
    } else if (strcmp(type, "request_user_input") == 0) {
        on_prompt(tab, fields, true);
    } else if (strcmp(type, "prompt_closed") == 0) {
        struct prompt_note *note = note_prompt(tab, fields);
        if (note != NULL) note->open = false;
    } else if (strcmp(type, "run_state") == 0) {
        tab->run = number_of(fields, "run");
        tab_checks_run(tab, type, fields);
    } else if (strcmp(type, "server_state") == 0) {
        RECORD(SRV_STATE, tab->actor->party, 0, 0, 0, .state = word_of(fields, "state"),
               .port = (int64_t)number_of(fields, "port"),
               .version = (int64_t)number_of(fields, "version"),
               .instance = (int64_t)number_of(fields, "instance"),
               .app = word_of(fields, "app"), .session = tab->actor->session_word);
    }
}

static int64_t digest_of(const json_t *payload)
{
    char *text = json_dumps(payload, JSON_COMPACT);
    return text == NULL ? 0 : record_digest(text, strlen(text));
}

static void record_received(struct tab *tab, const struct frame *frame, record_word kind,
                            const json_t *body, const json_t *fields, uint64_t seq)
{
    const struct link *link = &tab->to_tab;

    RECORD(CLIENT_RECV, link->to, link->from, link->to, frame->cause, .kind = kind,
           .seq = (int64_t)seq, .id = word_of(fields, "id"), .state = word_of(fields, "state"),
           .port = (int64_t)number_of(fields, "port"), .code = word_of(body, "code"),
           .outcome = word_of(fields, "outcome"), .conn = frame->socket->serial,
           .frame = frame->number);
}

/* An event as it came, in a frame of its own or in a page. */
struct told {
    struct arrival arrival;
    record_word kind;
    int64_t digest;
};

static struct told told_by(const json_t *body, record_word kind)
{
    const json_t *payload = json_object_get(body, "payload");

    return (struct told){
        .arrival = { .kind = record_text(kind), .fields = payload, .more = body,
                     .seq = number_of(body, "seq"), .ordinal = number_of(payload, "n"),
                     .by = word_of(payload, "by") },
        .kind = kind, .digest = digest_of(payload) };
}

/* Most events are an agent's own, and say nothing that has to be parsed. */
static struct told told_by_frame(const struct frame *frame)
{
    struct told told = { .kind = frame->word };
    struct event_text event;
    const char *by;
    size_t by_length;

    if (!text_parse_event(frame->bytes, frame->length, &event))
        return told_by(json_loadb(frame->bytes, frame->length, 0, NULL), frame->word);
    told.digest = record_digest(event.payload, event.payload_length);
    told.arrival.kind = record_text(frame->word);
    told.arrival.seq = event.seq;
    if (text_parse_payload(event.payload, event.payload_length, &by, &by_length,
                           &told.arrival.ordinal)) {
        told.arrival.by = record_intern_bytes(by, by_length);
        return told;
    }
    told.arrival.fields = json_loadb(event.payload, event.payload_length, 0, NULL);
    told.arrival.ordinal = number_of(told.arrival.fields, "n");
    told.arrival.by = word_of(told.arrival.fields, "by");
    return told;
}

static void apply(struct tab *tab, const struct frame *frame, const struct told *told)
{
    const struct arrival *arrival = &told->arrival;

    record_received(tab, frame, told->kind, arrival->more, arrival->fields, arrival->seq);
    RECORD(CLIENT_APPLY, tab->actor->party, 0, 0, 0, .session = tab->actor->session_word,
           .epoch = (int64_t)tab->page.epoch, .seq = (int64_t)arrival->seq,
           .digest = told->digest, .kind = told->kind, .gen = (int64_t)tab->gen);
    if (arrival->seq > tab->page.cursor) tab->page.cursor = arrival->seq;
    tab_keep_cursor(tab);
    understand(tab, arrival->kind, arrival->fields, arrival->seq);
    inbox_add(tab->actor, arrival);
}

static void record_late(struct tab *tab, const struct frame *frame)
{
    RECORD(WIRE_DROP, tab->actor->party, tab->to_tab.from, tab->to_tab.to, frame->cause,
           .conn = frame->socket->serial, .kind = frame->word, .seq = (int64_t)frame->seq,
           .frame = frame->number, .why = record_intern("came before"));
}

static void on_event(struct tab *tab, const struct frame *frame)
{
    struct told told = told_by_frame(frame);
    uint64_t next = tab->page.cursor + 1;

    tab_follows_event(tab, told.arrival.seq);
    /* It asked for the page, so this is no surprise: the event was under way meanwhile. */
    if (told.arrival.seq <= tab->paged) {
        record_late(tab, frame);
        return;
    }
    if (frame->socket->lossy && (tab->phase == TAB_CONNECTING || told.arrival.seq > next)) {
        if (told.arrival.seq > tab->put_off) tab->put_off = told.arrival.seq;
        if (!tab->fetching && tab->phase != TAB_CONNECTING) fetch_tail(tab);
        return;
    }
    apply(tab, frame, &told);
}

static void on_history_page(struct tab *tab, const struct frame *frame, const json_t *body)
{
    const json_t *events = json_object_get(body, "events"), *event;
    size_t i;

    if (!tab->fetching) return;
    tab->fetching = false;
    json_array_foreach(events, i, event) {
        struct told told = told_by(event, word_of(event, "type"));
        uint64_t seq = told.arrival.seq;
        if (seq <= tab->page.cursor) continue;
        if (json_is_true(json_object_get(body, "trimmed")) && seq > tab->page.cursor + 1) {
            RECORD(GAP_TOLD, tab->actor->party, 0, 0, 0, .epoch = (int64_t)tab->page.epoch,
                   .from = (int64_t)tab->page.cursor + 1, .to = (int64_t)seq - 1,
                   .gen = (int64_t)tab->gen);
        }
        apply(tab, frame, &told);
    }
    tab->paged = tab->page.cursor;
    frame->socket->lossy = tab->put_off > tab->page.cursor;
    if (frame->socket->lossy || json_is_true(json_object_get(body, "more"))) fetch_tail(tab);
}

/* --- pages that are polled --- */

/* What comes between where the tab was and the page, it will not get. */
static void note_trimmed(const struct tab *tab, uint64_t cursor, uint64_t first)
{
    if (first <= cursor + 1) return;
    RECORD(GAP_TOLD, tab->actor->party, 0, 0, 0, .epoch = (int64_t)tab->page.epoch,
           .from = (int64_t)cursor + 1, .to = (int64_t)first - 1, .gen = 0);
}

/* Where the log goes on for the tab, or begins: as a handshake tells it. */
static void begin_page(struct tab *tab, const struct frame *frame, const json_t *body)
{
    const struct hello_note *place = &frame->socket->hello;
    uint64_t epoch = number_of(body, "epoch"), next = number_of(body, "next");
    bool renewed = json_is_true(json_object_get(body, "epoch_changed"));
    bool trimmed = json_is_true(json_object_get(body, "trimmed"));
    bool recovered = place->known && !renewed && !trimmed && place->epoch == epoch;
    const json_t *events = json_object_get(body, "events");
    uint64_t first = number_of(json_array_get(events, 0), "seq");

    RECORD(CLIENT_READY, tab->actor->party, 0, 0, 0, .conn = frame->socket->serial,
           .session = tab->actor->session_word, .epoch = (int64_t)epoch,
           .head = (int64_t)(recovered ? place->cursor : next), .floor = 1,
           .recovered = recovered, .cursor = place->known ? (int64_t)place->cursor : 0,
           .cursor_epoch = place->known ? (int64_t)place->epoch : 0);
    uint64_t cursor = place->known && place->epoch == epoch && !renewed ? place->cursor : 0;
    if (place->known && renewed)
        RECORD(RESYNC, tab->actor->party, 0, 0, 0, .epoch = (int64_t)epoch,
               .from = (int64_t)cursor + 1, .to = first == 0 ? (int64_t)next : (int64_t)first - 1,
               .head = (int64_t)next);
    tab->page = (struct cursor_store){ true, epoch, cursor };
    if (trimmed) note_trimmed(tab, cursor, first == 0 ? next + 1 : first);
}

void tab_takes_page(struct tab *tab, const struct frame *frame, const json_t *body)
{
    const json_t *event;
    size_t i;

    record_received(tab, frame, frame->word, body, body, 0);
    tab_checks_frame(tab, "history_page", body, body);
    begin_page(tab, frame, body);
    json_array_foreach(json_object_get(body, "events"), i, event) {
        struct told told = told_by(event, word_of(event, "type"));
        apply(tab, frame, &told);
    }
    tab->page.cursor = number_of(body, "next");
    tab_keep_cursor(tab);
    inbox_add(tab->actor, &(struct arrival){ .kind = "history_page", .fields = body,
                                             .more = body });
}

/* As the scenario calls it. */
static record_word session_in(const struct tab *tab, const json_t *body)
{
    const char *text = json_string_value(json_object_get(body, "session"));
    const struct actor *actor = tab->actor;
    if (text != NULL && strcmp(text, session_called(actor->play, actor->session)) == 0)
        return actor->session_word;
    return word_of(body, "session");
}

/* --- the handshake --- */

static void on_ready(struct tab *tab, const struct frame *frame, const json_t *body)
{
    struct cursor_store *store = &tab->page;
    bool recovered = json_is_true(json_object_get(body, "recovered"));
    uint64_t epoch = number_of(body, "epoch");
    const json_t *run;
    size_t i;

    tab->gen = number_of(body, "gen");
    tab->phase = TAB_READY;
    RECORD(CLIENT_READY, tab->actor->party, 0, 0, 0, .conn = frame->socket->serial,
           .session = session_in(tab, body), .epoch = (int64_t)epoch,
           .head = (int64_t)number_of(body, "head"), .floor = (int64_t)number_of(body, "floor"),
           .gen = (int64_t)tab->gen, .recovered = recovered,
           .cursor = store->known ? (int64_t)store->cursor : 0,
           .cursor_epoch = store->known ? (int64_t)store->epoch : 0);
    json_array_foreach(json_object_get(body, "runs"), i, run)
        note_told(tab, run, number_of(body, "head"));
    if (!store->known || store->epoch != epoch) {
        *store = (struct cursor_store){ true, epoch, 0 };
        tab->acked = 0;
        tab_keep_cursor(tab);
    }
    json_array_foreach(json_object_get(body, "runs"), i, run) tab_checks_run(tab, "runs", run);
}

static void on_initial_state(struct tab *tab, const json_t *body)
{
    uint64_t from = number_of(body, "from");

    if (strcmp(text_of(body, "mode"), "resync") != 0 || from == 0) return;
    RECORD(RESYNC, tab->actor->party, 0, 0, 0, .epoch = (int64_t)number_of(body, "epoch"),
           .from = (int64_t)tab->page.cursor + 1, .to = (int64_t)from - 1,
           .gen = (int64_t)tab->gen, .head = (int64_t)number_of(body, "to"));
    /* The events from there on follow one by one, also those that the tab has seen before. */
    tab->page.cursor = from - 1;
    tab->put_off = tab->paged = 0;
    tab_keep_cursor(tab);
}

static void on_gap(struct tab *tab, const json_t *body)
{
    uint64_t to = number_of(body, "to");

    RECORD(GAP_TOLD, tab->actor->party, 0, 0, 0, .epoch = (int64_t)tab->page.epoch,
           .from = (int64_t)number_of(body, "from"), .to = (int64_t)to, .gen = (int64_t)tab->gen);
    if (to > tab->page.cursor) tab->page.cursor = to;
    tab_keep_cursor(tab);
}

static void on_replay_complete(struct tab *tab, const struct frame *frame)
{
    if (tab->phase != TAB_READY) return;
    tab_tell(tab, "connection_acknowledged", "gen", tab->gen);
    tab->phase = TAB_ONLINE;
    tab->failures = 0;
    RECORD(CLIENT_ONLINE, tab->actor->party, 0, 0, 0, .conn = frame->socket->serial,
           .gen = (int64_t)tab->gen);
    tab_flush(tab);
    tab_online(tab);
}

static void on_heartbeat(struct tab *tab, const json_t *body)
{
    uint64_t head_before = tab->head_heard;

    tab->head_heard = number_of(body, "head");
    RECORD(HEARTBEAT, tab->actor->party, 0, 0, 0, .conn = tab->socket->serial,
           .head = (int64_t)tab->head_heard, .sent = (int64_t)number_of(body, "sent"));
    tab_tell(tab, "pong", NULL, 0);
    if (tab->page.cursor > tab->acked && tab->speech == SPEECH_WEBSOCKET) {
        tab->acked = tab->page.cursor;
        RECORD(ACK, tab->actor->party, 0, 0, 0, .seq = (int64_t)tab->acked,
               .gen = (int64_t)tab->gen);
        tab_tell(tab, "ack", "seq", tab->acked);
    }
    /* Without connection_ready there is no tail to ask for: the core gives up on the handshake. */
    if (tab->phase == TAB_CONNECTING) return;
    /* Events under way may well come after a heartbeat that names them, but not a whole period
     * later, and not at all where frames are missing. A question that has no answer yet may be lost
     * itself: asking twice does no harm. */
    if (tab->page.cursor < (tab->socket->lossy ? tab->head_heard : head_before)) fetch_tail(tab);
}

static void on_control(struct tab *tab, const struct frame *frame, const json_t *body)
{
    const char *type = text_of(body, "type");
    const json_t *payload = json_object_get(body, "payload");
    const json_t *fields = payload == NULL ? body : payload;

    record_received(tab, frame, frame->word, body, fields, 0);
    tab_checks_frame(tab, type, body, fields);
    tab_follows_frame(tab, type, body);
    if (strcmp(type, "heartbeat") == 0) on_heartbeat(tab, body);
    else if (strcmp(type, "connection_ready") == 0) on_ready(tab, frame, body);
    else if (strcmp(type, "initial_state") == 0) on_initial_state(tab, body);
    else if (strcmp(type, "state_replay_complete") == 0) on_replay_complete(tab, frame);
    else if (strcmp(type, "gap") == 0) on_gap(tab, body);
    else if (strcmp(type, "history_page") == 0) on_history_page(tab, frame, body);
    else if (strcmp(type, "error") == 0) on_error(tab, body);
    else understand(tab, type, fields, 0);
    inbox_add(tab->actor, &(struct arrival){ .kind = type, .fields = fields, .more = body });
}

/* False for a message that came before. Notes whether one is missing. */
static bool is_news(struct socket *socket, uint32_t number)
{
    if (number > socket->frames_seen) {
        uint32_t ahead = number - socket->frames_seen;
        socket->lossy = socket->lossy || ahead > 1;
        socket->frames_mask = ahead < 64 ? socket->frames_mask << ahead | 1 : 1;
        socket->frames_seen = number;
        return true;
    }
    uint64_t bit = socket->frames_seen - number < 64
        ? UINT64_C(1) << (socket->frames_seen - number) : 0;
    bool news = bit != 0 && (socket->frames_mask & bit) == 0;
    socket->frames_mask |= bit;
    return news;
}

void tab_deliver(struct tab *tab, struct frame *frame)
{
    struct socket *socket = frame->socket;

    meet_each(PLACE_PAGE, tab->actor->index);
    if (socket != tab->socket) return;
    if (frame->kind == FRAME_CLOSE) {
        tab_follows_close(tab, frame->code);
        tab_offline(tab, "closed by the core", frame->code);
        return;
    }
    if (!is_news(socket, frame->number)) {
        record_late(tab, frame);
        return;
    }
    /* The one that is missing may be the only one that says where this stream begins. */
    if (socket->lossy && tab->speech == SPEECH_EVENTS) {
        tab_renew(tab);
        return;
    }
    if (frame->seq > 0)
        on_event(tab, frame);
    else
        on_control(tab, frame, json_loadb(frame->bytes, frame->length, 0, NULL));
}
