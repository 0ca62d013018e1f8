/* From a capture to a scenario: read, tell, write. */
#include "harness/capture/import.h"

#include <stdlib.h>

#include "harness/capture/story.h"

char *import_scenario(const struct capture *capture, const struct import_options *options,
                      char problem[CAPTURE_PROBLEM_MAX])
{
    struct story *story = malloc(sizeof *story);
    char *text = NULL;
    size_t size;

    if (story == NULL) abort();
    if (story_make(story, capture, problem)) {
        FILE *out = open_memstream(&text, &size);
        if (out == NULL) abort();
        story_write(out, story, capture, options->name, options->source, options->settings);
        (void)fclose(out);
    }
    story_free(story);
    free(story);
    return text;
}
