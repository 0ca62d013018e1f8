/* What publishers are told and what the store holds. */
#include "harness/check/internal.h"

#include <stdio.h>
#include <string.h>

static struct content_fact *content_of(struct check_set *set, int64_t session, int64_t digest,
                                       int64_t kind)
{
    return ledger_get(&set->contents, LEDGER_KEY(session, digest, kind));
}

static void judge_copies(struct check_set *set, const struct record *record,
                         const struct content_fact *content)
{
    if (content->calls == 0 || content->appends <= content->calls - content->refused) return;
    const char *kind = record_text(content->entry.key.at[2]);
    const char *session = record_text(content->entry.key.at[0]);

    if (content->refused == 0)
        check_break(set, SCN_INVARIANT_ACCEPTED_IS_STORED, record,
                    "a %s of session %s was published %u time(s) and stored %u times", kind,
                    session, content->calls, content->appends);
    else
        check_break(set, SCN_INVARIANT_ACCEPTED_IS_STORED, record,
                    "a %s of session %s was refused to its publisher, and stored", kind, session);
}

void check_pub_call(struct check_set *set, const struct record *record)
{
    const struct record_values_PUB_CALL *v = &record->values.PUB_CALL;
    content_of(set, v->session, v->digest, v->kind)->calls++;
}

/* One producer's events keep the order of its calls. */
static void judge_producer(struct check_set *set, const struct record *record, int64_t epoch)
{
    const struct record_values_PUB_ACK *v = &record->values.PUB_ACK;
    struct producer_fact *last =
        ledger_get(&set->producers, LEDGER_KEY(record->subject, v->session, epoch));
    int64_t call = record->cause ? record->cause : v->number;
    bool swapped = last->call != 0 && call != last->call &&
                   (call > last->call) != (v->seq > last->seq);

    if (swapped)
        check_break(set, SCN_INVARIANT_EVENTS_IN_ORDER, record,
                    "%s published %s %lld as seq %lld, but %s %lld became seq %lld",
                    record_party_name(record->subject), record_text(last->kind),
                    (long long)last->number, (long long)last->seq, record_text(v->kind),
                    (long long)v->number, (long long)v->seq);
    if (call < last->call) return;
    last->call = call;
    last->number = v->number;
    last->seq = v->seq;
    last->kind = v->kind;
}

static void note_accepted(struct check_set *set, const struct record *record, int64_t epoch)
{
    const struct record_values_PUB_ACK *v = &record->values.PUB_ACK;
    const struct session_fact *session = ledger_find(&set->sessions, LEDGER_KEY(v->session));
    int32_t core = check_core_of(set, record->subject);

    if (core < 0 || epoch != (session == NULL ? 0 : session->epoch)) return;
    struct promise_fact *promise = ledger_get(&set->promises, LEDGER_KEY(v->session, core));
    if (v->seq > promise->seq) promise->seq = v->seq;
}

const char *check_acceptor(const struct check_set *set, const struct ledger_key *key)
{
    static char text[100];
    const struct accept_fact *accept = ledger_find(&set->accepts, *key);

    if (accept == NULL) return "";
    (void)snprintf(text, sizeof text, ", accepted from %s", record_party_name(accept->producer));
    return text;
}

int64_t check_promised(const struct check_set *set, int64_t session, int32_t core)
{
    const struct promise_fact *promise = ledger_find(&set->promises, LEDGER_KEY(session, core));
    return promise == NULL || core < 0 ? 0 : promise->seq;
}

int64_t check_head_of(const struct check_set *set, int64_t session)
{
    const struct head_fact *head = ledger_find(&set->heads, LEDGER_KEY(session));
    return head == NULL ? 0 : head->seq;
}

static void judge_accepted(struct check_set *set, const struct record *record)
{
    const struct record_values_PUB_ACK *v = &record->values.PUB_ACK;
    int64_t epoch =
        v->epoch != 0 ? v->epoch : content_of(set, v->session, v->digest, v->kind)->epoch;
    const struct event_fact *event =
        ledger_find(&set->events, LEDGER_KEY(v->session, epoch, v->seq));

    check_exercise(set, SCN_INVARIANT_ACCEPTED_IS_STORED);
    if (event == NULL || event->digest != v->digest) {
        check_break(set, SCN_INVARIANT_ACCEPTED_IS_STORED, record,
                    "%s was told that its %s is event %lld of session %s, which %s",
                    record_party_name(record->subject), record_text(v->kind), (long long)v->seq,
                    record_text(v->session),
                    event == NULL ? "was never stored" : "is another event");
        return;
    }
    struct accept_fact *accept = ledger_get(&set->accepts, LEDGER_KEY(v->session, epoch, v->seq));
    accept->producer = record->subject;
    note_accepted(set, record, epoch);
    judge_producer(set, record, epoch);
}

void check_pub_ack(struct check_set *set, const struct record *record)
{
    const struct record_values_PUB_ACK *v = &record->values.PUB_ACK;

    if (v->code == set->names.ok) {
        judge_accepted(set, record);
    } else if (v->code != set->names.unknown) {
        struct content_fact *content = content_of(set, v->session, v->digest, v->kind);
        if (content->calls > content->refused) content->refused++;
        judge_copies(set, record, content);
    }
}

