/* One execution of a scenario, from the first thread to the last leak. */
#include "fakes/stage.h"

#include <time.h>

#include "fakes/plan.h"

/* How long agents get to end by themselves when the scenario is over. */
enum { LAST_DRAIN_US = 10000000 };

/* --- setting up --- */

/* Called many times in every execution: no formatted printing. */
const char *name_of(char name[WORLD_NAME_MAX], const char *one, const char *two, const char *three)
{
    const char *const parts[] = { one, two, three };
    size_t used = 0;

    for (uint32_t i = 0; i < 3; i++) {
        size_t length = strlen(parts[i]), room = WORLD_NAME_MAX - 1 - used;
        if (length > room) length = room;
        memcpy(name + used, parts[i], length);
        used += length;
    }
    name[used] = '\0';
    return name;
}

static void make_actor(struct play *play, uint32_t index)
{
    struct actor *actor = &play->actors[index];
    const struct scn_actor *scn = &play->file->actors[index];

    actor->play = play;
    actor->scn = scn;
    actor->index = index;
    actor->party = (uint16_t)(PARTY_ACTOR + index);
    actor->entity = WORLD_NOBODY;
    actor_queues_init(actor);
    actor->instance = &play->instances[scn->core < 0 ? 0 : scn->core];
    actor->begun = scratch_alloc(scn->step_count * sizeof(uint32_t));
    actor->ended = scratch_alloc(scn->step_count * sizeof(uint32_t));
    if (scn->kind == SCN_ACTOR_SANDBOX) return;
    actor->session = plan_session_of(scn);
    actor->user = plan_user_of(play->file, scn);
    actor->session_word = record_intern(actor->session);
    actor->user_word = record_intern(actor->user);
    if (scn->kind == SCN_ACTOR_TAB) tab_init(actor);
    if (scn->kind == SCN_ACTOR_AGENT) agent_init(actor);
}

static struct play *make_play(struct stage *stage)
{
    struct play *play = scratch_alloc(sizeof *play);
    const struct scn_file *file = stage->file;
    const struct scn_attr *latency = attr_of(&file->store, "latency");

    play->stage = stage;
    play->file = file;
    play->silent = file->explore.storm_only;
    play->stirred = queue_at(PLACE_STAGE, play->silent);
    play->api = stage->api;
    play->instances = scratch_alloc(file->core_count * sizeof *play->instances);
    play->actors = scratch_alloc(file->actor_count * sizeof *play->actors);
    play->faults = scratch_alloc(file->fault_count * sizeof *play->faults);
    for (uint32_t i = 0; i < file->core_count; i++) instance_init(play, i);
    for (uint32_t i = 0; i < file->actor_count; i++) make_actor(play, i);
    if (latency != NULL) {
        play->stores.latency_low_us = (uint64_t)latency->value.low;
        play->stores.latency_high_us = (uint64_t)latency->value.high;
    }
    locks_init(play);
    provider_init(play);
    faults_init(play);
    return play;
}

static void start_cores(struct play *play)
{
    play->setting_up = true;
    for (uint32_t i = 0; i < play->file->core_count; i++) instance_start(&play->instances[i]);
    play->setting_up = false;
}

static void start_actors(struct play *play)
{
    static void (*const bodies[SCN_ACTOR_COUNT])(void *) = {
        [SCN_ACTOR_TAB] = tab_body, [SCN_ACTOR_SANDBOX] = sandbox_body,
        [SCN_ACTOR_BACKEND] = backend_body };

    for (uint32_t i = 0; i < play->file->actor_count; i++) {
        struct actor *actor = &play->actors[i];
        if (bodies[actor->scn->kind] == NULL) continue;
        actor_busy(actor, true);
        actor->entity = world_spawn(actor->scn->name, WORLD_ACTOR, bodies[actor->scn->kind],
                                    actor);
        world_tell(actor->entity, actor->scn->kind != SCN_ACTOR_SANDBOX);
    }
    for (uint32_t i = 0; i < play->file->core_count; i++)
        instance_submit_runs(&play->instances[i]);
    faults_refresh(play);
}

/* --- storm and calm --- */

static void await_stir(struct play *play, uint64_t until_ns, const char *what)
{
    (void)world_wait(&play->stirred, until_ns, what);
    world_meet_place(PLACE_STAGE, WORLD_CHANGES); /* it comes after whoever woke it */
}

/* With choices=storm the storm is over when time has to pass in the calm. */
static void end_choices(const struct play *play, enum world_fix fix)
{
    if (play->file->explore.storm_only && !play->passed) world_fix_choices(fix);
}

/* True when nothing stirred all the time. */
static bool stay_calm(struct play *play)
{
    uint64_t calm_us = play->stage->calm_us;
    uint64_t now_ns = world_now_ns(), until_ns = ahead_ns(calm_us);

    RECORD(CALM, PARTY_NOBODY, 0, 0, 0, .length = (int64_t)calm_us);
    end_choices(play, WORLD_FIX_WHEN_TIME_PASSES);
    while (!play_is_busy(play) && world_now_ns() < until_ns)
        await_stir(play, until_ns, "the calm to end");
    play->passed |= world_now_ns() > now_ns;
    end_choices(play, WORLD_FIX_NEVER);
    return !play_is_busy(play);
}

