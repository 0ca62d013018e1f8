/* What an agent's thread asks of its core: lines to the daemon, and their answers. */
#include "harness/live/internal.h"

#include "fakes/scratch.h"

#include <string.h>

static struct agent_run *run_of(const struct run_context *context)
{
    struct agent_run *run;
    memcpy(&run, &context, sizeof run);
    return run;
}

static enum core_result emit(struct run_context *context, const char *type, const char *payload,
                             size_t length, uint64_t *seq)
{
    struct agent_run *run = run_of(context);
    json_t *line = json_pack("{s:s, s:s, s:o, s:I}", "type", "emit", "event", type, "payload",
                             json_loadb(payload, length, JSON_DECODE_ANY, NULL), "id",
                             (json_int_t)++run->asked);
    if (run->stop) return CORE_CANCELLED;
    if (!agent_write(run, line)) return CORE_UNKNOWN;
    while (run->answered < run->asked && run->watch != NULL)
        (void)world_wait(&run->changed, WORLD_NEVER, "the daemon to store an event");
    if (run->answered < run->asked) return CORE_UNKNOWN;
    if (run->code == CORE_OK) *seq = run->seq;
    return run->code;
}

static enum core_result send_question(struct agent_run *run, const struct prompt_request *request,
                                      struct question *question)
{
    uint64_t ms = loop_real_us(&run->daemon->live->loop, request->timeout_us) / 1000;
    bool input = request->kind == PROMPT_USER_INPUT;
    json_t *line = json_pack("{s:s, s:s, s:s}", "type", "ask", "id", request->id, "kind",
                             input ? "user_input" : "confirmation");
    if (request->timeout_us > 0)
        json_object_set_new(line, "timeout_ms", json_integer(ms > 0 ? (json_int_t)ms : 1));
    question->id = request->id;
    *run->questions_tail = question;
    run->questions_tail = &question->next;
    if (run->stop) return CORE_CANCELLED;
    return agent_write(run, line) ? CORE_OK : CORE_CANCELLED;
}

static enum core_result ask(struct run_context *context, const struct prompt_request *request,
                            struct prompt_answer *answer)
{
    struct agent_run *run = run_of(context);
    struct question *question = scratch_alloc(sizeof *question);
    enum core_result rc = send_question(run, request, question);
    while (rc == CORE_OK && !question->settled) {
        if (run->watch == NULL) rc = CORE_CANCELLED;
        else (void)world_wait(&run->changed, WORLD_NEVER, "an answer");
    }
    if (rc == CORE_OK) *answer = question->answer;
    question->settled = true;
    return rc;
}

static enum core_result ask_async(struct run_context *context, const struct prompt_request *request,
                                  prompt_done done, void *done_context)
{
    struct agent_run *run = run_of(context);
    struct question *question = scratch_alloc(sizeof *question);
    question->done = done;
    question->context = done_context;
    enum core_result rc = send_question(run, request, question);
    if (rc != CORE_OK) question->settled = true;
    return rc;
}

static bool should_stop(struct run_context *context)
{
    return run_of(context)->stop;
}

static enum core_result pause_run(struct run_context *context, uint64_t duration_us)
{
    struct agent_run *run = run_of(context);
    uint64_t until_ns = world_now_ns() + duration_us * 1000;
    while (!run->stop && world_now_ns() < until_ns)
        (void)world_wait(&run->changed, until_ns, "a pause to end");
    return run->stop ? CORE_CANCELLED : CORE_OK;
}

static struct run_ref self(const struct run_context *context)
{
    return (struct run_ref){{0, 0}, run_of(context)->number};
}

static const char *input(const struct run_context *context)
{
    return run_of(context)->input;
}

static uint64_t token(const struct run_context *context)
{
    return run_of(context)->token;
}

/* In scratch memory. */
static void answer_free(struct prompt_answer *answer)
{
    answer->values = NULL;
}

void agents_calls(struct core_api *api)
{
    api->run_emit = emit;
    api->run_ask = ask;
    api->run_ask_async = ask_async;
    api->run_should_stop = should_stop;
    api->run_pause = pause_run;
    api->run_self = self;
    api->run_input = input;
    api->run_token = token;
    api->prompt_answer_free = answer_free;
}
