/* The closed vocabulary of the scenario language.
 *
 * Each list is one X-macro: enum, parser, checker, `harness words` and the reference page are all
 * driven by it. To add a word, add a row here; the compiler then names every place that must act.
 */
#ifndef HARNESS_SCENARIO_WORDS_H
#define HARNESS_SCENARIO_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/scenario/words_core.h"

/* What may stand behind `name=`. A rule may allow several kinds (a bit mask). */
enum scn_takes {
    SCN_TAKES_NAME = 1 << 0,    /* any NAME */
    SCN_TAKES_WORD = 1 << 1,    /* one NAME of the rule's `words` */
    SCN_TAKES_STRING = 1 << 2,
    SCN_TAKES_INT = 1 << 3,
    SCN_TAKES_INTS = 1 << 4,    /* A..B, bare numbers */
    SCN_TAKES_TIME = 1 << 5,
    SCN_TAKES_RANGE = 1 << 6,   /* A..B of time; one TIME means exactly that */
    SCN_TAKES_SIGNED = 1 << 7,
};

/* One attribute: what it is called, what it takes, its default as text ("" when there is none). */
struct scn_rule {
    const char *name;
    unsigned takes;
    const char *words;          /* "a|b|c" for WORD, "LOW..HIGH" for INT; "" is no limit */
    const char *fallback;
    const char *help;
};

/* Ends the help of a word that the language has and this build cannot act on: whoever uses it is
 * told so, and nothing runs. */
#define SCN_NOT_BUILT " (not built: refused)"

#define SCN_TAB_ATTRS(X) \
    X(user, NAME, "", "", "who is signed in") \
    X(session, NAME, "", "", "the session that the tab attaches to") \
    X(project, NAME, "", "", "the project that is open in the tab") \
    X(reconnect, RANGE, "", "", "reconnects by itself that long after its socket died") \
    X(cursors, WORD, "own|shared", "own", "whether tabs of one user share their cursor store") \
    X(greeting, WORD, "on|off", "on", "whether it says hello by itself") \
    X(speaks, WORD, "websocket|events|polling", "websocket", \
      "how it is told; the others need transport=sockets") \
    X(poll, TIME, "", "1s", "with speaks=polling: from a page to the next question, at least 1ms") \
    X(via, NAME, "", "", "the core that the tab talks to")

#define SCN_AGENT_ATTRS(X) \
    X(session, NAME, "", "", "the session that the agent works for") \
    X(user, NAME, "", "", "the user that the agent works for") \
    X(via, NAME, "", "", "the core that runs the agent")

#define SCN_SANDBOX_ATTRS(X) \
    X(project, NAME, "", "", "the project that the sandbox holds: nobody else is given it") \
    X(port, INT, "1..65535", "", "its dev servers listen there, whatever they are told") \
    X(boot, RANGE, "", "0s", "how long a dev server takes from spawn to listening")

#define SCN_BACKEND_ATTRS(X) \
    X(session, NAME, "", "", "the session that it works on") \
    X(user, NAME, "", "", "the user that it acts for") \
    X(project, NAME, "", "", "the project that it acts for") \
    X(via, NAME, "", "", "the core that it is linked with")

/* Actors. X(ID, "word", help) */
#define SCN_ACTORS(X) \
    X(TAB, "tab", "a browser tab: one client with a cursor and at most one socket") \
    X(AGENT, "agent", "a running agent: one thread inside the core") \
    X(SANDBOX, "sandbox", "a machine of the sandbox provider, with its processes and ports") \
    X(BACKEND, "backend", "a thread of the embedding program, calling the core's functions")

/* Shapes of a verb's arguments. */
enum scn_shape {
    SCN_SHAPE_NONE,             /* nothing */
    SCN_SHAPE_ATTRS,            /* {k=v} */
    SCN_SHAPE_MESSAGE,          /* KIND {k=v} */
    SCN_SHAPE_EVENT,            /* KIND ["text"] {k=v} */
    SCN_SHAPE_PATTERN,          /* KIND[k=v] {or KIND[k=v]}, or the word nothing */
    SCN_SHAPE_ASK,              /* NAME {k=v} */
    SCN_SHAPE_ANSWER,           /* NAME yes|no|"text" */
    SCN_SHAPE_TIME,             /* TIME */
    SCN_SHAPE_TEXT,             /* "TEXT" */
};

