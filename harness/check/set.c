/* A set from its making to its end: dispatch of records, the one violation, statistics. */
#include "harness/check/internal.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { MARGIN_US = 1000000 };

/* --- making --- */

struct check_set *check_set_new(const struct scn_file *file)
{
    struct check_set *set = calloc(1, sizeof *set);
    REQUIRE(set != NULL);
    set->file = file;
    set->margin_us = MARGIN_US;
#define INTERN(member, text) set->names.member = record_intern(text);
    CHECK_NAMES(INTERN)
#undef INTERN
#define INIT(member, type) \
    ledger_init(&set->member, sizeof(struct type), offsetof(struct check_set, member));
    CHECK_LEDGERS(INIT)
#undef INIT
    check_read_settings(set);
    check_compile(set);
    record_keep_words();
    return set;
}

void check_outside(struct check_set *set, uint64_t margin_us)
{
    static const enum scn_invariant unseen[] = {
#define CHECK_UNSEEN_ENTRY(invariant, why) SCN_INVARIANT_##invariant,
        CHECK_UNSEEN(CHECK_UNSEEN_ENTRY)
#undef CHECK_UNSEEN_ENTRY
    };
    for (size_t i = 0; i < sizeof unseen / sizeof *unseen; i++) set->off[unseen[i]] = true;
    if (margin_us > set->margin_us) set->margin_us = margin_us;
    set->outside = true;
    set->late_us = margin_us;
}

void check_set_free(struct check_set *set)
{
    if (set == NULL) return;
#define FREE(member, type) ledger_free(&set->member);
    CHECK_LEDGERS(FREE)
#undef FREE
    free(set->published_kinds);
    free(set->properties);
    free(set->counters);
    free(set->watches);
    free(set->filters);
    free(set->windows);
    free(set);
}

void check_listen(struct check_set *set, check_listener listener, void *context)
{
    set->listener = listener;
    set->listener_context = context;
}

/* --- the one violation --- */

static void announce(struct check_set *set, uint32_t property, const char *name,
                     struct scn_place place, const struct record *record, const char *text)
{
    struct check_violation *violation = &set->violation;

    *violation = (struct check_violation){
        .property = property,
        .known = set->known[property],
        .place = place,
        .record = record != NULL ? record->number : 0,
        .time_ns = record != NULL ? record->time_ns : set->now_us * 1000,
    };
    (void)snprintf(violation->name, sizeof violation->name, "%s", name);
    (void)snprintf(violation->text, sizeof violation->text, "%s", text);
    set->has_violation = true;
    /* Last: it need not return. */
    if (set->listener != NULL) set->listener(set->listener_context, violation);
}

void check_break(struct check_set *set, enum scn_invariant invariant, const struct record *record,
                 const char *format, ...)
{
    char text[CHECK_TEXT_MAX];
    va_list arguments;

    if (set->has_violation || set->off[invariant]) return;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    announce(set, invariant, scn_invariant_word(invariant), set->places[invariant], record, text);
}

void check_break_property(struct check_set *set, const struct property *property,
                          const struct record *record, const char *format, ...)
{
    char text[CHECK_TEXT_MAX];
    va_list arguments;

    if (set->has_violation) return;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    announce(set, CHECK_FILE + property->index, property->source->name, property->source->place,
             record, text);
}

void check_script_failed(struct check_set *set, struct scn_place place, const char *name,
                         const char *text)
{
    if (!set->has_violation) announce(set, CHECK_SCRIPT, name, place, NULL, text);
}

bool check_same(const struct check_violation *left, const struct check_violation *right)
{
    return left->property == right->property &&
           (left->property != CHECK_SCRIPT || strcmp(left->name, right->name) == 0);
}

const struct check_violation *check_violated(const struct check_set *set)
{
    return set->has_violation ? &set->violation : NULL;
}

void check_exercise(struct check_set *set, enum scn_invariant invariant)
{
    set->exercised[invariant] = true;
}

/* --- who is who --- */

int32_t check_actor_of(const struct check_set *set, uint16_t party)
{
    uint32_t index = (uint32_t)party - PARTY_ACTOR;
    return party >= PARTY_ACTOR && index < set->file->actor_count ? (int32_t)index : -1;
}

