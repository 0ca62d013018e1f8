/* Which records a property looks at, for reports that show no others. */
#include "harness/check/internal.h"

enum topic {
    TOPIC_DELIVERY = 1 << 0,
    TOPIC_LOG = 1 << 1,
    TOPIC_LINK = 1 << 2,
    TOPIC_RUN = 1 << 3,
    TOPIC_PROMPT = 1 << 4,
    TOPIC_LOCK = 1 << 5,
    TOPIC_SANDBOX = 1 << 6,
    TOPIC_PAGE = 1 << 7,
    TOPIC_HEARTBEAT = 1 << 8,
    TOPIC_STATE = 1 << 10,      /* of runs and questions */
    TOPIC_STORY = 1 << 9,       /* faults and lives of cores concern everything */
};

static unsigned topic_of(enum record_kind kind)
{
    switch (kind) {
    case RECORD_PUB_CALL: case RECORD_PUB_ACK: case RECORD_STORE_OPEN: case RECORD_LOG_APPEND:
    case RECORD_LOG_REFUSED: case RECORD_LOG_LOST: return TOPIC_LOG;
    case RECORD_LOG_TRIM: return TOPIC_LOG | TOPIC_STATE;
    case RECORD_CLIENT_RECV: case RECORD_CLIENT_APPLY: case RECORD_RESYNC: case RECORD_GAP_TOLD:
    case RECORD_CORE_SEND: case RECORD_WIRE_DROP: return TOPIC_DELIVERY;
    case RECORD_CLIENT_OPEN: case RECORD_CLIENT_FRESH: case RECORD_CLIENT_HELLO:
    case RECORD_CLIENT_READY: case RECORD_CLIENT_ONLINE: case RECORD_CLIENT_OFFLINE:
    case RECORD_CORE_CLOSE: case RECORD_DETACH: return TOPIC_LINK;
    case RECORD_HEARTBEAT: return TOPIC_HEARTBEAT;
    case RECORD_LOG_SAYS: case RECORD_CLIENT_TOLD: return TOPIC_STATE;
    case RECORD_RUN_REQ: case RECORD_RUN_START: case RECORD_RUN_STOP_ASKED: case RECORD_RUN_END:
        return TOPIC_RUN;
    case RECORD_PROMPT_OPEN: case RECORD_PROMPT_SHOWN: case RECORD_ANSWER:
    case RECORD_ANSWER_REFUSED: case RECORD_PROMPT_DONE: return TOPIC_PROMPT;
    case RECORD_LK_TRY: case RECORD_LK_GRANT: case RECORD_LK_REFUSE: case RECORD_LK_RENEW:
    case RECORD_LK_EXPIRE: case RECORD_LK_RELEASE: case RECORD_LEASE_HELD:
    case RECORD_LEASE_ENDED: case RECORD_LEASE_CALL: case RECORD_LEASE_REFUSED:
    case RECORD_LEASE_USED: case RECORD_LEASE_RETURN: case RECORD_LEASE_LOST: case RECORD_ALERT:
        return TOPIC_LOCK;
    case RECORD_SB_CREATE: case RECORD_SB_ASSIGN: case RECORD_SB_RELEASE: case RECORD_SB_DESTROY:
    case RECORD_SB_CRASH: case RECORD_SB_REFUSE: case RECORD_PR_SPAWN: case RECORD_PR_LISTEN:
    case RECORD_PR_SIGNAL: case RECORD_PR_CHILD: case RECORD_PR_EXIT: case RECORD_PROBE:
    case RECORD_SRV_STATE: return TOPIC_SANDBOX;
    case RECORD_FAULT_BEGIN: case RECORD_FAULT_END: case RECORD_CORE_KILLED:
    case RECORD_CORE_RESTARTED: case RECORD_CORE_DRAINED: return TOPIC_STORY;
    case RECORD_PAGE_CALL: case RECORD_PAGE_EVENT: case RECORD_PAGE: return TOPIC_PAGE;
    case RECORD_STORE_CALL: case RECORD_STORE_REPLY: case RECORD_CLIENT_SEND:
    case RECORD_CORE_INPUT: case RECORD_CORE_TAKEN: case RECORD_ACK: case RECORD_CALL_REFUSED:
    case RECORD_REPORTED: case RECORD_CANCEL_CALL: case RECORD_RUN_CALL: case RECORD_DETACHED:
    case RECORD_STEP_BEGIN: case RECORD_STEP_END: case RECORD_CORE_STARTED: case RECORD_POINT:
    case RECORD_CALM: case RECORD_QUIESCE:
    case RECORD_KIND_COUNT: break;
    }
    return 0;
}

