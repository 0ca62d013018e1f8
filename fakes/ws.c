/* The frame transport of one core: the thread core/ws owns every socket of its core and is the only
 * one that calls conn_ functions, as a service loop over real sockets would be. */
#include "fakes/inspect.h"

/* Deadlines are met by threads, which take their turns. */
static const uint64_t margin_us = 1000000;

static uint32_t place_of_work(const struct instance *instance, uint64_t number)
{
    return place_each(PLACE_WORK_ITEM + (uint32_t)(number % PLACE_FRAMES), instance->index);
}

void ws_post(struct instance *instance, struct socket *socket, enum work_kind kind,
             struct frame *frame, const char *why)
{
    struct ws *ws = &instance->ws;

    meet_each(PLACE_WORK, instance->index);
    if (instance->core == NULL || socket->life != instance->life) return;
    bool empty = ws->head == NULL;
    struct work *work = scratch_alloc(sizeof *work);
    *work = (struct work){ NULL, socket, kind, frame, why };
    *ws->tail = work;
    ws->tail = &work->next;
    world_meet_place(place_of_work(instance, ws->posted++), WORLD_GIVES);
    /* Nobody waits while there is work. */
    if (empty) world_wake(&ws->queue);
    else world_release(&ws->queue);
}

/* --- callbacks of the core: any thread, must not block --- */

static uint16_t party_of(const struct socket *socket)
{
    return socket->tab->actor->party;
}

static struct socket *socket_of(struct instance *instance, uint64_t handle)
{
    REQUIRE(handle > 0 && handle <= instance->play->socket_count);
    struct socket *socket = instance->play->sockets[handle - 1];
    REQUIRE(socket->instance == instance);
    return socket;
}

/* What is as it should be is not worth a record: there are hundreds. */
static void object(const struct socket *socket, const char *what, uint64_t told, uint64_t least,
                   uint64_t most)
{
    if (told < least || told > most) inspect_tell(socket->instance, what, told, least, most);
}

/* Before conn_open has returned nobody knows which one it will be. */
static void judge_handle(const struct socket *socket, struct conn_ref conn)
{
    if (!socket->core_open) return;
    object(socket, "whether a call names its connection",
                 conn.slot == socket->conn.slot && conn.generation == socket->conn.generation, 1,
                 1);
}

void ws_want_write(void *argument, uint64_t handle, struct conn_ref conn)
{
    struct instance *instance = argument;
    struct socket *socket = socket_of(instance, handle);

    meet_each(PLACE_WANTED, socket->tab->actor->index);
    judge_handle(socket, conn);
    /* Calls overtake each other, but for each one the core was told to wait for it. */
    object(socket, "how often a transport was woken", ++socket->wakes, 1,
                 socket->silences + 1);
    if (socket->wanted_ns == 0) socket->wanted_ns = world_now_ns();
    if (socket->write_queued) return;
    socket->write_queued = true;
    ws_post(instance, socket, WORK_WRITE, NULL, NULL);
}

void ws_close(void *argument, uint64_t handle, struct conn_ref conn, enum core_close_code code)
{
    struct instance *instance = instance_called(argument);
    struct socket *socket = socket_of(instance, handle);

    judge_handle(socket, conn);
    if (socket->close_queued) return;
    socket->close_queued = true;
    socket->close_code = (uint32_t)code;
    RECORD(CORE_CLOSE, party_of(socket), socket->instance->party, party_of(socket), 0,
           .conn = socket->serial, .code = socket->close_code);
    ws_post(instance, socket, WORK_CLOSE, NULL, NULL);
}

void wire_tell(const struct socket *socket, enum stage_wire_kind kind, const struct frame *frame)
{
    const struct actor *actor = socket->tab->actor;
    const struct stage_hooks *hooks = &actor->play->stage->hooks;

    if (hooks->wire == NULL) return;
    struct stage_wire what = { .kind = kind, .raw = socket->ends != NULL, .socket = socket->handle,
                               .tab = actor->index, .core = socket->instance->index,
                               .serial = socket->serial, .user = actor->user };
    if (frame != NULL) {
        what.bytes = frame->bytes;
        what.length = frame->length;
        what.number = frame->number;
        what.code = frame->code;
    }
    hooks->wire(hooks->context, &what);
}

