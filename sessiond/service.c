#include "sessiond/service.h"

#include "sessiond/parts.h"

#include <errno.h>
#include <jansson.h>
#include <libwebsockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- what the transport asks ---- */

static bool authenticate(void *context, const char *token, struct ws_identity *identity)
{
    struct service *service = context;
    struct identity known;
    pthread_rwlock_rdlock(&service->auth_lock);
    bool found = auth_check(service->auth, token, (int64_t)time(NULL), &known);
    pthread_rwlock_unlock(&service->auth_lock);
    if (!found) return false;
    memcpy(identity->user, known.user, sizeof identity->user);
    memcpy(identity->session, known.session, sizeof identity->session);
    return true;
}

static char *tell_metrics(void *context, size_t *length)
{
    return service_metrics(context, length);
}

static char *tell_settings(void *context, size_t *length)
{
    return service_settings(context, length);
}

static void watch(void *context, const struct ws_event *event)
{
    struct service *service = context;
    if (event->kind == WS_REFUSED)
        journal_tell(service->log, LOG_WARNING, "refused", "{s:s, s:i, s:s}", "user", event->user,
                     "code", (int)event->code, "reason", event->reason);
    else if (event->kind == WS_OPENED)
        journal_tell(service->log, LOG_DEBUG, "connected", "{s:s, s:I}", "user", event->user,
                     "handle", (json_int_t)event->handle);
    else if (event->kind == WS_CLOSED)
        journal_tell(service->log, LOG_DEBUG, "disconnected", "{s:s, s:I, s:i, s:s}", "user",
                     event->user, "handle", (json_int_t)event->handle, "code", (int)event->code,
                     "reason", event->reason);
}

static void alert(void *context, const struct core_alert *told)
{
    journal_tell(context, LOG_WARNING, told->raised ? "alert" : "alert_over", "{s:s, s:s, s:I}",
                 "kind", core_alert_word(told->kind), "subject", told->subject, "value",
                 (json_int_t)told->value);
}

/* libwebsockets has one log for the whole process. */
static struct journal *library_log;

static void tell_library(int level, const char *line)
{
    journal_tell(library_log, (level & LLL_ERR) != 0 ? LOG_ERROR : LOG_WARNING, "libwebsockets",
                 "{s:s%}", "text", line, strcspn(line, "\n"));
}

/* ---- reading the options ---- */

static size_t count_commas(const char *text)
{
    size_t count = 0;
    for (; *text != 0; text++) count += *text == ',';
    return count;
}

/* "" allows none, for then every page of a browser would be let in; "*" all of them. */
static bool read_origins(struct service *service, const char *text)
{
    char *copy, *word, *rest;
    size_t used = 0;
    if (strcmp(text, "*") == 0) return true;
    service->origins = calloc(count_commas(text) + 2, sizeof *service->origins);
    copy = strdup(text);
    bool fine = service->origins != NULL && copy != NULL;
    for (rest = copy; fine && (word = strsep(&rest, ", ")) != NULL;) {
        if (word[0] == 0) continue;
        service->origins[used] = strdup(word);
        fine = service->origins[used++] != NULL;
    }
    free(copy);
    return fine;
}

/* ---- starting ---- */

static bool make_transport(struct service *service, uint16_t port, char *problem)
{
    const struct core_settings *settings = &service->options->settings;
    struct ws_transport_config config;
    ws_transport_config_default(&config);
    config.name = service->options->name;
    config.address = service->address[0] != 0 ? service->address : NULL;
    config.port = port;
    memcpy(&config.origins, &service->origins, sizeof config.origins);
    config.authenticate = authenticate;
    config.metrics = tell_metrics;
    config.settings = tell_settings;
    config.watch = watch;
    config.context = service;
    config.message_max_bytes = settings->frame_max_bytes;
    config.max_connections = settings->max_conns + settings->max_handshakes;
    config.handshake_timeout_us = settings->ack_timeout_us;
    config.deflate = strcmp(service->options->compression, "on") == 0;
    if (service->options->certificate[0] != 0) {
        config.certificate = service->options->certificate;
        config.key = service->options->certificate_key;
    }
    if (ws_transport_create(&config, &service->transport) == CORE_OK) return true;
    snprintf(problem, SERVICE_PROBLEM_MAX, "out of memory");
    return false;
}

