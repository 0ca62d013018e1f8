/* The model of a core that a backend has for itself: what session_core.h and docs/CORE.md promise
 * to a program with one thread, as plain numbers. */
#include "fakes/alone.h"

/* --- logs --- */

static uint64_t bytes_of(const struct alone_event *event)
{
    return strlen(event->type) + event->length;
}

uint64_t alone_bytes_kept(const struct alone_session *session)
{
    uint64_t bytes = 0;

    for (uint64_t seq = session->floor; seq <= session->head; seq++)
        bytes += bytes_of(&session->events[seq - 1]);
    return bytes;
}

/* The newest stays, whatever the limits. */
static uint64_t trim(struct alone_session *session)
{
    uint64_t floor = session->floor;

    while (session->floor < session->head &&
           (session->head + 1 - session->floor > session->most ||
            alone_bytes_kept(session) > ALONE_BYTES_MAX))
        session->floor++;
    return session->floor - floor;
}

void alone_take_in(struct alone *alone, struct alone_session *session, struct alone_event event)
{
    REQUIRE(session->head < ALONE_EVENTS);
    session->events[session->head++] = event;
    if (session->stored < session->head) session->stored = session->head;
    alone->appended++;
    alone->trimmed += trim(session);
}

void alone_trim_store(struct alone *alone, struct alone_session *session)
{
    uint64_t most = alone->settings.store_max_events;

    if (alone->stored && alone->port.trim != NULL &&
        session->head + 1 - session->stored_floor >= most + most / 8 + 1)
        session->stored_floor = session->head + 1 - most;
}

/* --- runs --- */

uint32_t alone_runs_kept(const struct alone_session *session)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < session->run_count; i++)
        kept += session->runs[i].kept && !session->runs[i].live;
    return kept;
}

static bool is_live(const struct alone_session *session)
{
    return session->run_count > 0 && session->runs[session->run_count - 1].live;
}

uint32_t alone_runs_listed(const struct alone_session *session)
{
    return alone_runs_kept(session) + is_live(session);
}

static void forget_oldest(struct alone_session *session)
{
    uint32_t kept = alone_runs_kept(session);

    for (uint32_t i = 0; i < session->run_count && kept > ALONE_RUNS_KEPT; i++) {
        kept -= session->runs[i].kept;
        session->runs[i].kept = false;
    }
}

void alone_begin_run(struct alone_session *session, const char *key, uint64_t number)
{
    REQUIRE(session->run_count < ALONE_RUNS);
    session->runs[session->run_count++] =
        (struct alone_run){ .key = key, .number = number, .kept = true,
                            .live = true, .state = RUN_COMPLETED, .said = RUN_COMPLETED };
}

void alone_end_run(struct alone_session *session)
{
    session->runs[session->run_count - 1].live = false;
    forget_oldest(session);
}

void alone_detach(const struct alone *alone, struct alone_session *session)
{
    session->attached = false;
    alone_note_idle(session);
    if (session->open && alone->settings.on_detach == ON_DETACH_CANCEL_AFTER_GRACE)
        session->grace_us = now_us() + ALONE_GRACE_US;
}

void alone_note_idle(struct alone_session *session)
{
    bool finished = alone_runs_kept(session) > 0 && !is_live(session) && !session->attached;

    session->idle_us = finished ? now_us() : 0;
}

/* --- sessions --- */

uint32_t alone_open_count(const struct alone *alone)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < ALONE_KEYS; i++) count += alone->sessions[i].open;
    return count;
}

static void make(struct alone *alone, struct alone_session *session, const char *owner)
{
    session->owner = owner;
    session->head = session->stored = session->tenure = 0;
    session->floor = session->stored_floor = 1;
    session->run_count = 0;
    session->epoch = alone->stored ? 100 + strlen(session->name)
                                   : ALONE_FIRST_EPOCH + alone->epochs++;
}

