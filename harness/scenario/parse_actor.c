/* Actors and their steps. */
#include "harness/scenario/internal.h"

#include <string.h>

enum { PATTERNS_ROOM = 4 };

static struct scn_actor *find_actor(const struct scn_parser *parser, const char *name)
{
    for (uint32_t i = 0; i < parser->file->actor_count; i++)
        if (strcmp(parser->file->actors[i].name, name) == 0) return &parser->file->actors[i];
    return NULL;
}

/* Names that mean something else where an actor could stand. */
static bool is_reserved(const char *name)
{
    static const char words[] =
        "core|store|clock|sandboxes|free|any|nothing|to|by|for|may|end|or|before|when";

    return scn_pipe_find(words, name) >= 0;
}

static bool add_actor(struct scn_parser *parser)
{
    const struct scn_token *token = scn_peek(parser);
    struct scn_file *file = parser->file;

    if (is_reserved(token->text))
        return scn_error_here(parser, NULL, "an actor cannot be called '%s': the word has a "
                              "meaning of its own", token->text);
    if (find_actor(parser, token->text) != NULL)
        return scn_error_here(parser,
                              scn_arena_format(parser->arena, "the first one is on line %u",
                                               find_actor(parser, token->text)->place.line),
                              "a second actor is called '%s'", token->text);
    for (uint32_t i = 0; i < file->core_count; i++)
        if (strcmp(file->cores[i].name, token->text) == 0)
            return scn_error_here(parser, NULL, "'%s' is the name of a core", token->text);
    if (file->actor_count == SCN_ACTORS_MAX)
        return scn_error_here(parser, NULL, "more than %d actors", SCN_ACTORS_MAX);
    file->actors = scn_arena_grow(parser->arena, file->actors, file->actor_count,
                                  &parser->actor_capacity, sizeof(*file->actors));
    file->actors[file->actor_count++] = (struct scn_actor){
        .place = scn_here(parser), .kind = parser->group.kind, .name = token->text };
    parser->group.actor_count++;
    parser->at++;
    return true;
}

void scn_parse_actor_line(struct scn_parser *parser, enum scn_actor_kind kind)
{
    struct scn_group *group = &parser->group;
    struct scn_rules rules = scn_actor_rules(kind);
    const char *what = scn_arena_format(parser->arena, "%s %s",
                                        kind == SCN_ACTOR_AGENT ? "an" : "a", scn_actor_word(kind));

    memset(group, 0, sizeof(*group));
    group->kind = kind;
    group->place = (struct scn_place){ parser->line, 1 };
    group->first_actor = parser->file->actor_count;
    while (scn_peek(parser)->kind == SCN_TOKEN_NAME &&
           scn_peek_after(parser)->kind != SCN_TOKEN_ASSIGN)
        if (!add_actor(parser)) return;
    if (group->actor_count == 0) {
        scn_error_here(parser, NULL, "expected the name of the %s", scn_actor_word(kind));
        return;
    }
    if (!scn_take_attrs(parser, &rules, what, &group->attrs)) return;
    scn_take_end(parser);
}

static struct scn_step *add_step(struct scn_parser *parser)
{
    struct scn_group *group = &parser->group;
    struct scn_step *step;

    if (group->step_count == SCN_STEPS_MAX) {
        scn_error_here(parser, NULL, "more than %d steps", SCN_STEPS_MAX);
        return NULL;
    }
    group->steps = scn_arena_grow(parser->arena, group->steps, group->step_count,
                                  &group->step_capacity, sizeof(*group->steps));
    step = &group->steps[group->step_count++];
    memset(step, 0, sizeof(*step));
    step->place = scn_here(parser);
    step->verb = SCN_VERB_COUNT;
    return step;
}

