/* Scripts: when a step may begin, and what its beginning and end mean for others. */
#include "fakes/internal.h"

void play_busy(struct play *play, bool more)
{
    REQUIRE(more || play->busy > 0);
    play->busy += more ? 1u : (uint32_t)-1;
    if (play->busy == (more ? 1u : 0u)) world_wake(&play->stirred);
}

void actor_busy(struct actor *actor, bool busy)
{
    if (actor->busy == busy) return;
    actor->busy = busy;
    play_busy(actor->play, busy);
}

/* --- what a reference has come to --- */

static uint32_t step_occurrences(const struct play *play, const struct scn_ref *ref)
{
    const struct scn_step *step = &play->file->actors[ref->actor].steps[ref->step];
    return ref->occurrence > 0 ? ref->occurrence : step->occurrences;
}

static uint32_t fault_occurrences(const struct play *play, const struct scn_ref *ref)
{
    return ref->occurrence > 0 ? ref->occurrence : play->file->faults[ref->fault].up_to;
}

bool ref_ended(const struct play *play, const struct scn_ref *ref)
{
    if (ref->kind == SCN_REF_FAULT)
        return play->faults[ref->fault].ended >= fault_occurrences(play, ref);
    REQUIRE(ref->kind == SCN_REF_STEP);
    return play->actors[ref->actor].ended[ref->step] >= step_occurrences(play, ref);
}

/* Begun and not ended: the first occurrence begins it and the last one ends it, unless one of them
 * was named. */
bool ref_open(const struct play *play, const struct scn_ref *ref)
{
    uint32_t first = ref->occurrence > 0 ? ref->occurrence : 1;

    if (ref_ended(play, ref)) return false;
    if (ref->kind == SCN_REF_FAULT) return play->faults[ref->fault].begun >= first;
    return play->actors[ref->actor].begun[ref->step] >= first;
}

bool ref_dead(const struct play *play, const struct scn_ref *ref)
{
    if (ref_ended(play, ref)) return false;
    if (ref->kind == SCN_REF_FAULT) {
        const struct fault *fault = &play->faults[ref->fault];
        /* One that has begun will end, also while it is still being acted out. */
        return fault->left == 0 && fault->begun == fault->ended;
    }
    return play->actors[ref->actor].over || play->actors[ref->actor].dead;
}

enum readiness modifiers_ready(const struct play *play, const struct scn_modifiers *modifiers)
{
    enum readiness result = READY;

    world_meet(WORLD_MET_FAKES);
    for (uint32_t i = 0; i < modifiers->after.count; i++) {
        const struct scn_ref *ref = &modifiers->after.items[i];
        if (ref_ended(play, ref)) continue;
        if (ref_dead(play, ref)) return NEVER;
        result = NOT_YET;
    }
    if (modifiers->during != NULL && !ref_open(play, modifiers->during)) {
        if (ref_ended(play, modifiers->during) || ref_dead(play, modifiers->during)) return NEVER;
        result = NOT_YET;
    }
    return result;
}

void progress(struct play *play)
{
    play->progress++;
    for (uint32_t i = 0; i < play->file->actor_count; i++) {
        struct actor *actor = &play->actors[i];
        if (actor->awaits != NULL && modifiers_ready(play, actor->awaits) != NOT_YET)
            world_wake(&actor->turn);
    }
    faults_refresh(play);
}

void actor_abandon(struct actor *actor)
{
    actor->dead = true;
    actor->awaits = NULL;
    actor_busy(actor, false);
    progress(actor->play);
}

/* --- running a script --- */

/* False when the step can never begin. */
static bool await_modifiers(struct actor *actor, const struct scn_modifiers *modifiers)
{
    enum readiness ready;

    while ((ready = modifiers_ready(actor->play, modifiers)) == NOT_YET) {
        actor->awaits = modifiers;
        actor_busy(actor, false);
        (void)world_wait(&actor->turn, WORLD_NEVER, "a step of another script");
        actor->awaits = NULL;
        actor_busy(actor, true);
    }
    return ready == READY;
}

