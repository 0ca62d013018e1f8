/* Agents: processes of the daemon whose other end is here. Each is a thread of the world that calls
 * the stage's runner, as a core would; what the runner calls is in agent_calls.c. */
#include "harness/live/internal.h"

#include "fakes/scratch.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ROOM_LEAST = 4096 };

/* --- what it is given to write --- */

static void flush(struct agent_run *run)
{
    while (run->out_length > 0) {
        ssize_t count = send(run->watch->fd, run->out, run->out_length, MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 && errno == EAGAIN) break;
        /* A process that is gone is found out by who reads. */
        if (count < 0) count = (ssize_t)run->out_length;
        run->out_length -= (size_t)count;
        memmove(run->out, run->out + count, run->out_length);
    }
    run->watch->events = run->out_length > 0 ? POLLIN | POLLOUT : POLLIN;
}

static bool write_bytes(struct agent_run *run, const char *bytes, size_t count)
{
    if (run->watch == NULL) return false;
    scratch_room(&run->out, run->out_length, &run->out_capacity, count);
    memcpy(run->out + run->out_length, bytes, count);
    run->out_length += count;
    flush(run);
    return true;
}

bool agent_write(struct agent_run *run, json_t *line)
{
    char *text = json_dumps(line, JSON_COMPACT | JSON_ENCODE_ANY);
    size_t length = strlen(text);
    text[length++] = '\n'; /* in place of its end */
    return write_bytes(run, text, length);
}

/* Tells the process to end with that status: a zero, which no line has, and the digit. */
static void send_away(struct agent_run *run, int status)
{
    const char word[2] = {'\0', (char)('0' + status)};
    (void)write_bytes(run, word, sizeof word);
}

/* --- the agent's life --- */

/* What it has asked is settled by the end of its run, at the latest. The log tells how. */
static void await_questions(struct agent_run *run)
{
    for (struct question *question = run->questions; question != NULL; question = question->next)
        while (!question->settled && run->watch != NULL)
            (void)world_wait(&run->changed, WORLD_NEVER, "the end of a question");
}

static void live_body(void *context)
{
    struct agent_run *run = context;
    const struct agent_runner_port *port = &run->daemon->agents;
    enum core_result rc = port->run(port->context, run->agent, (struct run_context *)(void *)run);
    send_away(run, rc == CORE_OK ? 0 : 1);
    await_questions(run);
    run->over = true;
    world_wake(&run->changed);
}

static const char *text_in(const json_t *line, const char *name)
{
    const char *text = json_string_value(json_object_get(line, name));
    return text == NULL ? "" : text;
}

static uint64_t number_in(const json_t *line, const char *name)
{
    return (uint64_t)json_integer_value(json_object_get(line, name));
}

/* What the scenario calls that session; NULL: it is none of this run. */
static const char *named(struct live *live, const char *called)
{
    for (uint32_t i = 0; i < live->session_count; i++) {
        if (strcmp(live_session(live, live->sessions[i]), called) == 0) return live->sessions[i];
    }
    return NULL;
}

/* A daemon that runs already has runs that were started for other reasons. */
static bool is_ours(const struct agent_run *run, const json_t *line)
{
    return named(run->daemon->live, text_in(line, "session")) != NULL;
}

static void begin(struct agent_run *run, const json_t *line)
{
    char name[WORLD_NAME_MAX];
    const json_t *input = json_object_get(line, "input");
    run->begun = true;
    run->agent = text_in(line, "agent");
    run->session = named(run->daemon->live, text_in(line, "session"));
    run->number = number_in(line, "run");
    run->token = number_in(line, "token");
    run->input = input == NULL ? "{}" : json_dumps(input, JSON_COMPACT);
    (void)snprintf(name, sizeof name, "%.20s/agent:%.32s", run->daemon->name, run->agent);
    world_group_enter(run->daemon->group);
    (void)world_spawn(name, WORLD_THREAD, live_body, run);
    world_group_enter(0);
}

/* --- what it is told --- */

static enum core_result code_in(const struct agent_run *run, const json_t *line)
{
    const char *word = text_in(line, "code");
    for (int code = 0; code < CORE_RESULT_COUNT; code++) {
        if (strcmp(run->daemon->live->api.result_word((enum core_result)code), word) == 0)
            return (enum core_result)code;
    }
    return CORE_UNKNOWN;
}

static void settle(struct agent_run *run, struct question *question, const char *outcome,
                   const json_t *values)
{
    const struct core_api *api = &run->daemon->live->api;
    if (question->settled) return;
    question->settled = true;
    for (int i = PROMPT_OPEN; i <= PROMPT_OUTCOME_COUNT - 1; i++) {
        if (strcmp(api->prompt_outcome_word((enum prompt_outcome)i), outcome) == 0)
            question->answer.outcome = (enum prompt_outcome)i;
    }
    if (values != NULL) question->answer.values = json_dumps(values, JSON_COMPACT);
    if (question->done != NULL) question->done(question->context, &question->answer);
}

/* Of the same name, the one that was asked first is settled first: the n-th answer is that of the
 * n-th question, and so is what the log says n-th. */
static void settle_answered(struct agent_run *run, const char *id, const char *outcome,
                            const json_t *values)
{
    struct question *question = run->questions;
    while (question != NULL && (question->answered || strcmp(question->id, id) != 0))
        question = question->next;
    if (question == NULL) return;
    question->answered = true;
    settle(run, question, outcome, values);
}

static void settle_closed(struct agent_run *run, const char *id, const char *outcome)
{
    struct question *question = run->questions;
    while (question != NULL && (question->closed || strcmp(question->id, id) != 0))
        question = question->next;
    if (question == NULL) return;
    question->closed = true;
    settle(run, question, outcome, NULL);
}

