/* What the reduced search takes to be independent: an execution whose steps are put in another
 * order, so that those which depend on each other keep theirs, must be possible, and must come to
 * the same. Random executions of scenarios are put into random orders. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "harness/net/net.h"
#include "outcome.h"
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOVES_MAX = 6000, VALUES_MAX = 4096, WORDS = (MOVES_MAX + 63) / 64, ORDERS = 4 };
enum { TIME = 0 };

/* What an entity does from one scheduling point to the next. */
struct move {
    uint64_t who; /* its path, or TIME */
    uint16_t entity;
    uint32_t steps, steps_end;
    uint32_t entities, entities_end; /* how many there were, and are */
    uint32_t values, values_end;
    struct world_places met;
    bool all;
};

struct course {
    struct world_chooser chooser;
    uint64_t state; /* of the dice */
    struct move moves[MOVES_MAX];
    uint32_t count;
    uint32_t values[VALUES_MAX];
    uint32_t value_count;
    uint32_t order[MOVES_MAX];
    uint32_t at, value_at;
};

static struct course course;
static uint64_t depends[MOVES_MAX][WORDS]; /* on which earlier ones */
static struct check_set *checks;

static uint32_t roll(uint32_t count)
{
    course.state = course.state * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)((course.state >> 33) % count);
}

/* --- a random execution, remembered --- */

static void end_move(void)
{
    struct world_places met;
    world_met(&met);
    if (course.count == 0) return;
    struct move *move = &course.moves[course.count - 1];
    bool thread = move->who != TIME && (world_class_of(move->entity) == WORLD_THREAD ||
                                        world_class_of(move->entity) == WORLD_SPURIOUS);
    if (move->who != TIME && !thread && !world_tells(move->entity) &&
        met.what == WORLD_MET_NOTHING)
        met.what = WORLD_MET_FAKES;
    move->met = met;
    move->all |= met.what == WORLD_MET_ALL || move->who == TIME;
    move->steps_end = world_steps_chosen();
    move->entities_end = world_entity_count();
    move->values_end = course.value_count;
}

static void begin_move(uint16_t entity)
{
    end_move();
    if (course.count == MOVES_MAX) world_stop("too many moves");
    uint32_t steps;
    world_steps(&steps);
    course.moves[course.count++] = (struct move){
        .who = entity == WORLD_ADVANCE ? TIME : world_entity_path(entity), .entity = entity,
        .steps = steps, .entities = world_entity_count(), .values = course.value_count };
}

/* Windows and faults are options at every choice: they would never be late. */
static uint32_t draw(struct world_chooser *self, uint32_t count)
{
    (void)self;
    uint32_t index = roll(3) > 0 ? roll(count) : 0;
    uint16_t option = world_option(index);
    if (option != WORLD_ADVANCE && world_class_of(option) >= WORLD_WINDOW && roll(20) > 0)
        index = 0;
    begin_move(world_option(index));
    return index;
}

static uint32_t draw_value(struct world_chooser *self, uint32_t count, const char *label)
{
    (void)self, (void)label;
    if (course.value_count == VALUES_MAX) world_stop("too many values");
    return course.values[course.value_count++] = roll(count);
}

static void follow_only(struct world_chooser *self, uint16_t entity)
{
    (void)self;
    if (entity == WORLD_ADVANCE && world_next_deadline_ns() == WORLD_NEVER) return;
    begin_move(entity);
}

/* --- what depends on what --- */

static bool created(const struct move *creator, const struct move *other)
{
    return other->who != TIME && other->entity >= creator->entities &&
           other->entity < creator->entities_end;
}

static bool meet_in_places(const struct world_places *a, const struct world_places *b)
{
    if (a->what != WORLD_MET_NOTHING) return b->what != WORLD_MET_NOTHING || b->count > 0;
    if (b->what != WORLD_MET_NOTHING) return a->count > 0;
    for (uint32_t i = 0; i < a->count; i++) {
        for (uint32_t k = 0; k < b->count; k++) {
            bool writes = a->at[i].how != WORLD_LOOKS || b->at[k].how != WORLD_LOOKS;
            if (writes && a->at[i].place == b->at[k].place) return true;
        }
    }
    return false;
}

static bool is_apart(const struct world_step *step)
{
    return step->op == WORLD_OP_ADVANCE || step->access == WORLD_NONE ||
           world_object_told(step->object);
}

static bool meet_in_objects(const struct move *a, const struct move *b)
{
    const struct world_step *steps = world_steps(&(uint32_t){ 0 });

    for (uint32_t i = a->steps; i < a->steps_end; i++) {
        if (is_apart(&steps[i])) continue;
        for (uint32_t k = b->steps; k < b->steps_end; k++) {
            if (is_apart(&steps[k])) continue;
            bool writes = steps[i].access == WORLD_WRITE || steps[k].access == WORLD_WRITE;
            if (writes && steps[i].object == steps[k].object) return true;
        }
    }
    return false;
}

static bool are_dependent(const struct move *a, const struct move *b)
{
    return a->all || b->all || a->who == b->who || created(a, b) ||
           meet_in_places(&a->met, &b->met) || meet_in_objects(a, b);
}

static void find_dependences(void)
{
    course.moves[course.count - 1].all = true;
    for (uint32_t i = 0; i < course.count; i++) {
        memset(depends[i], 0, sizeof depends[i]);
        for (uint32_t k = 0; k < i; k++) {
            if (are_dependent(&course.moves[k], &course.moves[i]))
                depends[i][k / 64] |= 1ull << k % 64;
        }
    }
}

/* --- another order of it --- */