/* A page in the background is waited for, unless only the calm will bring it back. */
static void await_thaw(struct actor *actor)
{
    struct tab *tab = actor->scn->kind == SCN_ACTOR_TAB ? actor->tab : NULL;

    while (tab != NULL && tab->frozen) {
        actor_busy(actor, tab->frozen_until_ns != WORLD_NEVER);
        (void)world_wait(&tab->thawed, WORLD_NEVER, "the tab to be thawed");
        actor_busy(actor, true);
    }
}

void script_sleep(struct actor *actor, uint64_t until_ns)
{
    const struct tab *tab = actor->scn->kind == SCN_ACTOR_TAB ? actor->tab : NULL;
    uint64_t frozen_ns = tab == NULL ? 0 : tab_frozen_ns(tab);

    do {
        world_sleep_until(until_ns);
        if (tab == NULL) return;
        await_thaw(actor);
        until_ns += tab_frozen_ns(tab) - frozen_ns;
        frozen_ns = tab_frozen_ns(tab);
    } while (world_now_ns() < until_ns);
}

static void step_begins(struct actor *actor, uint32_t step, uint64_t *began_ns)
{
    actor->begun[step]++;
    *began_ns = world_now_ns();
    if (actor->step_time == 1) actor->step_since_ns = *began_ns;
    RECORD(STEP_BEGIN, actor->party, 0, 0, 0, .step = step, .occurrence = actor->begun[step]);
    progress(actor->play);
}

static void step_ends(struct actor *actor, uint32_t step)
{
    actor->ended[step]++;
    RECORD(STEP_END, actor->party, 0, 0, 0, .step = step, .occurrence = actor->ended[step]);
    progress(actor->play);
}

/* One occurrence of a step. False: the script is over. */
static bool run_once(struct actor *actor, uint32_t index, uint64_t *began_ns, uint32_t time,
                     step_performer perform)
{
    const struct scn_step *step = &actor->scn->steps[index];
    const struct scn_modifiers *modifiers = &step->modifiers;

    if (time == 0) {
        if (!await_modifiers(actor, modifiers)) return true;
        if (modifiers->has_at) world_sleep_until(us_ns(modifiers->at_us));
        if (modifiers->has_at) await_thaw(actor);
    } else if (modifiers->has_every) {
        script_sleep(actor, *began_ns + us_ns(modifiers->every_us));
    }
    if (modifiers->has_within && step->verb != SCN_VERB_EXPECT) {
        world_window(ahead_ns(modifiers->within.low_us), ahead_ns(modifiers->within.high_us),
                     false);
        await_thaw(actor);
        /* What it was to happen in the midst of may be over by now. */
        if (modifiers_ready(actor->play, modifiers) == NEVER) return true;
    }
    actor->step_time = time + 1;
    step_begins(actor, index, began_ns);
    bool more = perform(actor, step);
    step_ends(actor, index);
    return more;
}

static bool run_steps(struct actor *actor, uint32_t from, uint32_t to, step_performer perform)
{
    for (uint32_t i = from; i < to; i++) {
        const struct scn_step *step = &actor->scn->steps[i];
        if (step->verb == SCN_VERB_REPEAT) {
            for (uint32_t n = 0; n < step->repeat; n++) {
                if (!run_steps(actor, i + 1, i + 1 + step->span, perform)) return false;
            }
            i += step->span;
            continue;
        }
        uint32_t times = step->modifiers.times > 0 ? step->modifiers.times : 1;
        uint64_t began_ns = 0;
        for (uint32_t time = 0; time < times; time++) {
            if (!run_once(actor, i, &began_ns, time, perform)) return false;
        }
    }
    return true;
}

void script_run(struct actor *actor, step_performer perform)
{
    actor->over = false;
    actor->dead = false;
    actor_busy(actor, true);
    (void)run_steps(actor, 0, actor->scn->step_count, perform);
    actor->over = true;
    actor_busy(actor, false);
    progress(actor->play);
}
