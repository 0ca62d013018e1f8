#include "sessiond/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { OUT_MAX = 1 << 20, READ_SIZE = 16384, COMPLAINT_MAX = 4096 };

static uint64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

/* ---- life ---- */

struct agent *agent_new(struct agents *agents, struct run_context *run, const char *name)
{
    struct agent *agent = calloc(1, sizeof *agent);
    if (agent == NULL) return NULL;
    agent->agents = agents;
    agent->run = run;
    agent->ref = run_self(run);
    agent->references = 1;
    agent->input = agent->output = agent->errors = -1;
    snprintf(agent->name, sizeof agent->name, "%s", name);
    agent->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (agent->wake < 0) {
        free(agent);
        return NULL;
    }
    pthread_mutex_init(&agent->lock, NULL);
    return agent;
}

void agent_keep(struct agent *agent)
{
    pthread_mutex_lock(&agent->lock);
    agent->references++;
    pthread_mutex_unlock(&agent->lock);
}

void agent_drop(struct agent *agent)
{
    pthread_mutex_lock(&agent->lock);
    bool last = --agent->references == 0;
    pthread_mutex_unlock(&agent->lock);
    if (!last) return;
    close(agent->wake);
    free(agent->out);
    free(agent->lines.bytes);
    free(agent->complaints.bytes);
    pthread_mutex_destroy(&agent->lock);
    free(agent);
}

static void wake(struct agent *agent)
{
    uint64_t one = 1;
    /* It fails only when the counter is full: then the thread is awake anyway. */
    (void)!write(agent->wake, &one, sizeof one);
}

void agent_ask_stop(struct agent *agent)
{
    pthread_mutex_lock(&agent->lock);
    agent->stop_asked = true;
    wake(agent);
    pthread_mutex_unlock(&agent->lock);
}

/* ---- to the agent ---- */

/* Lock held. False if its input is full for good. */
static bool queue_line(struct agent *agent, const char *text, size_t length)
{
    size_t needed = agent->out_used + length + 1;
    if (needed > OUT_MAX) return false;
    if (needed > agent->out_capacity) {
        size_t capacity = needed * 2;
        char *grown = realloc(agent->out, capacity);
        if (grown == NULL) return false;
        agent->out = grown;
        agent->out_capacity = capacity;
    }
    memcpy(agent->out + agent->out_used, text, length);
    agent->out[needed - 1] = '\n';
    agent->out_used = needed;
    return true;
}

void agent_send(struct agent *agent, json_t *message)
{
    char *text = message == NULL ? NULL : json_dumps(message, JSON_COMPACT);
    json_decref(message);
    if (text == NULL) return;
    pthread_mutex_lock(&agent->lock);
    if (!agent->closed && !queue_line(agent, text, strlen(text)))
        agent->closed = agent->stop_asked = agent->overflowed = true;
    wake(agent);
    pthread_mutex_unlock(&agent->lock);
    free(text);
}

static void close_end(int *fd)
{
    if (*fd >= 0) close(*fd);
    *fd = -1;
}

static void write_some(struct agent *agent)
{
    pthread_mutex_lock(&agent->lock);
    ssize_t written = agent->out_used == 0 ? 0 : write(agent->input, agent->out, agent->out_used);
    bool gone = written < 0 && errno != EAGAIN && errno != EINTR;
    if (written > 0) {
        agent->out_used -= (size_t)written;
        memmove(agent->out, agent->out + written, agent->out_used);
    }
    if (gone) {
        agent->closed = true;
        agent->out_used = 0;
    }
    pthread_mutex_unlock(&agent->lock);
    if (gone) close_end(&agent->input);
}

/* ---- starting ---- */

enum { VARIABLES = 6, VARIABLE_MAX = GROUP_MARK_MAX };

void agent_mark_all(char mark[GROUP_MARK_MAX])
{
    group_mark_of_self(AGENT_MARK, mark);
}

static enum core_result run_command(struct agent *agent, const char *command, const int theirs[3])
{
    char text[VARIABLES][VARIABLE_MAX];
    const char *list[VARIABLES + 1];
    snprintf(text[0], VARIABLE_MAX, "SESSION_NAME=%s", agent->session);
    snprintf(text[1], VARIABLE_MAX, "SESSION_OWNER=%s", agent->user);
    snprintf(text[2], VARIABLE_MAX, "SESSION_AGENT=%s", agent->name);
    snprintf(text[3], VARIABLE_MAX, "SESSION_RUN=%" PRIu64, agent->ref.run);
    snprintf(text[4], VARIABLE_MAX, "SESSION_TOKEN=%" PRIu64, run_token(agent->run));
    agent_mark_all(text[5]);
    for (size_t i = 0; i < VARIABLES; i++) list[i] = text[i];
    list[VARIABLES] = NULL;
    snprintf(agent->group.mark, sizeof agent->group.mark, "SESSION_INSTANCE=agent-%d-%s-%" PRIu64,
             (int)getpid(), agent->session, agent->ref.run);
    struct group_spec spec = {.command = command,
                              .extra = list,
                              .input = theirs[0],
                              .output = theirs[1],
                              .errors = theirs[2]};
    return group_start(&agent->group, &spec);
}

