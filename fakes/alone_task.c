/* Runs of a core that a backend has for itself, and that take their time: they wait at a gate,
 * pause, or ask. Nobody is attached, so what becomes of them follows from settings and clock. */
#include "fakes/alone.h"
#include "fakes/alone_ports.h"

#include <stdio.h>

enum { EVENTS_MAX = 3 };   /* that come at a time: memory holds so many */

static const char question[] = "really?", because[] = "not needed any more";

/* --- agents --- */

static void on_outcome(void *context, const struct prompt_answer *answer)
{
    struct alone_task *task = context;

    if (task->outcomes < 2) task->told[task->outcomes] = answer->outcome;
    task->outcomes++;
    task->told_us = now_us();
}

static enum core_result ask_later(struct alone *alone, struct run_context *run)
{
    struct prompt_request request = { .kind = PROMPT_CONFIRMATION, .id = "q", .text = question,
                                      .timeout_us = alone->task.time_us };

    enum core_result rc = alone->api->run_ask_async(run, &request, on_outcome, &alone->task);
    world_sleep_until(ahead_ns(5000));
    return rc;
}

static enum core_result ask(struct alone *alone, struct run_context *run)
{
    struct prompt_request request = { .kind = PROMPT_USER_INPUT, .id = "q", .text = question,
                                      .timeout_us = alone->task.time_us };
    struct prompt_answer answer;

    enum core_result rc = alone->api->run_ask(run, &request, &answer);
    if (rc != CORE_OK) return rc;
    on_outcome(&alone->task, &answer);
    alone->api->prompt_answer_free(&answer);
    return answer.outcome == PROMPT_CANCELLED ? CORE_CANCELLED : CORE_OK;
}

enum core_result alone_task_run(struct alone *alone, struct run_context *run)
{
    struct alone_task *task = &alone->task;
    uint64_t tenure = alone->stored ? task->session->tenure : 0;

    alone_tell(alone, "the token of a run", alone->api->run_token(run),
               alone->locked ? alone->locks : tenure);
    switch (task->kind) {
    case ALONE_GATED: case ALONE_LOCKED: break;
    case ALONE_PAUSES: task->rc = alone->api->run_pause(run, task->time_us); break;
    case ALONE_ASKS: task->rc = ask(alone, run); break;
    case ALONE_ASKS_TWICE:
    case ALONE_ASKS_AND_GOES: task->rc = ask_later(alone, run); break;
    }
    if (task->kind == ALONE_ASKS_TWICE) task->rc = ask_later(alone, run);
    task->ended_us = now_us();
    return task->rc;
}

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

