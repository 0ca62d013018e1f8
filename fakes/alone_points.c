/* Trace points of a core that a backend has for itself. Whoever reads them believes them: so the
 * newest word on each log is what the model has, and what has begun and not ended is what there
 * is. */
#include "fakes/alone.h"

enum kind {
    SESSION_OPENED, SESSION_CLOSED, LOG_APPENDED, LOG_TRIMMED, STORE_TRIMMED, CONN_OPENED,
    CONN_ATTACHED, CONN_READY, CONN_ACKNOWLEDGED, CONN_RESYNC, CONN_HEARTBEAT, CONN_DETACHED,
    CONN_CLOSED, RUN_SUBMITTED, RUN_ENDED, PROMPT_OPENED, PROMPT_SETTLED, KINDS
};

static const char *const names[KINDS] = {
    "session.opened", "session.closed", "log.appended", "log.trimmed", "store.trimmed",
    "conn.opened", "conn.attached", "conn.ready", "conn.acknowledged", "conn.resync",
    "conn.heartbeat", "conn.detached", "conn.closed", "run.submitted", "run.ended",
    "prompt.opened", "prompt.settled"
};

/* What was last said of a log; 0: nothing, since its session was opened. */
struct told_log {
    uint64_t epoch, head, floor, stored_floor;
};

struct alone_points {
    uint64_t counts[KINDS];
    struct told_log logs[ALONE_KEYS];
};

/* --- hearing --- */

static enum kind kind_of(const struct alone *alone, uint32_t point)
{
    const char *name = alone->api->trace_point_info(point)->name;
    uint32_t kind = 0;

    while (kind < KINDS && strcmp(names[kind], name) != 0) kind++;
    return (enum kind)kind;
}

static void hear_of_log(const struct alone *alone, struct told_log *told, enum kind kind,
                        const uint64_t *args)
{
    switch (kind) {
    case SESSION_OPENED:
        *told = (struct told_log){ .epoch = args[0], .head = args[1] };
        return;
    case LOG_APPENDED:
        alone_tell(alone, "the number of an event, as traced", args[0], told->head + 1);
        alone_tell(alone, "the epoch of an event, as traced", args[1], told->epoch);
        told->head = args[0];
        return;
    case CONN_HEARTBEAT:
        alone_tell(alone, "the head of a heartbeat, as traced", args[1], told->head);
        return;
    case LOG_TRIMMED: told->floor = args[0]; return;
    case STORE_TRIMMED: told->stored_floor = args[0]; return;
    default: return;
    }
}

static void on_point(void *context, const struct trace_record *record)
{
    struct alone *alone = context;

    world_meet(WORLD_MET_FAKES);
    enum kind kind = kind_of(alone, record->point);
    if (kind == KINDS) return;
    alone->points->counts[kind]++;
    for (uint32_t i = 0; i < ALONE_KEYS; i++)
        if (strcmp(alone_names[i], record->subject) == 0)
            hear_of_log(alone, &alone->points->logs[i], kind, record->args);
}

struct trace_port alone_trace(struct alone *alone)
{
    alone->points = scratch_alloc(sizeof *alone->points);
    *alone->points = (struct alone_points){ .counts = { 0 } };
    return (struct trace_port){ alone, on_point };
}

/* --- comparing --- */

static void compare_log(const struct alone *alone, const struct alone_session *session,
                        const struct told_log *told)
{
    alone_tell(alone, "an epoch, as traced", told->epoch, session->epoch);
    alone_tell(alone, "a head, as traced", told->head, session->head);
    if (told->floor != 0) alone_tell(alone, "a floor, as traced", told->floor, session->floor);
    if (told->stored_floor != 0)
        alone_tell(alone, "the floor of a stream, as traced", told->stored_floor,
                   session->stored_floor);
}

/* So many of these have begun and not ended. */
static void compare_pair(const struct alone *alone, const char *what, enum kind begin,
                         enum kind end, uint64_t right)
{
    const uint64_t *counts = alone->points->counts;
    alone_tell(alone, what, counts[begin] - counts[end], right);
}

void alone_compare_points(const struct alone *alone, uint64_t attached, uint64_t live,
                          uint64_t questions)
{
    const uint64_t *counts = alone->points->counts;

    compare_pair(alone, "sessions, as traced", SESSION_OPENED, SESSION_CLOSED,
                 alone_open_count(alone));
    compare_pair(alone, "connections, as traced", CONN_OPENED, CONN_CLOSED, attached);
    compare_pair(alone, "attached connections, as traced", CONN_ATTACHED, CONN_DETACHED,
                 attached);
    compare_pair(alone, "live runs, as traced", RUN_SUBMITTED, RUN_ENDED, live);
    compare_pair(alone, "open questions, as traced", PROMPT_OPENED, PROMPT_SETTLED, questions);
    alone_tell(alone, "events that came, as traced", counts[LOG_APPENDED], alone->appended);
    alone_tell(alone, "new beginnings, as traced", counts[CONN_RESYNC], alone->resyncs);
    alone_tell(alone, "greetings, as traced", counts[CONN_READY], counts[CONN_ATTACHED]);
    alone_tell(alone, "acknowledgements, as traced", counts[CONN_ACKNOWLEDGED],
               counts[CONN_ATTACHED]);
    for (uint32_t i = 0; i < ALONE_KEYS; i++)
        if (alone->sessions[i].open)
            compare_log(alone, &alone->sessions[i], &alone->points->logs[i]);
}
