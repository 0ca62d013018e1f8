#include "scene.h"

#include <stdio.h>
#include <string.h>

#include "harness/net/net.h"

enum { LOOP_SECONDS = 10 };

static enum stage_transport chosen_transport;

/* The first violation ends the execution: what comes after it explains nothing. A finding of the
 * world is a violation too, but told when it has ended the execution already. */
static void on_violation(void *context, const struct check_violation *violation)
{
    const struct scene *scene = context;
    if (scene->over) return;
    world_fail(WORLD_FOUND_CHECK, "%s", violation->text);
}

static void on_broken(void *context, const struct stage_break *what)
{
    struct scene *scene = context;
    check_script_failed(scene->checks, what->place, what->name, what->text);
}

static void on_leak(void *context, const char *core, uint8_t group, uint32_t count)
{
    struct scene *scene = context;
    scene->leaked = true;
    scene->leak_group = group;
    world_fail(WORLD_FOUND_LEAK, "%s was destroyed and left %u block%s of memory behind", core,
               count, count == 1 ? "" : "s");
}

static void on_wire(void *context, const struct stage_wire *what)
{
    const struct scene *scene = context;
    if (scene->wire) scene->wire(scene->wire_context, what);
}

static void body(void *context)
{
    stage_run(((struct scene *)context)->stage);
}

static void before(void *context)
{
    struct scene *scene = context;
    scene->violation = NULL;
    scene->leaked = false;
    scene->over = false;
    net_begin();
    record_reset();
    check_begin(scene->checks);
    if (scene->log) check_number(scene->checks, scene->log->run);
}

static uint32_t judge(void *context, const struct world_result *result)
{
    struct scene *scene = context;
    const struct world_finding *finding = world_finding_get();
    if (finding->kind == WORLD_FOUND_NONE || result->end != WORLD_FINDING) finding = NULL;
    scene->over = true;
    scene->violation = check_end(scene->checks, result, finding);
    if (stage_refused(scene->stage) != NULL) return SCENE_REFUSED;
    if (result->end == WORLD_STOPPED) return SCENE_DIVERGED;
    if (scene->violation) return EXPLORE_CHECKS + scene->violation->property;
    return finding ? (uint32_t)finding->kind : EXPLORE_PASSED;
}

struct world_limits scene_limits(const struct scn_file *file)
{
    const struct scn_explore *explore = &file->explore;
    return (struct world_limits){
        .steps_max =
            (uint32_t)(explore->steps_max < WORLD_STEPS_MAX ? explore->steps_max : WORLD_STEPS_MAX),
        .time_max_ns = explore->time_max_us * 1000,
        .spurious_max = explore->spurious_max,
        .stalls_max = explore->stalls_max,
        .lag_max_ns = explore->lag_max_us * 1000,
        .late_max = explore->splits_max,
        .seed = explore->seed,
        .check_memory = true,
        .find_races = true,
    };
}

static const struct stage_hooks *hooks_of(struct scene *scene, const struct scene_live *live)
{
    static struct stage_hooks hooks;
    hooks = (struct stage_hooks){.context = scene, .broken = on_broken, .leaked = on_leak,
                                 .wire = on_wire, .server = live->server,
                                 .transport = STAGE_SOCKETS, .live = live->stage};
    return &hooks;
}

const char *scene_init_live(struct scene *scene, const struct scn_file *file,
                            const struct scene_live *live)
{
    const char *problem = NULL;
    struct world_limits limits = {.steps_max = WORLD_STEPS_MAX, .time_max_ns = WORLD_NEVER,
                                  .late_max = file->explore.splits_max,
                                  .seed = file->explore.seed};
    struct check_set *checks = scene->checks;
    *scene = (struct scene){.file = file, .checks = checks};
    world_limits_set(&limits);
    world_follow_clock(live->clock);
    record_scenario(file);
    scene->stage = stage_new(file, live->api, hooks_of(scene, live), &problem);
    if (scene->stage == NULL) return problem;
    if (scene->checks == NULL) scene_renew_checks(scene);
    check_outside(scene->checks, live->margin_us);
    scene->subject = (struct explore_subject){scene, "core/stage", body, before, judge};
    return NULL;
}

void scene_end_live(struct scene *scene)
{
    stage_free(scene->stage);
    scene->stage = NULL;
}

void scene_renew_checks(struct scene *scene)
{
    if (scene->checks) {
        record_unsubscribe(check_record, scene->checks);
        check_set_free(scene->checks);
    }
    scene->checks = check_set_new(scene->file);
    check_listen(scene->checks, on_violation, scene);
    record_subscribe(check_record, scene->checks);
}

void scene_transport(enum stage_transport transport)
{
    chosen_transport = transport;
}

bool scene_over_sockets(const struct scn_file *file)
{
    return stage_wants_sockets(file, chosen_transport);
}

/* The build of the server that the first core names; NULL: *problem says why there is none. */
static const struct image *server_of(const struct scn_file *file, const char **problem)
{
    static char text[4600];
    char why[4200];
    const struct scn_attr *server = scn_attrs_find(&file->cores[0].attrs, "server");
    const struct image *image =
        cli_server_image(server ? server->value.text : NULL, why, sizeof why);
    if (image) return image;
    snprintf(text, sizeof text, "%s:%u:%u: error: %s", file->path, server->place.line,
             server->place.column, why);
    *problem = text;
    return NULL;
}

const char *scene_init(struct scene *scene, const struct scn_file *file, const struct image *image,
                       struct explore_log *log)
{
    const char *problem = NULL;
    *scene = (struct scene){.file = file, .log = log};
    const struct image *server = server_of(file, &problem);
    if (server == NULL) return problem;
    world_init();
    world_image_add(image);
    if (scene_over_sockets(file) && server->entry != NULL) world_image_add(server);
    world_level_set((enum world_level)image->level);
    struct world_limits limits = scene_limits(file);
    world_limits_set(&limits);
    world_watch_loops(LOOP_SECONDS);
    explore_log_set(log);
    record_scenario(file);
    struct stage_hooks hooks = {.context = scene, .broken = on_broken, .leaked = on_leak,
                                .wire = on_wire,
                                .server = server->entry,
                                .transport = chosen_transport};
    scene->stage = stage_new(file, cli_image_api(image), &hooks, &problem);
    if (scene->stage == NULL) return problem;
    /* The bound is about the storm; the calm comes on top. */
    limits.time_max_ns += stage_calm_us(scene->stage) * 1000;
    world_limits_set(&limits);
    scene_renew_checks(scene);
    scene->subject = (struct explore_subject){scene, "core/stage", body, before, judge};
    return NULL;
}
