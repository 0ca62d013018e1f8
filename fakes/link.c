/* Links: one direction between a tab and its core, as a queue of frames with times. */
#include "fakes/internal.h"

#include "harness/world/gate.h"

static void meet_frame(const struct link *link, uint64_t number, enum world_how how)
{
    uint32_t kind = link->to_core ? PLACE_UP_FRAME : PLACE_DOWN_FRAME;
    kind += (uint32_t)(number % PLACE_FRAMES);
    world_meet_place(place_each(kind, link->tab->actor->index), how);
}

/* The task is neither enabled nor waiting for a time. */
static void arm(struct link *link)
{
    if (link->head != NULL && !link->stalled) world_task_arm(link->task, link->head->due_ns);
}

static void rearm(struct link *link)
{
    world_meet(WORLD_MET_FAKES);
    world_task_disarm(link->task);
    arm(link);
}

static struct frame *pop(struct link *link)
{
    struct frame *frame = link->head;

    link->head = frame->next;
    if (link->head == NULL) link->tail = &link->head;
    link->count--;
    meet_frame(link, link->taken++, WORLD_TAKES);
    return frame;
}

static void record_drop(const struct link *link, const struct frame *frame, const char *why)
{
    if (frame->kind != FRAME_MESSAGE) return;
    RECORD(WIRE_DROP, link->tab->actor->party, link->from, link->to, frame->cause,
           .conn = frame->socket->serial, .kind = frame->word, .seq = (int64_t)frame->seq,
           .frame = frame->number, .why = record_intern(why));
}

static void arrive_at_core(struct frame *frame)
{
    struct socket *socket = frame->socket;
    static const enum work_kind kinds[] = { WORK_OPEN, WORK_INPUT, WORK_CLOSED };

    if (socket->ends != NULL) {
        sockets_at_core(frame);
        return;
    }
    ws_post(socket->instance, socket, kinds[frame->kind], frame, "closed by the client");
}

/* Where bytes are torn apart, if they are: after so many of them. */
static size_t choose_split(size_t length)
{
    if (length < 2 || place_late(2, "split") == 0) return length;
    return 1 + world_choose((uint32_t)(length - 1), "split_at");
}

/* With transport=sockets the explorer may let a part of the bytes arrive now, and the rest as what
 * comes next. */
static void split(struct link *link, struct frame *frame)
{
    size_t now = frame->socket->ends == NULL ? frame->length : choose_split(frame->length);

    if (now == frame->length) return;
    struct frame *rest = scratch_alloc(sizeof *rest);
    *rest = *frame;
    rest->bytes += now;
    rest->length -= now;
    rest->next = link->head;
    frame->length = now;
    /* The first part is what the whole was, but for an end, which comes last. */
    if (frame->kind == FRAME_CLOSE)
        frame->kind = FRAME_BYTES;
    else
        rest->kind = FRAME_BYTES;
    link->head = rest;
    if (rest->next == NULL) link->tail = &rest->next;
    link->count++;
}

static void arrive_at_tab(struct frame *frame)
{
    if (frame->socket->ends != NULL)
        sockets_at_tab(frame);
    else
        tab_deliver(frame->socket->tab, frame);
}

/* There is room again: for the tab's newest socket, too, if what left was of an older one. */
static void resume_all(const struct link *link)
{
    const struct play *play = link->play;

    for (uint32_t i = 0; i < play->socket_count; i++) {
        if (play->sockets[i]->tab == link->tab) ws_resume(play->sockets[i]);
    }
}

