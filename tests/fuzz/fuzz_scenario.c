/* Any bytes at all: the front end answers, never crashes, and what it accepts it can also write.
 *
 * Accepted texts must format to a text that formats to itself, and plan to a text that is accepted
 * and plans to itself.
 */
#include "harness/scenario/scenario.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition) abort();
}

/* The scenario is called x, as its file would be: else hardly any input could be accepted. */
static const char path[] = "x.scn";

static char *plan_of(const char *text, size_t size)
{
    struct scn_diagnostics diagnostics;
    const struct scn_file *file = scn_parse_bytes(path, text, size, NULL, &diagnostics);
    char *plan = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&plan, &length);

    if (file == NULL) scn_print_diagnostics(stderr, &diagnostics);
    require(file != NULL && out != NULL);
    scn_plan(out, file);
    fclose(out);
    scn_file_free(file);
    scn_diagnostics_free(&diagnostics);
    return plan;
}

static char *layout_of(const char *text, size_t size)
{
    struct scn_diagnostics diagnostics;
    char *layout = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&layout, &length);
    bool formatted;

    require(out != NULL);
    formatted = scn_format(out, path, text, size, NULL, &diagnostics);
    if (!formatted) scn_print_diagnostics(stderr, &diagnostics);
    require(formatted);
    fclose(out);
    scn_diagnostics_free(&diagnostics);
    return layout;
}

static void check_fixed_point(char *(*writer)(const char *, size_t), const char *text, size_t size)
{
    char *first = writer(text, size);
    char *second = writer(first, strlen(first));

    if (strcmp(first, second) != 0) fprintf(stderr, "--- first\n%s--- second\n%s", first, second);
    require(strcmp(first, second) == 0);
    free(first);
    free(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct scn_diagnostics diagnostics;
    const char *text = (const char *)data;
    const struct scn_file *file = scn_parse_bytes(path, text, size, NULL, &diagnostics);
    char *printed = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&printed, &length);

    require(out != NULL && (file == NULL) == (diagnostics.total > 0));
    scn_print_diagnostics(out, &diagnostics);
    fclose(out);
    /* Fifty entries of four lines, none of which is longer than its source line or a message. */
    require(length < 200000);
    free(printed);
    scn_diagnostics_free(&diagnostics);
    scn_file_free(file);
    if (file == NULL) return 0;
    check_fixed_point(layout_of, text, size);
    check_fixed_point(plan_of, text, size);
    return 0;
}
