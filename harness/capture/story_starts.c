/* Who started the runs, and opened the sessions: the stage by itself, tabs, or a backend. */
#include "harness/capture/story.h"

#include <string.h>

/* --- runs --- */

/* The stage starts each agent once, at the beginning, if no script starts any. */
static bool all_at_the_beginning(const struct story_session *session)
{
    if (session->missing) return false;
    for (uint32_t i = 0; i < session->run_count; i++) {
        const struct story_run *run = &session->runs[i];
        if (run->actor >= 0 && strcmp(session->actors[run->actor].name, run->agent) != 0)
            return false;
        if (run->asked || run->packet != 0 || strcmp(run->key, run->agent) != 0) return false;
        if (run->seen_us > session->begin_us) return false;
    }
    return true;
}

bool story_has_starts(const struct story_session *session)
{
    if (all_at_the_beginning(session)) return false;
    for (uint32_t i = 0; i < session->run_count; i++) {
        if (!session->runs[i].asked && session->runs[i].seen_us != UINT64_MAX) return true;
    }
    return false;
}

/* " agent=NAME" where it is not the session's first one. */
static const char *agent_attr(struct story *story, const struct story_session *session,
                              const struct story_run *run)
{
    const struct story_actor *actor = NULL;

    /* A start that is repeated names a run that is there. */
    for (uint32_t i = 0; i < session->run_count; i++) {
        const struct story_run *other = &session->runs[i];
        if (other->actor >= 0 && strcmp(other->key, run->key) == 0)
            actor = &session->actors[other->actor];
    }
    if (actor == NULL) return "";
    for (uint32_t i = 0; i < session->actor_count; i++) {
        if (!session->actors[i].agent) continue;
        if (actor == &session->actors[i]) return "";
        break;
    }
    return scn_arena_format(story->arena, " agent=%s", actor->name);
}

/* What a tab asked for names the agent that does it now. */
static void name_agents(struct story *story, const struct story_session *session)
{
    for (uint32_t i = 0; i < session->run_count; i++) {
        const struct story_run *run = &session->runs[i];
        if (!run->asked) continue;
        struct story_step *step = &story->tabs[run->tab].steps.items[run->step];
        step->text = scn_arena_format(story->arena, "%s%s", step->text,
                                      agent_attr(story, session, run));
    }
}

/* Keys of the world are any text, such as numbers: those of different runs have to differ. */
static const char *key_of(struct story *story, const struct story_session *session,
                          const struct story_run *run)
{
    char key[STORY_NAME_MAX], other[STORY_NAME_MAX];
    uint32_t alike = 1;

    story_word(run->key, "run", key);
    for (uint32_t i = 0; strcmp(session->runs[i].key, run->key) != 0; i++) {
        story_word(session->runs[i].key, "run", other);
        alike += strcmp(other, key) == 0;
    }
    if (alike == 1) return scn_arena_format(story->arena, "%s", key);
    return scn_arena_format(story->arena, "%s_%u", key, alike);
}

void story_start_runs(struct story *story, struct story_session *session)
{
    name_agents(story, session);
    if (all_at_the_beginning(session)) return;
    for (uint32_t i = 0; i < session->run_count; i++) {
        const struct story_run *run = &session->runs[i];
        if (run->asked || run->seen_us == UINT64_MAX) continue;
        struct story_actor *backend = story_program(story, session, "");
        if (backend == NULL) return;
        story_add(story, &backend->steps, run->seen_us, run->packet,
                  scn_arena_format(story->arena, "start key=%s%s", key_of(story, session, run),
                                   agent_attr(story, session, run)));
    }
}

/* --- sessions --- */

bool story_was_missing(const struct story_session *session)
{
    bool own = session->owner == NULL || session->missed_by == NULL ||
               strcmp(session->owner, session->missed_by) == 0;

    if (!session->missing || !own) return false;
    for (uint32_t i = 0; i < session->run_count; i++) {
        if (session->runs[i].packet != 0 && session->runs[i].seen_us <= session->missed_us)
            return false;
    }
    return true;
}

void story_open(struct story *story, struct story_session *session)
{
    if (!session->reopened && !session->missing) return;
    struct story_actor *backend = story_program(story, session, "");
    if (backend != NULL)
        story_add(story, &backend->steps, session->missing ? session->missed_us + 1 : 0, 0, "open");
}
