/* Events that nobody in the capture was sent, though the log has them: heads that were told, and
 * numbers that were left out, show that they exist. What was lost on its way is among them. */
#include "harness/capture/story.h"

#include <string.h>

/* More than that in one place is the past of a long session, and not what went wrong. */
enum { UNSEEN_MAX = 64 };

void story_note_head(struct story *story, struct story_session *session, uint64_t epoch,
                     uint64_t head, uint64_t time_us)
{
    if (epoch == 0 || head == 0) return;
    for (uint32_t i = session->head_count; i-- > 0;) {
        if (session->heads[i].epoch == epoch && session->heads[i].seq >= head) return;
    }
    session->heads = scn_arena_grow(story->arena, session->heads, session->head_count,
                                    &session->head_room, sizeof *session->heads);
    session->heads[session->head_count++] = (struct story_head){ epoch, head, time_us };
}

/* Who was told first that the log of that epoch has this number; NULL: nobody was. */
static const struct story_head *head_with(const struct story_session *session, uint64_t epoch,
                                          uint64_t seq)
{
    for (uint32_t i = 0; i < session->head_count; i++) {
        if (session->heads[i].epoch == epoch && session->heads[i].seq >= seq)
            return &session->heads[i];
    }
    return NULL;
}

/* Whoever published the one before, or the one behind, published it, too, as far as is known. */
static const struct story_event *model_of(const struct story_event *before,
                                          const struct story_event *next)
{
    if (before != NULL && story_can_emit(before->type)) return before;
    return next != NULL && story_can_emit(next->type) ? next : NULL;
}

static struct story_event unseen(const struct story_session *session, uint64_t epoch, uint64_t seq,
                                 const struct story_event *before, const struct story_event *next)
{
    const struct story_event *model = model_of(before, next);
    const struct story_head *head = head_with(session, epoch, seq);
    struct story_event event = { .epoch = epoch, .seq = seq, .type = "unseen",
                                 .time_us = head == NULL ? UINT64_MAX : head->time_us,
                                 .core = session->core, .unseen = true };

    /* What was the newest when somebody came may have been published at that moment. */
    event.live = head == NULL || head->seq == seq;

    if (model != NULL) {
        event.type = model->type;
        event.payload = model->payload;
        event.core = model->core;
    }
    if (next != NULL && !next->live) event.live = false;
    if (next != NULL && next->time_us < event.time_us) event.time_us = next->time_us;
    return event;
}

/* Fills the numbers from `from` up to `to`, without both ends, at the end of the list. */
static void fill(struct story *story, struct story_session *session, uint64_t from, uint64_t to,
                 const struct story_event *before, const struct story_event *next)
{
    uint64_t epoch = before != NULL ? before->epoch : next != NULL ? next->epoch : session->epoch;

    if (to <= from + 1 || to - from - 1 > UNSEEN_MAX) return;
    for (uint64_t seq = from + 1; seq < to; seq++) {
        struct story_event event = unseen(session, epoch, seq, before, next);
        session->events = scn_arena_grow(story->arena, session->events, session->event_count,
                                         &session->event_room, sizeof event);
        session->events[session->event_count++] = event;
    }
}

static uint64_t last_of(const struct story_session *session, uint64_t epoch)
{
    uint64_t last = 0;

    for (uint32_t i = 0; i < session->head_count; i++) {
        const struct story_head *head = &session->heads[i];
        if (head->epoch == epoch && head->seq > last) last = head->seq;
    }
    return last;
}

/* Where the log begins, for those who came without a cursor; UINT64_MAX: with what was seen. */
static uint64_t first_of(const struct story_session *session, uint64_t epoch)
{
    if (session->epoch != epoch) return UINT64_MAX;
    return session->floor > session->known + 1 ? session->floor : session->known + 1;
}

/* Whom an event was sent late learned of it late: who was told of a head had it behind him. */
static void hurry(struct story_session *session)
{
    for (uint32_t i = 0; i < session->event_count; i++) {
        struct story_event *event = &session->events[i];
        const struct story_head *head = head_with(session, event->epoch, event->seq);
        if (head != NULL && !event->unseen && event->time_us > head->time_us && head->time_us > 0)
            event->time_us = head->time_us - 1;
    }
}

void story_fill(struct story *story, struct story_session *session)
{
    struct story_event *seen = session->events;
    uint32_t count = session->event_count;
    const struct story_event *before = NULL;

    if (session->epoch == 0) return;
    session->events = NULL;
    session->event_count = session->event_room = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct story_event *event = &seen[i];
        bool begins = before == NULL || before->epoch != event->epoch;
        uint64_t first = first_of(session, event->epoch);
        if (begins && before != NULL)
            fill(story, session, before->seq, last_of(session, before->epoch) + 1, before, NULL);
        if (!begins)
            fill(story, session, before->seq, event->seq, before, event);
        else if (first < event->seq)
            fill(story, session, first - 1, event->seq, NULL, event);
        session->events = scn_arena_grow(story->arena, session->events, session->event_count,
                                         &session->event_room, sizeof *event);
        session->events[session->event_count++] = *event;
        before = event;
    }
    uint64_t epoch = before != NULL ? before->epoch : session->epoch;
    uint64_t last = before != NULL ? before->seq : first_of(session, epoch) - 1;
    fill(story, session, last, last_of(session, epoch) + 1, before, NULL);
    hurry(session);
}
