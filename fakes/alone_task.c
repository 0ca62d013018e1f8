/* Runs of a core that a backend has for itself, and that take their time: they wait at a gate,
 * pause, or ask. As long as nobody is attached, what becomes of them follows from settings and
 * clock. */
#include "fakes/alone_task.h"

#include "fakes/alone_line.h"
#include "fakes/alone_ports.h"

#include <stdio.h>

enum { EVENTS_MAX = 3 };   /* that come at a time: memory holds so many */

static const char because[] = "not needed any more";

/* --- locks: one for each run, that nobody has, or somebody else --- */

static enum core_result try_acquire(void *context, const char *key, const char *owner,
                                    uint64_t ttl_us, uint64_t *token)
{
    struct alone *alone = context;

    (void)key, (void)owner, (void)ttl_us;
    world_meet(WORLD_MET_FAKES);
    if (alone->rival) return CORE_CONFLICT;
    *token = ++alone->locks;
    return CORE_OK;
}

static enum core_result renew(void *context, const char *key, const char *owner, uint64_t token,
                              uint64_t ttl_us)
{
    const struct alone *alone = context;

    (void)key, (void)owner, (void)token, (void)ttl_us;
    world_meet(WORLD_MET_FAKES);
    return alone->robbed ? CORE_STALE : CORE_OK;
}

struct lock_store_port alone_locks(struct alone *alone)
{
    struct lock_store_port port = alone_lasting_locks(alone, try_acquire);

    port.renew = renew;
    return port;
}

/* --- what the log says of it --- */

static const char *text_of(const json_t *payload, const char *name)
{
    const char *text = json_string_value(json_object_get(payload, name));
    return text == NULL ? "" : text;
}

static void judge_event(const struct alone *alone, const struct history_event *event,
                        const struct alone_line *due)
{
    const json_t *payload = json_loadb(event->payload, event->length, 0, NULL);
    const char *said = text_of(payload, strcmp(due->type, "run_state") == 0 ? "state" : "outcome");

    alone_tell(alone, "the type of an event of a run", strcmp(event->type, due->type) == 0, 1);
    alone_tell(alone, "whether it says what has happened", strcmp(said, due->said) == 0, 1);
    alone_tell(alone, "whether it says why", strcmp(text_of(payload, "reason"), due->why) == 0,
               1);
}

struct alone_line task_state(const char *said, const char *why)
{
    return (struct alone_line){ "run_state", said, why };
}

/* These events have come, and no others. */
void task_take_in(struct alone *alone, const struct alone_line *due, size_t count)
{
    struct alone_session *session = alone->task.session;
    struct history_cursor cursor = { session->epoch, session->head };
    struct history_page page;

    if (alone->api->history(alone->core, session->ref, cursor, EVENTS_MAX + 1, HISTORY_FORWARD,
                            &page) != CORE_OK)
        return;
    alone_tell(alone, "events of a run that takes its time", page.count, count);
    for (size_t i = 0; i < page.count && i < count; i++) {
        const struct history_event *event = &page.events[i];
        judge_event(alone, event, &due[i]);
        alone_take_in(alone, session,
                      (struct alone_event){ scratch_copy(event->type, strlen(event->type)),
                                            scratch_copy(event->payload, event->length),
                                            event->length, 0 });
        session->runs[session->run_count - 1].last_seq = session->head;
    }
    alone->api->history_page_free(&page);
    if (alone->stored) alone->failing = false;
}

/* --- how it stands --- */

void task_judge_state(struct alone *alone, enum run_state due, uint64_t deadlines)
{
    const struct alone_task *task = &alone->task;
    /* Until when its lease is good; until the next look at a connection. */
    uint64_t lock = alone->locked && due == RUN_RUNNING, line = task->session->attached;
    struct core_stats stats;
    enum run_state told = RUN_STATE_COUNT;

    alone_pass_time(alone);
    alone->api->stats(alone->core, &stats);
    alone_tell(alone, "deadlines while a run takes its time", stats.timers,
               alone_deadlines(alone) + deadlines + lock + line);
    alone_tell(alone, "leases while a run takes its time", stats.leases,
               alone->locked && due != RUN_WAITING);
    alone_tell(alone, "live runs while one takes its time", stats.runs, 1);
    alone_tell(alone, "the answer about a run that takes its time",
               alone->api->run_state(alone->core, task->ref, &told), CORE_OK);
    alone_tell(alone, "the state of a run that takes its time", told, due);
}

