/* The public functions of one build of the session core, as a table.
 *
 * fakes/core_entry.c compiles the table into the core's image, where its calls are bound to the
 * simulated world. Fakes call the core through it alone, so that one harness can hold several
 * builds: the default one, and mutants in shared objects.
 */
#ifndef FAKES_CORE_API_H
#define FAKES_CORE_API_H

#include "session_core.h"

/* X(name in the table, function of the core) */
#define CORE_API(X) \
    X(result_word, core_result_word) \
    X(result_text, core_result_text) \
    X(close_text, core_close_text) \
    X(settings_table, core_settings_table) \
    X(settings_default, core_settings_default) \
    X(setting_find, core_setting_find) \
    X(setting_store, core_setting_store) \
    X(setting_word, core_setting_word) \
    X(settings_problem, core_settings_problem) \
    X(settings_session_problem, core_settings_session_problem) \
    X(config_default, core_config_default) \
    X(create, core_create) \
    X(start, core_start) \
    X(drain, core_drain) \
    X(destroy, core_destroy) \
    X(stats, core_stats) \
    X(health, core_health) \
    X(health_report, core_health_report) \
    X(lock_metrics, core_lock_metrics) \
    X(trace_point_count, core_trace_point_count) \
    X(trace_point_info, core_trace_point_info) \
    X(session_open, session_open) \
    X(session_open_with, session_open_with) \
    X(session_open_wait, session_open_wait) \
    X(session_refresh, session_refresh) \
    X(session_pass, session_pass) \
    X(session_close, session_close) \
    X(session_info, session_info) \
    X(session_settings, session_settings) \
    X(session_configure, session_configure) \
    X(publish, publish) \
    X(publish_wait, publish_wait) \
    X(history, history) \
    X(history_read, history_read) \
    X(history_page_free, history_page_free) \
    X(conn_open, conn_open) \
    X(conn_input, conn_input) \
    X(conn_next, conn_next) \
    X(conn_frame_free, conn_frame_free) \
    X(conn_sent, conn_sent) \
    X(conn_closed, conn_closed) \
    X(conn_state, conn_state) \
    X(run_submit, run_submit) \
    X(run_cancel, run_cancel) \
    X(run_state, run_state) \
    X(run_state_word, run_state_word) \
    X(run_token, run_token) \
    X(run_pause, run_pause) \
    X(run_self, run_self) \
    X(run_input, run_input) \
    X(run_emit, run_emit) \
    X(run_should_stop, run_should_stop) \
    X(run_ask, run_ask) \
    X(run_ask_async, run_ask_async) \
    X(prompt_answer_free, prompt_answer_free) \
    X(prompt_outcome_word, prompt_outcome_word) \
    X(wire_message_word, wire_message_word) \
    X(lease_acquire, lease_acquire) \
    X(lease_release, lease_release) \
    X(lease_valid, lease_valid) \
    X(alert_word, core_alert_word) \
    X(lease_token, lease_token) \
    X(sandbox_acquire, sandbox_acquire) \
    X(sandbox_release, sandbox_release) \
    X(command_find, server_command_find) \
    X(command_session_name, command_session_name) \
    X(server_session_name, server_session_name) \
    X(server_status, server_status) \
    X(server_ensure, server_ensure) \
    X(server_stop, server_stop)

struct core_api {
#define CORE_API_MEMBER(name, function) __typeof__(function) *name;
    CORE_API(CORE_API_MEMBER)
#undef CORE_API_MEMBER
    /* Its JSON library is never refused memory (docs/FAKES.md). NULL of a daemon. */
    void (*spare_json)(void);
};

/* The ENTRY symbol of every core image. */
extern const struct core_api core_api;

#endif
