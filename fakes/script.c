/* Scripts: when a step may begin, and what its beginning and end mean for others. */
#include "fakes/internal.h"

static bool meets_busy(const struct play *play, uint32_t where, bool if_busy)
{
    bool busy = play->busy_at[where] > 0;

    if (busy || !if_busy) world_meet_place(where, WORLD_LOOKS);
    return busy;
}

/* One who is busy is enough to know that somebody is; that nobody is, all of them tell. */
static void meet_busy(const struct play *play)
{
    if (meets_busy(play, PLACE_OTHERS, true)) return;
    for (uint32_t i = 0; i < play->file->actor_count; i++) {
        if (meets_busy(play, place_each(PLACE_BUSY, i), true)) return;
        if (meets_busy(play, place_each(PLACE_RETURNS, i), true)) return;
    }
    (void)meets_busy(play, PLACE_OTHERS, false);
    for (uint32_t i = 0; i < play->file->actor_count; i++) {
        (void)meets_busy(play, place_each(PLACE_BUSY, i), false);
        if (play->file->actors[i].kind == SCN_ACTOR_TAB)
            (void)meets_busy(play, place_each(PLACE_RETURNS, i), false);
    }
}

bool play_is_busy(const struct play *play)
{
    meet_busy(play);
    return play->busy > 0;
}

/* Whether others are is looked at while this one is not counted, if somebody waits for it. */
void play_busy(struct play *play, uint32_t where, bool more)
{
    REQUIRE(more || play->busy_at[where] > 0);
    world_meet_place(where, WORLD_CHANGES);
    if (!more) play->busy_at[where]--;
    world_meet_place(PLACE_STAGE, WORLD_LOOKS);
    if (play->stirred.head != 0) meet_busy(play);
    if (more) play->busy_at[where]++;
    play->busy += more ? 1u : (uint32_t)-1;
    if (play->busy == (more ? 1u : 0u)) world_wake(&play->stirred);
}

void actor_busy(struct actor *actor, bool busy)
{
    if (actor->busy == busy) return;
    actor->busy = busy;
    play_busy(actor->play, place_each(PLACE_BUSY, actor->index), busy);
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

/* How far an actor has come is looked at; how far a fault has, changes with everything. */
static void meet_ref(const struct scn_ref *ref)
{
    if (ref->kind == SCN_REF_STEP)
        world_meet_place(place_each(PLACE_ACTOR, (uint32_t)ref->actor), WORLD_LOOKS);
    else world_meet(WORLD_MET_FAKES);
}

static bool names(const struct scn_modifiers *modifiers, const struct actor *actor)
{
    if (actor == NULL) return true;
    const struct scn_ref *during = modifiers->during;
    bool result = during != NULL && during->kind == SCN_REF_STEP &&
                  (uint32_t)during->actor == actor->index;
    for (uint32_t i = 0; i < modifiers->after.count && !result; i++) {
        const struct scn_ref *ref = &modifiers->after.items[i];
        result = ref->kind == SCN_REF_STEP && (uint32_t)ref->actor == actor->index;
    }
    return result;
}

static enum readiness readiness_of(const struct play *play, const struct scn_modifiers *modifiers)
{
    enum readiness result = READY;

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

enum readiness modifiers_ready(const struct play *play, const struct scn_modifiers *modifiers)
{
    if (modifiers->during != NULL) meet_ref(modifiers->during);
    for (uint32_t i = 0; i < modifiers->after.count; i++) meet_ref(&modifiers->after.items[i]);
    return readiness_of(play, modifiers);
}

void progress(struct play *play, const struct actor *actor)
{
    play->progress++;
    if (actor != NULL) meet_each(PLACE_ACTOR, actor->index);
    for (uint32_t i = 0; i < play->file->actor_count; i++) {
        struct actor *other = &play->actors[i];
        if (other->awaits == NULL || !names(other->awaits, actor)) continue;
        enum readiness ready = play->silent ? readiness_of(play, other->awaits)
                                            : modifiers_ready(play, other->awaits);
        if (ready != NOT_YET) world_wake(&other->turn);
    }
    faults_refresh(play);
}

void actor_queues_init(struct actor *actor)
{
    actor->turn = queue_at(place_each(PLACE_ACTOR, actor->index), actor->play->silent);
    actor->arrival = queue_at(place_each(PLACE_INBOX, actor->index), actor->play->silent);
}

void actor_abandon(struct actor *actor)
{
    actor->dead = true;
    actor->awaits = NULL;
    actor_busy(actor, false);
    progress(actor->play, actor);
}

/* --- running a script --- */

/* Where waits are silent, whoever waits for another script stands here, if need be or not. */
static void await_silently(struct actor *actor, const struct scn_modifiers *modifiers)
{
    if (modifiers->during == NULL && modifiers->after.count == 0) return;
    actor->awaits = modifiers;
    actor_busy(actor, false);
    if (readiness_of(actor->play, modifiers) != NOT_YET) world_stand(&actor->turn);
    else (void)world_wait(&actor->turn, WORLD_NEVER, "a step of another script");
    actor->awaits = NULL;
    actor_busy(actor, true);
}

/* False when the step can never begin. */
static bool await_modifiers(struct actor *actor, const struct scn_modifiers *modifiers)
{
    enum readiness ready;

    if (actor->play->silent) await_silently(actor, modifiers);
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

    if (tab != NULL) world_meet_place(place_each(PLACE_PAGE, actor->index), WORLD_LOOKS);
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
    progress(actor->play, actor);
}

static void step_ends(struct actor *actor, uint32_t step)
{
    actor->ended[step]++;
    RECORD(STEP_END, actor->party, 0, 0, 0, .step = step, .occurrence = actor->ended[step]);
    progress(actor->play, actor);
}

/* Whether what such a step meets is told while it is performed. */
static bool tells(enum scn_verb verb)
{
    return verb == SCN_VERB_CONNECT || verb == SCN_VERB_SEND || verb == SCN_VERB_EXPECT ||
           verb == SCN_VERB_WAIT || verb == SCN_VERB_PUBLISH || verb == SCN_VERB_LEASE ||
           verb == SCN_VERB_ANSWER || verb == SCN_VERB_OPEN || verb == SCN_VERB_START ||
           verb == SCN_VERB_CANCEL;
}

enum progress { GOES_ON, LEFT_OUT, IS_OVER };

/* One occurrence of a step. LEFT_OUT: it can never begin, nor can the times after it. */
static enum progress run_once(struct actor *actor, uint32_t index, uint64_t *began_ns,
                              uint32_t time, step_performer perform)
{
    const struct scn_step *step = &actor->scn->steps[index];
    const struct scn_modifiers *modifiers = &step->modifiers;

    if (time == 0) {
        if (!await_modifiers(actor, modifiers)) return LEFT_OUT;
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
        if (modifiers_ready(actor->play, modifiers) == NEVER) return LEFT_OUT;
    }
    actor->step_time = time + 1;
    step_begins(actor, index, began_ns);
    bool told = world_tells(world_self()), more;
    world_tell(world_self(), told && tells(step->verb));
    more = perform(actor, step);
    world_tell(world_self(), told);
    step_ends(actor, index);
    return more ? GOES_ON : IS_OVER;
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
        enum progress made = GOES_ON;
        for (uint32_t time = 0; time < times && made == GOES_ON; time++)
            made = run_once(actor, i, &began_ns, time, perform);
        if (made == IS_OVER) return false;
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
    progress(actor->play, actor);
}