/* Returns how many moves are elsewhere than they were. */
static uint32_t reorder(void)
{
    static uint64_t done[WORDS];
    uint32_t ready[MOVES_MAX], moved = 0;

    memset(done, 0, sizeof done);
    for (uint32_t n = 0; n < course.count; n++) {
        uint32_t found = 0;
        for (uint32_t i = 0; i < course.count; i++) {
            bool free = (done[i / 64] >> i % 64 & 1) == 0;
            for (uint32_t w = 0; w <= i / 64 && free; w++)
                free = (depends[i][w] & ~done[w]) == 0;
            if (free) ready[found++] = i;
        }
        course.order[n] = ready[roll(found)];
        moved += course.order[n] != n;
        done[course.order[n] / 64] |= 1ull << course.order[n] % 64;
    }
    return moved;
}

static const struct move *next_move(void)
{
    if (course.at == course.count) world_stop("there are more moves than before");
    const struct move *move = &course.moves[course.order[course.at++]];
    course.value_at = move->values;
    return move;
}

static bool is_who(uint16_t entity, uint64_t who)
{
    return entity == WORLD_ADVANCE ? who == TIME : who != TIME && world_entity_path(entity) == who;
}

static const char *mover(uint16_t entity)
{
    return entity == WORLD_ADVANCE ? "time" : world_entity_name(entity);
}

static _Noreturn void cannot_move(uint64_t who, uint16_t instead)
{
    uint32_t was = course.order[course.at - 1];
    uint16_t entity = who == TIME ? WORLD_ADVANCE : course.moves[was].entity;
    world_stop("move %u, which was %u, of %s cannot be made, but one of %s", course.at, was + 1,
               mover(entity), mover(instead));
}

static uint32_t follow(struct world_chooser *self, uint32_t count)
{
    (void)self;
    uint64_t who = next_move()->who;
    uint32_t index = 0;
    while (index < count && !is_who(world_option(index), who)) index++;
    if (index == count) cannot_move(who, world_option(0));
    return index;
}

static uint32_t follow_value(struct world_chooser *self, uint32_t count, const char *label)
{
    (void)self, (void)label;
    if (course.values[course.value_at] >= count) world_stop("a value does not fit");
    return course.values[course.value_at++];
}

static void follow_forced(struct world_chooser *self, uint16_t entity)
{
    (void)self;
    if (entity == WORLD_ADVANCE && world_next_deadline_ns() == WORLD_NEVER) return;
    uint64_t who = next_move()->who;
    if (!is_who(entity, who)) cannot_move(who, entity);
}

/* --- comparing --- */

static struct outcome run(struct rig *rig, const struct world_chooser *chooser)
{
    const struct scn_explore *explore = &rig->file->explore;
    struct world_limits limits = {
        .steps_max = (uint32_t)explore->steps_max,
        .time_max_ns = (explore->time_max_us + stage_calm_us(rig->stage)) * 1000,
        .late_max = explore->splits_max, .seed = 1, .check_memory = true };

    course.chooser = *chooser;
    world_limits_set(&limits);
    net_begin();
    record_reset();
    check_begin(checks);
    rig->result = world_run(&course.chooser, "core/stage", stage_run, rig->stage);
    return *outcome_of(checks, &rig->result);
}

static uint32_t compare(struct rig *rig, const char *name, uint64_t seed)
{
    static const struct world_chooser drawing = { .schedule = draw, .value = draw_value,
                                                  .forced = follow_only };
    static const struct world_chooser following = { .schedule = follow, .value = follow_value,
                                                    .forced = follow_forced };
    uint32_t moved = 0;

    course.state = seed;
    course.count = course.value_count = 0;
    struct outcome was = run(rig, &drawing), is;
    if (was.end == WORLD_STOPPED || was.end == WORLD_CUT) return 0;
    end_move();
    find_dependences();
    for (uint32_t i = 0; i < ORDERS; i++) {
        moved += reorder();
        course.at = 0;
        is = run(rig, &following);
        if (!outcome_same(&was, &is)) outcome_tell(name, &was, &is);
        assert_true(outcome_same(&was, &is));
    }
    return moved;
}

static void compare_all(struct rig *rig, const char *name, uint32_t seeds)
{
    uint64_t moved = 0;

    record_scenario(rig->file);
    checks = check_set_new(rig->file);
    record_subscribe(check_record, checks);
    for (uint32_t seed = 1; seed <= seeds; seed++) moved += compare(rig, name, seed);
    record_unsubscribe(check_record, checks);
    check_set_free(checks);
    print_message("%s: %llu moves moved\n", name, (unsigned long long)moved);
    rig_close(rig);
}

static void test_files(void **state)
{
    static const struct {
        const char *name;
        uint32_t seeds;
    } files[] = { { "small_publishers", 10 }, { "small_late_connect", 10 }, { "small_cut", 10 },
                  { "drain_waits", 2 }, { "cancel_against_end", 2 }, { "sandbox_revoked", 2 },
                  { "lock_contended", 2 }, { "pause_beyond_lease", 2 },
                  { "double_tab", 2 } };
    char path[200];
    struct rig rig;

    (void)state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        (void)snprintf(path, sizeof path, SCENARIOS "%s.scn", files[i].name);
        rig_open(&rig, path);
        compare_all(&rig, files[i].name, files[i].seeds);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_files) };
    if (argc > 2) {
        struct rig rig;
        rig_open(&rig, argv[1]);
        compare_all(&rig, argv[1], (uint32_t)strtoul(argv[2], NULL, 10));
        return 0;
    }
    return cmocka_run_group_tests_name("orders", tests, NULL, NULL);
}
