/* Part of the server's image: its table, and the functions of the core that it calls. */
#include "fakes/server/server_api.h"

#include <jansson.h>
#include <libwebsockets.h>

static const struct core_api *api;

static void begin(const struct core_api *core)
{
    api = core;
    json_object_seed(1);
    lws_set_log_level(0, NULL);
}

const struct server_api server_api = {
    .begin = begin,
    .config_default = ws_transport_config_default,
    .create = ws_transport_create,
    .port = ws_transport_port,
    .start = ws_transport_start,
    .stop = ws_transport_stop,
    .destroy = ws_transport_destroy,
};

/* --- the core, wherever it is --- */

enum core_result conn_open(struct core *core, uint64_t handle, const char *user,
                           struct conn_ref *conn)
{
    return api->conn_open(core, handle, user, conn);
}

enum core_result conn_input(struct core *core, struct conn_ref conn, const char *bytes,
                            size_t length)
{
    return api->conn_input(core, conn, bytes, length);
}

bool conn_next(struct core *core, struct conn_ref conn, struct conn_frame *frame)
{
    return api->conn_next(core, conn, frame);
}

void conn_frame_free(struct conn_frame *frame)
{
    api->conn_frame_free(frame);
}

void conn_sent(struct core *core, struct conn_ref conn, uint64_t number)
{
    api->conn_sent(core, conn, number);
}

void conn_closed(struct core *core, struct conn_ref conn)
{
    api->conn_closed(core, conn);
}

enum core_result session_open(struct core *core, const char *key, const char *owner,
                              uint32_t flags, session_open_done done, void *context)
{
    return api->session_open(core, key, owner, flags, done, context);
}

enum core_result session_info(struct core *core, struct session_ref session,
                              struct session_info *info)
{
    return api->session_info(core, session, info);
}

enum core_result history_read(struct core *core, struct session_ref session,
                              struct history_cursor cursor, size_t limit,
                              enum history_direction direction, history_done done, void *context)
{
    return api->history_read(core, session, cursor, limit, direction, done, context);
}

void history_page_free(struct history_page *page)
{
    api->history_page_free(page);
}

enum core_result run_submit(struct core *core, struct session_ref session,
                            const struct run_spec *spec, struct run_ref *run, bool *created)
{
    return api->run_submit(core, session, spec, run, created);
}

enum core_result run_state(struct core *core, struct run_ref run, enum run_state *state)
{
    return api->run_state(core, run, state);
}

void core_health_report(struct core *core, struct core_health_report *report)
{
    api->health_report(core, report);
}

void core_settings_default(struct core_settings *settings)
{
    api->settings_default(settings);
}

const char *core_result_word(enum core_result result)
{
    return api->result_word(result);
}

const char *core_result_text(enum core_result result)
{
    return api->result_text(result);
}

const char *core_close_text(enum core_close_code code)
{
    return api->close_text(code);
}

const char *run_state_word(enum run_state state)
{
    return api->run_state_word(state);
}

const char *wire_message_word(enum wire_message message)
{
    return api->wire_message_word(message);
}