/* Verbs. X(ID, "word", actors, shape, arguments for the reader, help); actors is a set of ids. */
#define SCN_VERBS(X) \
    X(CONNECT, "connect", ON(TAB), NONE, "", "opens the socket and shakes hands") \
    X(RECONNECT, "reconnect", ON(TAB), NONE, "", "opens a new socket with the cursor it has") \
    X(RELOAD, "reload", ON(TAB), NONE, "", "forgets everything and connects as a fresh page") \
    X(CLOSE, "close", ON(TAB) | ON(BACKEND), NONE, "", \
      "tab: closes the socket in good order; backend: ends the session") \
    X(SEND, "send", ON(TAB), MESSAGE, "KIND k=v", "sends one message to the core") \
    X(SAY, "say", ON(TAB), TEXT, "\"TEXT\"", "sends that at once; ' means a double quote") \
    X(EXPECT, "expect", ON(TAB) | ON(AGENT) | ON(SANDBOX), PATTERN, "KIND[k=v] | nothing", \
      "waits for something to arrive") \
    X(ANSWER, "answer", ON(TAB), ANSWER, "NAME yes|no|\"text\"", "answers an open question") \
    X(WAIT, "wait", ON(TAB) | ON(AGENT) | ON(SANDBOX) | ON(BACKEND), TIME, "TIME", \
      "lets virtual time pass") \
    X(EMIT, "emit", ON(AGENT), EVENT, "KIND [\"text\"] k=v", "publishes one event") \
    X(ASK, "ask", ON(AGENT), ASK, "NAME timeout=TIME", \
      "asks the user and blocks until it is settled") \
    X(PAUSE, "pause", ON(AGENT), TIME, "TIME", "sleeps, until it is asked to stop at the latest") \
    X(FINISH, "finish", ON(AGENT), NONE, "", "ends the run as completed") \
    X(START, "start", ON(SANDBOX) | ON(BACKEND), ATTRS, "k=v", \
      "sandbox: comes up; backend: submits the session's run") \
    X(STOP, "stop", ON(SANDBOX) | ON(BACKEND), ATTRS, "k=v", \
      "sandbox: goes down; backend: stops the dev server") \
    X(OPEN, "open", ON(BACKEND), ATTRS, "k=v", "opens or finds the session") \
    X(PUBLISH, "publish", ON(BACKEND), EVENT, "KIND [\"text\"] k=v", "publishes one event") \
    X(POST, "post", ON(BACKEND), EVENT, "KIND [\"text\"] k=v", \
      "publishes one event and does not wait for the answer") \
    X(CANCEL, "cancel", ON(BACKEND), NONE, "", "cancels the run that it started last") \
    X(CONFIGURE, "configure", ON(BACKEND), ATTRS, "k=v", "gives the session other settings") \
    X(HISTORY, "history", ON(BACKEND), ATTRS, "k=v", "reads one page of the log") \
    X(ENSURE, "ensure", ON(BACKEND), ATTRS, "k=v", "makes sure that the dev server runs") \
    X(RELEASE, "release", ON(BACKEND), NONE, "", "gives the sandbox of its project back") \
    X(INSPECT, "inspect", ON(BACKEND), NONE, "", "asks the core everything that may be asked") \
    X(LEASE, "lease", ON(BACKEND), ASK, "NAME k=v", "takes the lease of that name") \
    X(MISUSE, "misuse", ON(BACKEND), NONE, "", "calls the core as it must not be called") \
    X(ALONE, "alone", ON(BACKEND), ATTRS, "k=v", "uses a core of its own, which nobody else does") \
    X(DRAIN, "drain", ON(BACKEND), ATTRS, "k=v", "drains the core and waits for it")

/* Attributes of verbs other than send, emit and publish.
 * X(VERB, name, takes, words, default, help) */
#define SCN_VERB_ATTRS(X) \
    X(ASK, timeout, TIME, "", "", "how long the question stays open") \
    X(ASK, input, WORD, "yes|no", "no", "asks for text instead of a confirmation") \
    X(ASK, wait, WORD, "yes|no", "yes", "whether the agent goes on only when it is settled") \
    X(START, key, NAME, "", "", "idempotency key of the run") \
    X(START, agent, NAME, "", "", "which agent of the session; else the first") \
    X(START, gate, WORD, "none|attached|acknowledged", "", "what it waits for; else start_gate") \
    X(START, timeout, TIME, "", "", "how long it may take; else run_timeout") \
    X(STOP, port, INT, "", "", "which dev server") \
    X(OPEN, create, WORD, "yes|no", "yes", "whether a missing session is made") \
    X(HISTORY, cursor, INT, "", "", "read from here; else from where the last page ended") \
    X(HISTORY, limit, INT, "", "", "at most so many events") \
    X(HISTORY, back, WORD, "yes|no", "no", "reads from cursor, or the newest, to older ones") \
    X(HISTORY, store, WORD, "yes|no", "no", "also what only the message store still has") \
    X(CONFIGURE, heartbeat, TIME, "", "", "how often an open connection is told the head") \
    X(CONFIGURE, detach_grace, TIME, "", "", "time from the last detach to what on_detach says") \
    X(CONFIGURE, prompt_clock, WORD, "always|attached_only", "", "when questions' clocks run") \
    X(CONFIGURE, history_max_events, INT, "1..1000000", "", "events kept for the session") \
    X(ENSURE, port, INT, "", "", "which dev server") \
    X(LEASE, ttl, TIME, "", "", "life of the lease") \
    X(LEASE, wait, TIME, "", "", "how long to keep trying while somebody else has it") \
    X(LEASE, hold, TIME, "", "", "how long it is kept before it is released") \
    X(LEASE, look, TIME, "", "", "how often its holder looks whether it still has it") \
    X(ALONE, about, WORD, "sessions|leases|servers", "sessions", "which part of the core is used") \
    X(ALONE, rounds, INT, "1..100", "20", "how many things are done to it") \
    X(DRAIN, deadline, TIME, "", "", "how long draining may take")

