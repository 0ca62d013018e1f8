#include "rig.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/net/net.h"
#include "harness/world/image.h"

extern const struct image image_core_image, image_server_image;

enum { CHOICES_MAX = 1 << 16 };

/* --- choosers --- */

static uint32_t schedule_first(struct world_chooser *self, uint32_t count)
{
    (void)self, (void)count;
    return 0;
}

static uint32_t value_first(struct world_chooser *self, uint32_t count, const char *label)
{
    (void)self, (void)count, (void)label;
    return 0;
}

struct dice {
    struct world_chooser chooser;
    uint64_t state;
    bool wild;
};

static uint32_t roll(struct dice *dice, uint32_t count)
{
    dice->state = dice->state * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)((dice->state >> 33) % count);
}

/* Every other execution mostly goes on with the default, the others never prefer it. */
static uint32_t schedule_random(struct world_chooser *self, uint32_t count)
{
    struct dice *dice = (struct dice *)self;
    uint32_t index = dice->wild || roll(dice, 3) == 0 ? roll(dice, count) : 0;
    uint16_t option = world_option(index);

    /* A window is an option at every choice while it is open: it would never be late. */
    if (option != WORLD_ADVANCE && world_class_of(option) == WORLD_WINDOW && roll(dice, 20) > 0)
        return (index + 1) % count;
    if (option != WORLD_ADVANCE && world_class_of(option) >= WORLD_SPURIOUS && roll(dice, 20) > 0)
        return 0;
    return index;
}

static uint32_t value_random(struct world_chooser *self, uint32_t count, const char *label)
{
    (void)label;
    return roll((struct dice *)self, count);
}

/* --- scenarios --- */

static void on_broken(void *context, const struct stage_break *what)
{
    struct rig *rig = context;
    (void)snprintf(rig->broken, sizeof rig->broken, "%s", what->name);
}

static void prepare_world(void)
{
    static struct world_choice log[CHOICES_MAX];
    static volatile uint32_t used;
    static bool prepared;

    if (prepared) return;
    prepared = true;
    world_init();
    world_image_add(&image_core_image);
    world_image_add(&image_server_image);
    world_choice_log(log, CHOICES_MAX, &used);
}

static enum stage_transport chosen_transport;

void rig_transport(enum stage_transport transport)
{
    chosen_transport = transport;
}

static void open_file(struct rig *rig, const struct scn_file *file,
                      struct scn_diagnostics *diagnostics)
{
    const char *problem = NULL;

    if (file == NULL) {
        scn_print_diagnostics(stderr, diagnostics);
        exit(1);
    }
    scn_diagnostics_free(diagnostics);
    prepare_world();
    *rig = (struct rig){ .file = file };
    struct stage_hooks hooks = { .context = rig, .broken = on_broken,
                                 .server = image_server_image.entry,
                                 .transport = chosen_transport };
    rig->stage = stage_new(file, image_core_image.entry, &hooks, &problem);
    if (rig->stage != NULL) return;
    (void)fprintf(stderr, "%s\n", problem);
    exit(1);
}

void rig_open(struct rig *rig, const char *path)
{
    struct scn_diagnostics diagnostics;
    const struct scn_file *file = scn_parse(path, NULL, &diagnostics);

    open_file(rig, file, &diagnostics);
}

void rig_open_text(struct rig *rig, const char *name, const char *text)
{
    struct scn_diagnostics diagnostics;
    char path[100];

    (void)snprintf(path, sizeof path, "%s.scn", name);
    const struct scn_file *file = scn_parse_bytes(path, text, strlen(text), NULL, &diagnostics);
    open_file(rig, file, &diagnostics);
}

void rig_close(struct rig *rig)
{
    stage_free(rig->stage);
    scn_file_free(rig->file);
}

static void run(struct rig *rig, struct world_chooser *chooser)
{
    const struct scn_explore *explore = &rig->file->explore;
    struct world_limits limits = {
        .steps_max = (uint32_t)explore->steps_max,
        .time_max_ns = (explore->time_max_us + stage_calm_us(rig->stage)) * 1000,
        .late_max = explore->splits_max, .seed = 1, .check_memory = true };

    world_limits_set(&limits);
    rig->broken[0] = '\0';
    net_begin();
    rig->result = world_run(chooser, "stage", stage_run, rig->stage);
}

void rig_run_default(struct rig *rig)
{
    struct world_chooser first = { .schedule = schedule_first, .value = value_first };
    run(rig, &first);
}

void rig_run_random(struct rig *rig, uint64_t seed)
{
    struct dice dice = {
        .chooser = { .schedule = schedule_random, .value = value_random }, .state = seed,
        .wild = seed % 2 == 0 };
    run(rig, &dice.chooser);
}

/* --- looking at it --- */

uint32_t rig_count(enum record_kind kind, const char *field, const char *name)
{
    int at = field == NULL ? -1 : record_field_find(kind, field);
    uint32_t count, found = 0;
    const struct record *records = record_all(&count);

    for (uint32_t i = 0; i < count; i++) {
        if (records[i].kind != kind) continue;
        if (at >= 0 && strcmp(record_text(records[i].values.at[at]), name) != 0) continue;
        found++;
    }
    return found;
}

static void dump_record(const struct record *record)
{
    const struct record_info *info = record_info_of((enum record_kind)record->kind);

    printf("%4u %10" PRIu64 "us %5u  %-14s %-12s %s", record->number, record->time_ns / 1000,
           record->step, world_entity_name(record->entity), record_party_name(record->subject),
           info->word);
    for (uint32_t i = 0; i < info->field_count; i++) {
        int64_t value = record->values.at[i];
        if (value == 0) continue;
        if (info->fields[i].type == RECORD_WORD)
            printf(" %s=%s", info->fields[i].name, record_text(value));
        else
            printf(" %s=%" PRId64, info->fields[i].name, value);
    }
    printf("\n");
}

void rig_dump(void)
{
    uint32_t count;
    const struct record *records = record_all(&count);

    for (uint32_t i = 0; i < count; i++) dump_record(&records[i]);
}

const char *rig_end(const struct rig *rig)
{
    static char text[WORLD_TEXT_MAX + 100];
    const struct world_finding *finding = world_finding_get();

    switch (rig->result.end) {
    case WORLD_DONE: return "done";
    case WORLD_CUT: return "cut";
    case WORLD_STOPPED: return world_stop_text();
    case WORLD_FINDING: break;
    }
    (void)snprintf(text, sizeof text, "%s: %s", world_finding_words[finding->kind],
                   finding->text);
    return text;
}
