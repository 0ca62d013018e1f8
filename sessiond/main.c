/*
 * sessiond: the session core as a process. TERM, INT: graceful drain; a second INT: at once; HUP:
 * reads the files of tokens again; USR2: writes the trace. Exit status: 0 drained, 1 could not
 * start, 2 bad usage, 130 at once.
 */
#include "adapters/process/group.h"
#include "sessiond/auth.h"
#include "sessiond/config.h"
#include "sessiond/service.h"
#include "sessiond/words.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_NOT_STARTED = 1, EXIT_USAGE = 2, EXIT_AT_ONCE = 130 };

static const char help_head[] =
    "sessiond: resumable event streams for agent runs, over WebSocket, SSE and polling\n"
    "\n"
    "  sessiond [--config FILE] [--OPTION VALUE]...      runs the daemon\n"
    "  sessiond --check [--config FILE] [...]            says what is wrong with the options\n"
    "  sessiond sign USER SESSION TIME --secret FILE     prints a token; SESSION * is every one\n"
    "  sessiond --version\n"
    "\n"
    "A first try, with an agent of one line:\n"
    "\n"
    "  openssl rand -hex 32 > key; chmod 600 key\n"
    "  sessiond --secret key --agent.hello 'echo \"{\\\"type\\\":\\\"emit\\\","
    "\\\"event\\\":\\\"hi\\\"}\"' &\n"
    "  token=$(sessiond sign alice s1 1h --secret key)\n"
    "  curl -H \"authorization: Bearer $token\" -d '{\"agent\":\"hello\",\"key\":\"1\"}'"
    " localhost:7420/sessions/s1/runs\n"
    "  curl -H \"authorization: Bearer $token\" localhost:7420/sessions/s1/history\n"
    "\n"
    "A file has lines `option = value`, and # before a comment; a flag counts more than a line.\n"
    "Durations are 250ms, 30s, 10m, 24h. Options:\n"
    "\n"
    "  agent.NAME      command of this agent, run by sh for each run; agent.* is any other\n";

/* ---- signing ---- */

static int sign(const struct options *options, const char *user, const char *session,
                const char *time_text)
{
    char problem[AUTH_PROBLEM_MAX] = "--secret FILE names the key to sign with",
         token[AUTH_TOKEN_MAX];
    struct identity identity = {.session = ""};
    uint64_t us;
    if (strlen(user) >= CORE_NAME_MAX || strlen(session) >= CORE_NAME_MAX || user[0] == 0) {
        fprintf(stderr, "sessiond: names have 1 to 63 letters\n");
        return EXIT_USAGE;
    }
    if (!duration_read(time_text, &us) || us == 0) {
        fprintf(stderr, "sessiond: '%s' is no duration; write 30m, 1h or 7d\n", time_text);
        return EXIT_USAGE;
    }
    struct auth *auth = options->secret[0] == 0 ? NULL : auth_open("", options->secret, problem);
    snprintf(identity.user, sizeof identity.user, "%s", user);
    if (strcmp(session, "*") != 0)
        snprintf(identity.session, sizeof identity.session, "%s", session);
    int64_t until = (int64_t)time(NULL) + (int64_t)(us / 1000000);
    bool made = auth != NULL && auth_sign(auth, &identity, until, token);
    if (made)
        printf("%s\n", token);
    else
        fprintf(stderr, "sessiond: %s\n", problem);
    auth_free(auth);
    return made ? 0 : EXIT_USAGE;
}

/* ---- running ---- */

/* Held back in every thread, and taken by sigwait: nothing runs inside a handler. */
static void hold_signals(sigset_t *signals)
{
    sigset_t own;
    sigemptyset(signals);
    sigaddset(signals, SIGTERM);
    sigaddset(signals, SIGINT);
    sigaddset(signals, SIGHUP);
    sigaddset(signals, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, signals, NULL);
    sigemptyset(&own);
    sigaddset(&own, SIGUSR1); /* between threads, see end_at_once */
    pthread_sigmask(SIG_BLOCK, &own, NULL);
    signal(SIGPIPE, SIG_IGN);
}

/* As many descriptors as the system allows; a connection needs one, an agent five. */
static void raise_limits(struct journal *log, const struct core_settings *settings)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    uint64_t wanted = settings->max_conns + settings->max_handshakes + 64;
    if (limit.rlim_cur < wanted)
        journal_tell(log, LOG_WARNING, "few_descriptors", "{s:I, s:I}", "limit",
                     (long long)limit.rlim_cur, "wanted", (long long)wanted);
}