/* Messages from a tab to the core. X(ID, "word", "fields", help) */
#define SCN_SENDS(X) \
    X(HELLO, "hello", "session|epoch|cursor", "names the session and the cursor") \
    X(CONNECTION_ACKNOWLEDGED, "connection_acknowledged", "gen", "ends the handshake") \
    X(ACK, "ack", "seq", "has applied everything up to seq") \
    X(CONFIRM, "confirm", "id|value", "answers a confirmation") \
    X(USER_INPUT, "user_input", "id|value", "answers a request for input") \
    X(CANCEL, "cancel", "run", "cancels the run") \
    X(START_AGENT, "start_agent", "key|agent", "starts the agent, or the first of the session") \
    X(USER_MESSAGE, "user_message", "key|text|agent", "tells that agent something") \
    X(SERVER_START, "server_start", "port", "wants the dev server to run") \
    X(SERVER_STOP, "server_stop", "port", "wants the dev server to stop") \
    X(HISTORY, "history", "cursor|limit", "asks for a page of the log") \
    X(PONG, "pong", "", "answers a heartbeat")

/* Messages from the core to a tab, besides the events that agents emit. */
#define SCN_FRAMES(X) \
    X(CONNECTION_READY, "connection_ready", "session|epoch|head|floor|gen|recovered", \
      "the handshake was accepted") \
    X(INITIAL_STATE, "initial_state", "from|to", "the replay, or a snapshot") \
    X(STATE_REPLAY_COMPLETE, "state_replay_complete", "", "from here on events are live") \
    X(HEARTBEAT, "heartbeat", "head", "the connection lives, and the log ends at head") \
    X(GAP, "gap", "from|to", "these events are gone") \
    X(REQUEST_CONFIRMATION, "request_confirmation", "id|run", "a question with yes or no") \
    X(REQUEST_USER_INPUT, "request_user_input", "id|run", "a question with a text") \
    X(PROMPT_CLOSED, "prompt_closed", "id|outcome", "a question was settled") \
    X(RUN_STATE, "run_state", "state|run", "the run changed its state") \
    X(SERVER_STATE, "server_state", "state|port|version", "the dev server changed its state") \
    X(HISTORY_PAGE, "history_page", "next|more|trimmed|epoch_changed", "a page of the log") \
    X(ACCEPTED, "accepted", "run|key|state", "the run that was asked for is there already") \
    X(TAKEN_OVER, "taken_over", "", "another connection took this one's place") \
    X(ERROR, "error", "about|code", "a request was refused")

/* What an agent can expect. */
#define SCN_AGENT_EXPECTS(X) \
    X(USER_MESSAGE, "user_message", "key|text", "the user said something") \
    X(CANCEL, "cancel", "", "the run was cancelled") \
    X(PROMPT_CLOSED, "prompt_closed", "id|outcome", "a question was settled")

/* What a sandbox can expect: the calls of its provider. */
#define SCN_SANDBOX_EXPECTS(X) \
    X(ASSIGN, "assign", "token", "it was given to an owner") \
    X(RELEASE, "release", "token", "it was taken from its owner") \
    X(SPAWN, "spawn", "port|app|token", "a dev server is started") \
    X(SIGNAL, "signal", "port|sig", "a process is signalled") \
    X(PROBE, "probe", "port", "a port is probed") \
    X(DESTROY, "destroy", "", "the machine is taken away")

/* Targets of faults, as a set. */
enum scn_target {
    SCN_TARGET_LINK = 1 << 0,           /* A->B: one direction */
    SCN_TARGET_TAB = 1 << 1,            /* a tab: both directions of its link */
    SCN_TARGET_SANDBOX = 1 << 2,
    SCN_TARGET_CORE = 1 << 3,
    SCN_TARGET_STORE = 1 << 4,          /* store, store.locks or store.messages */
    SCN_TARGET_STORE_PART = 1 << 5,     /* store.locks or store.messages only */
    SCN_TARGET_LOCKS = 1 << 6,          /* store.locks only */
    SCN_TARGET_CLOCK = 1 << 7,
    SCN_TARGET_ACTOR = 1 << 8,          /* any actor */
    SCN_TARGET_THREAD = 1 << 9,         /* core/ws, core/jobs[2] */
};

/* How a fault takes `by` and `for`. */
enum scn_use { SCN_USE_NO, SCN_USE_MAY, SCN_USE_MUST };

