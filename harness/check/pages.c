/* Pages of the log: read one after another with the cursors they come with, they are the log. */
#include "harness/check/internal.h"

static struct reader_fact *reader_of(struct check_set *set, const struct record *record)
{
    return ledger_get(&set->readers, LEDGER_KEY(record->subject));
}

void check_page_call(struct check_set *set, const struct record *record)
{
    const struct record_values_PAGE_CALL *v = &record->values.PAGE_CALL;
    struct reader_fact *reader = reader_of(set, record);

    reader->epoch = v->epoch;
    reader->cursor = v->cursor;
    reader->stored = check_promised(set, v->session, check_core_of(set, record->subject));
    reader->count = reader->first = reader->last = reader->bytes = 0;
    reader->back = v->back != 0;
    reader->limit = v->limit;
}

void check_page_event(struct check_set *set, const struct record *record)
{
    const struct record_values_PAGE_EVENT *v = &record->values.PAGE_EVENT;
    struct reader_fact *reader = reader_of(set, record);
    const struct event_fact *event =
        ledger_find(&set->events, LEDGER_KEY(v->session, v->epoch, v->seq));
    const char *name = record_party_name(record->subject);

    if (reader->count > 0 && v->seq != reader->last + (reader->back ? -1 : 1))
        check_break(set, SCN_INVARIANT_PAGES_CONTINUE, record,
                    "%s read event %lld right after event %lld", name, (long long)v->seq,
                    (long long)reader->last);
    if (event == NULL || event->digest != v->digest || event->kind != v->kind)
        check_break(set, SCN_INVARIANT_PAGES_CONTINUE, record,
                    "%s read event %lld of session %s, a %s that was never stored there", name,
                    (long long)v->seq, record_text(v->session), record_text(v->kind));
    if (reader->count++ == 0) reader->first = v->seq;
    reader->last = v->seq;
    reader->bytes += event == NULL ? 0 : event->bytes;
}

static void judge_beginning(struct check_set *set, const struct record *record,
                            const struct reader_fact *reader)
{
    const struct record_values_PAGE *v = &record->values.PAGE;
    bool same_log = reader->epoch == 0 || reader->epoch == v->epoch;
    bool placed = reader->epoch != 0 && same_log && v->renewed == 0;
    int64_t due = placed ? reader->cursor + 1 : 1;

    if (!same_log && v->renewed == 0)
        check_break(set, SCN_INVARIANT_PAGES_CONTINUE, record,
                    "%s had a cursor of epoch %lld, read epoch %lld, and was not told",
                    record_party_name(record->subject), (long long)reader->epoch,
                    (long long)v->epoch);
    else if (reader->count > 0 && (reader->first < due || (reader->first > due && !v->trimmed)))
        check_break(set, SCN_INVARIANT_PAGES_CONTINUE, record,
                    "%s asked for what comes after event %lld, and its page begins with event %lld",
                    record_party_name(record->subject), (long long)due - 1,
                    (long long)reader->first);
}

/* A page of older events begins with the one below its cursor, or the newest, and tells what is
 * left: more below it, or nothing because it was trimmed. */
static void judge_older(struct check_set *set, const struct record *record,
                        const struct reader_fact *reader, const struct session_fact *session)
{
    const struct record_values_PAGE *v = &record->values.PAGE;
    const char *name = record_party_name(record->subject);
    bool same_log = reader->epoch == v->epoch && v->renewed == 0;
    bool numbered = session != NULL && session->epoch == v->epoch && !session->lossy;

    if (reader->count == 0 || (!same_log && !numbered)) return;
    int64_t due = same_log && reader->cursor > 0 ? reader->cursor - 1 : reader->stored;
    if (reader->first < due && due <= reader->stored && (!v->trimmed || !same_log))
        check_break(set, SCN_INVARIANT_PAGES_CONTINUE, record,
                    "%s asked for what comes before event %lld, and its page begins with event "
                    "%lld", name, (long long)due + 1, (long long)reader->first);
    if (!same_log) return;
    if (reader->cursor > 0 && reader->first >= reader->cursor)
        check_break(set, SCN_INVARIANT_PAGES_CONTINUE, record,
                    "%s asked for what comes before event %lld and got event %lld", name,
                    (long long)reader->cursor, (long long)reader->first);
    if (reader->last > 1 && v->more == 0 && v->trimmed == 0)
        check_break(set, SCN_INVARIANT_PAGES_CONTINUE, record,
                    "%s was told that nothing comes before event %lld, and not that it was trimmed",
                    name, (long long)reader->last);
}

