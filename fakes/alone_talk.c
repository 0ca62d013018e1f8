/* A question of a run of a core that a backend has for itself, and a client of its session: it
 * comes, says what makes sense and what does not, answers, cancels, goes, and comes again. What it
 * is told, what the agent is told, and when, follows from settings and clock. */
#include "fakes/alone_line.h"
#include "fakes/alone_task.h"

#include <stdio.h>

enum { DEEDS = 3, PAUSE_US = 200000 };

struct talk {
    struct alone *alone;
    struct line *line;       /* NULL: nobody is there */
    uint64_t due_us;         /* when the question expires, while its clock runs; or */
    uint64_t left_us;        /* what is left of its time */
    uint64_t number;
    bool settled;
};

static bool is_held(const struct talk *talk)
{
    return talk->alone->settings.on_expire == ON_EXPIRE_HOLD;
}

static bool is_always_on(const struct talk *talk)
{
    return talk->alone->settings.prompt_clock == PROMPT_CLOCK_ALWAYS;
}

static void judge(const struct talk *talk)
{
    task_judge_state(talk->alone, RUN_RUNNING, talk->due_us != 0 && !is_held(talk));
}

/* --- how it ends --- */

/* At alone->task.over_us the question got this outcome, and the run with it this end. */
static void settle(struct talk *talk, enum prompt_outcome outcome, enum run_state end,
                   const char *why)
{
    struct alone *alone = talk->alone;
    const struct alone_line ends[] = {
        { "prompt_closed", alone->api->prompt_outcome_word(outcome), "" },
        task_state(alone->api->run_state_word(end), why) };

    talk->settled = true;
    alone->task.session->question.open = false;
    task_judge_outcomes(alone, 1, outcome, alone->task.over_us);
    alone_tell(alone, "whether an agent is given the values of an answer", alone->task.valued,
               alone->task.input && outcome == PROMPT_APPROVED);
    task_take_in(alone, ends, 2);
    task_judge_end(alone, end);
    if (talk->line != NULL) line_due_news(talk->line);
}

/* --- what a client says --- */

static const char *word_of(bool input)
{
    return input ? "user_input" : "confirm";
}

static void say_answer(struct talk *talk, bool input, uint64_t number, const char *rest)
{
    char text[100];

    (void)snprintf(text, sizeof text, "{\"type\":\"%s\",\"prompt\":%llu%s}", word_of(input),
                   (unsigned long long)number, rest);
    line_say(talk->line, text);
    alone_settle();
}

static void say_cancel(struct talk *talk, uint64_t run)
{
    char text[100];

    (void)snprintf(text, sizeof text, "{\"type\":\"cancel\",\"run\":%llu}",
                   (unsigned long long)run);
    line_say(talk->line, text);
    alone_settle();
}

static void answer(struct talk *talk)
{
    struct alone_task *task = &talk->alone->task;
    bool yes = task->input || alone_draw("yes_or_no");

    task->over_us = now_us();
    say_answer(talk, task->input, talk->number,
               task->input ? ",\"values\":" ALONE_VALUES
                           : yes ? ",\"value\":true" : ",\"value\":false");
    settle(talk, yes ? PROMPT_APPROVED : PROMPT_REJECTED, RUN_COMPLETED, "");
}

/* What changes nothing, and is answered so. */
static void say_nonsense(struct talk *talk)
{
    bool input = talk->alone->task.input;
    const char *rest = input ? ",\"values\":{}" : ",\"value\":true";
    const char *other = input ? ",\"value\":true" : ",\"values\":{}";
    uint32_t what = world_choose(5, "what_makes_no_sense");

    if (what == 0) say_answer(talk, !input, talk->number, other);   /* of the other kind */
    if (what == 1) say_answer(talk, input, talk->number + 1, rest);
    if (what == 2) say_answer(talk, input, talk->number, ",\"value\":1,\"values\":1");
    if (what == 3) say_cancel(talk, talk->alone->task.ref.run + 1);
    if (what == 4) line_say(talk->line, "{\"type\":\"cancel\"}");
    line_due_error(talk->line, what < 3 ? word_of(input != (what == 0)) : "cancel",
                   what == 1 || what == 3 ? CORE_NOT_FOUND : CORE_INVALID);
    line_due_news(talk->line);
}