/* The task of a link: the oldest frame arrives. */
static void deliver(void *argument)
{
    struct link *link = argument;
    struct frame *frame = pop(link);
    struct socket *socket = frame->socket;
    bool was_full = link->count + 1 >= LINK_WINDOW;

    /* Sockets that end, and links that were full, are rare; bytes are another matter. */
    if (was_full || socket->cut || frame->kind == FRAME_CLOSE || socket->ends != NULL)
        world_meet(WORLD_MET_FAKES);
    if (!socket->cut) split(link, frame);
    arm(link);
    if (socket->cut) {
        record_drop(link, frame, "the socket is gone");
        if (was_full && !link->to_core) resume_all(link);
        return;
    }
    frame->length = faults_let_pass(link->play, socket, !link->to_core, frame->length);
    if (!link->to_core)
        wire_tell(socket, frame->kind == FRAME_CLOSE ? STAGE_WIRE_CLOSE_ARRIVED
                                                     : STAGE_WIRE_ARRIVED, frame);
    if (link->to_core)
        arrive_at_core(frame);
    else
        arrive_at_tab(frame);
    if (was_full && !link->to_core) resume_all(link);
    faults_delivered(link->play, frame, !link->to_core);
    faults_refresh(link->play);
}

void link_init(struct play *play, struct tab *tab, struct link *link, bool to_core)
{
    const char *core = play->file->cores[tab->actor->instance->index].name;
    const char *own = tab->actor->scn->name;
    char name[WORLD_NAME_MAX];

    link->play = play;
    link->tab = tab;
    link->to_core = to_core;
    link->from = to_core ? tab->actor->party : tab->actor->instance->party;
    link->to = to_core ? tab->actor->instance->party : tab->actor->party;
    link->tail = &link->head;
    (void)name_of(name, to_core ? own : core, "->", to_core ? core : own);
    link->task = world_task(name, WORLD_MESSAGE, deliver, link);
    world_tell(link->task, true);
}

struct frame *link_frame(struct socket *socket, enum frame_kind kind)
{
    struct frame *frame = scratch_alloc(sizeof *frame);

    frame->socket = socket;
    frame->kind = kind;
    return frame;
}

void link_push(struct link *link, struct frame *frame)
{
    uint64_t due_ns = ahead_ns(link->slow_us);

    meet_each(link->to_core ? PLACE_UP : PLACE_DOWN, link->tab->actor->index);
    meet_frame(link, link->taken + link->count, WORLD_GIVES);
    if (due_ns < link->last_due_ns) due_ns = link->last_due_ns;
    link->last_due_ns = frame->due_ns = due_ns;
    frame->next = NULL;
    *link->tail = frame;
    link->tail = &frame->next;
    link->count++;
    if (link->count == 1) arm(link);
    faults_refresh(link->play);
}

void link_drop(struct link *link, const struct socket *socket, const char *why)
{
    struct frame **at = &link->head;

    while (*at != NULL) {
        struct frame *frame = *at;
        if (socket != NULL && frame->socket != socket) {
            at = &frame->next;
            continue;
        }
        record_drop(link, frame, why);
        *at = frame->next;
        link->count--;
    }
    link->tail = at;
    rearm(link);
}

bool link_has_message(const struct link *link, const struct scn_attr *kind)
{
    const struct frame *head = link->head;

    if (head == NULL || head->kind != FRAME_MESSAGE || head->partial || head->socket->cut)
        return false;
    return kind == NULL || strcmp(record_text(head->word), kind->value.text) == 0;
}

void link_lose_head(struct link *link)
{
    link->head->socket->pages_unclear = true;
    record_drop(link, pop(link), "lost");
    rearm(link);
}

void link_duplicate_head(struct link *link)
{
    struct frame *copy = scratch_alloc(sizeof *copy);

    world_meet(WORLD_MET_FAKES);
    link->head->socket->pages_unclear = true;
    *copy = *link->head;
    link->head->next = copy;
    if (copy->next == NULL) link->tail = &copy->next;
    link->count++;
}

bool link_can_reorder(const struct link *link)
{
    const struct frame *first = link->head;

    return link_has_message(link, NULL) && first->next != NULL &&
           first->next->kind == FRAME_MESSAGE && !first->next->partial &&
           first->next->socket == first->socket;
}

void link_reorder(struct link *link)
{
    struct frame *first = link->head, *second = first->next;

    world_meet(WORLD_MET_FAKES);
    first->socket->pages_unclear = true;
    first->next = second->next;
    second->next = first;
    link->head = second;
    if (first->next == NULL) link->tail = &first->next;
    second->due_ns = first->due_ns;
}

void link_stall(struct link *link, bool stalled)
{
    link->stalled = stalled;
    rearm(link);
}