int32_t check_core_of(const struct check_set *set, uint16_t party)
{
    uint32_t index = (uint32_t)party - PARTY_CORE;
    int32_t actor = check_actor_of(set, party);

    if (actor >= 0) return set->file->actors[actor].core;
    return party >= PARTY_CORE && index < set->file->core_count ? (int32_t)index : -1;
}

/* --- an execution --- */

/* A schedule in which time passes while threads could go on. */
static bool lets_time_pass(const struct scn_file *file)
{
    for (uint32_t i = 0; i < file->directive_count; i++)
        if (file->directives[i].kind == SCN_DIRECTIVE_ADVANCE) return true;
    return false;
}

void check_begin(struct check_set *set)
{
#define RESET(member, type) ledger_reset(&set->member);
    CHECK_LEDGERS(RESET)
#undef RESET
    memset(set->tabs, 0, set->file->actor_count * sizeof set->tabs[0]);
    memset(set->exercised, 0, sizeof set->exercised);
    memset(set->struck, 0, sizeof set->struck);
    memset(set->lives, 0, sizeof set->lives);
    memset(set->down, 0, sizeof set->down);
    memset(set->draining, 0, sizeof set->draining);
    memset(set->drained, 0, sizeof set->drained);
    memset(set->worked_us, 0, sizeof set->worked_us);
    memset(set->store_uses, 0, sizeof set->store_uses);
    memset(set->lock_uses, 0, sizeof set->lock_uses);
    memset(set->ports, 0, sizeof set->ports);
    memset(set->lease_waits, 0, sizeof set->lease_waits);
    memset(set->calling, 0, sizeof set->calling);
    memset(set->claims, 0, sizeof set->claims);
    set->paused = set->file->explore.stalls_max > 0 || lets_time_pass(set->file);
    set->expired = set->locks_troubled = false;
    set->locks_troubled_us = 0;
    set->kills = 0;
    set->answers_lost = false;
    set->boxes = set->box_actors;
    set->begun = true;
    set->quiet = set->has_violation = set->calm = set->repeats = false;
    set->now_us = set->calm_us = 0;
    check_properties_begin(set);
}

void check_number(struct check_set *set, uint64_t run)
{
    REQUIRE(set->begun);
    set->repeats = set->numbered && set->number == run;
    set->numbered = true;
    set->number = run;
}

static void core_lives(struct check_set *set, const struct record *record)
{
    int32_t core = check_core_of(set, record->subject);
    if (core < 0) return;
    /* Restarted ones are told of twice, with the same number. */
    set->lives[core] = (uint32_t)record->values.CORE_STARTED.life;
    set->down[core] = false;
}

static void core_is_down(struct check_set *set, const struct record *record)
{
    int32_t core = check_core_of(set, record->subject);
    if (core >= 0) set->down[core] = true;
}

static void calm_begins(struct check_set *set, const struct record *record)
{
    set->calm = true;
    set->calm_us = record->time_ns / 1000;
    check_properties_calm(set);
}

static void fault_strikes(struct check_set *set, const struct record *record)
{
    uint64_t fault = (uint64_t)record->values.FAULT_BEGIN.fault;
    if (fault < set->file->fault_count) set->struck[fault] = true;
}

/* The calm is over: what had to happen has happened, or never will. */
static void judge_liveness(struct check_set *set, const struct record *record)
{
    check_delivered(set);
    check_locks_free(set);
    check_sandboxes_used(set);
    check_prompts_settled(set);
    check_conns_watched(set);
    check_cancels_heard(set);
    check_questions_shown(set);
    check_boxes_clean(set);
    check_alerts_over(set);
    check_calls_answered(set);
    check_model_agrees(set);
    check_properties_end(set, record);
    set->quiet = true;
}

_Static_assert(offsetof(struct record_values_CORE_STARTED, life) ==
               offsetof(struct record_values_CORE_RESTARTED, life), "read alike");

typedef void (*judge)(struct check_set *set, const struct record *record);

enum { JUDGES_MAX = 5 };