static bool make_core(struct service *service, char *problem)
{
    struct core_config config;
    parts_configure(&service->parts, service->options, &config);
    config.transport = ws_transport_port(service->transport);
    config.agents = agents_port(service->agents);
    config.alerts = (struct alert_port){.context = service->log, .alert = alert};
    enum core_result rc = core_create(&config, &service->core);
    if (rc == CORE_OK) {
        agents_attach(service->agents, service->core);
        rc = core_start(service->core);
    }
    if (rc == CORE_OK) return true;
    snprintf(problem, SERVICE_PROBLEM_MAX, "the core cannot be started: %s", core_result_text(rc));
    return false;
}

static bool listen_now(struct service *service, char *problem)
{
    library_log = service->log;
    lws_set_log_level(LLL_ERR | LLL_WARN, tell_library);
    enum core_result rc = ws_transport_start(service->transport, service->core);
    if (rc == CORE_OK) return true;
    if (rc == CORE_FAILED) {
        snprintf(problem, SERVICE_PROBLEM_MAX,
                 "certificate '%.200s' and certificate_key '%.200s' cannot be used: the log tells "
                 "why", service->options->certificate, service->options->certificate_key);
        return false;
    }
    snprintf(problem, SERVICE_PROBLEM_MAX, "%s cannot be listened on: %s", service->options->listen,
             errno != 0 ? strerror(errno) : "this machine has no such address");
    return false;
}

static void tear_down(struct service *service)
{
    if (service->transport != NULL) ws_transport_stop(service->transport);
    core_destroy(service->core);
    ws_transport_destroy(service->transport);
    agents_free(service->agents);
    parts_close(&service->parts);
    auth_free(service->auth);
    for (size_t i = 0; service->origins != NULL && service->origins[i] != NULL; i++)
        free(service->origins[i]);
    free(service->origins);
    pthread_rwlock_destroy(&service->auth_lock);
    free(service);
}

/* Before anything else: who still writes for a run of before would do so into this life's. */
static void end_leftovers(struct service *service)
{
    size_t daemons = agents_sweep();
    if (daemons > 0)
        journal_tell(service->log, LOG_WARNING, "agents_swept", "{s:I}", "daemons",
                     (json_int_t)daemons);
}

static bool set_up(struct service *service, char *problem)
{
    const struct options *options = service->options;
    uint16_t port;
    if (!place_read(options->listen, service->address, &port)) {
        snprintf(problem, SERVICE_PROBLEM_MAX, "listen is '%.100s'", options->listen);
        return false;
    }
    end_leftovers(service);
    service->agents = agents_new(options, service->log);
    if (service->agents == NULL || !read_origins(service, options->origins)) {
        snprintf(problem, SERVICE_PROBLEM_MAX, "out of memory");
        return false;
    }
    service->auth = auth_open(options->tokens, options->secret, problem);
    if (options->tokens[0] == 0 && options->secret[0] == 0)
        journal_tell(service->log, LOG_WARNING, "nobody_may_come_in", "{s:s}", "hint",
                     "name a file of tokens, or a secret");
    return service->auth != NULL && parts_open(&service->parts, options, service->log, problem) &&
           make_transport(service, port, problem) && make_core(service, problem) &&
           listen_now(service, problem);
}

struct service *service_start(const struct options *options, struct journal *log,
                              char problem[SERVICE_PROBLEM_MAX])
{
    struct service *service = calloc(1, sizeof *service);
    if (service == NULL) {
        snprintf(problem, SERVICE_PROBLEM_MAX, "out of memory");
        return NULL;
    }
    service->options = options;
    service->log = log;
    pthread_rwlock_init(&service->auth_lock, NULL);
    if (set_up(service, problem)) return service;
    tear_down(service);
    return NULL;
}

uint16_t service_port(const struct service *service)
{
    return ws_transport_listens(service->transport);
}

bool service_reload(struct service *service, char problem[SERVICE_PROBLEM_MAX])
{
    struct auth *fresh = auth_open(service->options->tokens, service->options->secret, problem);
    if (fresh == NULL) return false;
    pthread_rwlock_wrlock(&service->auth_lock);
    struct auth *old = service->auth;
    service->auth = fresh;
    pthread_rwlock_unlock(&service->auth_lock);
    auth_free(old);
    return true;
}

/* ---- stopping ---- */

bool service_stop(struct service *service)
{
    bool in_time = core_drain(service->core, service->options->drain_time_us) == CORE_OK;
    tear_down(service);
    return in_time;
}

void service_abandon(const struct options *options)
{
    agents_abandon();
    if (strcmp(options->sandboxes, "none") != 0) local_provider_abandon(options->sandboxes);
}