void task_judge_end(struct alone *alone, enum run_state due)
{
    enum run_state told = RUN_STATE_COUNT;

    alone_tell(alone, "the answer about a run that took its time",
               alone->api->run_state(alone->core, alone->task.ref, &told), CORE_OK);
    alone_tell(alone, "the state of a run that took its time", told, due);
    struct alone_session *session = alone->task.session;
    alone_end_run(session);
    alone_note_idle(session);
    if (session->idle_us != 0) session->idle_us = alone->task.over_us;
}

void task_wait_us(uint64_t time_us)
{
    world_sleep_until(ahead_ns(time_us));
    alone_settle();
}

void task_cancel(struct alone *alone, const char *why, bool begun)
{
    alone->task.over_us = now_us();
    alone_tell(alone, "the answer to the cancel of a run",
               alone->api->run_cancel(alone->core, alone->task.ref, why), CORE_OK);
    alone->due_stops += begun;
    alone_settle();
}

/* --- at a gate --- */

static void waive(struct alone *alone)
{
    const struct alone_line ran[] = { task_state("running", ""), task_state("completed", "") };
    const struct alone_line failed[] = { task_state("failed", "nobody came to its start gate") };

    alone->task.over_us = alone->task.begun_us + ALONE_GATE_US;
    task_wait_us(ALONE_GATE_US - 100000);
    task_judge_state(alone, RUN_WAITING, 1);
    task_wait_us(100000);
    if (alone->settings.on_gate_timeout == ON_GATE_TIMEOUT_RUN_DETACHED) {
        task_take_in(alone, ran, 2);
        task_judge_end(alone, RUN_COMPLETED);
        alone_tell(alone, "when a gate was waived", alone->task.ended_us, alone->task.over_us);
    } else {
        task_take_in(alone, failed, 1);
        task_judge_end(alone, RUN_FAILED);
    }
}

static void judge_work(struct alone *alone, enum core_result rc)
{
    alone_tell(alone, "what a run that takes its time was told", alone->task.rc, rc);
    alone_tell(alone, "when a run that takes its time ended", alone->task.ended_us,
               alone->task.over_us);
}

bool alone_gate_opens(struct alone *alone, enum start_gate gate)
{
    const struct alone_line ran[] = { task_state("running", ""), task_state("completed", "") };
    struct alone_task *task = &alone->task;

    if (!task->waiting || task->gate != gate) return false;
    task->waiting = false;
    task_take_in(alone, ran, task->works ? 1 : 2);
    task->over_us = now_us() - ALONE_SETTLE_US + (task->works ? ALONE_GATE_US : 0);
    if (task->works) return true;
    task_judge_end(alone, RUN_COMPLETED);
    alone_tell(alone, "when a gate was passed", task->ended_us, task->over_us);
    return true;
}

/* It passed its gate, and goes on for longer than it might have waited there. */
static void work_on(struct alone *alone)
{
    const struct alone_line end = task_state("completed", "");

    task_judge_state(alone, RUN_RUNNING, 1);
    task_wait_us(alone->task.over_us - now_us());
    judge_work(alone, CORE_OK);
    task_take_in(alone, &end, 1);
    task_judge_end(alone, RUN_COMPLETED);
}

static void come(struct alone *alone)
{
    struct alone_task *task = &alone->task;

    task->works = alone->settings.on_detach == ON_DETACH_KEEP && alone_draw("works_on");
    task->waiting = true;
    struct line *line = line_attach(alone, task->session);
    alone_tell(alone, "whether a gate keeps closed for those who wait", task->waiting, 0);
    line_leave(line);
    if (task->works) work_on(alone);
}

static void wait_at_gate(struct alone *alone)
{
    const struct alone_line waiting[] = { task_state("waiting", "") };
    const struct alone_line cancelled[] = { task_state("cancelled", because) };
    bool hold = alone->settings.on_gate_timeout == ON_GATE_TIMEOUT_HOLD;

    task_take_in(alone, waiting, 1);
    task_judge_state(alone, RUN_WAITING, 1);
    if (alone_draw("somebody_comes")) {
        come(alone);
        return;
    }
    bool long_enough = alone_draw("until_the_gate_is_waived");
    if (long_enough && !hold) {
        waive(alone);
        return;
    }
    if (long_enough) {
        task_wait_us(ALONE_GATE_US);
        task_judge_state(alone, RUN_WAITING, 0);
    }
    task_cancel(alone, because, false);
    task_take_in(alone, cancelled, 1);
    task_judge_end(alone, RUN_CANCELLED);
    alone_tell(alone, "whether a run that was cancelled at its gate began", alone->task.ended_us,
               0);
}

