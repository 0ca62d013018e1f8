/* What tabs receive: no event lost, twice, out of order, left out, invented, or of somebody else.
 *
 * The network of a scenario may lose and reorder frames, which is not the core's doing. Frames are
 * numbered: where numbers are missing at a tab, the order on that connection is judged only by what
 * the core gave to the transport.
 */
#include "harness/check/internal.h"
#include "session_types.h"

static struct tab_fact *tab_of(struct check_set *set, const struct record *record)
{
    int32_t actor = check_actor_of(set, record->subject);
    return actor >= 0 ? &set->tabs[actor] : NULL;
}

static struct ledger_key arrival_key(const struct record *record, const struct tab_fact *tab,
                                     int64_t epoch, int64_t seq)
{
    return LEDGER_KEY(record->subject, tab->incarnation, epoch, seq);
}

static const char *name_of(const struct record *record)
{
    return record_party_name(record->subject);
}

/* --- sockets and handshakes --- */

void check_client_open(struct check_set *set, const struct record *record)
{
    struct tab_fact *tab = tab_of(set, record);
    if (tab == NULL) return;
    tab->conn = record->values.CLIENT_OPEN.conn;
    if (tab->session == 0) tab->session = record->values.CLIENT_OPEN.session;
    tab->ready = tab->frame = tab->newest = 0;
    tab->disturbed = tab->wants_back = false;
    tab->opened = true;
    check_silence_begins(set, record);
}

void check_client_fresh(struct check_set *set, const struct record *record)
{
    struct tab_fact *tab = tab_of(set, record);
    if (tab == NULL) return;
    tab->incarnation++;
    tab->known = tab->next = tab->epoch = 0;
    tab->left_out = false;
    tab->cursor = 0;
}

void check_client_hello(struct check_set *set, const struct record *record)
{
    struct tab_fact *tab = tab_of(set, record);
    if (tab == NULL) return;
    tab->hello = record->number;
    tab->hello_epoch = record->values.CLIENT_HELLO.epoch;
    tab->hello_cursor = record->values.CLIENT_HELLO.cursor;
}

/* The core may send a tab away for good; every other end of a socket is an accident. */
static bool sent_away(int64_t code)
{
    return code == CORE_CLOSE_NORMAL || code == CORE_CLOSE_DRAINING ||
           code == CORE_CLOSE_REFUSED || code == CORE_CLOSE_TAKEN_OVER ||
           code == CORE_CLOSE_EXCESS || code == CORE_CLOSE_MOVED;
}

void check_client_offline(struct check_set *set, const struct record *record)
{
    const struct record_values_CLIENT_OFFLINE *v = &record->values.CLIENT_OFFLINE;
    struct tab_fact *tab = tab_of(set, record);
    if (tab == NULL) return;
    tab->conn = tab->ready = 0;
    tab->wants_back = v->why != set->names.closed && !sent_away(v->code);
}

/* Whose session it is: what the file says of its agents, otherwise the first user let in. */
static int64_t user_of_session(const struct check_set *set, int64_t session)
{
    for (uint32_t i = 0; i < set->file->actor_count; i++) {
        if (set->file->actors[i].kind == SCN_ACTOR_TAB) continue;
        if (set->session_words[i] == session && set->users[i] != 0) return set->users[i];
    }
    return 0;
}

static void judge_access(struct check_set *set, const struct record *record)
{
    int64_t session = record->values.CLIENT_READY.session;
    int32_t actor = check_actor_of(set, record->subject);
    const struct viewer_fact *known = ledger_find(&set->viewers, LEDGER_KEY(session));
    int64_t user = known == NULL ? 0 : known->user;

    if (set->session_words[actor] != 0 && set->session_words[actor] != session) {
        check_break(set, SCN_INVARIANT_ISOLATION, record,
                    "%s belongs to session %s and was attached to %s", name_of(record),
                    record_text(set->session_words[actor]), record_text(session));
        return;
    }
    if (user == 0) user = user_of_session(set, session);
    if (user == 0) user = set->users[actor];
    if (known == NULL || known->user != user) {
        struct viewer_fact *fact = ledger_get(&set->viewers, LEDGER_KEY(session));
        fact->user = user;
    }
    if (set->users[actor] != 0 && user != set->users[actor])
        check_break(set, SCN_INVARIANT_ISOLATION, record,
                    "%s, a tab of %s, was attached to session %s of %s", name_of(record),
                    record_text(set->users[actor]), record_text(session), record_text(user));
}