/* What the store has becomes the log; runs are known from what they have told of themselves. */
static void load(struct alone *alone, struct alone_session *session)
{
    const struct alone_stream *stream = &alone->streams[session - alone->sessions];

    for (uint64_t seq = session->head + 1; seq <= session->stored; seq++)
        session->events[seq - 1] = stream->events[seq - 1];
    session->head = session->stored;
    session->floor = session->stored_floor;
    (void)trim(session);
    for (uint32_t i = 0; i < session->run_count; i++) {
        session->runs[i].kept = session->runs[i].last_seq >= session->stored_floor;
        session->runs[i].state = session->runs[i].said;
    }
    forget_oldest(session);
}

void alone_open(struct alone *alone, struct alone_session *session, const char *owner,
                uint64_t most)
{
    if (session->owner == NULL) make(alone, session, owner);
    session->open = true;
    session->attached = false;
    session->most = most;
    if (alone->stored) {
        session->tenure++;
        load(alone, session);
    }
    alone_note_idle(session);
}

void alone_close(struct alone *alone, struct alone_session *session)
{
    session->open = false;
    session->idle_us = session->grace_us = 0;
    if (!alone->stored) session->owner = NULL;
}

/* --- time --- */

/* No more streams than sessions wait for their end; one more waits for its next session. */
static bool may_retire(const struct alone *alone, uint64_t at_us)
{
    uint32_t waiting = 0;

    for (uint32_t i = 0; i < alone->retired_count; i++)
        waiting += !alone->retired[i].over && alone->retired[i].due_us > at_us;
    return alone->stored && alone->port.trim != NULL && waiting < ALONE_SESSIONS_MAX;
}

static void retire(struct alone *alone, struct alone_session *session)
{
    if (may_retire(alone, session->idle_us + ALONE_RETAIN_US)) {
        REQUIRE(alone->retired_count < ALONE_RETIRED);
        alone->retired[alone->retired_count++] = (struct alone_retired){
            .session = (uint32_t)(session - alone->sessions), .tenure = session->tenure,
            .floor = session->head + 1,
            .due_us = session->idle_us + ALONE_RETAIN_US + ALONE_RETAIN_STORE_US };
    }
    alone_close(alone, session);
}

/* Of the sessions whose time is over, the one whose time was over first. */
static struct alone_session *first_over(struct alone *alone)
{
    struct alone_session *first = NULL;

    for (uint32_t i = 0; i < ALONE_KEYS; i++) {
        struct alone_session *session = &alone->sessions[i];
        bool over = session->open && session->idle_us != 0 &&
                    now_us() >= session->idle_us + ALONE_RETAIN_US;
        if (over && (first == NULL || session->idle_us < first->idle_us)) first = session;
    }
    return first;
}

void alone_pass_time(struct alone *alone)
{
    struct alone_session *session;

    while ((session = first_over(alone)) != NULL) retire(alone, session);
    for (uint32_t i = 0; i < ALONE_KEYS; i++)
        if (alone->sessions[i].grace_us <= now_us()) alone->sessions[i].grace_us = 0;
    for (uint32_t i = 0; i < alone->retired_count; i++) {
        struct alone_retired *retired = &alone->retired[i];
        if (retired->over || now_us() < retired->due_us) continue;
        retired->over = true;
        session = &alone->sessions[retired->session];
        if (session->tenure == retired->tenure && session->stored_floor < retired->floor)
            session->stored_floor = retired->floor;
    }
}

/* --- pages --- */

static struct alone_page page_forward(const struct alone_session *session,
                                      struct history_cursor cursor, size_t limit, uint64_t floor,
                                      bool known)
{
    uint64_t after = known ? cursor.seq : 0, bytes = 0;
    struct alone_page page = { .first = after + 1 < floor ? floor : after + 1, .next = after,
                               .trimmed = after + 1 < floor };

    for (uint64_t seq = page.first; seq <= session->head && page.count < limit; seq++) {
        bytes += session->events[seq - 1].length;
        if (page.count > 0 && bytes > ALONE_BYTES_MAX) break;
        page.count++;
        page.next = seq;
    }
    page.more = page.count > 0 && page.next < session->head;
    return page;
}

