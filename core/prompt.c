/*
 * Prompts: questions of a run to its users. Each is settled exactly once, under the lock of the
 * session, and whoever asked is told once the outcome is in the log. A timeout is an outcome of its
 * own (L7).
 */
#include "core/core.h"
#include "core/wire.h"

#include <stdlib.h>
#include <string.h>

/* ---- the list ---- */

struct prompt *prompt_find(struct session *session, uint64_t number)
{
    struct prompt *prompt = session->prompts;
    while (prompt != NULL && prompt->number != number)
        prompt = prompt->next;
    return prompt;
}

/*
 * The first prompt after this number. Settling can free prompts, so loops that settle go by number
 * and never by a pointer kept across the call.
 */
static struct prompt *prompt_after(struct session *session, uint64_t number)
{
    struct prompt *prompt = session->prompts;
    while (prompt != NULL && prompt->number <= number)
        prompt = prompt->next;
    return prompt;
}

static void append_prompt(struct session *session, struct prompt *prompt)
{
    struct prompt **end = &session->prompts;
    while (*end != NULL)
        end = &(*end)->next;
    *end = prompt;
}

void prompt_free(struct prompt *prompt)
{
    free(prompt->text);
    free(prompt->values);
    free(prompt);
}

bool prompts_remain(const struct session *session, uint64_t run)
{
    for (const struct prompt *prompt = session->prompts; prompt != NULL; prompt = prompt->next) {
        if (prompt->run == run)
            return true;
    }
    return false;
}

struct prompt *prompt_restore(struct session *session, uint64_t number, uint64_t run,
                              enum prompt_kind kind, const char *id, uint64_t seq)
{
    struct prompt *prompt = calloc(1, sizeof *prompt);
    if (prompt == NULL)
        return NULL;
    prompt->number = number;
    prompt->run = run;
    prompt->kind = kind;
    prompt->opened = true;
    prompt->seq = seq;
    core_set_name(prompt->id, id);
    append_prompt(session, prompt);
    if (number > session->last_prompt)
        session->last_prompt = number;
    return prompt;
}

/* ---- telling ---- */

static uint64_t time_left_us(const struct prompt *prompt)
{
    uint64_t now_us = core_now_us();
    if (!prompt->clock_on)
        return prompt->remaining_us;
    return prompt->deadline_us > now_us ? prompt->deadline_us - now_us : 0;
}

static json_t *payload_of(const struct prompt *prompt)
{
    json_t *payload = json_pack("{s:I, s:s, s:I, s:I}", "prompt", (json_int_t)prompt->number,
                                "id", prompt->id, "run", (json_int_t)prompt->run,
                                "timeout_us", (json_int_t)time_left_us(prompt));
    if (prompt->text != NULL)
        json_object_set_new(payload, "text", json_string(prompt->text));
    return payload;
}

static enum wire_message request_of(const struct prompt *prompt)
{
    return prompt->kind == PROMPT_CONFIRMATION ? WIRE_REQUEST_CONFIRMATION
                                               : WIRE_REQUEST_USER_INPUT;
}

static enum core_result publish_about(struct turn *turn, struct session *session,
                                      const struct prompt *prompt, enum wire_message type,
                                      json_t *payload)
{
    size_t length;
    char *text = wire_text_owed(turn->core, payload, &length);
    struct publish_order order = { .type = wire_message_word(type), .payload = text,
                                   .length = length, .owed = true, .prompt = prompt->number };
    enum core_result rc = session_publish(turn, session, &order);
    free(text);
    return rc;
}

/* Tells whoever asked, and forgets the prompt. */
static void tell_and_forget(struct turn *turn, struct session *session, struct prompt *prompt)
{
    struct prompt **link = &session->prompts;
    struct prompt_answer answer = { .outcome = prompt->outcome, .values = prompt->values };
    REQUIRE(prompt->outcome != PROMPT_OPEN);
    if (prompt->waiter != NULL) {
        *prompt->answer = answer;
        prompt->values = NULL;
        waiter_finish(prompt->waiter, CORE_OK);
    } else if (prompt->done != NULL) {
        struct effect *effect = turn_owe(turn, EFFECT_PROMPT_DONE);
        effect->u.prompt.done = prompt->done;
        effect->u.prompt.context = prompt->context;
        effect->u.prompt.answer = answer;
        prompt->values = NULL;
    }
    while (*link != prompt)
        link = &(*link)->next;
    *link = prompt->next;
    struct run *run = run_find(session, prompt->run);
    prompt_free(prompt);
    if (run != NULL && run->settling != NULL && !prompts_remain(session, run->number))
        waiter_finish(run->settling, CORE_OK);
}

