#include "live_confirm.h"

#include "harness/cli/job.h"
#include "harness/live/hold.h"
#include "harness/live/places.h"
#include "reports/symbols.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool refuse(struct confirm *confirm, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool refuse(struct confirm *confirm, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(confirm->text, sizeof confirm->text, format, arguments);
    va_end(arguments);
    return false;
}

/* The places of the core on that stack, from the one that locks outwards. */
static uint32_t find_lines(const struct world_stack *stack, struct symbol *names,
                           struct place_line *lines)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < stack->depth && count < HOLD_FRAMES_MAX; i++) {
        struct symbol symbol[SYMBOL_INLINE_MAX];
        uint32_t found = symbol_find(stack->pc[i], symbol, SYMBOL_INLINE_MAX);
        bool inside = found > 0 && strncmp(symbol[0].file, "core/", 5) == 0;
        if (!inside && count > 0) break;
        if (!inside) continue;
        names[count] = symbol[0];
        lines[count] = (struct place_line){names[count].file, names[count].line};
        count++;
    }
    return count;
}

static void describe(struct confirm *confirm, const struct decisive_step *step,
                     const struct symbol *names, uint32_t count)
{
    size_t used = (size_t)snprintf(confirm->text, sizeof confirm->text, "     held back: %s",
                                   step->thread);
    for (uint32_t i = 0; i < count && used < sizeof confirm->text; i++)
        used += (size_t)snprintf(confirm->text + used, sizeof confirm->text - used,
                                 "%s%s:%u (%s)", i == 0 ? " at " : ", ", names[i].file,
                                 names[i].line, names[i].function);
    if (used < sizeof confirm->text)
        (void)snprintf(confirm->text + used, sizeof confirm->text - used, "\n");
}

static bool place_step(struct confirm *confirm, const struct decisive_step *step,
                       const char *daemon)
{
    struct symbol names[HOLD_FRAMES_MAX];
    struct place_line lines[HOLD_FRAMES_MAX];
    uint32_t count = find_lines(&step->stack, names, lines);
    if (strncmp(step->op, "lock", 4) != 0 || count == 0)
        return refuse(confirm, "the second of the two steps that decide is no lock in the core: "
                      "%s %s; only those can be held back\n", step->thread, step->op);
    const char *problem =
        places_write(daemon, lines, count, confirm->ranges, sizeof confirm->ranges);
    if (problem != NULL) return refuse(confirm, "%s: %s\n", daemon, problem);
    describe(confirm, step, names, count);
    return true;
}

static bool search(struct confirm *confirm, struct job *job, const char *path,
                   const struct cli_options *options, const char *daemon)
{
    if (!job_shrink(job, path, options)) {
        if (job->report.text != NULL) return refuse(confirm, "%s", job->report.text);
        return refuse(confirm, "in the simulation that execution holds: there is nothing to "
                               "confirm\n");
    }
    (void)worker_run(job_decide, job, NULL, NULL);
    if (!job->shared->decisive.found)
        return refuse(confirm, "no two steps of that execution decide by their order alone\n");
    return place_step(confirm, &job->shared->decisive.second, daemon);
}

bool confirm_find(struct confirm *confirm, const char *path, const struct cli_options *words,
                  const char *daemon)
{
    struct cli_options options = *words;
    struct job job;
    *confirm = (struct confirm){.text = ""};
    options.choices = words->text[CLI_CONFIRM];
    options.given[CLI_CHOICES] = true;
    options.single = true;
    bool found = search(confirm, &job, path, &options, daemon);
    job_free(&job);
    return found;
}