static const judge judges[RECORD_KIND_COUNT][JUDGES_MAX] = {
    [RECORD_PUB_CALL] = { check_pub_call, check_publish_begins },
    [RECORD_PUB_ACK] = { check_pub_ack, check_publish_ends },
    [RECORD_STORE_OPEN] = { check_store_open },
    [RECORD_LOG_APPEND] = { check_log_append },
    [RECORD_LOG_SAYS] = { check_run_said, check_log_says, check_outcome_said },
    [RECORD_LOG_REFUSED] = { check_log_refused },
    [RECORD_LOG_LOST] = { check_log_lost },
    [RECORD_LOG_TRIM] = { check_log_trim, check_model_trimmed },
    [RECORD_STORE_CALL] = { check_store_call, check_hold_call, check_still_at_work,
                            check_locks_call },
    [RECORD_STORE_REPLY] = { check_store_reply, check_release_doubtful, check_hold_reply,
                             check_locks_reply },
    [RECORD_CLIENT_OPEN] = { check_client_open, check_conn_opens },
    [RECORD_CLIENT_FRESH] = { check_client_fresh },
    [RECORD_CLIENT_HELLO] = { check_client_hello, check_conn_greets },
    [RECORD_CLIENT_READY] = { check_client_ready, check_seam_begins },
    [RECORD_CLIENT_ONLINE] = { check_conn_online, check_tab_online },
    [RECORD_CLIENT_OFFLINE] = { check_client_offline, check_tab_offline },
    [RECORD_CLIENT_SEND] = { check_conn_says },
    [RECORD_CLIENT_RECV] = { check_client_recv, check_question_closed, check_seam_ends },
    [RECORD_CLIENT_APPLY] = { check_client_apply, check_applied },
    [RECORD_HEARTBEAT] = { check_heartbeat },
    [RECORD_CORE_INPUT] = { check_core_input, check_conn_input },
    [RECORD_CORE_TAKEN] = { check_core_taken, check_conn_taken },
    [RECORD_CORE_SEND] = { check_core_send, check_conn_send },
    [RECORD_CORE_CLOSE] = { check_core_close, check_conn_close },
    [RECORD_DETACH] = { check_conn_detach },
    [RECORD_DETACHED] = { check_conn_detached },
    [RECORD_CLIENT_TOLD] = { check_client_told },
    [RECORD_RESYNC] = { check_resync, check_seam_moves },
    [RECORD_GAP_TOLD] = { check_gap_told },
    [RECORD_PAGE_CALL] = { check_page_call },
    [RECORD_PAGE_EVENT] = { check_page_event },
    [RECORD_PAGE] = { check_page },
    [RECORD_CANCEL_CALL] = { check_gate_cancel },
    [RECORD_RUN_CALL] = { check_gate_call },
    [RECORD_RUN_REQ] = { check_run_req },
    [RECORD_RUN_START] = { check_run_start, check_gate_start, check_still_at_work },
    [RECORD_RUN_STOP_ASKED] = { check_gate_stop },
    [RECORD_RUN_END] = { check_run_end, check_gate_end },
    [RECORD_REPORTED] = { check_reported },
    [RECORD_PROMPT_OPEN] = { check_prompt_open },
    [RECORD_PROMPT_SHOWN] = { check_question_shown },
    [RECORD_PROMPT_DONE] = { check_prompt_done },
    [RECORD_ANSWER] = { check_answer },
    [RECORD_LK_TRY] = { check_still_at_work },
    [RECORD_LK_GRANT] = { check_lock_grant, check_grant, check_hold_begins },
    [RECORD_LK_RENEW] = { check_lock_renew, check_grant, check_hold_renewed, check_still_at_work,
                          check_claim_renewed },
    [RECORD_LK_REFUSE] = { check_lock_refuse, check_hold_refused },
    [RECORD_LK_RELEASE] = { check_lock_release, check_grant_returned, check_hold_returned },
    [RECORD_LK_EXPIRE] = { check_lock_expire, check_grant_over, check_hold_expires,
                           check_claim_expires },
    [RECORD_LEASE_CALL] = { check_lease_called, check_claim_begins },
    [RECORD_LEASE_REFUSED] = { check_lease_not_got, check_claim_refused },
    [RECORD_LEASE_HELD] = { check_lease_held, check_lease_got, check_claim_granted },
    [RECORD_LEASE_USED] = { check_lease_used },
    [RECORD_LEASE_RETURN] = { check_lease_returned, check_claim_returned },
    [RECORD_LEASE_LOST] = { check_claim_lost },
    [RECORD_LEASE_ENDED] = { check_lease_ended, check_lease_given_up, check_lease_over,
                             check_claim_ended },
    [RECORD_ALERT] = { check_alert },
    [RECORD_SB_CREATE] = { check_box_made },
    [RECORD_SB_ASSIGN] = { check_box_given, check_sandbox_assign, check_still_at_work },
    [RECORD_SB_RELEASE] = { check_box_taken, check_sandbox_release },
    [RECORD_SB_DESTROY] = { check_box_taken, check_sandbox_destroy, check_box_gone },
    [RECORD_SB_CRASH] = { check_box_crashed },
    [RECORD_PR_SPAWN] = { check_spawn, check_box_spawn },
    [RECORD_PR_CHILD] = { check_child, check_box_child },
    [RECORD_PR_EXIT] = { check_exit, check_box_exit },
    [RECORD_SB_REFUSE] = { check_box_refuses },
    [RECORD_PR_SIGNAL] = { check_box_signal, check_signal_in_time, check_still_at_work },
    [RECORD_PROBE] = { check_box_probe, check_still_at_work },
    [RECORD_SRV_STATE] = { check_server_told, check_tab_told },
    [RECORD_POINT] = { check_point },
    [RECORD_CORE_STARTED] = { core_lives, check_core_starts },
    [RECORD_CORE_RESTARTED] = { core_lives },
    [RECORD_CORE_KILLED] = { core_is_down, check_core_ends, check_calls_die,
                             check_claims_die },
    [RECORD_CORE_DRAINED] = { core_is_down, check_core_ends },
    [RECORD_STEP_BEGIN] = { check_step, check_call_begins },
    [RECORD_STEP_END] = { check_call_ends },
    [RECORD_FAULT_BEGIN] = { fault_strikes, check_fault },
    [RECORD_CALM] = { calm_begins },
    [RECORD_QUIESCE] = { judge_liveness },
};

