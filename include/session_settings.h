/*
 * Settings of a core: one table, from which come the struct, its defaults and the list that maps a
 * name (as written in a scenario or a configuration file) to its place.
 */
#ifndef SESSION_SETTINGS_H
#define SESSION_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CORE_SECONDS(n) ((uint64_t)(n) * 1000000u)
#define CORE_MINUTES(n) (CORE_SECONDS(60) * (n))

/* Policies: the words of each, the first word being value 0. */
#define ON_DETACH_WORDS(X)                                                                         \
    X(KEEP, "keep") X(CANCEL_AFTER_GRACE, "cancel_after_grace") X(CANCEL_NOW, "cancel_now")
#define START_GATE_WORDS(X) X(NONE, "none") X(ATTACHED, "attached") X(ACKNOWLEDGED, "acknowledged")
#define ON_GATE_TIMEOUT_WORDS(X)                                                                   \
    X(RUN_DETACHED, "run_detached") X(FAIL, "fail") X(HOLD, "hold")
#define ACK_REQUIRED_WORDS(X) X(OFF, "off") X(ON, "on")
#define ON_SLOW_WORDS(X) X(DROP_TO_RESYNC, "drop_to_resync") X(DISCONNECT, "disconnect")
#define ON_EXCESS_WORDS(X) X(REJECT, "reject") X(EVICT_OLDEST, "evict_oldest")
#define PROMPT_CLOCK_WORDS(X) X(ALWAYS, "always") X(ATTACHED_ONLY, "attached_only")
#define ON_EXPIRE_WORDS(X) X(REJECT, "reject") X(FAIL, "fail") X(HOLD, "hold")
#define AUTO_CREATE_WORDS(X) X(NEVER, "never") X(ON_START, "on_start")
#define PORT_PROBE_WORDS(X) X(OFF, "off") X(ON, "on")
#define AUTOSTART_WORDS(X) X(OFF, "off") X(ON, "on")
#define RUN_LOCK_WORDS(X) X(OFF, "off") X(ON, "on")
#define BACKOFF_JITTER_WORDS(X) X(NONE, "none") X(FULL, "full")

#define ON_DETACH_ENUM(name, word) ON_DETACH_##name,
enum on_detach { ON_DETACH_WORDS(ON_DETACH_ENUM) };
#define START_GATE_ENUM(name, word) START_GATE_##name,
enum start_gate { START_GATE_WORDS(START_GATE_ENUM) };
#define ON_GATE_TIMEOUT_ENUM(name, word) ON_GATE_TIMEOUT_##name,
enum on_gate_timeout { ON_GATE_TIMEOUT_WORDS(ON_GATE_TIMEOUT_ENUM) };
#define ACK_REQUIRED_ENUM(name, word) ACK_REQUIRED_##name,
enum ack_required { ACK_REQUIRED_WORDS(ACK_REQUIRED_ENUM) };
#define ON_SLOW_ENUM(name, word) ON_SLOW_##name,
enum on_slow { ON_SLOW_WORDS(ON_SLOW_ENUM) };
#define ON_EXCESS_ENUM(name, word) ON_EXCESS_##name,
enum on_excess { ON_EXCESS_WORDS(ON_EXCESS_ENUM) };
#define PROMPT_CLOCK_ENUM(name, word) PROMPT_CLOCK_##name,
enum prompt_clock { PROMPT_CLOCK_WORDS(PROMPT_CLOCK_ENUM) };
#define ON_EXPIRE_ENUM(name, word) ON_EXPIRE_##name,
enum on_expire { ON_EXPIRE_WORDS(ON_EXPIRE_ENUM) };
#define AUTO_CREATE_ENUM(name, word) AUTO_CREATE_##name,
enum auto_create { AUTO_CREATE_WORDS(AUTO_CREATE_ENUM) };
#define PORT_PROBE_ENUM(name, word) PORT_PROBE_##name,
enum port_probe { PORT_PROBE_WORDS(PORT_PROBE_ENUM) };
#define AUTOSTART_ENUM(name, word) AUTOSTART_##name,
enum autostart { AUTOSTART_WORDS(AUTOSTART_ENUM) };
#define RUN_LOCK_ENUM(name, word) RUN_LOCK_##name,
enum run_lock { RUN_LOCK_WORDS(RUN_LOCK_ENUM) };
#define BACKOFF_JITTER_ENUM(name, word) BACKOFF_JITTER_##name,
enum backoff_jitter { BACKOFF_JITTER_WORDS(BACKOFF_JITTER_ENUM) };

