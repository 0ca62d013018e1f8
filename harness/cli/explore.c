/* harness explore: a program that was linked by harness-cc explores its own main; this only checks
 * that it is one, and hands over the options in the environment. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <fcntl.h>
#include <unistd.h>

#include "commands.h"
#include "harness/program/options.h"
#include "harness/scenario/scenario.h"

/* As harness/program/main.c writes it; in two parts, for it must not stand in this executable. */
static const char mark[] = "this program was linked by ", mark_end[] = "harness-cc";

struct row {
    const char *name, *standard, *help;
};

static const struct row rows[PROGRAM_OPTION_COUNT] = {
#define X(id, name, standard, help) {name, standard, help},
    PROGRAM_OPTIONS(X)
#undef X
};

/* What an option takes; most take a number. */
static const char *const arguments[PROGRAM_OPTION_COUNT] = {
    [PROGRAM_CHOICES] = "TOKEN", [PROGRAM_UNTIL] = "STEP",  [PROGRAM_STEP] = "FILE",
    [PROGRAM_STRATEGY] = "NAME", [PROGRAM_CORPUS] = "DIR",  [PROGRAM_SHARD] = "I/N",
    [PROGRAM_LAG] = "TIME",      [PROGRAM_POINTS] = "WORD", [PROGRAM_REPORTS] = "DIR",
    [PROGRAM_JUNIT] = "FILE",    [PROGRAM_JSON] = "FILE",
};

static bool is_switch(int option)
{
    return option == PROGRAM_SHRINK || option == PROGRAM_FULL || option == PROGRAM_GITHUB;
}

static void word_of(int option, char *out, size_t bytes)
{
    size_t used = 0;
    for (const char *at = rows[option].name; *at && used + 1 < bytes; at++) {
        out[used++] = (char)tolower((unsigned char)*at);
    }
    out[used] = '\0';
}

static int help(void)
{
    printf("harness explore [OPTION...] PROGRAM [--] [ARGUMENT...]\n\n"
           "Runs a program that was linked by harness-cc. It runs its main many times, under\n"
           "different interleavings, and tells the shortest one that fails. Every option can also\n"
           "be given in the environment, as HARNESS_RUNS=100000 ./program.\n\n");
    for (int i = 0; i < PROGRAM_OPTION_COUNT; i++) {
        char word[32], head[48];
        word_of(i, word, sizeof word);
        snprintf(head, sizeof head, "--%s%s%s", word, is_switch(i) ? "" : " ",
                 is_switch(i) ? "" : arguments[i] ? arguments[i] : "N");
        printf("  %-16s  %s (default %s)\n", head, rows[i].help, rows[i].standard);
    }
    printf("\nstrategies\n");
#define X(name, word, text) printf("  %-16s  %s\n", word, text);
    EXPLORE_STRATEGIES(X)
#undef X
    printf("\n--shrink, --full and --github take 0 or 1 after '='; alone they mean 1.\n"
           "Exit status: the program's own if everything holds; otherwise 1, 2, 3, 4 or 5 as in\n"
           "'harness --help'.\n");
    return 0;
}

static int complain(const char *text, const char *word)
{
    fprintf(stderr, "harness explore: %s '%s'\n  try 'harness explore --help'\n", text, word);
    return 2;
}

static int unknown(const char *option)
{
    static char words[PROGRAM_OPTION_COUNT][32];
    const char *known[PROGRAM_OPTION_COUNT];
    char bare[32];
    for (int i = 0; i < PROGRAM_OPTION_COUNT; i++) {
        word_of(i, words[i], sizeof words[i]);
        known[i] = words[i];
    }
    const char *word = option[1] == '-' ? option + 2 : "";
    snprintf(bare, sizeof bare, "%.*s", (int)strcspn(word, "="), word);
    const char *nearest = scn_nearest(bare, known, PROGRAM_OPTION_COUNT);
    fprintf(stderr, "harness explore: unknown option '%s'\n", option);
    if (nearest) fprintf(stderr, "  did you mean '--%s'?\n", nearest);
    fprintf(stderr, "  try 'harness explore --help'\n");
    return 2;
}