/* A page that ends before its limit, and is not the last, has no room for one more. */
static void judge_room(struct check_set *set, const struct record *record,
                       const struct reader_fact *reader)
{
    const struct record_values_PAGE *v = &record->values.PAGE;
    int32_t core = check_core_of(set, record->subject);
    int64_t next = reader->last + (reader->back ? -1 : 1);
    const struct event_fact *event =
        ledger_find(&set->events, LEDGER_KEY(v->session, v->epoch, next));

    if (core < 0 || v->more == 0 || reader->count == 0 || reader->count >= reader->limit) return;
    if (event == NULL || event->lost) return;
    uint64_t bytes = (uint64_t)(reader->bytes + event->bytes);
    if (bytes <= set->policies[core].outbound_max_bytes)
        check_break(set, SCN_INVARIANT_PAGES_CONTINUE, record,
                    "%s asked for %lld events and got %lld, though event %lld had room as well",
                    record_party_name(record->subject), (long long)reader->limit,
                    (long long)reader->count, (long long)next);
}

/* What a page says of itself is no more than there is: neither that something follows, nor that
 * something is missing, nor that the log is another one. */
static void judge_claims(struct check_set *set, const struct record *record,
                         const struct reader_fact *reader, const struct session_fact *session)
{
    const struct record_values_PAGE *v = &record->values.PAGE;
    const char *name = record_party_name(record->subject);
    int64_t end = reader->back ? 1 : check_head_of(set, session->entry.key.at[0]);

    if (reader->limit > 0 && reader->count > reader->limit)
        check_break(set, SCN_INVARIANT_PAGES_CONTINUE, record,
                    "%s asked for %lld events at most and got %lld", name,
                    (long long)reader->limit, (long long)reader->count);
    if (v->more != 0 && (reader->back ? v->next <= end : v->next >= end))
        check_break(set, SCN_INVARIANT_PAGES_CONTINUE, record,
                    "%s was told that more comes %s event %lld, the %s there is", name,
                    reader->back ? "before" : "after", (long long)v->next,
                    reader->back ? "oldest" : "newest");
    if (v->more != 0 && reader->count == 0)
        check_break(set, SCN_INVARIANT_PAGES_CONTINUE, record,
                    "%s was told that more comes, and got an empty page", name);
    if (v->renewed != 0 && reader->epoch == v->epoch && reader->cursor <= reader->stored)
        check_break(set, SCN_INVARIANT_PAGES_CONTINUE, record,
                    "%s had the cursor %lld of this log, and was told that the log is another one",
                    name, (long long)reader->cursor);
    bool whole = reader->count > 0 && (reader->back ? reader->last == 1 : reader->first == 1);
    if (v->trimmed != 0 && whole)
        check_break(set, SCN_INVARIANT_PAGES_CONTINUE, record,
                    "%s has event 1, and was told that older ones are gone", name);
}

void check_page(struct check_set *set, const struct record *record)
{
    const struct record_values_PAGE *v = &record->values.PAGE;
    struct reader_fact *reader = reader_of(set, record);
    const struct session_fact *session = ledger_find(&set->sessions, LEDGER_KEY(v->session));
    const char *name = record_party_name(record->subject);

    check_exercise(set, SCN_INVARIANT_PAGES_CONTINUE);
    if (reader->back) judge_older(set, record, reader, session);
    else judge_beginning(set, record, reader);
    if (reader->count > 0 && v->next != reader->last)
        check_break(set, SCN_INVARIANT_PAGES_CONTINUE, record,
                    "the page of %s ends with event %lld, and the next one begins after event %lld",
                    name, (long long)reader->last, (long long)v->next);
    bool current = session != NULL && session->epoch == v->epoch;
    if (current && !session->lossy) judge_claims(set, record, reader, session);
    if (current && !session->lossy) judge_room(set, record, reader);
    if (current && !reader->back && v->more == 0 && v->next < reader->stored)
        check_break(set, SCN_INVARIANT_PAGES_CONTINUE, record,
                    "%s was told that nothing comes after event %lld, but event %lld was accepted "
                    "before", name, (long long)v->next, (long long)reader->stored);
}
