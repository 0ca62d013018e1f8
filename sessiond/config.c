#include "sessiond/config.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES_MAX = 256, NAME_LENGTH_MAX = 80 };

/* Names that lines have set, to find one that comes twice. */
struct seen {
    size_t count;
    size_t lines[NAMES_MAX];
    char names[NAMES_MAX][NAME_LENGTH_MAX];
};

static char *trim(char *text)
{
    while (isspace((unsigned char)*text)) text++;
    size_t length = strlen(text);
    while (length > 0 && isspace((unsigned char)text[length - 1])) text[--length] = 0;
    return text;
}

/* The line of an earlier one with this name, or 0. */
static size_t note(struct seen *seen, const char *name, size_t line)
{
    for (size_t i = 0; i < seen->count; i++) {
        if (strcmp(seen->names[i], name) == 0) return seen->lines[i];
    }
    if (seen->count < NAMES_MAX) {
        snprintf(seen->names[seen->count], NAME_LENGTH_MAX, "%s", name);
        seen->lines[seen->count++] = line;
    }
    return 0;
}

static bool read_line(struct options *options, struct seen *seen, char *text, size_t line,
                      char *problem)
{
    char *name = trim(text);
    if (name[0] == 0 || name[0] == '#') return true;
    char *equals = strchr(name, '=');
    if (equals == NULL) {
        snprintf(problem, OPTION_PROBLEM_MAX, "'%.60s' has no '='; write name = value", name);
        return false;
    }
    *equals = 0;
    name = trim(name);
    size_t earlier = note(seen, name, line);
    if (earlier == 0) return options_set(options, name, trim(equals + 1), problem) == NULL;
    snprintf(problem, OPTION_PROBLEM_MAX, "'%.60s' is set in line %zu already", name, earlier);
    return false;
}

static bool read_lines(struct options *options, FILE *file, size_t *line, char *problem)
{
    struct seen *seen = calloc(1, sizeof *seen);
    char *text = NULL;
    size_t capacity = 0;
    bool fine = seen != NULL;
    if (!fine) snprintf(problem, OPTION_PROBLEM_MAX, "out of memory");
    while (fine && getline(&text, &capacity, file) >= 0)
        fine = read_line(options, seen, text, ++*line, problem);
    free(text);
    free(seen);
    return fine;
}

bool config_read_file(struct options *options, const char *path, char problem[OPTION_PROBLEM_MAX])
{
    char inner[OPTION_PROBLEM_MAX] = "";
    size_t line = 0;
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        snprintf(problem, OPTION_PROBLEM_MAX, "%s: %s", path, strerror(errno));
        return false;
    }
    bool fine = read_lines(options, file, &line, inner);
    if (fine && ferror(file)) {
        snprintf(inner, sizeof inner, "it cannot be read: %s", strerror(errno));
        fine = false;
    }
    fclose(file);
    if (!fine) snprintf(problem, OPTION_PROBLEM_MAX, "%.200s:%zu: %.300s", path, line, inner);
    return fine;
}

/* ---- the command line ---- */

struct flag {
    char name[NAME_LENGTH_MAX];
    const char *value; /* NULL: none */
};

/* The next flag with its value; words without one are --help and the like. */
static bool next_flag(int count, char *const *words, int *at, struct flag *flag, char *problem)
{
    const char *word = words[(*at)++];
    if (strncmp(word, "--", 2) != 0) {
        snprintf(problem, OPTION_PROBLEM_MAX, "'%.60s' is no flag; sessiond --help lists them",
                 word);
        return false;
    }
    size_t length = strcspn(word + 2, "=");
    snprintf(flag->name, sizeof flag->name, "%.*s",
             (int)(length < sizeof flag->name ? length : sizeof flag->name - 1), word + 2);
    flag->value = word[2 + length] == '=' ? word + 3 + length : NULL;
    static const char *const alone[] = {"help", "version", "check"};
    for (size_t i = 0; i < sizeof alone / sizeof alone[0]; i++) {
        if (strcmp(flag->name, alone[i]) == 0) return true;
    }
    if (flag->value == NULL && *at < count) flag->value = words[(*at)++];
    return true;
}

static bool is_request(const struct flag *flag, enum config_request *request)
{
    static const char *const words[] = {
        [CONFIG_CHECK] = "check", [CONFIG_HELP] = "help", [CONFIG_VERSION] = "version"};
    for (size_t i = CONFIG_CHECK; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(flag->name, words[i]) != 0) continue;
        *request = (enum config_request)i;
        return true;
    }
    return false;
}

/* One pass over the flags: first the file, then the options. */
static bool walk(struct options *options, int count, char *const *words, bool files,
                 enum config_request *request, char *problem)
{
    for (int at = 1; at < count;) {
        struct flag flag;
        char inner[OPTION_PROBLEM_MAX];
        if (!next_flag(count, words, &at, &flag, problem)) return false;
        bool is_file = strcmp(flag.name, "config") == 0;
        if (is_request(&flag, request) || is_file != files) continue;
        if (flag.value == NULL && (is_file || options_knows(flag.name))) {
            snprintf(problem, OPTION_PROBLEM_MAX, "--%s needs a value", flag.name);
            return false;
        }
        if (is_file && !config_read_file(options, flag.value, problem)) return false;
        const char *value = flag.value == NULL ? "" : flag.value;
        if (!is_file && options_set(options, flag.name, value, inner) != NULL) {
            snprintf(problem, OPTION_PROBLEM_MAX, "--%s: %.400s", flag.name, inner);
            return false;
        }
    }
    return true;
}

bool config_read_command_line(struct options *options, int count, char *const *words,
                              enum config_request *request, char problem[OPTION_PROBLEM_MAX])
{
    *request = CONFIG_RUN;
    return walk(options, count, words, true, request, problem) &&
           walk(options, count, words, false, request, problem);
}
