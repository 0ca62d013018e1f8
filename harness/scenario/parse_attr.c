/* Attributes against their rules, and the lines of `core`, `store` and `clock`. */
#include "harness/scenario/internal.h"

#include <string.h>

/* The core takes no duration beyond a year. */
#define SETTING_MAX_US (INT64_C(8760) * 3600 * 1000000)

static const struct { unsigned takes; const char *text; } kinds[] = {
    { SCN_TAKES_NAME, "a name" },
    { SCN_TAKES_STRING, "a text in quotes" },
    { SCN_TAKES_INT, "a number" },
    { SCN_TAKES_INTS, "numbers such as 1..6" },
    { SCN_TAKES_RANGE, "a duration or a range such as 10..200ms" },
    { SCN_TAKES_TIME, "a duration such as 200ms" },
    { SCN_TAKES_SIGNED, "a signed duration such as +2m" },
};

static unsigned takes_of(enum scn_value_kind kind)
{
    switch (kind) {
    case SCN_VALUE_NAME: return SCN_TAKES_NAME | SCN_TAKES_WORD;
    case SCN_VALUE_STRING: return SCN_TAKES_STRING;
    case SCN_VALUE_INT: return SCN_TAKES_INT;
    case SCN_VALUE_INTS: return SCN_TAKES_INTS;
    case SCN_VALUE_TIME: return SCN_TAKES_TIME | SCN_TAKES_RANGE;
    case SCN_VALUE_RANGE: return SCN_TAKES_RANGE;
    case SCN_VALUE_SIGNED: return SCN_TAKES_SIGNED;
    }
    REQUIRE(!"every kind of value is known");
    return 0;
}

static bool wrong_word(struct scn_parser *parser, const struct scn_attr *attr,
                       const struct scn_rule *rule)
{
    struct scn_near near;

    scn_near_begin(&near, attr->value.text);
    scn_near_offer_pipe(&near, rule->words);
    return scn_error_at(parser, attr->value_place, scn_near_hint(&near, parser->arena),
                        "'%s' cannot be '%s'", attr->name, attr->value.text);
}

static bool wrong_kind(struct scn_parser *parser, const struct scn_attr *attr,
                       const struct scn_rule *rule)
{
    const char *text = attr->value.text;
    bool wants_time = (rule->takes & (SCN_TAKES_TIME | SCN_TAKES_RANGE)) != 0;

    if (wants_time && attr->value.kind == SCN_VALUE_INT)
        return scn_error_at(parser, attr->value_place,
                            scn_arena_format(parser->arena, "write %sms or %ss", text, text),
                            "duration '%s' has no unit", text);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if ((rule->takes & kinds[i].takes) != 0)
            return scn_error_at(parser, attr->value_place, NULL, "'%s' takes %s, not '%s'",
                                attr->name, kinds[i].text, text);
    REQUIRE(!"every rule takes something");
    return false;
}

static bool unknown_attr(struct scn_parser *parser, const struct scn_attr *attr,
                         const struct scn_rules *rules, const char *what)
{
    struct scn_near near;

    scn_near_begin(&near, attr->name);
    for (uint32_t i = 0; i < rules->count; i++) scn_near_offer(&near, rules->items[i].name);
    return scn_error_at(parser, attr->place, scn_near_hint(&near, parser->arena), "%s has no '%s'",
                        what, attr->name);
}

/* A number within the "LOW..HIGH" of its rule; without one there is no limit. */
static bool check_limits(struct scn_parser *parser, const struct scn_attr *attr,
                         const struct scn_rule *rule)
{
    const char *dots = strstr(rule->words, "..");

    if (attr->value.kind != SCN_VALUE_INT || dots == NULL) return true;
    if (attr->value.low >= strtoll(rule->words, NULL, 10) &&
        attr->value.low <= strtoll(dots + 2, NULL, 10)) return true;
    return scn_error_at(parser, attr->value_place, NULL, "'%s' takes a number in %s, not %s",
                        attr->name, rule->words, attr->value.text);
}

