#include "sessiond/options.h"

#include "sessiond/journal.h"
#include "sessiond/words.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct row {
    const char *name, *help, *text; /* text: the default of a text */
    size_t offset;
    bool is_duration;
    uint64_t us;
} rows[] = {
#define OPTION_TEXT_ROW(name, value, help)                                                         \
    {#name, help, value, offsetof(struct options, name), false, 0},
#define OPTION_DURATION_ROW(name, value, help)                                                     \
    {#name, help, NULL, offsetof(struct options, name##_us), true, value},
    DAEMON_OPTIONS(OPTION_TEXT_ROW, OPTION_DURATION_ROW)};

enum { ROWS = sizeof rows / sizeof rows[0], OPTION_NAME_MAX = 128 };

static const char agent_prefix[] = "agent.";

/* ---- one value ---- */

static bool store_text(struct options *options, const struct row *row, const char *value)
{
    char *copy = strdup(value);
    char **place = (char **)(void *)((char *)options + row->offset);
    if (copy == NULL) return false;
    free(*place);
    *place = copy;
    return true;
}

static void store_number(struct options *options, const struct row *row, uint64_t value)
{
    memcpy((char *)options + row->offset, &value, sizeof value);
}

bool options_init(struct options *options)
{
    *options = (struct options){.agents = NULL};
    core_settings_default(&options->settings);
    for (size_t i = 0; i < ROWS; i++) {
        if (rows[i].is_duration)
            store_number(options, &rows[i], rows[i].us);
        else if (!store_text(options, &rows[i], rows[i].text))
            return false;
    }
    return true;
}

void options_free(struct options *options)
{
    for (size_t i = 0; i < ROWS; i++) {
        if (!rows[i].is_duration) free(*(char **)(void *)((char *)options + rows[i].offset));
    }
    while (options->agents != NULL) {
        struct agent_command *agent = options->agents;
        options->agents = agent->next;
        free(agent->name);
        free(agent->command);
        free(agent);
    }
}

static const char *no_duration(const char *name, const char *value, char *problem)
{
    snprintf(problem, OPTION_PROBLEM_MAX,
             "'%s' is no duration for %s; write 250ms, 30s, 10m or 24h", value, name);
    return problem;
}

static const char *set_row(struct options *options, const struct row *row, const char *value,
                           char *problem)
{
    uint64_t us;
    if (!row->is_duration) {
        if (store_text(options, row, value)) return NULL;
        snprintf(problem, OPTION_PROBLEM_MAX, "out of memory");
        return problem;
    }
    if (!duration_read(value, &us)) return no_duration(row->name, value, problem);
    store_number(options, row, us);
    return NULL;
}

/* ---- settings of the core ---- */

static const char *no_word(const struct core_setting *setting, const char *value, char *problem)
{
    int length = snprintf(problem, OPTION_PROBLEM_MAX, "'%s' is no value of %s; write one of",
                          value, setting->name);
    for (size_t i = 0; setting->words[i] != NULL && length < OPTION_PROBLEM_MAX; i++)
        length += snprintf(problem + length, OPTION_PROBLEM_MAX - (size_t)length, "%s %s",
                           i == 0 ? "" : ",", setting->words[i]);
    return problem;
}

static bool read_count(const char *text, uint64_t *number)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || text[digits] != 0 || digits > 18) return false;
    *number = strtoull(text, NULL, 10);
    return true;
}

static const char *set_setting(struct options *options, const struct core_setting *setting,
                               const char *value, char *problem)
{
    uint64_t number = 0;
    if (setting->kind == CORE_SETTING_POLICY && !core_setting_word(setting, value, &number))
        return no_word(setting, value, problem);
    if (setting->kind == CORE_SETTING_DURATION && !duration_read(value, &number))
        return no_duration(setting->name, value, problem);
    if (setting->kind == CORE_SETTING_COUNT && !read_count(value, &number)) {
        snprintf(problem, OPTION_PROBLEM_MAX, "'%s' is no number for %s", value, setting->name);
        return problem;
    }
    if (core_setting_store(&options->settings, setting, number)) return NULL;
    if (setting->kind == CORE_SETTING_DURATION)
        snprintf(problem, OPTION_PROBLEM_MAX, "%s is at most 365d, not %s", setting->name, value);
    else
        snprintf(problem, OPTION_PROBLEM_MAX, "%s goes from %" PRIu64 " to %" PRIu64 ", not %s",
                 setting->name, setting->smallest, setting->largest, value);
    return problem;
}

