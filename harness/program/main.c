/* The course of a program that explores itself: once, to see whether it has threads at all; then
 * many executions; then what failed is verified, shrunk and told. All of that in workers. */
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "course.h"
#include "debug.h"
#include "files.h"
#include "harness/explore/worker.h"
#include "harness/world/image.h"
#include "history.h"
#include "html.h"
#include "include/harness.h"
#include "progress.h"
#include "reports/symbols.h"
#include "reports/text.h"
#include "reports/trail.h"
#include "summary.h"
#include "tell.h"
#include "unit.h"

extern const struct image image_program;

/* What harness-cc found that the objects tell, as the address of a symbol: 1 + enum world_level. */
extern const char harness_level[];

/* Whether the program is one of C++, as the address of a symbol: 1 no, 2 yes. */
extern const char harness_cxx[];

/* By this, "harness explore" tells such programs from others. */
__attribute__((used)) static const char mark[] = "this program was linked by harness-cc";

/* Where a program refers to it, main is not what is explored. */
#pragma weak harness_explore

enum { SHRINK_TRIES = 4000, FOLDER_MAX = 4096 };
/* A program without threads may take its time, but not for ever. */
enum { REWINDS = 999 };

struct program_options options;
struct shared *shared;
struct life life;
static int word_count;
static char **words;
static char *remembered; /* file of the corpus that the failure came from */
static const struct course *course; /* NULL: main is explored */

static bool is_unit_test(void)
{
    return harness_explore != NULL;
}

/* --- in workers --- */

/* Once a loop was waited for, the next ones are not worth as much. */
static unsigned patience(void)
{
    enum { AGAIN_SECONDS = 2 };
    bool seen = shared->life.finding.kind == WORLD_FOUND_ENDLESS_LOOP;
    return seen && options.loop_seconds > AGAIN_SECONDS ? AGAIN_SECONDS : options.loop_seconds;
}

void course_prepare(struct explore_log *log, struct capture *output)
{
    if (course) {
        world_branch();
        world_catch_signals();
        capture_libraries();
        /* Or else a failed assertion of cmocka would jump to main, which is not here. */
        setenv("CMOCKA_TEST_ABORT", "1", 1);
        if (options.memory_points) world_level_set(WORLD_LEVEL_POINTS);
    } else {
        world_init();
        world_image_add(&image_program);
        if ((uintptr_t)harness_cxx == 2) world_unwind_stacks();
        life_arguments(word_count, words, environ);
    }
    world_limits_set(&shared->phases[shared->phase].limits);
    if (!options.until) world_watch_loops(patience()); /* a debugger takes its time */
    /* Libraries for tests take the signal, and look at clocks of their own. */
    if (!is_unit_test()) world_trap_counter();
    explore_log_set(log);
    capture_use(output, &shared->input);
    promises_use(&shared->promises, course || !is_unit_test());
    life_init(&life, course ? 0 : options.status);
    life.may_leak = !options.leaks;
    if (course) {
        life.function = course->function;
        life.argument = course->argument;
    }
}

/* Threads are not all that makes executions differ. */
static bool must_explore(void)
{
    return !is_unit_test() && (shared->threads > 1 || shared->promises.used);
}

static void prepare(struct explore_log *log)
{
    course_prepare(log, &shared->output);
}

static int run_once(void *argument)
{
    struct world_result result;
    struct world_limits limits = shared->phases[0].limits;
    (void)argument;
    prepare(&shared->log);
    limits.rewinds_max = REWINDS;
    world_limits_set(&limits);
    life.live = true;
    if (is_unit_test()) capture_straight();
    explore_replay(&life.subject, NULL, 0, false, &result);
    for (uint16_t id = 0; id < world_entity_count(); id++) shared->threads += !world_is_task(id);
    shared->life = life;
    shared->once_cut = result.end == WORLD_CUT;
    shared->once_choices = result.choices;
    shared->once_steps = result.steps;
    if (must_explore()) return 0;
    shared->phases[0].stats = (struct explore_stats){
        .runs = 1, .distinct = 1, .distinct_exact = true, .cut = shared->once_cut, .new_lately = 1,
        .steps_sum = result.steps, .choices_sum = result.choices, .steps_min = result.steps,
        .steps_max = result.steps};
    if (life.finding.kind != WORLD_FOUND_NONE && life.finding.kind != WORLD_FOUND_EXIT) {
        FILE *out = fmemopen(shared->screen, SCREEN_MAX, "w");
        if (out) tell_finding(out, words[0], &life);
        if (out) fclose(out);
    }
    return files_commit() ? 0 : 1;
}