/* --- at work --- */

/* Its lock is somebody else's when it is to be renewed: it is not to go on. */
static void lose_lock(struct alone *alone)
{
    const struct alone_line end = task_state("cancelled", "its lock was lost");

    alone->robbed = true;
    task_wait_us(alone->task.begun_us + alone->settings.lease_renew_us - now_us());
    alone->robbed = false;
    alone->due_stops++;
    alone->stale++;   /* the core gives back what it has no more */
    /* At its renewal, which may come somewhat early. */
    alone->task.over_us = alone->task.ended_us;
    alone_tell(alone, "whether a run whose lock was lost has ended", alone->task.ended_us != 0, 1);
    judge_work(alone, CORE_CANCELLED);
    task_take_in(alone, &end, 1);
    task_judge_end(alone, RUN_CANCELLED);
}

static void pause_for_long(struct alone *alone)
{
    const struct alone_line running[] = { task_state("running", "") };
    const struct alone_line ends[] = { task_state("completed", ""),
                                       task_state("failed", "it took too long"),
                                       task_state("cancelled", because) };
    struct alone_task *task = &alone->task;
    bool too_long = task->time_us > ALONE_LIMIT_US;

    task_take_in(alone, running, 1);
    task_judge_state(alone, RUN_RUNNING, 1);
    if (alone->locked && too_long && alone_draw("its_lock_is_lost")) {
        lose_lock(alone);
        return;
    }
    if (alone_draw("cancelled_at_work")) {
        task_wait_us(400000);
        task_cancel(alone, because, true);
        judge_work(alone, CORE_CANCELLED);
        task_take_in(alone, &ends[2], 1);
        task_judge_end(alone, RUN_CANCELLED);
        return;
    }
    task->over_us = task->begun_us + (too_long ? ALONE_LIMIT_US : task->time_us);
    task_wait_us(task->over_us - now_us());
    alone->due_stops += too_long;
    judge_work(alone, too_long ? CORE_CANCELLED : CORE_OK);
    task_take_in(alone, &ends[too_long], 1);
    task_judge_end(alone, too_long ? RUN_FAILED : RUN_COMPLETED);
}

/* --- ends --- */

static const char *draw_reason(void)
{
    static const char longest[] =
        "0123456789012345678901234567890123456789012345678901234567890123456789"
        "0123456789012345678901234567890123456789012345678901234567890123456789";
    static const char *const reasons[] = { because, "x", longest };

    return reasons[world_choose(3, "a_reason")];
}

/* As much of it as a name has room for. */
static const char *said_of(const char *reason)
{
    return scratch_copy(reason, strnlen(reason, CORE_NAME_MAX - 1));
}

static enum run_state end_of(const struct alone_task *task)
{
    if (task->result == CORE_OK) return RUN_COMPLETED;
    return task->cancelled || task->result == CORE_CANCELLED ? RUN_CANCELLED : RUN_FAILED;
}

/* It works, whatever it is asked, and then comes back with what decides about its end. */
static void return_something(struct alone *alone)
{
    const struct alone_line begun[] = { task_state("running", ""), { "note", "", "" } };
    const char *reason = draw_reason();
    struct alone_task *task = &alone->task;

    task_take_in(alone, begun, 2);
    alone_tell(alone, "the number of an event of a run", task->note_seq,
               task->session->head);
    task_judge_state(alone, RUN_RUNNING, 0);
    task->cancelled = alone_draw("cancelled_meanwhile");
    if (task->cancelled) task_cancel(alone, reason, true);
    task->over_us = task->begun_us + ALONE_WORK_US;
    world_sleep_until(us_ns(task->over_us));
    alone_settle();
    judge_work(alone, task->result);
    enum run_state state = end_of(task);
    const struct alone_line end = task_state(alone->api->run_state_word(state),
                                             task->cancelled ? said_of(reason) : "");
    task_take_in(alone, &end, 1);
    task_judge_end(alone, state);
}