/* A cursor is only accepted where the log still continues it. */
static void judge_recovery(struct check_set *set, const struct record *record,
                           const struct tab_fact *tab)
{
    const struct record_values_CLIENT_READY *v = &record->values.CLIENT_READY;

    if (tab->hello_epoch == 0) return;
    if (tab->hello_epoch != v->epoch)
        check_break(set, SCN_INVARIANT_NO_SILENT_GAP, record,
                    "%s was told that it is recovered, but its cursor is of epoch %lld and the log "
                    "of epoch %lld", name_of(record), (long long)tab->hello_epoch,
                    (long long)v->epoch);
    else if (tab->hello_cursor + 1 < v->floor || tab->hello_cursor > v->head)
        check_break(set, SCN_INVARIANT_NO_SILENT_GAP, record,
                    "%s was told that it is recovered from cursor %lld, but the log holds %lld to "
                    "%lld", name_of(record), (long long)tab->hello_cursor, (long long)v->floor,
                    (long long)v->head);
}

void check_client_ready(struct check_set *set, const struct record *record)
{
    const struct record_values_CLIENT_READY *v = &record->values.CLIENT_READY;
    struct tab_fact *tab = tab_of(set, record);
    if (tab == NULL) return;

    judge_access(set, record);
    if (v->recovered != 0) judge_recovery(set, record, tab);
    if (tab->epoch != v->epoch || tab->session != v->session) tab->known = tab->cursor = 0;
    tab->fell_behind = false;
    if (v->cursor_epoch == v->epoch) tab->cursor = v->cursor;
    tab->session = v->session;
    tab->epoch = v->epoch;
    tab->ready = v->conn;
    tab->newest = 0;
    /* The core begins after the cursor of the hello, or after nothing; else it has to tell. */
    bool same_log = tab->hello_epoch == v->epoch && tab->hello_cursor <= v->head;
    /* The cursor is that of another page, which was given what this one was not. */
    if (same_log && tab->hello_cursor >= tab->next) tab->left_out = true;
    tab->next = same_log ? tab->hello_cursor + 1 : 1;
    if (v->recovered != 0 && same_log && tab->hello_cursor > tab->known)
        tab->known = tab->hello_cursor;
}

/* --- notices --- */

void check_resync(struct check_set *set, const struct record *record)
{
    const struct record_values_RESYNC *v = &record->values.RESYNC;
    struct tab_fact *tab = tab_of(set, record);
    if (tab == NULL) return;
    check_left_out(set, record, tab, v->epoch, v->from, v->to);
    /* The state up to `to` is given; what comes after it follows, even if it had come before. */
    tab->resync = record->number;
    tab->left_out = true;
    tab->resync_to = v->to;
    tab->next = v->to + 1;
    tab->newest = 0;
    if (v->to > tab->known) tab->known = v->to;
    tab->cursor = v->to;
}

void check_gap_told(struct check_set *set, const struct record *record)
{
    const struct record_values_GAP_TOLD *v = &record->values.GAP_TOLD;
    struct tab_fact *tab = tab_of(set, record);
    if (tab == NULL) return;
    check_left_out(set, record, tab, v->epoch, v->from, v->to);
    tab->left_out = true;
    tab->gap = v->from;
    tab->fell_behind = tab->fell_behind || tab->live;
    check_cursor_moves(set, record, v->to);
    if (v->from <= tab->next && v->to >= tab->next) tab->next = v->to + 1;
    for (int64_t seq = v->from; seq <= v->to; seq++) {
        if (ledger_find(&set->events, LEDGER_KEY(tab->session, v->epoch, seq)) == NULL) continue;
        struct arrival_fact *arrival =
            ledger_get(&set->arrivals, arrival_key(record, tab, v->epoch, seq));
        arrival->told = true;
    }
}

/* --- what the core hands out --- */