/* What judges look at and change beside ledgers, which tell by themselves, and beside what only
 * kinds change that meet everything: lives of cores, for one. */
enum meets {
    MEETS_EVERYTHING, MEETS_LEDGERS, MEETS_TAB, MEETS_SENT, MEETS_STORE, MEETS_STORE_USE,
    MEETS_LOCKS, MEETS_PROPERTIES
};

static const uint8_t kinds_meet[RECORD_KIND_COUNT] = {
    [RECORD_PUB_CALL] = MEETS_STORE,
    [RECORD_PUB_ACK] = MEETS_STORE,
    [RECORD_STORE_CALL] = MEETS_STORE,
    [RECORD_STORE_REPLY] = MEETS_STORE,
    [RECORD_LK_TRY] = MEETS_LOCKS,
    [RECORD_LK_GRANT] = MEETS_LOCKS,
    [RECORD_LK_RENEW] = MEETS_LOCKS,
    [RECORD_LK_REFUSE] = MEETS_LOCKS,
    [RECORD_LK_RELEASE] = MEETS_LOCKS,
    [RECORD_LK_EXPIRE] = MEETS_LOCKS,
    [RECORD_LEASE_CALL] = MEETS_LOCKS,
    [RECORD_LEASE_REFUSED] = MEETS_LOCKS,
    [RECORD_LEASE_HELD] = MEETS_LOCKS,
    [RECORD_LEASE_USED] = MEETS_LOCKS,
    [RECORD_LEASE_RETURN] = MEETS_LOCKS,
    [RECORD_LEASE_LOST] = MEETS_LOCKS,
    [RECORD_LEASE_ENDED] = MEETS_LOCKS,
    [RECORD_CANCEL_CALL] = MEETS_LEDGERS,
    [RECORD_RUN_CALL] = MEETS_LEDGERS,
    [RECORD_RUN_REQ] = MEETS_LEDGERS,
    [RECORD_RUN_START] = MEETS_LEDGERS,
    [RECORD_RUN_END] = MEETS_LEDGERS,
    [RECORD_PROMPT_OPEN] = MEETS_STORE_USE,
    [RECORD_PROMPT_DONE] = MEETS_STORE_USE,
    [RECORD_ANSWER] = MEETS_LEDGERS,
    [RECORD_PROMPT_SHOWN] = MEETS_TAB,
    [RECORD_LOG_APPEND] = MEETS_LEDGERS,
    [RECORD_LOG_SAYS] = MEETS_LEDGERS,
    [RECORD_CLIENT_OPEN] = MEETS_TAB,
    [RECORD_CLIENT_FRESH] = MEETS_TAB,
    [RECORD_CLIENT_HELLO] = MEETS_TAB,
    [RECORD_CLIENT_READY] = MEETS_TAB,
    [RECORD_CLIENT_ONLINE] = MEETS_TAB,
    [RECORD_CLIENT_SEND] = MEETS_TAB,
    [RECORD_CLIENT_RECV] = MEETS_TAB,
    [RECORD_CLIENT_APPLY] = MEETS_TAB,
    [RECORD_CLIENT_TOLD] = MEETS_TAB,
    [RECORD_RESYNC] = MEETS_TAB,
    [RECORD_GAP_TOLD] = MEETS_TAB,
    [RECORD_HEARTBEAT] = MEETS_TAB,
    [RECORD_ACK] = MEETS_LEDGERS,
    [RECORD_CORE_INPUT] = MEETS_SENT,
    [RECORD_CORE_TAKEN] = MEETS_SENT,
    [RECORD_CORE_SEND] = MEETS_SENT,
    [RECORD_STEP_BEGIN] = MEETS_LEDGERS,
    [RECORD_STEP_END] = MEETS_LEDGERS,
    [RECORD_POINT] = MEETS_LEDGERS,
    [RECORD_REPORTED] = MEETS_LEDGERS,
    [RECORD_CALL_REFUSED] = MEETS_LEDGERS,
    [RECORD_CALM] = MEETS_PROPERTIES,
};

