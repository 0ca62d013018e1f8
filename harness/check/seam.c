/* Where a replay ends and live delivery begins, and what heartbeats say of both.
 *
 * connection_ready names the head of the log: the replay is what leads up to it, and what comes
 * later comes later. What the replay leaves out is a gap or a loss, and judged as such. Connections
 * on which the network lost or reordered frames are not judged.
 */
#include "harness/check/internal.h"

static struct tab_fact *tab_of(struct check_set *set, const struct record *record)
{
    int32_t actor = check_actor_of(set, record->subject);
    return actor >= 0 ? &set->tabs[actor] : NULL;
}

/* Events cursor + 1 to head are to come, one by one. */
static void judge_length(struct check_set *set, const struct record *record, int64_t cursor,
                         int64_t head)
{
    int32_t core = check_core_of(set, record->subject);
    if (core < 0) return;
    uint64_t limit = set->policies[core].replay_max_events;

    check_exercise(set, SCN_INVARIANT_LIMITS_HOLD);
    if (head > cursor && (uint64_t)(head - cursor) > limit)
        check_break(set, SCN_INVARIANT_LIMITS_HOLD, record,
                    "%s is promised a replay of %lld events; %llu are allowed",
                    record_party_name(record->subject), (long long)(head - cursor),
                    (unsigned long long)limit);
}

void check_seam_begins(struct check_set *set, const struct record *record)
{
    const struct record_values_CLIENT_READY *v = &record->values.CLIENT_READY;
    struct tab_fact *tab = tab_of(set, record);
    if (tab == NULL) return;
    if (v->recovered != 0) judge_length(set, record, tab->hello_cursor, v->head);
    tab->head = v->head;
    tab->gap = 0;
    tab->live = false;
    tab->heard_head = tab->heard_sent = 0;
}

/* A slow tab is given a new beginning in the midst: the replay goes further now. */
void check_seam_moves(struct check_set *set, const struct record *record)
{
    const struct record_values_RESYNC *v = &record->values.RESYNC;
    struct tab_fact *tab = tab_of(set, record);
    if (tab == NULL) return;
    judge_length(set, record, v->to, v->head);
    if (v->head <= tab->head) return;
    check_moved_on(set, record, tab);
    tab->head = v->head;
}

void check_seam_ends(struct check_set *set, const struct record *record)
{
    struct tab_fact *tab = tab_of(set, record);
    if (tab == NULL || tab->live) return;
    if (record->values.CLIENT_RECV.kind != set->names.state_replay_complete) return;
    tab->live = true;
    if (tab->disturbed) return;
    check_exercise(set, SCN_INVARIANT_REPLAY_MEETS_LIVE);
    if (tab->newest > tab->head)
        check_break(set, SCN_INVARIANT_REPLAY_MEETS_LIVE, record,
                    "event %lld came to %s within the replay up to event %lld",
                    (long long)tab->newest, record_party_name(record->subject),
                    (long long)tab->head);
}

/* --- what heartbeats tell --- */

void check_heartbeat(struct check_set *set, const struct record *record)
{
    const struct record_values_HEARTBEAT *v = &record->values.HEARTBEAT;
    struct tab_fact *tab = tab_of(set, record);
    if (tab == NULL || tab->ready != v->conn || tab->disturbed) return;

    const struct session_fact *session = ledger_find(&set->sessions, LEDGER_KEY(tab->session));
    const char *name = record_party_name(record->subject);
    int64_t head = check_head_of(set, tab->session);
    check_exercise(set, SCN_INVARIANT_CURSORS_ONLY_GROW);
    if (v->head < tab->heard_head || v->sent < tab->heard_sent)
        check_break(set, SCN_INVARIANT_CURSORS_ONLY_GROW, record,
                    "a heartbeat told %s head %lld and sent %lld, after head %lld and sent %lld",
                    name, (long long)v->head, (long long)v->sent, (long long)tab->heard_head,
                    (long long)tab->heard_sent);
    if (session != NULL && tab->epoch == session->epoch && v->head > head)
        check_break(set, SCN_INVARIANT_CURSORS_ONLY_GROW, record,
                    "a heartbeat told %s head %lld, and the store holds %lld events", name,
                    (long long)v->head, (long long)head);
    if (v->sent >= tab->next)
        check_break(set, SCN_INVARIANT_CURSORS_ONLY_GROW, record,
                    "a heartbeat told %s that event %lld was sent, and it was given %lld", name,
                    (long long)v->sent, (long long)tab->next - 1);
    tab->heard_head = v->head;
    tab->heard_sent = v->sent;
}

void check_applied(struct check_set *set, const struct record *record)
{
    struct tab_fact *tab = tab_of(set, record);
    if (tab != NULL) tab->applied = record->values.CLIENT_APPLY.seq;
}