/* Our ends do not block; theirs do, as programs expect. */
static bool make_pipes(struct agent *agent, int theirs[3])
{
    int *ours[3] = {&agent->input, &agent->output, &agent->errors};
    for (int i = 0; i < 3; i++) {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) != 0) return false;
        *ours[i] = i == 0 ? ends[1] : ends[0];
        theirs[i] = i == 0 ? ends[0] : ends[1];
        if (fcntl(*ours[i], F_SETFL, O_NONBLOCK) != 0) return false;
    }
    return true;
}

static void greet(struct agent *agent)
{
    agent_send(agent,
               json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:o}", "type", "start", "session",
                         agent->session, "owner", agent->user, "agent", agent->name, "run",
                         (json_int_t)agent->ref.run, "token", (json_int_t)run_token(agent->run),
                         "input", json_loads(run_input(agent->run), 0, NULL)));
}

bool agent_start(struct agent *agent, const char *command)
{
    int theirs[3] = {-1, -1, -1};
    bool fine = make_pipes(agent, theirs) && run_command(agent, command, theirs) == CORE_OK;
    int error = errno;
    for (int i = 0; i < 3; i++) close_end(&theirs[i]);
    if (fine) {
        greet(agent);
        return true;
    }
    close_end(&agent->input);
    close_end(&agent->output);
    close_end(&agent->errors);
    errno = error;
    return false;
}

/* ---- from the agent ---- */

static bool append(struct line_buffer *buffer, const char *bytes, size_t length)
{
    size_t needed = buffer->used + length + 1;
    if (needed > buffer->capacity) {
        char *grown = realloc(buffer->bytes, needed * 2);
        if (grown == NULL) return false;
        buffer->bytes = grown;
        buffer->capacity = needed * 2;
    }
    memcpy(buffer->bytes + buffer->used, bytes, length);
    buffer->used += length;
    buffer->bytes[buffer->used] = 0;
    return true;
}

/* What is no UTF-8 cannot be told in JSON: letters beyond ASCII become question marks then. */
static json_t *text_of(const char *line, size_t length)
{
    json_t *text = json_stringn(line, length);
    char *copy = text == NULL ? strndup(line, length) : NULL;
    if (copy == NULL)
        return text;
    for (char *at = copy; *at != 0; at++)
        *at = (*at & 0x80) != 0 ? '?' : *at;
    text = json_string(copy);
    free(copy);
    return text;
}

static void complain(struct agent *agent, const char *line, size_t length)
{
    journal_tell(agent->log, LOG_INFO, "agent_says", "{s:s, s:s, s:I, s:o?}", "session",
                 agent->session, "agent", agent->name, "run", (json_int_t)agent->ref.run, "text",
                 text_of(line, length));
}

typedef void (*take_line)(struct agent *agent, const char *line, size_t length);

/* Hands over what is complete; the rest stays. */
static void split(struct agent *agent, struct line_buffer *buffer, take_line take)
{
    size_t from = 0;
    char *end;
    while (from < buffer->used &&
           (end = memchr(buffer->bytes + from, '\n', buffer->used - from)) != NULL) {
        *end = 0;
        take(agent, buffer->bytes + from, (size_t)(end - buffer->bytes) - from);
        from = (size_t)(end - buffer->bytes) + 1;
    }
    if (from > 0) {
        buffer->used -= from;
        memmove(buffer->bytes, buffer->bytes + from, buffer->used);
    }
}

/* Reads once; false when the other end has closed. A last line may lack its end. */
static bool read_some(struct agent *agent, int *fd, struct line_buffer *buffer, take_line take)
{
    char bytes[READ_SIZE];
    ssize_t got = read(*fd, bytes, sizeof bytes);
    if (got < 0) return errno == EAGAIN || errno == EINTR;
    if (got == 0 && buffer->used > 0)
        append(buffer, "\n", 1);
    else if (got > 0 && !append(buffer, bytes, (size_t)got))
        agent->broke_rules = true;
    split(agent, buffer, take);
    if (got == 0) close_end(fd);
    return got > 0;
}

