/* What only the whole file can tell: names across blocks, kinds of messages, contradictions. */
#include "harness/scenario/internal.h"

#include <string.h>

static void check_blocks(struct scn_parser *parser)
{
    const struct scn_file *file = parser->file;
    struct scn_place place = file->place.line > 0 ? file->place : (struct scn_place){ 1, 1 };

    if (parser->skipped) return;
    if (parser->seen_line[SCN_BLOCK_CHECK] == 0)
        scn_error_at(parser, place, "add a 'check' block",
                     "a scenario that checks nothing cannot fail");
    else if (file->check_count == 0)
        scn_error_at(parser, (struct scn_place){ parser->seen_line[SCN_BLOCK_CHECK], 1 },
                     "such as: on no_lost_events", "a scenario that checks nothing cannot fail");
    if (file->has_schedule && file->directive_count == 0)
        scn_error_at(parser, (struct scn_place){ parser->seen_line[SCN_BLOCK_SCHEDULE], 1 },
                     "such as: run free", "the schedule is empty");
}

static void resolve_via(struct scn_parser *parser, struct scn_actor *actor)
{
    const struct scn_attr *via = scn_attrs_find(&actor->attrs, "via");
    const struct scn_file *file = parser->file;
    struct scn_near near;

    if (via == NULL) return;
    scn_near_begin(&near, via->value.text);
    for (uint32_t i = 0; i < file->core_count; i++) {
        scn_near_offer(&near, file->cores[i].name);
        if (strcmp(file->cores[i].name, via->value.text) != 0) continue;
        actor->core = (int32_t)i;
        return;
    }
    scn_error_at(parser, via->value_place, scn_near_hint(&near, parser->arena),
                 "no core is called '%s'", via->value.text);
}

static void resolve_modifiers(struct scn_parser *parser, struct scn_modifiers *modifiers,
                              int32_t own)
{
    for (uint32_t i = 0; i < modifiers->after.count; i++)
        scn_resolve(parser, &modifiers->after.items[i], SCN_ROLE_WAIT, own);
    if (modifiers->during != NULL)
        scn_resolve(parser, modifiers->during, SCN_ROLE_WAIT, own);
}

static bool is_event_verb(const struct scn_step *step)
{
    return (step->verb == SCN_VERB_EMIT || step->verb == SCN_VERB_PUBLISH ||
            step->verb == SCN_VERB_POST) && step->kind != NULL;
}

/* Fields by which an event of that kind can be selected: those that some step gives it. */
static bool event_has_field(const struct scn_file *file, const char *kind, const char *field)
{
    if (scn_pipe_find("seq|text|bytes", field) >= 0) return true;
    for (uint32_t i = 0; i < file->actor_count; i++)
        for (uint32_t j = 0; j < file->actors[i].step_count; j++) {
            const struct scn_step *step = &file->actors[i].steps[j];
            if (is_event_verb(step) && strcmp(step->kind, kind) == 0 &&
                scn_attrs_find(&step->attrs, field) != NULL) return true;
        }
    return false;
}

/* True if the kind is emitted somewhere; offers all such kinds to `near`. */
static bool event_exists(const struct scn_file *file, const char *kind, struct scn_near *near)
{
    bool found = false;

    for (uint32_t i = 0; i < file->actor_count; i++)
        for (uint32_t j = 0; j < file->actors[i].step_count; j++) {
            const struct scn_step *step = &file->actors[i].steps[j];
            if (!is_event_verb(step)) continue;
            scn_near_offer(near, step->kind);
            found = found || strcmp(step->kind, kind) == 0;
        }
    return found;
}

static const struct scn_table *expected_by(enum scn_actor_kind kind)
{
    if (kind == SCN_ACTOR_AGENT) return &scn_agent_expect_table;
    if (kind == SCN_ACTOR_SANDBOX) return &scn_sandbox_expect_table;
    return &scn_frame_table;
}

