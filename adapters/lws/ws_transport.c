#include "adapters/lws/ws_transport.h"

#include "adapters/lws/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- configuration ---- */

void ws_transport_config_default(struct ws_transport_config *config)
{
    struct core_settings settings;
    core_settings_default(&settings);
    *config = (struct ws_transport_config){
        .name = "core",
        .address = "127.0.0.1",
        .message_max_bytes = settings.frame_max_bytes,
        .header_max_bytes = 4096,
        .max_connections = settings.max_conns + settings.max_handshakes,
        .handshake_timeout_us = settings.ack_timeout_us,
        .close_timeout_us = CORE_SECONDS(1),
        .idle_timeout_us = CORE_SECONDS(60),
        .rest_us = 1000,
    };
}

static bool is_complete(const struct ws_transport_config *config)
{
    return config->authenticate != NULL && config->name != NULL && config->message_max_bytes > 0 &&
           config->header_max_bytes > 0 && config->max_connections > 0 &&
           config->max_connections < UINT32_MAX && config->handshake_timeout_us > 0 &&
           config->close_timeout_us > 0 && config->idle_timeout_us > 0 &&
           config->rest_us < CORE_SECONDS(1) &&
           (config->certificate == NULL) == (config->key == NULL);
}

static void name_thread(struct ws_transport *transport)
{
    static const char role[] = "/ws";
    size_t used = strnlen(transport->config.name, CORE_THREAD_OWNER_MAX);
    memcpy(transport->name, transport->config.name, used);
    memcpy(transport->name + used, role, sizeof role);
}

enum core_result ws_transport_create(const struct ws_transport_config *config,
                                     struct ws_transport **result)
{
    if (!is_complete(config))
        return CORE_INVALID;
    struct ws_transport *transport = calloc(1, sizeof *transport);
    if (transport == NULL)
        return CORE_NO_MEMORY;
    transport->config = *config;
    name_thread(transport);
    transport->slot_count = (uint32_t)config->max_connections;
    transport->slots = calloc(transport->slot_count, sizeof *transport->slots);
    if (transport->slots == NULL || pthread_mutex_init(&transport->lock, NULL) != 0) {
        free(transport->slots);
        free(transport);
        return CORE_NO_MEMORY;
    }
    for (uint32_t i = 0; i < transport->slot_count; i++)
        transport->slots[i].next_free = i + 1 < transport->slot_count ? i + 1 : UINT32_MAX;
    *result = transport;
    return CORE_OK;
}

/* ---- the port ---- */

static void want_write(void *context, uint64_t handle, struct conn_ref conn)
{
    (void)conn;
    peer_wants_write(context, handle);
}

static void want_close(void *context, uint64_t handle, struct conn_ref conn,
                       enum core_close_code code)
{
    (void)conn;
    peer_wants_close(context, handle, code);
}

struct transport_port ws_transport_port(struct ws_transport *transport)
{
    return (struct transport_port){
        .context = transport, .want_write = want_write, .close = want_close };
}

/* ---- the loop ---- */

static unsigned seconds_of(uint64_t us)
{
    return (unsigned)((us + CORE_SECONDS(1) - 1) / CORE_SECONDS(1));
}

static void describe_protocols(struct ws_transport *transport)
{
    transport->protocols[0] = (struct lws_protocols){
        .name = "http", .callback = http_callback };
    transport->protocols[1] = (struct lws_protocols){
        .name = WS_SUBPROTOCOL, .callback = socket_callback, .rx_buffer_size = 4096 };
    /* The second one ends with a zeroed third. Liveness is the core's business alone. */
    transport->no_pings = (lws_retry_bo_t){ .secs_since_valid_ping = 0 };
    transport->mount = (struct lws_http_mount){ .mountpoint = " ",
                                                .mountpoint_len = 1,
                                                .origin = transport->protocols[0].name,
                                                .origin_protocol = LWSMPRO_CALLBACK };
}

/* A table indexed by descriptors is quick, but as large as the process may have of them. */
static unsigned fd_limit_of(const struct ws_transport_config *config)
{
    enum { FEW = 256, OWN_FDS = 4 };
    return config->max_connections <= FEW ? (unsigned)config->max_connections + OWN_FDS : 0;
}

/* What a server agrees to is in its answer to the offer; these words are a client's. */
static const struct lws_extension extensions[] = {
    { "permessage-deflate", lws_extension_callback_pm_deflate, "permessage-deflate" },
    { NULL, NULL, NULL },
};

/* Bound to an address of IPv4, libwebsockets has to be told so. */
static uint64_t options_of(const struct ws_transport_config *config)
{
    uint64_t options =
        LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND | LWS_SERVER_OPTION_VALIDATE_UTF8 |
        LWS_SERVER_OPTION_EXPLICIT_VHOSTS;
    if (config->address != NULL && strchr(config->address, ':') == NULL)
        options |= LWS_SERVER_OPTION_DISABLE_IPV6;
    if (config->certificate != NULL)
        options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
    return options;
}

/* The listening part is made apart from the rest: libwebsockets loses memory if it makes both, and
 * cannot listen. */