/* Faults. X(ID, "word", targets, by, for, help); `by` takes a range, for CLOCK a signed time. */
#define SCN_FAULTS(X) \
    X(CUT, "cut", AT(TAB) | AT(LINK), NO, MAY, "breaks the link; both ends learn it") \
    X(HALFOPEN, "halfopen", AT(TAB), NO, MAY, "the far end is gone; the core is not told") \
    X(SLOW, "slow", AT(LINK) | AT(TAB), MUST, MAY, "holds every message back for that long") \
    X(LOSE, "lose", AT(LINK), NO, NO, "drops one message") \
    X(DUPLICATE, "duplicate", AT(LINK), NO, NO, "delivers one message twice") \
    X(REORDER, "reorder", AT(LINK), NO, NO, "delivers a message before its predecessor") \
    X(STALL, "stall", AT(TAB), NO, MAY, "the tab stops reading") \
    X(FREEZE, "freeze", AT(TAB), NO, MAY, "a background tab: its timers stand still") \
    X(LATE_CLOSE, "late_close", AT(TAB), MUST, NO, "the core learns of the next close that late") \
    X(REPEAT_CLOSE, "repeat_close", AT(TAB), NO, NO, \
      "when it is back, the close of its last connection is reported once more") \
    X(DOUBLE_HELLO, "double_hello", AT(TAB), NO, NO, "sends its hello twice") \
    X(WRONG_EPOCH, "wrong_epoch", AT(TAB), NO, NO, "says hello with another epoch") \
    X(RESET_CURSOR, "reset_cursor", AT(TAB), NO, NO, "says hello with cursor 0") \
    X(CURSOR_AHEAD, "cursor_ahead", AT(TAB), NO, NO, "says hello with a cursor beyond the head") \
    X(LOSE_ACK, "lose_ack", AT(TAB), NO, NO, "its next acknowledgement is lost") \
    X(STALE_ANSWER, "stale_answer", AT(TAB), NO, NO, "answers a question that was settled before") \
    X(CRASH, "crash", AT(SANDBOX), NO, MAY, "the machine dies with its processes") \
    X(FAIL_EXEC, "fail_exec", AT(SANDBOX), NO, NO, "a command starts, and is reported as failed") \
    X(LATE_EXEC, "late_exec", AT(SANDBOX), MUST, NO, \
      "a command is reported as failed, and starts that late") \
    X(LEAVE_CHILD, "leave_child", AT(SANDBOX), NO, NO, "a child outlives its killed parent") \
    X(SURVIVE, "survive", AT(SANDBOX), NO, MAY, "its processes heed no signal for that long") \
    X(MOVE_PORT, "move_port", AT(SANDBOX), NO, NO, "a server whose port is taken moves on") \
    X(GHOST_SERVER, "ghost_server", AT(SANDBOX), NO, NO, "a stopped server still answers probes") \
    X(REUSE_PID, "reuse_pid", AT(SANDBOX), NO, NO, "a new process gets the id of a dead one") \
    X(LIST_CLIENTS, "list_clients", AT(SANDBOX), NO, NO, "clients are listed as port holders") \
    X(REFUSE_CALL, "refuse_call", AT(SANDBOX), NO, NO, "the provider answers with a conflict") \
    X(RETURN_STOPPED, "return_stopped", AT(SANDBOX), NO, NO, "the provider gives a stopped one") \
    X(LOSE_ANSWER, "lose_answer", AT(SANDBOX), NO, NO, "a call of the provider gets no answer") \
    X(REVOKE, "revoke", AT(SANDBOX), NO, NO, "its owner loses it, and it is cleared") \
    X(KILL, "kill", AT(CORE), NO, MAY, "memory is lost, stores stay; `for` restarts it") \
    X(DRAIN, "drain", AT(CORE), NO, MAY, "asks the core to finish its work and stop") \
    X(REFUSE_MEMORY, "refuse_memory", AT(CORE), NO, NO, "one of its next allocations fails") \
    X(REFUSE_THREAD, "refuse_thread", AT(CORE), NO, NO, "one of its next threads is not made") \
    X(PAUSE, "pause", AT(ACTOR) | AT(THREAD), MUST, NO, "does not run for that long") \
    X(DELAY, "delay", AT(STORE), MUST, MAY, "holds one reply of the store back") \
    X(TIMEOUT, "timeout", AT(STORE), NO, NO, "a call gets an error, its effect unknown") \
    X(EXPIRE, "expire", AT(LOCKS), NO, NO, "a lock ends before its time") \
    X(LOSE_LAST, "lose_last", AT(STORE_PART), NO, NO, "the last write is gone") \
    X(JUMP, "jump", AT(CLOCK), MUST, NO, "moves the wall clock")

/* Attributes of faults. X(FAULT, name, takes, words, default, help) */
#define SCN_FAULT_ATTRS(X) \
    X(CUT, frame, INT | SCN_TAKES_INTS, "", "", "right after that frame, or any of them") \
    X(CUT, byte, INT | SCN_TAKES_INTS, "", "", \
      "the same with bytes; needs transport=sockets") \
    X(LOSE, kind, NAME, "", "", "only messages of that kind") \
    X(DUPLICATE, kind, NAME, "", "", "only messages of that kind") \
    X(REFUSE_MEMORY, nth, INT | SCN_TAKES_INTS, "", "1", "which of them, or any") \
    X(REFUSE_THREAD, nth, INT | SCN_TAKES_INTS, "", "1", "which of them, or any") \
    X(TIMEOUT, applied, WORD, "yes|no|either", "either", "whether the call took effect")

