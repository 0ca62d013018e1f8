/* Dotted names with brackets, and the modifiers that steps and faults share. */
#include "harness/scenario/internal.h"

#include <string.h>

enum { PARTS_MAX = 8, INDEX_MAX = 1000000 };

static bool take_filters(struct scn_parser *parser, struct scn_attrs *filters)
{
    do {
        uint32_t before = filters->count;
        if (!scn_take_attrs(parser, NULL, NULL, filters)) return false;
        if (filters->count == before)
            return scn_error_here(parser, "brackets select: [3] or [key=value]",
                                  "expected a number or key=value");
        if (filters->count > before + 1)
            return scn_error_at(parser, filters->items[before + 1].place, NULL,
                                "a ',' is missing before '%s'", filters->items[before + 1].name);
    } while (scn_accept(parser, SCN_TOKEN_COMMA));
    return true;
}

static bool take_brackets(struct scn_parser *parser, struct scn_part *part)
{
    if (scn_peek(parser)->kind != SCN_TOKEN_OPEN) return true;
    if (scn_peek(parser)->spaced)
        return scn_error_here(parser, NULL, "no space may stand before '['");
    parser->at++;
    if (scn_peek(parser)->kind == SCN_TOKEN_INT) {
        if (!scn_take_count(parser, 1, INDEX_MAX, &part->index)) return false;
    } else if (!take_filters(parser, &part->filters)) {
        return false;
    }
    if (scn_accept(parser, SCN_TOKEN_CLOSE)) return true;
    return scn_error_here(parser, NULL, "expected ']'");
}

static bool take_part(struct scn_parser *parser, struct scn_ref *ref, struct scn_part *parts)
{
    struct scn_part *part = &parts[ref->part_count];

    if (ref->part_count == PARTS_MAX)
        return scn_error_here(parser, NULL, "a name has at most %d parts", PARTS_MAX);
    if (ref->part_count > 0) {
        part->separator = scn_peek(parser)->kind == SCN_TOKEN_DOT ? '.' : '/';
        parser->at++;
        if (scn_peek(parser)->spaced)
            return scn_error_here(parser, NULL, "no space may stand inside a name");
    }
    if (!scn_take_name(parser, "a name", &part->name)) return false;
    ref->part_count++;
    return take_brackets(parser, part);
}

static bool more_parts(const struct scn_parser *parser)
{
    const struct scn_token *token = scn_peek(parser);

    return (token->kind == SCN_TOKEN_DOT || token->kind == SCN_TOKEN_SLASH) && !token->spaced;
}

bool scn_take_ref(struct scn_parser *parser, struct scn_ref *ref)
{
    struct scn_part *parts = scn_arena_alloc(parser->arena, PARTS_MAX * sizeof(*parts));
    uint32_t from = parser->at;

    memset(ref, 0, sizeof(*ref));
    ref->place = scn_here(parser);
    ref->actor = ref->step = ref->fault = ref->core = -1;
    ref->parts = parts;
    do {
        if (!take_part(parser, ref, parts)) return false;
    } while (more_parts(parser));
    ref->text = scn_source_slice(parser, from, parser->at);
    return true;
}

static bool take_after(struct scn_parser *parser, struct scn_refs *after)
{
    uint32_t capacity = 0;

    if (after->count > 0)
        return scn_error_here(parser, "several names are separated by ','", "a second 'after'");
    do {
        if (after->count == SCN_ITEMS_MAX)
            return scn_error_here(parser, NULL, "more than %d names", SCN_ITEMS_MAX);
        after->items = scn_arena_grow(parser->arena, after->items, after->count, &capacity,
                                      sizeof(*after->items));
        if (!scn_take_ref(parser, &after->items[after->count])) return false;
        after->count++;
    } while (scn_accept(parser, SCN_TOKEN_COMMA));
    return true;
}

static bool twice(struct scn_parser *parser, const char *word)
{
    return scn_error_here(parser, NULL, "a second '%s'", word);
}

static bool take_during(struct scn_parser *parser, struct scn_modifiers *modifiers)
{
    struct scn_ref ref;

    if (modifiers->during != NULL) return twice(parser, "during");
    if (!scn_take_ref(parser, &ref)) return false;
    modifiers->during = scn_arena_alloc(parser->arena, sizeof(*modifiers->during));
    *modifiers->during = ref;
    return true;
}

/* `at` and `within` both say when: only one of them can be right. */
static bool check_when(struct scn_parser *parser, const struct scn_modifiers *modifiers,
                       const char *word)
{
    if (modifiers->has_within && strcmp(word, "within") == 0) return twice(parser, word);
    if (modifiers->has_at && strcmp(word, "at") == 0) return twice(parser, word);
    if (!modifiers->has_within && !modifiers->has_at) return true;
    return scn_error_here(parser, "'at' is a moment, 'within' a window: choose one",
                          "'at' and 'within' cannot stand together");
}

bool scn_take_modifier(struct scn_parser *parser, struct scn_modifiers *modifiers, bool *taken)
{
    struct scn_modifiers *m = modifiers;

    *taken = true;
    if (scn_at_word(parser, "within") || scn_at_word(parser, "at")) {
        bool within = scn_at_word(parser, "within");
        struct scn_place place = scn_here(parser);

        if (!check_when(parser, m, within ? "within" : "at")) return false;
        parser->at++;
        m->has_within = within;
        m->has_at = !within;
        m->within_place = place;
        return within ? scn_take_range(parser, true, &m->within)
                      : scn_take_time(parser, &m->at_us);
    }
    if (scn_accept_word(parser, "after")) return take_after(parser, &m->after);
    if (scn_accept_word(parser, "during")) return take_during(parser, m);
    if (scn_at_word(parser, "times")) {
        if (m->times != 0) return twice(parser, "times");
        parser->at++;
        return scn_take_count(parser, 1, SCN_OCCURRENCES_MAX, &m->times);
    }
    if (scn_at_word(parser, "every")) {
        if (m->has_every) return twice(parser, "every");
        parser->at++;
        m->has_every = true;
        return scn_take_time(parser, &m->every_us);
    }
    if (scn_at_word(parser, "in")) {
        if (m->in_order) return twice(parser, "in order");
        parser->at++;
        m->in_order = true;
        if (scn_accept_word(parser, "order")) return true;
        return scn_error_here(parser, NULL, "expected 'in order'");
    }
    *taken = false;
    return true;
}