static void check_pattern(struct scn_parser *parser, enum scn_actor_kind actor,
                          const struct scn_pattern *pattern)
{
    const struct scn_table *table = expected_by(actor);
    const struct scn_word *row = scn_table_find(table, pattern->kind);
    struct scn_near near;
    bool event;

    scn_near_begin(&near, pattern->kind);
    scn_near_offer_table(&near, table);
    event = actor == SCN_ACTOR_TAB && event_exists(parser->file, pattern->kind, &near);
    if (row == NULL && !event) {
        if (parser->skipped) return;
        scn_error_at(parser, pattern->place, scn_near_hint(&near, parser->arena),
                     "nothing that %s %s can receive is called '%s'",
                     actor == SCN_ACTOR_AGENT ? "an" : "a", scn_actor_word(actor), pattern->kind);
        return;
    }
    for (uint32_t i = 0; i < pattern->filters.count; i++) {
        const struct scn_attr *filter = &pattern->filters.items[i];
        if (row != NULL ? scn_pipe_find(row->arguments, filter->name) >= 0
                        : event_has_field(parser->file, pattern->kind, filter->name)) continue;
        scn_near_begin(&near, filter->name);
        if (row != NULL) scn_near_offer_pipe(&near, row->arguments);
        scn_error_at(parser, filter->place, scn_near_hint(&near, parser->arena),
                     "'%s' has no field '%s'", pattern->kind, filter->name);
        return;
    }
}

static void check_answer(struct scn_parser *parser, const struct scn_step *answer)
{
    const struct scn_file *file = parser->file;
    struct scn_near near;

    if (parser->skipped || answer->kind == NULL) return;
    scn_near_begin(&near, answer->kind);
    for (uint32_t i = 0; i < file->actor_count; i++)
        for (uint32_t j = 0; j < file->actors[i].step_count; j++) {
            const struct scn_step *step = &file->actors[i].steps[j];
            if (step->verb != SCN_VERB_ASK || step->kind == NULL) continue;
            if (strcmp(step->kind, answer->kind) == 0) return;
            scn_near_offer(&near, step->kind);
        }
    scn_error_at(parser, answer->place, scn_near_hint(&near, parser->arena), "nobody asks '%s'",
                 answer->kind);
}

static const char *session_of(const struct scn_actor *actor)
{
    const struct scn_attr *session = scn_attrs_find(&actor->attrs, "session");

    return session == NULL ? "" : session->value.text;
}

/* Whoever starts a run may say of which agent: one of its own session. */
static void check_agent(struct scn_parser *parser, const struct scn_actor *starter,
                        const struct scn_step *step)
{
    const struct scn_file *file = parser->file;
    const struct scn_attr *named = scn_attrs_find(&step->attrs, "agent");
    struct scn_near near;

    if (named == NULL || parser->skipped ||
        (step->verb != SCN_VERB_SEND && step->verb != SCN_VERB_START))
        return;
    scn_near_begin(&near, named->value.text);
    for (uint32_t i = 0; i < file->actor_count; i++) {
        const struct scn_actor *actor = &file->actors[i];
        if (actor->kind != SCN_ACTOR_AGENT ||
            strcmp(session_of(actor), session_of(starter)) != 0)
            continue;
        if (strcmp(actor->name, named->value.text) == 0) return;
        scn_near_offer(&near, actor->name);
    }
    scn_error_at(parser, named->value_place, scn_near_hint(&near, parser->arena),
                 "'%s' is no agent of the session of '%s'", named->value.text, starter->name);
}

static void check_actor(struct scn_parser *parser, int32_t index)
{
    struct scn_actor *actor = &parser->file->actors[index];

    resolve_via(parser, actor);
    for (uint32_t i = 0; i < actor->step_count; i++) {
        struct scn_step *step = &actor->steps[i];

        resolve_modifiers(parser, &step->modifiers, index);
        for (uint32_t j = 0; j < step->pattern_count; j++)
            check_pattern(parser, actor->kind, &step->patterns[j]);
        if (step->verb == SCN_VERB_ANSWER) check_answer(parser, step);
        check_agent(parser, actor, step);
    }
    scn_check_tab(parser, actor);
}

static void resolve_condition(struct scn_parser *parser, struct scn_condition *condition)
{
    enum scn_role role = condition->relation == SCN_RELATION_BEFORE ? SCN_ROLE_COUNT
                                                                    : SCN_ROLE_TERM;

    if (condition->left.kind == SCN_TERM_REF)
        scn_resolve(parser, &condition->left.ref, role, -1);
    if (condition->relation != SCN_RELATION_NONE && condition->right.kind == SCN_TERM_REF)
        scn_resolve(parser, &condition->right.ref, role, -1);
}

