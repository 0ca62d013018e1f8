#include "options.h"

#include "commands.h"
#include "harness/check/require.h"
#include "harness/scenario/scenario.h"
#include "reports/text.h"
#include "scene.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TIMES_MOST = 1000000, TIME_MOST = 999999999, HOLD_US = 50000, WALL_US = 60000000 };
#define SPEED_LEAST 0.01
#define SPEED_MOST 1000

struct option_row {
    const char *word, *argument, *help;
};

static const struct option_row rows[CLI_OPTION_COUNT] = {
#define X(id, word, argument, help) {word, argument, help},
    CLI_OPTIONS(X)
#undef X
};

static const char *const strategy_words[EXPLORE_KINDS] = {
#define X(name, word, text) word,
    EXPLORE_STRATEGIES(X)
#undef X
};

static bool complain(const char *command, const char *what, const char *word)
{
    fprintf(stderr, "harness %s: %s '%s'\n  try 'harness %s --help'\n", command, what, word,
            command);
    return false;
}

static bool read_number(const char *command, const char *word, const char *text, uint64_t most,
                        uint64_t *number)
{
    char *end;
    errno = 0;
    *number = strtoull(text, &end, 10);
    if (errno == 0 && end != text && *end == '\0' && text[0] != '-' && *number <= most) return true;
    fprintf(stderr, "harness %s: --%s takes a whole number up to %llu, not '%s'\n", command, word,
            (unsigned long long)most, text);
    return false;
}

/* The same where 0 makes no sense. */
static bool read_count(const char *command, const char *word, const char *text, uint64_t most,
                       uint64_t *number)
{
    if (!read_number(command, word, text, most, number)) return false;
    if (*number > 0) return true;
    fprintf(stderr, "harness %s: --%s 0 would explore nothing\n", command, word);
    return false;
}

static bool read_strategy(const char *command, const char *text, enum explore_kind *kind)
{
    for (int i = 0; i < EXPLORE_KINDS; i++) {
        if (strcmp(text, strategy_words[i]) != 0) continue;
        *kind = (enum explore_kind)i;
        return true;
    }
    fprintf(stderr, "harness %s: there is no strategy '%s'; there are", command, text);
    for (int i = 0; i < EXPLORE_KINDS; i++) fprintf(stderr, " %s", strategy_words[i]);
    fprintf(stderr, "\n");
    return false;
}

static bool read_shard(const char *command, const char *text, struct shard *shard)
{
    char problem[128];
    if (shard_read(text, shard, problem, sizeof problem)) return true;
    fprintf(stderr, "harness %s: --shard: %s\n", command, problem);
    return false;
}

/* Unless told: as the variables of a job array say. Whoever did not think of them sees a note. */
static bool default_shard(const char *command, struct cli_options *options)
{
    char problem[256];
    const char *variable;
    if (shard_environment(&options->shard, &variable, problem, sizeof problem)) {
        if (variable == NULL) return true;
        fprintf(stderr, "note: shard %u/%u, by %s; --shard 1/1 explores everything\n",
                options->shard.index, options->shard.count, variable);
        return true;
    }
    fprintf(stderr, "harness %s: %s; --shard says which\n", command, problem);
    return false;
}

static bool read_transport(const char *command, const char *text, struct cli_options *options)
{
    bool sockets = strcmp(text, "sockets") == 0;
    options->transport = text;
    if (!sockets && strcmp(text, "frames") != 0) {
        return complain(command, "--transport takes frames or sockets, not", text);
    }
    scene_transport(sockets ? STAGE_SOCKETS : STAGE_FRAMES);
    return true;
}

/* A number that may have a fraction. */
static bool read_speed(const char *command, const char *text, double *speed)
{
    char *end;
    *speed = strtod(text, &end);
    if (text[0] >= '0' && text[0] <= '9' && *end == '\0' && *speed >= SPEED_LEAST &&
        *speed <= SPEED_MOST)
        return true;
    return complain(command, "--speed takes a number from 0.01 to 1000, not", text);
}

static bool read_time(const char *command, const char *word, const char *text, uint64_t *us)
{
    static const struct {
        const char *word;
        uint64_t us;
    } units[] = {{"ms", 1000}, {"s", 1000000}, {"m", 60000000}, {"h", 3600000000u}};
    char *end;
    errno = 0;
    uint64_t number = strtoull(text, &end, 10);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(end, units[i].word) != 0 || text[0] < '0' || text[0] > '9') continue;
        *us = number * units[i].us;
        if (errno == 0 && number > 0 && number <= TIME_MOST) return true;
    }
    fprintf(stderr, "harness %s: --%s takes a time such as 90s or 5m, not '%s'\n", command, word,
            text);
    return false;
}

