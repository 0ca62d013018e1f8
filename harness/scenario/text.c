/* Small writers: durations, the schedule block, the vocabulary. */
#include "harness/scenario/internal.h"

#include <inttypes.h>
#include <string.h>

void scn_write_time(FILE *out, int64_t time_us)
{
    static const struct { int64_t unit_us; const char *word; } units[] = {
        { INT64_C(3600000000), "h" }, { 60000000, "m" }, { 1000000, "s" }, { 1000, "ms" },
        { 1, "us" },
    };
    size_t unit = 0;

    if (time_us == 0) unit = 2;
    while (time_us % units[unit].unit_us != 0) unit++;
    fprintf(out, "%" PRId64 "%s", time_us / units[unit].unit_us, units[unit].word);
}

static void write_directive(FILE *out, const struct scn_directive *directive, int width)
{
    fputs("  ", out);
    switch (directive->kind) {
    case SCN_DIRECTIVE_RUN_TO:
        fprintf(out, "run %-*s to %s", width, directive->who.text, directive->to.text);
        break;
    case SCN_DIRECTIVE_RUN_FREE_TO:
        fprintf(out, "run %-*s to %s", width, "free", directive->to.text);
        break;
    case SCN_DIRECTIVE_RUN_FREE: fputs("run free", out); break;
    case SCN_DIRECTIVE_RUN_ANY: fputs("run any", out); break;
    case SCN_DIRECTIVE_ADVANCE:
        fputs("advance ", out);
        scn_write_time(out, (int64_t)directive->advance_us);
        break;
    case SCN_DIRECTIVE_FIRE:
        fprintf(out, "fire %s", directive->who.text);
        if (!directive->has_by) break;
        /* Only a jump of the clock carries a sign; a report has no fault to look at. */
        fputs(directive->by_signed && directive->by_us >= 0 ? " by +" : " by ", out);
        scn_write_time(out, directive->by_us);
        break;
    case SCN_DIRECTIVE_DELIVER:
        fprintf(out, "deliver %s->%s", directive->who.text, directive->to.text);
        break;
    case SCN_DIRECTIVE_WAKE: fprintf(out, "wake %s", directive->who.text); break;
    case SCN_DIRECTIVE_CHOOSE:
        fprintf(out, "choose %s %" PRIu64, directive->name, directive->choice);
        break;
    case SCN_DIRECTIVE_COUNT: REQUIRE(!"a directive has a kind");
    }
    fputc('\n', out);
}

void scn_write_schedule(FILE *out, const struct scn_directive *directives, uint32_t count)
{
    size_t width = 0;

    fputs("schedule\n", out);
    for (uint32_t i = 0; i < count; i++) {
        size_t length = directives[i].kind == SCN_DIRECTIVE_RUN_FREE_TO ? strlen("free")
                      : directives[i].kind == SCN_DIRECTIVE_RUN_TO ? strlen(directives[i].who.text)
                      : 0;
        if (length > width) width = length;
    }
    for (uint32_t i = 0; i < count; i++) write_directive(out, &directives[i], (int)width);
}

/* One entry: what is written, and what it means. A long one pushes its meaning to the next line. */
static void print_row(FILE *out, int indent, const char *left, const char *help)
{
    int room = 36 - indent;

    if ((int)strlen(left) <= room)
        fprintf(out, "%*s%-*s  %s\n", indent, "", room, left, help);
    else
        fprintf(out, "%*s%s\n%38s%s\n", indent, "", left, "", help);
}

static void print_table(FILE *out, const char *title, const struct scn_table *table)
{
    char left[120];

    fprintf(out, "\n%s\n", title);
    for (uint32_t i = 0; i < table->count; i++) {
        const struct scn_word *row = &table->words[i];
        snprintf(left, sizeof(left), "%s%s%s", row->word,
                 row->arguments != NULL && *row->arguments != '\0' ? " " : "",
                 row->arguments != NULL ? row->arguments : "");
        print_row(out, 2, left, row->help);
    }
}

/* Fields are shown as the brackets that select by them. */
static void print_fields(FILE *out, const char *title, const struct scn_table *table)
{
    char left[120];

    fprintf(out, "\n%s\n", title);
    for (uint32_t i = 0; i < table->count; i++) {
        const struct scn_word *row = &table->words[i];
        bool fields = *row->arguments != '\0';
        snprintf(left, sizeof(left), "%s%s%s%s", row->word, fields ? "[" : "", row->arguments,
                 fields ? "]" : "");
        print_row(out, 2, left, row->help);
    }
}

static const char *takes_text(const struct scn_rule *rule)
{
    if (rule->takes & SCN_TAKES_WORD) return rule->words;
    if (rule->takes & SCN_TAKES_RANGE) return "RANGE";
    if (rule->takes & SCN_TAKES_TIME) return "TIME";
    if (rule->takes & SCN_TAKES_INTS) return "INT|INT..INT";
    if (rule->takes & SCN_TAKES_INT) return *rule->words != '\0' ? rule->words : "INT";
    return rule->takes & SCN_TAKES_STRING ? "STRING" : "NAME";
}

static void print_rules(FILE *out, const char *title, int indent, struct scn_rules rules)
{
    char left[120];
    char help[160];

    if (rules.count > 0 && title != NULL) fprintf(out, "\n%s\n", title);
    for (uint32_t i = 0; i < rules.count; i++) {
        const struct scn_rule *rule = &rules.items[i];
        snprintf(left, sizeof(left), "%s=%s", rule->name, takes_text(rule));
        snprintf(help, sizeof(help), "%s%s%s%s", rule->help, *rule->fallback != '\0' ? " (" : "",
                 rule->fallback, *rule->fallback != '\0' ? ")" : "");
        print_row(out, indent, left, help);
    }
}

