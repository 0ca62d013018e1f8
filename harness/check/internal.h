/* What the files of check/ share: the state of one set. See check.h. */
#ifndef HARNESS_CHECK_INTERNAL_H
#define HARNESS_CHECK_INTERNAL_H

#include "harness/check/check.h"
#include "harness/check/facts.h"
#include "harness/check/ledger.h"
#include "harness/check/places.h"
#include "harness/check/require.h"

/* Names that rules compare with; X(member, "text"). */
#define CHECK_NAMES(X)                                                                             \
    X(ok, "ok") X(unknown, "unknown") X(yes, "yes") X(no, "no") X(approved, "approved")            \
    X(rejected, "rejected") X(expired, "expired") X(cancelled, "cancelled")                        \
    X(superseded, "superseded")                                                                    \
    X(completed, "completed") X(failed, "failed") X(interrupted, "interrupted")                    \
    X(run_state, "run_state") X(prompt_closed, "prompt_closed") X(error, "error") X(gap, "gap")    \
    X(initial_state, "initial_state") X(running, "running") X(acquire, "acquire")                  \
    X(mobile, "mobile") X(closed, "closed") X(hello, "hello") X(cancel, "cancel")                  \
    X(connection_acknowledged, "connection_acknowledged") X(start_agent, "start_agent")            \
    X(user_message, "user_message") X(connection_ready, "connection_ready")                        \
    X(heartbeat, "heartbeat") X(web, "web") X(released, "released") X(release, "release")          \
    X(renew, "renew") X(term, "term") X(conflict, "conflict")                                      \
    X(contention, "contention") X(deadlock, "deadlock") X(health, "health")                        \
    X(state_replay_complete, "state_replay_complete")                                              \
    X(conn_closed, "conn.closed") X(server_starting, "server.starting")                            \
    X(server_running, "server.running") X(server_stopping, "server.stopping")                      \
    X(server_stopped, "server.stopped") X(server_failed, "server.failed")

struct check_names {
#define CHECK_NAME_MEMBER(member, text) record_word member;
    CHECK_NAMES(CHECK_NAME_MEMBER)
#undef CHECK_NAME_MEMBER
};

#define CHECK_LEDGERS(X)                                                                           \
    X(events, event_fact) X(contents, content_fact) X(sessions, session_fact)                      \
    X(producers, producer_fact) X(arrivals, arrival_fact)                                          \
    X(prompts, prompt_fact) X(answers, answer_fact) X(runs, run_fact) X(agents, agent_fact)        \
    X(requests, request_fact) X(locks, lock_fact) X(sandboxes, sandbox_fact)                       \
    X(servers, server_fact) X(instances, instance_fact) X(silences, silence_fact)                  \
    X(probes, probe_fact) X(grants, grant_fact) X(states, state_fact) X(conns, conn_fact)          \
    X(gates, gate_fact) X(generations, generation_fact) X(calls, call_fact)                        \
    X(shown, shown_fact) X(readers, reader_fact) X(holds, hold_fact)         \
    X(says, says_fact) X(items, item_fact) X(views, item_fact) X(viewers, viewer_fact)             \
    X(works, work_fact) X(promises, promise_fact) X(heads, head_fact)               \
    X(beats, beat_fact) X(accepts, accept_fact)

/* Settings of a core that judges go by, beside those of the set. */
struct policy {
    uint64_t heartbeat_us, gate_timeout_us, detach_grace_us;
    uint64_t outbound_max_bytes, replay_max_events, max_conns_per_session, max_runs_per_session;
    uint64_t pool_total, pool_idle_us, term_grace_us, run_limit_us;
    uint64_t run_timeout_us;   /* or less, if some run has a limit of its own */
    uint64_t deadlock_after_us, health_period_us, contention_percent, contention_min_samples;
    record_word start_gate, on_gate_timeout, on_detach, on_expire, on_excess;
    bool ack_required, port_probe, run_lock;
    bool may_be_full;           /* the file makes one of its tables small */
};

