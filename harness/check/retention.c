/* What a core may tell a tab to do without: nothing goes but by retention.
 *
 * A core that is told of a gap is excused only if the log had grown past the event. The limits are
 * those of the scenario; how far the log had grown is what the store was given, which is never
 * less than what the core knew.
 */
#include "harness/check/internal.h"

/* The newest event of from..to that the tab does not have; the store may have lost the rest. */
static const struct event_fact *newest_missing(const struct check_set *set, uint16_t party,
                                               const struct tab_fact *tab, int64_t epoch,
                                               int64_t from, int64_t to)
{
    for (int64_t seq = to; seq >= from; seq--) {
        const struct event_fact *event =
            ledger_find(&set->events, LEDGER_KEY(tab->session, epoch, seq));
        if (event == NULL || event->lost) continue;
        if (!check_has_event(set, party, tab, epoch, seq)) return event;
    }
    return NULL;
}

/* Bytes of the events seq..head, that of seq included: the limit is passed with it. */
static uint64_t bytes_from(const struct check_set *set, int64_t session, int64_t epoch,
                           int64_t seq, int64_t head)
{
    uint64_t bytes = 0;

    for (; seq <= head; seq++) {
        const struct event_fact *event =
            ledger_find(&set->events, LEDGER_KEY(session, epoch, seq));
        if (event != NULL) bytes += (uint64_t)event->bytes;
    }
    return bytes;
}

void check_left_out(struct check_set *set, const struct record *record, const struct tab_fact *tab,
                    int64_t epoch, int64_t from, int64_t to)
{
    const struct session_fact *session = ledger_find(&set->sessions, LEDGER_KEY(tab->session));
    if (session == NULL) return;
    int64_t head = check_head_of(set, tab->session);
    if (to > head) to = head;
    const struct event_fact *event =
        newest_missing(set, record->subject, tab, epoch, from, to);
    if (event == NULL) return;

    const struct retention *kept = &set->retention[check_core_of(set, record->subject)];
    int64_t seq = event->entry.key.at[2];
    uint64_t newest = (uint64_t)(head - seq) + 1;
    if (newest > kept->events) return;
    if (bytes_from(set, tab->session, epoch, seq, head) > kept->bytes) return;
    check_break(set, SCN_INVARIANT_NO_LOST_EVENTS, record,
                "%s was told to do without event %lld of session %s (a %s%s), one of the newest "
                "%llu where %llu are kept", record_party_name(record->subject), (long long)seq,
                record_text(tab->session), record_text(event->kind),
                check_acceptor(set, &event->entry.key),
                (unsigned long long)newest, (unsigned long long)kept->events);
}

/* --- in the midst of a connection --- */

/* Whoever reads is moved on because the log has gone past what comes next, or because too much has
 * come behind the replay; the replay itself makes nobody slow, however long it is. */
void check_moved_on(struct check_set *set, const struct record *record, const struct tab_fact *tab)
{
    const struct record_values_RESYNC *v = &record->values.RESYNC;
    int32_t core = check_core_of(set, record->subject);

    if (core < 0 || tab->gap == 0 || tab->disturbed || set->outside) return;
    if (check_is_configured(set)) return;
    const struct retention *kept = &set->retention[core];
    uint64_t limit = set->policies[core].outbound_max_bytes;
    int64_t live = tab->head >= tab->gap ? tab->head + 1 : tab->gap;
    uint64_t waiting = bytes_from(set, tab->session, v->epoch, live, v->head);

    if ((uint64_t)(v->head - tab->gap) + 1 > kept->log_events) return;
    if (bytes_from(set, tab->session, v->epoch, tab->gap, v->head) > kept->log_bytes) return;
    if (waiting > limit) return;
    check_break(set, SCN_INVARIANT_NO_LOST_EVENTS, record,
                "%s was moved on past event %lld, though only %llu bytes waited behind its replay "
                "where %llu may, and the log had that event", record_party_name(record->subject),
                (long long)tab->gap, (unsigned long long)waiting, (unsigned long long)limit);
}
