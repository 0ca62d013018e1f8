/* A session as it would be with a single thread, and its clients: what the log says of runs and
 * questions, one event after another, against what tabs were told and what agents do.
 *
 * The model is fed by what the store was given, a client by what it received. In the end a tab that
 * is connected stands at the head of the log, and knows of each run what the log says; and the log
 * says of a run that it is at work exactly if an agent works on it. On the way no event may be one
 * that a single thread would not write: a state after the last one, an outcome of what was not
 * asked, a run that ends before its questions.
 */
#include "harness/check/internal.h"

enum what { WHAT_RUN, WHAT_PROMPT };

static struct item_fact *item_at(struct check_set *set, int64_t session, int64_t epoch,
                                 enum what what, int64_t number)
{
    return ledger_get(&set->items, LEDGER_KEY(session, epoch, what, number));
}

static bool is_terminal(const struct check_names *names, int64_t state)
{
    return state == names->completed || state == names->failed || state == names->cancelled ||
           state == names->interrupted;
}

/* --- the model --- */

static void judge_run(struct check_set *set, const struct record *record,
                      const struct item_fact *item)
{
    const struct record_values_LOG_SAYS *v = &record->values.LOG_SAYS;
    const struct check_names *names = &set->names;
    bool back = item->state == names->running && v->state != names->running &&
                !is_terminal(names, v->state);

    if (item->state == 0 || item->state == v->state) return;
    if (is_terminal(names, item->state) || back)
        check_break(set, SCN_INVARIANT_MODEL_AGREES, record,
                    "event %lld of session %s makes run %lld %s, which was %s", (long long)v->seq,
                    record_text(v->session), (long long)v->run, record_text(v->state),
                    record_text(item->state));
}

/* A run ends after its questions. */
static void judge_questions(struct check_set *set, const struct record *record)
{
    const struct record_values_LOG_SAYS *v = &record->values.LOG_SAYS;

    for (uint32_t i = 0; i < set->items.count; i++) {
        const struct item_fact *item = ledger_at(&set->items, i);
        const int64_t *at = item->entry.key.at;
        if (at[0] != v->session || at[1] != v->epoch || at[2] != WHAT_PROMPT) continue;
        if (item->run != v->run || item->state != 0) continue;
        check_break(set, SCN_INVARIANT_MODEL_AGREES, record,
                    "event %lld of session %s ends run %lld, whose question %lld is open",
                    (long long)v->seq, record_text(v->session), (long long)v->run,
                    (long long)at[3]);
    }
}

static void judge_prompt(struct check_set *set, const struct record *record,
                         const struct item_fact *item)
{
    const struct record_values_LOG_SAYS *v = &record->values.LOG_SAYS;

    if (item->seq == 0 && v->outcome != 0)
        check_break(set, SCN_INVARIANT_MODEL_AGREES, record,
                    "event %lld of session %s closes question %lld, which nobody asked",
                    (long long)v->seq, record_text(v->session), (long long)v->prompt);
    else if (item->seq != 0 && item->state != 0 && item->state != v->outcome)
        check_break(set, SCN_INVARIANT_MODEL_AGREES, record,
                    "event %lld of session %s makes question %lld %s, which was %s",
                    (long long)v->seq, record_text(v->session), (long long)v->prompt,
                    v->outcome == 0 ? "open" : record_text(v->outcome), record_text(item->state));
}

/* One event more. What began before an event that the store lost is not judged. */
static void fold(struct check_set *set, const struct record *record, bool judged)
{
    const struct record_values_LOG_SAYS *v = &record->values.LOG_SAYS;
    bool run = v->prompt == 0;
    struct item_fact *item = item_at(set, v->session, v->epoch, run ? WHAT_RUN : WHAT_PROMPT,
                                     run ? v->run : v->prompt);

    if (judged && run) judge_run(set, record, item);
    if (judged && run && is_terminal(&set->names, v->state)) judge_questions(set, record);
    if (judged && !run) judge_prompt(set, record, item);
    item->state = run ? v->state : v->outcome;
    item->seq = v->seq;
    item->run = v->run;
}

void check_log_says(struct check_set *set, const struct record *record)
{
    const struct record_values_LOG_SAYS *v = &record->values.LOG_SAYS;
    struct says_fact *says = ledger_get(&set->says, LEDGER_KEY(v->session, v->epoch, v->seq));
    const struct session_fact *session = ledger_find(&set->sessions, LEDGER_KEY(v->session));

    check_exercise(set, SCN_INVARIANT_MODEL_AGREES);
    says->said = *v;
    fold(set, record, session != NULL && !session->lossy);
}

/* What a core needs to know when it opens the stream again: a run that has not ended, an open
 * question. Whoever looks from outside learns of both at once, in whatever order. */