/* ---- agents ---- */

static const char *set_agent(struct options *options, const char *name, const char *command,
                             char *problem)
{
    struct agent_command **at = &options->agents;
    if (name[0] == 0 || strlen(name) >= CORE_NAME_MAX || command[0] == 0) {
        snprintf(problem, OPTION_PROBLEM_MAX,
                 "write agent.NAME and a command, such as agent.bot = python3 bot.py");
        return problem;
    }
    while (*at != NULL && strcmp((*at)->name, name) != 0) at = &(*at)->next;
    if (*at == NULL) *at = calloc(1, sizeof **at);
    char *own_name = strdup(name), *own_command = strdup(command);
    if (*at == NULL || own_name == NULL || own_command == NULL) {
        free(own_name);
        free(own_command);
        snprintf(problem, OPTION_PROBLEM_MAX, "out of memory");
        return problem;
    }
    free((*at)->name);
    free((*at)->command);
    (*at)->name = own_name;
    (*at)->command = own_command;
    return NULL;
}

const char *options_agent(const struct options *options, const char *name)
{
    const char *any = NULL;
    for (const struct agent_command *agent = options->agents; agent != NULL; agent = agent->next) {
        if (strcmp(agent->name, name) == 0) return agent->command;
        if (strcmp(agent->name, "*") == 0) any = agent->command;
    }
    return any;
}

/* ---- by name ---- */

/* The name that needs the fewest changes, if that is at most a third of it. */
static const char *nearest(const char *name)
{
    size_t count, best = strlen(name) / 3;
    const struct core_setting *settings = core_settings_table(&count);
    const char *found = NULL;
    for (size_t i = 0; i < ROWS + count; i++) {
        const char *other = i < ROWS ? rows[i].name : settings[i - ROWS].name;
        size_t distance = words_distance(name, other, best);
        if (distance <= best && (found == NULL || distance < best)) {
            best = distance;
            found = other;
        }
    }
    return found;
}

static const char *unknown(const char *name, char *problem)
{
    const char *meant = nearest(name);
    if (meant != NULL)
        snprintf(problem, OPTION_PROBLEM_MAX, "unknown option '%s'; did you mean '%s'?", name,
                 meant);
    else
        snprintf(problem, OPTION_PROBLEM_MAX,
                 "unknown option '%s'; sessiond --help lists all of them", name);
    return problem;
}

/* As it is written in a file. */
static void make_plain(const char *name, char plain[OPTION_NAME_MAX])
{
    snprintf(plain, OPTION_NAME_MAX, "%s", name);
    for (char *at = plain; *at != 0; at++) *at = *at == '-' ? '_' : *at;
}

bool options_knows(const char *name)
{
    char plain[OPTION_NAME_MAX];
    make_plain(name, plain);
    for (size_t i = 0; i < ROWS; i++) {
        if (strcmp(rows[i].name, plain) == 0) return true;
    }
    return strncmp(name, agent_prefix, sizeof agent_prefix - 1) == 0 ||
           core_setting_find(plain) != NULL;
}

const char *options_set(struct options *options, const char *name, const char *value,
                        char problem[OPTION_PROBLEM_MAX])
{
    char plain[OPTION_NAME_MAX];
    if (strncmp(name, agent_prefix, sizeof agent_prefix - 1) == 0)
        return set_agent(options, name + sizeof agent_prefix - 1, value, problem);
    make_plain(name, plain);
    for (size_t i = 0; i < ROWS; i++) {
        if (strcmp(rows[i].name, plain) == 0) return set_row(options, &rows[i], value, problem);
    }
    const struct core_setting *setting = core_setting_find(plain);
    return setting != NULL ? set_setting(options, setting, value, problem)
                           : unknown(plain, problem);
}

