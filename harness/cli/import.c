/* harness import: a scenario from a packet capture, or a core's trace. */
#include "commands.h"
#include "harness/capture/import.h"
#include "harness/scenario/scenario.h"
#include "job.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t allowed =
    OPTION(FILTER) | OPTION(SETTINGS) | OPTION(LIST) | OPTION(OUTPUT) | OPTION(HELP);

static int help(void)
{
    printf("harness import FILE [-o NAME.scn] [--filter EXPRESSION] [--settings FILE.scn]\n"
           "harness import FILE --list [--filter EXPRESSION]\n"
           "\n"
           "Reads a packet capture (pcap or pcapng, also packed by gzip) of clients that talk to\n"
           "a session core by WebSocket, event stream or requests, or the trace that a core\n"
           "keeps itself (option trace of sessiond), and writes a scenario with the same tabs,\n"
           "agents, messages, order and times. It runs as it is, and is a place to explore from.\n"
           "With --list, prints the messages instead. Without -o, prints the scenario.\n"
           "\n"
           "  tcpdump -i any -s 0 -w reported.pcap 'tcp port 8080'    where no TLS is, or no more\n"
           "  harness import reported.pcap -o reported.scn\n"
           "  harness run reported.scn\n"
           "\n"
           "What is missing, damaged or passed over is told with the number of its packet. The\n"
           "status is 0 where a scenario came of it, 2 otherwise. docs/CAPTURES.md has it all.\n"
           "\n");
    cli_options_help(allowed);
    return 0;
}

static int wrong(const char *path, const char *text)
{
    fprintf(stderr, "%s: error: %s\n", path, text);
    return 2;
}

static void print_notes(const char *path, const struct capture *capture)
{
    for (uint32_t i = 0; i < capture->note_count && i < CAPTURE_NOTES_MAX; i++) {
        if (capture->notes[i]) fprintf(stderr, "%s: warning: %s\n", path, capture->notes[i]);
    }
    if (capture->note_count > CAPTURE_NOTES_MAX) {
        fprintf(stderr, "%s: warning: %u more are not shown\n", path,
                capture->note_count - CAPTURE_NOTES_MAX);
    }
}

/* A scenario is called like its file. */
static bool name_of(const char *output, char *name, size_t size)
{
    const char *base = output && strrchr(output, '/') ? strrchr(output, '/') + 1 : output;
    size_t length = base ? strspn(base, "abcdefghijklmnopqrstuvwxyz0123456789_") : 0;
    if (output == NULL) {
        snprintf(name, size, "reported");
        return true;
    }
    if (length == 0 || length >= size || strcmp(base + length, ".scn") != 0 ||
        strchr("0123456789_", base[0])) {
        return false;
    }
    snprintf(name, size, "%.*s", (int)length, base);
    return true;
}

static bool sets_up(const char *line)
{
    static const char *const words[] = {"core", "store", "clock"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t length = strlen(words[i]);
        if (strncmp(line, words[i], length) == 0 && strchr(" \n", line[length])) return true;
    }
    return false;
}

/* The lines of core, store and clock of a scenario; NULL: stderr says what is wrong with it. */
static char *read_settings(const char *path)
{
    const struct scn_options words = job_words();
    struct scn_diagnostics diagnostics;
    const struct scn_file *file = scn_parse(path, &words, &diagnostics);
    char *text = NULL;
    size_t size;
    if (file == NULL) scn_print_diagnostics(stderr, &diagnostics);
    scn_diagnostics_free(&diagnostics);
    if (file == NULL) return NULL;
    scn_file_free(file);
    char *source = scn_read_file(path, SCN_BYTES_MAX, &size);
    FILE *out = open_memstream(&text, &size);
    if (source == NULL || out == NULL) return NULL;
    for (char *line = source; *line;) {
        char *end = strchrnul(line, '\n');
        if (sets_up(line)) fprintf(out, "%.*s\n", (int)(end - line), line);
        line = *end ? end + 1 : end;
    }
    fclose(out);
    free(source);
    return text;
}

/* In the canonical layout, which also shows that it is a scenario. */
static bool write_scenario(FILE *out, const char *name, const char *text)
{
    const struct scn_options words = job_words();
    struct scn_diagnostics diagnostics;
    char path[300];
    snprintf(path, sizeof path, "%s.scn", name);
    bool good = scn_format(out, path, text, strlen(text), &words, &diagnostics);
    if (!good) scn_print_diagnostics(stderr, &diagnostics);
    scn_diagnostics_free(&diagnostics);
    return good;
}

static int write_output(const struct cli_options *options, const char *name, const char *text)
{
    if (options->output == NULL) return write_scenario(stdout, name, text) ? 0 : 5;
    FILE *out = fopen(options->output, "w");
    if (out == NULL) {
        fprintf(stderr, "%s: error: cannot write: %s\n", options->output, strerror(errno));
        return 2;
    }
    bool good = write_scenario(out, name, text);
    if (fclose(out) == 0) return good ? 0 : 5;
    fprintf(stderr, "%s: error: cannot write: %s\n", options->output, strerror(errno));
    return 2;
}

static const char *plural(uint32_t count)
{
    return count == 1 ? "" : "s";
}

/* What it came from, and what is in it; where the scenario itself is printed, it says so itself. */
static void print_summary(const struct cli_options *options, const struct capture *capture,
                          const struct import_counts *counts)
{
    const char *path = options->files[0];
    if (counts->homeless > 0) {
        fprintf(stderr, "%s: warning: a scenario has no room for %u connection%s more, which are "
                "left out; try --filter\n", path, counts->homeless, plural(counts->homeless));
    }
    if (options->output == NULL) return;
    capture_summary(stdout, capture, "");
    printf("%s: %u tab%s, %u agent%s and %u backend%s in %u session%s\n", options->output,
           counts->tabs, plural(counts->tabs), counts->agents, plural(counts->agents),
           counts->backends, plural(counts->backends), counts->sessions,
           plural(counts->sessions));
}

static int import(const struct cli_options *options, const struct capture *capture)
{
    struct import_counts counts;
    char problem[CAPTURE_PROBLEM_MAX], name[256];
    const char *path = options->files[0], *base = strrchr(path, '/');
    char *settings = NULL;
    if (!name_of(options->output, name, sizeof name)) {
        return wrong(options->output, "a scenario is called like its file: lower case letters, "
                                      "digits and '_', and .scn");
    }
    if (options->settings) {
        settings = read_settings(options->settings);
        if (settings == NULL) return 2;
    }
    struct import_options wanted = {name, base ? base + 1 : path, settings};
    char *text = import_scenario(capture, &wanted, &counts, problem);
    int status = text ? write_output(options, name, text) : wrong(path, problem);
    if (text && status == 0) print_summary(options, capture, &counts);
    free(settings);
    free(text);
    return status;
}

int command_import(int argc, char **argv)
{
    struct cli_options options;
    char problem[CAPTURE_PROBLEM_MAX];
    int status = 0;
    if (!cli_options_read("import", allowed, argc, argv, &options)) return 2;
    if (options.given[CLI_HELP]) return help();
    if (options.file_count != 1) {
        fprintf(stderr, "harness import: name one capture\n  try 'harness import --help'\n");
        return 2;
    }
    struct capture *capture = capture_read(options.files[0], options.filter, problem);
    if (capture == NULL) return wrong(options.files[0], problem);
    print_notes(options.files[0], capture);
    if (options.given[CLI_LIST]) {
        capture_print(stdout, capture);
    } else {
        status = import(&options, capture);
    }
    capture_free(capture);
    return status;
}