static int verify(void *argument)
{
    (void)argument;
    prepare(NULL);
    shared->replayed = explore_verify(&life.subject, &shared->failure);
    return 0;
}

static int shrink(void *argument)
{
    (void)argument;
    prepare(NULL);
    explore_shrink(&life.subject, &shared->failure, SHRINK_TRIES);
    return 0;
}

static int decide(void *argument)
{
    (void)argument;
    prepare(NULL);
    explore_decisive(&life.subject, &shared->failure, &shared->decisive);
    return 0;
}

static int find_no_return(void *argument)
{
    (void)argument;
    prepare(NULL);
    explore_inevitable(&life.subject, &shared->failure, &shared->inevitable);
    return 0;
}

/* Where the page is; NULL: none is written. */
static const char *page_folder(void)
{
    static char folder[FOLDER_MAX];
    if (!options.reports) return NULL;
    snprintf(folder, sizeof folder, "%s/%s", options.reports, text_base_name(words[0]));
    return folder;
}

static struct tell telling(void)
{
    uint32_t phase = shared->phase < shared->phase_count ? shared->phase : 0; /* all have held */
    return (struct tell){
        .name = course ? course->name : text_base_name(words[0]),
        .exploration = course ? course->number : 0,
        .path = words[0],
        .words = words,
        .word_count = word_count,
        .options = &options,
        .limits = &shared->phases[phase].limits,
        .failure = &shared->failure,
        .choices_found = shared->choices_found,
        .life = &life,
        .decisive = &shared->decisive,
        .output = &shared->output,
        .corpus = remembered,
        .folder = page_folder(),
    };
}

/* What failed, and where. */
static void keep_reason(void)
{
    struct symbol place;
    char *reason = symbols_expand(life.finding.text);
    snprintf(shared->reason, sizeof shared->reason, "%s", reason);
    free(reason);
    if (!symbols_place(&life.finding.stack, &place)) return;
    snprintf(shared->source, sizeof shared->source, "%s", text_below_here(place.path));
    shared->source_line = place.line;
}

static int explain(void *argument)
{
    const struct explore_failure *failure = &shared->failure;
    struct world_result result;
    struct tell tell = telling();
    struct report_problem problem;
    (void)argument;
    prepare(NULL);
    trail_watch(history_words);
    trail_begin();
    world_keep_stacks(true);
    explore_replay(&life.subject, failure->choices, failure->count, false, &result);
    trail_name_objects(life.finding.detail, sizeof life.finding.detail);
    shared->has_no_return = no_return_find(&shared->inevitable, &shared->no_return);
    if (shared->has_no_return) tell.no_return = &shared->no_return;
    if (tell.folder && !html_write_program(&tell, &problem)) {
        fprintf(stderr, "harness: %s\n", problem.text);
        tell.folder = NULL;
    }
    shared->has_page = tell.folder != NULL;
    FILE *out = fmemopen(shared->screen, SCREEN_MAX, "w");
    if (out == NULL) return FAULT;
    tell_failure(out, &tell);
    fclose(out);
    keep_reason();
    shared->life = life;
    return 0;
}

/* --- the course --- */

static int complain(const char *text, int status)
{
    fprintf(stderr, "harness: %s\n", text);
    return status;
}

