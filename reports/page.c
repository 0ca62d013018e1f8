#include "page.h"

#include <stdlib.h>
#include <string.h>

#include "harness/check/require.h"
#include "reports/accesses.h"
#include "reports/members.h"
#include "reports/symbols.h"

/* Pages of longer executions would be too slow: they tell the end. */
enum { STEPS_MAX = 20000, SLOTS = 1 << 16 };

/* The script and the style: reports/page/parts.S. */
extern const char page_style[], page_script[];

/* What was written already, by content; only looked up, never walked. */
struct interned {
    uint32_t number; /* from 1; 0: free */
    uint32_t depth;
    const uintptr_t *key;
};

struct page {
    json_t *root;
    struct interned *frames, *stacks;
    uint32_t frame_count, stack_count;
};

static json_t *list_of(const struct page *page, const char *name)
{
    json_t *list = json_object_get(page->root, name);
    REQUIRE(list != NULL);
    return list;
}

static void append(json_t *list, json_t *value)
{
    REQUIRE(value != NULL && json_array_append_new(list, value) == 0);
}

struct page *page_new(void)
{
    static const char *const lists[] = {"blocks", "lanes",  "entities", "frames", "stacks",
                                        "steps",  "marks",  "pair",     "rows",   "records"};
    struct page *page = calloc(1, sizeof *page);

    REQUIRE(page != NULL);
    page->root = json_object();
    page->frames = calloc(SLOTS, sizeof *page->frames);
    page->stacks = calloc(SLOTS, sizeof *page->stacks);
    REQUIRE(page->root != NULL && page->frames != NULL && page->stacks != NULL);
    member_set(page->root, "format", json_string("harness-page"));
    member_set(page->root, "version", json_integer(1));
    member_set(page->root, "first_step", json_integer(0));
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        member_set(page->root, lists[i], json_array());
    return page;
}

void page_free(struct page *page)
{
    json_decref(page->root);
    free(page->frames);
    free(page->stacks);
    free(page);
}

void page_head(struct page *page, const char *name, const char *text)
{
    if (text != NULL) member_set(page->root, name, member_text(text));
}

void page_block(struct page *page, const char *title, const char *text)
{
    if (text == NULL || text[0] == '\0') return;
    json_t *block = json_object();
    member_set(block, "title", json_string(title));
    member_set(block, "text", member_text(text));
    append(list_of(page, "blocks"), block);
}

void page_lane(struct page *page, const char *name)
{
    append(list_of(page, "lanes"), member_text(name));
}

void page_row(struct page *page, json_t *row)
{
    append(list_of(page, "rows"), row);
}

void page_record(struct page *page, json_t *record)
{
    append(list_of(page, "records"), record);
}

/* That step is "first", "then" or "sealed". */
static void add_mark(struct page *page, const char *kind, uint32_t step)
{
    json_t *mark = json_object();
    member_set(mark, "kind", json_string(kind));
    member_set(mark, "index", json_integer(step));
    append(list_of(page, "marks"), mark);
}

void page_no_return(struct page *page, const struct no_return *no_return)
{
    char text[512];

    if (no_return == NULL) return;
    no_return_write(no_return, text, sizeof text);
    page_head(page, "sealed", text);
    if (!no_return->from_start) add_mark(page, "sealed", no_return->step - 1);
}

/* --- steps and their stacks --- */

/* The place of that content in a table, filled or free; NULL when the table is full. */
static struct interned *find(struct interned *table, const uintptr_t *key, uint32_t depth)
{
    uint64_t hash = 14695981039346656037u;

    for (uint32_t i = 0; i < depth; i++) hash = (hash ^ key[i]) * 1099511628211u;
    for (uint32_t i = 0; i < SLOTS; i++) {
        struct interned *slot = &table[((hash >> 32 ^ hash) + i) & (SLOTS - 1)];
        if (slot->number == 0) return slot;
        if (slot->depth == depth && memcmp(slot->key, key, depth * sizeof *key) == 0) return slot;
    }
    return NULL;
}

/* A frame is the functions at one return address, a line each. */
static json_t *frame_number(struct page *page, const uintptr_t *pc)
{
    struct interned *slot = find(page->frames, pc, 1);

    if (slot == NULL) return json_integer(0);
    if (slot->number == 0) {
        char *text;
        size_t size;
        FILE *out = open_memstream(&text, &size);
        REQUIRE(out != NULL);
        symbols_print_frame(out, *pc);
        REQUIRE(fclose(out) == 0);
        append(list_of(page, "frames"), member_text(text));
        free(text);
        *slot = (struct interned){++page->frame_count, 1, pc};
    }
    return json_integer(slot->number - 1);
}

/* Numbers of stacks begin at 1; 0 is none. */
static json_t *stack_number(struct page *page, const struct world_stack *stack)
{
    struct interned *slot = find(page->stacks, stack->pc, stack->depth);

    if (slot == NULL || stack->depth == 0) return json_integer(0);
    if (slot->number == 0) {
        json_t *frames = json_array();
        for (uint32_t i = 0; i < stack->depth; i++)
            append(frames, frame_number(page, &stack->pc[i]));
        append(list_of(page, "stacks"), frames);
        *slot = (struct interned){++page->stack_count, stack->depth, stack->pc};
    }
    return json_integer(slot->number);
}

