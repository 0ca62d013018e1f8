/* What harness live has to know before the first run: the programs, and what cannot be done. */
#include "commands.h"
#include "live_job.h"

#include "harness/cli/image.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* --- what cannot be done --- */

static void note(void *context, bool hard, struct scn_place place, const char *text)
{
    struct live_job *live = context;
    size_t used = strlen(live->notes);
    const char *word = !hard ? "left out" : live->alone ? "refused" : "skipped";
    live->refusals += hard;
    (void)snprintf(live->notes + used, sizeof live->notes - used, "     %s: line %u: %s\n", word,
                   place.line, text);
}

bool live_fail(struct live_job *live, enum report_verdict verdict, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(live->problem, sizeof live->problem, format, arguments);
    va_end(arguments);
    live->job.report.verdict = verdict;
    live->job.report.text = live->problem;
    return false;
}

/* False: nobody is there, as the report says. */
static bool can_connect(struct live_job *live)
{
    char problem[LIVE_PROBLEM_MAX];
    if (live_ask_elsewhere(&live->options, live->job.file, cli_image_api(live->job.image), note,
                           live, problem))
        return true;
    return live_fail(live, REPORT_FAULT, "%s\n", problem);
}

/* False: the report says why not. */
static bool is_possible(struct live_job *live)
{
    struct report *report = &live->job.report;
    stage_live_demands(live->job.file, live->words->given[CLI_CONNECT], note, live);
    if (live->words->given[CLI_CONNECT] && !can_connect(live)) return false;
    report->text = live->notes[0] != '\0' ? live->notes : NULL;
    if (live->refusals == 0) return true;
    report->verdict = live->alone ? REPORT_INVALID : REPORT_SKIPPED;
    return false;
}

/* --- programs and options --- */

/* False: the report says why not. */
static bool find_programs(struct live_job *live)
{
    char own[LIVE_PATH_MAX / 2];
    struct stat status;
    cli_own_folder(own, sizeof own);
    (void)snprintf(live->helper, sizeof live->helper, "%s/harness", own);
    if (live->words->text[CLI_DAEMON])
        (void)snprintf(live->daemon, sizeof live->daemon, "%s", live->words->text[CLI_DAEMON]);
    else
        (void)snprintf(live->daemon, sizeof live->daemon, "%s/sessiond", own);
    if (live->words->given[CLI_CONNECT]) return true;
    if (stat(live->daemon, &status) == 0 && S_ISDIR(status.st_mode)) errno = EISDIR;
    else if (access(live->daemon, X_OK) == 0) return true;
    return live_fail(live, REPORT_INVALID,
                     "%s: %s\n  '--daemon FILE' names the sessiond to start\n", live->daemon,
                     strerror(errno));
}

/* In the folder of a build, or where it is installed. False: the report says why not. */
static bool find_preload(struct live_job *live)
{
    char own[LIVE_PATH_MAX / 2];
    cli_own_folder(own, sizeof own);
    (void)snprintf(live->preload, sizeof live->preload, "%s/live-hold.so", own);
    if (access(live->preload, R_OK) != 0)
        (void)snprintf(live->preload, sizeof live->preload, "%s/../lib/harness/live-hold.so", own);
    if (access(live->preload, R_OK) != 0)
        return live_fail(live, REPORT_INVALID,
                         "%s: %s\n  --confirm holds threads back by it; it is installed with the "
                         "harness\n", live->preload, strerror(errno));
    if (strpbrk(live->preload, " :") == NULL) return true;
    return live_fail(live, REPORT_INVALID,
                     "%s: --confirm has a daemon load it (LD_PRELOAD), which cannot be told a path "
                     "with a space or a colon\n  install the harness elsewhere\n", live->preload);
}

/* False: the report says why not. */
static bool prepare_confirm(struct live_job *live, const char *path)
{
    size_t used = strlen(live->notes);
    if (!find_preload(live)) return false;
    bool found = confirm_find(&live->confirm, path, live->words, live->daemon);
    (void)snprintf(live->notes + used, sizeof live->notes - used, "%s", live->confirm.text);
    live->job.report.text = live->notes;
    if (!found) live->job.report.verdict = REPORT_INVALID;
    return found;
}

/* Sessions of a daemon that goes on are told from those of other runs by when these began. */
static void set_options(struct live_job *live)
{
    const struct cli_options *words = live->words;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    (void)snprintf(live->tag, sizeof live->tag, "%llx%05x", (unsigned long long)now.tv_sec,
                   (unsigned)(now.tv_nsec / 1000));
    live->options = (struct live_options){
        .folder = live->folder, .daemon = live->daemon, .helper = live->helper,
        .connect = words->text[CLI_CONNECT], .ca = words->text[CLI_CA],
        .tokens = words->text[CLI_TOKEN], .agents = words->text[CLI_AGENTS], .tag = live->tag,
        .speed = words->speed, .wall_us = words->wall_us, .seed = live->told.seed};
}

bool live_prepare(struct live_job *live, const char *path)
{
    if (!find_programs(live)) return false;
    set_options(live);
    if (!is_possible(live)) return false;
    return !live->words->given[CLI_CONFIRM] || prepare_confirm(live, path);
}