static bool read_times(const char *command, const char *text, uint64_t *times)
{
    if (!read_number(command, "times", text, TIMES_MOST, times)) return false;
    if (*times > 0) return true;
    fprintf(stderr, "harness %s: --times 0 would run nothing\n", command);
    return false;
}

/* Where a value goes that stays as it was written. */
static const size_t fields[CLI_OPTION_COUNT] = {
    [CLI_CHOICES] = offsetof(struct cli_options, choices),
    [CLI_CORE] = offsetof(struct cli_options, core),
    [CLI_CORPUS] = offsetof(struct cli_options, corpus),
    [CLI_REPORTS] = offsetof(struct cli_options, reports),
    [CLI_JUNIT] = offsetof(struct cli_options, junit),
    [CLI_JSON] = offsetof(struct cli_options, json),
    [CLI_PCAP] = offsetof(struct cli_options, pcap),
    [CLI_FILTER] = offsetof(struct cli_options, filter),
    [CLI_SETTINGS] = offsetof(struct cli_options, settings),
    [CLI_OUTPUT] = offsetof(struct cli_options, output),
};

/* A file or folder without a name: what is written beside it would be in the root folder. */
static bool nameless(const char *command, enum cli_option option)
{
    fprintf(stderr, "harness %s: --%s takes %s, not ''\n", command, rows[option].word,
            rows[option].argument);
    return false;
}

static bool keep(const char *command, enum cli_option option, const char *text,
                 struct cli_options *options)
{
    uint64_t number;
    const char *word = rows[option].word;
    if (text && text[0] == '\0' && fields[option] != 0) return nameless(command, option);
    options->given[option] = true;
    options->text[option] = text;
    if (fields[option] != 0) memcpy((char *)options + fields[option], &text, sizeof text);
    switch (option) {
    case CLI_TIMES:
        return read_times(command, text, &options->times);
    case CLI_SPEED:
        return read_speed(command, text, &options->speed);
    case CLI_WALL:
        return read_time(command, word, text, &options->wall_us);
    case CLI_HOLD:
        return read_time(command, word, text, &options->hold_us);
    case CLI_STRATEGY:
        return read_strategy(command, text, &options->strategy);
    case CLI_DEPTH:
        if (!read_number(command, word, text, 1000, &number)) return false;
        options->depth = (uint32_t)number;
        return true;
    case CLI_SEED:
        return read_number(command, word, text, UINT64_MAX, &options->seed);
    case CLI_RUNS:
        return read_count(command, word, text, UINT64_MAX, &options->runs);
    case CLI_JOBS:
        if (!read_count(command, word, text, JOBS_MAX, &number)) return false;
        options->jobs = (uint32_t)number;
        return true;
    case CLI_SHARD:
        return read_shard(command, text, &options->shard);
    case CLI_UNTIL:
        return read_number(command, word, text, UINT32_MAX, &options->until);
    case CLI_TRANSPORT:
        return read_transport(command, text, options);
    case CLI_DAEMON:
    case CLI_CONNECT:
    case CLI_CA:
    case CLI_TOKEN:
    case CLI_AGENTS:
    case CLI_CONFIG:
    case CLI_CONFIRM:
    case CLI_TRACE:
    case CLI_CHOICES:
    case CLI_CORPUS:
    case CLI_CORE:
    case CLI_FULL:
    case CLI_REPORTS:
    case CLI_JUNIT:
    case CLI_JSON:
    case CLI_GITHUB:
    case CLI_PCAP:
    case CLI_FILTER:
    case CLI_SETTINGS:
    case CLI_LIST:
    case CLI_OUTPUT:
    case CLI_IPV6:
    case CLI_NO_SHRINK:
    case CLI_GDB:
    case CLI_HELP:
    case CLI_OPTION_COUNT:
        return true;
    }
    return true;
}

/* An option that there is not, and the allowed one that may have been meant. */
static bool unknown(const char *command, const char *word, uint64_t allowed)
{
    const char *words[CLI_OPTION_COUNT], *nearest = NULL;
    char bare[64];
    uint32_t count = 0;
    for (int i = 0; i < CLI_OPTION_COUNT; i++) {
        if (allowed >> i & 1) words[count++] = rows[i].word;
    }
    snprintf(bare, sizeof bare, "%.*s", (int)strcspn(word + 2, "="), word + 2);
    if (strncmp(word, "--", 2) == 0) nearest = scn_nearest(bare, words, count);
    fprintf(stderr, "harness %s: unknown option '%s'\n", command, word);
    if (nearest) fprintf(stderr, "  did you mean '--%s'?\n", nearest);
    fprintf(stderr, "  try 'harness %s --help'\n", command);
    return false;
}

static enum cli_option find(const char *word, size_t length, uint64_t allowed)
{
    for (int i = 0; i < CLI_OPTION_COUNT; i++) {
        if (!(allowed >> i & 1)) continue;
        if (strlen(rows[i].word) == length && strncmp(rows[i].word, word, length) == 0) {
            return (enum cli_option)i;
        }
    }
    return CLI_OPTION_COUNT;
}