/* What one core has had to do with the message store. */
struct store_use {
    uint32_t open;              /* calls under way */
    uint64_t since_us, busy_us; /* since when; how long altogether, before */
    uint32_t troubled;          /* record of the newest call that did not succeed */
    bool sick;                  /* that was the newest call: it will be repeated */
    uint64_t troubled_us;       /* of the lock store: when a call was not answered */
};

/* A call of a backend that the core has not answered yet. */
struct calling {
    bool open;
    uint32_t step;              /* of its script */
    uint64_t since_us;
};

/* The lease that a backend asked for last. */
struct claim {
    int64_t key, token;         /* token: that it counts on; 0: on none */
    uint64_t until_us;          /* when it stops waiting */
    uint64_t ttl_us;
    uint64_t asked_us;
    bool lost;                  /* it was told so */
    uint64_t since_us, busy_us; /* its newest call: when, and what its core had waited by then */
    uint64_t fresh_us, fresh_busy_us;   /* the same of its newest grant or renewal */
    bool waits;
};

/* --- the checks of the file, compiled --- */

enum { WATCH_ANYBODY = 0xffff };

struct filter {
    int32_t at;                 /* position of the value; -1: there is none, and no match */
    bool other;                 /* matches what is outside of low..high */
    int64_t low, high;
};

enum watch_effect { WATCH_COUNT, WATCH_SET, WATCH_CLEAR, WATCH_FORGET };

/* What one kind of record does to one counter. */
struct watch {
    uint8_t kind;               /* enum record_kind */
    enum watch_effect effect;
    uint16_t subject;           /* party, or WATCH_ANYBODY */
    uint16_t counter;
    int8_t delta;
    bool by_member;             /* the subject must be a member of the counter */
    uint32_t filter_first, filter_count;
};

/* How often something happened, or how much of it there is. */
struct counter {
    const struct scn_ref *ref;
    uint32_t members;           /* actors whose records count, as bits */
    int64_t value;
    uint32_t first;             /* record that it happened in (the occurrence-th, if given) */
    uint32_t bits[2];           /* levels of tabs: who counts now, by kind of application */
    uint32_t property;          /* whose it is: index in properties */
};

struct condition {
    const struct scn_condition *source;
    int32_t left, right;        /* counters, or -1 */
    bool came_before;           /* for BEFORE */
};

struct property {
    const struct scn_check *source;
    struct condition condition, when;
    int32_t counted;            /* counter of exactly, at most, at least; or -1 */
    uint32_t index;             /* in scn_file.checks */
    bool settled;               /* nothing can change it any more in this execution */
    bool holds;                 /* eventually: now, and since when */
    uint64_t since_us;
};

struct window {
    struct scn_place place;     /* of the line that says during */
    const char *text;           /* what it waits for */
    uint8_t kind;               /* RECORD_STEP_BEGIN or RECORD_FAULT_BEGIN */
    int32_t actor, index;
    uint32_t occurrence;
};

struct check_set {
    const struct scn_file *file;
    check_listener listener;
    void *listener_context;
    struct check_names names;
    bool off[SCN_INVARIANT_COUNT];
    bool outside;           /* the core is a process elsewhere: see check_outside() */
    uint64_t late_us;       /* what begins in it is seen so late, at most */
    uint64_t margin_us;     /* deadlines are met by threads, which take their turns */
    bool known[CHECK_PROPERTY_COUNT];
    struct scn_place places[SCN_INVARIANT_COUNT];
    uint64_t heartbeat_timeout_us[SCN_CORES_MAX], ack_timeout_us[SCN_CORES_MAX];
    struct retention retention[SCN_CORES_MAX];
    uint64_t idle_limit_us;                 /* of a sandbox, by the most patient core */
    bool prompts_expire[SCN_CORES_MAX];     /* when their clock has run out, */
    bool prompts_wait[SCN_CORES_MAX];       /* which stands still while nobody is attached */
    struct policy policies[SCN_CORES_MAX];
    uint64_t pool_total;                    /* of the most generous core */
    int64_t users[SCN_ACTORS_MAX], session_words[SCN_ACTORS_MAX];
    int64_t box_actors;                     /* sandboxes that exist from the beginning */
    int64_t backends[SCN_ACTORS_MAX];       /* their names; 0: another actor */
    record_word *published_kinds;           /* that some script emits */
    uint32_t published_kind_count;