/* The exploration has come to nothing. */
static int end_without(const char *text, int status)
{
    struct tell tell = telling();
    enum report_verdict verdict = status == 2   ? REPORT_INVALID
                                  : status == 3 ? REPORT_INCONCLUSIVE
                                                : REPORT_FAULT;
    return summary_end(complain(text, status), verdict, text, &tell, false);
}

static void print_screen(void)
{
    int verdict = (int)strcspn(shared->screen, " ");
    bool colour = text_may_colour(STDERR_FILENO);
    fprintf(stderr, "%s%.*s%s%s", colour ? "\033[1;31m" : "", verdict, shared->screen,
            colour ? "\033[0m" : "", shared->screen + verdict);
}

/* The worker itself died: its log says in which execution. */
static int tell_death(int signal_number)
{
    struct tell tell = telling();
    shared->failure.id = (uint32_t)WORLD_FOUND_CRASH;
    shared->failure.run = shared->log.run;
    shared->failure.count = shared->log.used;
    shared->failure.cost = (struct explore_cost){{0}, 0}; /* of what kind they were nobody knows */
    for (uint32_t i = 0; i < shared->log.used; i++) {
        shared->failure.choices[i] = shared->log.choices[i].index;
        shared->failure.cost.of[COST_OTHER] += shared->failure.choices[i] != 0;
    }
    int used = snprintf(shared->problem, sizeof shared->problem,
                        "the process died of signal %d (%s)", signal_number,
                        strsignal(signal_number));
    if (remembered) {
        snprintf(shared->problem + used, sizeof shared->problem - (size_t)used,
                 ", replayed from %s", remembered);
    } else {
        snprintf(shared->problem + used, sizeof shared->problem - (size_t)used, " in run %llu",
                 (unsigned long long)shared->log.run + 1);
    }
    FILE *out = fmemopen(shared->screen, SCREEN_MAX, "w");
    if (out == NULL) return FAULT;
    fprintf(out, "CRASH %s\n     %s\n  replay  ", tell.name, shared->problem);
    tell_replay(out, &tell);
    fclose(out);
    print_screen();
    memcpy(shared->reason, shared->problem, sizeof shared->reason);
    shared->life.finding.kind = WORLD_FOUND_CRASH;
    shared->choices_found = cost_choices(&shared->failure.cost);
    tell.folder = NULL;
    if (!course && !remembered) remember_death(words, word_count, signal_number);
    return summary_end(4, REPORT_CRASH, NULL, &tell, true);
}

/* 0, or the exit status. */
static int status_of(struct worker_result result)
{
    switch (result.end) {
    case WORKER_RETURNED:
        return result.code;
    case WORKER_EXITED:
        return is_unit_test() ? result.code : FAULT; /* it has said why */
    case WORKER_KILLED:
        return tell_death(result.code);
    }
    return FAULT;
}

static int work(int (*body)(void *))
{
    return status_of(worker_run(body, NULL, NULL, NULL));
}

static enum report_verdict verdict_of(enum world_finding_kind kind)
{
    int status = tell_status(kind);
    return status == 4 ? REPORT_CRASH : status == 5 ? REPORT_REFUSED : REPORT_FAIL;
}

/* Of a program without threads; what a unit test explores has its own chapters. */
static int end_once(enum report_verdict verdict, const char *text)
{
    struct tell tell = telling();
    return is_unit_test() ? 0 : summary_end(0, verdict, text, &tell, false);
}

static int end_returned(void)
{
    char text[64] = "";
    int status = shared->life.status;
    bool good = (uint32_t)status == options.status;
    if (!good) snprintf(text, sizeof text, "the process ended with status %d", status);
    int written = end_once(good ? REPORT_PASS : REPORT_FAIL, text);
    return status != 0 ? status : written;
}

/* As if nobody had looked: its output, its exit status, or the signal that it would have died
 * of. */
