#include "finding.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "harness/check/require.h"
#include "reports/symbols.h"
#include "reports/text.h"

enum { INDENT = 6, BLOCKS_MAX = 256, SITES_MAX = 6 };

bool finding_is_shown(const struct report_failure *failure)
{
    return failure->finding != NULL && failure->finding->kind != WORLD_FOUND_NONE &&
           failure->finding->kind != WORLD_FOUND_CHECK;
}

bool finding_has_history(const struct report_failure *failure)
{
    return failure->finding->kind != WORLD_FOUND_LEAK;
}

static void print_detail(FILE *out, const char *detail)
{
    char *text = symbols_expand(detail), *rest = NULL;

    for (char *line = strtok_r(text, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        fprintf(out, "%*s", INDENT, "");
        text_wrap(out, INDENT, INDENT + 4, line);
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
    symbols_print_stack(out, INDENT + 2, &stack);
}

static void print_leaks(FILE *out, uint8_t group)
{
    struct world_block *blocks = calloc(BLOCKS_MAX, sizeof *blocks);
    struct site *sites = calloc(BLOCKS_MAX, sizeof *sites);

    REQUIRE(blocks != NULL && sites != NULL);
    uint32_t count = world_blocks_live(group, blocks, BLOCKS_MAX);
    uint32_t shown = count < BLOCKS_MAX ? count : BLOCKS_MAX;
    uint32_t site_count = find_sites(blocks, shown, sites), printed = 0;
    for (uint32_t i = 0; i < site_count && i < SITES_MAX; i++) {
        print_site(out, &sites[i]);
        printed += sites[i].blocks;
    }
    if (printed < count) fprintf(out, "%*s... %u more blocks\n", INDENT, "", count - printed);
    free(sites);
    free(blocks);
}

void finding_print(FILE *out, const struct report_failure *failure)
{
    const struct world_finding *finding = failure->finding;

    if (finding->detail[0] != '\0') print_detail(out, finding->detail);
    if (failure->leak) {
        print_leaks(out, failure->leak_group);
    } else if (finding->stack.depth > 0) {
        fprintf(out, "%*sstack of %s\n", INDENT, "", world_entity_name(finding->entity));
        symbols_print_stack(out, INDENT + 2, &finding->stack);
    }
}
