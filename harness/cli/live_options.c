#include "live_options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum live_option {
#define X(id, word, argument, help) LIVE_##id,
    LIVE_OPTIONS(X)
#undef X
        LIVE_OPTION_COUNT
};

static const struct {
    const char *word, *argument, *help;
} rows[LIVE_OPTION_COUNT] = {
#define X(id, word, argument, help) {word, argument, help},
    LIVE_OPTIONS(X)
#undef X
};

#define WALL_US 60000000ull
enum { TIMES_MAX = 1000000, HOLD_US = 50000 };

static bool complain(const char *what, const char *word)
{
    fprintf(stderr, "harness live: %s '%s'\n  try 'harness live --help'\n", what, word);
    return false;
}

static bool read_number(const char *text, uint64_t least, uint64_t most, uint64_t *number)
{
    char *end;
    errno = 0;
    *number = strtoull(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && text[0] >= '0' && text[0] <= '9' &&
           *number >= least && *number <= most;
}

static bool read_speed(struct live_words *words, const char *text)
{
    char *end;
    words->speed_word = text;
    words->speed = strtod(text, &end);
    if (text[0] >= '0' && text[0] <= '9' && *end == '\0' && words->speed >= 0.01 &&
        words->speed <= 1000)
        return true;
    return complain("--speed takes a number from 0.01 to 1000, not", text);
}

static bool read_time(const char *option, const char *text, uint64_t *us)
{
    static const struct {
        const char *word;
        uint64_t us;
    } units[] = {{"ms", 1000}, {"s", 1000000}, {"m", 60000000}, {"h", 3600000000u}};
    char digits[16];
    size_t count = strspn(text, "0123456789");
    if (count > 0 && count < 10) {
        (void)snprintf(digits, sizeof digits, "%.*s", (int)count, text);
        for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
            if (strcmp(text + count, units[i].word) != 0) continue;
            *us = strtoull(digits, NULL, 10) * units[i].us;
            if (*us > 0) return true;
        }
    }
    fprintf(stderr, "harness live: --%s takes a time such as 90s or 5m, not '%s'\n", option, text);
    return false;
}

static bool keep(struct live_words *words, enum live_option option, const char *text)
{
    switch (option) {
    case LIVE_TIMES:
        return read_number(text, 1, TIMES_MAX, &words->times) ||
               complain("--times takes a number from 1 to 1000000, not", text);
    case LIVE_SPEED: return read_speed(words, text);
    case LIVE_SEED:
        words->has_seed = true;
        return read_number(text, 0, UINT64_MAX, &words->seed) ||
               complain("--seed takes a whole number, not", text);
    case LIVE_WALL: words->wall_word = text; return read_time("wall", text, &words->wall_us);
    case LIVE_CONFIRM: words->confirm = text; return true;
    case LIVE_CORE: words->core = text; return true;
    case LIVE_HOLD: words->hold_word = text; return read_time("hold", text, &words->hold_us);
    case LIVE_DAEMON: words->daemon = text; return true;
    case LIVE_CONNECT: words->connect = text; return true;
    case LIVE_TOKEN: words->tokens = text; return true;
    case LIVE_AGENTS: words->agents = text; return true;
    case LIVE_CONFIG: words->config = text; return true;
    case LIVE_FULL: words->full = true; return true;
    case LIVE_REPORTS: words->common.reports = text; return true;
    case LIVE_JUNIT: words->common.junit = text; return true;
    case LIVE_JSON: words->common.json = text; return true;
    case LIVE_TRACE: words->trace = text; return true;
    case LIVE_HELP: words->help = true; return true;
    case LIVE_OPTION_COUNT: break;
    }
    return false;
}

static enum live_option find(const char *word, size_t length)
{
    for (int i = 0; i < LIVE_OPTION_COUNT; i++) {
        if (strlen(rows[i].word) == length && strncmp(rows[i].word, word, length) == 0)
            return (enum live_option)i;
    }
    return LIVE_OPTION_COUNT;
}

/* --word, --word VALUE or --word=VALUE; *at moves over a separate value. */
static bool read_option(struct live_words *words, int argc, char **argv, int *at)
{
    const char *word = argv[*at] + 2, *value = strchr(word, '=');
    enum live_option option = find(word, value ? (size_t)(value - word) : strlen(word));
    if (option == LIVE_OPTION_COUNT) return complain("unknown option", argv[*at]);
    if (rows[option].argument == NULL) {
        if (value) return complain("this option takes no value:", argv[*at]);
        return keep(words, option, NULL);
    }
    if (value) return keep(words, option, value + 1);
    if (*at + 1 == argc) return complain("a value is missing after", argv[*at]);
    return keep(words, option, argv[++*at]);
}

bool live_options_read(int argc, char **argv, struct live_words *words)
{
    *words = (struct live_words){.times = 1, .speed_word = "1", .speed = 1, .wall_us = WALL_US,
                                  .hold_us = HOLD_US};
    words->common.files = argv;
    for (int at = 0; at < argc; at++) {
        if (strcmp(argv[at], "-h") == 0) {
            words->help = true;
        } else if (strncmp(argv[at], "--", 2) == 0) {
            if (!read_option(words, argc, argv, &at)) return false;
        } else if (argv[at][0] == '-' && argv[at][1] != '\0') {
            return complain("unknown option", argv[at]);
        } else {
            argv[words->common.file_count++] = argv[at];
        }
    }
    return true;
}

void live_options_help(void)
{
    for (int i = 0; i < LIVE_OPTION_COUNT; i++) {
        char head[48];
        snprintf(head, sizeof head, "--%s%s%s", rows[i].word, rows[i].argument ? " " : "",
                 rows[i].argument ? rows[i].argument : "");
        printf("  %-20s %s\n", head, rows[i].help);
    }
}