    struct property *properties;
    uint32_t property_count;
    struct counter *counters;
    uint32_t counter_count;
    struct watch *watches;                  /* by kind, then as written */
    uint32_t watch_count;
    uint32_t watch_first[RECORD_KIND_COUNT + 1];
    struct filter *filters;
    uint32_t filter_count;
    struct window *windows;
    uint32_t window_count;

    /* of the execution */
    bool begun, quiet, has_violation;
    bool exercised[SCN_INVARIANT_COUNT];
    bool struck[SCN_FAULTS_MAX];
    uint64_t now_us, calm_us;
    bool calm;
    uint64_t dirty[SCN_CHECKS_MAX / 64];    /* properties to look at again */
    uint32_t lives[SCN_CORES_MAX];          /* which life of each core this is */
    bool down[SCN_CORES_MAX];
    bool draining[SCN_CORES_MAX], drained[SCN_CORES_MAX];
    struct store_use store_uses[SCN_CORES_MAX], lock_uses[SCN_CORES_MAX];
    struct port_fact ports[SCN_CORES_MAX];
    int64_t lease_waits[SCN_ACTORS_MAX];    /* how patient a backend was with its newest lease */
    struct calling calling[SCN_ACTORS_MAX];
    struct claim claims[SCN_ACTORS_MAX];
    bool locks_troubled;                    /* no, late or wrong answers of the lock store, */
    uint64_t locks_troubled_us;             /* the newest of them */
    bool paused;                            /* something stood still that has deadlines to meet */
    uint64_t worked_us[SCN_CORES_MAX];      /* when the last run of that core ended */
    bool expired;                           /* a question was told to be */
    uint32_t kills;                         /* of cores */
    bool answers_lost;                      /* some provider's call got no answer */
    int64_t boxes;                          /* sandboxes that exist */
    struct tab_fact tabs[SCN_ACTORS_MAX];
#define CHECK_LEDGER_MEMBER(member, type) struct ledger member;
    CHECK_LEDGERS(CHECK_LEDGER_MEMBER)
#undef CHECK_LEDGER_MEMBER
    struct check_violation violation;
    bool repeats;                           /* one that was counted */

    /* of all */
    bool numbered;
    uint64_t number;                        /* of the newest */
    struct check_stats stats;
};

/* --- settings.c --- */

/* Reads what the file says of cores and actors. */
void check_read_settings(struct check_set *set);

/* --- set.c --- */

/* The invariant is violated in this record (NULL: in none); does nothing if it is off or if there
 * is a violation already. */
