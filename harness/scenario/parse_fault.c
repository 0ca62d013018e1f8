/* The faults block. */
#include "harness/scenario/internal.h"

#include <string.h>

static struct scn_fault *add_fault(struct scn_parser *parser)
{
    struct scn_file *file = parser->file;
    struct scn_fault *fault;

    if (file->fault_count == SCN_FAULTS_MAX) {
        scn_error_here(parser, NULL, "more than %d faults", SCN_FAULTS_MAX);
        return NULL;
    }
    file->faults = scn_arena_grow(parser->arena, file->faults, file->fault_count,
                                  &parser->fault_capacity, sizeof(*file->faults));
    fault = &file->faults[file->fault_count++];
    memset(fault, 0, sizeof(*fault));
    fault->kind = SCN_FAULT_COUNT;
    return fault;
}

static bool check_label(struct scn_parser *parser, const char *label)
{
    const struct scn_file *file = parser->file;

    if (scn_pipe_find("core|store|clock|sandboxes", label) >= 0)
        return scn_error_here(parser, NULL, "'%s' cannot be a label: it is a part of the system",
                              label);
    for (uint32_t i = 0; i < file->actor_count; i++)
        if (strcmp(file->actors[i].name, label) == 0)
            return scn_error_here(parser, NULL, "'%s' cannot be a label: it is an actor", label);
    for (uint32_t i = 0; i < file->core_count; i++)
        if (strcmp(file->cores[i].name, label) == 0)
            return scn_error_here(parser, NULL, "'%s' cannot be a label: it is a core", label);
    for (uint32_t i = 0; i < file->fault_count; i++)
        if (file->faults[i].label != NULL && strcmp(file->faults[i].label, label) == 0)
            return scn_error_here(parser,
                                  scn_arena_format(parser->arena, "the first one is on line %u",
                                                   file->faults[i].place.line),
                                  "the label '%s' is used twice", label);
    return true;
}

static bool take_word(struct scn_parser *parser, const struct scn_word **row)
{
    struct scn_near near;

    if (scn_peek(parser)->kind != SCN_TOKEN_NAME)
        return scn_error_here(parser, NULL, "expected a fault");
    *row = scn_table_find(&scn_fault_table, scn_peek(parser)->text);
    if (*row == NULL) {
        scn_near_begin(&near, scn_peek(parser)->text);
        scn_near_offer_table(&near, &scn_fault_table);
        return scn_error_here(parser, scn_near_hint(&near, parser->arena),
                              "no fault is called '%s'", scn_peek(parser)->text);
    }
    parser->at++;
    return true;
}

static bool take_target(struct scn_parser *parser, struct scn_fault *fault)
{
    if (!scn_take_ref(parser, &fault->target)) return false;
    if (!scn_accept(parser, SCN_TOKEN_ARROW)) return true;
    fault->linked = true;
    return scn_take_ref(parser, &fault->target_to);
}

static bool take_by(struct scn_parser *parser, struct scn_fault *fault)
{
    struct scn_span span;

    if (fault->has_by) return scn_error_here(parser, NULL, "a second 'by'");
    parser->at++;
    fault->has_by = true;
    if (fault->kind == SCN_FAULT_JUMP) {
        if (!scn_take_signed(parser, &fault->by_low_us)) return false;
        fault->by_high_us = fault->by_low_us;
        return true;
    }
    if (!scn_take_range(parser, false, &span)) return false;
    fault->by_low_us = (int64_t)span.low_us;
    fault->by_high_us = (int64_t)span.high_us;
    return true;
}

static bool take_for(struct scn_parser *parser, struct scn_fault *fault)
{
    if (fault->has_for) return scn_error_here(parser, NULL, "a second 'for'");
    parser->at++;
    fault->has_for = true;
    return scn_take_time(parser, &fault->for_us);
}