static struct alone_page page_backward(const struct alone_session *session,
                                       struct history_cursor cursor, size_t limit, uint64_t floor,
                                       bool known)
{
    uint64_t below = known && cursor.seq > 0 ? cursor.seq : session->head + 1, bytes = 0;
    struct alone_page page = { .back = true, .first = below - 1, .next = below };

    while (page.next > floor && page.count < limit) {
        bytes += session->events[page.next - 2].length;
        if (page.count > 0 && bytes > ALONE_BYTES_MAX) break;
        page.count++;
        page.next--;
    }
    page.more = page.next > floor;
    page.trimmed = !page.more && floor > 1;
    return page;
}

/* The store has forgotten more than the core knows of. Where a page is read in the store, what it
 * lacks tells; where its last event is one that is there, that more comes is all that is known. */
static void know_less(const struct alone_session *session, struct alone_page *page, uint64_t begin,
                      size_t limit)
{
    bool dropped = page->count < limit && page->next > session->stored_floor;

    page->in_memory = begin >= session->floor || session->known_floor >= session->floor;
    if (page->in_memory) {
        page->more = page->back ? page->next > session->known_floor : page->more;
        page->trimmed = page->trimmed && !page->more;
    } else if (page->back) {
        page->trimmed = !dropped && page->next > 1 &&
                        (page->next > begin || page->next <= session->known_floor);
        page->more = !page->trimmed && page->next > 1;
    } else if (page->count == 0) {
        page->next = session->head;
    }
}

/* The oldest event that the page could have. */
static uint64_t begin_of(const struct alone_session *session, struct history_cursor cursor,
                         size_t limit, bool back, bool known)
{
    if (!back) return known ? cursor.seq + 1 : 1;
    uint64_t end = known && cursor.seq > 0 ? cursor.seq : session->head + 1;
    return end > limit ? end - limit : 1;
}

struct alone_page alone_expect_page(const struct alone *alone, const struct alone_session *session,
                                    struct history_cursor cursor, size_t limit, bool back, bool all)
{
    uint64_t floor = all && alone->stored ? session->stored_floor : session->floor;
    uint64_t last = back ? session->head + 1 : session->head;
    bool known = cursor.epoch == session->epoch && cursor.seq <= last;
    uint64_t begin = begin_of(session, cursor, limit, back, known);
    if (session->known_floor != 0 &&
        (session->known_floor >= session->floor || begin >= session->floor))
        floor = session->floor;
    struct alone_page page = back ? page_backward(session, cursor, limit, floor, known)
                                  : page_forward(session, cursor, limit, floor, known);

    page.renewed = cursor.epoch != 0 && !known;
    page.in_memory = back ? page.count == limit && page.next >= session->floor
                          : page.first >= session->floor;
    if (all && session->known_floor != 0) know_less(session, &page, begin, limit);
    return page;
}

/* --- comparing --- */

static void compare_session(const struct alone *alone, const struct alone_session *session)
{
    struct session_info info;
    enum core_result rc = alone->api->session_info(alone->core, session->ref, &info);

    alone_tell(alone, "a session's presence", rc, session->open ? CORE_OK : CORE_STALE);
    if (rc != CORE_OK || !session->open) return;
    alone_tell(alone, "a name", strcmp(info.key, session->name) == 0, true);
    alone_tell(alone, "an owner", strcmp(info.owner, session->owner) == 0, true);
    alone_tell(alone, "an epoch", info.epoch, session->epoch);
    alone_tell(alone, "a head", info.head, session->head);
    alone_tell(alone, "a floor", info.floor, session->floor);
    alone_tell(alone, "events in memory", info.events, session->head + 1 - session->floor);
    alone_tell(alone, "bytes in memory", info.bytes, alone_bytes_kept(session));
    alone_tell(alone, "publishes that wait", info.pending, 0);
    alone_tell(alone, "connections of a session", info.conns, session->attached);
    alone_tell(alone, "attached connections of a session", info.attached, session->attached);
    alone_tell(alone, "live runs of a session", info.runs_live, is_live(session));
    alone_tell(alone, "ended runs of a session", info.runs_ended, alone_runs_kept(session));
    alone_tell(alone, "questions of a session", info.prompts_open, session->question.open);
}