struct lock_store_port alone_locks(struct alone *alone)
{
    return alone_lasting_locks(alone, try_acquire);
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

static struct alone_line state(const char *said, const char *why)
{
    return (struct alone_line){ "run_state", said, why };
}

/* These events have come, and no others. */
static void take_in(struct alone *alone, const struct alone_line *due, size_t count)
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

static void judge_state(struct alone *alone, enum run_state due, uint64_t deadlines)
{
    const struct alone_task *task = &alone->task;
    uint64_t lock = alone->locked && due == RUN_RUNNING;   /* until when its lease is good */
    struct core_stats stats;
    enum run_state told = RUN_STATE_COUNT;

    alone_pass_time(alone);
    alone->api->stats(alone->core, &stats);
    alone_tell(alone, "deadlines while a run takes its time", stats.timers,
               alone_deadlines(alone) + deadlines + lock);
    alone_tell(alone, "live runs while one takes its time", stats.runs, 1);
    alone_tell(alone, "the answer about a run that takes its time",
               alone->api->run_state(alone->core, task->ref, &told), CORE_OK);
    alone_tell(alone, "the state of a run that takes its time", told, due);
}

static void judge_end(struct alone *alone, enum run_state due)
{
    enum run_state told = RUN_STATE_COUNT;

    alone_tell(alone, "the answer about a run that took its time",
               alone->api->run_state(alone->core, alone->task.ref, &told), CORE_OK);
    alone_tell(alone, "the state of a run that took its time", told, due);
    alone_note_idle(alone->task.session);
    alone->task.session->idle_us = alone->task.over_us;
}

static void wait_us(uint64_t time_us)
{
    world_sleep_until(ahead_ns(time_us));
    alone_settle();
}

static void cancel(struct alone *alone, bool begun)
{
    alone->task.over_us = now_us();
    alone_tell(alone, "the answer to the cancel of a run",
               alone->api->run_cancel(alone->core, alone->task.ref, because), CORE_OK);
    alone->due_stops += begun;
    alone_settle();
}

/* --- at a gate --- */

static void waive(struct alone *alone)
{
    const struct alone_line ran[] = { state("running", ""), state("completed", "") };
    const struct alone_line failed[] = { state("failed", "nobody came to its start gate") };

    alone->task.over_us = alone->task.begun_us + ALONE_GATE_US;
    wait_us(ALONE_GATE_US - 100000);
    judge_state(alone, RUN_WAITING, 1);
    wait_us(100000);
    if (alone->settings.on_gate_timeout == ON_GATE_TIMEOUT_RUN_DETACHED) {
        take_in(alone, ran, 2);
        judge_end(alone, RUN_COMPLETED);
        alone_tell(alone, "when a gate was waived", alone->task.ended_us, alone->task.over_us);
    } else {
        take_in(alone, failed, 1);
        judge_end(alone, RUN_FAILED);
    }
}

static void wait_at_gate(struct alone *alone)
{
    const struct alone_line waiting[] = { state("waiting", "") };
    const struct alone_line cancelled[] = { state("cancelled", because) };
    bool hold = alone->settings.on_gate_timeout == ON_GATE_TIMEOUT_HOLD;

    take_in(alone, waiting, 1);
    judge_state(alone, RUN_WAITING, 1);
    bool long_enough = alone_draw("until_the_gate_is_waived");
    if (long_enough && !hold) {
        waive(alone);
        return;
    }
    if (long_enough) {
        wait_us(ALONE_GATE_US);
        judge_state(alone, RUN_WAITING, 0);
    }
    cancel(alone, false);
    take_in(alone, cancelled, 1);
    judge_end(alone, RUN_CANCELLED);
    alone_tell(alone, "whether a run that was cancelled at its gate began", alone->task.ended_us,
               0);
}

/* --- at work --- */

static void judge_work(struct alone *alone, enum core_result rc)
{
    alone_tell(alone, "what a run that takes its time was told", alone->task.rc, rc);
    alone_tell(alone, "when a run that takes its time ended", alone->task.ended_us,
               alone->task.over_us);
}

static void pause_for_long(struct alone *alone)
{
    const struct alone_line running[] = { state("running", "") };
    const struct alone_line ends[] = { state("completed", ""), state("failed", "it took too long"),
                                       state("cancelled", because) };
    struct alone_task *task = &alone->task;
    bool too_long = task->time_us > ALONE_LIMIT_US;

    take_in(alone, running, 1);
    judge_state(alone, RUN_RUNNING, 1);
    if (alone_draw("cancelled_at_work")) {
        wait_us(400000);
        cancel(alone, true);
        judge_work(alone, CORE_CANCELLED);
        take_in(alone, &ends[2], 1);
        judge_end(alone, RUN_CANCELLED);
        return;
    }
    task->over_us = task->begun_us + (too_long ? ALONE_LIMIT_US : task->time_us);
    wait_us(task->over_us - now_us());
    alone->due_stops += too_long;
    judge_work(alone, too_long ? CORE_CANCELLED : CORE_OK);
    take_in(alone, &ends[too_long], 1);
    judge_end(alone, too_long ? RUN_FAILED : RUN_COMPLETED);
}

/* --- questions --- */

static void judge_outcomes(struct alone *alone, uint32_t count, enum prompt_outcome last,
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
                                       fails ? state("failed", "a prompt expired")
                                             : state("completed", "") };
    struct alone_task *task = &alone->task;

    task->over_us = task->begun_us + task->time_us;
    wait_us(task->over_us - now_us() - 100000);
    judge_state(alone, RUN_RUNNING, 1);
    wait_us(100000);
    judge_outcomes(alone, 1, PROMPT_EXPIRED, task->over_us);
    alone->due_stops += fails;
    take_in(alone, ends, 2);
    judge_end(alone, fails ? RUN_FAILED : RUN_COMPLETED);
}

static void ask_for_long(struct alone *alone)
{
    const struct alone_line begin[] = { state("running", ""), { "request_user_input", "", "" } };
    const struct alone_line ends[] = { { "prompt_closed", "cancelled", "" },
                                       state("cancelled", because) };
    bool clock = alone->settings.prompt_clock == PROMPT_CLOCK_ALWAYS &&
                 alone->settings.on_expire != ON_EXPIRE_HOLD;

    take_in(alone, begin, 2);
    judge_state(alone, RUN_RUNNING, clock);
    if (clock && alone_draw("until_it_expires")) {
        expire(alone);
        return;
    }
    wait_us(clock ? 400000 : alone->task.time_us);
    judge_state(alone, RUN_RUNNING, clock);
    cancel(alone, true);
    judge_outcomes(alone, 1, PROMPT_CANCELLED, alone->task.over_us);
    take_in(alone, ends, 2);
    judge_end(alone, RUN_CANCELLED);
}