static void reload(struct service *service, struct journal *log)
{
    char problem[SERVICE_PROBLEM_MAX];
    if (service_reload(service, problem))
        journal_tell(log, LOG_INFO, "reloaded", NULL);
    else
        journal_tell(log, LOG_ERROR, "not_reloaded", "{s:s}", "reason", problem);
}

static void write_trace(struct service *service, struct journal *log)
{
    char problem[SERVICE_PROBLEM_MAX];
    if (service_trace(service, problem))
        journal_tell(log, LOG_INFO, "traced", NULL);
    else
        journal_tell(log, LOG_ERROR, "not_traced", "{s:s}", "reason", problem);
}

/* Whoever asks a second time does not want to wait. */
static void *end_at_once(void *context)
{
    sigset_t signals;
    int number = 0;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGUSR1);
    sigwait(&signals, &number);
    if (number == SIGUSR1) /* all has been drained */
        return NULL;
    service_abandon(context);
    _exit(EXIT_AT_ONCE);
}

static void stop(const struct options *options, struct service *service, struct journal *log,
                 int number)
{
    pthread_t impatient;
    journal_tell(log, LOG_INFO, "draining", "{s:s}", "signal", number == SIGINT ? "INT" : "TERM");
    struct options *shared;
    memcpy(&shared, &options, sizeof shared); /* only read */
    bool watched = pthread_create(&impatient, NULL, end_at_once, shared) == 0;
    bool in_time = service_stop(service);
    if (watched) {
        pthread_kill(impatient, SIGUSR1);
        pthread_join(impatient, NULL);
    }
    journal_tell(log, in_time ? LOG_INFO : LOG_WARNING, "stopped", "{s:b}", "in_time", in_time);
}

static void serve(const struct options *options, struct service *service, struct journal *log,
                  const sigset_t *signals)
{
    int number = 0;
    journal_tell(log, LOG_INFO, "listening", "{s:i, s:s}", "port", (int)service_port(service),
                 "version", SESSIOND_VERSION);
    while (sigwait(signals, &number) == 0 && (number == SIGHUP || number == SIGUSR2)) {
        if (number == SIGHUP)
            reload(service, log);
        else
            write_trace(service, log);
    }
    stop(options, service, log, number);
}

static int run(const struct options *options)
{
    char problem[SERVICE_PROBLEM_MAX];
    enum journal_level level = LOG_INFO;
    sigset_t signals;
    journal_level_of(options->log_level, &level);
    int fd = strcmp(options->log, "-") == 0
                 ? STDERR_FILENO
                 : open(options->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    struct journal *log = fd < 0 ? NULL : journal_new(fd, level);
    if (log == NULL) {
        fprintf(stderr, "sessiond: %s: %s\n", options->log, strerror(errno));
        return EXIT_NOT_STARTED;
    }
    hold_signals(&signals);
    group_adopt_orphans();
    raise_limits(log, &options->settings);
    struct service *service = service_start(options, log, problem);
    if (service != NULL)
        serve(options, service, log, &signals);
    else
        fprintf(stderr, "sessiond: %s\n", problem);
    journal_free(log);
    if (fd != STDERR_FILENO) close(fd);
    return service != NULL ? 0 : EXIT_NOT_STARTED;
}

/* ---- usage ---- */

static int act(struct options *options, int count, char *const *words)
{
    char problem[OPTION_PROBLEM_MAX] = "out of memory";
    enum config_request request = CONFIG_RUN;
    /* sign USER SESSION TIME come before the flags */
    bool signs = count > 1 && strcmp(words[1], "sign") == 0;
    if (signs && count < 5) {
        fprintf(stderr, "sessiond: write sessiond sign USER SESSION TIME --secret FILE\n");
        return EXIT_USAGE;
    }
    int skipped = signs ? 4 : 0;
    if (!config_read_command_line(options, count - skipped, words + skipped, &request, problem) ||
        (request != CONFIG_HELP && options_check(options, problem) != NULL)) {
        fprintf(stderr, "sessiond: %s\n", problem);
        return EXIT_USAGE;
    }
    if (request == CONFIG_HELP) {
        fputs(help_head, stdout);
        options_print_help();
        return 0;
    }
    if (signs) return sign(options, words[2], words[3], words[4]);
    if (request == CONFIG_VERSION) printf("sessiond %s\n", SESSIOND_VERSION);
    return request == CONFIG_RUN ? run(options) : 0;
}

int main(int count, char **words)
{
    struct options options;
    int status = EXIT_NOT_STARTED;
    if (options_init(&options))
        status = act(&options, count, words);
    else
        fprintf(stderr, "sessiond: out of memory\n");
    options_free(&options);
    return status;
}