static void compare_stream(const struct alone *alone, uint32_t at)
{
    const struct alone_session *session = &alone->sessions[at];
    const struct alone_stream *stream = &alone->streams[at];

    alone_tell(alone, "whether a stream was made", stream->owner[0] != '\0',
               session->owner != NULL);
    if (session->owner == NULL) return;
    alone_tell(alone, "the tenure of a stream", stream->tenure, session->tenure);
    alone_tell(alone, "the head of a stream", stream->head, session->stored);
    alone_tell(alone, "the floor of a stream", stream->floor, session->stored_floor);
}

uint64_t alone_deadlines(const struct alone *alone)
{
    uint64_t deadlines = 0;

    for (uint32_t i = 0; i < ALONE_KEYS; i++)
        deadlines += (alone->sessions[i].idle_us != 0) + (alone->sessions[i].grace_us != 0);
    for (uint32_t i = 0; i < alone->retired_count; i++) deadlines += !alone->retired[i].over;
    return deadlines;
}

static void compare_stats(struct alone *alone)
{
    struct core_stats stats;
    uint64_t deadlines = alone_deadlines(alone), attached = 0, live = 0, questions = 0;

    for (uint32_t i = 0; i < ALONE_KEYS; i++) {
        attached += alone->sessions[i].attached;
        live += is_live(&alone->sessions[i]);
        questions += alone->sessions[i].question.open;
    }
    alone->api->stats(alone->core, &stats);
    alone_tell(alone, "sessions", stats.sessions, alone_open_count(alone));
    alone_tell(alone, "connections", stats.conns, attached);
    alone_tell(alone, "attached connections", stats.attached, attached);
    alone_tell(alone, "live runs", stats.runs, live);
    alone_tell(alone, "open questions", stats.prompts, questions);
    if (attached == 0) alone_tell(alone, "deadlines", stats.timers, deadlines);
    alone_tell(alone, "jobs", stats.jobs, 0);
    alone_tell(alone, "operations that wait for the store", stats.store_operations, 0);
    alone_tell(alone, "leases of runs", stats.leases, alone->locked ? live : 0);
    alone_tell(alone, "sandboxes and servers", stats.sandboxes + stats.servers, 0);
    alone_tell(alone, "events that came", stats.events_appended, alone->appended);
    alone_tell(alone, "events that were trimmed", stats.events_trimmed, alone->trimmed);
    alone_tell(alone, "frames", stats.frames_sent, alone->frames);
    alone_tell(alone, "new beginnings", stats.resyncs, alone->resyncs);
    alone_tell(alone, "calls for what is gone", stats.stale_calls, alone->stale);
    if (alone->points != NULL) alone_compare_points(alone, attached, live, questions);
}

void alone_compare(struct alone *alone)
{
    alone_pass_time(alone);
    compare_stats(alone);
    alone_tell(alone, "the health of a core alone", alone->api->health(alone->core),
               alone->failing ? CORE_DEGRADED : CORE_HEALTHY);
    for (uint32_t i = 0; i < ALONE_KEYS; i++) {
        compare_session(alone, &alone->sessions[i]);
        alone->stale += !alone->sessions[i].open;
        if (alone->stored) compare_stream(alone, i);
    }
}
