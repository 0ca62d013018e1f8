/* Waits that can never end.
 *
 * Every step and fault has three moments: its beginning, the end of its first occurrence, and the
 * end of its last one. A wait is an edge from the moment that waits to the moment it waits for. A
 * circle of edges is a scenario that gets stuck in every run.
 */
#include "harness/scenario/internal.h"

#include <string.h>

enum moment { BEGIN, FIRST_END, LAST_END, MOMENTS };

struct edge {
    uint32_t waits;
    uint32_t needs;
    const struct scn_ref *ref;      /* NULL: the order of the script itself */
    bool during;
};

struct graph {
    struct scn_parser *parser;
    uint32_t node_count;
    uint32_t *first_node;           /* of each actor; faults follow the actors */
    uint32_t fault_node;
    struct edge *edges;
    uint32_t edge_count;
    uint32_t edge_capacity;
    uint32_t *first_edge;           /* edges sorted by `waits`; first_edge[node]..[node + 1] */
    uint32_t *open;                 /* how many needs of a node are not known to end */
};

static uint32_t step_node(const struct graph *graph, int32_t actor, uint32_t step,
                          enum moment moment)
{
    return graph->first_node[actor] + step * MOMENTS + moment;
}

static uint32_t fault_node(const struct graph *graph, int32_t fault, enum moment moment)
{
    return graph->fault_node + (uint32_t)fault * MOMENTS + moment;
}

static void add_edge(struct graph *graph, uint32_t waits, uint32_t needs,
                     const struct scn_ref *ref, bool during)
{
    graph->edges = scn_arena_grow(graph->parser->arena, graph->edges, graph->edge_count,
                                  &graph->edge_capacity, sizeof(*graph->edges));
    graph->edges[graph->edge_count++] = (struct edge){ waits, needs, ref, during };
}

static void add_wait(struct graph *graph, uint32_t waits, const struct scn_ref *ref, bool during)
{
    /* The third occurrence may end before the step as a whole does: its beginning is enough. */
    enum moment moment = during || ref->occurrence > 0 ? BEGIN : LAST_END;

    /* A name that means nothing was reported already, and is no edge. */
    if (ref->kind == SCN_REF_STEP && ref->step >= 0)
        add_edge(graph, waits, step_node(graph, ref->actor, (uint32_t)ref->step, moment), ref,
                 during);
    else if (ref->kind == SCN_REF_FAULT && ref->fault >= 0)
        add_edge(graph, waits, fault_node(graph, ref->fault, moment), ref, during);
}

static void add_modifiers(struct graph *graph, uint32_t begin,
                          const struct scn_modifiers *modifiers)
{
    for (uint32_t i = 0; i < modifiers->after.count; i++)
        add_wait(graph, begin, &modifiers->after.items[i], false);
    if (modifiers->during != NULL) add_wait(graph, begin, modifiers->during, true);
}

/* The last step of the outermost repeated block around each step, or the step itself. */
static void mark_loops(const struct scn_actor *actor, uint32_t *loop_end)
{
    for (uint32_t i = 0; i < actor->step_count; i++) loop_end[i] = i;
    for (uint32_t i = 0; i < actor->step_count; i++) {
        const struct scn_step *step = &actor->steps[i];
        if (step->verb != SCN_VERB_REPEAT || step->repeat < 2 || loop_end[i] != i) continue;
        for (uint32_t j = i; j <= i + step->span; j++) loop_end[j] = i + step->span;
    }
}

/* One actor: each step begins when the one before it ended. Leaving a repeated block takes its
 * last round; the last occurrence of a step inside needs all earlier rounds. */
static void add_actor(struct graph *graph, int32_t index)
{
    const struct scn_actor *actor = &graph->parser->file->actors[index];
    uint32_t *loop_end = scn_arena_alloc(graph->parser->arena,
                                         (actor->step_count + 1) * sizeof(*loop_end));

    mark_loops(actor, loop_end);
    for (uint32_t i = 0; i < actor->step_count; i++) {
        uint32_t begin = step_node(graph, index, i, BEGIN);
        bool same_loop = i > 0 && loop_end[i - 1] == loop_end[i];

        add_edge(graph, begin + FIRST_END, begin, NULL, false);
        add_edge(graph, begin + LAST_END, begin + FIRST_END, NULL, false);
        if (loop_end[i] != i)
            add_edge(graph, begin + LAST_END, step_node(graph, index, loop_end[i], FIRST_END),
                     NULL, false);
        if (i > 0)
            add_edge(graph, begin,
                     step_node(graph, index, i - 1, same_loop ? FIRST_END : LAST_END), NULL, false);
        add_modifiers(graph, begin, &actor->steps[i].modifiers);
    }
}

static void build(struct graph *graph)
{
    struct scn_file *file = graph->parser->file;

    graph->first_node = scn_arena_alloc(graph->parser->arena,
                                        (file->actor_count + 1) * sizeof(uint32_t));
    for (uint32_t i = 0; i < file->actor_count; i++) {
        graph->first_node[i] = graph->node_count;
        graph->node_count += file->actors[i].step_count * MOMENTS;
    }
    graph->fault_node = graph->node_count;
    graph->node_count += file->fault_count * MOMENTS;
    for (uint32_t i = 0; i < file->actor_count; i++) add_actor(graph, (int32_t)i);
    for (uint32_t i = 0; i < file->fault_count; i++) {
        uint32_t begin = fault_node(graph, (int32_t)i, BEGIN);
        add_edge(graph, begin + FIRST_END, begin, NULL, false);
        add_edge(graph, begin + LAST_END, begin + FIRST_END, NULL, false);
        add_modifiers(graph, begin, &file->faults[i].modifiers);
    }
}

