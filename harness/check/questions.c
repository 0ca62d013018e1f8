/* Questions at the tabs: in the end each one that is connected shows those that are open, and no
 * other. What a tab was told to do without may have been the end of one. */
#include "harness/check/internal.h"

static struct shown_fact *shown_at(struct check_set *set, uint16_t party, int64_t id)
{
    int32_t actor = check_actor_of(set, party);
    int64_t page = actor < 0 ? 0 : set->tabs[actor].incarnation;
    int64_t epoch = actor < 0 ? 0 : set->tabs[actor].epoch;
    return ledger_get(&set->shown, LEDGER_KEY(party, page, epoch, id));
}

void check_question_shown(struct check_set *set, const struct record *record)
{
    shown_at(set, record->subject, record->values.PROMPT_SHOWN.id)->open = true;
}

void check_question_closed(struct check_set *set, const struct record *record)
{
    const struct record_values_CLIENT_RECV *v = &record->values.CLIENT_RECV;
    if (v->kind == set->names.prompt_closed) shown_at(set, record->subject, v->id)->open = false;
}

/* Its agent waits for the answer, in the core's present life. */
static bool is_open(const struct check_set *set, const struct prompt_fact *prompt, int32_t core)
{
    return prompt->done < prompt->opened && !set->down[core] && prompt->life == set->lives[core];
}

static void judge_tab(struct check_set *set, const struct prompt_fact *prompt, bool open,
                      uint32_t actor)
{
    const struct tab_fact *tab = &set->tabs[actor];
    uint16_t party = (uint16_t)(PARTY_ACTOR + actor);
    int64_t id = prompt->entry.key.at[1];
    bool shown = shown_at(set, party, id)->open;

    check_exercise(set, SCN_INVARIANT_QUESTIONS_ARE_SHOWN);
    if (open && !shown)
        check_break(set, SCN_INVARIANT_QUESTIONS_ARE_SHOWN, NULL,
                    "question %s of %s is open, and %s does not know", record_text(id),
                    record_party_name((uint16_t)prompt->entry.key.at[0]), record_party_name(party));
    if (!open && shown && !tab->left_out)
        check_break(set, SCN_INVARIANT_QUESTIONS_ARE_SHOWN, NULL,
                    "%s still shows question %s, which is settled", record_party_name(party),
                    record_text(id));
}

static void judge_question(struct check_set *set, const struct prompt_fact *prompt)
{
    uint16_t agent = (uint16_t)prompt->entry.key.at[0];
    int32_t asker = check_actor_of(set, agent), core = check_core_of(set, agent);

    if (asker < 0 || core < 0 || set->down[core] || !check_asked_by_one(set, prompt)) return;
    for (uint32_t i = 0; i < set->file->actor_count; i++) {
        const struct tab_fact *tab = &set->tabs[i];
        if (set->file->actors[i].kind != SCN_ACTOR_TAB || tab->ready == 0) continue;
        if (tab->session != set->session_words[asker]) continue;
        judge_tab(set, prompt, is_open(set, prompt, core), i);
    }
}

void check_questions_shown(struct check_set *set)
{
    for (uint32_t i = 0; i < set->prompts.count; i++)
        judge_question(set, ledger_at(&set->prompts, i));
}
