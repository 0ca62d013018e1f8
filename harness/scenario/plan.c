/* A dry run on paper: the scenario as it will be executed, with everything that was implied.
 *
 * The result is a scenario again. One actor per block; defaults are written out; a `repeat` is
 * unrolled, and its labels numbered, where every reference to it names one occurrence.
 */
#include "harness/scenario/internal.h"

#include <inttypes.h>
#include <string.h>

struct plan {
    FILE *out;
    const struct scn_file *file;
    struct scn_arena *arena;        /* for this plan alone */
    bool unroll[SCN_ACTORS_MAX];
    bool terse;                     /* only what was written: the line would be too long */
    bool overflow;                  /* a line is too long even so */
};

typedef void (*line_writer)(struct plan *plan, const void *node, uint32_t number);

/* Write one line with all that it implies; if that takes too many columns, as it was written. */
static void write_line(struct plan *plan, line_writer writer, const void *node, uint32_t number)
{
    FILE *out = plan->out;
    size_t columns = SCN_COLUMNS_MAX + 1;

    for (int attempt = 0; attempt < 2 && columns > SCN_COLUMNS_MAX; attempt++) {
        char *text = NULL;
        size_t size = 0;

        plan->terse = attempt > 0;
        plan->out = open_memstream(&text, &size);
        REQUIRE(plan->out != NULL);
        writer(plan, node, number);
        fclose(plan->out);
        columns = 0;
        for (size_t i = 0; i < size; i++)
            if (((unsigned char)text[i] & 0xc0) != 0x80) columns++;
        if (columns <= SCN_COLUMNS_MAX || attempt > 0) fprintf(out, "%s\n", text);
        free(text);
    }
    plan->terse = false;
    plan->out = out;
    if (columns > SCN_COLUMNS_MAX) plan->overflow = true;
}

static void write_value(FILE *out, const struct scn_value *value)
{
    fprintf(out, value->kind == SCN_VALUE_STRING ? "\"%s\"" : "%s", value->text);
}

/* name=value items, in as many lines as fit; each line begins with `head`. */
struct wrap {
    struct plan *plan;
    const char *head;
    size_t used;                    /* columns of the current line; 0: none begun */
};

static void wrap_item(struct wrap *wrap, const char *item)
{
    if (wrap->used > 0 && wrap->used + 1 + strlen(item) > SCN_COLUMNS_MAX) {
        fputc('\n', wrap->plan->out);
        wrap->used = 0;
    }
    if (wrap->used == 0) {
        fputs(wrap->head, wrap->plan->out);
        wrap->used = strlen(wrap->head);
    }
    fprintf(wrap->plan->out, " %s", item);
    wrap->used += 1 + strlen(item);
}

static void wrap_end(struct wrap *wrap)
{
    if (wrap->used > 0) fputc('\n', wrap->plan->out);
}

static void wrap_attr(struct wrap *wrap, const char *name, const struct scn_attr *attr,
                      const char *fallback)
{
    const char *quote = attr != NULL && attr->value.kind == SCN_VALUE_STRING ? "\"" : "";

    if (attr == NULL && *fallback == '\0') return;
    wrap_item(wrap, scn_arena_format(wrap->plan->arena, "%s=%s%s%s", name, quote,
                                     attr != NULL ? attr->value.text : fallback, quote));
}

static const char *time_text(struct plan *plan, int64_t time_us)
{
    char text[40] = "";
    FILE *out = fmemopen(text, sizeof(text), "w");

    REQUIRE(out != NULL);
    scn_write_time(out, time_us);
    fclose(out);
    return scn_arena_text(plan->arena, text, strlen(text));
}

static void write_config(struct plan *plan)
{
    const struct scn_file *file = plan->file;
    bool named = strcmp(file->cores[0].name, "core") != 0;

    for (uint32_t i = 0; i < file->core_count; i++) {
        struct wrap wrap = { plan, "core", 0 };
        if (named) wrap.head = scn_arena_format(plan->arena, "core %s", file->cores[i].name);
        for (uint32_t j = 0; j < scn_core_rule_table.count; j++) {
            const struct scn_rule *rule = &scn_core_rule_table.items[j];
            if (!scn_is_built(rule->help)) continue;
            const struct scn_attr *attr = scn_core_setting(file, i, rule->name);
            const struct scn_attr *ttl = scn_core_setting(file, i, "lease_ttl");

            if (attr == NULL && ttl != NULL && strcmp(rule->name, "lease_renew") == 0)
                wrap_item(&wrap, scn_arena_format(plan->arena, "lease_renew=%s",
                                                  time_text(plan, ttl->value.low / 3)));
            else
                wrap_attr(&wrap, rule->name, attr, rule->fallback);
        }
        wrap_end(&wrap);
    }
    struct wrap store = { plan, "store", 0 };
    for (uint32_t j = 0; j < scn_store_rule_table.count; j++)
        wrap_attr(&store, scn_store_rule_table.items[j].name,
                  scn_attrs_find(&file->store, scn_store_rule_table.items[j].name),
                  scn_store_rule_table.items[j].fallback);
    wrap_end(&store);
    struct wrap clock = { plan, "clock", 0 };
    for (uint32_t j = 0; j < scn_clock_rule_table.count; j++)
        wrap_attr(&clock, scn_clock_rule_table.items[j].name,
                  scn_attrs_find(&file->clock, scn_clock_rule_table.items[j].name),
                  scn_clock_rule_table.items[j].fallback);
    wrap_end(&clock);
}