/* A label must not hide a word that `ACTOR.word` means already. */
static bool check_label(struct scn_parser *parser, const char *label)
{
    const struct scn_group *group = &parser->group;

    for (uint32_t i = 0; i < scn_gauge_table.count; i++)
        if (scn_gauge_table.words[i].shape == (unsigned)group->kind &&
            strcmp(scn_gauge_table.words[i].word, label) == 0)
            return scn_error_here(parser, NULL, "'%s' cannot be a label: it is what happens to "
                                  "the %s", label, scn_actor_word(group->kind));
    if (group->kind == SCN_ACTOR_SANDBOX && strcmp(label, "call") == 0)
        return scn_error_here(parser, NULL, "'call' cannot be a label: it is a point of the "
                              "sandbox");
    for (uint32_t i = 0; i < group->step_count; i++)
        if (group->steps[i].label != NULL && strcmp(group->steps[i].label, label) == 0)
            return scn_error_here(parser,
                                  scn_arena_format(parser->arena, "the first one is on line %u",
                                                   group->steps[i].place.line),
                                  "the label '%s' is used twice", label);
    return true;
}

static const char *an(enum scn_actor_kind kind)
{
    return kind == SCN_ACTOR_AGENT ? "an" : "a";
}

static bool take_verb(struct scn_parser *parser, const struct scn_word **row)
{
    enum scn_actor_kind kind = parser->group.kind;
    struct scn_near near;
    const char *verb;

    if (scn_peek(parser)->kind != SCN_TOKEN_NAME)
        return scn_error_here(parser, NULL, "expected what the %s does", scn_actor_word(kind));
    verb = scn_peek(parser)->text;
    *row = scn_table_find(&scn_verb_table, verb);
    if (*row == NULL || ((*row)->set & 1u << kind) == 0) {
        scn_near_begin(&near, verb);
        for (uint32_t i = 0; i < scn_verb_table.count; i++)
            if ((scn_verb_table.words[i].set & 1u << kind) != 0)
                scn_near_offer(&near, scn_verb_table.words[i].word);
        return scn_error_here(parser, scn_near_hint(&near, parser->arena), "%s %s cannot '%s'",
                              an(kind), scn_actor_word(kind), verb);
    }
    parser->at++;
    return true;
}

/* send KIND field=value: a closed list of messages, each with its fields. */
static bool take_message(struct scn_parser *parser, struct scn_step *step)
{
    struct scn_place place = scn_here(parser);
    const struct scn_word *row;
    struct scn_near near;

    if (!scn_take_name(parser, "the kind of message", &step->kind)) return false;
    row = scn_table_find(&scn_send_table, step->kind);
    if (row == NULL) {
        scn_near_begin(&near, step->kind);
        scn_near_offer_table(&near, &scn_send_table);
        return scn_error_at(parser, place, scn_near_hint(&near, parser->arena),
                            "no message to the core is called '%s'", step->kind);
    }
    if (!scn_take_attrs(parser, NULL, NULL, &step->attrs)) return false;
    for (uint32_t i = 0; i < step->attrs.count; i++) {
        if (scn_pipe_find(row->arguments, step->attrs.items[i].name) >= 0) continue;
        scn_near_begin(&near, step->attrs.items[i].name);
        scn_near_offer_pipe(&near, row->arguments);
        return scn_error_at(parser, step->attrs.items[i].place,
                            scn_near_hint(&near, parser->arena), "'%s' has no field '%s'",
                            step->kind, step->attrs.items[i].name);
    }
    return true;
}

/* emit KIND ["text"] field=value: any kind but those that are the core's own. */
static bool take_event(struct scn_parser *parser, struct scn_step *step)
{
    struct scn_place place = scn_here(parser);
    const struct scn_attr *bytes;

    if (!scn_take_name(parser, "the kind of event", &step->kind)) return false;
    if (scn_table_find(&scn_frame_table, step->kind) != NULL)
        return scn_error_at(parser, place, NULL, "'%s' is a message of the core's own; an event "
                            "needs another name", step->kind);
    if (scn_peek(parser)->kind == SCN_TOKEN_STRING) {
        step->text = scn_peek(parser)->text;
        parser->at++;
    }
    if (!scn_take_attrs(parser, NULL, NULL, &step->attrs)) return false;
    bytes = scn_attrs_find(&step->attrs, "bytes");
    if (bytes != NULL && (bytes->value.kind != SCN_VALUE_INT || bytes->value.low > 1 << 24))
        return scn_error_at(parser, bytes->value_place, NULL, "'bytes' takes a number of at most "
                            "16777216, not '%s'", bytes->value.text);
    return true;
}

