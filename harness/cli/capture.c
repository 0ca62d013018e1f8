/* --pcap: one execution as a packet capture. */
#include "harness/capture/export.h"
#include "harness/cli/scene.h"
#include "job.h"

#include <stdio.h>

static struct {
    struct export *export;
    const struct scn_file *file;
} capture;

static const char *name_of(uint32_t actor)
{
    return capture.file->actors[actor].name;
}

static void open_connection(const struct stage_wire *what, uint64_t now_ns)
{
    struct export_ends ends = {
        .client = what->tab + 1,
        .server = what->core + 1,
        .serial = what->serial,
        .client_name = name_of(what->tab),
        .server_name = capture.file->cores[what->core].name,
        .user = what->user,
    };
    if (what->raw)
        export_stream(capture.export, now_ns, what->socket, &ends);
    else
        export_connection(capture.export, now_ns, what->socket, &ends);
}

static void on_bytes(const struct stage_wire *what, uint64_t now_ns)
{
    struct export *export = capture.export;
    switch (what->kind) {
    case STAGE_WIRE_OPENED:
        open_connection(what, now_ns);
        return;
    case STAGE_WIRE_INPUT:
    case STAGE_WIRE_OUTPUT:
        export_bytes(export, now_ns, what->socket, what->kind == STAGE_WIRE_INPUT, what->bytes,
                     what->length);
        return;
    case STAGE_WIRE_ARRIVED:
        export_taken(export, now_ns, what->socket, what->length);
        return;
    case STAGE_WIRE_CLOSE_ARRIVED:
        export_taken(export, now_ns, what->socket, SIZE_MAX);
        return;
    case STAGE_WIRE_CORE_CLOSES:
    case STAGE_WIRE_TAB_CLOSES:
        export_finish(export, now_ns, what->socket, what->kind == STAGE_WIRE_TAB_CLOSES);
        return;
    case STAGE_WIRE_BROKEN:
        export_cut(export, now_ns, what->socket);
        return;
    case STAGE_WIRE_CORE_GONE:
        export_server_gone(export, now_ns, what->socket);
        return;
    }
}

static void on_wire(void *context, const struct stage_wire *what)
{
    struct export *export = capture.export;
    uint64_t now_ns = world_now_ns();
    (void)context;
    if (what->raw) {
        on_bytes(what, now_ns);
        return;
    }
    switch (what->kind) {
    case STAGE_WIRE_OPENED:
        open_connection(what, now_ns);
        return;
    case STAGE_WIRE_INPUT:
        export_from_client(export, now_ns, what->socket, what->bytes, what->length);
        return;
    case STAGE_WIRE_OUTPUT:
        export_from_server(export, now_ns, what->socket, what->number, what->bytes, what->length);
        return;
    case STAGE_WIRE_ARRIVED:
        export_arrived(export, now_ns, what->socket, what->number);
        return;
    case STAGE_WIRE_CORE_CLOSES:
        export_server_closes(export, now_ns, what->socket, what->code, "");
        return;
    case STAGE_WIRE_CLOSE_ARRIVED:
        export_close_arrived(export, now_ns, what->socket);
        return;
    case STAGE_WIRE_TAB_CLOSES:
        export_client_closes(export, now_ns, what->socket);
        return;
    case STAGE_WIRE_BROKEN:
        export_cut(export, now_ns, what->socket);
        return;
    case STAGE_WIRE_CORE_GONE:
        export_server_gone(export, now_ns, what->socket);
        return;
    }
}

/* What the wall shows where the scenario begins, in nanoseconds since 1970. */
static uint64_t begin_of(const struct scn_file *file)
{
    const struct scn_attr *wall = scn_attrs_find(&file->clock, "wall");
    return wall ? (uint64_t)wall->value.low * 1000 : WORLD_WALL_START_NS;
}

bool capture_begin(const struct cli_options *options, struct scene *scene)
{
    char problem[EXPORT_PROBLEM_MAX];
    capture.file = scene->file;
    capture.export = export_open(options->pcap, begin_of(scene->file), options->given[CLI_IPV6],
                                 problem);
    scene->wire = on_wire;
    if (capture.export) return true;
    fprintf(stderr, "%s\n", problem);
    return false;
}

bool capture_end(void)
{
    char problem[EXPORT_PROBLEM_MAX];
    if (export_close(capture.export, problem)) return true;
    fprintf(stderr, "%s\n", problem);
    return false;
}

static struct strategy *named(struct job *job)
{
    static uint16_t choices[TOKEN_CHOICES_MAX];
    const struct explore_failure *failure = &job->shared->failure;
    uint32_t count = 0;
    size_t where;
    if (job->options->choices) {
        if (token_read(job->options->choices, choices, &count, &where)) count = 0;
        return strategy_replay(choices, count, false);
    }
    if (failure->id != EXPLORE_PASSED)
        return strategy_replay(failure->choices, failure->count, false);
    if (job->file->has_schedule) return job_follow_schedule(job, strategy_replay(NULL, 0, false));
    return strategy_replay(NULL, 0, false);
}

static int execute(void *argument)
{
    struct job *job = argument;
    static struct scene scene;
    struct world_result result;
    const char *problem = scene_init(&scene, job->file, job->image, NULL);
    if (problem) {
        fprintf(stderr, "%s\n", problem);
        return 1;
    }
    job_expect_loop(job);
    if (!capture_begin(job->options, &scene)) return 1;
    struct strategy *strategy = named(job);
    (void)explore_execute(&scene.subject, strategy, &result);
    strategy->free(strategy);
    return capture_end() ? 0 : 1;
}

bool job_capture(struct job *job)
{
    struct worker_result result = worker_run(execute, job, NULL, NULL);
    /* A crash that was looked for is what the capture ends with. */
    if (result.end == WORKER_KILLED) return job->report.verdict == REPORT_CRASH;
    return result.end == WORKER_RETURNED && result.code == 0;
}