static enum meets meets_of(const struct check_set *set, const struct record *record)
{
    const struct check_names *names = &set->names;
    enum meets meets = (enum meets)kinds_meet[record->kind];

    if (meets == MEETS_STORE && record->subject == PARTY_LOCKS) return MEETS_LOCKS;
    if (record->kind != RECORD_POINT) return meets;
    int64_t name = record->values.POINT.name;
    bool server = name == names->server_running || name == names->server_starting ||
                  name == names->server_stopping || name == names->server_failed;
    return server ? MEETS_EVERYTHING : meets;
}

/* How long a core has had to do with its store is the same, whoever looks at it or calls first at
 * one instant. Whether the newest call did not succeed is not. */
static void meet_store(const struct check_set *set, const struct record *record)
{
    bool reply = record->kind == RECORD_STORE_REPLY;
    int32_t core = reply ? check_core_of(set, record->to) : -1;
    bool changes = reply && (record->values.STORE_REPLY.code != set->names.ok || core < 0 ||
                             set->store_uses[core].sick);

    world_meet_place(PLACE_STORE_USE, changes ? WORLD_CHANGES : WORLD_LOOKS);
}

static void meet(const struct check_set *set, const struct record *record)
{
    switch (meets_of(set, record)) {
    case MEETS_LEDGERS: return;
    case MEETS_TAB: world_meet_place(PLACE_TABS + record->subject % 16u, WORLD_CHANGES); return;
    case MEETS_SENT: world_meet_place(PLACE_SENT + record->subject % 16u, WORLD_CHANGES); return;
    case MEETS_STORE: meet_store(set, record); return;
    case MEETS_STORE_USE: world_meet_place(PLACE_STORE_USE, WORLD_LOOKS); return;
    case MEETS_LOCKS: world_meet_place(PLACE_LEASES, WORLD_CHANGES); return;
    case MEETS_PROPERTIES:
        world_meet_place(PLACE_LEASES, WORLD_CHANGES); /* they look at whether it is calm */
        for (uint32_t i = 0; i < set->property_count; i++) check_meet_property(i);
        return;
    case MEETS_EVERYTHING: world_meet(WORLD_MET_FAKES); return;
    }
}

void check_record(void *context, const struct record *record)
{
    struct check_set *set = context;

    REQUIRE(set->begun && record->kind < RECORD_KIND_COUNT);
    meet(set, record);
    if (set->has_violation) return;
    set->now_us = record->time_ns / 1000;
    if (!set->quiet) check_properties_record(set, record);
    const judge *all = judges[record->kind];
    for (uint32_t i = 0; i < JUDGES_MAX && all[i] != NULL; i++) all[i](set, record);
}