static void write_index(FILE *out, uint32_t index)
{
    if (index > 0) fprintf(out, "[%u]", index);
}

/* The name of a step as this plan labels it. */
static void write_step_ref(struct plan *plan, const struct scn_ref *ref)
{
    const struct scn_actor *actor = &plan->file->actors[ref->actor];
    const struct scn_step *step = &actor->steps[ref->step];
    uint32_t times = step->modifiers.times;
    uint32_t round = ref->occurrence == 0 ? scn_rounds(step) : (ref->occurrence - 1) / times + 1;

    if (!plan->unroll[ref->actor] || scn_rounds(step) == 1) {
        if (plan->terse) fputs(ref->text, plan->out);
        else fprintf(plan->out, "%s.%s", actor->name, step->label);
        if (!plan->terse) write_index(plan->out, ref->occurrence);
        return;
    }
    fprintf(plan->out, "%s.%s_%u", actor->name, step->label, round);
    if (ref->occurrence > 0 && times > 1) write_index(plan->out, (ref->occurrence - 1) % times + 1);
}

static void write_ref(struct plan *plan, const struct scn_ref *ref)
{
    if (ref->kind == SCN_REF_STEP) {
        write_step_ref(plan, ref);
    } else if (ref->kind == SCN_REF_FAULT) {
        fputs(plan->file->faults[ref->fault].name, plan->out);
        write_index(plan->out, ref->occurrence);
    } else {
        fputs(ref->text, plan->out);
    }
}

/* Borrowing the unit from the right keeps it as short as it can be written. */
static void write_range(FILE *out, int64_t low_us, int64_t high_us)
{
    static const int64_t units[] = { INT64_C(3600000000), 60000000, 1000000, 1000, 1 };
    size_t low = 0;
    size_t high = 0;

    while (low_us % units[low] != 0) low++;
    while (high_us % units[high] != 0) high++;
    if (low_us == 0 || low == high)
        fprintf(out, "%" PRId64, low_us / units[low]);
    else
        scn_write_time(out, low_us);
    fputs("..", out);
    scn_write_time(out, high_us);
}

static void write_window(const struct plan *plan, const struct scn_span *span)
{
    if (plan->terse && span->low_us == 0)
        scn_write_time(plan->out, (int64_t)span->high_us);
    else
        write_range(plan->out, (int64_t)span->low_us, (int64_t)span->high_us);
}

static void write_modifiers(struct plan *plan, const struct scn_modifiers *modifiers)
{
    FILE *out = plan->out;

    if (modifiers->times > 1) fprintf(out, " times %u", modifiers->times);
    if (modifiers->in_order) fputs(" in order", out);
    if (modifiers->has_every) {
        fputs(" every ", out);
        scn_write_time(out, (int64_t)modifiers->every_us);
    }
    for (uint32_t i = 0; i < modifiers->after.count; i++) {
        fputs(i == 0 ? " after " : plan->terse ? "," : ", ", out);
        write_ref(plan, &modifiers->after.items[i]);
    }
    if (modifiers->during != NULL) {
        fputs(" during ", out);
        write_ref(plan, modifiers->during);
    }
    if (modifiers->has_at) {
        fputs(" at ", out);
        scn_write_time(out, (int64_t)modifiers->at_us);
    }
    if (modifiers->has_within) {
        fputs(" within ", out);
        write_window(plan, &modifiers->within);
    }
}

static void write_filters(FILE *out, const struct scn_attrs *filters)
{
    for (uint32_t i = 0; i < filters->count; i++) {
        fprintf(out, "%s%s=", i == 0 ? "[" : ",", filters->items[i].name);
        write_value(out, &filters->items[i].value);
    }
    if (filters->count > 0) fputc(']', out);
}

