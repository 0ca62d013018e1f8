/* What is wrong with a scenario: promises that were broken, and wishes that cannot be granted. */
#include "fakes/internal.h"

#include <stdarg.h>
#include <stdio.h>

static void compose(struct stage *stage, struct scn_place place, const char *format,
                    va_list arguments) __attribute__((format(printf, 3, 0)));

static void compose(struct stage *stage, struct scn_place place, const char *format,
                    va_list arguments)
{
    int used = snprintf(stage->problem, sizeof stage->problem, "%s:%u:%u: error: ",
                        stage->file->path, place.line, place.column);

    if (used < 0 || (size_t)used >= sizeof stage->problem) return;
    (void)vsnprintf(stage->problem + used, sizeof stage->problem - (size_t)used, format, arguments);
}

const char *stage_complain(struct stage *stage, struct scn_place place, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    compose(stage, place, format, arguments);
    va_end(arguments);
    return stage->problem;
}

void play_refuse(struct play *play, struct scn_place place, const char *format, ...)
{
    struct stage *stage = play->stage;
    va_list arguments;

    va_start(arguments, format);
    compose(stage, place, format, arguments);
    va_end(arguments);
    stage->refused = true;
    world_fail(WORLD_FOUND_CHECK, "%s", stage->problem);
}

void play_break(struct play *play, struct scn_place place, const char *name, const char *text)
{
    const struct stage *stage = play->stage;
    struct stage_break what = { place, name, text };

    if (stage->hooks.broken != NULL) stage->hooks.broken(stage->hooks.context, &what);
    world_fail(WORLD_FOUND_CHECK, "%s (%s:%u): %s", name, stage->file->path, place.line, text);
}

const char *stage_refused(const struct stage *stage)
{
    return stage->refused ? stage->problem : NULL;
}