static void more_patterns(struct scn_parser *parser, struct scn_step *step)
{
    size_t bytes = sizeof(*step->patterns);
    struct scn_pattern *grown =
        scn_arena_alloc(parser->arena, (step->pattern_count + PATTERNS_ROOM) * bytes);

    if (step->pattern_count > 0) memcpy(grown, step->patterns, step->pattern_count * bytes);
    step->patterns = grown;
}

static bool take_pattern(struct scn_parser *parser, struct scn_step *step)
{
    struct scn_pattern *pattern;
    struct scn_ref ref;

    if (step->pattern_count == SCN_ITEMS_MAX)
        return scn_error_here(parser, NULL, "more than %d alternatives", SCN_ITEMS_MAX);
    if (!scn_take_ref(parser, &ref)) return false;
    if (ref.part_count != 1)
        return scn_error_at(parser, ref.place, "such as token, or run_state[state=completed]",
                            "'%s' is not a kind of message", ref.text);
    if (step->pattern_count % PATTERNS_ROOM == 0) more_patterns(parser, step);
    pattern = &step->patterns[step->pattern_count++];
    pattern->place = ref.place;
    pattern->kind = ref.parts[0].name;
    pattern->occurrence = ref.parts[0].index;
    pattern->filters = ref.parts[0].filters;
    return true;
}

static bool take_expect(struct scn_parser *parser, struct scn_step *step)
{
    if (scn_accept_word(parser, "nothing")) {
        step->nothing = true;
        return true;
    }
    if (scn_peek(parser)->kind != SCN_TOKEN_NAME)
        return scn_error_here(parser, NULL, "expected a kind of message, or 'nothing'");
    return take_pattern(parser, step);
}

static bool take_answer(struct scn_parser *parser, struct scn_step *step)
{
    if (!scn_take_name(parser, "the name of a question", &step->kind)) return false;
    if (scn_peek(parser)->kind == SCN_TOKEN_STRING) {
        step->text = scn_peek(parser)->text;
        parser->at++;
        return true;
    }
    step->yes = scn_at_word(parser, "yes");
    if (scn_accept_word(parser, "yes") || scn_accept_word(parser, "no")) return true;
    return scn_error_here(parser, NULL, "expected 'yes', 'no' or a text in quotes");
}

static bool take_text(struct scn_parser *parser, struct scn_step *step)
{
    if (scn_peek(parser)->kind != SCN_TOKEN_STRING)
        return scn_error_here(parser, "such as: say \"{'type':'pong'}\"",
                              "expected a text in quotes");
    step->text = scn_peek(parser)->text;
    parser->at++;
    return true;
}

static bool take_ruled_attrs(struct scn_parser *parser, struct scn_step *step)
{
    struct scn_rule room[SCN_RULES_MAX];
    struct scn_rules rules = scn_verb_rules(step->verb, parser->group.kind, room);

    return scn_take_attrs(parser, &rules,
                          scn_arena_format(parser->arena, "'%s'", scn_verb_word(step->verb)),
                          &step->attrs);
}