/* A step happens so often and no more: demanding more could never hold. */
static void check_count(struct scn_parser *parser, const struct scn_check *check)
{
    const struct scn_ref *ref = &check->counted;
    const struct scn_step *step;

    if (ref->occurrence > 0) {
        scn_error_at(parser, ref->place, "count it without the brackets",
                     "one occurrence cannot be counted: '%s'", ref->text);
        return;
    }
    if (ref->kind != SCN_REF_STEP || check->kind == SCN_CHECK_AT_MOST) return;
    step = &parser->file->actors[ref->actor].steps[ref->step];
    if (check->count <= step->occurrences ||
        scn_diagnostics_has(parser->diagnostics, step->place.line)) return;
    scn_error_at(parser, ref->place, NULL, "'%s' happens %u time(s); %u can never be reached",
                 ref->text, step->occurrences, check->count);
}

static void check_bug(struct scn_parser *parser, struct scn_check *bug)
{
    const struct scn_file *file = parser->file;
    struct scn_near near;

    if (bug->invariant >= 0) return;
    scn_near_begin(&near, bug->name);
    scn_near_offer_table(&near, &scn_invariant_table);
    for (uint32_t i = 0; i < file->check_count; i++) {
        if (file->checks[i].label == NULL) continue;
        scn_near_offer(&near, file->checks[i].label);
        if (strcmp(file->checks[i].label, bug->name) == 0) bug->bug_check = (int32_t)i;
    }
    if (bug->bug_check < 0)
        scn_error_at(parser, bug->place, near.best[0] != '\0'
                                             ? scn_near_hint(&near, parser->arena)
                                             : "'harness invariants' prints the invariants",
                     "'%s' is neither an invariant nor the label of a check", bug->name);
}

static bool is_switch(const struct scn_check *check)
{
    return check->kind == SCN_CHECK_ON || check->kind == SCN_CHECK_OFF;
}

/* on and off of one invariant contradict each other, or say the same twice. */
static void check_switch(struct scn_parser *parser, const struct scn_check *check)
{
    for (const struct scn_check *other = parser->file->checks; other < check; other++) {
        if (!is_switch(other) || other->invariant != check->invariant) continue;
        scn_error_at(parser, check->place,
                     scn_arena_format(parser->arena, "the first one is on line %u",
                                      other->place.line),
                     "'%s' is switched twice", scn_invariant_word(check->invariant));
        return;
    }
}

static void check_check(struct scn_parser *parser, struct scn_check *check)
{
    switch (check->kind) {
    case SCN_CHECK_ON:
    case SCN_CHECK_OFF: check_switch(parser, check); break;
    case SCN_CHECK_KNOWN_BUG: check_bug(parser, check); break;
    case SCN_CHECK_ALWAYS:
    case SCN_CHECK_NEVER:
    case SCN_CHECK_SOMETIMES:
    case SCN_CHECK_EVENTUALLY: resolve_condition(parser, &check->condition); break;
    case SCN_CHECK_EXACTLY:
    case SCN_CHECK_AT_MOST:
    case SCN_CHECK_AT_LEAST:
        if (scn_resolve(parser, &check->counted, SCN_ROLE_COUNT, -1)) check_count(parser, check);
        break;
    case SCN_CHECK_COUNT: return;
    }
    if (check->has_when) resolve_condition(parser, &check->when);
    check->name = check->label != NULL ? check->label
                : scn_arena_format(parser->arena, "check_%u", check->place.line);
}

/* `fire FAULT by T` picks one value of those that the fault leaves open. */
static void check_fire(struct scn_parser *parser, const struct scn_directive *directive)
{
    const struct scn_fault *fault = &parser->file->faults[directive->who.fault];
    bool jump = fault->kind == SCN_FAULT_JUMP;

    if (!directive->has_by || fault->kind == SCN_FAULT_COUNT) return;
    if (!fault->has_by)
        scn_error_at(parser, directive->who.place, NULL, "'%s' has no 'by'", fault->name);
    else if (jump != directive->by_signed)
        scn_error_at(parser, directive->who.place, NULL, jump
                     ? "a jump of the clock carries a sign" : "only a jump of the clock is signed");
    else if (directive->by_us < fault->by_low_us || directive->by_us > fault->by_high_us)
        scn_error_at(parser, directive->who.place,
                     scn_arena_format(parser->arena, "the fault is on line %u",
                                      fault->place.line),
                     "'%s' does not leave that duration open", fault->name);
}