/*
 * DURATION(scope, name, default in microseconds)   field name_us
 * COUNT(scope, name, default, smallest, largest)   field name
 * POLICY(scope, name, words, default)              field name, a value of enum name
 *
 * SESSION: each session has its own value, at first the core's (session_open_with). CORE: one value
 * for all of a core.
 */
#define CORE_SETTINGS(DURATION, COUNT, POLICY)                                                     \
    DURATION(SESSION, heartbeat, CORE_SECONDS(30))                                                 \
    DURATION(SESSION, heartbeat_timeout, CORE_SECONDS(75))                                         \
    DURATION(SESSION, ack_timeout, CORE_SECONDS(10))                                               \
    DURATION(SESSION, gate_timeout, CORE_SECONDS(30))                                              \
    DURATION(SESSION, run_timeout, 0)                                                              \
    DURATION(SESSION, confirm_timeout, CORE_SECONDS(30))                                           \
    DURATION(SESSION, input_timeout, CORE_SECONDS(60))                                             \
    DURATION(SESSION, send_stall, CORE_SECONDS(5))                                                 \
    DURATION(SESSION, detach_grace, CORE_SECONDS(120))                                             \
    DURATION(SESSION, retain_after_terminal, CORE_MINUTES(10))                                     \
    DURATION(SESSION, store_poll, CORE_SECONDS(1))                                                 \
    DURATION(SESSION, retain_in_store, CORE_MINUTES(24 * 60))                                      \
    DURATION(CORE, lease_ttl, CORE_SECONDS(60))                                                    \
    DURATION(CORE, lease_renew, CORE_SECONDS(20))                                                  \
    DURATION(CORE, start_timeout_web, CORE_SECONDS(120))                                           \
    DURATION(CORE, start_timeout_mobile, CORE_SECONDS(300))                                        \
    DURATION(CORE, term_grace, CORE_SECONDS(2))                                                    \
    DURATION(CORE, autostart_delay, 0)                                                             \
    DURATION(CORE, status_poll, CORE_SECONDS(15))                                                  \
    DURATION(CORE, pool_idle, CORE_MINUTES(30))                                                    \
    DURATION(CORE, pool_sweep, CORE_MINUTES(5))                                                    \
    DURATION(CORE, deadlock_after, CORE_SECONDS(60))                                               \
    DURATION(CORE, health_period, CORE_SECONDS(300))                                               \
    DURATION(CORE, backoff_base, CORE_SECONDS(1))                                                  \
    DURATION(CORE, backoff_cap, CORE_SECONDS(30))                                                  \
    COUNT(CORE, backoff_factor, 2, 1, 16)                                                          \
    COUNT(SESSION, history_max_events, 1000, 1, 1000000)                                           \
    COUNT(SESSION, store_max_events, 100000, 1, 1u << 30)                                          \
    COUNT(SESSION, history_max_bytes, 4u << 20, 1024, 1u << 30)                                    \
    COUNT(SESSION, replay_max_events, 300, 1, 1000000)                                             \
    COUNT(SESSION, outbound_max_bytes, 1u << 20, 256, 1u << 30)                                    \
    COUNT(CORE, frame_max_bytes, 64u << 10, 64, 16u << 20)                                         \
    COUNT(CORE, event_max_bytes, 256u << 10, 64, 16u << 20)                                        \
    COUNT(CORE, max_sessions, 1000, 1, 1000000)                                                    \
    COUNT(CORE, max_conns, 1000, 1, 1000000)                                                       \
    COUNT(SESSION, max_conns_per_session, 8, 1, 64)                                                \
    COUNT(CORE, max_conns_per_user, 32, 1, 1000000)                                                \
    COUNT(CORE, max_handshakes, 100, 1, 1000000)                                                   \
    COUNT(SESSION, max_message_rate, 100, 0, 100000)                                               \
    COUNT(SESSION, max_runs_per_session, 16, 1, 1024)                                              \
    COUNT(SESSION, max_prompts_per_session, 16, 1, 1024)                                           \
    COUNT(SESSION, max_pending_publishes, 256, 1, 65536)                                           \
    COUNT(CORE, max_jobs, 256, 8, 65536)                                                           \
    COUNT(CORE, job_threads, 2, 2, 64)                                                             \
    COUNT(CORE, store_attempts, 3, 1, 100)                                                         \
    COUNT(CORE, trace_ring, 0, 0, 1u << 20)                                                        \
    COUNT(CORE, port_web, 3000, 1, 65535)                                                          \
    COUNT(CORE, port_mobile, 8081, 1, 65535)                                                       \
    COUNT(CORE, port_fallback, 0, 0, 100)                                                          \
    COUNT(CORE, pool_warm, 0, 0, 100)                                                              \
    COUNT(CORE, pool_total, 50, 1, 10000)                                                          \
    COUNT(CORE, pool_grow_percent, 80, 1, 100)                                                     \
    COUNT(CORE, contention_percent, 50, 1, 100)                                                    \
    COUNT(CORE, contention_min_samples, 10, 1, 1000)                                               \
    POLICY(SESSION, on_detach, ON_DETACH_WORDS, ON_DETACH_KEEP)                                    \
    POLICY(SESSION, start_gate, START_GATE_WORDS, START_GATE_ACKNOWLEDGED)                         \
    POLICY(SESSION, on_gate_timeout, ON_GATE_TIMEOUT_WORDS, ON_GATE_TIMEOUT_RUN_DETACHED)          \
    POLICY(SESSION, ack_required, ACK_REQUIRED_WORDS, ACK_REQUIRED_ON)                             \
    POLICY(SESSION, on_slow, ON_SLOW_WORDS, ON_SLOW_DROP_TO_RESYNC)                                \
    POLICY(SESSION, on_excess, ON_EXCESS_WORDS, ON_EXCESS_REJECT)                                  \
    POLICY(SESSION, prompt_clock, PROMPT_CLOCK_WORDS, PROMPT_CLOCK_ATTACHED_ONLY)                  \
    POLICY(SESSION, on_expire, ON_EXPIRE_WORDS, ON_EXPIRE_REJECT)                                  \
    POLICY(SESSION, run_lock, RUN_LOCK_WORDS, RUN_LOCK_OFF)                                        \
    POLICY(CORE, auto_create, AUTO_CREATE_WORDS, AUTO_CREATE_NEVER)                                \
    POLICY(CORE, port_probe, PORT_PROBE_WORDS, PORT_PROBE_ON)                                      \
    POLICY(CORE, autostart, AUTOSTART_WORDS, AUTOSTART_OFF)                                        \
    POLICY(CORE, backoff_jitter, BACKOFF_JITTER_WORDS, BACKOFF_JITTER_FULL)

