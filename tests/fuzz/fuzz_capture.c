/* Any bytes at all as a capture: it is read or refused in one sentence, and the scenario that comes
 * of it is one. */
#include "harness/capture/import.h"
#include "harness/scenario/scenario.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition) abort();
}

static void check_scenario(const char *text)
{
    struct scn_diagnostics diagnostics;
    const struct scn_file *file =
        scn_parse_bytes("x.scn", text, strlen(text), NULL, &diagnostics);

    if (file == NULL) {
        scn_print_diagnostics(stderr, &diagnostics);
        fprintf(stderr, "%s", text);
    }
    require(file != NULL);
    scn_file_free(file);
    scn_diagnostics_free(&diagnostics);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char problem[CAPTURE_PROBLEM_MAX] = "";
    struct import_options options = { "x", "x.pcap", NULL };
    struct import_counts counts;

    if (size == 0) return 0;
    FILE *file = fmemopen((void *)(uintptr_t)data, size, "rb");
    require(file != NULL);
    struct capture *capture = capture_read_stream(file, NULL, problem);
    require((capture == NULL) == (problem[0] != '\0'));
    if (capture == NULL) return 0;
    char *text = import_scenario(capture, &options, &counts, problem);
    require((text == NULL) == (problem[0] != '\0'));
    if (text != NULL) check_scenario(text);
    free(text);
    capture_free(capture);
    return 0;
}