static bool all_over(const struct play *play)
{
    for (uint32_t i = 0; i < play->file->actor_count; i++) {
        if (!play->actors[i].over && !play->actors[i].dead) return false;
    }
    return true;
}

static uint64_t larger(uint64_t one, uint64_t other)
{
    return one > other ? one : other;
}

/* How long something may take that a script waits for without a deadline, or a fault: a gate, a
 * question, the end of another fault. */
static uint64_t patience_us(const struct play *play)
{
    uint64_t result = play->stage->calm_us;

    result = larger(result, faults_patience_us(play));
    for (uint32_t i = 0; i < play->file->actor_count; i++) {
        const struct actor *actor = &play->actors[i];
        if (actor->over || actor->dead || actor->scn->kind != SCN_ACTOR_AGENT) continue;
        const struct core_settings *settings = &play->stage->settings[actor->instance->index];
        world_meet_place(place_each(PLACE_AGENT, i), WORLD_LOOKS);
        result = larger(result, actor->agent->run == NULL ? settings->gate_timeout_us
                                                          : actor->agent->asking_us);
    }
    return result;
}

/* With choices=storm it makes no difference when the stage looks: it does so when nobody else can
 * go on, which is when time passes. */
static void stand_aside(const struct play *play)
{
    if (play->silent) world_sleep_until(world_now_ns() + 1);
}

/* Until every script has ended and every mandatory fault has struck, or those that have not wait
 * for something that did not come for as long as anything in a core may take. */
static void wait_for_scripts(struct play *play)
{
    for (;;) {
        stand_aside(play);
        while (play_is_busy(play)) {
            await_stir(play, WORLD_NEVER, "the scripts to end");
            stand_aside(play);
        }
        if (all_over(play) && (play->calm || !faults_owed(play))) return;
        uint64_t until_ns = ahead_ns(patience_us(play)), seen = play->progress;
        play->patient = true;
        while (!play_is_busy(play) && play->progress == seen && world_now_ns() < until_ns)
            await_stir(play, until_ns, "a script to go on");
        play->patient = false;
        if (!play_is_busy(play) && play->progress == seen) return;
    }
}

/* Faults are healed; and who gave up while they lasted tries again. */
static void begin_calm(struct play *play)
{
    faults_heal(play);
    for (uint32_t i = 0; i < play->file->actor_count; i++) {
        struct actor *actor = &play->actors[i];
        if (actor->scn->kind == SCN_ACTOR_TAB) tab_try_anew(actor->tab);
    }
}

/* Who polls has all that there is after he has asked once more. */
static void poll_once_more(struct play *play)
{
    static const uint64_t patience_us = 10000000;
    uint64_t until_ns = ahead_ns(patience_us);

    for (uint32_t i = 0; i < play->file->actor_count; i++) {
        const struct actor *actor = &play->actors[i];
        if (actor->scn->kind == SCN_ACTOR_TAB && actor->tab->speech == SPEECH_POLLING)
            polling_hurries(actor->tab);
    }
    while (play_is_busy(play) && world_now_ns() < until_ns)
        (void)world_wait(&play->stirred, until_ns, "the last pages");
}

static void wait_until_quiet(struct play *play)
{
    do {
        wait_for_scripts(play);
        if (!play->calm) begin_calm(play);
    } while (play_is_busy(play) || !stay_calm(play));
    poll_once_more(play);
    RECORD(QUIESCE, PARTY_NOBODY, 0, 0, 0, .length = (int64_t)play->stage->calm_us);
}

/* What a program in the world is told by clock_gettime. */
int world_clock_gettime(clockid_t clock, struct timespec *out);

/* The clock of the wall stands where every execution begins, unless the scenario says where. */
static void set_clock(const struct scn_file *file)
{
    const struct scn_attr *wall = attr_of(&file->clock, "wall");

    if (wall == NULL) return;
    struct timespec now;
    REQUIRE(world_clock_gettime(CLOCK_REALTIME, &now) == 0);
    world_wall_jump(wall->value.low * 1000 - ((int64_t)now.tv_sec * 1000000000 + now.tv_nsec));
}

void stage_run(void *argument)
{
    struct stage *stage = argument;

    scratch_reset();
    record_reset();
    stage->refused = false;
    struct play *play = stage->play = make_play(stage);
    set_clock(stage->file);
    if (stage->file->explore.storm_only) world_fix_choices(WORLD_FIX_NOW);
    start_cores(play);
    world_fix_choices(WORLD_FIX_NEVER);
    start_actors(play);
    wait_until_quiet(play);
    for (uint32_t i = 0; i < play->file->core_count; i++) {
        if (play->instances[i].alive && stage->hooks.live == NULL)
            audit_core(&play->instances[i]);
    }
    play->ending = true;
    for (uint32_t i = 0; i < play->file->core_count; i++) {
        if (play->instances[i].core != NULL) instance_stop(&play->instances[i], LAST_DRAIN_US);
    }
    if (stage->hooks.ended != NULL) stage->hooks.ended(stage->hooks.context);
}