static int end_plain(void)
{
    const struct world_finding *finding = &shared->life.finding;
    if (!is_unit_test()) capture_print(&shared->output);
    if (shared->once_cut) {
        char text[64];
        snprintf(text, sizeof text, "no end after %u steps (HARNESS_STEPS=%u)", shared->once_steps,
                 options.steps);
        return end_without(text, 3);
    }
    if (shared->life.status >= 0) return end_returned();
    print_screen();
    end_once(verdict_of(finding->kind), finding->text);
    int signal_number = 0;
    if (finding->kind == WORLD_FOUND_ASSERT || finding->kind == WORLD_FOUND_ABORT) {
        signal_number = SIGABRT;
    } else if (finding->kind == WORLD_FOUND_CRASH) {
        signal_number = strncmp(finding->text, "SIGPIPE", 7) == 0 ? SIGPIPE : SIGSEGV;
    }
    if (signal_number == 0) return tell_status(finding->kind);
    signal(signal_number, SIG_DFL);
    raise(signal_number);
    return tell_status(finding->kind);
}

static int end_failed(void)
{
    int status = status_of(progress_work(verify, "runs it again"));
    if (status != 0) return status;
    if (!shared->replayed) {
        return end_without("the failure did not replay: the program reads something that differs "
                           "from run to run, or the harness is at fault", FAULT);
    }
    shared->choices_found = cost_choices(&shared->failure.cost);
    bool endless = shared->failure.id == (uint32_t)WORLD_FOUND_ENDLESS_LOOP;
    /* A candidate may take its process down: then what was found so far is told, */
    if (options.shrink && !options.choices && !endless) {
        progress_work(shrink, "looks for the shortest schedule");
    }
    /* there is no pair, */
    if (!endless) progress_work(decide, "looks for the two steps that decide");
    /* and of continuations nothing is known. */
    if (options.shrink && !endless &&
        progress_work(find_no_return, "looks for the point of no return").end != WORKER_RETURNED) {
        shared->inevitable.found = false;
    }
    status = status_of(progress_work(explain, "writes it down"));
    if (status != 0) return end_without("the failing execution could not be told", status);
    if (!course || !course->quiet) print_screen();
    if (!course) remember_failure(words, word_count);
    struct tell tell = telling();
    if (!shared->has_page) tell.folder = NULL;
    enum world_finding_kind kind = shared->life.finding.kind;
    return summary_end(tell_status(kind), verdict_of(kind), NULL, &tell, true);
}

/* Nothing failed. A unit test prints what it thinks of that by itself. */
static int end_held(void)
{
    struct tell tell = telling();
    const char *doubt;
    if (!course) capture_print(&shared->output);
    enum report_verdict verdict = summary_judge(course ? NULL : stderr, &tell, &doubt);
    int status = doubt ? 3 : (int)options.status;
    return summary_end(status, verdict, doubt, &tell, false);
}

/* In this process, where a debugger sees it. */
static int stop_there(void)
{
    static uint16_t choices[TOKEN_CHOICES_MAX];
    uint32_t count;
    if (!options.choices) return complain("HARNESS_UNTIL needs HARNESS_CHOICES", 2);
    if (!phases_read_choices(choices, &count)) return complain(shared->problem, 2);
    prepare(NULL);
    debug_until(&life, choices, count, options.until);
    fprintf(stderr, "harness: the execution ended before step %u, or went on to its end\n",
            options.until);
    return 2;
}

static int step(void *argument)
{
    static uint16_t choices[TOKEN_CHOICES_MAX];
    uint32_t count = 0;
    struct tell tell = telling();
    (void)argument;
    bool good = !options.choices || phases_read_choices(choices, &count);
    if (!good) return complain(shared->problem, 2);
    prepare(&shared->log);
    return by_hand(&tell, choices, count);
}

/* What is visible of the program. */
static enum world_level level_built(void)
{
    return (enum world_level)((uintptr_t)harness_level - 1);
}

bool course_fits(const struct program_options *how)
{
    if (!how->memory_points || level_built() == WORLD_LEVEL_MEMORY) return true;
    fprintf(stderr, "harness: HARNESS_POINTS=memory needs a program that was built at level "
                    "memory; this one is of level %s\n", world_level_word(level_built()));
    return false;
}