static bool is_one_of(const char *value, const char *one, const char *other)
{
    return strcmp(value, one) == 0 || strcmp(value, other) == 0;
}

static const char *complain(char *problem, const char *name, const char *value, const char *hint)
{
    snprintf(problem, OPTION_PROBLEM_MAX, "%s is '%s'; %s", name, value, hint);
    return problem;
}

const char *options_check(const struct options *options, char problem[OPTION_PROBLEM_MAX])
{
    enum journal_level level;
    char address[PLACE_ADDRESS_MAX];
    uint16_t port;
    const char *settings = core_settings_problem(&options->settings);
    if (settings != NULL) {
        snprintf(problem, OPTION_PROBLEM_MAX, "%s", settings);
        return problem;
    }
    if (strlen(options->name) >= CORE_NAME_MAX || options->name[0] == 0)
        return complain(problem, "name", options->name, "it has 1 to 63 letters");
    if (!place_read(options->listen, address, &port))
        return complain(problem, "listen", options->listen,
                        "write ADDRESS:PORT, [ADDRESS]:PORT or *:PORT");
    if (!is_one_of(options->store_sync, "full", "process"))
        return complain(problem, "store_sync", options->store_sync, "write full or process");
    if (!is_one_of(options->restored, "yes", "no"))
        return complain(problem, "restored", options->restored, "write yes or no");
    if (!is_one_of(options->compression, "on", "off"))
        return complain(problem, "compression", options->compression, "write on or off");
    if ((options->certificate[0] == 0) != (options->certificate_key[0] == 0))
        return complain(problem, "certificate", options->certificate,
                        "name both certificate and certificate_key, or none");
    if (options->trace[0] != 0 && options->settings.trace_ring == 0)
        return complain(problem, "trace", options->trace,
                        "set trace_ring to how many records it is to have");
    if (!journal_level_of(options->log_level, &level))
        return complain(problem, "log_level", options->log_level,
                        "write error, warning, info or debug");
    if (options->sandboxes[0] != '/' && strcmp(options->sandboxes, "none") != 0)
        return complain(problem, "sandboxes", options->sandboxes,
                        "write the absolute path of a folder, or none");
    if (strlen(options->command_web) >= CORE_COMMAND_MAX ||
        strlen(options->command_mobile) >= CORE_COMMAND_MAX)
        return complain(problem, "a command of dev servers", "...", "it has at most 511 letters");
    return NULL;
}

/* ---- help ---- */

static void print_setting(const struct core_setting *setting)
{
    char value[DURATION_TEXT_MAX];
    if (setting->kind == CORE_SETTING_POLICY) {
        printf("  %-24s %s; one of", setting->name, setting->words[setting->fallback]);
        for (size_t i = 0; setting->words[i] != NULL; i++) printf(" %s", setting->words[i]);
        printf("\n");
        return;
    }
    if (setting->kind == CORE_SETTING_DURATION) {
        duration_write(setting->fallback, value);
        printf("  %-24s %s\n", setting->name, value);
        return;
    }
    printf("  %-24s %" PRIu64 "; %" PRIu64 " to %" PRIu64 "\n", setting->name, setting->fallback,
           setting->smallest, setting->largest);
}

void options_print_help(void)
{
    char value[DURATION_TEXT_MAX];
    size_t count;
    const struct core_setting *settings = core_settings_table(&count);
    for (size_t i = 0; i < ROWS; i++) {
        if (rows[i].is_duration) duration_write(rows[i].us, value);
        const char *fallback = rows[i].is_duration ? value : rows[i].text;
        printf("  %-15s %s%s%s%s\n", rows[i].name, rows[i].help, fallback[0] != 0 ? " [" : "",
               fallback, fallback[0] != 0 ? "]" : "");
    }
    printf("\nSettings of the core (docs/CORE.md), with their defaults:\n");
    for (size_t i = 0; i < count; i++) print_setting(&settings[i]);
}