bool scn_check_attr(struct scn_parser *parser, struct scn_attr *attr,
                    const struct scn_rules *rules, const char *what)
{
    const struct scn_rule *rule = NULL;

    for (uint32_t i = 0; i < rules->count; i++)
        if (strcmp(rules->items[i].name, attr->name) == 0) rule = &rules->items[i];
    if (rule == NULL) return unknown_attr(parser, attr, rules, what);
    if (!scn_is_built(rule->help))
        return scn_error_at(parser, attr->place, NULL,
                            "'%s' is not built: it would have no effect", attr->name);
    if (rule->takes == SCN_TAKES_WORD) {
        if (attr->value.kind == SCN_VALUE_NAME)
            attr->value.word = scn_pipe_find(rule->words, attr->value.text);
        return attr->value.word >= 0 || wrong_word(parser, attr, rule);
    }
    if ((rule->takes & takes_of(attr->value.kind)) == 0) return wrong_kind(parser, attr, rule);
    return check_limits(parser, attr, rule);
}

static struct scn_core *find_core(struct scn_parser *parser, const char *name)
{
    struct scn_file *file = parser->file;

    for (uint32_t i = 0; i < file->core_count; i++)
        if (strcmp(file->cores[i].name, name) == 0) return &file->cores[i];
    return NULL;
}

static bool add_core(struct scn_parser *parser, struct scn_place place, const char *name)
{
    struct scn_file *file = parser->file;

    if (scn_pipe_find("core|store|clock|sandboxes|agent", name) >= 0)
        return scn_error_at(parser, place, NULL, "a core cannot be called '%s'", name);
    if (file->core_count == SCN_CORES_MAX)
        return scn_error_at(parser, place, NULL, "more than %d cores", SCN_CORES_MAX);
    file->cores = scn_arena_grow(parser->arena, file->cores, file->core_count,
                                 &parser->core_capacity, sizeof(*file->cores));
    file->cores[file->core_count++] = (struct scn_core){ .place = place, .name = name };
    return true;
}

/* `core one two ATTR`: the attributes go to each of the named; without names, to all. */
static void parse_core(struct scn_parser *parser)
{
    const char *names[SCN_CORES_MAX];
    uint32_t count = 0;
    struct scn_attrs attrs = { NULL, 0 };

    while (scn_peek(parser)->kind == SCN_TOKEN_NAME &&
           scn_peek_after(parser)->kind != SCN_TOKEN_ASSIGN) {
        const char *name = scn_peek(parser)->text;

        if (find_core(parser, name) == NULL && !add_core(parser, scn_here(parser), name)) return;
        for (uint32_t i = 0; i < count; i++) {
            if (strcmp(names[i], name) != 0) continue;
            scn_error_here(parser, NULL, "'%s' is named twice", name);
            return;
        }
        names[count++] = name;
        parser->at++;
    }
    if (!scn_take_attrs(parser, &scn_core_rule_table, "the core", &attrs)) return;
    if (!scn_take_end(parser)) return;
    for (uint32_t i = 0; i < attrs.count; i++) {
        if (attrs.items[i].value.kind == SCN_VALUE_TIME &&
            attrs.items[i].value.low > SETTING_MAX_US) {
            scn_error_at(parser, attrs.items[i].value_place, "the longest is 8760h",
                         "the duration '%s' is too long for a setting",
                         attrs.items[i].value.text);
            return;
        }
        if (count == 0 && !scn_add_attr(parser, &parser->core_common, &attrs.items[i])) return;
        for (uint32_t j = 0; j < count; j++)
            if (!scn_add_attr(parser, &find_core(parser, names[j])->attrs, &attrs.items[i])) return;
    }
}

void scn_parse_config(struct scn_parser *parser)
{
    struct scn_file *file = parser->file;

    if (scn_accept_word(parser, "core")) {
        parse_core(parser);
        return;
    }
    if (scn_accept_word(parser, "store")) {
        if (!scn_take_attrs(parser, &scn_store_rule_table, "the store", &file->store)) return;
    } else {
        parser->at++;
        if (!scn_take_attrs(parser, &scn_clock_rule_table, "the clock", &file->clock)) return;
    }
    scn_take_end(parser);
}

/* What is common to all cores is copied to each that says nothing else. */
void scn_end_config(struct scn_parser *parser)
{
    struct scn_file *file = parser->file;

    if (file->core_count == 0) {
        file->cores = scn_arena_alloc(parser->arena, sizeof(*file->cores));
        file->cores[0] = (struct scn_core){ .place = { 1, 1 }, .name = "core" };
        file->core_count = 1;
    } else {
        parser->cores_named = true;
    }
    for (uint32_t i = 0; i < file->core_count; i++)
        for (uint32_t j = 0; j < parser->core_common.count; j++)
            if (scn_attrs_find(&file->cores[i].attrs, parser->core_common.items[j].name) == NULL)
                scn_add_attr(parser, &file->cores[i].attrs, &parser->core_common.items[j]);
}