static unsigned topics_of(enum scn_invariant invariant)
{
    switch (invariant) {
    case SCN_INVARIANT_NO_LOST_EVENTS:
    case SCN_INVARIANT_NO_DUPLICATE_EVENTS:
    case SCN_INVARIANT_EVENTS_IN_ORDER:
    case SCN_INVARIANT_NO_SILENT_GAP:
    case SCN_INVARIANT_NO_PHANTOM_EVENTS:
    case SCN_INVARIANT_REPLAY_MEETS_LIVE:
    case SCN_INVARIANT_OUTBOUND_IS_BOUNDED:
    case SCN_INVARIANT_ISOLATION: return TOPIC_DELIVERY | TOPIC_LOG | TOPIC_LINK;
    case SCN_INVARIANT_CURSORS_ONLY_GROW:
        return TOPIC_DELIVERY | TOPIC_LOG | TOPIC_LINK | TOPIC_HEARTBEAT;
    case SCN_INVARIANT_PAGES_CONTINUE: return TOPIC_PAGE | TOPIC_LOG;
    case SCN_INVARIANT_GENERATIONS_HOLD:
    case SCN_INVARIANT_SILENCE_IS_NOTICED: return TOPIC_LINK;
    case SCN_INVARIANT_NO_HELD_PUBLISHERS: return TOPIC_LOG | TOPIC_LINK;
    case SCN_INVARIANT_GATE_HOLDS:
    case SCN_INVARIANT_CANCEL_IS_HEARD:
    case SCN_INVARIANT_POLICIES_KEPT: return TOPIC_RUN | TOPIC_LINK;
    case SCN_INVARIANT_QUESTIONS_ARE_SHOWN: return TOPIC_PROMPT | TOPIC_LINK;
    case SCN_INVARIANT_LEASES_IN_TIME: return TOPIC_LOCK | TOPIC_SANDBOX;
    case SCN_INVARIANT_ONE_OWNER:
    case SCN_INVARIANT_NO_ORPHANS:
    case SCN_INVARIANT_NO_STRAY_SIGNALS:
    case SCN_INVARIANT_STATUS_IS_TRUE: return TOPIC_SANDBOX;
    case SCN_INVARIANT_LIMITS_HOLD: return TOPIC_LINK | TOPIC_RUN | TOPIC_SANDBOX;
    case SCN_INVARIANT_DRAIN_IS_FINAL: return TOPIC_LOG | TOPIC_RUN | TOPIC_LOCK | TOPIC_SANDBOX;
    case SCN_INVARIANT_ACCEPTED_IS_STORED: return TOPIC_LOG;
    case SCN_INVARIANT_ONE_RUN: return TOPIC_RUN;
    case SCN_INVARIANT_MODEL_AGREES: return TOPIC_STATE | TOPIC_RUN | TOPIC_LINK;
    case SCN_INVARIANT_TERMINAL_IS_LAST: return TOPIC_RUN | TOPIC_LOG;
    case SCN_INVARIANT_ONE_OUTCOME: return TOPIC_PROMPT | TOPIC_RUN | TOPIC_LINK;
    case SCN_INVARIANT_LOCKS_EXCLUDE: return TOPIC_LOCK | TOPIC_SANDBOX;
    case SCN_INVARIANT_NO_DUPLICATE_SERVERS: return TOPIC_LOCK | TOPIC_SANDBOX;
    case SCN_INVARIANT_ALERTS_ARE_TRUE:
    case SCN_INVARIANT_NO_STUCK_LOCKS: return TOPIC_LOCK;
    case SCN_INVARIANT_NO_IDLE_SANDBOX: return TOPIC_SANDBOX | TOPIC_LINK;
    case SCN_INVARIANT_NO_EARLY_TIMEOUT: return TOPIC_PROMPT | TOPIC_LINK;
    case SCN_INVARIANT_NO_DEADLOCK:
    case SCN_INVARIANT_NO_STUCK_WAITERS:
    case SCN_INVARIANT_NO_LEAKS:
    case SCN_INVARIANT_NO_CRASH:
    case SCN_INVARIANT_NO_MISUSE:
    case SCN_INVARIANT_REPORTS_ARE_TRUE:
    case SCN_INVARIANT_COUNT: break;
    }
    return TOPIC_LINK | TOPIC_RUN | TOPIC_PROMPT | TOPIC_LOCK | TOPIC_SANDBOX;
}

/* The records that its counters count, and everything of the same topics. */
static bool concerns_property(const struct check_set *set, uint32_t index,
                              const struct record *record)
{
    unsigned topics = TOPIC_STORY;

    for (uint32_t i = 0; i < set->watch_count; i++) {
        const struct watch *watch = &set->watches[i];
        if (set->properties[set->counters[watch->counter].property].index != index) continue;
        if (watch->kind == record->kind && check_watch_matches(set, watch, record)) return true;
        topics |= topic_of(watch->kind) & ~(unsigned)TOPIC_DELIVERY;
        /* Locks are there for the sake of servers. */
        if (topics & TOPIC_SANDBOX) topics |= TOPIC_LOCK;
    }
    return (topic_of(record->kind) & topics) != 0;
}

bool check_counts(const struct check_set *set, uint32_t property, const struct record *record)
{
    if (property < CHECK_FILE || property >= CHECK_SCRIPT) return false;
    for (uint32_t i = 0; i < set->watch_count; i++) {
        const struct watch *watch = &set->watches[i];
        uint32_t index = set->properties[set->counters[watch->counter].property].index;
        if (index == property - CHECK_FILE && watch->kind == record->kind &&
            check_watch_matches(set, watch, record))
            return true;
    }
    return false;
}

bool check_concerns(const struct check_set *set, uint32_t property, const struct record *record)
{
    if (property < CHECK_FILE)
        return (topic_of(record->kind) & (topics_of((enum scn_invariant)property) | TOPIC_STORY)) !=
               0;
    if (property < CHECK_SCRIPT) return concerns_property(set, property - CHECK_FILE, record);
    return topic_of(record->kind) != 0;
}