/* The outcome is not in the log: for everybody else the question was cut off, so it is for us. */
static void take_back(struct prompt *prompt)
{
    prompt->outcome = PROMPT_CANCELLED;
    free(prompt->values);
    prompt->values = NULL;
}

void prompt_event_stored(struct turn *turn, struct session *session, uint64_t number,
                         enum core_result result, uint64_t seq)
{
    struct prompt *prompt = prompt_find(session, number);
    if (prompt == NULL)
        return;
    /* The store answers in order: first for the opening event, then for the closing one. */
    if (prompt->opened) {
        if (result != CORE_OK && result != CORE_UNKNOWN)
            take_back(prompt);
        tell_and_forget(turn, session, prompt);
        return;
    }
    prompt->opened = true;
    prompt->seq = seq;
    if (seq == 0 && prompt->outcome == PROMPT_OPEN)   /* perhaps nobody will ever see it */
        prompt_settle(turn, session, prompt, PROMPT_CANCELLED, NULL);
}

/* ---- settling ---- */

void prompt_settle(struct turn *turn, struct session *session, struct prompt *prompt,
                   enum prompt_outcome outcome, char *values)
{
    REQUIRE(turn_holds(turn, RANK_SESSION));
    REQUIRE(outcome != PROMPT_OPEN);
    REQUIRE(prompt->outcome == PROMPT_OPEN);
    prompt->outcome = outcome;
    prompt->values = values;
    timer_cancel(turn, prompt->timer);
    trace_owe(turn, TP_PROMPT_SETTLED, session->key, prompt->number, (uint64_t)outcome,
              prompt->by);
    json_t *payload = json_pack("{s:I, s:s, s:I, s:s}", "prompt", (json_int_t)prompt->number,
                                "id", prompt->id, "run", (json_int_t)prompt->run,
                                "outcome", prompt_outcome_word(outcome));
    if (publish_about(turn, session, prompt, WIRE_PROMPT_CLOSED, payload) != CORE_OK) {
        take_back(prompt);
        tell_and_forget(turn, session, prompt);
    }
}

void prompts_cancel_of_run(struct turn *turn, struct session *session, uint64_t run)
{
    uint64_t number = 0;
    struct prompt *prompt;
    while ((prompt = prompt_after(session, number)) != NULL) {
        number = prompt->number;
        if (prompt->run == run && prompt->outcome == PROMPT_OPEN)
            prompt_settle(turn, session, prompt, PROMPT_CANCELLED, NULL);
    }
}

/* ---- time ---- */

static void expire(struct turn *turn, struct session *session, struct prompt *prompt)
{
    struct run *run = run_find(session, prompt->run);
    prompt_settle(turn, session, prompt, PROMPT_EXPIRED, NULL);
    if (session->settings.on_expire == ON_EXPIRE_FAIL && run != NULL) {
        run->fail_asked = true;
        run_stop(turn, session, run, "a prompt expired");
    }
}

static bool is_overdue(const struct session *session, const struct prompt *prompt)
{
    return session->settings.on_expire != ON_EXPIRE_HOLD && prompt->clock_on &&
           core_now_us() >= prompt->deadline_us;
}

static void deadline_passed(struct core *core, struct timer_target target)
{
    struct turn turn;
    turn_begin(&turn, core);
    struct session *session = session_enter(
        &turn, (struct session_ref){ .slot = target.slot, .generation = target.generation });
    if (session != NULL) {
        struct prompt *prompt = prompt_find(session, target.number);
        /* Answered, or its clock stopped, while this expiry was on its way: nothing (L11). */
        if (prompt != NULL && prompt->outcome == PROMPT_OPEN && is_overdue(session, prompt))
            expire(&turn, session, prompt);
        session_leave(&turn, session);
    }
    turn_end(&turn);
}