/* Built-in invariants. X(ID, "word", help) */
#define SCN_INVARIANTS(X) \
    X(NO_LOST_EVENTS, "no_lost_events", "what was accepted reaches every tab, or a resync tells") \
    X(NO_DUPLICATE_EVENTS, "no_duplicate_events", "no tab applies one event twice") \
    X(EVENTS_IN_ORDER, "events_in_order", "events arrive in the order of the log") \
    X(NO_SILENT_GAP, "no_silent_gap", "a tab that misses events is told so") \
    X(NO_PHANTOM_EVENTS, "no_phantom_events", "what arrives was published, byte by byte") \
    X(REPLAY_MEETS_LIVE, "replay_meets_live", "a replay ends at the head that it promised") \
    X(CURSORS_ONLY_GROW, "cursors_only_grow", "heartbeats tell what is stored and what was sent") \
    X(PAGES_CONTINUE, "pages_continue", "pages of the log, one after another, are the log") \
    X(ISOLATION, "isolation", "no tab sees an event of a session that is not its own") \
    X(GENERATIONS_HOLD, "generations_hold", "what names an old connection ends no newer one") \
    X(SILENCE_IS_NOTICED, "silence_is_noticed", "who is gone is given up, who is there is told") \
    X(OUTBOUND_IS_BOUNDED, "outbound_is_bounded", "no more waits for a slow tab than the limit") \
    X(NO_HELD_PUBLISHERS, "no_held_publishers", "publishing waits for the store and nobody else") \
    X(ACCEPTED_IS_STORED, "accepted_is_stored", "what a publisher is told is true of the store") \
    X(ONE_RUN, "one_run", "one key starts one run, and a run starts once") \
    X(GATE_HOLDS, "gate_holds", "a run starts when its gate is open, or has been waived") \
    X(CANCEL_IS_HEARD, "cancel_is_heard", "who cancels a run stops it") \
    X(POLICIES_KEPT, "policies_kept", "nothing is stopped or closed before its policy says so") \
    X(TERMINAL_IS_LAST, "terminal_is_last", "a run ends once, and nothing of it comes later") \
    X(MODEL_AGREES, "model_agrees", "tabs and agents are where the log says they are") \
    X(ONE_OUTCOME, "one_outcome", "a question gets one outcome, and an answer is somebody's") \
    X(QUESTIONS_ARE_SHOWN, "questions_are_shown", "tabs know which questions are open") \
    X(LOCKS_EXCLUDE, "locks_exclude", "a lock has one holder; older tokens have no effect") \
    X(NO_DUPLICATE_SERVERS, "no_duplicate_servers", "one dev server per sandbox and application") \
    X(LEASES_IN_TIME, "leases_in_time", "nothing begins under a lease that is over") \
    X(ONE_OWNER, "one_owner", "a sandbox has one owner, an owner one sandbox of a kind") \
    X(NO_ORPHANS, "no_orphans", "no process outlives its server, or the owner of its sandbox") \
    X(NO_STRAY_SIGNALS, "no_stray_signals", "only what is being stopped is signalled") \
    X(STATUS_IS_TRUE, "status_is_true", "a server that is said to run has answered") \
    X(NO_STUCK_LOCKS, "no_stuck_locks", "a lock whose holder is gone can be taken again") \
    X(NO_IDLE_SANDBOX, "no_idle_sandbox", "in the end a sandbox is used, pooled or destroyed") \
    X(ALERTS_ARE_TRUE, "alerts_are_true", "what an alert says is so, and what is so is told") \
    X(LIMITS_HOLD, "limits_hold", "nothing is more than the settings allow") \
    X(DRAIN_IS_FINAL, "drain_is_final", "a core that has drained does nothing any more") \
    X(REPORTS_ARE_TRUE, "reports_are_true", "what a core tells about itself is so") \
    X(NO_EARLY_TIMEOUT, "no_early_timeout", "no deadline fires before its monotonic time") \
    X(NO_DEADLOCK, "no_deadlock", "no threads wait for each other in a circle") \
    X(NO_STUCK_WAITERS, "no_stuck_waiters", "nobody waits in the end for what cannot come") \
    X(NO_LEAKS, "no_leaks", "all memory is given back when the core was destroyed") \
    X(NO_CRASH, "no_crash", "no signal, failed assertion or sanitizer report in the core") \
    X(NO_MISUSE, "no_misuse", "no call to the thread library that POSIX leaves undefined")

/* What is counted or measured, per subject. An EVENT happens and is counted; a LEVEL has a value
 * now. X(SUBJECT, ID, "word", EVENT|LEVEL, "filters", help) */
