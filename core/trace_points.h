/*
 * The named points of the core. A point is emitted right after the critical section in which the
 * thing happened, with no lock held, so that a scheduler may stop a thread exactly there.
 *
 * X(constant, name, subject, argument names...): unused arguments have an empty name.
 */
#ifndef CORE_TRACE_POINTS_H
#define CORE_TRACE_POINTS_H

#define TRACE_POINTS(X)                                                                            \
    X(TP_SESSION_OPENED, "session.opened", "session", "epoch", "head", "")                         \
    X(TP_SESSION_CLOSED, "session.closed", "session", "epoch", "", "")                             \
    X(TP_SESSION_RECOVERED, "session.recovered", "session", "epoch", "head", "")                   \
    X(TP_LOG_QUEUED, "log.queued", "session", "number", "", "")                                    \
    X(TP_LOG_APPENDED, "log.appended", "session", "seq", "epoch", "")                              \
    X(TP_LOG_TRIMMED, "log.trimmed", "session", "floor", "", "")                                   \
    X(TP_STORE_TRIMMED, "store.trimmed", "session", "floor", "", "")                               \
    X(TP_LOG_UNKNOWN, "log.unknown", "session", "seq", "", "")                                     \
    X(TP_CONN_OPENED, "conn.opened", "user", "generation", "", "")                                 \
    X(TP_CONN_ATTACHED, "conn.attached", "session", "generation", "cursor", "head")                \
    X(TP_CONN_READY, "conn.ready", "session", "generation", "", "")                                \
    X(TP_CONN_REPLAYED, "conn.replayed", "session", "generation", "seq", "")                       \
    X(TP_CONN_ACKNOWLEDGED, "conn.acknowledged", "session", "generation", "", "")                  \
    X(TP_CONN_WANT_WRITE, "conn.want_write", "session", "generation", "", "")                      \
    X(TP_CONN_GAP, "conn.gap", "session", "generation", "from", "to")                              \
    X(TP_CONN_RESYNC, "conn.resync", "session", "generation", "from", "to")                        \
    X(TP_CONN_HEARTBEAT, "conn.heartbeat", "session", "generation", "head", "")                    \
    X(TP_CONN_DROPPED, "conn.dropped", "session", "generation", "code", "")                        \
    X(TP_CONN_DETACHED, "conn.detached", "session", "generation", "left", "")                      \
    X(TP_CONN_CLOSED, "conn.closed", "user", "generation", "", "")                                 \
    X(TP_GRACE_STARTED, "grace.started", "session", "", "", "")                                    \
    X(TP_GRACE_ENDED, "grace.ended", "session", "", "", "")                                        \
    X(TP_RUN_SUBMITTED, "run.submitted", "session", "run", "", "")                                 \
    X(TP_GATE_PASSED, "gate.passed", "session", "run", "generation", "")                           \
    X(TP_GATE_EXPIRED, "gate.expired", "session", "run", "action", "")                             \
    X(TP_RUN_STARTED, "run.started", "session", "run", "", "")                                     \
    X(TP_RUN_STOP_ASKED, "run.stop_asked", "session", "run", "", "")                               \
    X(TP_RUN_ENDED, "run.ended", "session", "run", "state", "")                                    \
    X(TP_RUN_FORGOTTEN, "run.forgotten", "session", "run", "", "")                                 \
    X(TP_PROMPT_OPENED, "prompt.opened", "session", "prompt", "run", "deadline_us")                \
    X(TP_PROMPT_OFFERED, "prompt.offered", "session", "prompt", "generation", "")                  \
    X(TP_PROMPT_SETTLED, "prompt.settled", "session", "prompt", "outcome", "generation")           \
    X(TP_PROMPT_REFUSED, "prompt.refused", "session", "prompt", "generation", "")                  \
    X(TP_LOCK_TRIED, "lock.tried", "key", "", "", "")                                              \
    X(TP_LOCK_ACQUIRED, "lock.acquired", "key", "token", "", "")                                   \
    X(TP_LOCK_REFUSED, "lock.refused", "key", "", "", "")                                          \
    X(TP_LOCK_RENEWED, "lock.renewed", "key", "token", "", "")                                     \
    X(TP_LOCK_LOST, "lock.lost", "key", "token", "", "")                                           \
    X(TP_LOCK_RELEASED, "lock.released", "key", "token", "", "")                                   \
    X(TP_SANDBOX_ASSIGNED, "sandbox.assigned", "sandbox", "token", "", "")                         \
    X(TP_SANDBOX_RELEASED, "sandbox.released", "sandbox", "token", "", "")                         \
    X(TP_SANDBOX_DESTROYED, "sandbox.destroyed", "sandbox", "token", "", "")                       \
    X(TP_SERVER_STARTING, "server.starting", "sandbox", "version", "port", "")                     \
    X(TP_SERVER_SPAWNED, "server.spawned", "sandbox", "instance", "port", "")                      \
    X(TP_SERVER_RUNNING, "server.running", "sandbox", "instance", "version", "")                   \
    X(TP_SERVER_STOPPING, "server.stopping", "sandbox", "instance", "version", "")                 \
    X(TP_SERVER_STOPPED, "server.stopped", "sandbox", "instance", "version", "")                   \
    X(TP_SERVER_FAILED, "server.failed", "sandbox", "version", "result", "")                       \
    X(TP_ALERT_CONTENTION, "alert.contention", "key", "failed", "samples", "raised")               \
    X(TP_ALERT_DEADLOCK, "alert.deadlock", "key", "token", "held_us", "raised")                    \
    X(TP_HEALTH_CHECKED, "health.checked", "core", "check", "bad", "")                             \
    X(TP_CORE_STARTED, "core.started", "core", "", "", "")                                         \
    X(TP_CORE_DRAINING, "core.draining", "core", "", "", "")                                       \
    X(TP_CORE_DRAINED, "core.drained", "core", "", "", "")

enum trace_point_id {
#define TRACE_POINT_ENUM(constant, name, subject, first, second, third) constant,
    TRACE_POINTS(TRACE_POINT_ENUM)
#undef TRACE_POINT_ENUM
        TRACE_POINT_COUNT
};

#endif