static void cancel(struct talk *talk)
{
    struct alone_task *task = &talk->alone->task;

    if (alone_draw("cancelled_by_the_program")) {
        task_cancel(talk->alone, NULL, true);
        settle(talk, PROMPT_CANCELLED, RUN_CANCELLED, "cancelled");
        return;
    }
    task->over_us = now_us();
    talk->alone->due_stops++;
    say_cancel(talk, task->ref.run);
    settle(talk, PROMPT_CANCELLED, RUN_CANCELLED, "cancelled by the user");
}

/* The same run is asked for once more. */
static void start_again(struct talk *talk)
{
    const struct alone_session *session = talk->alone->task.session;
    char text[160];

    (void)snprintf(text, sizeof text,
                   "{\"type\":\"start_agent\",\"agent\":\"another\",\"key\":\"%s\"}",
                   session->runs[session->run_count - 1].key);
    line_say(talk->line, text);
    const json_t *body = line_due(talk->line, "accepted");
    const char *told = json_string_value(json_object_get(body, "state"));
    line_due_number(talk->line, body, "run", talk->alone->task.ref.run);
    alone_tell(talk->alone, "whether a run that was asked for again is told to work",
               told != NULL && strcmp(told, "running") == 0, true);
    line_due_news(talk->line);
}

/* --- time --- */

static void expire(struct talk *talk)
{
    struct alone *alone = talk->alone;
    bool fails = alone->settings.on_expire == ON_EXPIRE_FAIL;

    alone->task.over_us = talk->due_us;
    task_wait_us(talk->due_us - now_us());
    alone->due_stops += fails;
    settle(talk, PROMPT_EXPIRED, fails ? RUN_FAILED : RUN_COMPLETED,
           fails ? "a prompt expired" : "");
}

/* Whoever is told first at the moment of the deadline: it is over. */
static void answer_too_late(struct talk *talk)
{
    const struct core_api *api = talk->alone->api;
    bool input = talk->alone->task.input;

    say_answer(talk, input, talk->number,
               input ? ",\"values\":" ALONE_VALUES : ",\"value\":true");
    const json_t *body = line_due(talk->line, "error");
    const char *told = json_string_value(json_object_get(body, "code"));
    bool over = told != NULL && (strcmp(told, api->result_word(CORE_EXPIRED)) == 0 ||
                                 strcmp(told, api->result_word(CORE_CONFLICT)) == 0 ||
                                 strcmp(told, api->result_word(CORE_NOT_FOUND)) == 0);
    alone_tell(talk->alone, "whether an answer at the deadline comes too late", over, true);
}

static void leave_too_late(struct talk *talk)
{
    struct line *line = talk->line;

    talk->line = NULL;
    line_leave(line);
}

static void wait_for_deadline(struct talk *talk)
{
    struct alone *alone = talk->alone;
    bool fails = alone->settings.on_expire == ON_EXPIRE_FAIL;
    bool goes = alone->settings.on_detach == ON_DETACH_KEEP && alone_draw("and_goes");

    alone->task.over_us = talk->due_us;
    world_sleep_until(us_ns(talk->due_us));
    if (goes) leave_too_late(talk);
    else answer_too_late(talk);
    alone->due_stops += fails;
    settle(talk, PROMPT_EXPIRED, fails ? RUN_FAILED : RUN_COMPLETED,
           fails ? "a prompt expired" : "");
}

static void wait_some(struct talk *talk)
{
    if (talk->due_us == 0 || is_held(talk)) {
        task_wait_us(PAUSE_US);
        judge(talk);
    } else if (alone_draw("until_the_last_moment")) {
        wait_for_deadline(talk);
    } else {
        expire(talk);
    }
}

/* --- coming and going --- */