#define SCN_GAUGES(X) \
    X(TAB, TAB_RECEIVED, "received", EVENT, "kind|seq|id|state|port|code|outcome", \
      "a frame or event arrived and was applied") \
    X(TAB, TAB_CONNECTED, "connected", EVENT, "", "a handshake was completed") \
    X(TAB, TAB_DISCONNECTED, "disconnected", EVENT, "", "the tab learned that its socket died") \
    X(TAB, TAB_RESYNCED, "resynced", EVENT, "", "a snapshot replaced the tab's state") \
    X(TAB, TAB_GAPS, "gaps", EVENT, "", "the tab was told of a gap") \
    X(TAB, TAB_ONLINE, "online", LEVEL, "", "1 while the handshake holds") \
    X(AGENT, AGENT_STARTED, "started", EVENT, "", "the agent's thread began") \
    X(AGENT, AGENT_EMITTED, "emitted", EVENT, "kind", "an event was accepted from the agent") \
    X(AGENT, AGENT_ASKED, "asked", EVENT, "id", "a question was opened") \
    X(AGENT, AGENT_SETTLED, "settled", EVENT, "id|outcome", "a question got its outcome") \
    X(AGENT, AGENT_ANSWERED, "answered", EVENT, "id", "a question was settled by an answer") \
    X(AGENT, AGENT_EXPIRED, "expired", EVENT, "id", "a question was settled by its deadline") \
    X(AGENT, AGENT_CANCELLED, "cancelled", EVENT, "id", "a question or the run was cancelled") \
    X(AGENT, AGENT_FINISHED, "finished", EVENT, "", "the run ended as completed") \
    X(SANDBOX, SANDBOX_STARTED, "started", EVENT, "port", "a dev server was spawned") \
    X(SANDBOX, SANDBOX_LISTENING, "listening", EVENT, "port", "a dev server began to listen") \
    X(SANDBOX, SANDBOX_STOPPED, "stopped", EVENT, "port", "a dev server ended") \
    X(SANDBOX, SANDBOX_CRASHED, "crashed", EVENT, "", "the machine died") \
    X(SANDBOX, SANDBOX_SERVERS, "servers", LEVEL, "port", "dev servers alive now") \
    X(SANDBOX, SANDBOX_PROCESSES, "processes", LEVEL, "", "processes alive now") \
    X(BACKEND, BACKEND_PUBLISHED, "published", EVENT, "kind", "an event was accepted from it") \
    X(BACKEND, BACKEND_REFUSED, "refused", EVENT, "code", "a call of it was refused") \
    X(CORE, CORE_ERROR, "error", EVENT, "code", "the core told a tab an error") \
    X(CORE, CORE_KILLED, "killed", EVENT, "", "the core was killed") \
    X(CORE, CORE_RESTARTED, "restarted", EVENT, "", "the core came back") \
    X(CORE, CORE_ALERTS, "alerts", EVENT, "what|key|raised", \
      "the core told that something is wrong (raised=1), or no longer") \
    X(CORE, CORE_READY_TABS, "ready_tabs", LEVEL, "project|session|user", \
      "tabs that know a running server") \
    X(CORE, CORE_TABS, "tabs", LEVEL, "project|session|user", "tabs whose handshake holds") \
    X(LOCKS, LOCKS_GRANTED, "granted", EVENT, "key", "a lock was granted") \
    X(LOCKS, LOCKS_REFUSED, "refused", EVENT, "key", "a lock was held by another") \
    X(LOCKS, LOCKS_RELEASED, "released", EVENT, "key", "a lock was given back") \
    X(LOCKS, LOCKS_EXPIRED, "expired", EVENT, "key", "a lock ended by time") \
    X(LOCKS, LOCKS_HELD, "held", LEVEL, "key", "locks held now") \
    X(MESSAGES, MESSAGES_APPENDED, "appended", EVENT, "kind", "an event was stored") \
    X(MESSAGES, MESSAGES_REFUSED, "refused", EVENT, "", "an append got an error")

/* Threads of a core. ONE and POOL are the core's own; a HARNESS one can be run, not paused.
 * X(ID, "word", ONE|POOL|HARNESS, help) */
#define SCN_THREADS(X) \
    X(WS, "ws", ONE, "owns every socket") \
    X(TIMER, "timer", ONE, "the queue of deadlines") \
    X(JOBS, "jobs", POOL, "procedures that may block on a port") \
    X(LEASES, "leases", ONE, "renews leases") \
    X(STORE, "store", ONE, "appends to the message store") \
    X(MAIN, "main", HARNESS, "the embedding program: submits the runs of agents") \
    X(KEEPER, "keeper", HARNESS, "starts a killed core again, drains one aside") \
    X(STAGE, "stage", HARNESS, "starts all cores and actors, in the end stops them")

/* What the scene does by itself: FIRE takes an EVENT (its time has come), `run ... to` a CALL.
 * X(SUBJECT, ID, "word", EVENT|CALL, help) */
