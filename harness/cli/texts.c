/* harness plan, fmt, words, points, invariants: what the harness knows, as text. */
#include "commands.h"
#include "harness/scenario/scenario.h"
#include "job.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/cli/image.h"

static const uint64_t only_help = OPTION(HELP);

/* Options of a command that has none but --help. 0: go on; otherwise *status is the answer. */
static bool simple(const char *command, const char *text, int argc, char **argv,
                   struct cli_options *options, int *status)
{
    *status = 2;
    if (!cli_options_read(command, only_help, argc, argv, options)) return true;
    if (!options->given[CLI_HELP]) return false;
    printf("harness %s\n\n%s", command, text);
    *status = 0;
    return true;
}

static int usage(const char *command, const char *text)
{
    fprintf(stderr, "harness %s: %s\n  try 'harness %s --help'\n", command, text, command);
    return 2;
}

/* For a command that only prints. */
static bool without_files(const char *command, const struct cli_options *options, int *status)
{
    if (options->file_count == 0) return true;
    fprintf(stderr, "harness %s: takes no file: '%s'\n", command, options->files[0]);
    *status = 2;
    return false;
}

int command_plan(int argc, char **argv)
{
    struct cli_options options;
    struct job job;
    int status;
    if (simple("plan FILE",
               "Prints a scenario with everything that it implies written out:\n"
               "defaults, one block for each actor, repeats unrolled. The result is a scenario.\n",
               argc, argv, &options, &status)) {
        return status;
    }
    if (options.file_count != 1) return usage("plan", "name one scenario");
    if (job_open(&job, options.files[0], &options)) {
        scn_plan(stdout, job.file);
        status = 0;
    } else {
        fprintf(stderr, "%s", job.text);
        status = 2;
    }
    job_free(&job);
    return status;
}

/* Rewrites one file in place; leaves it alone when nothing would change. */
static bool format_file(const char *path)
{
    const struct scn_options words = job_words();
    struct scn_diagnostics diagnostics;
    size_t bytes, formatted_bytes;
    char *formatted = NULL;
    char *source = scn_read_file(path, SCN_BYTES_MAX, &bytes);
    if (source == NULL) {
        fprintf(stderr, "%s: error: cannot read: %s\n", path, strerror(errno));
        return false;
    }
    FILE *out = open_memstream(&formatted, &formatted_bytes);
    bool good = out && scn_format(out, path, source, bytes, &words, &diagnostics);
    if (out) fclose(out);
    if (!good) scn_print_diagnostics(stderr, &diagnostics);
    scn_diagnostics_free(&diagnostics);
    if (good && (formatted_bytes != bytes || memcmp(formatted, source, bytes) != 0)) {
        FILE *file = fopen(path, "w");
        good = file && fwrite(formatted, 1, formatted_bytes, file) == formatted_bytes;
        if (file && fclose(file) != 0) good = false;
        if (!good) fprintf(stderr, "%s: error: cannot write: %s\n", path, strerror(errno));
        if (good) printf("%s: formatted\n", path);
    }
    free(formatted);
    free(source);
    return good;
}

int command_fmt(int argc, char **argv)
{
    struct cli_options options;
    int status;
    if (simple("fmt FILE...", "Rewrites scenarios in the canonical layout; comments are kept.\n",
               argc, argv, &options, &status)) {
        return status;
    }
    if (options.file_count == 0) return usage("fmt", "no file was named");
    status = 0;
    for (uint32_t i = 0; i < options.file_count; i++) {
        if (!format_file(options.files[i])) status = 2;
    }
    return status;
}

int command_words(int argc, char **argv)
{
    struct cli_options options;
    int status;
    if (simple("words", "Prints every word of the scenario language with its meaning.\n", argc,
               argv, &options, &status)) {
        return status;
    }
    if (!without_files("words", &options, &status)) return status;
    scn_words(stdout);
    return 0;
}

int command_points(int argc, char **argv)
{
    struct cli_options options;
    char problem[256];
    int status;
    if (simple("points",
               "Prints the named points of the core. A schedule runs threads to them\n"
               "('run core/ws to conn.attached'). Every visible operation of a thread is a point,\n"
               "too: 'core/jobs[1].lock[17]' is the seventeenth lock of that thread.\n",
               argc, argv, &options, &status)) {
        return status;
    }
    if (!without_files("points", &options, &status)) return status;
    const struct core_api *api = cli_image_api(cli_image(NULL, NULL, problem, sizeof problem));
    for (uint32_t i = 0; i < api->trace_point_count(); i++) {
        const struct trace_point_info *info = api->trace_point_info(i);
        printf("%-22s %s", info->name, info->subject);
        for (int k = 0; k < TRACE_ARGS_MAX; k++) {
            if (info->args[k][0]) printf(" %s", info->args[k]);
        }
        printf("\n");
    }
    printf("\noperations:");
    for (int op = 0; op < WORLD_OP_COUNT; op++) printf(" %s", world_op_words[op]);
    printf("\n");
    return 0;
}

int command_invariants(int argc, char **argv)
{
    struct cli_options options;
    int status;
    if (simple(
            "invariants",
            "Prints the promises that every run is judged by. In a scenario,\n"
            "'on NAME' demands that some run exercised it, 'off NAME \"reason\"' leaves it out.\n",
            argc, argv, &options, &status)) {
        return status;
    }
    if (!without_files("invariants", &options, &status)) return status;
    for (int i = 0; i < SCN_INVARIANT_COUNT; i++) {
        printf("%-24s %s\n", scn_invariant_word((enum scn_invariant)i),
               scn_invariant_help((enum scn_invariant)i));
    }
    return 0;
}