static bool take_up_to(struct scn_parser *parser, struct scn_fault *fault)
{
    if (fault->up_to > 0) return scn_error_here(parser, NULL, "a second 'up to'");
    if (!fault->may)
        return scn_error_here(parser, "write 'may' before the fault",
                              "'up to' belongs to a fault that may happen");
    parser->at++;
    if (!scn_accept_word(parser, "to")) return scn_error_here(parser, NULL, "expected 'up to N'");
    return scn_take_count(parser, 1, SCN_OCCURRENCES_MAX, &fault->up_to);
}

static bool take_rest(struct scn_parser *parser, struct scn_fault *fault)
{
    static const char words[] = "after|during|within|at|times|by|for|up to";
    uint32_t first = parser->at;
    bool taken = true;
    bool ok = true;

    while (ok && taken) {
        if (scn_at_word(parser, "by")) ok = take_by(parser, fault);
        else if (scn_at_word(parser, "for")) ok = take_for(parser, fault);
        else if (scn_at_word(parser, "up")) ok = take_up_to(parser, fault);
        else ok = scn_take_modifier(parser, &fault->modifiers, &taken);
    }
    return ok && scn_take_end_of(parser, words, parser->at > first);
}

static bool is_link_fault(enum scn_fault_kind kind)
{
    return (scn_fault_table.words[kind].set & SCN_TARGET_LINK) != 0;
}

/* What the fault's own row asks for. */
static bool check_use(struct scn_parser *parser, const struct scn_fault *fault)
{
    const struct scn_word *row = &scn_fault_table.words[fault->kind];
    const char *such_as = fault->kind == SCN_FAULT_JUMP ? "such as: by +2m" : "such as: by 1..80ms";

    if (row->shape == SCN_USE_MUST && !fault->has_by)
        return scn_error_here(parser, such_as, "'%s' needs 'by'", row->word);
    if (row->shape == SCN_USE_NO && fault->has_by)
        return scn_error_at(parser, fault->place, NULL, "'%s' has no 'by'", row->word);
    if (row->more == SCN_USE_NO && fault->has_for)
        return scn_error_at(parser, fault->place, NULL, "'%s' has no 'for'", row->word);
    if (fault->modifiers.times > 0 && !is_link_fault(fault->kind))
        return scn_error_at(parser, fault->place, "'may ... up to N' lets it happen several times",
                            "'%s' has no 'times'", row->word);
    if (fault->modifiers.has_every || fault->modifiers.in_order)
        return scn_error_at(parser, fault->place, NULL, "a fault has no '%s'",
                            fault->modifiers.has_every ? "every" : "in order");
    return true;
}

static bool parse_line(struct scn_parser *parser, struct scn_fault *fault)
{
    const struct scn_word *row;
    struct scn_rule room[SCN_RULES_MAX];
    struct scn_rules rules;

    fault->may = scn_accept_word(parser, "may");
    fault->place = scn_here(parser);
    if (!take_word(parser, &row)) return false;
    if (!take_target(parser, fault)) return false;
    fault->kind = row->id;
    rules = scn_fault_rules(fault->kind, room);
    if (!scn_take_attrs(parser, &rules, scn_arena_format(parser->arena, "'%s'", row->word),
                        &fault->attrs)) return false;
    return take_rest(parser, fault) && check_use(parser, fault);
}

void scn_parse_fault(struct scn_parser *parser)
{
    struct scn_place place = scn_here(parser);
    const char *label = NULL;
    struct scn_fault *fault;

    if (scn_peek(parser)->kind == SCN_TOKEN_NAME &&
        scn_peek_after(parser)->kind == SCN_TOKEN_COLON) {
        label = scn_peek(parser)->text;
        if (!check_label(parser, label)) return;
        parser->at += 2;
    }
    fault = add_fault(parser);
    if (fault == NULL) return;
    fault->label = label;
    fault->label_place = place;
    /* A line that is wrong keeps its label, so that nobody is told it is missing. */
    if (!parse_line(parser, fault)) fault->kind = SCN_FAULT_COUNT;
    if (fault->modifiers.times == 0) fault->modifiers.times = 1;
    if (fault->up_to == 0) fault->up_to = 1;
}
