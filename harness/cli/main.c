/* The command line of the harness. */
#include "commands.h"

#include <stdio.h>
#include <string.h>

#include "harness/scenario/scenario.h"
#include "options.h"

struct command {
    const char *word;
    int (*run)(int argc, char **argv);
    const char *arguments;
    const char *help;
};

static const struct command commands[] = {
#define X(name, function, arguments, help) {name, function, arguments, help},
    CLI_COMMANDS(X)
#undef X
};
enum { COMMAND_COUNT = sizeof commands / sizeof *commands };

static void print_help(void)
{
    printf("harness: runs real pthread code in a simulated world, explores how its threads can\n"
           "interleave, and answers a broken promise with the shortest schedule that breaks it.\n"
           "\n"
           "  harness run scenarios/*.scn          explore every scenario, within its budget\n"
           "  harness run FILE --choices TOKEN     the one execution that a report names\n"
           "  make CC=harness-cc && ./program      your own pthread program, within its budget\n"
           "\n"
           "commands\n");
    for (int i = 0; i < COMMAND_COUNT; i++) {
        char head[64];
        snprintf(head, sizeof head, "%s %s", commands[i].word, commands[i].arguments);
        printf("  %-24s %s\n", head, commands[i].help);
    }
    printf(
        "\n"
        "'harness COMMAND --help' explains a command and its options.\n"
        "\n"
        "exit status\n"
        "  0  everything holds\n"
        "  1  a promise was broken: an invariant, a check, a deadlock, a leak, misuse of a lock\n"
        "  2  a scenario or the command line is wrong\n"
        "  3  inconclusive: what a scenario claims to test was never reached\n"
        "  4  the core crashed\n"
        "  5  the harness itself is at fault\n"
        "  of several files: 5, 2, 4, 1, 3, 0, the first that applies\n");
}

static const struct command *find(const char *word)
{
    for (int i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(word, commands[i].word) == 0) return &commands[i];
    }
    return NULL;
}

/* What may have been meant: another word, or a scenario without the word before it. */
static int unknown(const char *word)
{
    const char *words[COMMAND_COUNT], *end = strrchr(word, '.');
    for (int i = 0; i < COMMAND_COUNT; i++) words[i] = commands[i].word;
    const char *nearest = scn_nearest(word, words, COMMAND_COUNT);
    if (word[0] == '-') {
        fprintf(stderr, "harness: unknown option '%s'; options stand behind a command\n", word);
    } else {
        fprintf(stderr, "harness: there is no command '%s'\n", word);
    }
    if (end && strcmp(end, ".scn") == 0) {
        fprintf(stderr, "  to explore it: harness run %s\n", word);
    } else if (nearest) {
        fprintf(stderr, "  did you mean '%s'?\n", nearest);
    } else if (word[0] != '-') {
        fprintf(stderr, "  one of:");
        for (int i = 0; i < COMMAND_COUNT; i++) fprintf(stderr, " %s", words[i]);
        fprintf(stderr, "\n");
    }
    fprintf(stderr, "  try 'harness --help'\n");
    return 2;
}

/* 'harness help COMMAND' is 'harness COMMAND --help'. */
static int help_about(char *word)
{
    char help[] = "--help", *arguments[] = {help, NULL};
    const struct command *command = find(word);
    return command ? command->run(1, arguments) : unknown(word);
}

/* A verdict that could not be written is none. */
static int told(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout)) return status;
    perror("harness: standard output");
    return status == 0 ? 5 : status;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_help();
        return 2;
    }
    cli_called(argv[0]);
    if (argc == 3 && strcmp(argv[1], "help") == 0) return told(help_about(argv[2]));
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        print_help();
        return told(0);
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "version") == 0) {
        printf("harness %s\n", HARNESS_VERSION);
        return told(0);
    }
    const struct command *command = find(argv[1]);
    if (command) return told(command->run(argc - 2, argv + 2));
    if (strcmp(argv[1], "live-agent") == 0) return command_live_agent(argc - 2, argv + 2);
    if (strcmp(argv[1], "live-server") == 0) return command_live_server(argc - 2, argv + 2);
    return unknown(argv[1]);
}
