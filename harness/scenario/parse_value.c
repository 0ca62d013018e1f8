/* The parts of a line that every block shares: names, numbers, durations, attributes, modifiers. */
#include "harness/scenario/internal.h"

#include <inttypes.h>
#include <string.h>

bool scn_error_at(struct scn_parser *parser, struct scn_place place, const char *hint,
                  const char *format, ...)
{
    char message[400];
    const struct scn_line *line = NULL;
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    if (place.line > 0 && place.line <= parser->source.line_count)
        line = &parser->source.lines[place.line - 1];
    scn_diagnostics_add(parser->diagnostics, place, line, message, hint);
    return false;
}

bool scn_error_here(struct scn_parser *parser, const char *hint, const char *format, ...)
{
    const struct scn_token *token = scn_peek(parser);
    char message[400];
    va_list arguments;

    if (token->kind == SCN_TOKEN_BAD)
        return scn_error_at(parser, scn_here(parser), token->hint, "%s", token->problem);
    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    return scn_error_at(parser, scn_here(parser), hint, "%s", message);
}

const struct scn_token *scn_peek(const struct scn_parser *parser)
{
    REQUIRE(parser->at <= parser->tokens.count);
    return &parser->tokens.items[parser->at];
}

const struct scn_token *scn_peek_after(const struct scn_parser *parser)
{
    uint32_t next = parser->at < parser->tokens.count ? parser->at + 1 : parser->at;

    return &parser->tokens.items[next];
}

struct scn_place scn_here(const struct scn_parser *parser)
{
    return (struct scn_place){ parser->line, scn_peek(parser)->column };
}

bool scn_accept(struct scn_parser *parser, enum scn_token_kind kind)
{
    if (scn_peek(parser)->kind != kind || kind == SCN_TOKEN_END) return false;
    parser->at++;
    return true;
}

bool scn_at_word(const struct scn_parser *parser, const char *word)
{
    const struct scn_token *token = scn_peek(parser);

    return token->kind == SCN_TOKEN_NAME && strcmp(token->text, word) == 0;
}

bool scn_accept_word(struct scn_parser *parser, const char *word)
{
    if (!scn_at_word(parser, word)) return false;
    parser->at++;
    return true;
}

bool scn_take_name(struct scn_parser *parser, const char *what, const char **name)
{
    if (scn_peek(parser)->kind != SCN_TOKEN_NAME)
        return scn_error_here(parser, NULL, "expected %s", what);
    *name = scn_peek(parser)->text;
    parser->at++;
    return true;
}

bool scn_take_string(struct scn_parser *parser, const char *what, const char **text)
{
    if (scn_peek(parser)->kind != SCN_TOKEN_STRING)
        return scn_error_here(parser, NULL, "expected %s", what);
    *text = scn_peek(parser)->text;
    parser->at++;
    return true;
}

bool scn_take_count(struct scn_parser *parser, uint32_t least, uint32_t most, uint32_t *count)
{
    const struct scn_token *token = scn_peek(parser);

    if (token->kind == SCN_TOKEN_TIME)
        return scn_error_here(parser, NULL, "expected a count, not the duration '%s'",
                              token->text);
    if (token->kind != SCN_TOKEN_INT) return scn_error_here(parser, NULL, "expected a count");
    if (token->number < least || token->number > most)
        return scn_error_here(parser, NULL, "'%s' is out of bounds: %u to %u are allowed",
                              token->text, least, most);
    *count = (uint32_t)token->number;
    parser->at++;
    return true;
}

static bool no_unit(struct scn_parser *parser, const struct scn_token *token)
{
    return scn_error_here(parser,
                          scn_arena_format(parser->arena, "write %sms or %ss", token->text,
                                           token->text),
                          "duration '%s' has no unit", token->text);
}

/* A duration that may borrow the unit of what follows it. */
static bool take_duration(struct scn_parser *parser, int64_t borrowed_us, int64_t *time_us)
{
    const struct scn_token *token = scn_peek(parser);
    int64_t unit_us = token->kind == SCN_TOKEN_TIME ? token->unit_us : borrowed_us;

    if (token->kind != SCN_TOKEN_TIME && token->kind != SCN_TOKEN_INT)
        return scn_error_here(parser, "such as 200ms or 5s", "expected a duration");
    if (unit_us == 0) return no_unit(parser, token);
    if (token->number > SCN_TIME_MAX_US / unit_us)
        return scn_error_here(parser, "the longest is 87600h", "the duration '%s' is too long",
                              token->text);
    *time_us = token->number * unit_us;
    parser->at++;
    return true;
}