/* A run that ends takes its questions with it, before its end is told. */
static void ask_and_go(struct alone *alone, bool twice)
{
    const struct alone_line begin[] = { state("running", ""), { "request_confirmation", "", "" } };
    const struct alone_line again[] = { { "prompt_closed", "superseded", "" }, begin[1] };
    const struct alone_line ends[] = { { "prompt_closed", "cancelled", "" },
                                       state("completed", "") };

    take_in(alone, begin, 2);
    alone->task.over_us = alone->task.begun_us + (twice ? 10000 : 5000);
    if (twice) {
        world_sleep_until(us_ns(alone->task.begun_us + 7000));
        judge_outcomes(alone, 1, PROMPT_SUPERSEDED, alone->task.begun_us + 5000);
        take_in(alone, again, 2);
    }
    world_sleep_until(us_ns(alone->task.over_us + 2000));
    judge_outcomes(alone, 1 + twice, PROMPT_CANCELLED, alone->task.over_us);
    judge_work(alone, CORE_OK);
    take_in(alone, ends, 2);
    judge_end(alone, RUN_COMPLETED);
}

/* --- behind another holder of its lock --- */

static void wait_for_lock(struct alone *alone)
{
    const struct alone_line cancelled[] = { state("cancelled", because) };
    const struct alone_line failed[] = { state("failed", "it runs elsewhere") };
    struct alone_task *task = &alone->task;

    judge_state(alone, RUN_STARTING, 1);
    if (alone_draw("until_it_gives_up")) {
        task->over_us = task->begun_us + 2 * ALONE_TTL_US;
        wait_us(task->over_us - now_us() - 100000);
        judge_state(alone, RUN_STARTING, 1);
        wait_us(100000);
        take_in(alone, failed, 1);
        judge_end(alone, RUN_FAILED);
    } else {
        wait_us(task->time_us);
        cancel(alone, true);
        take_in(alone, cancelled, 1);
        judge_end(alone, RUN_CANCELLED);
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
                             .gate = task->kind == ALONE_GATED ? START_GATE_ATTACHED
                                                               : START_GATE_NONE,
                             .timeout_us = task->kind == ALONE_PAUSES ? ALONE_LIMIT_US : 0 };
    task->session = session;
    task->begun_us = now_us();
    session->idle_us = 0;
    enum core_result rc =
        alone->api->run_submit(alone->core, session->ref, &spec, &task->ref, &created);
    alone_tell(alone, "the answer to a run that takes its time", rc, CORE_OK);
    alone_tell(alone, "whether a run that takes its time is a new one", created, true);
    if (rc != CORE_OK) return false;
    alone_settle();
    alone_begin_run(session, name, task->ref.run);
    session->runs[session->run_count - 1].first_seq = session->head + 1;
    return true;
}

void alone_task_one(struct alone *alone)
{
    static const uint64_t times_us[] = { 1000000, 5000000 };
    struct alone_session *session = alone_draw_session(alone);
    uint64_t room = alone->settings.store_max_events;

    /* What the store would forget meanwhile is told once more; that is for scenarios. */
    if (!session->open || session->head < session->stored ||
        session->head + 8 >= ALONE_EVENTS || session->run_count == ALONE_RUNS ||
        (alone->stored && session->head + 8 - session->stored_floor >= room))
        return;
    alone->task = (struct alone_task){
        .kind = (enum alone_kind)world_choose(ALONE_KINDS, "what_a_run_does"),
        .time_us = times_us[world_choose(2, "how_long_a_run_takes")] };
    if (alone->task.kind == ALONE_LOCKED && !alone->locked) return;
    alone->rival = alone->task.kind == ALONE_LOCKED;
    if (!begin(alone, session)) return;
    switch (alone->task.kind) {
    case ALONE_GATED: wait_at_gate(alone); return;
    case ALONE_PAUSES: pause_for_long(alone); return;
    case ALONE_ASKS: ask_for_long(alone); return;
    case ALONE_ASKS_TWICE: ask_and_go(alone, true); return;
    case ALONE_ASKS_AND_GOES: ask_and_go(alone, false); return;
    case ALONE_LOCKED: wait_for_lock(alone); break;
    }
    alone->rival = false;
}
