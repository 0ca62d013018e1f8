/* The commands; each returns the exit status. argv holds the words after the command. */
#ifndef HARNESS_CLI_COMMANDS_H
#define HARNESS_CLI_COMMANDS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* X("word", function, "arguments", "help") */
#define CLI_COMMANDS(X)                                                                            \
    X("run", command_run, "FILE...", "explore scenarios and judge them")                           \
    X("replay", command_replay, "FILE", "one execution again, step by step if wanted")             \
    X("step", command_step, "FILE", "one execution, chosen by hand; of a program, too")            \
    X("merge", command_merge, "FILE...", "the JSON reports of shards, put together")               \
    X("explain", command_explain, "FILE", "the whole report of one failing execution")             \
    X("shrink", command_shrink, "FILE", "a smaller token for the same failure")                    \
    X("explore", command_explore, "PROGRAM", "a program that was linked by harness-cc")            \
    X("live", command_live, "FILE...", "the same scenarios against a real daemon, in real time")   \
    X("import", command_import, "FILE.pcap", "a scenario from a packet capture")                   \
    X("plan", command_plan, "FILE", "what a scenario says, with everything implied written out")   \
    X("fmt", command_fmt, "FILE...", "rewrite scenarios in the canonical layout")                  \
    X("words", command_words, "", "the whole vocabulary of the scenario language")                 \
    X("points", command_points, "", "the named points of the core, for schedules and checks")      \
    X("invariants", command_invariants, "", "the built-in promises")

#define X(word, function, arguments, help) int function(int argc, char **argv);
CLI_COMMANDS(X)
#undef X

/* What daemons of a live run start; not for people, so --help does not name them. */
int command_live_agent(int argc, char **argv);
int command_live_server(int argc, char **argv);

struct cli_options;
struct report;

/* Writes what --junit, --json and --github ask for. False: stderr says what was not written. */
bool cli_write_files(const struct cli_options *options, const struct report *reports,
                     uint32_t count);

/* Whether a file is a program that harness-cc has linked. */
bool cli_is_program(const char *path);

/* Runs such a program in place of this process; words[0] is its path, its arguments may stand
 * behind a "--". Returns only if that is impossible: stderr says why, and the exit status is 2. */
int cli_run_program(const char *command, char **words);

/* Where `token` goes wrong, on stderr; returns the exit status. */
int cli_bad_token(const char *command, const char *problem, const char *token, size_t where);

/* How an execution that was asked for has ended; returns the exit status. */
struct scene;
struct world_result;
int cli_tell_end(FILE *out, const struct scene *scene, uint32_t id,
                 const struct world_result *result);

#endif