void check_model_trimmed(struct check_set *set, const struct record *record)
{
    const struct record_values_LOG_TRIM *v = &record->values.LOG_TRIM;
    const struct session_fact *session = ledger_find(&set->sessions, LEDGER_KEY(v->session));

    if (set->outside || session == NULL || session->lossy) return;
    for (uint32_t i = 0; i < set->items.count; i++) {
        const struct item_fact *item = ledger_at(&set->items, i);
        const int64_t *at = item->entry.key.at;
        bool run = at[2] == WHAT_RUN;
        bool over = run ? is_terminal(&set->names, item->state) : item->state != 0;
        if (at[0] != v->session || at[1] != v->epoch || over || item->seq >= v->floor) continue;
        check_break(set, SCN_INVARIANT_MODEL_AGREES, record,
                    "what session %s stores begins with event %lld now, and event %lld is all "
                    "that says that %s %lld is open", record_text(v->session), (long long)v->floor,
                    (long long)item->seq, run ? "run" : "question", (long long)at[3]);
    }
}

void check_model_begins_anew(struct check_set *set, const struct record *record, int64_t before)
{
    const struct record_values_STORE_OPEN *v = &record->values.STORE_OPEN;

    for (int64_t seq = v->floor; seq <= v->head; seq++) {
        const struct says_fact *old = ledger_find(&set->says, LEDGER_KEY(v->session, before, seq));
        if (old == NULL) continue;
        struct record again = { .values.LOG_SAYS = old->said };
        again.values.LOG_SAYS.epoch = v->epoch;
        struct says_fact *says =
            ledger_get(&set->says, LEDGER_KEY(v->session, v->epoch, seq));
        says->said = again.values.LOG_SAYS;
        fold(set, &again, false);
    }
}

/* --- the clients --- */

/* What a page knows, by (tab and page, epoch, what, number). */
static struct ledger_key view_key(const struct check_set *set, int32_t actor, enum what what,
                                  int64_t number)
{
    const struct tab_fact *tab = &set->tabs[actor];
    return LEDGER_KEY(actor + tab->incarnation * SCN_ACTORS_MAX, tab->epoch, what, number);
}

void check_client_told(struct check_set *set, const struct record *record)
{
    const struct record_values_CLIENT_TOLD *v = &record->values.CLIENT_TOLD;
    int32_t actor = check_actor_of(set, record->subject);
    bool run = v->prompt == 0;
    if (actor < 0) return;
    struct item_fact *view =
        ledger_get(&set->views, view_key(set, actor, run ? WHAT_RUN : WHAT_PROMPT,
                                         run ? v->run : v->prompt));
    if (view->seq > v->seq && v->seq != 0) return;
    view->state = run ? v->state : v->outcome;
    if (v->seq != 0) view->seq = v->seq;
}

void check_cursor_moves(struct check_set *set, const struct record *record, int64_t to)
{
    int32_t actor = check_actor_of(set, record->subject);
    if (actor >= 0 && to > set->tabs[actor].cursor) set->tabs[actor].cursor = to;
}

/* --- in the end --- */

/* The newest event; or the newest that the store has kept, which nobody may be without. */
static int64_t head_of(const struct check_set *set, int64_t session, int64_t epoch, bool kept)
{
    int64_t head = 0;

    for (uint32_t i = 0; i < set->events.count; i++) {
        const struct event_fact *event = ledger_at(&set->events, i);
        const int64_t *at = event->entry.key.at;
        if (at[0] != session || at[1] != epoch || (kept && event->lost)) continue;
        if (at[2] > head) head = at[2];
    }
    return head;
}

static void judge_cursor(struct check_set *set, uint32_t actor)
{
    const struct tab_fact *tab = &set->tabs[actor];
    int64_t head = head_of(set, tab->session, tab->epoch, false);

    if (tab->cursor > head || tab->cursor < head_of(set, tab->session, tab->epoch, true))
        check_break(set, SCN_INVARIANT_MODEL_AGREES, NULL,
                    "%s stands at event %lld of session %s, whose head is %lld",
                    record_party_name((uint16_t)(PARTY_ACTOR + actor)), (long long)tab->cursor,
                    record_text(tab->session), (long long)head);
}

/* The store keeps it: a core that reads the log knows. */
static bool is_kept(const struct check_set *set, const struct item_fact *item)
{
    const int64_t *at = item->entry.key.at;
    const struct event_fact *event =
        ledger_find(&set->events, LEDGER_KEY(at[0], at[1], item->seq));
    return event != NULL && !event->lost;
}