static int find(const char *word, size_t length)
{
    for (int i = 0; i < PROGRAM_OPTION_COUNT; i++) {
        char known[32];
        word_of(i, known, sizeof known);
        if (strlen(known) == length && strncmp(known, word, length) == 0) return i;
    }
    return PROGRAM_OPTION_COUNT;
}

/* Options up to the program; *at is then where it stands. 0, or the exit status. */
static int read_options(int argc, char **argv, int *at)
{
    for (; *at < argc && argv[*at][0] == '-'; ++*at) {
        const char *word = argv[*at] + 2, *value = strchr(argv[*at], '=');
        char variable[48];
        if (strcmp(argv[*at], "--") == 0) continue;
        if (argv[*at][1] == 'j') {
            value = argv[*at][2] ? argv[*at] + 2 : argv[++*at];
            if (value == NULL) return complain("a value is missing after", "-j");
            setenv("HARNESS_JOBS", value, 1);
            continue;
        }
        if (argv[*at][1] != '-') return unknown(argv[*at]);
        int option = find(word, value ? (size_t)(value - word) : strlen(word));
        if (option == PROGRAM_OPTION_COUNT) return unknown(argv[*at]);
        if (value) {
            value++;
        } else if (is_switch(option)) {
            value = "1";
        } else if (*at + 1 < argc) {
            value = argv[++*at];
        } else {
            return complain("a value is missing after", argv[*at]);
        }
        snprintf(variable, sizeof variable, "HARNESS_%s", rows[option].name);
        setenv(variable, value, 1);
    }
    return 0;
}

static bool has_mark(const char *text, size_t bytes)
{
    const char *end = text + bytes, *at = memmem(text, bytes, mark, sizeof mark - 1);
    while (at != NULL) {
        const char *rest = at + sizeof mark - 1;
        size_t left = (size_t)(end - rest);
        if (left >= sizeof mark_end && memcmp(rest, mark_end, sizeof mark_end) == 0) return true;
        at = memmem(rest, left, mark, sizeof mark - 1);
    }
    return false;
}

bool cli_is_program(const char *path)
{
    struct stat status;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return false;
    bool found = false;
    if (fstat(file, &status) == 0 && status.st_size > 0) {
        size_t bytes = (size_t)status.st_size;
        void *text = mmap(NULL, bytes, PROT_READ, MAP_PRIVATE, file, 0);
        if (text != MAP_FAILED) {
            found = has_mark(text, bytes);
            munmap(text, bytes);
        }
    }
    close(file);
    return found;
}

int cli_run_program(const char *command, char **words)
{
    char *path = words[0];
    if (access(path, X_OK) != 0) {
        fprintf(stderr, "harness %s: %s: %s\n", command, path, strerror(errno));
        return 2;
    }
    /* Any other program would run as it is, and everything would seem to hold. */
    if (!cli_is_program(path)) {
        fprintf(stderr, "harness %s: %s was not linked by harness-cc (make CC=harness-cc)\n",
                command, path);
        return 2;
    }
    if (words[1] && strcmp(words[1], "--") == 0) *++words = path;
    execv(path, words);
    fprintf(stderr, "harness %s: %s: %s\n", command, path, strerror(errno));
    return 2;
}

int command_explore(int argc, char **argv)
{
    int at = 0;
    for (int i = 0; i < argc && argv[i][0] == '-'; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) return help();
    }
    int status = read_options(argc, argv, &at);
    if (status != 0) return status;
    if (at == argc) {
        fprintf(stderr, "harness explore: no program was named\n  try 'harness explore --help'\n");
        return 2;
    }
    return cli_run_program("explore", argv + at);
}