static void start_clock(struct turn *turn, struct session *session, struct prompt *prompt)
{
    prompt->clock_on = true;
    prompt->deadline_us = core_now_us() + prompt->remaining_us;
    if (session->settings.on_expire == ON_EXPIRE_HOLD)
        return;
    prompt->timer = timer_arm(turn, prompt->deadline_us, deadline_passed,
                              (struct timer_target){ session->slot, session->generation,
                                                     prompt->number });
}

static void stop_clock(struct turn *turn, struct session *session, struct prompt *prompt)
{
    if (is_overdue(session, prompt)) {
        expire(turn, session, prompt);
        return;
    }
    prompt->remaining_us = time_left_us(prompt);
    prompt->clock_on = false;
    timer_cancel(turn, prompt->timer);
}

static bool clock_runs(const struct session *session)
{
    return session->settings.prompt_clock == PROMPT_CLOCK_ALWAYS || session->attached > 0;
}

void prompts_check_clocks(struct turn *turn, struct session *session)
{
    uint64_t number = 0;
    struct prompt *prompt;
    bool run = clock_runs(session);
    while ((prompt = prompt_after(session, number)) != NULL) {
        number = prompt->number;
        if (prompt->outcome != PROMPT_OPEN || prompt->clock_on == run)
            continue;
        if (run)
            start_clock(turn, session, prompt);
        else
            stop_clock(turn, session, prompt);
    }
}

/* ---- asking ---- */

static uint64_t timeout_of(const struct core_settings *settings,
                           const struct prompt_request *request)
{
    if (request->timeout_us != 0)
        return request->timeout_us;
    return request->kind == PROMPT_CONFIRMATION ? settings->confirm_timeout_us
                                                : settings->input_timeout_us;
}

/* The same question asked again by the same run: the older one must not take the new answer. */
static void supersede(struct turn *turn, struct session *session, const struct run *run,
                      const char *id)
{
    uint64_t number = 0;
    struct prompt *prompt;
    while ((prompt = prompt_after(session, number)) != NULL) {
        number = prompt->number;
        if (prompt->run == run->number && prompt->outcome == PROMPT_OPEN &&
            strcmp(prompt->id, id) == 0)
            prompt_settle(turn, session, prompt, PROMPT_SUPERSEDED, NULL);
    }
}

static uint64_t count_prompts(const struct session *session)
{
    uint64_t count = 0;
    for (const struct prompt *prompt = session->prompts; prompt != NULL; prompt = prompt->next)
        count++;
    return count;
}

static struct prompt *prompt_new(struct session *session, const struct run *run,
                                 const struct prompt_request *request)
{
    struct prompt *prompt = calloc(1, sizeof *prompt);
    if (prompt == NULL)
        return NULL;
    if (request->text != NULL && (prompt->text = core_copy_text(request->text)) == NULL) {
        free(prompt);
        return NULL;
    }
    prompt->number = ++session->last_prompt;
    prompt->run = run->number;
    prompt->kind = request->kind;
    prompt->remaining_us = timeout_of(&session->settings, request);
    core_set_name(prompt->id, request->id);
    return prompt;
}

static void withdraw(struct turn *turn, struct session *session, struct prompt *prompt)
{
    prompt->waiter = NULL;
    prompt->done = NULL;
    prompt->outcome = PROMPT_CANCELLED;
    timer_cancel(turn, prompt->timer);
    tell_and_forget(turn, session, prompt);
}

/* The asker's part of the prompt: who is told, and how. */
static enum core_result ask_locked(struct turn *turn, struct run *run,
                                   const struct prompt_request *request,
                                   const struct prompt *asker)
{
    struct session *session = run->session;
    if (run->stop_asked)
        return CORE_CANCELLED;
    supersede(turn, session, run, request->id);
    if (count_prompts(session) >= session->settings.max_prompts_per_session)
        return CORE_LIMIT;
    struct prompt *prompt = prompt_new(session, run, request);
    if (prompt == NULL)
        return CORE_NO_MEMORY;
    prompt->waiter = asker->waiter;
    prompt->answer = asker->answer;
    prompt->done = asker->done;
    prompt->context = asker->context;
    /* Registered before it is announced: an answer cannot come too early (L8). */
    append_prompt(session, prompt);
    if (clock_runs(session))
        start_clock(turn, session, prompt);
    trace_owe(turn, TP_PROMPT_OPENED, session->key, prompt->number, run->number,
              prompt->deadline_us);
    enum core_result rc =
        publish_about(turn, session, prompt, request_of(prompt), payload_of(prompt));
    if (rc != CORE_OK)
        withdraw(turn, session, prompt);
    return rc;
}

