/* The check block. */
#include "harness/scenario/internal.h"

#include <string.h>

static struct scn_check *add_check(struct scn_parser *parser)
{
    struct scn_file *file = parser->file;
    struct scn_check *check;

    if (file->check_count == SCN_CHECKS_MAX) {
        scn_error_here(parser, NULL, "more than %d checks", SCN_CHECKS_MAX);
        return NULL;
    }
    file->checks = scn_arena_grow(parser->arena, file->checks, file->check_count,
                                  &parser->check_capacity, sizeof(*file->checks));
    check = &file->checks[file->check_count++];
    memset(check, 0, sizeof(*check));
    check->kind = SCN_CHECK_COUNT;
    check->invariant = check->bug_check = -1;
    check->place = scn_here(parser);
    return check;
}

static bool check_label(struct scn_parser *parser, const char *label)
{
    const struct scn_file *file = parser->file;

    if (scn_invariant_find(label) >= 0)
        return scn_error_here(parser, NULL, "'%s' cannot be a label: it is a built-in invariant",
                              label);
    for (uint32_t i = 0; i < file->check_count; i++)
        if (file->checks[i].label != NULL && strcmp(file->checks[i].label, label) == 0)
            return scn_error_here(parser,
                                  scn_arena_format(parser->arena, "the first one is on line %u",
                                                   file->checks[i].place.line),
                                  "the label '%s' is used twice", label);
    return true;
}

static bool take_term(struct scn_parser *parser, struct scn_term *term)
{
    const struct scn_token *token = scn_peek(parser);

    term->place = scn_here(parser);
    switch (token->kind) {
    case SCN_TOKEN_NAME:
        term->kind = SCN_TERM_REF;
        return scn_take_ref(parser, &term->ref);
    case SCN_TOKEN_INT:
        term->kind = SCN_TERM_INT;
        term->number = token->number;
        break;
    case SCN_TOKEN_TIME:
        term->kind = SCN_TERM_TIME;
        term->number = token->number * token->unit_us;
        break;
    case SCN_TOKEN_STRING:
        term->kind = SCN_TERM_STRING;
        term->text = token->text;
        break;
    default:
        return scn_error_here(parser, NULL, "expected a name or a number");
    }
    parser->at++;
    return true;
}

/* What runs count are numbers: nothing else can be compared with them. */
static bool check_terms(struct scn_parser *parser, const struct scn_condition *condition)
{
    const struct scn_term *terms[2] = { &condition->left, &condition->right };
    uint32_t count = condition->relation == SCN_RELATION_NONE ? 1 : 2;

    for (uint32_t i = 0; i < count; i++)
        if (terms[i]->kind == SCN_TERM_TIME || terms[i]->kind == SCN_TERM_STRING)
            return scn_error_at(parser, terms[i]->place, NULL,
                                "a count is compared with a number, not with a %s",
                                terms[i]->kind == SCN_TERM_TIME ? "duration" : "text");
    for (uint32_t i = 0; i < count; i++)
        if (terms[i]->kind == SCN_TERM_REF) return true;
    return scn_error_at(parser, condition->place, NULL,
                        "this condition does not look at the run");
}

static bool take_condition(struct scn_parser *parser, struct scn_condition *condition)
{
    uint32_t from = parser->at;

    condition->place = scn_here(parser);
    if (!take_term(parser, &condition->left)) return false;
    if (scn_peek(parser)->kind == SCN_TOKEN_RELATION) {
        condition->relation = scn_peek(parser)->relation;
        parser->at++;
        if (!take_term(parser, &condition->right)) return false;
    } else if (scn_peek(parser)->kind == SCN_TOKEN_ASSIGN) {
        return scn_error_here(parser, "write '=='", "'=' makes an attribute; it compares nothing");
    } else if (scn_accept_word(parser, "before")) {
        condition->relation = SCN_RELATION_BEFORE;
        if (condition->left.kind != SCN_TERM_REF)
            return scn_error_at(parser, condition->place, NULL, "only what happens can be before");
        condition->right.kind = SCN_TERM_REF;
        condition->right.place = scn_here(parser);
        if (!scn_take_ref(parser, &condition->right.ref)) return false;
    }
    condition->text = scn_source_slice(parser, from, parser->at);
    return check_terms(parser, condition);
}

static bool take_when(struct scn_parser *parser, struct scn_check *check)
{
    if (!scn_accept_word(parser, "when")) return true;
    check->has_when = true;
    return take_condition(parser, &check->when);
}

static bool end_of_condition(struct scn_parser *parser)
{
    if (!scn_at_word(parser, "and") && !scn_at_word(parser, "or")) return scn_take_end(parser);
    return scn_error_here(parser, "write two lines; each fails with its own message",
                          "conditions are not joined by '%s'", scn_peek(parser)->text);
}

