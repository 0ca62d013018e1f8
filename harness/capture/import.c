/* From a capture to a scenario: read, tell, write. */
#include "harness/capture/import.h"

#include <stdlib.h>

#include "harness/capture/story.h"

static void count(const struct story *story, struct import_counts *counts)
{
    *counts = (struct import_counts){ .tabs = story->tab_count, .sessions = story->session_count,
                                      .homeless = story->homeless };
    for (uint32_t i = 0; i < story->session_count; i++) {
        const struct story_session *session = &story->sessions[i];
        for (uint32_t a = 0; a < session->actor_count; a++) {
            if (session->actors[a].agent) counts->agents++;
            else counts->backends++;
        }
    }
}

char *import_scenario(const struct capture *capture, const struct import_options *options,
                      struct import_counts *counts, char problem[CAPTURE_PROBLEM_MAX])
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
        count(story, counts);
    }
    story_free(story);
    free(story);
    return text;
}
