/* Which shell commands start a dev server, which one does by default, and what it is called. */
#include "core/core.h"

#include <ctype.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COMMAND_WORDS_MAX = 32 };

/* ---- words ---- */

struct words {
    char text[CORE_COMMAND_MAX];
    const char *items[COMMAND_WORDS_MAX];
    size_t count;
};

/* False for what has several commands in it, quotes, or too many words: that is none of ours. */
static bool split(struct words *words, const char *command)
{
    size_t length = strnlen(command, sizeof words->text);
    words->count = 0;
    if (length == sizeof words->text)
        return false;
    memcpy(words->text, command, length + 1);
    char *rest = NULL;
    for (char *word = strtok_r(words->text, " \t", &rest); word != NULL;
         word = strtok_r(NULL, " \t", &rest)) {
        if (words->count == COMMAND_WORDS_MAX)
            return false;
        words->items[words->count++] = word;
    }
    return true;
}

static bool is_at(const struct words *words, size_t at, const char *word)
{
    return at < words->count && strcmp(words->items[at], word) == 0;
}

/* NAME=value, as a shell takes it before a command. */
static bool is_assignment(const char *word)
{
    size_t length = 0;
    while (isalnum((unsigned char)word[length]) || word[length] == '_')
        length++;
    return length > 0 && !isdigit((unsigned char)word[0]) && word[length] == '=';
}

/* Behind `cd FOLDER &&` and assignments. */
static size_t find_program(const struct words *words)
{
    size_t at = is_at(words, 0, "cd") && is_at(words, 2, "&&") ? 3 : 0;
    while (at < words->count && is_assignment(words->items[at]))
        at++;
    return at;
}

/* One command, at most put into the background. */
static bool is_single(const struct words *words, size_t from)
{
    for (size_t i = from; i < words->count; i++) {
        bool last = i + 1 == words->count;
        if (strpbrk(words->items[i], ";|`$<>\"'") != NULL)
            return false;
        if (strchr(words->items[i], '&') != NULL && !(last && is_at(words, i, "&")))
            return false;
    }
    return true;
}

/* ---- the table ---- */

/* `runner`: before it npx may stand; `run`: behind the program the word run may stand. */
static const struct {
    const char *program, *verb;
    enum app_type app;
    bool runner, run;
} table[] = {
    { "pnpm", "dev", APP_WEB, false, true },
    { "pnpm", "start", APP_WEB, false, true },
    { "npm", "dev", APP_WEB, false, true },
    { "npm", "start", APP_WEB, false, true },
    { "yarn", "dev", APP_WEB, false, true },
    { "yarn", "start", APP_WEB, false, true },
    { "next", "dev", APP_WEB, true, false },
    { "expo", "start", APP_MOBILE, true, false },
    { "react-native", "start", APP_MOBILE, true, false },
    { "metro", "start", APP_MOBILE, true, false },
};

static bool is_row(const struct words *words, size_t at, size_t row)
{
    if (table[row].runner && is_at(words, at, "npx"))
        at++;
    if (!is_at(words, at++, table[row].program))
        return false;
    if (table[row].run && is_at(words, at, "run"))
        at++;
    return is_at(words, at, table[row].verb);
}

static uint16_t to_port(const char *text)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    bool good = isdigit((unsigned char)text[0]) && *end == '\0' && value <= UINT16_MAX;
    return good ? (uint16_t)value : 0;
}

/* The last one that it names counts, as it does for the programs themselves. */
static uint16_t port_of(const struct words *words)
{
    uint16_t port = 0;
    for (size_t i = 0; i < words->count; i++) {
        const char *word = words->items[i];
        bool apart = strcmp(word, "--port") == 0 || strcmp(word, "-p") == 0;
        if (apart && i + 1 < words->count)
            port = to_port(words->items[i + 1]);
        else if (strncmp(word, "--port=", 7) == 0)
            port = to_port(word + 7);
        else if (strncmp(word, "PORT=", 5) == 0)
            port = to_port(word + 5);
    }
    return port;
}

bool server_command_find(const char *command, enum app_type *app, uint16_t *port)
{
    struct words words;
    if (!split(&words, command))
        return false;
    size_t at = find_program(&words);
    for (size_t row = 0; row < ARRAY_SIZE(table) && is_single(&words, at); row++) {
        if (is_row(&words, at, row)) {
            *app = table[row].app;
            *port = port_of(&words);
            return true;
        }
    }
    return false;
}

/* ---- names ---- */

void server_session_name(enum app_type app, char name[CORE_NAME_MAX])
{
    snprintf(name, CORE_NAME_MAX, "dev_server_%s", app_type_word(app));
}

void command_session_name(struct core *core, char name[CORE_NAME_MAX])
{
    /* Odd times a counter takes every value once in 2^32 names. */
    uint32_t number = (uint32_t)atomic_fetch_add(&core->commands_named, 1) * UINT32_C(0x9e3779b1);
    snprintf(name, CORE_NAME_MAX, "session_%08lx", (unsigned long)number);
}

/* ---- the command of an app ---- */

static const char *const defaults[APP_TYPE_COUNT] = {
    [APP_WEB] = "PORT={port} pnpm run dev",
    [APP_MOBILE] = "npm install --global @expo/ngrok && "
                   "npx expo start --port {port} --max-workers 2 --tunnel",
};

bool core_take_commands(struct core *core, const struct core_config *config)
{
    for (size_t app = 0; app < APP_TYPE_COUNT; app++) {
        const char *command = config->commands[app] != NULL ? config->commands[app] : defaults[app];
        size_t length = strnlen(command, CORE_COMMAND_MAX);
        if (length == 0 || length == CORE_COMMAND_MAX)
            return false;
        memcpy(core->commands[app], command, length + 1);
    }
    return true;
}

void core_command(const struct core *core, enum app_type app, uint16_t port,
                  char command[CORE_COMMAND_MAX])
{
    static const char mark[] = "{port}";
    const char *from = core->commands[app];
    size_t used = 0;
    while (*from != '\0' && used + 1 < CORE_COMMAND_MAX) {
        if (strncmp(from, mark, sizeof mark - 1) != 0) {
            command[used++] = *from++;
            continue;
        }
        used += (size_t)snprintf(command + used, CORE_COMMAND_MAX - used, "%u", (unsigned)port);
        from += sizeof mark - 1;
    }
    /* A number is shorter than its mark: what was taken fits. */
    REQUIRE(used < CORE_COMMAND_MAX);
    command[used] = '\0';
}