/* Every field is 64 bits wide, so that one store by offset serves all kinds. */
struct core_settings {
#define DURATION_FIELD(scope, name, value) uint64_t name##_us;
#define COUNT_FIELD(scope, name, value, smallest, largest) uint64_t name;
#define POLICY_FIELD(scope, name, words, value) uint64_t name;
    CORE_SETTINGS(DURATION_FIELD, COUNT_FIELD, POLICY_FIELD)
#undef DURATION_FIELD
#undef COUNT_FIELD
#undef POLICY_FIELD
};

enum core_setting_kind { CORE_SETTING_DURATION, CORE_SETTING_COUNT, CORE_SETTING_POLICY };

enum core_setting_scope { CORE_SETTING_OF_CORE, CORE_SETTING_OF_SESSION };

struct core_setting {
    const char *name;              /* as in a scenario: "heartbeat", "start_gate" */
    enum core_setting_kind kind;
    size_t offset;                 /* of the uint64_t inside struct core_settings */
    uint64_t fallback;             /* the default; microseconds for a duration */
    uint64_t smallest, largest;    /* allowed range, ends included */
    const char *const *words;      /* policies only; ends with NULL; index = value */
    enum core_setting_scope scope;
};

/* The table, in the order above; *count gets its length. Static memory. */
const struct core_setting *core_settings_table(size_t *count);

/* The row of a name, or NULL. */
const struct core_setting *core_setting_find(const char *name);

/* Every setting at its default. */
void core_settings_default(struct core_settings *settings);

/* Stores a value in its row's place. False, and nothing stored, outside the allowed range. */
bool core_setting_store(struct core_settings *settings, const struct core_setting *setting,
                        uint64_t value);

/* The value of a policy word, in *value. False for a word the policy does not have. */
bool core_setting_word(const struct core_setting *setting, const char *word, uint64_t *value);

/*
 * Relations between settings that must hold (a heartbeat shorter than its timeout, a renewal
 * shorter than its lease). NULL if all hold, otherwise one sentence. Static memory.
 */
const char *core_settings_problem(const struct core_settings *settings);

/*
 * May a session of a core with these settings have those of its own? NULL if so; otherwise as
 * core_settings_problem, or the sentence that a setting belongs to the whole core.
 */
const char *core_settings_session_problem(const struct core_settings *core,
                                          const struct core_settings *session);

#endif