/* --- on core/ws --- */

record_word ws_type_of(const char *bytes, size_t length)
{
    static const char mark[] = "\"type\":\"";
    const char *at = memmem(bytes, length, mark, sizeof mark - 1);

    if (at == NULL) return 0;
    at += sizeof mark - 1;
    const char *end = memchr(at, '"', length - (size_t)(at - bytes));
    return end == NULL ? 0 : record_intern_bytes(at, (size_t)(end - at));
}

static void send_frame(struct socket *socket, const struct conn_frame *given)
{
    struct instance *instance = socket->instance;
    struct frame *frame = link_frame(socket, FRAME_MESSAGE);

    frame->bytes = scratch_copy(given->bytes, given->length);
    frame->length = given->length;
    frame->word = ws_type_of(given->bytes, given->length);
    frame->seq = given->seq;
    frame->number = ++socket->frames_out;
    frame->cause = RECORD(CORE_SEND, party_of(socket), instance->party, party_of(socket), 0,
                          .conn = socket->serial, .kind = frame->word,
                          .seq = (int64_t)frame->seq, .frame = frame->number);
    wire_tell(socket, STAGE_WIRE_OUTPUT, frame);
    /* A peer that has silently gone takes the bytes all the same. */
    if (!socket->cut) link_push(&socket->tab->to_tab, frame);
}

/* If all that was ever sent fits in, it makes no difference how much of it has arrived. */
static bool has_room(const struct socket *socket)
{
    const struct link *link = &socket->tab->to_tab;
    if (link->taken + link->count + 1 >= LINK_WINDOW) world_meet(WORLD_MET_FAKES);
    return link->count < LINK_WINDOW;
}

/* The next frame, if there is one: counted, and a text that ends. */
static bool next_frame(struct socket *socket, struct conn_frame *frame)
{
    const struct core_api *api = socket->instance->play->api;

    if (!api->conn_next(socket->instance->core, socket->conn, frame)) {
        socket->silences++;
        return false;
    }
    object(socket, "the number of a frame", frame->number, socket->frames_out + 1u,
                 socket->frames_out + 1u);
    object(socket, "whether a frame is a text of its length",
                 frame->bytes[frame->length] == '\0' && strlen(frame->bytes) == frame->length, 1,
                 1);
    return true;
}

static void pass_on(struct socket *socket, struct conn_frame *frame)
{
    const struct core_api *api = socket->instance->play->api;
    uint64_t number = frame->number;

    send_frame(socket, frame);
    api->conn_frame_free(frame);
    api->conn_sent(socket->instance->core, socket->conn, number);
}

/* A frame is in flight: what is reported of any other changes nothing, and no second one comes. */
static void ask_too_early(struct socket *socket)
{
    const struct instance *instance = socket->instance;
    const struct core_api *api = instance->play->api;
    struct conn_frame second;

    api->conn_sent(instance->core, socket->conn, socket->held.number + 1);
    bool given = api->conn_next(instance->core, socket->conn, &second);
    socket->silences++;
    RECORD(REPORTED, instance->party, instance->party, 0, 0,
           .what = record_intern("frames given while one is in flight"), .told = given);
    if (given) api->conn_frame_free(&second);
}

/* Takes one frame even if there is no room for it, and asks for more before it is gone. */
static void pump_eagerly(struct socket *socket)
{
    while (socket->core_open) {
        if (socket->held.bytes == NULL && !next_frame(socket, &socket->held)) return;
        ask_too_early(socket);
        if (!has_room(socket)) return;
        pass_on(socket, &socket->held);
    }
}

static bool somebody_stands_still(const struct play *play)
{
    for (uint32_t i = 0; i < play->file->fault_count; i++) {
        if (play->file->faults[i].kind == SCN_FAULT_PAUSE) return true;
    }
    return false;
}