/* --- findings of the world, statistics --- */

int check_invariant_of(enum world_finding_kind kind)
{
    switch (kind) {
    case WORLD_FOUND_DEADLOCK: return SCN_INVARIANT_NO_DEADLOCK;
    case WORLD_FOUND_LIVELOCK:
    case WORLD_FOUND_STUCK_WAITER: return SCN_INVARIANT_NO_STUCK_WAITERS;
    case WORLD_FOUND_LEAK: return SCN_INVARIANT_NO_LEAKS;
    case WORLD_FOUND_UNLOCK_NOT_OWNER:
    case WORLD_FOUND_RELOCK:
    case WORLD_FOUND_DESTROY_BUSY:
    case WORLD_FOUND_USE_DESTROYED:
    case WORLD_FOUND_UNINITIALISED_OBJECT:
    case WORLD_FOUND_COND_MUTEX_NOT_HELD:
    case WORLD_FOUND_COND_TWO_MUTEXES:
    case WORLD_FOUND_JOIN_INVALID:
    case WORLD_FOUND_EXIT_HOLDING_LOCK:
    case WORLD_FOUND_OVERFLOW:
    case WORLD_FOUND_DATA_RACE: return SCN_INVARIANT_NO_MISUSE;
    case WORLD_FOUND_DOUBLE_FREE:
    case WORLD_FOUND_INVALID_FREE:
    case WORLD_FOUND_USE_AFTER_FREE:
    case WORLD_FOUND_HEAP_OVERFLOW:
    case WORLD_FOUND_CRASH:
    case WORLD_FOUND_STACK_OVERFLOW:
    case WORLD_FOUND_ABORT:
    case WORLD_FOUND_ASSERT:
    case WORLD_FOUND_EXIT:
    case WORLD_FOUND_ENDLESS_LOOP:
    case WORLD_FOUND_MEMORY: return SCN_INVARIANT_NO_CRASH;
    case WORLD_FOUND_NONE:
    case WORLD_FOUND_UNCONTROLLED:
    case WORLD_FOUND_CHECK:
    case WORLD_FINDING_COUNT: return -1;
    }
    return -1;
}

static void count_run(struct check_set *set, const struct world_result *result)
{
    static const enum scn_invariant always[] = {
        SCN_INVARIANT_NO_DEADLOCK, SCN_INVARIANT_NO_STUCK_WAITERS, SCN_INVARIANT_NO_LEAKS,
        SCN_INVARIANT_NO_CRASH, SCN_INVARIANT_NO_MISUSE };

    if (set->repeats || result->end == WORLD_STOPPED) return;
    if (result->end == WORLD_DONE)
        for (size_t i = 0; i < sizeof always / sizeof always[0]; i++)
            check_exercise(set, always[i]);
    set->stats.runs++;
    if (set->quiet) set->stats.judged++;
    for (uint32_t i = 0; i < SCN_INVARIANT_COUNT; i++)
        set->stats.exercised[i] += set->exercised[i];
    for (uint32_t i = 0; i < set->file->fault_count; i++) set->stats.struck[i] += set->struck[i];
    check_properties_count(set, &set->stats);
    if (set->has_violation) set->stats.violated[set->violation.property]++;
}

const struct check_violation *check_end(struct check_set *set, const struct world_result *result,
                                        const struct world_finding *finding)
{
    REQUIRE(set->begun);
    int invariant = finding != NULL ? check_invariant_of(finding->kind) : -1;

    set->now_us = result->now_ns / 1000;
    if (invariant >= 0) check_break(set, (enum scn_invariant)invariant, NULL, "%s", finding->text);
    if (result->spins)
        check_break(set, SCN_INVARIANT_NO_STUCK_WAITERS, NULL,
                    "threads go round without an end: half of %u steps at %llums", result->steps,
                    (unsigned long long)set->now_us / 1000);
    count_run(set, result);
    set->begun = false;
    return check_violated(set);
}

const struct check_stats *check_stats_of(const struct check_set *set)
{
    return &set->stats;
}