/* --- questions --- */

void task_judge_outcomes(struct alone *alone, uint32_t count, enum prompt_outcome last,
                           uint64_t at_us)
{
    const struct alone_task *task = &alone->task;

    alone_tell(alone, "outcomes of questions", task->outcomes, count);
    if (task->outcomes == count)
        alone_tell(alone, "the outcome of a question", task->told[count - 1], last);
    alone_tell(alone, "when the outcome of a question was told", task->told_us, at_us);
}

static void expire(struct alone *alone)
{
    bool fails = alone->settings.on_expire == ON_EXPIRE_FAIL;
    const struct alone_line ends[] = { { "prompt_closed", "expired", "" },
                                       fails ? task_state("failed", "a prompt expired")
                                             : task_state("completed", "") };
    struct alone_task *task = &alone->task;

    task->over_us = task->begun_us + task->time_us;
    task_wait_us(task->over_us - now_us() - 100000);
    task_judge_state(alone, RUN_RUNNING, 1);
    task_wait_us(100000);
    task_judge_outcomes(alone, 1, PROMPT_EXPIRED, task->over_us);
    alone->due_stops += fails;
    task_take_in(alone, ends, 2);
    task_judge_end(alone, fails ? RUN_FAILED : RUN_COMPLETED);
}

static void ask_for_long(struct alone *alone)
{
    const struct alone_line begin[] = { task_state("running", ""),
                                        { "request_user_input", "", "" } };
    const struct alone_line ends[] = { { "prompt_closed", "cancelled", "" },
                                       task_state("cancelled", because) };
    bool clock = alone->settings.prompt_clock == PROMPT_CLOCK_ALWAYS &&
                 alone->settings.on_expire != ON_EXPIRE_HOLD;

    task_take_in(alone, begin, 2);
    task_judge_state(alone, RUN_RUNNING, clock);
    if (clock && alone_draw("until_it_expires")) {
        expire(alone);
        return;
    }
    task_wait_us(clock ? 400000 : alone->task.time_us);
    task_judge_state(alone, RUN_RUNNING, clock);
    task_cancel(alone, because, true);
    task_judge_outcomes(alone, 1, PROMPT_CANCELLED, alone->task.over_us);
    task_take_in(alone, ends, 2);
    task_judge_end(alone, RUN_CANCELLED);
}

/* A run that ends takes its questions with it, before its end is told. */
static void ask_and_go(struct alone *alone, bool twice)
{
    const struct alone_line begin[] = { task_state("running", ""),
                                        { "request_confirmation", "", "" } };
    const struct alone_line again[] = { { "prompt_closed", "superseded", "" }, begin[1] };
    const struct alone_line ends[] = { { "prompt_closed", "cancelled", "" },
                                       task_state("completed", "") };

    task_take_in(alone, begin, 2);
    alone->task.over_us = alone->task.begun_us + (twice ? 10000 : 5000);
    if (twice) {
        world_sleep_until(us_ns(alone->task.begun_us + 7000));
        task_judge_outcomes(alone, 1, PROMPT_SUPERSEDED, alone->task.begun_us + 5000);
        task_take_in(alone, again, 2);
    }
    world_sleep_until(us_ns(alone->task.over_us + 2000));
    task_judge_outcomes(alone, 1 + twice, PROMPT_CANCELLED, alone->task.over_us);
    judge_work(alone, CORE_OK);
    task_take_in(alone, ends, 2);
    task_judge_end(alone, RUN_COMPLETED);
}

/* --- behind another holder of its lock --- */

static void wait_for_lock(struct alone *alone)
{
    const struct alone_line cancelled[] = { task_state("cancelled", because) };
    const struct alone_line failed[] = { task_state("failed", "it runs elsewhere") };
    struct alone_task *task = &alone->task;

    task_judge_state(alone, RUN_STARTING, 1);
    if (alone_draw("until_it_gives_up")) {
        task->over_us = task->begun_us + 2 * ALONE_TTL_US;
        task_wait_us(task->over_us - now_us() - 100000);
        task_judge_state(alone, RUN_STARTING, 1);
        task_wait_us(100000);
        task_take_in(alone, failed, 1);
        task_judge_end(alone, RUN_FAILED);
    } else {
        task_wait_us(task->time_us);
        task_cancel(alone, because, true);
        task_take_in(alone, cancelled, 1);
        task_judge_end(alone, RUN_CANCELLED);
    }
    alone_tell(alone, "whether a run without its lock began", task->ended_us, 0);
}

