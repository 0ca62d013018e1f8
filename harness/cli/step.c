/* harness step: one execution, whose choices are made by hand at a prompt. */
#include "commands.h"
#include "harness/cli/scene.h"
#include "harness/explore/worker.h"
#include "job.h"
#include "reports/hand.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const uint64_t allowed = OPTION(CHOICES) | OPTION(SEED) | OPTION(CORE) |
                                OPTION(TRANSPORT) | OPTION(HELP);

static int help(void)
{
    printf("harness step FILE [--choices TOKEN]\n"
           "harness step [--choices TOKEN] PROGRAM [--] [ARGUMENT...]\n"
           "\n"
           "Runs one execution of a scenario, or of a program that harness-cc has linked.\n"
           "Wherever more than one thing could happen next it stops, shows what has happened\n"
           "since the last choice, what could happen now, with the places in the code, and asks:\n"
           "\n%s\n"
           "Commands can come from a pipe, as in printf '1\\n0\\nc\\n' | harness step FILE; the\n"
           "end of the input is a 'c'. The last lines tell how it ended and what repeats it;\n"
           "the exit status is that of 'harness replay'. A token is what it begins behind.\n"
           "\n",
           hand_commands);
    cli_options_help(allowed);
    return 0;
}

/* --- a scenario --- */

struct end {
    struct scene *scene;
    int status;
};

static void tell_end(void *context, FILE *out, uint32_t id, const struct world_result *result)
{
    struct end *end = context;
    end->status = cli_tell_end(out, end->scene, id, result);
}

static void print_replay(const struct job *job, const uint16_t *choices, uint32_t count)
{
    char *token = token_write(choices, count);
    char *command = cli_command("replay", job->path, job->options, CLI_SUBJECT, token);
    printf("\n  replay  %s\n", command);
    free(command);
    free(token);
}

static int step(void *argument)
{
    static struct scene scene;
    static uint16_t choices[TOKEN_CHOICES_MAX];
    const struct job *job = argument;
    const struct cli_options *options = job->options;
    uint32_t count = 0;
    size_t where;
    struct end end = {&scene, 0};
    const char *problem =
        options->choices ? token_read(options->choices, choices, &count, &where) : NULL;
    if (problem) return cli_bad_token("step", problem, options->choices, where);
    problem = scene_init(&scene, job->file, job->image, &job->shared->log);
    if (problem) {
        fprintf(stderr, "%s\n", problem);
        return 2;
    }
    const struct hand hand = {.subject = &scene.subject,
                              .in = stdin,
                              .out = stdout,
                              .echo = !isatty(STDIN_FILENO),
                              .seed = options->given[CLI_SEED] ? options->seed : 1,
                              .tell_end = tell_end,
                              .context = &end};
    /* An end that was left behind again is none. */
    if (hand_go(&hand, choices, &count) == EXPLORE_PASSED) end.status = 0;
    print_replay(job, choices, count);
    return end.status;
}

/* The process died: the choices up to there are in its log. */
static int tell_death(struct job *job, int signal_number)
{
    static uint16_t choices[TOKEN_CHOICES_MAX];
    uint32_t count = job->shared->log.used;
    for (uint32_t i = 0; i < count; i++) choices[i] = job->shared->log.choices[i].index;
    printf("the process died of signal %d (%s)\n", signal_number, strsignal(signal_number));
    print_replay(job, choices, count);
    return 4;
}

static int step_scenario(const struct cli_options *options)
{
    struct job job;
    int status = 2;
    if (job_open(&job, options->files[0], options)) {
        struct worker_result result = worker_run(step, &job, NULL, NULL);
        status = result.end == WORKER_KILLED ? tell_death(&job, result.code) : result.code;
    } else {
        fprintf(stderr, "%s", job.text);
    }
    job_free(&job);
    return status;
}

/* --- a program --- */

static int step_program(const struct cli_options *options)
{
    char seed[32];
    if (options->core || options->transport) {
        fprintf(stderr, "harness step: --%s is for scenarios; %s is a program\n",
                options->core ? "core" : "transport", options->files[0]);
        return 2;
    }
    if (options->choices) setenv("HARNESS_CHOICES", options->choices, 1);
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)options->seed);
    if (options->given[CLI_SEED]) setenv("HARNESS_SEED", seed, 1);
    setenv("HARNESS_STEP", "-", 0);
    return cli_run_program("step", options->files);
}

int command_step(int argc, char **argv)
{
    struct cli_options options;
    int words = cli_program_at(allowed, argc, argv);
    if (!cli_options_read("step", allowed, words < argc ? words + 1 : argc, argv, &options))
        return 2;
    if (options.given[CLI_HELP]) return help();
    if (words < argc) {
        options.files = argv + words;
        return step_program(&options);
    }
    if (options.file_count != 1) {
        fprintf(stderr, "harness step: name one scenario, or a program\n"
                        "  try 'harness step --help'\n");
        return 2;
    }
    return step_scenario(&options);
}
