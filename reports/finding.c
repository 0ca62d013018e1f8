#include "finding.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/check/require.h"
#include "reports/symbols.h"
#include "reports/text.h"

enum { INDENT = 6, FRAMES_MAX = 12, WAITER_FRAMES_MAX = 5, BLOCKS_MAX = 256, SITES_MAX = 6 };

bool finding_is_shown(const struct report_failure *failure)
{
    return failure->finding != NULL && failure->finding->kind != WORLD_FOUND_NONE &&
           failure->finding->kind != WORLD_FOUND_CHECK;
}

bool finding_has_history(const struct report_failure *failure)
{
    return failure->finding->kind != WORLD_FOUND_LEAK;
}

/* A line of detail that tells of a waiter begins with its name: where does it stand? */
static bool find_waiter(const char *line, const struct world_finding *finding,
                        struct world_stack *stack)
{
    char name[WORLD_NAME_MAX];
    const char *end = strstr(line, " waits ");

    if (end == NULL || (size_t)(end - line) >= sizeof name) return false;
    snprintf(name, sizeof name, "%.*s", (int)(end - line), line);
    uint16_t entity = world_entity_find(name);
    if (entity == WORLD_NOBODY) return false;
    if (entity == finding->entity)
        *stack = finding->stack;
    else
        world_stack_of(entity, stack);
    return stack->depth > 0;
}

/* True if the lines had stacks of their own. */
static bool print_detail(FILE *out, const struct world_finding *finding)
{
    char *text = symbols_expand(finding->detail), *rest = NULL;
    bool waiters = false;

    for (char *line = strtok_r(text, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        struct world_stack stack;
        fprintf(out, "%*s", INDENT, "");
        text_wrap(out, INDENT, INDENT + 4, line);
        if (!find_waiter(line, finding, &stack)) continue;
        symbols_print_stack(out, INDENT + 8, WAITER_FRAMES_MAX, &stack);
        waiters = true;
    }
    free(text);
    return waiters;
}

/* Each line of the detail is an access, the later one first. */
static void print_accesses(FILE *out, const struct world_finding *finding)
{
    const struct world_stack *stacks[] = {&finding->stack, &finding->other_stack};
    char *text = symbols_expand(finding->detail), *rest = NULL;
    char *line = strtok_r(text, "\n", &rest);

    for (int i = 0; i < 2 && line != NULL; i++, line = strtok_r(NULL, "\n", &rest)) {
        fprintf(out, "%*s%s\n", INDENT, "", line);
        symbols_print_stack(out, INDENT + 2, FRAMES_MAX, stacks[i]);
    }
    free(text);
}

/* --- leaks --- */

struct site {
    const struct world_block *first;
    uint32_t blocks;
    uint64_t bytes;
};

static bool same_site(const struct world_block *a, const struct world_block *b)
{
    return a->site == b->site && a->entity == b->entity && a->stack.depth == b->stack.depth &&
           memcmp(a->stack.pc, b->stack.pc, a->stack.depth * sizeof a->stack.pc[0]) == 0;
}

/* Blocks of one allocation site are one entry; sites are in order of their oldest block. */
static uint32_t find_sites(const struct world_block *blocks, uint32_t count, struct site *sites)
{
    uint32_t site_count = 0;

    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = 0;
        while (at < site_count && !same_site(sites[at].first, &blocks[i])) at++;
        if (at == site_count) sites[site_count++] = (struct site){.first = &blocks[i]};
        sites[at].blocks++;
        sites[at].bytes += blocks[i].bytes;
    }
    return site_count;
}

static void print_site(FILE *out, const struct site *site)
{
    struct world_stack stack = site->first->stack;

    fprintf(out, "%*s%u block%s, %" PRIu64 " bytes, allocated by %s at\n", INDENT, "",
            site->blocks, site->blocks == 1 ? "" : "s", site->bytes,
            world_entity_name(site->first->entity));
    if (stack.depth == 0) {
        stack.depth = 1;
        stack.pc[0] = site->first->site;
    }
    symbols_print_stack(out, INDENT + 2, FRAMES_MAX, &stack);
}

/* Returns how many of them were told. */
static uint32_t print_sites(FILE *out, const struct world_block *blocks, uint32_t count)
{
    struct site *sites = calloc(count + 1, sizeof *sites);
    uint32_t printed = 0;

    REQUIRE(sites != NULL);
    uint32_t site_count = find_sites(blocks, count, sites);
    for (uint32_t i = 0; i < site_count && i < SITES_MAX; i++) {
        print_site(out, &sites[i]);
        printed += sites[i].blocks;
    }
    free(sites);
    return printed;
}

static void print_rest(FILE *out, uint32_t count)
{
    if (count > 0) fprintf(out, "%*s... %u more blocks\n", INDENT, "", count);
}

void finding_print_blocks(FILE *out, const struct world_block *blocks, uint32_t count)
{
    print_rest(out, count - print_sites(out, blocks, count));
}

static void print_leaks(FILE *out, uint8_t group)
{
    struct world_block *blocks = calloc(BLOCKS_MAX, sizeof *blocks);

    REQUIRE(blocks != NULL);
    uint32_t count = world_blocks_live(group, blocks, BLOCKS_MAX);
    print_rest(out, count - print_sites(out, blocks, count < BLOCKS_MAX ? count : BLOCKS_MAX));
    free(blocks);
}

void finding_print(FILE *out, const struct report_failure *failure)
{
    const struct world_finding *finding = failure->finding;

    if (finding->kind == WORLD_FOUND_DATA_RACE && finding->stack.depth > 0) {
        print_accesses(out, finding);
        return;
    }
    bool told = print_detail(out, finding);
    if (failure->leak) {
        print_leaks(out, failure->leak_group);
    } else if (!told && finding->stack.depth > 0) {
        fprintf(out, "%*sstack of %s\n", INDENT, "", world_entity_name(finding->entity));
        symbols_print_stack(out, INDENT + 2, FRAMES_MAX, &finding->stack);
    }
}
