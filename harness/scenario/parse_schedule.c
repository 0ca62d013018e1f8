/* The schedule and explore blocks. */
#include "harness/scenario/internal.h"

#include <string.h>

static struct scn_directive *add_directive(struct scn_parser *parser)
{
    struct scn_file *file = parser->file;
    struct scn_directive *directive;

    if (file->directive_count == SCN_DIRECTIVES_MAX) {
        scn_error_here(parser, NULL, "more than %d lines in a schedule", SCN_DIRECTIVES_MAX);
        return NULL;
    }
    file->directives = scn_arena_grow(parser->arena, file->directives, file->directive_count,
                                      &parser->directive_capacity, sizeof(*file->directives));
    directive = &file->directives[file->directive_count++];
    memset(directive, 0, sizeof(*directive));
    directive->place = scn_here(parser);
    directive->kind = SCN_DIRECTIVE_COUNT;
    return directive;
}

static bool parse_run(struct scn_parser *parser, struct scn_directive *directive)
{
    if (scn_accept_word(parser, "any")) {
        directive->kind = SCN_DIRECTIVE_RUN_ANY;
        return scn_take_end(parser);
    }
    if (scn_accept_word(parser, "free")) {
        directive->kind = SCN_DIRECTIVE_RUN_FREE;
        if (!scn_accept_word(parser, "to")) return scn_take_end(parser);
        directive->kind = SCN_DIRECTIVE_RUN_FREE_TO;
        return scn_take_ref(parser, &directive->to) && scn_take_end(parser);
    }
    if (scn_peek(parser)->kind != SCN_TOKEN_NAME)
        return scn_error_here(parser, "run WHO to POINT, run free, or run any",
                              "expected who runs");
    if (!scn_take_ref(parser, &directive->who)) return false;
    if (!scn_accept_word(parser, "to"))
        return scn_error_here(parser, NULL, "expected 'to' and the point it runs to");
    if (!scn_take_ref(parser, &directive->to)) return false;
    directive->kind = SCN_DIRECTIVE_RUN_TO;
    return scn_take_end(parser);
}

static bool parse_fire(struct scn_parser *parser, struct scn_directive *directive)
{
    uint64_t time;

    if (!scn_take_ref(parser, &directive->who)) return false;
    directive->kind = SCN_DIRECTIVE_FIRE;
    if (scn_accept_word(parser, "by")) {
        directive->has_by = true;
        if (scn_peek(parser)->kind == SCN_TOKEN_SIGNED) {
            directive->by_signed = true;
            if (!scn_take_signed(parser, &directive->by_us)) return false;
        } else {
            if (!scn_take_time(parser, &time)) return false;
            directive->by_us = (int64_t)time;
        }
    }
    return scn_take_end(parser);
}

static bool parse_deliver(struct scn_parser *parser, struct scn_directive *directive)
{
    if (!scn_take_ref(parser, &directive->who)) return false;
    if (!scn_accept(parser, SCN_TOKEN_ARROW))
        return scn_error_here(parser, "such as: deliver core->left", "expected '->'");
    if (!scn_take_ref(parser, &directive->to)) return false;
    directive->kind = SCN_DIRECTIVE_DELIVER;
    return scn_take_end(parser);
}

static bool parse_choose(struct scn_parser *parser, struct scn_directive *directive)
{
    const struct scn_token *token;

    if (!scn_take_name(parser, "the name of the choice", &directive->name)) return false;
    token = scn_peek(parser);
    if (token->kind != SCN_TOKEN_INT) return scn_error_here(parser, NULL, "expected a number");
    directive->choice = (uint64_t)token->number;
    parser->at++;
    directive->kind = SCN_DIRECTIVE_CHOOSE;
    return scn_take_end(parser);
}

static void unknown_directive(struct scn_parser *parser)
{
    const struct scn_token *token = scn_peek(parser);
    struct scn_near near;

    scn_near_begin(&near, token->kind == SCN_TOKEN_NAME ? token->text : "");
    scn_near_offer_pipe(&near, "run|advance|fire|deliver|wake|choose");
    scn_error_here(parser, scn_near_hint(&near, parser->arena),
                   "expected what the schedule does next");
}

/* `run free` and `run any` go on to the end of the run. */
static bool ended_before(struct scn_parser *parser)
{
    const struct scn_file *file = parser->file;
    enum scn_directive_kind before;

    if (file->directive_count < 2) return false;
    before = file->directives[file->directive_count - 2].kind;
    if (before != SCN_DIRECTIVE_RUN_FREE && before != SCN_DIRECTIVE_RUN_ANY) return false;
    scn_error_here(parser, NULL, "nothing can follow '%s'", scn_directive_word(before));
    return true;
}

void scn_parse_directive(struct scn_parser *parser)
{
    struct scn_directive *directive = add_directive(parser);

    if (directive == NULL || ended_before(parser)) return;
    if (scn_accept_word(parser, "run")) {
        parse_run(parser, directive);
    } else if (scn_accept_word(parser, "advance")) {
        if (!scn_take_time(parser, &directive->advance_us)) return;
        directive->kind = SCN_DIRECTIVE_ADVANCE;
        scn_take_end(parser);
    } else if (scn_accept_word(parser, "fire")) {
        parse_fire(parser, directive);
    } else if (scn_accept_word(parser, "deliver")) {
        parse_deliver(parser, directive);
    } else if (scn_accept_word(parser, "wake")) {
        if (!scn_take_ref(parser, &directive->who)) return;
        directive->kind = SCN_DIRECTIVE_WAKE;
        scn_take_end(parser);
    } else if (scn_accept_word(parser, "choose")) {
        parse_choose(parser, directive);
    } else {
        unknown_directive(parser);
    }
}