void check_break(struct check_set *set, enum scn_invariant invariant, const struct record *record,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));
/* The same for a check of the file. */
void check_break_property(struct check_set *set, const struct property *property,
                          const struct record *record, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void check_exercise(struct check_set *set, enum scn_invariant invariant);

/* Index of the actor that a party is, or -1; of the core that it is, or that it belongs to. */
int32_t check_actor_of(const struct check_set *set, uint16_t party);
int32_t check_core_of(const struct check_set *set, uint16_t party);

/* --- delivery.c, retention.c, publish.c, prompts.c, silence.c, runs.c, locks.c, servers.c --- */

void check_client_open(struct check_set *set, const struct record *record);
void check_client_fresh(struct check_set *set, const struct record *record);
void check_client_hello(struct check_set *set, const struct record *record);
void check_client_ready(struct check_set *set, const struct record *record);
void check_client_offline(struct check_set *set, const struct record *record);
void check_client_recv(struct check_set *set, const struct record *record);
void check_client_apply(struct check_set *set, const struct record *record);
void check_core_send(struct check_set *set, const struct record *record);
void check_resync(struct check_set *set, const struct record *record);
void check_gap_told(struct check_set *set, const struct record *record);
/* Whether the tab has the event: applied, told to do without it, or below what is settled. */
bool check_has_event(const struct check_set *set, uint16_t party, const struct tab_fact *tab,
                     int64_t epoch, int64_t seq);
/* A tab was told to do without events from..to. */
void check_left_out(struct check_set *set, const struct record *record, const struct tab_fact *tab,
                    int64_t epoch, int64_t from, int64_t to);
/* A tab was given a new beginning in the midst of a connection, behind a gap. */
void check_moved_on(struct check_set *set, const struct record *record, const struct tab_fact *tab);
void check_delivered(struct check_set *set);              /* at the end of the calm */

void check_pub_call(struct check_set *set, const struct record *record);
void check_pub_ack(struct check_set *set, const struct record *record);
void check_store_open(struct check_set *set, const struct record *record);
/* Who was told that the event of that key is stored, for texts: ", accepted from left", or "".
 * Valid until the next call. */
const char *check_acceptor(const struct check_set *set, const struct ledger_key *key);
/* The newest event that a publisher at that core was promised; 0: none. */
int64_t check_promised(const struct check_set *set, int64_t session, int32_t core);
/* The largest seq that its log has ever had. */
int64_t check_head_of(const struct check_set *set, int64_t session);
void check_log_append(struct check_set *set, const struct record *record);
void check_log_lost(struct check_set *set, const struct record *record);
void check_log_refused(struct check_set *set, const struct record *record);
void check_log_trim(struct check_set *set, const struct record *record);

void check_prompt_open(struct check_set *set, const struct record *record);
void check_reported(struct check_set *set, const struct record *record);
void check_prompt_done(struct check_set *set, const struct record *record);
void check_prompt_closed(struct check_set *set, const struct record *record);
/* Tabs know questions by the names that agents give them: whether nobody else of the session has
 * asked one of that name, so that it is known whose an outcome is. */
bool check_asked_by_one(const struct check_set *set, const struct prompt_fact *prompt);
void check_answer(struct check_set *set, const struct record *record);
void check_prompts_settled(struct check_set *set);        /* at the end of the calm */

void check_run_req(struct check_set *set, const struct record *record);
void check_run_start(struct check_set *set, const struct record *record);
void check_run_end(struct check_set *set, const struct record *record);
void check_run_told(struct check_set *set, const struct record *record);
/* An event of a publisher was stored after an outcome was told, or the other way round. */
void check_nothing_after_end(struct check_set *set, const struct session_fact *session,
                             const struct record *record);

void check_silence_begins(struct check_set *set, const struct record *record);
void check_core_input(struct check_set *set, const struct record *record);
void check_core_taken(struct check_set *set, const struct record *record);
void check_core_close(struct check_set *set, const struct record *record);

void check_lock_grant(struct check_set *set, const struct record *record);
void check_lock_renew(struct check_set *set, const struct record *record);
void check_lock_refuse(struct check_set *set, const struct record *record);
void check_lock_release(struct check_set *set, const struct record *record);
void check_lock_expire(struct check_set *set, const struct record *record);
void check_lease_held(struct check_set *set, const struct record *record);
void check_lease_ended(struct check_set *set, const struct record *record);
void check_locks_free(struct check_set *set);             /* at the end of the calm */

void check_sandbox_assign(struct check_set *set, const struct record *record);
void check_sandbox_release(struct check_set *set, const struct record *record);
void check_sandbox_destroy(struct check_set *set, const struct record *record);
void check_spawn(struct check_set *set, const struct record *record);
void check_child(struct check_set *set, const struct record *record);
void check_exit(struct check_set *set, const struct record *record);
void check_sandboxes_used(struct check_set *set);         /* at the end of the calm */

/* --- seam.c, pages.c, connections.c, gates.c, waits.c, answers.c, leases.c, questions.c, boxes.c,
 * ends.c --- */

void check_seam_begins(struct check_set *set, const struct record *record);
void check_seam_moves(struct check_set *set, const struct record *record);
void check_seam_ends(struct check_set *set, const struct record *record);
void check_heartbeat(struct check_set *set, const struct record *record);
void check_applied(struct check_set *set, const struct record *record);

void check_page_call(struct check_set *set, const struct record *record);
void check_page_event(struct check_set *set, const struct record *record);
void check_page(struct check_set *set, const struct record *record);

/* The connections of a session to the life that this core is in. */
struct gate_fact *check_gate_of(struct check_set *set, int64_t session, int32_t core);
/* For how long, in this life of the core, some tab was certainly attached to the session. */
uint64_t check_attended_us(struct check_set *set, int64_t session, int32_t core);
struct conn_fact *check_conn_of(struct check_set *set, uint16_t tab, int64_t conn);
void check_conn_opens(struct check_set *set, const struct record *record);
void check_conn_greets(struct check_set *set, const struct record *record);
void check_conn_says(struct check_set *set, const struct record *record);
void check_conn_input(struct check_set *set, const struct record *record);
void check_conn_taken(struct check_set *set, const struct record *record);
void check_conn_online(struct check_set *set, const struct record *record);
void check_conn_send(struct check_set *set, const struct record *record);
void check_conn_close(struct check_set *set, const struct record *record);
void check_conn_detach(struct check_set *set, const struct record *record);
void check_conn_detached(struct check_set *set, const struct record *record);
void check_conns_watched(struct check_set *set);          /* at the end of the calm */

void check_gate_call(struct check_set *set, const struct record *record);
void check_gate_start(struct check_set *set, const struct record *record);
void check_gate_cancel(struct check_set *set, const struct record *record);
void check_gate_stop(struct check_set *set, const struct record *record);
void check_gate_end(struct check_set *set, const struct record *record);
/* Whether a program changes settings while it goes on. */
bool check_is_configured(const struct check_set *set);
void check_cancels_heard(struct check_set *set);          /* at the end of the calm */

void check_store_call(struct check_set *set, const struct record *record);
void check_store_reply(struct check_set *set, const struct record *record);
void check_publish_begins(struct check_set *set, const struct record *record);
void check_publish_ends(struct check_set *set, const struct record *record);

void check_call_begins(struct check_set *set, const struct record *record);
void check_call_ends(struct check_set *set, const struct record *record);
void check_calls_die(struct check_set *set, const struct record *record);
void check_calls_answered(struct check_set *set);         /* at the end of the calm */

/* An acquisition that was ready to wait has ended. */
void check_outcome(struct hold_fact *hold, uint64_t now_us, bool failed);
/* At the end of the calm: the alert is up if it is due. */
void check_contention_told(struct check_set *set, const struct hold_fact *hold, int32_t core);

void check_claim_begins(struct check_set *set, const struct record *record);
void check_claim_refused(struct check_set *set, const struct record *record);
void check_claim_granted(struct check_set *set, const struct record *record);
void check_claim_lost(struct check_set *set, const struct record *record);
void check_claim_returned(struct check_set *set, const struct record *record);
void check_claim_ended(struct check_set *set, const struct record *record);
void check_locks_call(struct check_set *set, const struct record *record);
void check_locks_reply(struct check_set *set, const struct record *record);
void check_claims_die(struct check_set *set, const struct record *record);
/* How long a core has waited for the lock store altogether. */
uint64_t check_locks_busy_us(const struct check_set *set, int32_t core);
/* How long it has waited for the message store (waits.c). */
uint64_t check_store_busy_us(const struct check_set *set, int32_t core);
void check_claim_renewed(struct check_set *set, const struct record *record);
void check_claim_expires(struct check_set *set, const struct record *record);

void check_question_shown(struct check_set *set, const struct record *record);
void check_question_closed(struct check_set *set, const struct record *record);
void check_questions_shown(struct check_set *set);        /* at the end of the calm */

void check_box_made(struct check_set *set, const struct record *record);
void check_box_given(struct check_set *set, const struct record *record);
void check_box_crashed(struct check_set *set, const struct record *record);
void check_box_gone(struct check_set *set, const struct record *record);
void check_box_spawn(struct check_set *set, const struct record *record);
void check_box_child(struct check_set *set, const struct record *record);
void check_box_exit(struct check_set *set, const struct record *record);
void check_box_signal(struct check_set *set, const struct record *record);
void check_box_probe(struct check_set *set, const struct record *record);
void check_server_told(struct check_set *set, const struct record *record);

/* --- care.c --- */

void check_box_refuses(struct check_set *set, const struct record *record);
void check_signal_in_time(struct check_set *set, const struct record *record);
void check_tab_online(struct check_set *set, const struct record *record);
void check_tab_offline(struct check_set *set, const struct record *record);
void check_tab_told(struct check_set *set, const struct record *record);
void check_box_taken(struct check_set *set, const struct record *record);
void check_grant(struct check_set *set, const struct record *record);
void check_grant_over(struct check_set *set, const struct record *record);
void check_grant_returned(struct check_set *set, const struct record *record);
void check_release_doubtful(struct check_set *set, const struct record *record);
void check_lease_given_up(struct check_set *set, const struct record *record);
void check_box_point(struct check_set *set, const struct record *record);
void check_boxes_clean(struct check_set *set);            /* at the end of the calm */

/* --- model.c --- */

void check_log_says(struct check_set *set, const struct record *record);
/* outcomes.c */
void check_outcome_said(struct check_set *set, const struct record *record);
void check_run_said(struct check_set *set, const struct record *record);
void check_model_trimmed(struct check_set *set, const struct record *record);
/* The store has lost something: what is left of the epoch before is the beginning of this one. */
void check_model_begins_anew(struct check_set *set, const struct record *record, int64_t before);
void check_client_told(struct check_set *set, const struct record *record);
/* The tab has event `to`, or was told to do without. */
void check_cursor_moves(struct check_set *set, const struct record *record, int64_t to);
void check_model_agrees(struct check_set *set);           /* at the end of the calm */

/* --- alerts.c --- */

/* What the life that this core is in has to do with a lock, by its whole name. */
struct hold_fact *check_hold_of(struct check_set *set, int64_t lock, int32_t core);
/* Whether its holder may have to take it for lost by now. */
bool check_may_have_lost(const struct check_set *set, const struct hold_fact *hold);
void check_hold_call(struct check_set *set, const struct record *record);
void check_hold_reply(struct check_set *set, const struct record *record);
void check_hold_begins(struct check_set *set, const struct record *record);
void check_hold_renewed(struct check_set *set, const struct record *record);
void check_hold_returned(struct check_set *set, const struct record *record);
void check_hold_expires(struct check_set *set, const struct record *record);
void check_hold_refused(struct check_set *set, const struct record *record);
void check_lease_called(struct check_set *set, const struct record *record);
void check_lease_got(struct check_set *set, const struct record *record);
void check_lease_not_got(struct check_set *set, const struct record *record);
void check_lease_used(struct check_set *set, const struct record *record);
void check_lease_returned(struct check_set *set, const struct record *record);
void check_lease_over(struct check_set *set, const struct record *record);
void check_alert(struct check_set *set, const struct record *record);
void check_alerts_over(struct check_set *set);            /* at the end of the calm */

/* The core passed a named point. */
void check_point(struct check_set *set, const struct record *record);
void check_core_starts(struct check_set *set, const struct record *record);
void check_core_ends(struct check_set *set, const struct record *record);
void check_fault(struct check_set *set, const struct record *record);
void check_step(struct check_set *set, const struct record *record);
/* A core that has drained is at work. */
void check_still_at_work(struct check_set *set, const struct record *record);

/* --- compile.c, property.c, sentence.c --- */

void check_compile(struct check_set *set);
/* What is known of that check of the file is looked at, or changes. */
static inline void check_meet_property(uint32_t index)
{
    world_meet_place(PLACE_PROPERTIES + index % 16, WORLD_CHANGES);
}
void check_properties_begin(struct check_set *set);
/* Applies a record to the counters, then judges what changed. */
void check_properties_record(struct check_set *set, const struct record *record);
/* Calm begins, perhaps not for the first time: deadlines count from here. */
void check_properties_calm(struct check_set *set);
/* The execution has ended: adds the `sometimes` that it reached. */
void check_properties_count(const struct check_set *set, struct check_stats *stats);
void check_properties_end(struct check_set *set, const struct record *record);
bool check_watch_matches(const struct check_set *set, const struct watch *watch,
                         const struct record *record);

/* Writes what is the matter with a property; returns `out`. */
const char *check_say(const struct check_set *set, const struct property *property, char *out,
                      size_t size);

#endif
