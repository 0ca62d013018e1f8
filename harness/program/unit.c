/* harness_explore(): an exploration of one function, from the middle of main's only execution. A
 * program that refers to it is a unit test: main.c looks whether this file was linked. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "capture.h"
#include "harness/net/net.h"
#include "include/harness.h"

static uint32_t calls; /* of harness_explore() */

/* An exploration, on its way out of main's execution and back. */
struct request {
    struct course course;
    struct course_result found;
    int status;
};

static _Noreturn void refuse(const char *problem)
{
    if (world_branched()) capture_switch(false);
    fflush(stdout);
    if (problem) fprintf(stderr, "harness: harness_explore() is called %s\n", problem);
    _exit(2);
}

/* What stands in the code is meant, unless the environment says otherwise. */
static void choose_options(const struct harness_options *wanted, struct program_options *options)
{
    const bool *given = options->given;
    if (wanted->runs && !given[PROGRAM_RUNS]) options->runs = wanted->runs;
    if (wanted->seed && !given[PROGRAM_SEED]) options->seed = wanted->seed;
    if (wanted->depth && !given[PROGRAM_DEPTH]) {
        options->depth = wanted->depth;
        options->given[PROGRAM_DEPTH] = true;
    }
    if (wanted->no_delays && !given[PROGRAM_STALLS]) options->stalls = 0;
    if (wanted->no_spurious_wakeups && !given[PROGRAM_SPURIOUS]) options->spurious = 0;
    if (wanted->no_races && !given[PROGRAM_RACES]) options->races = false;
    if (wanted->memory_points && !given[PROGRAM_POINTS]) options->memory_points = true;
    if (wanted->steps > WORLD_STEPS_MAX) refuse("with a bound of more than 1048576 steps");
    if (wanted->steps && !given[PROGRAM_STEPS]) options->steps = wanted->steps;
    if (wanted->strategy && !given[PROGRAM_STRATEGY] &&
        !program_strategy_read(wanted->strategy, &options->strategy)) {
        refuse(NULL);
    }
    /* A seed that is not the default must stand in the line that replays. */
    options->given[PROGRAM_SEED] |= wanted->seed != 0;
    options->given[PROGRAM_STEPS] |= wanted->steps != 0;
    options->given[PROGRAM_RACES] |= wanted->no_races;
    if (!course_fits(options)) refuse(NULL);
}

static void explore_outside(void *argument)
{
    struct request *request = argument;
    request->status = course_explore(&request->course, &request->found);
    if (request->status == 2) refuse(NULL);
}

/* Nothing failed; that is not all that it takes. */
static enum harness_verdict judge(const struct request *request, struct harness_result *result)
{
    static char text[SOMETIMES_NAME_MAX + 64];
    const char *missing = promises_missing(request->found.promises);
    if (request->status != 0) return HARNESS_INCONCLUSIVE;
    if (result->runs == result->cut) {
        result->text = "no execution came to its end";
        return HARNESS_INCONCLUSIVE;
    }
    if (missing && !request->course.options.choices) {
        snprintf(text, sizeof text, "never true, in no execution: %s", missing);
        result->text = text;
        return HARNESS_INCONCLUSIVE;
    }
    return HARNESS_HELD;
}

static struct harness_result tell(const struct request *request)
{
    static char *token;
    const struct course_result *found = &request->found;
    struct harness_result result = {
        .verdict = HARNESS_FAILED,
        .runs = found->runs,
        .distinct = found->distinct,
        .cut = found->cut,
        .assumed = found->promises->assumed,
        .complete = found->complete,
        .kind = "",
        .text = found->text,
        .token = "",
        .screen = found->screen,
    };
    free(token);
    token = found->token;
    if (token) result.token = token;
    if (found->failed) {
        result.kind = world_finding_words[found->kind];
    } else {
        result.verdict = judge(request, &result);
    }
    return result;
}

struct harness_result harness_explore(const struct harness_options *wanted,
                                      void (*body)(void *argument), void *argument)
{
    static const struct harness_options standard;
    static char name[32];
    const char *obstacle = world_branch_obstacle();
    struct request request = {.course = {.options = *course_options(), .number = ++calls,
                                         .function = body, .argument = argument}};
    struct course *course = &request.course;
    if (obstacle == NULL && net_open_list(NULL, 0) > 0) obstacle = "while descriptors are open";
    if (obstacle) refuse(obstacle);
    if (wanted == NULL) wanted = &standard;
    choose_options(wanted, &course->options);
    snprintf(name, sizeof name, "exploration %u", calls);
    course->name = wanted->name ? wanted->name : name;
    course->quiet = wanted->quiet;
    bool one = course->options.choices || course->options.step; /* execution is asked for */
    if (one && course->options.exploration != calls) {
        return (struct harness_result){.verdict = HARNESS_SKIPPED, .kind = "", .text = "",
                                       .token = "", .screen = ""};
    }
    world_outside(explore_outside, &request);
    return tell(&request);
}
