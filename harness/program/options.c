#include "options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/explore/crew.h"
#include "harness/world/world.h"

#define PREFIX "HARNESS_"
enum { PREFIX_LENGTH = sizeof PREFIX - 1 };

extern char **environ;

static const char *const names[PROGRAM_OPTION_COUNT] = {
#define X(id, name, standard, help) name,
    PROGRAM_OPTIONS(X)
#undef X
};

static const char *const strategy_words[EXPLORE_KINDS] = {
#define X(name, word, text) word,
    EXPLORE_STRATEGIES(X)
#undef X
};

static bool read_number(enum program_option option, const char *text, uint64_t least,
                        uint64_t most, uint64_t *number)
{
    char *end;
    errno = 0;
    *number = strtoull(text, &end, 10);
    if (errno == 0 && end != text && *end == '\0' && text[0] != '-' && *number >= least &&
        *number <= most) {
        return true;
    }
    fprintf(stderr, "harness: %s%s is a whole number from %llu to %llu, not '%s'\n", PREFIX,
            names[option], (unsigned long long)least, (unsigned long long)most, text);
    return false;
}

static bool read_small(enum program_option option, const char *text, uint64_t least, uint64_t most,
                       uint32_t *number)
{
    uint64_t wide;
    if (!read_number(option, text, least, most, &wide)) return false;
    *number = (uint32_t)wide;
    return true;
}

static bool read_switch(enum program_option option, const char *text, bool *on)
{
    uint64_t number;
    if (!read_number(option, text, 0, 1, &number)) return false;
    *on = number == 1;
    return true;
}

static bool read_points(const char *text, bool *memory)
{
    *memory = strcmp(text, "memory") == 0;
    if (*memory || strcmp(text, "calls") == 0) return true;
    fprintf(stderr, "harness: %sPOINTS is calls or memory, not '%s'\n", PREFIX, text);
    return false;
}

bool program_is_sampler(enum explore_kind kind)
{
    return !explore_is_search(kind);
}

bool program_strategy_read(const char *text, enum explore_kind *kind)
{
    for (int i = 0; i < EXPLORE_KINDS; i++) {
        if (strcmp(text, strategy_words[i]) != 0) continue;
        *kind = (enum explore_kind)i;
        return true;
    }
    fprintf(stderr, "harness: there is no strategy '%s'; there are", text);
    for (int i = 0; i < EXPLORE_KINDS; i++) fprintf(stderr, " %s", strategy_words[i]);
    fputc('\n', stderr);
    return false;
}

static bool read_time(const char *text, uint64_t *ns)
{
    static const struct {
        const char *word;
        uint64_t ns;
    } units[] = {{"us", 1000}, {"ms", 1000000}, {"s", 1000000000}};
    char *end;
    errno = 0;
    uint64_t number = strtoull(text, &end, 10);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (end == text || errno != 0 || strcmp(end, units[i].word) != 0) continue;
        return !__builtin_mul_overflow(number, units[i].ns, ns);
    }
    fprintf(stderr, "harness: %sLAG is a time such as 500us, 20ms or 10s, not '%s'\n", PREFIX,
            text);
    return false;
}

static bool read_shard(const char *text, struct shard *shard)
{
    char problem[128];
    if (shard_read(text, shard, problem, sizeof problem)) return true;
    fprintf(stderr, "harness: %sSHARD: %s\n", PREFIX, problem);
    return false;
}