bool scn_take_time(struct scn_parser *parser, uint64_t *time_us)
{
    int64_t time;

    if (!take_duration(parser, 0, &time)) return false;
    if (scn_peek(parser)->kind == SCN_TOKEN_DOTS)
        return scn_error_here(parser, NULL, "one duration is expected here, not a range");
    *time_us = (uint64_t)time;
    return true;
}

bool scn_take_signed(struct scn_parser *parser, int64_t *time_us)
{
    const struct scn_token *token = scn_peek(parser);

    if (token->kind == SCN_TOKEN_TIME)
        return scn_error_here(parser,
                              scn_arena_format(parser->arena, "write +%s or -%s", token->text,
                                               token->text),
                              "a jump of the clock carries a sign");
    if (token->kind != SCN_TOKEN_SIGNED)
        return scn_error_here(parser, "such as +2m or -1h", "expected a signed duration");
    *time_us = token->number * token->unit_us;
    parser->at++;
    return true;
}

/* The two ends the right way round; a bare number keeps borrowing its unit. */
static const char *turned(struct scn_parser *parser, const struct scn_token *left,
                          const struct scn_token *right)
{
    const char *unit = right->text + strspn(right->text, "0123456789");

    if (left->kind == SCN_TOKEN_TIME || right->kind == SCN_TOKEN_INT)
        return scn_arena_format(parser->arena, "write %s..%s", right->text, left->text);
    return scn_arena_format(parser->arena, "write %" PRId64 "..%s%s", right->number, left->text,
                            unit);
}

/* From the current token on: A..B. Both ends are checked; they may also be bare numbers. */
static bool take_range_ends(struct scn_parser *parser, bool counts, int64_t *low, int64_t *high)
{
    const struct scn_token *left = scn_peek(parser);
    const struct scn_token *right = left + 2;
    struct scn_place place = scn_here(parser);

    REQUIRE(left[1].kind == SCN_TOKEN_DOTS);
    if (right->kind == SCN_TOKEN_BAD) {
        parser->at += 2;
        return scn_error_here(parser, NULL, "expected a duration");
    }
    if (counts) {
        *low = left->number;
        *high = right->number;
        parser->at += 3;
    } else {
        if (!take_duration(parser, right->kind == SCN_TOKEN_TIME ? right->unit_us : 0, low)) {
            return false;
        }
        parser->at++;
        if (!take_duration(parser, 0, high)) return false;
    }
    if (*low <= *high) return true;
    return scn_error_at(parser, place, turned(parser, left, right),
                        "range '%s..%s' is backwards", left->text, right->text);
}

static bool at_range(const struct scn_parser *parser)
{
    enum scn_token_kind kind = scn_peek(parser)->kind;

    return (kind == SCN_TOKEN_INT || kind == SCN_TOKEN_TIME) &&
           scn_peek_after(parser)->kind == SCN_TOKEN_DOTS;
}

bool scn_take_range(struct scn_parser *parser, bool from_zero, struct scn_span *span)
{
    int64_t low;
    int64_t high;

    if (at_range(parser)) {
        /* `0..15` lacks its unit on the right: that is where it belongs. */
        if (scn_peek(parser)->kind == SCN_TOKEN_INT && scn_peek(parser)[2].kind == SCN_TOKEN_INT) {
            parser->at += 2;
            return no_unit(parser, scn_peek(parser));
        }
        if (!take_range_ends(parser, false, &low, &high)) return false;
    } else {
        if (!take_duration(parser, 0, &high)) return false;
        low = from_zero ? 0 : high;
    }
    *span = (struct scn_span){ (uint64_t)low, (uint64_t)high };
    return true;
}

bool scn_take_end(struct scn_parser *parser)
{
    const struct scn_token *token = scn_peek(parser);

    if (token->kind == SCN_TOKEN_END) return true;
    return scn_error_here(parser, "one statement per line",
                          "the line should end before '%s'", token->text);
}