/* Stable counting sort by the node that waits. */
static void sort_edges(struct graph *graph)
{
    struct scn_arena *arena = graph->parser->arena;
    struct edge *sorted = scn_arena_alloc(arena, (graph->edge_count + 1) * sizeof(*sorted));
    uint32_t *next = scn_arena_alloc(arena, (graph->node_count + 1) * sizeof(*next));

    graph->first_edge = scn_arena_alloc(arena, (graph->node_count + 2) * sizeof(uint32_t));
    for (uint32_t i = 0; i < graph->edge_count; i++)
        graph->first_edge[graph->edges[i].waits + 1]++;
    for (uint32_t i = 0; i < graph->node_count; i++) {
        graph->first_edge[i + 1] += graph->first_edge[i];
        next[i] = graph->first_edge[i];
    }
    for (uint32_t i = 0; i < graph->edge_count; i++)
        sorted[next[graph->edges[i].waits]++] = graph->edges[i];
    graph->edges = sorted;
}

/* Take away, again and again, the moments that wait for nothing that is left. What stays in
 * `open` is on a circle or behind one. */
static void settle(struct graph *graph)
{
    struct scn_arena *arena = graph->parser->arena;
    uint32_t *reached = scn_arena_alloc(arena, (graph->node_count + 1) * sizeof(uint32_t));
    uint32_t *head = scn_arena_alloc(arena, (graph->node_count + 1) * sizeof(uint32_t));
    uint32_t *chain = scn_arena_alloc(arena, (graph->edge_count + 1) * sizeof(uint32_t));
    uint32_t count = 0;

    graph->open = scn_arena_alloc(arena, (graph->node_count + 1) * sizeof(uint32_t));
    for (uint32_t i = 0; i < graph->edge_count; i++) {
        graph->open[graph->edges[i].waits]++;
        chain[i] = head[graph->edges[i].needs];
        head[graph->edges[i].needs] = i + 1;
    }
    for (uint32_t i = 0; i < graph->node_count; i++)
        if (graph->open[i] == 0) reached[count++] = i;
    for (uint32_t done = 0; done < count; done++)
        for (uint32_t i = head[reached[done]]; i != 0; i = chain[i - 1])
            if (--graph->open[graph->edges[i - 1].waits] == 0)
                reached[count++] = graph->edges[i - 1].waits;
}

/* From a stuck moment, the first edge to another stuck one. */
static const struct edge *stuck_edge(const struct graph *graph, uint32_t node)
{
    for (uint32_t i = graph->first_edge[node]; i < graph->first_edge[node + 1]; i++)
        if (graph->open[graph->edges[i].needs] > 0) return &graph->edges[i];
    REQUIRE(!"a stuck moment waits for a stuck moment");
    return NULL;
}

static const char *node_name(const struct graph *graph, uint32_t node)
{
    const struct scn_file *file = graph->parser->file;
    struct scn_arena *arena = graph->parser->arena;
    uint32_t actor = file->actor_count;

    if (node >= graph->fault_node)
        return file->faults[(node - graph->fault_node) / MOMENTS].name;
    while (node < graph->first_node[actor - 1]) actor--;
    actor--;
    const struct scn_step *step =
        &file->actors[actor].steps[(node - graph->first_node[actor]) / MOMENTS];
    if (step->label != NULL)
        return scn_arena_format(arena, "%s.%s", file->actors[actor].name, step->label);
    return scn_arena_format(arena, "%s's '%s' on line %u", file->actors[actor].name,
                            scn_verb_word(step->verb), step->place.line);
}

/* The circle in words, beginning with the wait that is written first in the file. */
static void report(struct graph *graph, uint32_t start)
{
    const struct edge *first = NULL;
    const char *story = "";
    uint32_t node = start;
    uint32_t told = 0;

    do {
        const struct edge *edge = stuck_edge(graph, node);
        if (edge->ref != NULL && (first == NULL || edge->ref->place.line < first->ref->place.line))
            first = edge;
        node = edge->needs;
    } while (node != start);
    REQUIRE(first != NULL);
    node = first->waits;
    do {
        const struct edge *edge = stuck_edge(graph, node);
        if (edge->ref != NULL && ++told <= 4)
            story = scn_arena_format(graph->parser->arena, "%s%s%s waits for %s", story,
                                     told > 1 ? ", " : "", node_name(graph, node),
                                     edge->ref->text);
        node = edge->needs;
    } while (node != first->waits);
    scn_error_at(graph->parser, first->ref->place, story,
                 "'%s %s' can never come true: the waits form a circle",
                 first->during ? "during" : "after", first->ref->text);
}

void scn_check_cycles(struct scn_parser *parser)
{
    struct graph graph = { .parser = parser };
    uint32_t node = 0;

    build(&graph);
    sort_edges(&graph);
    settle(&graph);
    while (node < graph.node_count && graph.open[node] == 0) node++;
    if (node == graph.node_count) return;
    /* Following stuck edges that many times ends on a circle. */
    for (uint32_t i = 0; i < graph.node_count; i++) node = stuck_edge(&graph, node)->needs;
    report(&graph, node);
}
