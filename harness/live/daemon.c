/* A daemon as a process: started, heard, asked to end, killed. */
#include "harness/live/internal.h"

#include "fakes/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* How long it may take to listen, to let its agents end (of the scenario, as the stage has it, but
 * no less than that by the clock), and to be gone. */
enum { START_US = 60000000, DRAIN_US = 10000000, DRAIN_LEAST_US = 5000000, GONE_US = 30000000 };

/* --- what it writes --- */

/* What is no line of its log is a complaint: of a sanitizer, or of the daemon about its options. */
static void keep_complaint(struct live *live, const char *line, size_t length)
{
    size_t room = sizeof live->complaints - 1 - live->complaints_length;
    if (length + 1 > room) return;
    memcpy(live->complaints + live->complaints_length, line, length);
    live->complaints_length += length;
    live->complaints[live->complaints_length++] = '\n';
}

/* How reports of sanitizers begin; the first that fits says what they tell of. */
static const struct {
    const char *word;
    enum world_finding_kind kind;
} report_words[] = {
    {"WARNING: ThreadSanitizer: data race", WORLD_FOUND_DATA_RACE},
    {"WARNING: ThreadSanitizer: lock-order-inversion", WORLD_FOUND_DEADLOCK},
    {"WARNING: ThreadSanitizer: thread leak", WORLD_FOUND_LEAK},
    {"ERROR: LeakSanitizer: ", WORLD_FOUND_LEAK},
    {"WARNING: ThreadSanitizer: ", WORLD_FOUND_CRASH},
    {"ERROR: ThreadSanitizer: ", WORLD_FOUND_CRASH},
    {"ERROR: AddressSanitizer: ", WORLD_FOUND_CRASH},
    {"WARNING: MemorySanitizer: ", WORLD_FOUND_CRASH},
    {": runtime error: ", WORLD_FOUND_CRASH},
};

static bool has(const char *line, size_t length, const char *word)
{
    return memmem(line, length, word, strlen(word)) != NULL;
}

/* The first one counts: it led to the others. */
static void keep_report(struct daemon *daemon, const char *line, size_t length)
{
    for (size_t i = 0; i < sizeof report_words / sizeof *report_words; i++) {
        if (daemon->reported != WORLD_FOUND_NONE) return;
        if (!has(line, length, report_words[i].word)) continue;
        daemon->reported = report_words[i].kind;
        (void)snprintf(daemon->report, sizeof daemon->report, "%.*s", (int)length, line);
    }
}

/* Only what is needed of its log is parsed: that takes memory of the run which it gives back at
 * its end, and there may be any number of lines. They are written without blanks. */
static void take_line(struct daemon *daemon, const char *line, size_t length)
{
    bool listens = has(line, length, "\"event\":\"listening\"");
    bool stopped = has(line, length, "\"event\":\"stopped\"");
    if (length > 0 && (line[0] != '{' || !has(line, length, "\"event\":\""))) {
        keep_complaint(daemon->live, line, length);
        keep_report(daemon, line, length);
    }
    if (!listens && !stopped) return;
    const json_t *entry = json_loadb(line, length, 0, NULL);
    if (stopped) daemon->in_time = json_is_true(json_object_get(entry, "in_time"));
    if (!listens) return;
    daemon->port = (uint16_t)json_integer_value(json_object_get(entry, "port"));
    world_wake(&daemon->changed);
}

static void take_lines(struct daemon *daemon)
{
    char *begin = daemon->line, *end = daemon->line + daemon->line_length, *feed;
    while ((feed = memchr(begin, '\n', (size_t)(end - begin))) != NULL) {
        take_line(daemon, begin, (size_t)(feed - begin));
        begin = feed + 1;
    }
    daemon->line_length = (size_t)(end - begin);
    memmove(daemon->line, begin, daemon->line_length);
    if (daemon->line_length < LINE_MAX_BYTES) return;
    take_line(daemon, daemon->line, daemon->line_length);
    daemon->line_length = 0;
}

/* False: there is nothing more now. */
static bool hear_some(struct daemon *daemon)
{
    ssize_t count = read(daemon->output->fd, daemon->line + daemon->line_length,
                         LINE_MAX_BYTES - daemon->line_length);
    if (count > 0) {
        daemon->line_length += (size_t)count;
        take_lines(daemon);
        return true;
    }
    if (count < 0 && errno == EAGAIN) return false;
    loop_close(daemon->output);
    daemon->output = NULL;
    return false;
}

static void hear(void *context, short events)
{
    (void)events;
    (void)hear_some(context);
}

/* --- its end --- */

static void tell_end(const struct daemon *daemon, char *text, size_t size)
{
    if (WIFSIGNALED(daemon->status))
        (void)snprintf(text, size, "%s was ended by signal %d (%s)", daemon->name,
                       WTERMSIG(daemon->status), strsignal(WTERMSIG(daemon->status)));
    else
        (void)snprintf(text, size, "%s ended with status %d", daemon->name,
                       WEXITSTATUS(daemon->status));
}

/* Nobody wanted it to end like that. */
static _Noreturn void fail_by_end(const struct daemon *daemon)
{
    char text[256];
    tell_end(daemon, text, sizeof text);
    world_detail(daemon->live->complaints);
    world_fail(WIFSIGNALED(daemon->status) ? WORLD_FOUND_CRASH : WORLD_FOUND_EXIT, "%s", text);
}

void daemon_hear(struct daemon *daemon)
{
    while (daemon->output != NULL && hear_some(daemon)) {}
    if (daemon->reported == WORLD_FOUND_NONE) return;
    world_detail(daemon->live->complaints);
    world_fail(daemon->reported, "%s wrote: %s", daemon->name, daemon->report);
}