static void read_output(struct agent *agent)
{
    read_some(agent, &agent->output, &agent->lines, agent_take_line);
    if (agent->lines.used <= agent->line_max) return;
    journal_tell(agent->log, LOG_ERROR, "agent_line_too_long", "{s:s, s:s}", "session",
                 agent->session, "agent", agent->name);
    agent->lines.used = 0;
    agent->broke_rules = true;
}

static void read_errors(struct agent *agent)
{
    read_some(agent, &agent->errors, &agent->complaints, complain);
    if (agent->complaints.used > COMPLAINT_MAX) {
        complain(agent, agent->complaints.bytes, COMPLAINT_MAX);
        agent->complaints.used = 0;
    }
}

/* ---- the loop ---- */

/* TERM once, KILL when the grace is over. */
static void stop_if_asked(struct agent *agent)
{
    pthread_mutex_lock(&agent->lock);
    bool asked = agent->stop_asked || agent->broke_rules;
    pthread_mutex_unlock(&agent->lock);
    if (!asked) return;
    if (agent->kill_at_us == 0) {
        agent_send(agent, json_pack("{s:s}", "type", "stop"));
        write_some(agent);
        group_signal(&agent->group, SIGTERM);
        agent->kill_at_us = now_us() + agent->grace_us;
    } else if (now_us() >= agent->kill_at_us) {
        group_signal(&agent->group, SIGKILL);
    }
}

static int patience_ms(const struct agent *agent)
{
    uint64_t now = now_us();
    if (agent->kill_at_us == 0) return -1;
    /* Once killed, look again: somebody may have been born meanwhile. */
    return agent->kill_at_us <= now ? 100 : (int)((agent->kill_at_us - now) / 1000 + 1);
}

static void forget_wakes(struct agent *agent)
{
    uint64_t count;
    (void)!read(agent->wake, &count, sizeof count);
}

static bool has_output(struct agent *agent)
{
    pthread_mutex_lock(&agent->lock);
    bool has = agent->out_used > 0;
    pthread_mutex_unlock(&agent->lock);
    return has && agent->input >= 0;
}

/* Waits once; false when the command has ended. */
static bool turn(struct agent *agent, int process)
{
    struct pollfd fds[] = {
        {.fd = process, .events = POLLIN},
        {.fd = agent->wake, .events = POLLIN},
        {.fd = agent->output, .events = POLLIN},
        {.fd = agent->errors, .events = POLLIN},
        {.fd = has_output(agent) ? agent->input : -1, .events = POLLOUT},
    };
    poll(fds, sizeof fds / sizeof fds[0], patience_ms(agent));
    if (fds[1].revents != 0) forget_wakes(agent);
    if (fds[4].revents != 0) write_some(agent);
    if (fds[2].revents != 0) read_output(agent);
    if (fds[3].revents != 0) read_errors(agent);
    stop_if_asked(agent);
    return fds[0].revents == 0;
}

/* What the command wrote before its end counts; what its children write after it does not. */
static void drain(struct agent *agent)
{
    struct pollfd fd = {.fd = agent->output, .events = POLLIN};
    while (fd.fd >= 0 && !agent->broke_rules && poll(&fd, 1, 0) == 1) {
        read_output(agent);
        fd.fd = agent->output;
    }
    fd = (struct pollfd){.fd = agent->errors, .events = POLLIN};
    while (fd.fd >= 0 && poll(&fd, 1, 0) == 1) {
        read_errors(agent);
        fd.fd = agent->errors;
    }
}

static enum core_result judge(struct agent *agent, int status)
{
    pthread_mutex_lock(&agent->lock);
    bool asked = agent->stop_asked, overflowed = agent->overflowed;
    agent->closed = true;
    pthread_mutex_unlock(&agent->lock);
    journal_tell(agent->log, LOG_DEBUG, "agent_ended", "{s:s, s:s, s:I, s:i}", "session",
                 agent->session, "agent", agent->name, "run", (json_int_t)agent->ref.run, "status",
                 status);
    if (agent->broke_rules || overflowed) return CORE_FAILED;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return CORE_OK;
    return asked ? CORE_CANCELLED : CORE_FAILED;
}

/* A shell that was stopped is gone at once, and what it ran may still need its grace. */
static void await_grace(const struct agent *agent)
{
    uint64_t now = now_us();
    if (agent->kill_at_us > now)
        (void)group_await_end(&agent->group, agent->kill_at_us - now);
}

enum core_result agent_serve(struct agent *agent)
{
    int process = pidfd_open(agent->group.leader, 0);
    while (process >= 0 && turn(agent, process))
        continue;
    await_grace(agent);
    group_kill(&agent->group);
    drain(agent);
    int status = group_reap(&agent->group);
    if (process >= 0) close(process);
    close_end(&agent->input);
    close_end(&agent->output);
    close_end(&agent->errors);
    return judge(agent, status);
}