static void check_directive(struct scn_parser *parser, struct scn_directive *directive)
{
    switch (directive->kind) {
    case SCN_DIRECTIVE_RUN_TO:
        if (scn_resolve(parser, &directive->who, SCN_ROLE_WHO, -1))
            scn_resolve(parser, &directive->to, SCN_ROLE_POINT, -1);
        break;
    case SCN_DIRECTIVE_RUN_FREE_TO:
        scn_resolve(parser, &directive->to, SCN_ROLE_POINT, -1);
        break;
    case SCN_DIRECTIVE_FIRE:
        if (!scn_resolve(parser, &directive->who, SCN_ROLE_FIRE, -1)) break;
        if (directive->who.kind == SCN_REF_FAULT) check_fire(parser, directive);
        else if (directive->has_by)
            scn_error_at(parser, directive->who.place, NULL, "'%s' has no 'by'",
                         directive->who.text);
        break;
    case SCN_DIRECTIVE_DELIVER:
        if (scn_resolve(parser, &directive->who, SCN_ROLE_END, -1) &&
            scn_resolve(parser, &directive->to, SCN_ROLE_END, -1))
            scn_check_link(parser, &directive->who, &directive->to);
        break;
    case SCN_DIRECTIVE_WAKE:
        scn_resolve(parser, &directive->who, SCN_ROLE_WHO, -1);
        break;
    case SCN_DIRECTIVE_RUN_FREE:
    case SCN_DIRECTIVE_RUN_ANY:
    case SCN_DIRECTIVE_ADVANCE:
    case SCN_DIRECTIVE_CHOOSE:
    case SCN_DIRECTIVE_COUNT: break;
    }
}

static void check_alike(struct scn_parser *parser, struct scn_place place, const char *name,
                        const char *other, size_t letters)
{
    if (strncmp(name, other, letters) != 0) return;
    scn_error_at(parser, place, scn_arena_format(parser->arena, "of such a name threads keep %zu "
                                                 "letters", letters),
                 "the threads of '%s' and '%s' would be called alike", other, name);
}

/* Threads are named after cores and agents, and pinned by their names. */
static void check_names(struct scn_parser *parser)
{
    const struct scn_file *file = parser->file;

    for (uint32_t i = 0; i < file->core_count; i++)
        for (uint32_t j = 0; j < i; j++)
            check_alike(parser, file->cores[i].place, file->cores[i].name, file->cores[j].name,
                        SCN_CORE_LETTERS);
    for (uint32_t i = 0; i < file->actor_count; i++)
        for (uint32_t j = 0; j < i; j++)
            if (file->actors[i].kind == SCN_ACTOR_AGENT && file->actors[j].kind == SCN_ACTOR_AGENT)
                check_alike(parser, file->actors[i].place, file->actors[i].name,
                            file->actors[j].name, SCN_AGENT_LETTERS);
}

static bool stands_still(const struct scn_file *file)
{
    for (uint32_t i = 0; i < file->fault_count; i++)
        if (file->faults[i].kind == SCN_FAULT_PAUSE) return true;
    return file->explore.stalls_max > 0;
}

/* The model beside a core of its own goes by the clock. */
static void check_alone(struct scn_parser *parser, const struct scn_actor *actor)
{
    for (uint32_t i = 0; i < actor->step_count && stands_still(parser->file); i++)
        if (actor->steps[i].verb == SCN_VERB_ALONE)
            scn_error_at(parser, actor->steps[i].place, "take 'pause' and 'stalls' out of the file",
                         "'alone' is not for threads that stand still");
}

void scn_check_file(struct scn_parser *parser)
{
    struct scn_file *file = parser->file;

    check_blocks(parser);
    check_names(parser);
    scn_name_faults(parser);
    for (uint32_t i = 0; i < file->actor_count; i++) check_actor(parser, (int32_t)i);
    for (uint32_t i = 0; i < file->actor_count; i++) check_alone(parser, &file->actors[i]);
    for (uint32_t i = 0; i < file->fault_count; i++) {
        resolve_modifiers(parser, &file->faults[i].modifiers, -1);
        scn_check_fault(parser, &file->faults[i]);
    }
    for (uint32_t i = 0; i < file->directive_count; i++)
        check_directive(parser, &file->directives[i]);
    for (uint32_t i = 0; i < file->check_count; i++) check_check(parser, &file->checks[i]);
    scn_check_cycles(parser);
}