static void judge_run_view(struct check_set *set, uint16_t party, const struct item_fact *item,
                           const struct item_fact *view)
{
    const char *name = record_party_name(party);
    const char *session = record_text(item->entry.key.at[0]);
    long long run = (long long)item->entry.key.at[3];

    if (view == NULL && !is_terminal(&set->names, item->state))
        check_break(set, SCN_INVARIANT_MODEL_AGREES, NULL,
                    "%s was not told of run %lld of session %s, which is %s", name, run, session,
                    record_text(item->state));
    if (view != NULL && view->state != item->state)
        check_break(set, SCN_INVARIANT_MODEL_AGREES, NULL,
                    "%s takes run %lld of session %s for %s, and the log says %s", name, run,
                    session, record_text(view->state), record_text(item->state));
}

static void judge_prompt_view(struct check_set *set, uint16_t party, const struct item_fact *item,
                              const struct item_fact *view)
{
    const char *name = record_party_name(party);
    const char *session = record_text(item->entry.key.at[0]);
    bool open = item->state == 0, shown = view != NULL && view->state == 0;

    if (open != shown && (open || view != NULL))
        check_break(set, SCN_INVARIANT_MODEL_AGREES, NULL,
                    "%s takes question %lld of session %s for %s, and the log says %s", name,
                    (long long)item->entry.key.at[3], session,
                    shown ? "open" : "closed", open ? "open" : record_text(item->state));
}

static void judge_view(struct check_set *set, uint32_t actor, const struct item_fact *item)
{
    enum what what = (enum what)item->entry.key.at[2];
    const struct item_fact *view =
        ledger_find(&set->views, view_key(set, (int32_t)actor, what, item->entry.key.at[3]));
    uint16_t party = (uint16_t)(PARTY_ACTOR + actor);

    if (!is_kept(set, item)) return;
    if (what == WHAT_RUN)
        judge_run_view(set, party, item, view);
    else if (!set->tabs[actor].left_out)
        judge_prompt_view(set, party, item, view);
}

/* Whether an agent works on the run, in a life that goes on. */
static bool is_at_work(const struct check_set *set, const struct item_fact *item)
{
    const int64_t *at = item->entry.key.at;

    for (uint32_t i = 0; i < set->agents.count; i++) {
        const struct agent_fact *agent = ledger_at(&set->agents, i);
        int32_t core = check_core_of(set, (uint16_t)agent->entry.key.at[0]);
        if (core < 0 || set->down[core] || agent->life != set->lives[core]) continue;
        if (agent->session == at[0] && agent->run == at[3]) return true;
    }
    return false;
}

static void judge_work(struct check_set *set, const struct item_fact *item)
{
    if (item->state != set->names.running || is_at_work(set, item)) return;
    check_break(set, SCN_INVARIANT_MODEL_AGREES, NULL,
                "the log says that run %lld of session %s is at work, and nobody works on it",
                (long long)item->entry.key.at[3], record_text(item->entry.key.at[0]));
}

static uint64_t runs_of(const struct check_set *set, int64_t session, int64_t epoch)
{
    uint64_t count = 0;

    for (uint32_t i = 0; i < set->items.count; i++) {
        const struct item_fact *item = ledger_at(&set->items, i);
        const int64_t *at = item->entry.key.at;
        count += at[0] == session && at[1] == epoch && at[2] == WHAT_RUN;
    }
    return count;
}

/* A core remembers so many ended runs, and a client that fell behind is left with less. */
static void judge_tab(struct check_set *set, uint32_t actor)
{
    const struct tab_fact *tab = &set->tabs[actor];
    uint64_t known = set->policies[set->file->actors[actor].core].max_runs_per_session;

    judge_cursor(set, actor);
    if (tab->fell_behind || runs_of(set, tab->session, tab->epoch) > known) return;
    for (uint32_t i = 0; i < set->items.count; i++) {
        const struct item_fact *item = ledger_at(&set->items, i);
        const int64_t *at = item->entry.key.at;
        if (at[0] != tab->session || at[1] != tab->epoch) continue;
        judge_view(set, actor, item);
        if (at[2] == WHAT_RUN) judge_work(set, item);
    }
}

/* Somebody is connected, so a core has the session, and has read it. */
void check_model_agrees(struct check_set *set)
{
    for (uint32_t i = 0; i < set->file->actor_count; i++) {
        const struct tab_fact *tab = &set->tabs[i];
        const struct scn_actor *who = &set->file->actors[i];
        if (who->kind != SCN_ACTOR_TAB || tab->ready == 0 || set->down[who->core]) continue;
        const struct session_fact *session =
            ledger_find(&set->sessions, LEDGER_KEY(tab->session));
        if (session == NULL || session->epoch != tab->epoch) continue;
        judge_tab(set, i);
    }
}