static bool keep(enum program_option option, const char *text, struct program_options *options)
{
    switch (option) {
    case PROGRAM_CHOICES:
        options->choices = text;
        return true;
    case PROGRAM_UNTIL:
        return read_small(option, text, 1, WORLD_STEPS_MAX, &options->until);
    case PROGRAM_STEP:
        options->step = text;
        return true;
    case PROGRAM_STRATEGY:
        return program_strategy_read(text, &options->strategy);
    case PROGRAM_SEED:
        return read_number(option, text, 0, UINT64_MAX, &options->seed);
    case PROGRAM_RUNS:
        return read_number(option, text, 1, UINT64_MAX, &options->runs);
    case PROGRAM_JOBS:
        return read_small(option, text, 1, CREW_JOBS_MAX, &options->jobs);
    case PROGRAM_CORPUS:
        options->corpus = text;
        return true;
    case PROGRAM_SHARD:
        return read_shard(text, &options->shard);
    case PROGRAM_DEPTH:
        return read_small(option, text, 0, 1000, &options->depth);
    case PROGRAM_DELAYS:
        return read_small(option, text, 0, 1000, &options->delays);
    case PROGRAM_STALLS:
        return read_small(option, text, 0, 1000, &options->stalls);
    case PROGRAM_LAG:
        return read_time(text, &options->lag_ns);
    case PROGRAM_SPURIOUS:
        return read_small(option, text, 0, 1000, &options->spurious);
    case PROGRAM_LATE:
        return read_small(option, text, 0, 1000, &options->late);
    case PROGRAM_WEAK:
        return read_small(option, text, 0, 1000, &options->weak);
    case PROGRAM_STEPS:
        return read_small(option, text, 1, WORLD_STEPS_MAX, &options->steps);
    case PROGRAM_STATUS:
        return read_small(option, text, 0, 255, &options->status);
    case PROGRAM_LOOP:
        return read_small(option, text, 1, 3600, &options->loop_seconds);
    case PROGRAM_SHRINK:
        return read_switch(option, text, &options->shrink);
    case PROGRAM_RACES:
        return read_switch(option, text, &options->races);
    case PROGRAM_LEAKS:
        return read_switch(option, text, &options->leaks);
    case PROGRAM_POINTS:
        return read_points(text, &options->memory_points);
    case PROGRAM_REPORTS:
        options->reports = text;
        return true;
    case PROGRAM_JUNIT:
        options->junit = text;
        return true;
    case PROGRAM_JSON:
        options->json = text;
        return true;
    case PROGRAM_GITHUB:
        return read_switch(option, text, &options->github);
    case PROGRAM_EXPLORATION:
        return read_small(option, text, 1, UINT32_MAX, &options->exploration);
    case PROGRAM_FULL:
        return read_switch(option, text, &options->full);
    case PROGRAM_OPTION_COUNT:
        break;
    }
    return true;
}

static enum program_option find(const char *name, size_t length)
{
    for (int i = 0; i < PROGRAM_OPTION_COUNT; i++) {
        if (strlen(names[i]) == length && strncmp(names[i], name, length) == 0) {
            return (enum program_option)i;
        }
    }
    return PROGRAM_OPTION_COUNT;
}

/* What one option says that another one does not allow. */
static bool fits(const struct program_options *options)
{
    if (options->strategy == EXPLORE_EXHAUSTIVE && options->given[PROGRAM_DEPTH] &&
        options->given[PROGRAM_DELAYS]) {
        fprintf(stderr, "harness: %sDEPTH is a bound on preemptions, %sDELAYS one on delays: give "
                "one of them\n", PREFIX, PREFIX);
        return false;
    }
    if (options->depth > 0 || explore_is_search(options->strategy)) return true;
    fprintf(stderr, "harness: %sDEPTH=0 is for %sSTRATEGY=dfs or exhaustive; others take 1 and "
            "more\n", PREFIX, PREFIX);
    return false;
}

static bool unknown(const char *entry)
{
    fprintf(stderr, "harness: there is no option %.*s; there are", (int)strcspn(entry, "="), entry);
    for (int i = 0; i < PROGRAM_OPTION_COUNT; i++) fprintf(stderr, " %s%s", PREFIX, names[i]);
    fputc('\n', stderr);
    return false;
}

bool program_options_read(struct program_options *options)
{
    *options = (struct program_options){.strategy = EXPLORE_AUTO,
                                        .seed = 1,
                                        .runs = 10000,
                                        .jobs = 1,
                                        .shard = {1, 1},
                                        .depth = 3,
                                        .stalls = 4,
                                        .lag_ns = 10000000000,
                                        .spurious = 1,
                                        .late = 1,
                                        .weak = 8,
                                        .steps = 50000,
                                        .loop_seconds = 10,
                                        .exploration = 1,
                                        .shrink = true,
                                        .races = true,
                                        .leaks = true};
    for (char **entry = environ; *entry; entry++) {
        const char *name = *entry + PREFIX_LENGTH;
        if (strncmp(*entry, PREFIX, PREFIX_LENGTH) != 0) continue;
        size_t length = strcspn(name, "=");
        /* Of harness-cc. */
        if (strncmp(name, "CC=", 3) == 0 || strncmp(name, "CXX=", 4) == 0 ||
            strncmp(name, "LEVEL=", 6) == 0 || strncmp(name, "CALLS=", 6) == 0 ||
            strncmp(name, "ACCESSES=", 9) == 0)
            continue;
        enum program_option option = find(name, length);
        if (option == PROGRAM_OPTION_COUNT) return unknown(*entry);
        if (name[length] == '\0' || name[length + 1] == '\0') continue;
        options->given[option] = true;
        if (!keep(option, name + length + 1, options)) return false;
    }
    return fits(options);
}