static void add_entities(struct page *page)
{
    for (uint16_t id = 0; id < world_entity_count(); id++) {
        json_t *entity = json_array();
        append(entity, member_text(world_entity_name(id)));
        append(entity, json_integer(world_is_task(id)));
        append(list_of(page, "entities"), entity);
    }
}

void page_steps(struct page *page, void (*describe)(uint32_t index, char *out, size_t size))
{
    uint32_t count;
    const struct trail_step *steps = trail_steps(&count);
    uint32_t first = count > STEPS_MAX ? count - STEPS_MAX : 0;

    add_entities(page);
    member_set(page->root, "first_step", json_integer(first));
    for (uint32_t i = first; i < count; i++) {
        const struct world_step *step = &steps[i].step;
        bool advance = step->op == WORLD_OP_ADVANCE;
        char text[256];
        json_t *line = json_array();
        describe(i, text, sizeof text);
        append(line, json_integer(advance ? -1 : step->entity));
        append(line, member_text(text));
        append(line, json_integer(advance ? 0 : step->object));
        append(line, json_integer(step->access == WORLD_WRITE ? 2 : step->access != WORLD_NONE));
        append(line, stack_number(page, &steps[i].stack));
        append(line, json_integer((json_int_t)steps[i].now_ns));
        append(list_of(page, "steps"), line);
    }
}

/* --- the decisive pair --- */

/* Marks it where this execution made it, too; the pair may come from a neighbouring one. */
static void mark_step(struct page *page, const char *kind, const struct decisive_step *wanted)
{
    uint32_t count, made = 0;
    const struct trail_step *steps = trail_steps(&count);
    uint16_t entity = world_entity_find(wanted->thread);

    if (wanted->never || entity == WORLD_NOBODY) return;
    for (uint32_t i = 0; i < count; i++) {
        if (steps[i].step.entity != entity || made++ < wanted->number) continue;
        bool point = steps[i].step.op == WORLD_OP_POINT;
        const char *op = point ? trail_object(&steps[i]) : world_op_words[steps[i].step.op];
        if (strcmp(op, wanted->op) == 0) add_mark(page, kind, i);
        return;
    }
}

static void add_of_pair(struct page *page, const char *kind, const struct decisive_step *step)
{
    char name[64], *text;
    size_t size;
    json_t *object = json_object();
    FILE *out = open_memstream(&text, &size);

    REQUIRE(out != NULL);
    bool variable = step->object != NULL && symbol_of_data(step->object, name, sizeof name);
    fprintf(out, "%s%s%s%s", step->op, step->kind[0] ? " " : "", variable ? name : step->kind,
            step->never ? ", which it never comes to" : "");
    REQUIRE(fclose(out) == 0);
    member_set(object, "thread", member_text(step->thread));
    member_set(object, "what", member_text(text));
    member_set(object, "stack", stack_number(page, &step->stack));
    append(list_of(page, "pair"), object);
    free(text);
    mark_step(page, kind, step);
}

void page_decisive(struct page *page, const struct decisive *decisive)
{
    if (decisive == NULL || !decisive->found) return;
    add_of_pair(page, "first", &decisive->first);
    add_of_pair(page, "then", &decisive->second);
}

/* --- the accesses of a data race --- */

static void add_access(struct page *page, const struct access *access)
{
    json_t *row = json_object();
    uint32_t count;
    const struct trail_step *steps = trail_steps(&count);
    uint64_t now_ns = access->before > 0 ? steps[access->before - 1].now_ns : 0;

    member_set(row, "step", json_integer(access->before));
    member_set(row, "time", json_integer((json_int_t)now_ns));
    member_set(row, "entity", json_integer(access->entity));
    member_set(row, "label", member_text(access->text));
    member_set(row, "stack", stack_number(page, access->stack));
    member_set(row, "race", json_true());
    member_set(row, "shown", json_true());
    page_row(page, row);
}

void page_accesses(struct page *page, const struct world_finding *finding)
{
    struct access accesses[2];
    uint32_t count;

    trail_steps(&count);
    uint32_t found = accesses_find(finding, count, accesses);
    for (uint32_t i = 0; i < found; i++) add_access(page, &accesses[i]);
}

/* --- the file --- */

/* A "<" inside a string of JSON may not end the script element that it stands in. */
static int write_data(const char *text, size_t size, void *out)
{
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '<')
            fputs("\\u003c", out);
        else
            fputc(text[i], out);
    }
    return 0;
}

void page_write(FILE *out, const struct page *page)
{
    fputs("<!doctype html>\n"
          "<html lang=\"en\">\n"
          "<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
          "style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n"
          "<title>harness: a failure</title>\n"
          "<style>\n", out);
    fputs(page_style, out);
    fputs("</style>\n"
          "<noscript>This page needs its script; screen.txt tells the same in short.</noscript>\n"
          "<main id=\"page\"></main>\n"
          "<script type=\"application/json\" id=\"data\">\n", out);
    REQUIRE(json_dump_callback(page->root, write_data, out, JSON_COMPACT | JSON_ENSURE_ASCII) == 0);
    fputs("\n</script>\n<script>\n", out);
    fputs(page_script, out);
    fputs("</script>\n</html>\n", out);
}