#define SCN_EVENTS(X) \
    X(FAULT, FAULT_END, "end", EVENT, "what lasted `for` or `by` a time is healed") \
    X(FAULT, FAULT_CLOSE, "close", EVENT, "an optional fault's window ends, and nothing came") \
    X(TAB, TAB_RECONNECT, "reconnect", EVENT, "the tab connects again by itself") \
    X(TAB, TAB_POLL, "poll", EVENT, "a tab that polls asks for the next page") \
    X(TAB, TAB_LATE_CLOSE, "late_close", EVENT, "the core learns of a close at last") \
    X(SANDBOX, SANDBOX_LISTEN, "listen", EVENT, "a dev server that boots begins to listen") \
    X(SANDBOX, SANDBOX_CALL, "call", CALL, "the provider is called about this sandbox") \
    X(SANDBOXES, SANDBOXES_CALL, "call", CALL, "the provider is called about none, or all") \
    X(CORE, CORE_RESTART, "restart", EVENT, "a killed core starts again") \
    X(CORE, CORE_ALERT, "alert", CALL, "somebody is told of an alert, or of its end") \
    X(LOCKS, LOCKS_EXPIRY, "expiry", EVENT, "locks whose time is up are given up") \
    X(LOCKS, LOCKS_CALL, "call", CALL, "the lock store is called") \
    X(MESSAGES, MESSAGES_CALL, "call", CALL, "the message store is called")

/* Strategies. X(ID, "word", help) */
#define SCN_STRATEGIES(X) \
    X(AUTO, "auto", "a portfolio whose members take turns") \
    X(EXHAUSTIVE, "exhaustive", "every behaviour once, by reduced search") \
    X(DFS, "dfs", "depth first, with a bound on preemptions") \
    X(RANDOM, "random", "a random walk") \
    X(PCT, "pct", "random priorities with a few random changes") \
    X(POS, "pos", "partial order sampling") \
    X(SURW, "surw", "uniform sampling of interleavings") \
    X(DELAY, "delay", "a bound on how often the next thread is put off")

/* Attributes of strategies. X(STRATEGY, name, takes, words, default, help) */
#define SCN_STRATEGY_ATTRS(X) \
    X(EXHAUSTIVE, preemptions, INT, "", "none", "search no further than so many preemptions") \
    X(EXHAUSTIVE, delays, INT, "", "none", "or than so many deviations from the default schedule") \
    X(DFS, preemptions, INT, "", "2", "switches away from a thread that could go on") \
    X(PCT, depth, INT, "", "3", "ordering constraints that the bug may need") \
    X(DELAY, delays, INT, "", "2", "how often a thread is put off")

#define SCN_BOUND_ATTRS(X) \
    X(steps, INT, "", "20000", "steps of one run") \
    X(time, TIME, "", "10m", "virtual time of one run") \
    X(spurious, INT, "", "0", "spurious wakeups of one run") \
    X(stalls, INT, "", "0", "how often time passes although somebody could run") \
    X(lag, TIME, "", "10s", "how far one stall may carry time") \
    X(splits, INT, "", "0", "with transport=sockets: how often bytes arrive in two parts") \
    X(choices, WORD, "all|storm", "all", "explore everything, or from the scripts to the calm")

#define SCN_BUDGET_ATTRS(X) \
    X(runs, INT, "", "10000", "runs of one file") \
    X(wall, TIME, "", "", "cap in real time; reaching it is inconclusive")

/* Words of the schedule block. X(ID, "word", "arguments", help) */
#define SCN_DIRECTIVES(X) \
    X(RUN_TO, "run", "WHO to POINT", "runs one thread or actor until it passes the point") \
    X(RUN_FREE_TO, "run free to", "POINT", "the default policy until that point is passed") \
    X(RUN_FREE, "run free", "", "the default policy to the end: no preemption, lowest id") \
    X(RUN_ANY, "run any", "", "hands the rest to the explorer") \
    X(ADVANCE, "advance", "TIME", "lets virtual time pass") \
    X(FIRE, "fire", "FAULT [by TIME] | EVENT", "lets that fault or event of the scene happen now") \
    X(DELIVER, "deliver", "A->B", "delivers the next message of that direction") \
    X(WAKE, "wake", "THREAD", "wakes that waiter") \
    X(CHOOSE, "choose", "NAME INT", "settles a choice that is not a switch of threads")

/* Words of the check block. X(ID, "word", "arguments", help) */
#define SCN_CHECKS(X) \
    X(ON, "on", "NAME", "demands that the runs exercised this invariant") \
    X(OFF, "off", "NAME \"reason\"", "does not judge this invariant") \
    X(KNOWN_BUG, "known_bug", "NAME \"issue\"", "the file passes only while NAME is violated") \
    X(ALWAYS, "always", "CONDITION [when CONDITION]", "holds after every choice") \
    X(NEVER, "never", "CONDITION [when CONDITION]", "holds after no choice") \
    X(SOMETIMES, "sometimes", "CONDITION [when CONDITION]", "holds in at least one run") \
    X(EVENTUALLY, "eventually", "CONDITION [when CONDITION] within A..B", \
      "holds that soon after calm") \
    X(EXACTLY, "exactly", "INT EVENT [when CONDITION]", "happens that often in a run") \
    X(AT_MOST, "at most", "INT EVENT [when CONDITION]", "happens no more often") \
    X(AT_LEAST, "at least", "INT EVENT [when CONDITION]", "happens no less often")