static bool is_valid(const struct prompt_request *request)
{
    char id[CORE_NAME_MAX];
    return core_copy_name(id, request->id) &&
           (request->text == NULL || wire_is_text(request->text));
}

enum core_result run_ask(struct run_context *context, const struct prompt_request *request,
                         struct prompt_answer *answer)
{
    struct session *session = context->run->session;
    *answer = (struct prompt_answer){ .outcome = PROMPT_OPEN };
    if (!is_valid(request))
        return CORE_INVALID;
    struct waiter waiter;
    struct prompt asker = { .waiter = &waiter, .answer = answer };
    struct turn turn;
    waiter_init(&waiter);
    turn_begin(&turn, session->core);
    turn_lock(&turn, &session->lock);
    enum core_result rc = ask_locked(&turn, context->run, request, &asker);
    if (rc == CORE_OK)
        waiter_wait(&turn, session, &waiter);
    turn_unlock(&turn, &session->lock);
    turn_end(&turn);
    waiter_destroy(&waiter);
    return rc;
}

enum core_result run_ask_async(struct run_context *context, const struct prompt_request *request,
                               prompt_done done, void *callback_context)
{
    struct session *session = context->run->session;
    if (!is_valid(request))
        return CORE_INVALID;
    REQUIRE(done != NULL);
    struct prompt asker = { .done = done, .context = callback_context };
    struct turn turn;
    turn_begin(&turn, session->core);
    turn_lock(&turn, &session->lock);
    enum core_result rc = ask_locked(&turn, context->run, request, &asker);
    turn_unlock(&turn, &session->lock);
    turn_end(&turn);
    return rc;
}

void prompt_answer_free(struct prompt_answer *answer)
{
    free(answer->values);
    answer->values = NULL;
}

/* ---- answering ---- */

static enum core_result answer_locked(struct turn *turn, struct session *session, uint64_t by,
                                      uint64_t number, enum prompt_kind kind, bool approved,
                                      const char *values)
{
    struct prompt *prompt = prompt_find(session, number);
    if (prompt == NULL)
        return follow_is_open(session, number) ? CORE_UNAVAILABLE : CORE_NOT_FOUND;
    if (!prompt->opened)
        return CORE_NOT_FOUND;
    if (prompt->kind != kind)
        return CORE_INVALID;
    if (prompt->outcome != PROMPT_OPEN)
        return CORE_CONFLICT;
    if (is_overdue(session, prompt)) {
        expire(turn, session, prompt);
        return CORE_EXPIRED;
    }
    char *copy = values == NULL ? NULL : core_copy_text(values);
    if (values != NULL && copy == NULL)
        return CORE_NO_MEMORY;
    prompt->by = by;
    prompt_settle(turn, session, prompt, approved ? PROMPT_APPROVED : PROMPT_REJECTED, copy);
    return CORE_OK;
}

enum core_result prompt_answer_by(struct turn *turn, struct session *session, uint64_t by,
                                  uint64_t number, enum prompt_kind kind, bool approved,
                                  const char *values)
{
    enum core_result rc = answer_locked(turn, session, by, number, kind, approved, values);
    if (rc != CORE_OK)
        trace_owe(turn, TP_PROMPT_REFUSED, session->key, number, by, 0);
    return rc;
}

void prompts_offer(struct turn *turn, struct session *session, struct conn *conn)
{
    uint64_t number = 0;
    struct prompt *prompt;
    while ((prompt = prompt_after(session, number)) != NULL && conn->phase == CONN_LIVE) {
        number = prompt->number;
        /* One whose event is in the replay, or still to come, is shown by that event. */
        if (prompt->outcome != PROMPT_OPEN || prompt->seq == 0 ||
            prompt->seq > conn->attach_cursor)
            continue;
        json_t *body = wire_message(request_of(prompt));
        json_object_set_new(body, "payload", payload_of(prompt));
        conn_control(turn, conn, request_of(prompt), body, number);
    }
}