/* Nobody has asked it then: neither answer nor log will speak of it. */
static void settle_refused(struct agent_run *run, const char *id)
{
    struct question *refused = NULL;
    for (struct question *question = run->questions; question != NULL; question = question->next)
        if (!question->settled && strcmp(question->id, id) == 0) refused = question;
    if (refused == NULL) return;
    refused->answered = refused->closed = true;
    settle(run, refused, run->daemon->live->api.prompt_outcome_word(PROMPT_CANCELLED), NULL);
}

static void refuse(struct agent_run *run, const json_t *line)
{
    const char *about = text_in(line, "about");
    if (strcmp(about, "ask") != 0) {
        run->code = code_in(run, line);
        run->answered = number_in(line, "id");
        return;
    }
    settle_refused(run, text_in(line, "id"));
}

static void stop(struct agent_run *run)
{
    const struct agent_runner_port *port = &run->daemon->agents;
    struct run_ref ref = {{0, 0}, run->number};
    if (run->stop) return;
    run->stop = true;
    port->request_stop(port->context, run->agent, ref);
}

static void take_line(struct agent_run *run, const char *text, size_t length)
{
    const json_t *line = json_loadb(text, length, 0, NULL);
    const char *type = text_in(line, "type");
    if (strcmp(type, "start") == 0 && !run->begun && is_ours(run, line)) begin(run, line);
    if (!run->begun) return;
    if (strcmp(type, "stored") == 0) {
        run->code = CORE_OK;
        run->seq = number_in(line, "seq");
        run->answered = number_in(line, "id");
    }
    if (strcmp(type, "refused") == 0) refuse(run, line);
    if (strcmp(type, "answer") == 0)
        settle_answered(run, text_in(line, "id"), text_in(line, "outcome"),
                        json_object_get(line, "values"));
    if (strcmp(type, "stop") == 0) stop(run);
    world_wake(&run->changed);
}

void agents_settle(struct live *live, const char *session, uint64_t number, const char *id,
                   const char *outcome)
{
    for (uint32_t i = 0; i < live->file->core_count; i++) {
        for (struct agent_run *run = live->daemons[i].runs; run != NULL; run = run->next) {
            if (!run->begun || run->number != number || strcmp(run->session, session) != 0)
                continue;
            settle_closed(run, id, outcome);
            world_wake(&run->changed);
        }
    }
}

/* --- its connection --- */

/* Who waits for an answer will have none. Nobody has asked it to stop. */
static void close_run(struct agent_run *run)
{
    if (run->watch == NULL) return;
    loop_close(run->watch);
    run->watch = NULL;
    run->stop = true;
    if (run->begun) world_wake(&run->changed);
}

static void take_lines(struct agent_run *run)
{
    char *feed, *begin_at = run->bytes;
    size_t left = run->length;
    while (left > 0 && (feed = memchr(begin_at, '\n', left)) != NULL) {
        size_t length = (size_t)(feed - begin_at);
        take_line(run, begin_at, length);
        begin_at += length + 1;
        left -= length + 1;
    }
    memmove(run->bytes, begin_at, left);
    run->length = left;
}

static void hear(struct agent_run *run)
{
    scratch_room(&run->bytes, run->length, &run->capacity, ROOM_LEAST);
    ssize_t count = read(run->watch->fd, run->bytes + run->length, run->capacity - run->length);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count <= 0) {
        close_run(run);
        return;
    }
    run->length += (size_t)count;
    loop_look(&run->daemon->live->loop);
    take_lines(run);
}

static void ready(void *context, short events)
{
    struct agent_run *run = context;
    if (events & POLLOUT) flush(run);
    if (events & ~POLLOUT) hear(run);
}

static void welcome(void *context, short events)
{
    struct daemon *daemon = context;
    int fd = door_welcome(daemon->live, daemon->door->fd);
    (void)events;
    if (fd < 0) return;
    struct agent_run *run = scratch_alloc(sizeof *run);
    run->daemon = daemon;
    run->questions_tail = &run->questions;
    run->watch = loop_watch(&daemon->live->loop, fd, POLLIN, ready, run);
    run->next = daemon->runs;
    daemon->runs = run;
}

void agents_path(const struct daemon *daemon, char path[LIVE_PATH_MAX])
{
    char name[32];
    if (daemon->live->options.agents != NULL) {
        (void)snprintf(path, LIVE_PATH_MAX, "%s", daemon->live->options.agents);
        return;
    }
    (void)snprintf(name, sizeof name, "agents-%u-%u", daemon->index, daemon->life);
    live_path(daemon->live, name, path);
}

void agents_open(struct daemon *daemon)
{
    char path[LIVE_PATH_MAX];
    agents_path(daemon, path);
    int fd = door_open(path);
    if (fd < 0) live_give_up(daemon->live, "%s: %s", path, strerror(errno));
    daemon->door = loop_watch(&daemon->live->loop, fd, POLLIN, welcome, daemon);
}

void agents_close(struct daemon *daemon)
{
    if (daemon->door != NULL) loop_close(daemon->door);
    daemon->door = NULL;
    for (struct agent_run *run = daemon->runs; run != NULL; run = run->next) close_run(run);
}

void agents_dismiss(struct daemon *daemon)
{
    for (struct agent_run *run = daemon->runs; run != NULL; run = run->next)
        if (run->begun) stop(run);
    agents_close(daemon);
    for (struct agent_run *run = daemon->runs; run != NULL; run = run->next)
        while (run->begun && !run->over)
            (void)world_wait(&run->changed, WORLD_NEVER, "the end of an agent");
}