static bool take_arguments(struct scn_parser *parser, struct scn_step *step,
                           const struct scn_word *row)
{
    switch ((enum scn_shape)row->shape) {
    case SCN_SHAPE_NONE: return true;
    case SCN_SHAPE_ATTRS: return take_ruled_attrs(parser, step);
    case SCN_SHAPE_MESSAGE: return take_message(parser, step);
    case SCN_SHAPE_EVENT: return take_event(parser, step);
    case SCN_SHAPE_PATTERN: return take_expect(parser, step);
    case SCN_SHAPE_ASK:
        return scn_take_name(parser, step->verb == SCN_VERB_ASK ? "the name of the question"
                                                                : "the name of the lease",
                             &step->kind) && take_ruled_attrs(parser, step);
    case SCN_SHAPE_ANSWER: return take_answer(parser, step);
    case SCN_SHAPE_TIME: return scn_take_time(parser, &step->wait_us);
    case SCN_SHAPE_TEXT: return take_text(parser, step);
    }
    REQUIRE(!"every shape is known");
    return false;
}

static bool take_modifiers(struct scn_parser *parser, struct scn_step *step)
{
    static const char words[] = "after|during|within|at|times|every|in order|or";
    uint32_t first = parser->at;
    bool taken = true;

    while (taken) {
        if (scn_at_word(parser, "or") && step->pattern_count > 0) {
            parser->at++;
            if (!take_pattern(parser, step)) return false;
        } else if (!scn_take_modifier(parser, &step->modifiers, &taken)) {
            return false;
        }
    }
    return scn_take_end_of(parser, words, parser->at > first);
}

/* Modifiers that only some verbs can have. */
static bool check_modifiers(struct scn_parser *parser, const struct scn_step *step)
{
    const struct scn_modifiers *modifiers = &step->modifiers;
    const char *verb = scn_verb_word(step->verb);
    bool repeats = step->verb == SCN_VERB_EMIT || step->verb == SCN_VERB_PUBLISH ||
                   step->verb == SCN_VERB_POST || step->verb == SCN_VERB_SAY ||
                   step->verb == SCN_VERB_SEND || step->verb == SCN_VERB_EXPECT;

    if (modifiers->times > 0 && (!repeats || step->nothing))
        return scn_error_at(parser, step->place, "repeat N ... end does a step several times",
                            "'%s' has no 'times'", step->nothing ? "expect nothing" : verb);
    if (modifiers->has_every && (modifiers->times < 2 || step->verb == SCN_VERB_EXPECT))
        return scn_error_at(parser, step->place, "such as: emit token times 5 every 20ms",
                            "'every' needs something that is done several times");
    if (modifiers->in_order && (step->verb != SCN_VERB_EXPECT || modifiers->times < 2))
        return scn_error_at(parser, step->place, "such as: expect token times 5 in order",
                            "'in order' needs an 'expect' with 'times'");
    if (step->nothing && !modifiers->has_within)
        return scn_error_here(parser, NULL, "'expect nothing' needs 'within A..B': how long must "
                              "nothing come?");
    return true;
}

/* How often the steps here happen, from the repeats around them. */
static uint32_t repeated(const struct scn_group *group)
{
    uint32_t product = 1;

    for (uint32_t i = 0; i < group->depth; i++) {
        product *= group->steps[group->open[i]].repeat;
        if (product > SCN_OCCURRENCES_MAX) return SCN_OCCURRENCES_MAX + 1;
    }
    return product;
}

static void parse_repeat(struct scn_parser *parser)
{
    struct scn_group *group = &parser->group;
    struct scn_step *step = add_step(parser);

    if (step == NULL) return;
    step->verb = SCN_VERB_REPEAT;
    step->modifiers.times = 1;
    parser->at++;
    if (group->depth == SCN_NESTING_MAX) {
        scn_error_here(parser, NULL, "more than %d repeats inside each other", SCN_NESTING_MAX);
        return;
    }
    step->repeat = 1;
    group->open[group->depth++] = group->step_count - 1;
    if (!scn_take_count(parser, 1, SCN_OCCURRENCES_MAX, &step->repeat)) return;
    if (repeated(group) > SCN_OCCURRENCES_MAX) {
        scn_error_at(parser, step->place, NULL, "these repeats make more than %d steps",
                     SCN_OCCURRENCES_MAX);
        step->repeat = 1;
        return;
    }
    step->occurrences = repeated(group);
    scn_take_end(parser);
}

