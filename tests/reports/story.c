#include "story.h"

#include <string.h>

#include "harness/world/image.h"

static uint32_t first_option(struct world_chooser *self, uint32_t count)
{
    (void)self, (void)count;
    return 0;
}

static uint32_t first_value(struct world_chooser *self, uint32_t count, const char *label)
{
    (void)self, (void)count, (void)label;
    return 0;
}

void story_init(const struct image *image)
{
    world_init();
    explore_log_set(NULL);
    if (image != NULL) world_image_add(image);
    world_limits_set(&(struct world_limits){.steps_max = 20000,
                                            .time_max_ns = 3600ull * 1000000000,
                                            .seed = 1,
                                            .check_memory = true});
}

const struct scn_file *story_scenario(const char *path, const char *text)
{
    struct scn_diagnostics diagnostics;
    const struct scn_file *file =
        scn_parse_bytes(path, text, strlen(text), NULL, &diagnostics);

    if (file == NULL) scn_print_diagnostics(stderr, &diagnostics);
    assert_non_null(file);
    scn_diagnostics_free(&diagnostics);
    return file;
}

struct world_result story_run(const struct scn_file *file, void (*body)(void *))
{
    struct world_chooser chooser = {.schedule = first_option, .value = first_value};

    record_scenario(file);
    record_reset();
    world_catch_signals(); /* from CMocka */
    world_keep_stacks(true);
    return world_run(&chooser, "stage", body, NULL);
}

void story_at_ms(uint64_t time_ms)
{
    world_sleep_until(time_ms * 1000000);
}

void story_thread(const char *name, void (*body)(void *))
{
    (void)world_spawn(name, WORLD_THREAD, body, NULL);
}

size_t story_width(const char *text)
{
    size_t widest = 0;

    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        if (length > widest) widest = length;
        text += length + (text[length] == '\n');
    }
    return widest;
}

size_t story_height(const char *text)
{
    size_t lines = 0;

    for (; *text != '\0'; text++) lines += *text == '\n';
    return lines;
}