static bool create_context(struct ws_transport *transport)
{
    const struct ws_transport_config *config = &transport->config;
    struct lws_context_creation_info info = {
        .user = transport,
        .port = config->port,
        .iface = config->address,
        .protocols = transport->protocols,
        .mounts = &transport->mount,
        .extensions = config->deflate ? extensions : NULL,
        .ssl_cert_filepath = config->certificate,
        .ssl_private_key_filepath = config->key,
        .alpn = "http/1.1",
        .vhost_name = "session",
        .timeout_secs = seconds_of(config->handshake_timeout_us),
        .timeout_secs_ah_idle = seconds_of(config->handshake_timeout_us),
        .keepalive_timeout = (int)seconds_of(config->idle_timeout_us),
        .max_http_header_data = (unsigned short)config->header_max_bytes,
        .fd_limit_per_thread = fd_limit_of(config),
        .retry_and_idle_policy = &transport->no_pings,
        .options = options_of(config),
        .gid = (gid_t)-1,
        .uid = (uid_t)-1,
    };
    transport->context = lws_create_context(&info);
    if (transport->context == NULL)
        return false;
    struct lws_vhost *vhost = lws_create_vhost(transport->context, &info);
    if (vhost == NULL) {
        int error = errno;
        lws_context_destroy(transport->context);
        errno = error;
        return false;
    }
    transport->listens = (uint16_t)lws_get_vhost_listen_port(vhost);
    return true;
}

static bool is_stopping(struct ws_transport *transport)
{
    pthread_mutex_lock(&transport->lock);
    bool stopping = transport->stopping;
    pthread_mutex_unlock(&transport->lock);
    return stopping;
}

/* Is there a connection that the core has closed, and that has not gone yet? */
static bool is_closing(struct ws_transport *transport)
{
    pthread_mutex_lock(&transport->lock);
    bool closing = transport->closing > 0;
    pthread_mutex_unlock(&transport->lock);
    return closing;
}

static void give_up(lws_sorted_usec_list_t *timer)
{
    struct ws_transport *transport = lws_container_of(timer, struct ws_transport, last_call);
    transport->given_up = true;
    /* It would go on to wait for the next event, however long that takes. */
    lws_cancel_service(transport->context);
}

/*
 * Libwebsockets 4.1 looks for input where it reads none: while an answer is written to a reader
 * that is slow, and says more or has said its last. Each turn of the loop then comes to nothing,
 * and the next one at once. A few such turns in a row are ordinary: timers, beginnings of requests.
 */
static void rest(struct ws_transport *transport)
{
    enum { PATIENCE = 16 };
    const struct timespec pause = { .tv_nsec = (long)(transport->config.rest_us * 1000) };
    if (++transport->idle_turns <= PATIENCE || transport->config.rest_us == 0)
        return;
    pthread_mutex_lock(&transport->lock);
    transport->stats.rests++;
    pthread_mutex_unlock(&transport->lock);
    (void)nanosleep(&pause, NULL);
}

static bool serve_once(struct ws_transport *transport)
{
    transport->stirred = false;
    bool goes_on = lws_service(transport->context, 0) >= 0;
    if (transport->stirred)
        transport->idle_turns = 0;
    else
        rest(transport);
    return goes_on;
}

/* The last frames leave: close frames, and what the core has said before them. */
static void linger(struct ws_transport *transport)
{
    lws_sul_schedule(transport->context, 0, &transport->last_call, give_up,
                     (lws_usec_t)transport->config.close_timeout_us);
    while (!transport->given_up && is_closing(transport) && serve_once(transport))
        continue;
    lws_sul_cancel(&transport->last_call);
}

static void *serve(void *context)
{
    struct ws_transport *transport = context;
    while (!is_stopping(transport) && serve_once(transport))
        continue;
    linger(transport);
    pthread_mutex_lock(&transport->lock);
    transport->live = false;
    pthread_mutex_unlock(&transport->lock);
    /* Ends every connection, and so tells the core. */
    lws_context_destroy(transport->context);
    return NULL;
}

static enum core_result problem_of_listening(const struct ws_transport *transport)
{
    if (errno == ENOMEM)
        return CORE_NO_MEMORY;
    bool address = errno == EADDRINUSE || errno == EADDRNOTAVAIL || errno == EACCES;
    return address || transport->config.certificate == NULL ? CORE_UNAVAILABLE : CORE_FAILED;
}

enum core_result ws_transport_start(struct ws_transport *transport, struct core *core)
{
    transport->core = core;
    describe_protocols(transport);
    errno = 0;
    if (!create_context(transport))
        return problem_of_listening(transport);
    transport->live = true;
    if (pthread_create(&transport->thread, NULL, serve, transport) != 0) {
        transport->live = false;
        lws_context_destroy(transport->context);
        return CORE_NO_MEMORY;
    }
    /* A name is for readers of a debugger: failing to set it is no failure. */
    (void)pthread_setname_np(transport->thread, transport->name);
    transport->started = true;
    return CORE_OK;
}

uint16_t ws_transport_listens(const struct ws_transport *transport)
{
    return transport->listens;
}

void ws_transport_stats(struct ws_transport *transport, struct ws_transport_stats *stats)
{
    pthread_mutex_lock(&transport->lock);
    *stats = transport->stats;
    pthread_mutex_unlock(&transport->lock);
}

void ws_transport_stop(struct ws_transport *transport)
{
    if (transport == NULL || !transport->started)
        return;
    transport->started = false;
    pthread_mutex_lock(&transport->lock);
    transport->stopping = true;
    if (transport->live)
        lws_cancel_service(transport->context);
    pthread_mutex_unlock(&transport->lock);
    pthread_join(transport->thread, NULL);
}

void ws_transport_destroy(struct ws_transport *transport)
{
    if (transport == NULL)
        return;
    ws_transport_stop(transport);
    pthread_mutex_destroy(&transport->lock);
    free(transport->slots);
    free(transport);
}