static void come(struct talk *talk)
{
    struct alone_session *session = talk->alone->task.session;

    if (talk->due_us == 0) talk->due_us = now_us() + talk->left_us;
    session->question.due_us = talk->due_us;
    talk->line = line_attach(talk->alone, session);
    judge(talk);
}

static void nobody_is_there(struct talk *talk)
{
    talk->alone->due_stops++;
    settle(talk, PROMPT_CANCELLED, RUN_CANCELLED, "nobody attached");
}

static void go(struct talk *talk)
{
    struct alone *alone = talk->alone;
    uint64_t policy = alone->settings.on_detach, at_us = now_us();
    struct line *line = talk->line;

    alone->task.over_us = at_us + (policy == ON_DETACH_CANCEL_NOW ? 0 : ALONE_GRACE_US);
    talk->line = NULL;
    line_leave(line);
    if (!is_always_on(talk)) {
        talk->left_us = talk->due_us - at_us;
        talk->due_us = 0;
    }
    if (policy == ON_DETACH_CANCEL_NOW) nobody_is_there(talk);
    else judge(talk);
}

/* Where the clock stands, for longer than the question's time or the grace. */
static void stay_away(struct talk *talk)
{
    bool graced = talk->alone->settings.on_detach == ON_DETACH_CANCEL_AFTER_GRACE;

    if (talk->due_us != 0 && !is_held(talk)) return;
    if (!graced || alone_draw("back_in_time")) {
        task_wait_us(graced ? ALONE_GRACE_US / 2 : talk->alone->task.time_us + PAUSE_US);
        judge(talk);
        return;
    }
    task_wait_us(talk->alone->task.over_us - now_us());
    nobody_is_there(talk);
}

static void go_and_come(struct talk *talk)
{
    go(talk);
    if (!talk->settled) stay_away(talk);
    if (!talk->settled) come(talk);
}

/* --- the whole --- */

static void do_something(struct talk *talk)
{
    switch (world_choose(7, "what_a_client_does")) {
    case 0: answer(talk); return;
    case 1: cancel(talk); return;
    case 2: start_again(talk); return;
    case 3: wait_some(talk); return;
    case 4: go_and_come(talk); return;
    default: say_nonsense(talk); return;
    }
}

static void begin(struct talk *talk)
{
    struct alone_session *session = talk->alone->task.session;
    bool input = talk->alone->task.input;
    const char *word = input ? "request_user_input" : "request_confirmation";
    const struct alone_line begun[] = { task_state("running", ""), { word, "", "" } };

    task_take_in(talk->alone, begun, 2);
    const struct alone_event *event = &session->events[session->head - 1];
    const json_t *payload = json_loadb(event->payload, event->length, 0, NULL);
    talk->number = (uint64_t)json_integer_value(json_object_get(payload, "prompt"));
    session->question = (struct alone_question){ true, word, talk->number, session->head, 0 };
    talk->left_us = talk->alone->task.time_us;
    if (is_always_on(talk)) talk->due_us = talk->alone->task.begun_us + talk->left_us;
    judge(talk);
}

/* The question is over, and so is its run. */
static void come_too_late(struct talk *talk)
{
    bool input = talk->alone->task.input;

    if (alone_draw("an_answer_too_late")) {
        say_answer(talk, input, talk->number, input ? ",\"values\":{}" : ",\"value\":true");
        line_due_error(talk->line, word_of(input), CORE_NOT_FOUND);
    } else {
        say_cancel(talk, talk->alone->task.ref.run);
        line_due_error(talk->line, "cancel", CORE_STALE);
    }
    line_due_news(talk->line);
}

void task_talk(struct alone *alone)
{
    struct talk talk = { .alone = alone };

    begin(&talk);
    task_wait_us(PAUSE_US);
    come(&talk);
    for (uint32_t i = 0; i < DEEDS && !talk.settled; i++) do_something(&talk);
    if (!talk.settled) answer(&talk);
    if (talk.line == NULL) return;
    come_too_late(&talk);
    line_leave(talk.line);
}