/* 0: everything holds; otherwise the exit status. */
static int explore_phases(void)
{
    for (; shared->phase < shared->phase_count; shared->phase++) {
        int status = status_of(phases_explore());
        if (status == 1) return end_without(shared->problem, 2);
        if (status != 0) return status;
        if (shared->failure.id == LIFE_DIVERGED) return end_without(shared->problem, 2);
        if (shared->phases[shared->phase].stats.stopped) return end_without(shared->problem, 3);
        if (shared->failure.id != EXPLORE_PASSED) return end_failed();
        status = is_unit_test() ? 0 : status_of(phases_tell_endless());
        if (status != 0) return status;
    }
    return 0;
}

/* --- unit tests --- */

const struct program_options *course_options(void)
{
    return &options;
}

static void tell_course(int status, struct course_result *result)
{
    static char *text;
    free(text);
    *result = (struct course_result){.screen = shared->screen, .promises = &shared->promises};
    const struct explore_stats total = phases_total();
    result->runs = total.runs;
    result->distinct = total.distinct;
    result->cut = total.cut;
    result->complete = total.complete;
    result->failed = status != 0 && status != 3;
    text = symbols_expand(shared->problem[0] ? shared->problem : shared->life.finding.text);
    result->text = status == 0 ? "" : text;
    if (!result->failed) return;
    result->kind = shared->problem[0] ? WORLD_FOUND_CRASH : shared->life.finding.kind;
    result->token = token_write(shared->failure.choices, shared->failure.count);
}

int course_explore(const struct course *asked, struct course_result *result)
{
    struct program_options before = options;
    course = asked;
    options = asked->options;
    options.jobs = 1; /* what the bodies say is kept in one place */
    shared->phase = 0;
    shared->failure.id = EXPLORE_PASSED;
    shared->failure.count = 0;
    shared->problem[0] = shared->screen[0] = shared->source[0] = '\0';
    memset(&shared->promises, 0, sizeof shared->promises);
    phases_plan();
    if (options.step) _exit(work(step)); /* the rest of main is not asked for */
    int status = options.until ? stop_there() : explore_phases();
    if (status == 0 && end_held() == FAULT) status = FAULT;
    tell_course(status, result);
    options = before;
    course = NULL;
    return status;
}

/* Main runs once, as if nobody looked. */
static int run_unit_test(void)
{
    struct world_limits *limits = &shared->phases[0].limits;
    limits->stalls_max = limits->spurious_max = limits->late_max = limits->weak_max = 0;
    limits->steps_max = WORLD_STEPS_MAX;
    limits->find_races = false;
    if (options.until) {
        run_once(NULL);
        return complain("HARNESS_UNTIL: there is no such call of harness_explore()", 2);
    }
    int status = work(run_once);
    return status != 0 ? status : end_plain();
}

int main(int argc, char **argv)
{
    words = argv;
    word_count = argc;
    if (!program_options_read(&options) || !course_fits(&options)) return 2;
    bool points = options.memory_points && !is_unit_test();
    world_level_set(points ? WORLD_LEVEL_POINTS : level_built());
    shared = worker_shared(sizeof *shared);
    phases_plan();
    if (!summary_begin()) return 2;
    if (is_unit_test()) return run_unit_test();
    if (options.until) return stop_there();
    if (options.step) return work(step);
    int status = work(run_once);
    if (status != 0) return status;
    if (!must_explore() && !options.choices) return end_plain();
    phases_moderate();
    if (shared->promises.used || shared->promises.count > 0) options.jobs = 1;
    if (!phases_divide(&status)) return status;
    progress_begin();
    int signal_number;
    switch (remember_replay(words, word_count, &remembered, &signal_number)) {
    case CORPUS_FAILED:
        return end_failed();
    case CORPUS_DIED:
        return tell_death(signal_number);
    case CORPUS_DAMAGED:
        return 2;
    case CORPUS_PASSED:
        break;
    }
    status = explore_phases();
    return status != 0 ? status : end_held();
}