static void write_arguments(FILE *out, const struct scn_step *step)
{
    if (step->nothing) fputs(" nothing", out);
    for (uint32_t i = 0; i < step->pattern_count; i++) {
        fprintf(out, "%s%s", i == 0 ? " " : " or ", step->patterns[i].kind);
        write_index(out, step->patterns[i].occurrence);
        write_filters(out, &step->patterns[i].filters);
    }
    if (step->kind != NULL) fprintf(out, " %s", step->kind);
    if (step->text != NULL) fprintf(out, " \"%s\"", step->text);
    else if (step->verb == SCN_VERB_ANSWER) fputs(step->yes ? " yes" : " no", out);
    if (step->verb == SCN_VERB_WAIT || step->verb == SCN_VERB_PAUSE) {
        fputc(' ', out);
        scn_write_time(out, (int64_t)step->wait_us);
    }
    for (uint32_t i = 0; i < step->attrs.count; i++) {
        fprintf(out, " %s=", step->attrs.items[i].name);
        write_value(out, &step->attrs.items[i].value);
    }
}

/* `round` numbers the label; 0: not unrolled. */
static void write_step(struct plan *plan, const void *node, uint32_t round)
{
    const struct scn_step *step = node;

    fputs("  ", plan->out);
    if (step->label != NULL && round > 0 && scn_rounds(step) > 1)
        fprintf(plan->out, "%s_%u: ", step->label, round);
    else if (step->label != NULL)
        fprintf(plan->out, "%s:%s", step->label, plan->terse ? "" : " ");
    if (step->verb == SCN_VERB_REPEAT) {
        fprintf(plan->out, "repeat %u", step->repeat);
        return;
    }
    fputs(scn_verb_word(step->verb), plan->out);
    write_arguments(plan->out, step);
    write_modifiers(plan, &step->modifiers);
}

/* Steps from..to, unrolled; each step counts its own rounds in `done`. */
static void write_unrolled(struct plan *plan, const struct scn_actor *actor, uint32_t from,
                           uint32_t to, uint32_t *done)
{
    for (uint32_t i = from; i < to; i++) {
        const struct scn_step *step = &actor->steps[i];
        if (step->verb != SCN_VERB_REPEAT) {
            write_line(plan, write_step, step, ++done[i]);
            continue;
        }
        for (uint32_t n = 0; n < step->repeat; n++)
            write_unrolled(plan, actor, i + 1, i + 1 + step->span, done);
        i += step->span;
    }
}

static void write_nested(struct plan *plan, const struct scn_actor *actor, uint32_t from,
                         uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        const struct scn_step *step = &actor->steps[i];
        write_line(plan, write_step, step, 0);
        if (step->verb != SCN_VERB_REPEAT) continue;
        write_nested(plan, actor, i + 1, i + 1 + step->span);
        fputs("  end\n", plan->out);
        i += step->span;
    }
}

static void write_actor_line(struct plan *plan, const void *node, uint32_t number)
{
    const struct scn_file *file = plan->file;
    const struct scn_actor *actor = node;
    struct scn_rules rules = scn_actor_rules(actor->kind);
    bool named = strcmp(file->cores[0].name, "core") != 0 && actor->kind != SCN_ACTOR_SANDBOX;
    const struct scn_attr *via = scn_attrs_find(&actor->attrs, "via");

    (void)number;
    fprintf(plan->out, "%s %s", scn_actor_word(actor->kind), actor->name);
    for (uint32_t i = 0; i < rules.count; i++) {
        const struct scn_attr *attr = scn_attrs_find(&actor->attrs, rules.items[i].name);
        if (strcmp(rules.items[i].name, "via") == 0) continue;
        if (attr != NULL)
            fprintf(plan->out, " %s=%s", attr->name, attr->value.text);
        else if (*rules.items[i].fallback != '\0' && !plan->terse)
            fprintf(plan->out, " %s=%s", rules.items[i].name, rules.items[i].fallback);
    }
    if (via != NULL || (named && !plan->terse))
        fprintf(plan->out, " via=%s", file->cores[actor->core].name);
}

static void write_actor(struct plan *plan, uint32_t index)
{
    const struct scn_actor *actor = &plan->file->actors[index];
    uint32_t *done = scn_arena_alloc(plan->arena, (actor->step_count + 1) * sizeof(*done));

    fputc('\n', plan->out);
    write_line(plan, write_actor_line, actor, 0);
    if (plan->unroll[index]) write_unrolled(plan, actor, 0, actor->step_count, done);
    else write_nested(plan, actor, 0, actor->step_count);
}