void check_core_send(struct check_set *set, const struct record *record)
{
    const struct record_values_CORE_SEND *v = &record->values.CORE_SEND;
    struct tab_fact *tab = tab_of(set, record);
    if (tab == NULL) return;

    if (v->conn != tab->sent_conn) tab->sent_seq = 0;
    tab->sent_conn = v->conn;
    if (v->kind == set->names.gap || v->kind == set->names.initial_state) tab->sent_notice = true;
    if (v->seq == 0) return;

    int64_t before = tab->sent_seq;
    bool notice = tab->sent_notice;
    tab->sent_seq = v->seq;
    tab->sent_notice = false;
    if (before == 0) return;
    if (v->seq == before)
        check_break(set, SCN_INVARIANT_NO_DUPLICATE_EVENTS, record,
                    "event %lld went out to %s twice on one connection", (long long)v->seq,
                    name_of(record));
    else if (v->seq < before && !notice)
        check_break(set, SCN_INVARIANT_EVENTS_IN_ORDER, record,
                    "event %lld went out to %s after event %lld", (long long)v->seq,
                    name_of(record), (long long)before);
    else if (v->seq > before + 1 && !notice)
        check_break(set, SCN_INVARIANT_NO_SILENT_GAP, record,
                    "event %lld went out to %s right after event %lld, and nobody told it of a gap",
                    (long long)v->seq, name_of(record), (long long)before);
}

/* --- what arrives --- */

void check_client_recv(struct check_set *set, const struct record *record)
{
    const struct record_values_CLIENT_RECV *v = &record->values.CLIENT_RECV;
    struct tab_fact *tab = tab_of(set, record);
    if (tab == NULL) return;

    /* A page of the log is one frame with many events. */
    if (v->frame != tab->frame && v->frame != tab->frame + 1) tab->disturbed = true;
    tab->frame = v->frame;
    if (v->kind == set->names.run_state) check_run_told(set, record);
    if (v->kind == set->names.prompt_closed) check_prompt_closed(set, record);
}

/* Another session that holds this content while this one does not, or 0. */
static int64_t session_holding(const struct check_set *set, int64_t session, int64_t digest,
                               int64_t kind)
{
    if (ledger_find(&set->contents, LEDGER_KEY(session, digest, kind)) != NULL) return 0;
    for (uint32_t i = 0; i < set->contents.count; i++) {
        const struct content_fact *content = ledger_at(&set->contents, i);
        const int64_t *at = content->entry.key.at;
        if (at[1] == digest && at[2] == kind) return at[0];
    }
    return 0;
}

static void judge_content(struct check_set *set, const struct record *record)
{
    const struct record_values_CLIENT_APPLY *v = &record->values.CLIENT_APPLY;
    const struct event_fact *event =
        ledger_find(&set->events, LEDGER_KEY(v->session, v->epoch, v->seq));

    if (event != NULL && event->digest == v->digest && event->kind == v->kind) return;
    int64_t other = session_holding(set, v->session, v->digest, v->kind);
    if (other != 0)
        check_break(set, SCN_INVARIANT_ISOLATION, record,
                    "%s, attached to session %s, was given a %s of session %s as event %lld",
                    name_of(record), record_text(v->session), record_text(v->kind),
                    record_text(other), (long long)v->seq);
    else
        check_break(set, SCN_INVARIANT_NO_PHANTOM_EVENTS, record,
                    event == NULL
                        ? "%s applied event %lld of session %s, a %s that was never stored"
                        : "%s applied event %lld of session %s with other content than was stored "
                          "(a %s)",
                    name_of(record), (long long)v->seq, record_text(v->session),
                    record_text(v->kind));
}

/* Whoever says hello with an older cursor, or is told to begin anew, asked for the event again. */
static bool asked_again(const struct tab_fact *tab, const struct arrival_fact *arrival,
                        int64_t epoch, int64_t seq)
{
    if (tab->hello > arrival->applied &&
        (tab->hello_epoch != epoch || tab->hello_cursor < seq)) return true;
    return tab->resync > arrival->applied && seq > tab->resync_to;
}

static void judge_order(struct check_set *set, const struct record *record,
                        const struct tab_fact *tab)
{
    long long seq = (long long)record->values.CLIENT_APPLY.seq;

    if (seq < tab->newest)
        check_break(set, SCN_INVARIANT_EVENTS_IN_ORDER, record,
                    "%s applied event %lld after event %lld", name_of(record), seq,
                    (long long)tab->newest);
    else if (seq > tab->next)
        check_break(set, SCN_INVARIANT_NO_SILENT_GAP, record,
                    "%s applied event %lld where %lld was due, and nobody told it of a gap",
                    name_of(record), seq, (long long)tab->next);
}

