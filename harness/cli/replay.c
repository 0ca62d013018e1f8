/* harness replay: one execution again, in this very process, so that a debugger sees it. */
#include "commands.h"
#include "harness/cli/pinning.h"
#include "harness/cli/scene.h"
#include "job.h"
#include "reports/symbols.h"
#include "reports/threads.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const uint64_t allowed = OPTION(CHOICES) | OPTION(CORE) | OPTION(TRANSPORT) |
                                OPTION(PCAP) | OPTION(IPV6) | OPTION(GDB) | OPTION(UNTIL) |
                                OPTION(HELP);

enum { STACK_LINES = 12 };

static int help(void)
{
    printf("harness replay FILE [--choices TOKEN] [--until STEP] [--gdb]\n"
           "harness replay --choices TOKEN [--until STEP] [--gdb] PROGRAM [--] [ARGUMENT...]\n"
           "\n"
           "Runs one execution of a scenario again and prints its steps; or one of a program that\n"
           "harness-cc has linked, under the HARNESS_ variables of its replay line. With --until,\n"
           "stops after STEP and shows where every thread stands; under gdb (--gdb), stops there\n"
           "instead. The execution is the same every time: to step back, stop one step earlier.\n"
           "With --pcap, what passes between tabs and cores is written as a packet capture.\n"
           "In gdb, 'harness threads' lists the simulated threads with their stacks, and\n"
           "'harness thread N COMMAND' looks at one of them, as in 'harness thread 2 bt full'.\n"
           "\n");
    cli_options_help(allowed);
    return 0;
}

/* What teaches gdb the simulated threads; "" if it was not installed. */
static void find_script(char *out, size_t size)
{
    static const char *const places[] = {"lib/harness/gdb.py", "../lib/harness/gdb.py"};
    char own[3072];
    cli_own_folder(own, sizeof own);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        snprintf(out, size, "%s/%s", own, places[i]);
        if (access(out, R_OK) == 0) return;
    }
    out[0] = '\0';
    fprintf(stderr, "note: lib/harness/gdb.py is not beside this executable: gdb has no command "
                    "'harness'\n");
}

/* Instead of this process; words are those of the process to be debugged. */
static int start_gdb(char **words, int count)
{
    char script[4096];
    const char **all = calloc((size_t)count + 16, sizeof *all);
    int used = 0;
    if (all == NULL) return 5;
    find_script(script, sizeof script);
    all[used++] = "gdb";
    all[used++] = "-q";
    if (script[0]) {
        all[used++] = "-x";
        all[used++] = script;
    }
    /* So a look at the counter of cycles arrives; a crash is told by the harness itself. */
    all[used++] = "-ex";
    all[used++] = "handle SIGSEGV nostop noprint pass";
    all[used++] = "-ex";
    all[used++] = "run";
    all[used++] = "--args";
    for (int i = 0; i < count; i++) all[used++] = words[i];
    execvp("gdb", (char **)(uintptr_t)all);
    fprintf(stderr, "harness replay: gdb: %s\n  without --gdb, --until prints where every thread "
                    "stands\n", strerror(errno));
    free(all);
    return 2;
}

static int debug_scenario(const struct cli_options *options)
{
    static char until[32], self[4096];
    ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    self[length < 0 ? 0 : length] = '\0';
    snprintf(until, sizeof until, "%llu", (unsigned long long)options->until);
    const char *words[16] = {self, "replay", options->files[0]};
    int count = 3;
    if (options->choices) {
        words[count++] = "--choices";
        words[count++] = options->choices;
    }
    if (options->core) {
        words[count++] = "--core";
        words[count++] = options->core;
    }
    if (options->transport) {
        words[count++] = "--transport";
        words[count++] = options->transport;
    }
    if (options->given[CLI_UNTIL]) {
        words[count++] = "--until";
        words[count++] = until;
    }
    return start_gdb((char **)(uintptr_t)words, count);
}

/* `words` are the program and its arguments, up to a NULL. */
static int replay_program(const struct cli_options *options, char **words)
{
    char until[32];
    int count = 0;
    if (options->core || options->transport) {
        fprintf(stderr, "harness replay: --%s is for scenarios; %s is a program\n",
                options->core ? "core" : "transport", words[0]);
        return 2;
    }
    if (options->choices) setenv("HARNESS_CHOICES", options->choices, 1);
    if (getenv("HARNESS_CHOICES") == NULL) {
        fprintf(stderr, "harness replay: which execution? --choices TOKEN names it\n");
        return 2;
    }
    snprintf(until, sizeof until, "%llu", (unsigned long long)options->until);
    if (options->given[CLI_UNTIL]) setenv("HARNESS_UNTIL", until, 1);
    if (!options->given[CLI_GDB]) return cli_run_program("replay", words);
    if (words[1] && strcmp(words[1], "--") == 0) {
        words[1] = words[0];
        words++;
    }
    while (words[count]) count++;
    return start_gdb(words, count);
}