static void write_fault_attrs(struct plan *plan, const struct scn_fault *fault)
{
    struct scn_rule room[SCN_RULES_MAX];
    struct scn_rules rules = scn_fault_rules(fault->kind, room);

    for (uint32_t i = 0; i < rules.count; i++) {
        const struct scn_attr *attr = scn_attrs_find(&fault->attrs, rules.items[i].name);
        if (attr == NULL && (*rules.items[i].fallback == '\0' || plan->terse)) continue;
        fprintf(plan->out, " %s=%s", rules.items[i].name,
                attr != NULL ? attr->value.text : rules.items[i].fallback);
    }
}

static void write_fault(struct plan *plan, const void *node, uint32_t number)
{
    const struct scn_fault *fault = node;
    FILE *out = plan->out;

    (void)number;
    fputs("  ", out);
    if (fault->label != NULL || !plan->terse) fprintf(out, "%s: ", fault->name);
    fprintf(out, "%s%s %s", fault->may ? "may " : "", scn_fault_word(fault->kind),
            fault->target.text);
    if (fault->linked) fprintf(out, "->%s", fault->target_to.text);
    write_fault_attrs(plan, fault);
    if (fault->has_by) {
        fputs(fault->kind == SCN_FAULT_JUMP && fault->by_low_us >= 0 ? " by +" : " by ", out);
        if (fault->by_high_us != fault->by_low_us)
            write_range(out, fault->by_low_us, fault->by_high_us);
        else
            scn_write_time(out, fault->by_low_us);
    }
    if (fault->has_for) {
        fputs(" for ", out);
        scn_write_time(out, (int64_t)fault->for_us);
    }
    write_modifiers(plan, &fault->modifiers);
    if (fault->may && (fault->up_to > 1 || !plan->terse)) fprintf(out, " up to %u", fault->up_to);
}

/* A reference as this plan names it, to be kept beyond the line. */
static const char *ref_text(struct plan *plan, const struct scn_ref *ref)
{
    FILE *out = plan->out;
    char *text = NULL;
    size_t size = 0;
    const char *kept;

    plan->out = open_memstream(&text, &size);
    REQUIRE(plan->out != NULL);
    write_ref(plan, ref);
    fclose(plan->out);
    plan->out = out;
    kept = scn_arena_text(plan->arena, text, size);
    free(text);
    return kept;
}

static void write_schedule(struct plan *plan)
{
    const struct scn_file *file = plan->file;
    uint32_t count = file->directive_count;
    struct scn_directive *copy = scn_arena_alloc(plan->arena, (count + 1) * sizeof(*copy));

    for (uint32_t i = 0; i < count; i++) {
        copy[i] = file->directives[i];
        if (copy[i].kind == SCN_DIRECTIVE_RUN_TO || copy[i].kind == SCN_DIRECTIVE_RUN_FREE_TO)
            copy[i].to.text = ref_text(plan, &copy[i].to);
    }
    fputc('\n', plan->out);
    scn_write_schedule(plan->out, copy, count);
}

static void write_term(struct plan *plan, const struct scn_term *term)
{
    if (term->kind == SCN_TERM_REF) write_ref(plan, &term->ref);
    else fprintf(plan->out, "%" PRId64, term->number);
}

static void write_condition(struct plan *plan, const struct scn_condition *condition)
{
    static const char *const words[] = { "", "==", "!=", "<", "<=", ">", ">=", "before" };

    write_term(plan, &condition->left);
    if (condition->relation == SCN_RELATION_NONE) return;
    fprintf(plan->out, " %s ", words[condition->relation]);
    write_term(plan, &condition->right);
}

static void write_check(struct plan *plan, const void *node, uint32_t number)
{
    const struct scn_check *check = node;
    FILE *out = plan->out;

    (void)number;
    fputs("  ", out);
    if (check->label != NULL) fprintf(out, "%s: ", check->label);
    fprintf(out, "%s ", scn_check_word(check->kind));
    switch (check->kind) {
    case SCN_CHECK_ON:
    case SCN_CHECK_OFF:
    case SCN_CHECK_KNOWN_BUG:
        fputs(check->invariant >= 0 ? scn_invariant_word((enum scn_invariant)check->invariant)
                                    : plan->file->checks[check->bug_check].label, out);
        if (check->reason != NULL) fprintf(out, " \"%s\"", check->reason);
        break;
    case SCN_CHECK_ALWAYS:
    case SCN_CHECK_NEVER:
    case SCN_CHECK_SOMETIMES:
    case SCN_CHECK_EVENTUALLY:
        write_condition(plan, &check->condition);
        break;
    case SCN_CHECK_EXACTLY:
    case SCN_CHECK_AT_MOST:
    case SCN_CHECK_AT_LEAST:
        fprintf(out, "%u ", check->count);
        write_ref(plan, &check->counted);
        break;
    case SCN_CHECK_COUNT: REQUIRE(!"a check has a kind");
    }
    if (check->has_when) {
        fputs(" when ", out);
        write_condition(plan, &check->when);
    }
    if (check->kind == SCN_CHECK_EVENTUALLY) {
        fputs(" within ", out);
        write_window(plan, &check->within);
    }
}

