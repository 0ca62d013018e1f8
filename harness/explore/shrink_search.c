/* The end of shrinking: a failure from which nothing can be left out may still not be the smallest,
 * for a quite different one may need fewer deviations. All executions with one deviation are
 * tried, then all with two, and so on (as iterative context bounding does; Musuvathi, Qadeer,
 * PLDI 2007), as long as that takes no more than so many steps. */
#include "shrink.h"

enum { STEPS_MAX = 10000000 };

static uint32_t deviations(const struct explore_failure *failure)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < failure->count; i++) n += failure->choices[i] != 0;
    return n;
}

/* False when there is nothing more to look for. */
static bool search_with(struct shrink *shrink, uint32_t most, uint32_t *steps)
{
    struct strategy *strategy = strategy_dfs(most, true);
    bool found = false, more = strategy != NULL;
    while (more && !found) {
        struct world_result result;
        more = *steps < STEPS_MAX && strategy->begin(strategy, 0);
        if (!more) break;
        uint32_t id = explore_execute(shrink->subject, strategy, &result);
        found = shrink_keep(shrink, id);
        *steps += result.steps + 1;
    }
    if (strategy) strategy->free(strategy);
    return !found && *steps < STEPS_MAX;
}

void shrink_search(struct shrink *shrink)
{
    uint32_t most = 1, steps = 0;
    while (most < deviations(shrink->best) && search_with(shrink, most, &steps)) most++;
}
