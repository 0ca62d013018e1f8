/* Agents of a core that a backend has for itself: what they call, and are told. */
#include "fakes/alone.h"

static const char question[] = "really?";

/* --- what has to be refused --- */

static void emit_nonsense(struct alone *alone, struct run_context *run)
{
    const struct core_api *api = alone->api;
    char text[ALONE_EVENT_MAX + 1];

    memset(text, ' ', sizeof text);
    memcpy(text, "{}", 2);
    alone_tell(alone, "what is told of an event without a type",
               api->run_emit(run, "", "{}", 2, NULL), CORE_INVALID);
    alone_tell(alone, "what is told of an event of a type of the core's",
               api->run_emit(run, "run_state", "{}", 2, NULL), CORE_INVALID);
    alone_tell(alone, "what is told of an event without a payload",
               api->run_emit(run, "note", NULL, 0, NULL), CORE_INVALID);
    alone_tell(alone, "what is told of an event that is no object",
               api->run_emit(run, "note", "[]", 2, NULL), CORE_INVALID);
    alone_tell(alone, "what is told of an event that is too long",
               api->run_emit(run, "note", text, sizeof text, NULL), CORE_LIMIT);
}

static void no_outcome(void *context, const struct prompt_answer *answer)
{
    (void)answer;
    alone_tell(context, "outcomes of a question that was refused", 1, 0);
}

static void ask_nonsense(struct alone *alone, struct run_context *run)
{
    static const struct prompt_request requests[] = { { .id = "" }, { .id = NULL },
                                                      { .id = "q", .text = "\xff" } };
    struct prompt_answer answer;

    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        alone_tell(alone, "what is told of a question that makes no sense",
                   alone->api->run_ask(run, &requests[i], &answer), CORE_INVALID);
        alone_tell(alone, "what is told of a question that makes no sense and does not wait",
                   alone->api->run_ask_async(run, &requests[i], no_outcome, alone), CORE_INVALID);
    }
}

/* A run that was asked to stop does nothing any more. */
static void call_too_late(struct alone *alone, struct run_context *run)
{
    const struct prompt_request request = { .id = "q" };
    uint64_t begun_us = now_us();
    struct prompt_answer answer;

    alone_tell(alone, "whether a run that was cancelled is to stop",
               alone->api->run_should_stop(run), true);
    alone_tell(alone, "what is told of an event after a cancel",
               alone->api->run_emit(run, "note", "{}", 2, NULL), CORE_CANCELLED);
    alone_tell(alone, "what is told of a question after a cancel",
               alone->api->run_ask(run, &request, &answer), CORE_CANCELLED);
    alone_tell(alone, "what is told of a pause after a cancel",
               alone->api->run_pause(run, 1000000), CORE_CANCELLED);
    alone_tell(alone, "how long a pause after a cancel takes", now_us() - begun_us, 0);
}

/* --- what takes its time --- */

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
    world_sleep_until(ahead_ns(ALONE_WORK_US));
    return rc;
}

static enum core_result ask(struct alone *alone, struct run_context *run)
{
    struct alone_task *task = &alone->task;
    struct prompt_request request = { .id = "q", .text = question, .timeout_us = task->time_us,
                                      .kind = task->input ? PROMPT_USER_INPUT
                                                          : PROMPT_CONFIRMATION };
    struct prompt_answer answer;

    enum core_result rc = alone->api->run_ask(run, &request, &answer);
    if (rc != CORE_OK) return rc;
    on_outcome(task, &answer);
    task->valued = answer.values != NULL && strcmp(answer.values, ALONE_VALUES) == 0;
    alone->api->prompt_answer_free(&answer);
    alone_tell(alone, "whether an answer that was freed has values", answer.values != NULL, false);
    return answer.outcome == PROMPT_CANCELLED ? CORE_CANCELLED : CORE_OK;
}

/* An event as long as is allowed, some work, and whatever it comes back with. */
static enum core_result work(struct alone *alone, struct run_context *run)
{
    struct alone_task *task = &alone->task;
    char text[ALONE_EVENT_MAX];

    memset(text, ' ', sizeof text);
    memcpy(text, "{}", 2);
    alone_tell(alone, "what is told of the longest event",
               alone->api->run_emit(run, "note", text, sizeof text, &task->note_seq), CORE_OK);
    alone_tell(alone, "whether a run that nobody cancelled is to stop",
               alone->api->run_should_stop(run), false);
    world_sleep_until(ahead_ns(ALONE_WORK_US));
    if (task->cancelled) call_too_late(alone, run);
    return task->result;
}

enum core_result alone_task_run(struct alone *alone, struct run_context *run)
{
    struct alone_task *task = &alone->task;
    uint64_t holder = alone->stored ? task->session->tenure : task->session->epoch;

    alone_tell(alone, "the token of a run", alone->api->run_token(run),
               alone->locked ? alone->locks : holder);
    emit_nonsense(alone, run);
    ask_nonsense(alone, run);
    switch (task->kind) {
    case ALONE_GATED:
        if (task->works) task->rc = alone->api->run_pause(run, ALONE_GATE_US);
        break;
    case ALONE_LOCKED: break;
    case ALONE_PAUSES: task->rc = alone->api->run_pause(run, task->time_us); break;
    case ALONE_ASKS: case ALONE_TALKS: task->rc = ask(alone, run); break;
    case ALONE_ASKS_TWICE:
    case ALONE_ASKS_AND_GOES: task->rc = ask_later(alone, run); break;
    case ALONE_RETURNS: task->rc = work(alone, run); break;
    }
    if (task->kind == ALONE_ASKS_TWICE) task->rc = ask_later(alone, run);
    task->ended_us = now_us();
    return task->rc;
}