/* The store lost events, and what is left of them begins a new epoch. */
static void begin_anew(struct check_set *set, const struct record *record,
                       struct session_fact *session)
{
    const struct record_values_STORE_OPEN *v = &record->values.STORE_OPEN;

    for (int64_t seq = v->floor; seq <= v->head; seq++) {
        const struct event_fact *left =
            ledger_find(&set->events, LEDGER_KEY(v->session, session->epoch, seq));
        if (left == NULL) continue;
        struct event_fact old = *left;
        struct event_fact *event = ledger_get(&set->events, LEDGER_KEY(v->session, v->epoch, seq));
        old.entry = event->entry;
        *event = old;
        const struct accept_fact *accept =
            ledger_find(&set->accepts, LEDGER_KEY(v->session, session->epoch, seq));
        if (accept == NULL) continue;
        uint16_t producer = accept->producer;
        struct accept_fact *kept =
            ledger_get(&set->accepts, LEDGER_KEY(v->session, v->epoch, seq));
        kept->producer = producer;
    }
    check_model_begins_anew(set, record, session->epoch);
    session->published_seq = session->terminal_seq = 0;
    session->runs = 0;
    for (int32_t core = 0; core < SCN_CORES_MAX; core++) {
        struct promise_fact *promise =
            ledger_change(&set->promises, LEDGER_KEY(v->session, core));
        if (promise != NULL) promise->seq = 0;
    }
}

void check_store_open(struct check_set *set, const struct record *record)
{
    const struct record_values_STORE_OPEN *v = &record->values.STORE_OPEN;
    if (v->epoch == 0) return;
    struct session_fact *session = ledger_get(&set->sessions, LEDGER_KEY(v->session));
    session->opened = record->number;
    session->opens++;
    if (session->epoch == v->epoch) return;
    if (session->epoch != 0) begin_anew(set, record, session);
    session->epoch = v->epoch;
}

static bool is_published_kind(const struct check_set *set, int64_t kind)
{
    for (uint32_t i = 0; i < set->published_kind_count; i++)
        if (set->published_kinds[i] == kind) return true;
    return false;
}

/* What the embedding program publishes belongs to no run. */
static bool is_backend(const struct check_set *set, int64_t producer)
{
    for (uint32_t i = 0; producer != 0 && i < set->file->actor_count; i++)
        if (set->backends[i] == producer) return true;
    return false;
}

static void note_epoch(struct check_set *set, int64_t session, int64_t epoch)
{
    const struct session_fact *known = ledger_find(&set->sessions, LEDGER_KEY(session));
    if (known != NULL && known->epoch == epoch) return;
    struct session_fact *fact = ledger_get(&set->sessions, LEDGER_KEY(session));
    fact->epoch = epoch;
}

void check_log_append(struct check_set *set, const struct record *record)
{
    const struct record_values_LOG_APPEND *v = &record->values.LOG_APPEND;
    struct event_fact *event =
        ledger_get(&set->events, LEDGER_KEY(v->session, v->epoch, v->seq));
    struct head_fact *head = ledger_get(&set->heads, LEDGER_KEY(v->session));
    struct content_fact *content = content_of(set, v->session, v->digest, v->kind);

    event->digest = v->digest;
    event->kind = v->kind;
    event->bytes = v->bytes;
    note_epoch(set, v->session, v->epoch);
    if (v->seq > head->seq) head->seq = v->seq;
    content->appends++;
    content->epoch = v->epoch;
    judge_copies(set, record, content);
    if (!is_published_kind(set, v->kind)) return;
    if (content->calls == 0)
        check_break(set, SCN_INVARIANT_NO_PHANTOM_EVENTS, record,
                    "event %lld of session %s is a %s that nobody published", (long long)v->seq,
                    record_text(v->session), record_text(v->kind));
    if (is_backend(set, v->producer)) return;
    struct session_fact *session = ledger_get(&set->sessions, LEDGER_KEY(v->session));
    session->published_seq = v->seq;
    check_nothing_after_end(set, session, record);
}

void check_log_lost(struct check_set *set, const struct record *record)
{
    const struct record_values_LOG_LOST *v = &record->values.LOG_LOST;
    struct event_fact *event =
        ledger_change(&set->events, LEDGER_KEY(v->session, v->epoch, v->seq));
    if (event != NULL) event->lost = true;
    struct session_fact *session = ledger_get(&set->sessions, LEDGER_KEY(v->session));
    session->unsettled = session->lossy = true;
}

/* The writer has lost the stream, and gives its session up. */
void check_log_refused(struct check_set *set, const struct record *record)
{
    const struct record_values_LOG_REFUSED *v = &record->values.LOG_REFUSED;
    struct session_fact *session = ledger_get(&set->sessions, LEDGER_KEY(v->session));
    session->unsettled = true;
}

void check_log_trim(struct check_set *set, const struct record *record)
{
    const struct record_values_LOG_TRIM *v = &record->values.LOG_TRIM;

    for (int64_t seq = v->floor - 1; seq > 0; seq--) {
        struct event_fact *event =
            ledger_change(&set->events, LEDGER_KEY(v->session, v->epoch, seq));
        if (event == NULL || event->lost) return;
        event->lost = true;
    }
}