/* The number of an attribute, if it was given; it must fit 32 bits. */
static bool set_count(struct scn_parser *parser, const struct scn_attrs *attrs, const char *name,
                      uint32_t least, uint32_t *count)
{
    const struct scn_attr *attr = scn_attrs_find(attrs, name);

    if (attr == NULL) return true;
    if (attr->value.low < least || attr->value.low > UINT32_MAX)
        return scn_error_at(parser, attr->value_place, NULL, "'%s' is out of bounds: %u to %u are "
                            "allowed", attr->value.text, least, UINT32_MAX);
    *count = (uint32_t)attr->value.low;
    return true;
}

static bool set_number(struct scn_parser *parser, const struct scn_attrs *attrs, const char *name,
                       uint64_t *number)
{
    const struct scn_attr *attr = scn_attrs_find(attrs, name);

    if (attr == NULL) return true;
    if (attr->value.low == 0)
        return scn_error_at(parser, attr->value_place, NULL, "'%s' must be more than 0", name);
    *number = (uint64_t)attr->value.low;
    return true;
}

static void parse_strategy(struct scn_parser *parser, struct scn_explore *explore)
{
    struct scn_rule room[SCN_RULES_MAX];
    struct scn_rules rules;
    struct scn_attrs attrs = { NULL, 0 };
    const struct scn_word *row;
    struct scn_near near;
    const char *name;
    struct scn_place place = scn_here(parser);

    if (!scn_take_name(parser, "the name of a strategy", &name)) return;
    row = scn_table_find(&scn_strategy_table, name);
    if (row == NULL) {
        scn_near_begin(&near, name);
        scn_near_offer_table(&near, &scn_strategy_table);
        scn_error_at(parser, place, scn_near_hint(&near, parser->arena),
                     "no strategy is called '%s'", name);
        return;
    }
    explore->strategy = row->id;
    rules = scn_strategy_rules(explore->strategy, room);
    if (!scn_take_attrs(parser, &rules, scn_arena_format(parser->arena, "'%s'", name), &attrs))
        return;
    if (explore->strategy == SCN_STRATEGY_EXHAUSTIVE)
        explore->preemptions = explore->delays = SCN_UNBOUNDED;
    if (set_count(parser, &attrs, "depth", 1, &explore->depth) &&
        set_count(parser, &attrs, "preemptions", 0, &explore->preemptions) &&
        set_count(parser, &attrs, "delays", 0, &explore->delays))
        scn_take_end(parser);
}

static void parse_bound(struct scn_parser *parser, struct scn_explore *explore)
{
    struct scn_attrs attrs = { NULL, 0 };

    if (!scn_take_attrs(parser, &scn_bound_rule_table, "'bound'", &attrs)) return;
    const struct scn_attr *choices = scn_attrs_find(&attrs, "choices");
    explore->storm_only = choices != NULL && strcmp(choices->value.text, "storm") == 0;
    if (set_number(parser, &attrs, "steps", &explore->steps_max) &&
        set_number(parser, &attrs, "time", &explore->time_max_us) &&
        set_number(parser, &attrs, "lag", &explore->lag_max_us) &&
        set_count(parser, &attrs, "spurious", 0, &explore->spurious_max) &&
        set_count(parser, &attrs, "stalls", 0, &explore->stalls_max) &&
        set_count(parser, &attrs, "splits", 0, &explore->splits_max))
        scn_take_end(parser);
}

static void parse_budget(struct scn_parser *parser, struct scn_explore *explore)
{
    struct scn_attrs attrs = { NULL, 0 };

    if (!scn_take_attrs(parser, &scn_budget_rule_table, "'budget'", &attrs)) return;
    if (set_number(parser, &attrs, "runs", &explore->runs_max) &&
        set_number(parser, &attrs, "wall", &explore->wall_max_us))
        scn_take_end(parser);
}

static void parse_seed(struct scn_parser *parser, struct scn_explore *explore)
{
    const struct scn_token *token = scn_peek(parser);

    if (token->kind != SCN_TOKEN_INT) {
        scn_error_here(parser, NULL, "expected a number");
        return;
    }
    explore->seed = (uint64_t)token->number;
    parser->at++;
    scn_take_end(parser);
}

void scn_parse_explore(struct scn_parser *parser)
{
    static const char words[] = "strategy|bound|budget|seed";
    struct scn_explore *explore = &parser->file->explore;
    const struct scn_token *token = scn_peek(parser);
    int word = token->kind == SCN_TOKEN_NAME ? scn_pipe_find(words, token->text) : -1;
    struct scn_near near;

    if (word < 0) {
        scn_near_begin(&near, token->kind == SCN_TOKEN_NAME ? token->text : "");
        scn_near_offer_pipe(&near, words);
        scn_error_here(parser, scn_near_hint(&near, parser->arena), "expected how to explore");
        return;
    }
    if ((parser->explore_seen & 1u << word) != 0) {
        scn_error_here(parser, NULL, "a second '%s'", token->text);
        return;
    }
    parser->explore_seen |= 1u << word;
    parser->at++;
    if (word == 0) parse_strategy(parser, explore);
    else if (word == 1) parse_bound(parser, explore);
    else if (word == 2) parse_budget(parser, explore);
    else parse_seed(parser, explore);
}
