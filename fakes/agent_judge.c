/* What the calls of an agent come back with, beside what session_core.h promises: answers are what
 * a tab said, a pause lasts, and a run that was asked to stop does nothing any more. */
#include "fakes/agent_judge.h"

static void object(const struct actor *actor, const char *what, bool told, bool due)
{
    uint16_t core = actor->agent->at->party;

    /* Elsewhere agents are programs of their own, and know less. */
    if (told == due || actor->play->stage->hooks.live != NULL) return;
    RECORD(REPORTED, core, core, actor->party, 0, .what = record_intern(what), .told = told,
           .least = due, .most = due);
}

void agent_judges_stopped(const struct actor *actor, bool stopped, enum core_result rc)
{
    if (!stopped) return;
    object(actor, "whether a call of a stopped run takes effect", rc == CORE_OK, false);
}

/* Does a tab of that session answer so? */
static bool is_said(const struct actor *agent, const char *id, const char *text)
{
    const struct play *play = agent->play;

    for (uint32_t i = 0; i < play->file->actor_count; i++) {
        const struct actor *actor = &play->actors[i];
        if (actor->scn->kind != SCN_ACTOR_TAB || actor->session_word != agent->session_word)
            continue;
        for (uint32_t s = 0; s < actor->scn->step_count; s++) {
            const struct scn_step *step = &actor->scn->steps[s];
            /* Who writes the message by himself may say anything. */
            if (step->verb == SCN_VERB_SAY ||
                (step->verb == SCN_VERB_SEND && strcmp(step->kind, "user_input") == 0))
                return true;
            if (step->verb != SCN_VERB_ANSWER || strcmp(step->kind, id) != 0) continue;
            if (strcmp(step->text == NULL ? "" : step->text, text) == 0) return true;
        }
    }
    return false;
}

void agent_judges_answer(const struct actor *actor, const char *id, bool input,
                         const struct prompt_answer *answer)
{
    bool due = input && answer->outcome == PROMPT_APPROVED;

    object(actor, "whether a question is settled", answer->outcome != PROMPT_OPEN, true);
    object(actor, "whether an answer has values", answer->values != NULL, due);
    if (!due || answer->values == NULL) return;
    const json_t *values = json_loads(answer->values, 0, NULL);
    const char *text = json_string_value(json_object_get(values, "text"));
    object(actor, "whether a tab gave that answer", text != NULL && is_said(actor, id, text), true);
}

void agent_judges_pause(const struct actor *actor, uint64_t until_us, enum core_result rc)
{
    const struct core_api *api = actor->play->api;

    if (rc == CORE_OK)
        object(actor, "whether a pause ends before its time", now_us() < until_us, false);
    else
        object(actor, "whether a run whose pause was cut off is to stop",
               api->run_should_stop(actor->agent->run), true);
}