/* Visible operations: every one that a thread does is a point, such as core/jobs[2].lock[17]. They
 * are the world's own words (WORLD_OPS in harness/world/ops.h). X("word") */
#define SCN_OPERATIONS(X) \
    X("begin") X("create") X("exit") X("join") X("detach") X("cancel") X("lock") X("trylock") \
    X("timedlock") X("unlock") X("wait") X("wake") X("timeout") X("signal") X("broadcast") \
    X("rdlock") X("wrlock") X("tryrdlock") X("trywrlock") X("wrlock_waits") X("rwunlock") \
    X("sem_wait") X("sem_trywait") X("sem_post") X("sem_getvalue") \
    X("barrier") X("once") X("sleep") X("yield") X("init") X("destroy") X("choose") X("load") \
    X("store") X("update") X("compare_exchange") X("read") X("write")

#define SCN_ENUM_ACTOR(id, ...) SCN_ACTOR_##id,
#define SCN_ENUM_VERB(id, ...) SCN_VERB_##id,
#define SCN_ENUM_FAULT(id, ...) SCN_FAULT_##id,
#define SCN_ENUM_INVARIANT(id, ...) SCN_INVARIANT_##id,
#define SCN_ENUM_GAUGE(subject, id, ...) SCN_GAUGE_##id,
#define SCN_ENUM_THREAD(id, ...) SCN_THREAD_##id,
#define SCN_ENUM_EVENT(subject, id, ...) SCN_EVENT_##id,
#define SCN_ENUM_STRATEGY(id, ...) SCN_STRATEGY_##id,
#define SCN_ENUM_DIRECTIVE(id, ...) SCN_DIRECTIVE_##id,
#define SCN_ENUM_CHECK(id, ...) SCN_CHECK_##id,

enum scn_actor_kind { SCN_ACTORS(SCN_ENUM_ACTOR) SCN_ACTOR_COUNT };
enum scn_verb { SCN_VERBS(SCN_ENUM_VERB) SCN_VERB_REPEAT, SCN_VERB_COUNT };
enum scn_fault_kind { SCN_FAULTS(SCN_ENUM_FAULT) SCN_FAULT_COUNT };
enum scn_invariant { SCN_INVARIANTS(SCN_ENUM_INVARIANT) SCN_INVARIANT_COUNT };
enum scn_gauge { SCN_GAUGES(SCN_ENUM_GAUGE) SCN_GAUGE_COUNT };
enum scn_thread { SCN_THREADS(SCN_ENUM_THREAD) SCN_THREAD_COUNT };
enum scn_event { SCN_EVENTS(SCN_ENUM_EVENT) SCN_EVENT_COUNT };
enum scn_strategy { SCN_STRATEGIES(SCN_ENUM_STRATEGY) SCN_STRATEGY_COUNT };
enum scn_directive_kind { SCN_DIRECTIVES(SCN_ENUM_DIRECTIVE) SCN_DIRECTIVE_COUNT };
enum scn_check_kind { SCN_CHECKS(SCN_ENUM_CHECK) SCN_CHECK_COUNT };

/* Whose gauge it is. */
enum scn_subject {
    SCN_SUBJECT_TAB,            /* the first four equal enum scn_actor_kind */
    SCN_SUBJECT_AGENT,
    SCN_SUBJECT_SANDBOX,
    SCN_SUBJECT_BACKEND,
    SCN_SUBJECT_CORE,
    SCN_SUBJECT_LOCKS,          /* store.locks */
    SCN_SUBJECT_MESSAGES,       /* store.messages */
    SCN_SUBJECT_FAULT,          /* these have events, but no gauges */
    SCN_SUBJECT_SANDBOXES,      /* their provider */
};

/* The word of an enum value, as it is written in a file. */
const char *scn_actor_word(enum scn_actor_kind kind);
const char *scn_verb_word(enum scn_verb verb);
const char *scn_fault_word(enum scn_fault_kind kind);
const char *scn_invariant_word(enum scn_invariant invariant);
const char *scn_gauge_word(enum scn_gauge gauge);
const char *scn_thread_word(enum scn_thread thread);
const char *scn_strategy_word(enum scn_strategy strategy);
const char *scn_directive_word(enum scn_directive_kind kind);
const char *scn_check_word(enum scn_check_kind kind);

/* True for a gauge that is counted, false for one that has a value now. */
bool scn_gauge_is_event(enum scn_gauge gauge);

/* False when the help of a word ends with SCN_NOT_BUILT. */
bool scn_is_built(const char *help);

/* One sentence per invariant, for `harness invariants`. */
const char *scn_invariant_help(enum scn_invariant invariant);

/* The invariant of that name, or -1. */
int scn_invariant_find(const char *word);

/* The rules of the core's settings, for the test that compares them with the core's own table. */
const struct scn_rule *scn_core_rules(size_t *count);

#endif