static void exercise_delivery(struct check_set *set, const struct tab_fact *tab)
{
    static const enum scn_invariant all[] = {
        SCN_INVARIANT_NO_LOST_EVENTS, SCN_INVARIANT_NO_DUPLICATE_EVENTS,
        SCN_INVARIANT_NO_SILENT_GAP, SCN_INVARIANT_NO_PHANTOM_EVENTS, SCN_INVARIANT_ISOLATION };

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) check_exercise(set, all[i]);
    if (tab->newest != 0) check_exercise(set, SCN_INVARIANT_EVENTS_IN_ORDER);
}

void check_client_apply(struct check_set *set, const struct record *record)
{
    const struct record_values_CLIENT_APPLY *v = &record->values.CLIENT_APPLY;
    struct tab_fact *tab = tab_of(set, record);
    if (tab == NULL) return;

    exercise_delivery(set, tab);
    if (tab->ready == 0)
        check_break(set, SCN_INVARIANT_ISOLATION, record,
                    "%s was given event %lld before its handshake was accepted", name_of(record),
                    (long long)v->seq);
    judge_content(set, record);
    struct arrival_fact *arrival =
        ledger_get(&set->arrivals, arrival_key(record, tab, v->epoch, v->seq));
    if (tab->disturbed)
        arrival->applied = record->number;
    else if (arrival->applied != 0 && !asked_again(tab, arrival, v->epoch, v->seq))
        check_break(set, SCN_INVARIANT_NO_DUPLICATE_EVENTS, record,
                    "%s applied event %lld of session %s (a %s) twice", name_of(record),
                    (long long)v->seq, record_text(v->session), record_text(v->kind));
    else
        judge_order(set, record, tab);
    arrival->applied = record->number;
    check_cursor_moves(set, record, v->seq);
    if (v->seq > tab->newest) tab->newest = v->seq;
    if (v->seq + 1 > tab->next) tab->next = v->seq + 1;
}

/* --- at the end of the calm --- */

/* A tab that is connected, or would be if the core let it, has a claim on every event. */
static bool has_claim(const struct check_set *set, uint32_t actor)
{
    const struct tab_fact *tab = &set->tabs[actor];
    const struct scn_actor *who = &set->file->actors[actor];

    if (who->kind != SCN_ACTOR_TAB || !tab->opened || set->down[who->core]) return false;
    return tab->conn != 0 || (tab->wants_back && scn_attrs_find(&who->attrs, "reconnect") != NULL);
}

bool check_has_event(const struct check_set *set, uint16_t party, const struct tab_fact *tab,
                     int64_t epoch, int64_t seq)
{
    const struct arrival_fact *arrival =
        ledger_find(&set->arrivals, LEDGER_KEY(party, tab->incarnation, epoch, seq));

    if (arrival != NULL && (arrival->applied != 0 || arrival->told)) return true;
    return tab->epoch == epoch && seq <= tab->known;
}

static void judge_tab(struct check_set *set, uint32_t actor)
{
    const struct tab_fact *tab = &set->tabs[actor];
    uint16_t party = (uint16_t)(PARTY_ACTOR + actor);
    int64_t session = tab->session != 0 ? tab->session : set->session_words[actor];
    const struct session_fact *fact = ledger_find(&set->sessions, LEDGER_KEY(session));

    for (uint32_t i = 0; fact != NULL && i < set->events.count; i++) {
        const struct event_fact *event = ledger_at(&set->events, i);
        const int64_t *at = event->entry.key.at;
        if (at[0] != session || at[1] != fact->epoch || event->lost) continue;
        if (check_has_event(set, party, tab, at[1], at[2])) continue;
        check_break(set, SCN_INVARIANT_NO_LOST_EVENTS, NULL,
                    "event %lld of session %s (a %s%s) never reached %s%s", (long long)at[2],
                    record_text(session), record_text(event->kind),
                    check_acceptor(set, &event->entry.key),
                    record_party_name(party),
                    tab->ready != 0 ? "" : ", which could not come back");
    }
}

void check_delivered(struct check_set *set)
{
    for (uint32_t i = 0; i < set->file->actor_count; i++)
        if (has_claim(set, i)) judge_tab(set, i);
}
