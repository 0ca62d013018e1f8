/* What the files of check/ share: the state of one set. See check.h. */
#ifndef HARNESS_CHECK_INTERNAL_H
#define HARNESS_CHECK_INTERNAL_H

#include "harness/check/check.h"
#include "harness/check/ledger.h"
#include "harness/check/require.h"

/* --- facts, by subject; each file fills and judges its own --- */

/* An event in the store, by (session, epoch, seq). */
struct event_fact {
    struct ledger_entry entry;
    int64_t digest, kind, bytes;
    bool accepted;              /* its publisher was told so */
    bool lost;                  /* the store lost it, or trimmed it: nobody can be given it */
    uint16_t producer;          /* who was told so */
};

/* A content, by (session, digest, kind): how often it was published and stored. */
struct content_fact {
    struct ledger_entry entry;
    uint32_t calls, refused, appends;
    int64_t epoch;              /* of the newest append */
};

/* A session, by (session). */
struct session_fact {
    struct ledger_entry entry;
    int64_t epoch;              /* the current one */
    int64_t head;               /* largest seq that was ever stored */
    int64_t user;               /* who may see it, 0: not known yet */
    int64_t published_seq;      /* newest event of a run */
    int64_t terminal_seq;       /* of the outcome that a tab was told; 0: none */
    int64_t terminal_state;
    uint32_t runs;              /* different runs that began or were asked for */
};

/* An answered publish of one producer, by (producer, session, epoch): the newest one. */
struct producer_fact {
    struct ledger_entry entry;
    int64_t call;               /* record of the newest call: calls are ordered by it */
    int64_t number, seq;
    record_word kind;
};

/* An event at a tab, by (tab, incarnation, epoch, seq). */
struct arrival_fact {
    struct ledger_entry entry;
    uint32_t applied;           /* number of the record; 0: not applied */
    bool told;                  /* the tab was told that it is gone */
};

/* What a tab knows. */
struct tab_fact {
    int64_t incarnation;        /* a fresh page is a new one */
    int64_t conn;               /* of the socket that is open, 0: none is */
    int64_t ready;              /* of the socket whose handshake was accepted */
    int64_t session, epoch;     /* of the newest accepted handshake */
    int64_t next;               /* larger seqs than this were left out silently */
    int64_t known;              /* everything up to here is settled, in this epoch */
    int64_t newest;             /* newest seq applied on this connection */
    int64_t frame;              /* newest frame of this connection */
    bool disturbed;             /* the network lost or reordered frames of this connection */
    bool opened;                /* it has ever tried to connect */
    bool wants_back;            /* its socket is gone, and neither side had meant it to be */
    int64_t hello_epoch, hello_cursor;
    uint32_t hello;             /* record of the newest hello and resync */
    uint32_t resync;
    int64_t resync_to;
    int64_t sent_conn, sent_seq;   /* newest event that the core gave to the transport */
    bool sent_notice;           /* a gap or a new beginning was announced since */
};

/* How much of a log a core has to keep, and to give to a tab that comes back. */
struct retention {
    uint64_t events, bytes;
};

/* A question, by (agent, id): counted, for an id may be asked again. */
struct prompt_fact {
    struct ledger_entry entry;
    uint32_t opened, done;
    uint64_t opened_us;
    int64_t timeout;
    int64_t outcome;            /* of the first one, as the agent or a tab learned it */
    int64_t epoch;              /* of the log that it is in; 0: not known */
    uint16_t told;              /* who learned it */
    uint32_t life;              /* of the agent's core when it was asked */
};

/* Answers to an id: how many tabs said yes, no, or something else. */
struct answer_fact {
    struct ledger_entry entry;
    uint32_t yes, no, other;
};

/* A run, by (session, run, epoch); an agent, by (agent); a request, by (session, key, life, epoch).
 * A store that lost events may have forgotten the run, and gives its number to another. */
struct run_fact {
    struct ledger_entry entry;
    uint32_t started, ended;
    bool counted;
};
struct agent_fact {
    struct ledger_entry entry;
    int64_t session, epoch;     /* that it works for */
};
struct request_fact {
    struct ledger_entry entry;
    int64_t run;
    uint32_t created;
};

/* A lock, by (its whole name). */
struct lock_fact {
    struct ledger_entry entry;
    bool held;
    int64_t owner, token, until;
    int64_t newest;             /* largest token ever granted */
    uint16_t core;              /* who asked for it */
    uint32_t life;              /* of that core at the time */
    uint32_t refused;           /* record of a refusal during the calm, since the grant */
    int64_t leased;             /* token that a backend holds on purpose */
};

/* A sandbox, by (sandbox); its servers, by (sandbox, app); an instance, by (sandbox, instance). */
struct sandbox_fact {
    struct ledger_entry entry;
    int64_t owner, token;
    int64_t alive;              /* processes */
    uint64_t idle_us;           /* since when there is none */
    bool gone;
};
struct server_fact {
    struct ledger_entry entry;
    int64_t fence;              /* newest that took effect */
    int64_t instance;           /* alive, 0: none is */
};
struct instance_fact {
    struct ledger_entry entry;
    int64_t app;
};

/* A connection, by (tab, conn): when it was opened, the core was last given a message of it, and
 * had last taken one. */
struct silence_fact {
    struct ledger_entry entry;
    uint64_t opened_us, given_us, heard_us;
};

/* Names that rules compare with; X(member, "text"). */
#define CHECK_NAMES(X)                                                                             \
    X(ok, "ok") X(unknown, "unknown") X(yes, "yes") X(no, "no") X(approved, "approved")            \
    X(rejected, "rejected") X(expired, "expired") X(cancelled, "cancelled")                        \
    X(superseded, "superseded")                                                                    \
    X(completed, "completed") X(failed, "failed") X(interrupted, "interrupted")                    \
    X(run_state, "run_state") X(prompt_closed, "prompt_closed") X(error, "error") X(gap, "gap")    \
    X(initial_state, "initial_state") X(running, "running") X(acquire, "acquire")                  \
    X(mobile, "mobile") X(closed, "closed")

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
    X(servers, server_fact) X(instances, instance_fact) X(silences, silence_fact)

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
    bool known[CHECK_PROPERTY_COUNT];
    struct scn_place places[SCN_INVARIANT_COUNT];
    uint64_t heartbeat_timeout_us[SCN_CORES_MAX], ack_timeout_us[SCN_CORES_MAX];
    struct retention retention[SCN_CORES_MAX];
    uint64_t idle_limit_us;                 /* of a sandbox, by the most patient core */
    bool prompts_expire[SCN_CORES_MAX];     /* by the clock, whatever the tabs do */
    int64_t users[SCN_ACTORS_MAX], session_words[SCN_ACTORS_MAX];
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
void check_delivered(struct check_set *set);              /* at the end of the calm */

void check_pub_call(struct check_set *set, const struct record *record);
void check_pub_ack(struct check_set *set, const struct record *record);
void check_store_open(struct check_set *set, const struct record *record);
void check_log_append(struct check_set *set, const struct record *record);
void check_log_lost(struct check_set *set, const struct record *record);
void check_log_trim(struct check_set *set, const struct record *record);

void check_prompt_open(struct check_set *set, const struct record *record);
void check_prompt_done(struct check_set *set, const struct record *record);
void check_prompt_closed(struct check_set *set, const struct record *record);
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

/* --- compile.c, property.c, sentence.c --- */

void check_compile(struct check_set *set);
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
