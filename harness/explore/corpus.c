#define _GNU_SOURCE /* asprintf */
#include "corpus.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUFFIX ".txt"
enum { NAME_BYTES = 256, PATH_BYTES = 4096 };

/* --- a file --- */

static bool wrong(struct corpus_problem *problem, uint32_t line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static bool wrong(struct corpus_problem *problem, uint32_t line, const char *format, ...)
{
    va_list arguments;
    problem->line = line;
    va_start(arguments, format);
    vsnprintf(problem->text, sizeof problem->text, format, arguments);
    va_end(arguments);
    return false;
}

/* What a line says: its first word, and the rest of it. */
struct line {
    const char *word, *rest;
    int word_length, rest_length;
    uint32_t number;
};

static struct line split(const char *at, size_t length, uint32_t number)
{
    struct line line = {.word = at, .number = number};
    const char *end = at + length;
    while (end > at && (end[-1] == ' ' || end[-1] == '\r')) end--;
    while (at < end && *at != ' ') at++;
    line.word_length = (int)(at - line.word);
    while (at < end && *at == ' ') at++;
    line.rest = at;
    line.rest_length = (int)(end - at);
    return line;
}

static bool is_word(const struct line *line, const char *word)
{
    return strlen(word) == (size_t)line->word_length &&
           memcmp(line->word, word, (size_t)line->word_length) == 0;
}

static bool keep_text(const struct line *line, char *out, size_t size,
                      struct corpus_problem *problem)
{
    if (out[0]) return wrong(problem, line->number, "a second '%.*s'; remove one of the lines",
                             line->word_length, line->word);
    if (line->rest_length == 0 || (size_t)line->rest_length >= size) {
        return wrong(problem, line->number, "'%.*s' takes 1 to %zu characters", line->word_length,
                     line->word, size - 1);
    }
    memcpy(out, line->rest, (size_t)line->rest_length);
    out[line->rest_length] = '\0';
    return true;
}

static bool keep_choices(const struct line *line, char **out, struct corpus_problem *problem)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789.:";
    if (*out) return wrong(problem, line->number, "a second 'choices'; remove one of the lines");
    *out = strndup(line->rest, (size_t)line->rest_length);
    if (*out == NULL) return wrong(problem, line->number, "out of memory");
    size_t good = strspn(*out, letters);
    if (**out && (*out)[good] == '\0') return true;
    return wrong(problem, line->number, "this is no token, at its character %zu; take the one of a "
                 "report's replay line, or remove the file", good + 1);
}

static bool keep_line(const struct line *line, struct corpus_entry *entry,
                      struct corpus_problem *problem)
{
    if (line->word_length == 0 && line->rest_length == 0) return true;
    if (line->word[0] == '#') return true;
    if (is_word(line, "check")) return keep_text(line, entry->check, sizeof entry->check, problem);
    if (is_word(line, "reason")) {
        return keep_text(line, entry->reason, sizeof entry->reason, problem);
    }
    if (is_word(line, "settings")) {
        return keep_text(line, entry->settings, sizeof entry->settings, problem);
    }
    if (is_word(line, "choices")) return keep_choices(line, &entry->choices, problem);
    return wrong(problem, line->number, "'%.*s' is none of check, reason, settings and choices",
                 line->word_length < 40 ? line->word_length : 40, line->word);
}

static bool parse_lines(const char *text, size_t bytes, struct corpus_entry *entry,
                        struct corpus_problem *problem)
{
    uint32_t number = 0;
    if (memchr(text, '\0', bytes)) return wrong(problem, 0, "this is no text; remove the file");
    while (bytes > 0) {
        const char *end = memchr(text, '\n', bytes);
        size_t length = end ? (size_t)(end - text) : bytes;
        struct line line = split(text, length, ++number);
        if (!keep_line(&line, entry, problem)) return false;
        length += end != NULL;
        text += length;
        bytes -= length;
    }
    if (entry->check[0] == '\0') return wrong(problem, 0, "there is no line 'check NAME'");
    if (entry->choices == NULL) return wrong(problem, 0, "there is no line 'choices TOKEN'");
    return true;
}

bool corpus_parse(const char *text, size_t bytes, struct corpus_entry *entry,
                  struct corpus_problem *problem)
{
    *entry = (struct corpus_entry){0};
    if (parse_lines(text, bytes, entry, problem)) return true;
    corpus_entry_free(entry);
    return false;
}

void corpus_entry_free(struct corpus_entry *entry)
{
    free(entry->choices);
    entry->choices = NULL;
}