static bool take_invariant(struct scn_parser *parser, struct scn_check *check)
{
    struct scn_place place = scn_here(parser);
    struct scn_near near;
    const char *name;

    if (!scn_take_name(parser, "the name of an invariant", &name)) return false;
    check->invariant = scn_invariant_find(name);
    if (check->invariant >= 0) return true;
    if (check->kind == SCN_CHECK_KNOWN_BUG) {
        /* It may name a check further down: that is settled once the file is read. */
        check->name = name;
        return true;
    }
    scn_near_begin(&near, name);
    scn_near_offer_table(&near, &scn_invariant_table);
    return scn_error_at(parser, place, near.best[0] != '\0' ? scn_near_hint(&near, parser->arena)
                                                           : "'harness invariants' prints them all",
                        "no invariant is called '%s'", name);
}

static bool take_verdict(struct scn_parser *parser, struct scn_check *check)
{
    if (!take_invariant(parser, check)) return false;
    if (check->kind == SCN_CHECK_OFF &&
        !scn_take_string(parser, "a reason in quotes: an invariant is never switched off silently",
                         &check->reason)) return false;
    if (check->kind == SCN_CHECK_KNOWN_BUG &&
        !scn_take_string(parser, "in quotes where the bug is reported, such as \"issue 412\"",
                         &check->reason)) return false;
    return scn_take_end(parser);
}

static bool take_property(struct scn_parser *parser, struct scn_check *check)
{
    if (!take_condition(parser, &check->condition)) return false;
    if (!take_when(parser, check)) return false;
    if (check->kind == SCN_CHECK_EVENTUALLY) {
        if (!scn_accept_word(parser, "within") && scn_peek(parser)->kind != SCN_TOKEN_END)
            return end_of_condition(parser);
        if (parser->at == parser->tokens.count)
            return scn_error_here(parser, NULL, "'eventually' needs 'within A..B': liveness has a "
                                  "deadline here");
        if (!scn_take_range(parser, true, &check->within)) return false;
    }
    return end_of_condition(parser);
}

static bool take_count(struct scn_parser *parser, struct scn_check *check)
{
    if (!scn_take_count(parser, 0, SCN_OCCURRENCES_MAX, &check->count)) return false;
    if (scn_peek(parser)->kind != SCN_TOKEN_NAME)
        return scn_error_here(parser, NULL, "expected what is counted");
    if (!scn_take_ref(parser, &check->counted)) return false;
    return take_when(parser, check) && end_of_condition(parser);
}

static bool take_kind(struct scn_parser *parser, struct scn_check *check)
{
    const struct scn_token *token = scn_peek(parser);
    struct scn_near near;

    if (token->kind == SCN_TOKEN_NAME) {
        for (uint32_t i = 0; i < scn_check_table.count; i++) {
            if (strcmp(scn_check_table.words[i].word, token->text) != 0) continue;
            parser->at++;
            check->kind = i;
            return true;
        }
        if (scn_accept_word(parser, "at")) {
            check->kind = scn_at_word(parser, "most") ? SCN_CHECK_AT_MOST : SCN_CHECK_AT_LEAST;
            if (scn_accept_word(parser, "most") || scn_accept_word(parser, "least")) return true;
            return scn_error_here(parser, NULL, "expected 'at most' or 'at least'");
        }
        scn_near_begin(&near, token->text);
        scn_near_offer_table(&near, &scn_check_table);
        return scn_error_here(parser, scn_near_hint(&near, parser->arena),
                              "'%s' checks nothing", token->text);
    }
    return scn_error_here(parser, NULL, "expected what must hold");
}

static bool parse_line(struct scn_parser *parser, struct scn_check *check)
{
    uint32_t from = parser->at;
    bool ok = false;

    if (!take_kind(parser, check)) return false;
    switch (check->kind) {
    case SCN_CHECK_ON:
    case SCN_CHECK_OFF:
    case SCN_CHECK_KNOWN_BUG:
        if (check->label != NULL)
            return scn_error_at(parser, check->place, NULL, "'%s' has no label",
                                scn_check_word(check->kind));
        ok = take_verdict(parser, check);
        break;
    case SCN_CHECK_ALWAYS:
    case SCN_CHECK_NEVER:
    case SCN_CHECK_SOMETIMES:
    case SCN_CHECK_EVENTUALLY:
        ok = take_property(parser, check);
        break;
    case SCN_CHECK_EXACTLY:
    case SCN_CHECK_AT_MOST:
    case SCN_CHECK_AT_LEAST:
        ok = take_count(parser, check);
        break;
    case SCN_CHECK_COUNT: break;
    }
    if (ok) check->text = scn_source_slice(parser, from, parser->tokens.count);
    return ok;
}

void scn_parse_check(struct scn_parser *parser)
{
    const char *label = NULL;
    struct scn_check *check;

    if (scn_peek(parser)->kind == SCN_TOKEN_NAME &&
        scn_peek_after(parser)->kind == SCN_TOKEN_COLON) {
        label = scn_peek(parser)->text;
    }
    check = add_check(parser);
    if (check == NULL || (label != NULL && !check_label(parser, label))) return;
    check->label = label;
    if (label != NULL) parser->at += 2;
    if (!parse_line(parser, check)) check->kind = SCN_CHECK_COUNT;
}
