/* The closed vocabulary of the scenario language: what may be said of cores, stores and clocks.
 * Part of words.h, which says how a rule is read. */
#ifndef HARNESS_SCENARIO_WORDS_CORE_H
#define HARNESS_SCENARIO_WORDS_CORE_H

/* Attributes of `core`: the settings of the session core, by the same names and with the same
 * defaults and limits; tests/scenario compares the two tables.
 * X(name, takes, words or LOW..HIGH, default, help) */
#define SCN_CORE_SETTINGS(X) \
    X(heartbeat, TIME, "", "30s", "how often an open connection is told the head") \
    X(heartbeat_timeout, TIME, "", "75s", "silence after which a connection is given up") \
    X(ack_timeout, TIME, "", "10s", "how long the client may take to acknowledge the handshake") \
    X(gate_timeout, TIME, "", "30s", "how long a run waits at the start gate") \
    X(run_timeout, TIME, "", "0s", "how long a run may take; 0: as long as it likes") \
    X(confirm_timeout, TIME, "", "30s", "how long a confirmation stays open") \
    X(input_timeout, TIME, "", "60s", "how long a request for input stays open") \
    X(send_stall, TIME, "", "5s", "how long one frame may stay unsent before the client is slow") \
    X(detach_grace, TIME, "", "120s", "time between the last detach and what on_detach says") \
    X(retain_after_terminal, TIME, "", "10m", "how long a finished run can still be read") \
    X(store_poll, TIME, "", "1s", "time between two looks at what another core writes; 0: none") \
    X(retain_in_store, TIME, "", "24h", "how long the message store keeps it after that") \
    X(lease_ttl, TIME, "", "60s", "life of a lease that is not renewed") \
    X(lease_renew, TIME, "", "20s", "time between two renewals; by default a third of lease_ttl") \
    X(start_timeout_web, TIME, "", "120s", "how long a web server may take to start") \
    X(start_timeout_mobile, TIME, "", "300s", "how long a mobile server may take to start") \
    X(term_grace, TIME, "", "2s", "time between asking a process to end and killing it") \
    X(autostart_delay, TIME, "", "0s", \
      "pause before a dev server starts by itself") \
    X(status_poll, TIME, "", "15s", "how often the state of a server is polled") \
    X(pool_idle, TIME, "", "30m", "idleness after which a sandbox is given back") \
    X(pool_sweep, TIME, "", "5m", "time between two sweeps of the pool") \
    X(deadlock_after, TIME, "", "60s", \
      "a hold without progress that raises the alert") \
    X(health_period, TIME, "", "300s", \
      "time between two health checks; with the default there are none") \
    X(backoff_base, TIME, "", "1s", "first pause before a retry") \
    X(backoff_cap, TIME, "", "30s", "longest pause before a retry") \
    X(backoff_factor, INT, "1..16", "2", "growth of the pause from retry to retry") \
    X(history_max_events, INT, "1..1000000", "1000", "events kept for one session") \
    X(store_max_events, INT, "1..1073741824", "100000", \
      "events that the message store keeps for one session") \
    X(history_max_bytes, INT, "1024..1073741824", "4194304", "bytes kept for one session") \
    X(replay_max_events, INT, "1..1000000", "300", "longest replay; a longer one is a resync") \
    X(outbound_max_bytes, INT, "256..1073741824", "1048576", "bytes waiting for one connection") \
    X(frame_max_bytes, INT, "64..16777216", "65536", "longest frame from a client") \
    X(event_max_bytes, INT, "64..16777216", "262144", "longest event") \
    X(max_sessions, INT, "1..1000000", "1000", "sessions in all") \
    X(max_conns, INT, "1..1000000", "1000", "connections in all") \
    X(max_conns_per_session, INT, "1..64", "8", "connections that one session may have") \
    X(max_conns_per_user, INT, "1..1000000", "32", "connections that one user may have") \
    X(max_handshakes, INT, "1..1000000", "100", "connections that have not named a session") \
    X(max_message_rate, INT, "0..100000", "100", "messages a second from one client; 0: any") \
    X(max_runs_per_session, INT, "1..1024", "16", "runs that one session may have") \
    X(max_prompts_per_session, INT, "1..1024", "16", "questions that one session may have open") \
    X(max_pending_publishes, INT, "1..65536", "256", "events that may wait for the store") \
    X(max_jobs, INT, "8..65536", "256", "procedures that may wait for a thread") \
    X(job_threads, INT, "2..64", "2", "threads of the pool core/jobs") \
    X(store_attempts, INT, "1..100", "3", "how often a call to the store is tried") \
    X(trace_ring, INT, "0..1048576", "0", \
      "trace records that the core itself keeps" SCN_NOT_BUILT) \
    X(port_web, INT, "1..65535", "3000", "port of a web server") \
    X(port_mobile, INT, "1..65535", "8081", "port of a mobile server") \
    X(port_fallback, INT, "0..100", "0", "ports beyond its own that a server may move to") \
    X(pool_warm, INT, "0..100", "0", "warm sandboxes kept per type") \
    X(pool_total, INT, "1..10000", "50", "sandboxes in all") \
    X(pool_grow_percent, INT, "1..100", "80", \
      "use above which the pool grows") \
    X(contention_percent, INT, "1..100", "50", \
      "failed share that raises the alert") \
    X(contention_min_samples, INT, "1..1000", "10", \
      "attempts before contention is judged") \
    X(on_detach, WORD, "keep|cancel_after_grace|cancel_now", "keep", \
      "what the last detach does to the run") \
    X(start_gate, WORD, "none|attached|acknowledged", "acknowledged", \
      "what a run waits for before it starts") \
    X(on_gate_timeout, WORD, "run_detached|fail|hold", "run_detached", \
      "what a run does when nobody came to the gate") \
    X(ack_required, WORD, "off|on", "on", "whether a connection must acknowledge the handshake") \
    X(on_slow, WORD, "drop_to_resync|disconnect", "drop_to_resync", \
      "what happens to a client that does not keep up") \
    X(on_excess, WORD, "reject|evict_oldest", "reject", "what one connection too many causes") \
    X(prompt_clock, WORD, "always|attached_only", "attached_only", \
      "when the clock of an open question runs") \
    X(on_expire, WORD, "reject|fail|hold", "reject", "what an expired question does to the run") \
    X(run_lock, WORD, "off|on", "off", "whether a run needs a lease of its own") \
    X(auto_create, WORD, "never|on_start", "never", "whether starting opens a missing session") \
    X(port_probe, WORD, "off|on", "on", "whether a server is probed on its port") \
    X(autostart, WORD, "off|on", "off", "whether a new sandbox's server starts by itself") \
    X(backoff_jitter, WORD, "none|full", "full", "how much of a pause before a retry is chance")

/* Attributes of `core` that are the harness's own: how it is built in and reached. */
#define SCN_CORE_EXTRAS(X) \
    X(transport, WORD, "frames|sockets", "frames", \
      "whole messages, or the real server on simulated sockets") \
    X(pull, WORD, "modest|eager", "modest", "whether its transport asks only for what is due") \
    X(relay, WORD, "off|on", "off", "whether what clients answer goes to other cores") \
    X(image, NAME, "", "core", "which build of the core runs") \
    X(server, NAME, "", "server", "with transport=sockets: which build of that transport")

#define SCN_STORE_SETTINGS(X) \
    X(latency, RANGE, "", "0s", "how long a call to the store takes") \
    X(lease_ttl, TIME, "", "", "life of a lease, for every core that names none itself") \
    X(lease_renew, TIME, "", "", "time between renewals, for every core that names none")

#define SCN_CLOCK_SETTINGS(X) \
    X(wall, TIME, "", "", "what the wall clock shows at the beginning, since 1970 (else 2024)")

#endif