bool corpus_read(const char *path, struct corpus_entry *entry)
{
    struct corpus_problem problem = {.line = 0};
    FILE *file = fopen(path, "r");
    char *text = malloc(CORPUS_BYTES_MAX + 1);
    size_t bytes = file && text ? fread(text, 1, CORPUS_BYTES_MAX + 1, file) : 0;
    bool good = file && text && !ferror(file);
    if (!good) {
        snprintf(problem.text, sizeof problem.text, "cannot read: %s", strerror(errno));
    } else if (bytes > CORPUS_BYTES_MAX) {
        good = wrong(&problem, 0, "longer than 1 MiB; remove the file");
    } else {
        good = corpus_parse(text, bytes, entry, &problem);
    }
    if (file) fclose(file);
    free(text);
    if (good) return true;
    char place[16] = "";
    if (problem.line > 0) snprintf(place, sizeof place, ":%u", problem.line);
    fprintf(stderr, "%s%s: error: %s\n", path, place, problem.text);
    return false;
}

/* --- the folder --- */

/* SUBJECT.CHECK.txt, where the check has no dot. */
static bool is_of(const char *name, const char *subject)
{
    size_t length = strlen(subject), suffix = sizeof SUFFIX - 1;
    if (strncmp(name, subject, length) != 0 || name[length] != '.') return false;
    const char *check = name + length + 1;
    size_t rest = strlen(check);
    return rest > suffix && strchr(check, '.') == check + rest - suffix &&
           strcmp(check + rest - suffix, SUFFIX) == 0;
}

static int by_name(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

char **corpus_files(const char *folder, const char *subject, uint32_t *count)
{
    char **paths = calloc(CORPUS_FILES_MAX, sizeof *paths);
    DIR *open = opendir(folder);
    const struct dirent *entry;
    *count = 0;
    if (paths == NULL || (open == NULL && errno != ENOENT)) {
        fprintf(stderr, "%s: error: cannot read: %s\n", folder, strerror(errno));
        free(paths);
        return NULL;
    }
    while (open && *count < CORPUS_FILES_MAX && (entry = readdir(open)) != NULL) {
        if (!is_of(entry->d_name, subject)) continue;
        if (asprintf(&paths[*count], "%s/%s", folder, entry->d_name) >= 0) ++*count;
    }
    if (open) closedir(open);
    qsort(paths, *count, sizeof *paths, by_name);
    return paths;
}

void corpus_reason(struct corpus_entry *entry, const char *text)
{
    snprintf(entry->reason, sizeof entry->reason, "%s", text);
    for (char *at = entry->reason; *at; at++) {
        if (iscntrl((unsigned char)*at)) *at = ' ';
    }
}

/* As a part of a file's name. */
static void slug(const char *check, char *out, size_t size)
{
    size_t used = 0;
    for (; *check && used + 1 < size; check++) {
        out[used++] = isalnum((unsigned char)*check) || *check == '_' ? *check : '-';
    }
    out[used] = '\0';
}

static bool write_entry(const char *path, const char *subject, const struct corpus_entry *entry)
{
    FILE *file = fopen(path, "w");
    if (file == NULL) return false;
    fprintf(file, "# An execution of %s that fails: replayed first, and removed once it passes.\n"
                  "check     %s\n", subject, entry->check);
    if (entry->reason[0]) fprintf(file, "reason    %s\n", entry->reason);
    if (entry->settings[0]) fprintf(file, "settings  %s\n", entry->settings);
    fprintf(file, "choices   %s\n", entry->choices);
    bool good = !ferror(file);
    return fclose(file) == 0 && good;
}

bool corpus_keep(const char *folder, const char *subject, const struct corpus_entry *entry)
{
    char path[PATH_BYTES], fresh[PATH_BYTES + 8], name[NAME_BYTES];
    slug(entry->check, name, sizeof name);
    snprintf(path, sizeof path, "%s/%s.%s" SUFFIX, folder, subject, name);
    snprintf(fresh, sizeof fresh, "%s.new", path);
    /* What was there stays until the new one is complete. */
    bool good = (mkdir(folder, 0777) == 0 || errno == EEXIST) &&
                write_entry(fresh, subject, entry) && rename(fresh, path) == 0;
    if (!good) fprintf(stderr, "%s: error: cannot write: %s\n", path, strerror(errno));
    return good;
}

void corpus_drop(const char *path)
{
    if (unlink(path) == 0) {
        fprintf(stderr, "note: %s does not fail any more, and was removed\n", path);
    } else {
        fprintf(stderr, "note: %s does not fail any more: %s\n", path, strerror(errno));
    }
}