/* --- one of them --- */

static bool begin(struct alone *alone, struct alone_session *session)
{
    struct alone_task *task = &alone->task;
    char key[24];
    bool created = false;

    (void)snprintf(key, sizeof key, "task %u", ++alone->tasks);
    const char *name = scratch_copy(key, strlen(key));
    struct run_spec spec = { .agent = agent_of(alone->actor), .key = name,
                             .input = "{\"task\":true}", .gate_given = true,
                             .gate = task->gate,
                             .timeout_us = task->kind == ALONE_PAUSES ? ALONE_LIMIT_US : 0 };
    task->session = session;
    task->begun_us = now_us();
    session->idle_us = 0;
    enum core_result rc =
        alone->api->run_submit(alone->core, session->ref, &spec, &task->ref, &created);
    alone_tell(alone, "the answer to a run that takes its time", rc, CORE_OK);
    alone_tell(alone, "whether a run that takes its time is a new one", created, true);
    if (rc != CORE_OK) return false;
    alone_touch(alone, session);
    alone_settle();
    alone_begin_run(session, name, task->ref.run);
    session->runs[session->run_count - 1].first_seq = session->head + 1;
    return true;
}

/* For what is replayed, and for what a run says meanwhile. */
static bool has_room(const struct alone_session *session)
{
    return session->most >= ALONE_REPLAY_MAX + 3 && alone_bytes_kept(session) < ALONE_BYTES_MAX / 2;
}

static void draw_details(struct alone_task *task, const struct alone_session *session)
{
    static const enum core_result results[] = { CORE_OK, CORE_CANCELLED, CORE_REFUSED };

    task->result = results[world_choose(3, "what_an_agent_returns")];
    task->input = task->kind == ALONE_ASKS ||
                  (task->kind == ALONE_TALKS && alone_draw("a_question_for_values"));
    /* Before the first heartbeat of whoever comes. */
    if (task->kind == ALONE_TALKS && task->time_us > ALONE_HEARTBEAT_US)
        task->time_us = ALONE_HEARTBEAT_US - 1000000;
    task->gate = START_GATE_NONE;
    if (task->kind == ALONE_GATED)
        task->gate = has_room(session) && alone_draw("a_gate_for_the_attached")
            ? START_GATE_ATTACHED : START_GATE_ACKNOWLEDGED;
}

void alone_task_one(struct alone *alone)
{
    static const uint64_t times_us[] = { 1000000, 5000000 };
    struct alone_session *session = alone_draw_session(alone);
    uint64_t room = alone->settings.store_max_events;

    /* What the store would forget meanwhile is told once more; that is for scenarios. */
    if (!session->open || session->head < session->stored ||
        session->head + 8 >= ALONE_EVENTS || session->run_count == ALONE_RUNS ||
        (alone->stored && session->head + 8 - session->stored_floor >= room) ||
        session->grace_us > now_us())   /* which is that of a run that begins now, too */
        return;
    alone->task = (struct alone_task){
        .kind = (enum alone_kind)world_choose(ALONE_KINDS, "what_a_run_does"),
        .time_us = times_us[world_choose(2, "how_long_a_run_takes")] };
    if (alone->task.kind == ALONE_LOCKED && !alone->locked) return;
    alone->rival = alone->task.kind == ALONE_LOCKED;
    draw_details(&alone->task, session);
    if (!begin(alone, session)) return;
    switch (alone->task.kind) {
    case ALONE_GATED: wait_at_gate(alone); return;
    case ALONE_PAUSES: pause_for_long(alone); return;
    case ALONE_ASKS: ask_for_long(alone); return;
    case ALONE_ASKS_TWICE: ask_and_go(alone, true); return;
    case ALONE_ASKS_AND_GOES: ask_and_go(alone, false); return;
    case ALONE_TALKS: task_talk(alone); return;
    case ALONE_RETURNS: return_something(alone); return;
    case ALONE_LOCKED: wait_for_lock(alone); break;
    }
    alone->rival = false;
}