/* What it reported counts, whatever its end: a sanitizer's status only comes with an exit. */
static void close_all(struct daemon *daemon)
{
    daemon->pid = 0;
    daemon->port = 0;
    daemon_hear(daemon);
    if (daemon->output != NULL) loop_close(daemon->output);
    if (daemon->process != NULL) loop_close(daemon->process);
    daemon->output = daemon->process = NULL;
    agents_close(daemon);
}

static void gone(void *context, short events)
{
    struct daemon *daemon = context;
    (void)events;
    if (waitpid(daemon->pid, &daemon->status, WNOHANG) != daemon->pid) return;
    if (daemon->live->store != NULL) store_look(daemon->live->store);
    daemon->ended = true;
    bool listened = daemon->port != 0;
    close_all(daemon);
    if (!daemon->stopping && listened) fail_by_end(daemon);
    world_wake(&daemon->changed);
}

/* --- its begin --- */

/* In the child. */
static _Noreturn void become(const struct daemon *daemon, const char *config, int output)
{
    const struct live *live = daemon->live;
    int input = open("/dev/null", O_RDONLY);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(input, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    if (live->options.delays != NULL) {
        setenv("HARNESS_HOLD", live->options.delays, 1);
        setenv("LD_PRELOAD", live->options.preload, 1);
    }
    execl(live->options.daemon, live->options.daemon, "--config", config, (char *)NULL);
    dprintf(STDERR_FILENO, "%s: %s\n", live->options.daemon, strerror(errno));
    _exit(127);
}

static void start_process(struct daemon *daemon)
{
    struct live *live = daemon->live;
    char name[CORE_NAME_MAX + 8], config[LIVE_PATH_MAX];
    int ends[2];
    (void)snprintf(name, sizeof name, "%s.conf", daemon->name);
    live_path(live, name, config);
    if (!daemon_configure(daemon, config) || pipe2(ends, O_CLOEXEC) != 0)
        live_give_up(live, "%s: %s", config, strerror(errno));
    daemon->pid = fork();
    if (daemon->pid == 0) become(daemon, config, ends[1]);
    close(ends[1]);
    if (daemon->pid < 0) live_give_up(live, "fork: %s", strerror(errno));
    (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
    int end = pidfd_open(daemon->pid, 0);
    if (end < 0) live_give_up(live, "pidfd_open: %s", strerror(errno));
    daemon->output = loop_watch(&live->loop, ends[0], POLLIN, hear, daemon);
    daemon->process = loop_watch(&live->loop, end, POLLIN, gone, daemon);
}

static uint64_t deadline_ns(const struct daemon *daemon, uint64_t real_us)
{
    return world_now_ns() + (uint64_t)((double)real_us * 1000 * daemon->live->loop.speed);
}

enum core_result daemon_start(struct daemon *daemon)
{
    struct live *live = daemon->live;
    if (live->elsewhere != NULL) return elsewhere_start(daemon);
    daemon->group = world_group_of(world_self());
    daemon->line = scratch_alloc(LINE_MAX_BYTES);
    daemon->line_length = 0;
    daemon->stopping = daemon->ended = false;
    daemon->in_time = true;
    daemon->reported = WORLD_FOUND_NONE;
    daemon->changed = (struct world_queue){.head = 0};
    daemon->runs = NULL;
    daemon->life++;
    agents_open(daemon);
    start_process(daemon);
    bool first = world_now_ns() == 0;
    if (first) loop_hold(&live->loop, true);
    uint64_t until_ns = first ? WORLD_NEVER : deadline_ns(daemon, START_US);
    while (daemon->port == 0 && !daemon->ended) {
        if (!world_wait(&daemon->changed, until_ns, "the daemon to listen") &&
            world_now_ns() >= until_ns)
            live_give_up(live, "%s does not listen after %d s", daemon->name, START_US / 1000000);
    }
    if (first) loop_hold(&live->loop, false);
    if (!daemon->ended) return CORE_OK;
    char text[256];
    tell_end(daemon, text, sizeof text);
    live_give_up(live, "%s before it listened", text);
}

/* --- asked, and not asked --- */

uint64_t daemon_drain_us(const struct live *live)
{
    uint64_t us = loop_real_us(&live->loop, DRAIN_US);
    return us < DRAIN_LEAST_US ? DRAIN_LEAST_US : us;
}

enum core_result daemon_drain(struct daemon *daemon)
{
    if (daemon->live->elsewhere != NULL) return elsewhere_leave(daemon);
    if (daemon->pid == 0) return CORE_OK;
    daemon->stopping = true;
    kill(daemon->pid, SIGTERM);
    uint64_t until_ns = deadline_ns(daemon, daemon_drain_us(daemon->live) + GONE_US);
    while (!daemon->ended) {
        if (!world_wait(&daemon->changed, until_ns, "the daemon to end") &&
            world_now_ns() >= until_ns)
            world_fail(WORLD_FOUND_STUCK_WAITER, "%s did not end after SIGTERM", daemon->name);
    }
    if (!WIFEXITED(daemon->status) || WEXITSTATUS(daemon->status) != 0) fail_by_end(daemon);
    return daemon->in_time ? CORE_OK : CORE_EXPIRED;
}

void daemon_kill(struct daemon *daemon)
{
    if (daemon->pid == 0) return;
    daemon->stopping = true;
    kill(daemon->pid, SIGKILL);
    (void)waitpid(daemon->pid, &daemon->status, 0);
    if (daemon->live->store != NULL) store_look(daemon->live->store);
    daemon->ended = true;
    close_all(daemon);
}