/* Invariants that the file does not mention hold all the same. */
static void write_silent_invariants(struct plan *plan)
{
    struct wrap wrap = { plan, "  # also judged:", 0 };

    for (uint32_t i = 0; i < SCN_INVARIANT_COUNT; i++) {
        bool mentioned = false;
        for (uint32_t j = 0; j < plan->file->check_count; j++)
            mentioned = mentioned || plan->file->checks[j].invariant == (int32_t)i;
        if (!mentioned) wrap_item(&wrap, scn_invariant_word((enum scn_invariant)i));
    }
    wrap_end(&wrap);
}

static void write_explore(struct plan *plan)
{
    const struct scn_explore *explore = &plan->file->explore;
    FILE *out = plan->out;

    if (!explore->present && explore->runs_max == 1) return;
    fprintf(out, "\nexplore\n  strategy %s", scn_strategy_word(explore->strategy));
    if (explore->strategy == SCN_STRATEGY_PCT) fprintf(out, " depth=%u", explore->depth);
    bool exhaustive = explore->strategy == SCN_STRATEGY_EXHAUSTIVE;
    if ((exhaustive && explore->preemptions != SCN_UNBOUNDED) ||
        explore->strategy == SCN_STRATEGY_DFS)
        fprintf(out, " preemptions=%u", explore->preemptions);
    if ((exhaustive && explore->delays != SCN_UNBOUNDED) ||
        explore->strategy == SCN_STRATEGY_DELAY)
        fprintf(out, " delays=%u", explore->delays);
    fprintf(out, "\n  bound    steps=%" PRIu64 " time=", explore->steps_max);
    scn_write_time(out, (int64_t)explore->time_max_us);
    fprintf(out, " spurious=%u stalls=%u lag=", explore->spurious_max, explore->stalls_max);
    scn_write_time(out, (int64_t)explore->lag_max_us);
    if (explore->splits_max > 0) fprintf(out, " splits=%u", explore->splits_max);
    if (explore->storm_only) fputs(" choices=storm", out);
    fprintf(out, "\n  budget   runs=%" PRIu64, explore->runs_max);
    if (explore->wall_max_us > 0) {
        fputs(" wall=", out);
        scn_write_time(out, (int64_t)explore->wall_max_us);
    }
    fprintf(out, "\n  seed     %" PRIu64 "\n", explore->seed);
}

static void write_file(struct plan *plan)
{
    const struct scn_file *file = plan->file;

    fprintf(plan->out, "# %s, with everything that it implies.\n", file->name);
    fprintf(plan->out, "scenario %s \"%s\"\n\n", file->name, file->title);
    write_config(plan);
    for (uint32_t i = 0; i < file->actor_count; i++) write_actor(plan, i);
    if (file->fault_count > 0) fputs("\nfaults\n", plan->out);
    for (uint32_t i = 0; i < file->fault_count; i++)
        write_line(plan, write_fault, &file->faults[i], 0);
    if (file->has_schedule) write_schedule(plan);
    fputs("\ncheck\n", plan->out);
    write_silent_invariants(plan);
    for (uint32_t i = 0; i < file->check_count; i++)
        write_line(plan, write_check, &file->checks[i], 0);
    write_explore(plan);
}

void scn_plan(FILE *out, const struct scn_file *file)
{
    struct plan plan = { .file = file, .arena = scn_arena_new() };
    char *text = NULL;
    size_t size = 0;

    for (uint32_t i = 0; i < file->actor_count; i++) plan.unroll[i] = scn_can_unroll(file, i);
    plan.out = open_memstream(&text, &size);
    REQUIRE(plan.out != NULL);
    write_file(&plan);
    fclose(plan.out);
    if (!plan.overflow) {
        fputs(text, out);
    } else {
        /* Numbered labels made some line too long: loops stay loops, then. */
        memset(plan.unroll, 0, sizeof(plan.unroll));
        plan.out = out;
        write_file(&plan);
    }
    free(text);
    scn_arena_free(plan.arena);
}