/* --word, --word VALUE or --word=VALUE; *at moves over a separate value. */
static bool read_option(const char *command, uint64_t allowed, int argc, char **argv, int *at,
                        struct cli_options *options)
{
    const char *word = argv[*at] + 2;
    const char *value = strchr(word, '=');
    size_t length = value ? (size_t)(value - word) : strlen(word);
    enum cli_option option = find(word, length, allowed);
    if (option == CLI_OPTION_COUNT) return unknown(command, argv[*at], allowed);
    if (rows[option].argument == NULL) {
        if (value) return complain(command, "this option takes no value:", argv[*at]);
        return keep(command, option, NULL, options);
    }
    if (value) return keep(command, option, value + 1, options);
    if (*at + 1 == argc) return complain(command, "a value is missing after", argv[*at]);
    return keep(command, option, argv[++*at], options);
}

/* -jN or -j N, -oFILE or -o FILE. */
static bool read_short(const char *command, uint64_t allowed, int argc, char **argv, int *at,
                       struct cli_options *options)
{
    const char *value = argv[*at] + 2;
    enum cli_option option = argv[*at][1] == 'j' ? CLI_JOBS : CLI_OUTPUT;
    if (!(allowed >> option & 1)) return unknown(command, argv[*at], allowed);
    if (*value != '\0') return keep(command, option, value, options);
    if (*at + 1 == argc) return complain(command, "a value is missing after", argv[*at]);
    return keep(command, option, argv[++*at], options);
}

bool cli_options_read(const char *command, uint64_t allowed, int argc, char **argv,
                      struct cli_options *options)
{
    *options = (struct cli_options){.files = argv, .shard = {1, 1}, .times = 1, .speed = 1,
                                    .wall_us = WALL_US, .hold_us = HOLD_US};
    bool only_files = false;
    for (int at = 0; at < argc; at++) {
        if (!only_files && strcmp(argv[at], "--") == 0) {
            only_files = true;
        } else if (!only_files && strcmp(argv[at], "-h") == 0) {
            options->given[CLI_HELP] = true;
        } else if (!only_files && strncmp(argv[at], "--", 2) == 0) {
            if (!read_option(command, allowed, argc, argv, &at, options)) return false;
        } else if (!only_files && (strncmp(argv[at], "-j", 2) == 0 ||
                                    strncmp(argv[at], "-o", 2) == 0)) {
            if (!read_short(command, allowed, argc, argv, &at, options)) return false;
        } else if (!only_files && argv[at][0] == '-' && argv[at][1] != '\0') {
            return unknown(command, argv[at], allowed);
        } else {
            argv[options->file_count++] = argv[at];
        }
    }
    bool divided = allowed >> CLI_SHARD & 1 && !options->choices && !options->given[CLI_SHARD] &&
                   !options->given[CLI_HELP];
    return !divided || default_shard(command, options);
}

int cli_program_at(uint64_t allowed, int argc, char **argv)
{
    for (int at = 0; at < argc; at++) {
        const char *word = argv[at];
        if (word[0] != '-' || word[1] == '\0') return cli_is_program(word) ? at : argc;
        if (strncmp(word, "--", 2) != 0 || strchr(word, '=') != NULL) continue;
        enum cli_option option = find(word + 2, strlen(word + 2), allowed);
        if (option != CLI_OPTION_COUNT && rows[option].argument != NULL) at++;
    }
    return argc;
}

void cli_options_help(uint64_t allowed)
{
    for (int i = 0; i < CLI_OPTION_COUNT; i++) {
        if (!(allowed >> i & 1)) continue;
        char head[48];
        snprintf(head, sizeof head, "--%s%s%s", rows[i].word, rows[i].argument ? " " : "",
                 rows[i].argument ? rows[i].argument : "");
        printf("  %-20s %s\n", head, rows[i].help);
    }
}

static const char *called = "harness";

void cli_called(const char *word)
{
    called = word;
}

char *cli_command(const char *command, const char *file, const struct cli_options *options,
                  uint64_t which, const char *token)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    REQUIRE(out != NULL);
    text_word(out, called);
    fprintf(out, " %s ", command);
    text_word(out, file);
    for (int i = 0; i < CLI_OPTION_COUNT; i++) {
        if (!(which >> i & 1) || options->text[i] == NULL) continue;
        fprintf(out, " --%s ", rows[i].word);
        text_word(out, options->text[i]);
    }
    if (token) fprintf(out, " --choices %s", token);
    REQUIRE(fclose(out) == 0);
    return text;
}

struct report_style cli_style(const struct cli_options *options)
{
    return (struct report_style){text_may_colour(STDOUT_FILENO), options->given[CLI_FULL]};
}