bool scn_take_end_of(struct scn_parser *parser, const char *modifiers, bool modified)
{
    const struct scn_token *token = scn_peek(parser);
    struct scn_near near;

    if (token->kind != SCN_TOKEN_NAME) return scn_take_end(parser);
    scn_near_begin(&near, token->text);
    scn_near_offer_pipe(&near, modifiers);
    const char *hint = modified && scn_peek_after(parser)->kind == SCN_TOKEN_ASSIGN
                           ? "attributes stand before the modifiers"
                           : scn_near_hint(&near, parser->arena);
    return scn_error_here(parser, hint, "'%s' does not fit here", token->text);
}

const char *scn_source_slice(struct scn_parser *parser, uint32_t from_token, uint32_t to_token)
{
    const struct scn_line *line = &parser->source.lines[parser->line - 1];
    uint32_t from = parser->tokens.items[from_token].offset;
    uint32_t to = parser->tokens.items[to_token - 1].offset_end;

    REQUIRE(from_token < to_token && to <= line->length);
    return scn_arena_text(parser->arena, line->text + from, to - from);
}

static bool take_value(struct scn_parser *parser, struct scn_value *value)
{
    const struct scn_token *token = scn_peek(parser);
    bool counts = token->kind == SCN_TOKEN_INT;

    value->word = -1;
    value->text = token->text;
    if (at_range(parser)) {
        counts = counts && token[2].kind == SCN_TOKEN_INT;
        value->kind = counts ? SCN_VALUE_INTS : SCN_VALUE_RANGE;
        value->text = scn_arena_format(parser->arena, "%s..%s", token->text, token[2].text);
        return take_range_ends(parser, counts, &value->low, &value->high);
    }
    switch (token->kind) {
    case SCN_TOKEN_NAME: value->kind = SCN_VALUE_NAME; break;
    case SCN_TOKEN_STRING: value->kind = SCN_VALUE_STRING; break;
    case SCN_TOKEN_INT: value->kind = SCN_VALUE_INT; break;
    case SCN_TOKEN_TIME: value->kind = SCN_VALUE_TIME; break;
    case SCN_TOKEN_SIGNED: value->kind = SCN_VALUE_SIGNED; break;
    default: return scn_error_here(parser, NULL, "expected a value after '='");
    }
    value->low = token->number * (token->unit_us != 0 ? token->unit_us : 1);
    value->high = value->low;
    parser->at++;
    return true;
}

bool scn_add_attr(struct scn_parser *parser, struct scn_attrs *attrs, const struct scn_attr *attr)
{
    struct scn_attr *items;

    if (scn_attrs_find(attrs, attr->name) != NULL)
        return scn_error_at(parser, attr->place, NULL, "'%s' is given twice", attr->name);
    if (attrs->count == SCN_ITEMS_MAX)
        return scn_error_at(parser, attr->place, NULL, "more than %d attributes", SCN_ITEMS_MAX);
    /* A fresh array each time: copies of a list never share what grows. */
    items = scn_arena_alloc(parser->arena, (attrs->count + 1) * sizeof(*items));
    if (attrs->count > 0) memcpy(items, attrs->items, attrs->count * sizeof(*items));
    items[attrs->count] = *attr;
    attrs->items = items;
    attrs->count++;
    return true;
}

bool scn_take_attrs(struct scn_parser *parser, const struct scn_rules *rules, const char *what,
                    struct scn_attrs *attrs)
{
    while (scn_peek(parser)->kind == SCN_TOKEN_NAME &&
           scn_peek_after(parser)->kind == SCN_TOKEN_ASSIGN) {
        struct scn_attr attr = { .place = scn_here(parser), .name = scn_peek(parser)->text };

        if (scn_peek_after(parser)->spaced || scn_peek_after(parser)[1].spaced) {
            parser->at++;
            return scn_error_here(parser, NULL, "no space may stand around '='");
        }
        parser->at += 2;
        attr.value_place = scn_here(parser);
        if (!take_value(parser, &attr.value)) return false;
        if (rules != NULL && !scn_check_attr(parser, &attr, rules, what)) return false;
        if (!scn_add_attr(parser, attrs, &attr)) return false;
    }
    return true;
}