static void print_actor(FILE *out, enum scn_actor_kind kind)
{
    struct scn_rule room[SCN_RULES_MAX];
    char left[120];

    fprintf(out, "\n%s: %s\n", scn_actor_word(kind), scn_actor_table.words[kind].help);
    print_rules(out, NULL, 2, scn_actor_rules(kind));
    for (uint32_t i = 0; i < scn_verb_table.count; i++) {
        const struct scn_word *row = &scn_verb_table.words[i];
        if ((row->set & 1u << kind) == 0) continue;
        snprintf(left, sizeof(left), "%s%s%s", row->word, *row->arguments != '\0' ? " " : "",
                 row->arguments);
        print_row(out, 2, left, row->help);
        print_rules(out, NULL, 4, scn_verb_rules(row->id, kind, room));
    }
}

static const char *target_text(unsigned set)
{
    if (set & SCN_TARGET_TAB) return set & SCN_TARGET_LINK ? "TAB|A->B" : "TAB";
    if (set & SCN_TARGET_LINK) return "A->B";
    if (set & SCN_TARGET_SANDBOX) return "SANDBOX";
    if (set & SCN_TARGET_CORE) return "CORE";
    if (set & SCN_TARGET_ACTOR) return "ACTOR|THREAD";
    if (set & SCN_TARGET_STORE_PART) return "store.locks|store.messages";
    if (set & SCN_TARGET_STORE) return "store[.locks|.messages]";
    return set & SCN_TARGET_LOCKS ? "store.locks[key=K]" : "clock";
}

static void print_faults(FILE *out)
{
    struct scn_rule room[SCN_RULES_MAX];
    char left[120];

    fputs("\nfaults\n", out);
    for (uint32_t i = 0; i < scn_fault_table.count; i++) {
        const struct scn_word *row = &scn_fault_table.words[i];
        snprintf(left, sizeof(left), "%s %s%s%s", row->word, target_text(row->set),
                 row->shape == SCN_USE_NO ? "" : row->id == SCN_FAULT_JUMP ? " by +T" : " by RANGE",
                 row->more == SCN_USE_NO ? "" : " [for T]");
        print_row(out, 2, left, row->help);
        print_rules(out, NULL, 4, scn_fault_rules(row->id, room));
    }
}

static const char *const subjects[] = {
    "TAB", "AGENT", "SANDBOX", "BACKEND", "core", "store.locks", "store.messages", "FAULT",
    "sandboxes",
};

static void print_events(FILE *out)
{
    char left[120];

    fputs("\nevents of the scene (fire), and calls to it (run ... to)\n", out);
    for (uint32_t i = 0; i < scn_event_table.count; i++) {
        const struct scn_word *row = &scn_event_table.words[i];
        snprintf(left, sizeof(left), "%s %s.%s", row->set ? "fire" : "to", subjects[row->shape],
                 row->word);
        print_row(out, 2, left, row->help);
    }
}

static void print_gauges(FILE *out)
{
    char left[120];
    char help[160];

    fputs("\nevents (counted) and values (now), for conditions\n", out);
    for (uint32_t i = 0; i < scn_gauge_table.count; i++) {
        const struct scn_word *row = &scn_gauge_table.words[i];
        bool filters = *row->arguments != '\0';
        snprintf(left, sizeof(left), "%s.%s%s%s%s", subjects[row->shape], row->word,
                 filters ? "[" : "", row->arguments, filters ? "]" : "");
        snprintf(help, sizeof(help), "%s: %s", row->set ? "event" : "value", row->help);
        print_row(out, 2, left, help);
    }
}

void scn_words(FILE *out)
{
    struct scn_rule room[SCN_RULES_MAX];

    fputs("blocks, in this order\n", out);
    fputs("  scenario  core store clock  tab agent sandbox backend  faults  schedule  check  "
          "explore\n", out);
    print_rules(out, "core", 2, scn_core_rule_table);
    print_rules(out, "store", 2, scn_store_rule_table);
    print_rules(out, "clock", 2, scn_clock_rule_table);
    for (uint32_t i = 0; i < SCN_ACTOR_COUNT; i++) print_actor(out, (enum scn_actor_kind)i);
    print_fields(out, "messages that a tab can send", &scn_send_table);
    print_fields(out, "messages that a tab can expect, besides the events of agents",
                 &scn_frame_table);
    print_fields(out, "what an agent can expect", &scn_agent_expect_table);
    print_fields(out, "what a sandbox can expect", &scn_sandbox_expect_table);
    print_faults(out);
    print_table(out, "schedule", &scn_directive_table);
    print_table(out, "threads of a core", &scn_thread_table);
    print_events(out);
    print_table(out, "check", &scn_check_table);
    print_gauges(out);
    print_table(out, "invariants", &scn_invariant_table);
    print_table(out, "strategies", &scn_strategy_table);
    for (uint32_t i = 0; i < SCN_STRATEGY_COUNT; i++)
        if (scn_strategy_rules((enum scn_strategy)i, room).count > 0)
            print_rules(out, scn_strategy_word((enum scn_strategy)i), 2,
                        scn_strategy_rules((enum scn_strategy)i, room));
    print_rules(out, "bound", 2, scn_bound_rule_table);
    print_rules(out, "budget", 2, scn_budget_rule_table);
}