/* Without room for what the core wants to write, it gives the connection up when its time is up. */
static void note_delay(const struct socket *socket)
{
    const struct instance *instance = socket->instance;
    meet_each(PLACE_WANTED, socket->tab->actor->index);
    uint64_t most_us = instance->play->stage->settings[instance->index].send_stall_us + margin_us;
    uint64_t delay_us = (world_now_ns() - socket->wanted_ns) / 1000;

    if (socket->wanted_ns == 0 || socket->close_queued || delay_us <= most_us) return;
    if (somebody_stands_still(instance->play)) return;
    RECORD(REPORTED, instance->party, instance->party, 0, 0,
           .what = record_intern("microseconds for which it left a frame waiting"),
           .told = (int64_t)delay_us, .most = (int64_t)most_us);
}

static void pump(struct socket *socket)
{
    struct conn_frame frame;

    meet_each(PLACE_WANTED, socket->tab->actor->index);
    socket->write_queued = false;
    if (socket->instance->eager) {
        pump_eagerly(socket);
        return;
    }
    while (socket->core_open && has_room(socket)) {
        note_delay(socket);
        bool given = next_frame(socket, &frame);
        meet_each(PLACE_WANTED, socket->tab->actor->index);
        socket->wanted_ns = given ? world_now_ns() : 0;
        if (!given) return;
        pass_on(socket, &frame);
    }
}

void ws_resume(struct socket *socket)
{
    if (socket->ends != NULL) {
        sockets_resume(socket);
        return;
    }
    world_meet(WORLD_MET_FAKES);
    if (!socket->core_open || socket->write_queued) return;
    socket->write_queued = true;
    ws_post(socket->instance, socket, WORK_WRITE, NULL, NULL);
}

static void say_close(struct socket *socket, uint32_t code)
{
    struct frame *frame = link_frame(socket, FRAME_CLOSE);

    frame->code = code;
    wire_tell(socket, STAGE_WIRE_CORE_CLOSES, frame);
    if (!socket->cut) link_push(&socket->tab->to_tab, frame);
}

/* A transport that reports one close twice names a connection that is no more: the newest of the
 * tab that this life of the core has forgotten. */
void ws_repeat_close(struct socket *socket)
{
    struct instance *instance = socket->instance;
    const struct play *play = instance->play;

    if (!socket->tab->repeat_close) return;
    for (uint64_t i = play->socket_count; i-- > 0;) {
        const struct socket *old = play->sockets[i];
        if (old->tab != socket->tab || !old->closed || old->life != socket->life) continue;
        socket->tab->repeat_close = false;
        play->api->conn_closed(instance->core, old->conn);
        return;
    }
}

/* An eager transport asks for the state of its connections, too. */
static void look_at_state(const struct socket *socket, enum conn_state due)
{
    const struct instance *instance = socket->instance;

    if (!instance->eager) return;
    enum conn_state told = instance->play->api->conn_state(instance->core, socket->conn);
    object(socket, "the state of a connection", told, due, due);
}

/* Nothing was wrong with the connection. */
static bool is_orderly(uint32_t code)
{
    return code == CORE_CLOSE_NORMAL || code == CORE_CLOSE_DRAINING ||
           code == CORE_CLOSE_TAKEN_OVER || code == CORE_CLOSE_MOVED;
}

static void open_socket(struct socket *socket)
{
    struct instance *instance = socket->instance;
    enum core_result rc = instance->play->api->conn_open(
        instance->core, socket->handle, socket->tab->actor->user, &socket->conn);

    wire_tell(socket, STAGE_WIRE_OPENED, NULL);
    if (rc != CORE_OK) {
        say_close(socket, CORE_CLOSE_EXCESS);
        return;
    }
    socket->core_open = true;
    if (!socket->close_queued) look_at_state(socket, CONN_CONNECTING);
    ws_repeat_close(socket);
}