static void print_step(const struct world_step *step, uint64_t number)
{
    if (step->op == WORLD_OP_ADVANCE) {
        printf("%6llu  time %.3f ms\n", (unsigned long long)number,
               (double)((uint64_t)step->object << 32 | step->result) / 1e6);
        return;
    }
    const char *point = world_point_name(step->object);
    printf("%6llu  %-16s %s", (unsigned long long)number, world_entity_name(step->entity),
           step->op == WORLD_OP_POINT ? point : world_op_words[step->op]);
    if (step->object && !point[0]) printf(" %s", world_object_kind(step->object));
    printf("\n");
}

struct stop {
    uint64_t until; /* 0: never */
    uint64_t at;
};

static void observe(void *context, const struct world_step *step)
{
    struct stop *stop = context;
    print_step(step, ++stop->at);
    if (stop->at != stop->until) return;
    fflush(stdout);
    if (threads_debugged()) {
        raise(SIGTRAP);
        return;
    }
    printf("\n");
    threads_print(stdout);
    fflush(stdout);
    _exit(0);
}

int cli_tell_end(FILE *out, const struct scene *scene, uint32_t id,
                 const struct world_result *result)
{
    const struct world_finding *finding = world_finding_get();
    fprintf(out, "\n%u steps, %.3f ms of virtual time, %u choices\n", result->steps,
           (double)result->now_ns / 1e6, result->choices);
    if (result->end == WORLD_STOPPED) {
        fprintf(out, "the token does not fit: %s\n", world_stop_text());
        return 2;
    }
    if (id == EXPLORE_PASSED) {
        fprintf(out, "everything holds\n");
        return 0;
    }
    fprintf(out, "%s\n", scene->violation ? scene->violation->text : finding->text);
    if (id == SCENE_REFUSED) return 2;
    char *detail = symbols_expand(finding->detail);
    if (detail && detail[0]) fprintf(out, "%s\n", detail);
    free(detail);
    symbols_print_stack(out, 4, STACK_LINES, &finding->stack);
    return finding->kind == WORLD_FOUND_CRASH ? 4 : 1;
}

/* Without a token, a scenario's own schedule is replayed: its choices are those it makes. */
static uint32_t scheduled_choices(const struct scene *scene, uint16_t *choices)
{
    static struct pin pins[PINS_MAX];
    struct world_result result;
    uint32_t count;
    struct strategy *follower =
        pinning_strategy(scene->file, pins, pinning_read(scene->file, pins), NULL);
    explore_execute(&scene->subject, follower, &result);
    if (result.end == WORLD_STOPPED) printf("%s\n", world_stop_text());
    const struct world_choice *made = explore_choices(&count);
    for (uint32_t i = 0; i < count; i++) choices[i] = made[i].index;
    follower->free(follower);
    return count;
}

int cli_bad_token(const char *command, const char *problem, const char *token, size_t where)
{
    fprintf(stderr, "harness %s: %s\n  %s\n  %*s^\n", command, problem, token, (int)where, "");
    return 2;
}

static int replay_job(const struct job *job)
{
    static struct scene scene;
    static uint16_t choices[TOKEN_CHOICES_MAX];
    const struct cli_options *options = job->options;
    uint32_t count = 0;
    size_t where;
    const char *problem =
        options->choices ? token_read(options->choices, choices, &count, &where) : NULL;
    if (problem) return cli_bad_token("replay", problem, options->choices, where);
    problem = scene_init(&scene, job->file, job->image, NULL);
    if (problem) {
        fprintf(stderr, "%s\n", problem);
        return 2;
    }
    if (options->choices == NULL && job->file->has_schedule) {
        count = scheduled_choices(&scene, choices);
    }
    if (options->pcap && !capture_begin(options, &scene)) return 2;
    struct stop stop = {.until = options->given[CLI_UNTIL] ? options->until : 0};
    struct world_result result;
    world_observe(observe, &stop);
    world_keep_stacks(true);
    uint32_t id = explore_replay(&scene.subject, choices, count, true, &result);
    world_observe(NULL, NULL);
    if (options->pcap && !capture_end()) return 5;
    return cli_tell_end(stdout, &scene, id, &result);
}

int command_replay(int argc, char **argv)
{
    struct cli_options options;
    struct job job;
    int words = cli_program_at(allowed, argc, argv);
    if (!cli_options_read("replay", allowed, words < argc ? words + 1 : argc, argv, &options))
        return 2;
    if (options.given[CLI_HELP]) return help();
    if (words < argc) return replay_program(&options, argv + words);
    if (options.file_count != 1) {
        fprintf(stderr, "harness replay: name one scenario\n  try 'harness replay --help'\n");
        return 2;
    }
    if (options.given[CLI_GDB]) return debug_scenario(&options);
    int status = 2;
    if (job_open(&job, options.files[0], &options)) {
        status = replay_job(&job);
    } else {
        fprintf(stderr, "%s", job.text);
    }
    job_free(&job);
    return status;
}
