#include "endless.h"

#include <stdbool.h>

#include "reports/trail.h"

/* A thread repeats itself if it has made the same steps so often in a row, in the last part of the
 * execution. The results of these steps may differ: what one takes, another one does not get. */
enum { WINDOW = 4096, TIMES = 8, PERIOD_MAX = 24, TEXT_MAX = 128 };

/* Steps of one thread, oldest first. */
struct course_of {
    const struct trail_step *steps[WINDOW];
    uint32_t count;
};

static void collect(struct course_of *course, uint16_t entity)
{
    uint32_t count;
    const struct trail_step *steps = trail_steps(&count);
    course->count = 0;
    for (uint32_t i = count > WINDOW ? count - WINDOW : 0; i < count; i++) {
        if (steps[i].step.op == WORLD_OP_ADVANCE || steps[i].step.entity != entity) continue;
        course->steps[course->count++] = &steps[i];
    }
}

static bool repeats(const struct course_of *course, uint32_t period)
{
    if (course->count < period * TIMES) return false;
    for (uint32_t i = course->count - period * (TIMES - 1); i < course->count; i++) {
        const struct world_step *now = &course->steps[i]->step;
        const struct world_step *before = &course->steps[i - period]->step;
        if (now->op != before->op || now->object != before->object) return false;
    }
    return true;
}

static void tell_steps(FILE *out, const struct course_of *course, uint32_t period)
{
    uint32_t first = course->count - period;
    fprintf(out, "  %s repeats  ", world_entity_name(course->steps[first]->step.entity));
    for (uint32_t i = first; i < course->count; i++) {
        char text[TEXT_MAX];
        trail_describe(course->steps[i], text, sizeof text);
        fprintf(out, "%s%s", i > first ? ", " : "", text);
    }
    fputc('\n', out);
}

unsigned endless_tell(FILE *out)
{
    static struct course_of course;
    unsigned threads = 0;
    for (uint16_t id = 0; id < world_entity_count(); id++) {
        uint32_t period = 1;
        collect(&course, id);
        while (period <= PERIOD_MAX && !repeats(&course, period)) period++;
        if (period > PERIOD_MAX) continue;
        tell_steps(out, &course, period);
        threads++;
    }
    return threads;
}