/* Who is to be closed is not heard; who says too much is closed before the call returns. */
static void judge_input(const struct socket *socket, const struct frame *frame, enum core_result rc,
                        bool asked_to_close)
{
    const struct instance *instance = socket->instance;

    if (asked_to_close)
        object(socket, "what input is told after a close", rc, CORE_STALE, CORE_STALE);
    else if (frame->length > instance->play->stage->settings[instance->index].frame_max_bytes)
        object(socket, "whether a message that is too long ends its connection",
                     socket->close_queued, 1, 1);
}

static void take_input(struct socket *socket, const struct frame *frame)
{
    struct instance *instance = socket->instance;

    if (!socket->core_open) return;
    wire_tell(socket, STAGE_WIRE_INPUT, frame);
    uint32_t input =
        RECORD(CORE_INPUT, party_of(socket), party_of(socket), instance->party, frame->cause,
               .conn = socket->serial, .kind = frame->word, .frame = frame->number);
    bool asked_to_close = socket->close_queued;
    enum core_result rc = instance->play->api->conn_input(instance->core, socket->conn,
                                                          frame->bytes, frame->length);
    judge_input(socket, frame, rc, asked_to_close);
    if (rc == CORE_OK)
        RECORD(CORE_TAKEN, party_of(socket), 0, 0, input, .conn = socket->serial,
               .frame = frame->number);
}

static void detach(struct socket *socket, const char *why)
{
    struct instance *instance = socket->instance;

    world_meet(WORLD_MET_FAKES);
    if (!socket->core_open) return;
    socket->core_open = false;
    socket->closed = true;
    socket->closed_ns = world_now_ns();
    if (socket->held.bytes != NULL)
        socket->instance->play->api->conn_frame_free(&socket->held);
    RECORD(DETACH, party_of(socket), 0, 0, 0, .conn = socket->serial, .why = record_intern(why),
           .gen = (int64_t)socket->conn.generation);
    instance->play->api->conn_closed(instance->core, socket->conn);
    RECORD(DETACHED, party_of(socket), 0, 0, 0, .conn = socket->serial,
           .gen = (int64_t)socket->conn.generation);
}

static void close_socket(struct socket *socket)
{
    if (socket->core_open)
        look_at_state(socket, is_orderly(socket->close_code) ? CONN_DISCONNECTED : CONN_ERROR);
    pump(socket);
    socket->cut_short = socket->core_open && !has_room(socket);
    say_close(socket, socket->close_code);
    detach(socket, "closed by the core");
}

static void carry_out(const struct work *work)
{
    /* Connections that end are rare. */
    if (work->kind == WORK_CLOSE || work->kind == WORK_CLOSED) world_meet(WORLD_MET_FAKES);
    else world_meet_place(PLACE_SENT + work->socket->tab->actor->party % 16u, WORLD_CHANGES);
    switch (work->kind) {
    case WORK_OPEN: open_socket(work->socket); return;
    case WORK_INPUT: take_input(work->socket, work->frame); return;
    case WORK_WRITE: pump(work->socket); return;
    case WORK_CLOSE: close_socket(work->socket); return;
    case WORK_CLOSED:
        wire_tell(work->socket,
                  work->socket->left ? STAGE_WIRE_TAB_CLOSES : STAGE_WIRE_BROKEN, NULL);
        detach(work->socket, work->why);
        return;
    }
}

void ws_body(void *argument)
{
    struct instance *instance = argument;
    struct ws *ws = &instance->ws;

    for (;;) {
        if (ws->head != NULL || ws->stop) world_stand(&ws->queue);
        while (ws->head == NULL && !ws->stop)
            (void)world_wait(&ws->queue, WORLD_NEVER, "work for the transport");
        if (ws->head == NULL) break;
        struct work *work = ws->head;
        world_acquire(&ws->queue);
        ws->head = work->next;
        world_meet_place(place_of_work(instance, ws->taken++), WORLD_TAKES);
        if (ws->head == NULL) {
            if (!ws->queue.silent) meet_each(PLACE_WORK_EMPTY, instance->index);
            ws->tail = &ws->head;
        }
        carry_out(work);
    }
    ws->stopped = true;
    world_wake(&ws->done);
}