static void parse_end(struct scn_parser *parser)
{
    struct scn_group *group = &parser->group;
    struct scn_step *repeat;

    if (group->depth == 0) {
        scn_error_here(parser, NULL, "this 'end' closes nothing: only 'repeat' has one");
        return;
    }
    repeat = &group->steps[group->open[--group->depth]];
    repeat->span = group->step_count - 1 - group->open[group->depth];
    parser->at++;
    if (repeat->span == 0) {
        scn_error_at(parser, repeat->place, NULL, "this 'repeat' is empty");
        return;
    }
    scn_take_end(parser);
}

static void count_occurrences(struct scn_parser *parser, struct scn_step *step)
{
    uint64_t occurrences;

    if (step->modifiers.times == 0) step->modifiers.times = 1;
    occurrences = (uint64_t)repeated(&parser->group) * step->modifiers.times;
    if (occurrences > SCN_OCCURRENCES_MAX)
        scn_error_at(parser, step->place, NULL, "this happens more than %d times",
                     SCN_OCCURRENCES_MAX);
    step->occurrences = (uint32_t)occurrences;
}

void scn_parse_step(struct scn_parser *parser)
{
    const struct scn_word *row = NULL;
    struct scn_step *step;
    struct scn_place label_place = scn_here(parser);
    const char *label = NULL;

    if (scn_at_word(parser, "repeat") && scn_peek_after(parser)->kind != SCN_TOKEN_COLON) {
        parse_repeat(parser);
        return;
    }
    if (scn_at_word(parser, "end") && scn_peek_after(parser)->kind != SCN_TOKEN_COLON) {
        parse_end(parser);
        return;
    }
    if (scn_peek(parser)->kind == SCN_TOKEN_NAME &&
        scn_peek_after(parser)->kind == SCN_TOKEN_COLON) {
        label = scn_peek(parser)->text;
        if (!check_label(parser, label)) return;
        parser->at += 2;
    }
    step = add_step(parser);
    if (step == NULL) return;
    step->label = label;
    step->label_place = label_place;
    if (take_verb(parser, &row)) {
        step->verb = row->id;
        if (take_arguments(parser, step, row) && take_modifiers(parser, step))
            check_modifiers(parser, step);
    }
    count_occurrences(parser, step);
}

/* Each actor of the line resolves names by itself: `after open` means its own label. */
static void copy_names(struct scn_parser *parser, struct scn_modifiers *modifiers)
{
    struct scn_refs *after = &modifiers->after;
    struct scn_ref *items = scn_arena_alloc(parser->arena, (after->count + 1) * sizeof(*items));

    if (after->count > 0) memcpy(items, after->items, after->count * sizeof(*items));
    after->items = items;
    if (modifiers->during == NULL) return;
    items[after->count] = *modifiers->during;
    modifiers->during = &items[after->count];
}

void scn_end_actor(struct scn_parser *parser)
{
    struct scn_group *group = &parser->group;

    while (group->depth > 0) {
        struct scn_step *repeat = &group->steps[group->open[--group->depth]];
        scn_error_at(parser, repeat->place, NULL, "this 'repeat' has no 'end'");
    }
    for (uint32_t i = 0; i < group->actor_count; i++) {
        struct scn_actor *actor = &parser->file->actors[group->first_actor + i];
        size_t bytes = group->step_count * sizeof(*actor->steps);

        actor->attrs = group->attrs;
        actor->step_count = group->step_count;
        actor->steps = scn_arena_alloc(parser->arena, bytes);
        if (bytes > 0) memcpy(actor->steps, group->steps, bytes);
        for (uint32_t j = 0; j < actor->step_count; j++)
            copy_names(parser, &actor->steps[j].modifiers);
    }
}
