#include "harness/scenario/words.h"

#include "harness/scenario/internal.h"

#include <string.h>

#define ON(actor) (1u << SCN_ACTOR_##actor)
#define AT(target) ((unsigned)SCN_TARGET_##target)
#define EVENT true
#define LEVEL false
#define CALL false
#define ONE SCN_THREAD_ALONE
#define POOL SCN_THREAD_POOLED
#define HARNESS SCN_THREAD_OF_HARNESS

#define ROW_ACTOR(id_, text, about) { .word = text, .help = about, .id = SCN_ACTOR_##id_ },
#define ROW_VERB(id_, text, actors, form, args, about) \
    { .word = text, .arguments = args, .help = about, .set = actors, \
      .shape = SCN_SHAPE_##form, .id = SCN_VERB_##id_ },
#define ROW_MESSAGE(id_, text, fields, about) { .word = text, .arguments = fields, .help = about },
#define ROW_FAULT(id_, text, targets, by, for_, about) \
    { .word = text, .help = about, .set = targets, .shape = SCN_USE_##by, \
      .more = SCN_USE_##for_, .id = SCN_FAULT_##id_ },
#define ROW_INVARIANT(id_, text, about) \
    { .word = text, .help = about, .id = SCN_INVARIANT_##id_ },
#define ROW_GAUGE(subject, id_, text, event, filters, about) \
    { .word = text, .arguments = filters, .help = about, .set = event, \
      .shape = SCN_SUBJECT_##subject, .id = SCN_GAUGE_##id_ },
#define ROW_THREAD(id_, text, sort, about) \
    { .word = text, .help = about, .set = sort, .id = SCN_THREAD_##id_ },
#define ROW_EVENT(subject, id_, text, event, about) \
    { .word = text, .help = about, .set = event, .shape = SCN_SUBJECT_##subject, \
      .id = SCN_EVENT_##id_ },
#define ROW_STRATEGY(id_, text, about) \
    { .word = text, .help = about, .id = SCN_STRATEGY_##id_ },
#define ROW_DIRECTIVE(id_, text, args, about) \
    { .word = text, .arguments = args, .help = about, .id = SCN_DIRECTIVE_##id_ },
#define ROW_CHECK(id_, text, args, about) \
    { .word = text, .arguments = args, .help = about, .id = SCN_CHECK_##id_ },

#define TABLE(name, list, row) \
    static const struct scn_word name##_words[] = { list(row) }; \
    const struct scn_table scn_##name##_table = \
        { name##_words, sizeof(name##_words) / sizeof(name##_words[0]) };

TABLE(actor, SCN_ACTORS, ROW_ACTOR)
TABLE(verb, SCN_VERBS, ROW_VERB)
TABLE(send, SCN_SENDS, ROW_MESSAGE)
TABLE(frame, SCN_FRAMES, ROW_MESSAGE)
TABLE(agent_expect, SCN_AGENT_EXPECTS, ROW_MESSAGE)
TABLE(sandbox_expect, SCN_SANDBOX_EXPECTS, ROW_MESSAGE)
TABLE(fault, SCN_FAULTS, ROW_FAULT)
TABLE(invariant, SCN_INVARIANTS, ROW_INVARIANT)
TABLE(gauge, SCN_GAUGES, ROW_GAUGE)
TABLE(thread, SCN_THREADS, ROW_THREAD)
TABLE(event, SCN_EVENTS, ROW_EVENT)
TABLE(strategy, SCN_STRATEGIES, ROW_STRATEGY)
TABLE(directive, SCN_DIRECTIVES, ROW_DIRECTIVE)
TABLE(check, SCN_CHECKS, ROW_CHECK)

#define RULE(name_, takes_, words_, default_, about) \
    { #name_, SCN_TAKES_##takes_, words_, default_, about },
#define OWNED_VERB(owner, ...) { SCN_VERB_##owner, OWNED_RULE(__VA_ARGS__) },
#define OWNED_FAULT(owner, ...) { SCN_FAULT_##owner, OWNED_RULE(__VA_ARGS__) },
#define OWNED_STRATEGY(owner, ...) { SCN_STRATEGY_##owner, OWNED_RULE(__VA_ARGS__) },
#define OWNED_RULE(name_, takes_, words_, default_, about) \
    { #name_, SCN_TAKES_##takes_, words_, default_, about }

#define RULES(name) { name, sizeof(name) / sizeof(name[0]) }

static const struct scn_rule core_rules[] = { SCN_CORE_SETTINGS(RULE) SCN_CORE_EXTRAS(RULE) };
static const struct scn_rule core_settings[] = { SCN_CORE_SETTINGS(RULE) };
static const struct scn_rule store_rules[] = { SCN_STORE_SETTINGS(RULE) };
static const struct scn_rule clock_rules[] = { SCN_CLOCK_SETTINGS(RULE) };
static const struct scn_rule bound_rules[] = { SCN_BOUND_ATTRS(RULE) };
static const struct scn_rule budget_rules[] = { SCN_BUDGET_ATTRS(RULE) };
static const struct scn_rule tab_rules[] = { SCN_TAB_ATTRS(RULE) };
static const struct scn_rule agent_rules[] = { SCN_AGENT_ATTRS(RULE) };
static const struct scn_rule sandbox_rules[] = { SCN_SANDBOX_ATTRS(RULE) };
static const struct scn_rule backend_rules[] = { SCN_BACKEND_ATTRS(RULE) };

const struct scn_rules scn_core_rule_table = RULES(core_rules);
const struct scn_rules scn_store_rule_table = RULES(store_rules);
const struct scn_rules scn_clock_rule_table = RULES(clock_rules);
const struct scn_rules scn_bound_rule_table = RULES(bound_rules);
const struct scn_rules scn_budget_rule_table = RULES(budget_rules);

static const struct scn_owned_rule verb_rules[] = { SCN_VERB_ATTRS(OWNED_VERB) };
static const struct scn_owned_rule fault_rules[] = { SCN_FAULT_ATTRS(OWNED_FAULT) };
static const struct scn_owned_rule strategy_rules[] = { SCN_STRATEGY_ATTRS(OWNED_STRATEGY) };

#define OPERATION(word) word,
const char *const scn_operation_words[] = { SCN_OPERATIONS(OPERATION) NULL };

struct scn_rules scn_actor_rules(enum scn_actor_kind kind)
{
    switch (kind) {
    case SCN_ACTOR_TAB: return (struct scn_rules)RULES(tab_rules);
    case SCN_ACTOR_AGENT: return (struct scn_rules)RULES(agent_rules);
    case SCN_ACTOR_SANDBOX: return (struct scn_rules)RULES(sandbox_rules);
    case SCN_ACTOR_BACKEND: return (struct scn_rules)RULES(backend_rules);
    case SCN_ACTOR_COUNT: break;
    }
    REQUIRE(!"an actor has rules");
    return (struct scn_rules){ NULL, 0 };
}

static struct scn_rules owned(const struct scn_owned_rule *rules, size_t count, unsigned owner,
                              struct scn_rule room[SCN_RULES_MAX])
{
    uint32_t used = 0;

    for (size_t i = 0; i < count; i++) {
        if (rules[i].owner != owner) continue;
        REQUIRE(used < SCN_RULES_MAX);
        room[used++] = rules[i].rule;
    }
    return (struct scn_rules){ room, used };
}

struct scn_rules scn_verb_rules(enum scn_verb verb, enum scn_actor_kind actor,
                                struct scn_rule room[SCN_RULES_MAX])
{
    /* start and stop are two verbs each: those of a sandbox take nothing. */
    if (actor == SCN_ACTOR_SANDBOX) return (struct scn_rules){ room, 0 };
    return owned(verb_rules, sizeof(verb_rules) / sizeof(verb_rules[0]), verb, room);
}

struct scn_rules scn_fault_rules(enum scn_fault_kind kind, struct scn_rule room[SCN_RULES_MAX])
{
    return owned(fault_rules, sizeof(fault_rules) / sizeof(fault_rules[0]), kind, room);
}

struct scn_rules scn_strategy_rules(enum scn_strategy kind, struct scn_rule room[SCN_RULES_MAX])
{
    return owned(strategy_rules, sizeof(strategy_rules) / sizeof(strategy_rules[0]), kind, room);
}

const struct scn_word *scn_table_find(const struct scn_table *table, const char *word)
{
    for (uint32_t i = 0; i < table->count; i++)
        if (strcmp(table->words[i].word, word) == 0) return &table->words[i];
    return NULL;
}

const char *scn_pipe_word(const char *words, uint32_t index, size_t *length)
{
    if (*words == '\0') return NULL;
    for (; index > 0; index--) {
        words = strchr(words, '|');
        if (words == NULL) return NULL;
        words++;
    }
    *length = strcspn(words, "|");
    return words;
}

int scn_pipe_find(const char *words, const char *word)
{
    const char *found;
    size_t length;

    for (uint32_t i = 0; (found = scn_pipe_word(words, i, &length)) != NULL; i++)
        if (strlen(word) == length && memcmp(found, word, length) == 0) return (int)i;
    return -1;
}

#define WORD_OF(name, table, type) \
    const char *scn_##name##_word(type value) \
    { \
        REQUIRE((unsigned)value < table.count); \
        return table.words[value].word; \
    }

WORD_OF(actor, scn_actor_table, enum scn_actor_kind)
WORD_OF(fault, scn_fault_table, enum scn_fault_kind)
WORD_OF(invariant, scn_invariant_table, enum scn_invariant)
WORD_OF(gauge, scn_gauge_table, enum scn_gauge)
WORD_OF(thread, scn_thread_table, enum scn_thread)
WORD_OF(strategy, scn_strategy_table, enum scn_strategy)
WORD_OF(directive, scn_directive_table, enum scn_directive_kind)
WORD_OF(check, scn_check_table, enum scn_check_kind)

const char *scn_verb_word(enum scn_verb verb)
{
    if (verb == SCN_VERB_REPEAT) return "repeat";
    REQUIRE((unsigned)verb < scn_verb_table.count);
    return scn_verb_table.words[verb].word;
}

bool scn_gauge_is_event(enum scn_gauge gauge)
{
    REQUIRE((unsigned)gauge < scn_gauge_table.count);
    return scn_gauge_table.words[gauge].set;
}

bool scn_is_built(const char *help)
{
    size_t length = strlen(help), ending = strlen(SCN_NOT_BUILT);

    return length < ending || strcmp(help + length - ending, SCN_NOT_BUILT) != 0;
}

const char *scn_invariant_help(enum scn_invariant invariant)
{
    REQUIRE((unsigned)invariant < scn_invariant_table.count);
    return scn_invariant_table.words[invariant].help;
}

int scn_invariant_find(const char *word)
{
    const struct scn_word *row = scn_table_find(&scn_invariant_table, word);

    return row == NULL ? -1 : (int)row->id;
}

const struct scn_rule *scn_core_rules(size_t *count)
{
    *count = sizeof(core_settings) / sizeof(core_settings[0]);
    return core_settings;
}

const struct scn_attr *scn_attrs_find(const struct scn_attrs *attrs, const char *name)
{
    for (uint32_t i = 0; i < attrs->count; i++)
        if (strcmp(attrs->items[i].name, name) == 0) return &attrs->items[i];
    return NULL;
}

const struct scn_attr *scn_core_setting(const struct scn_file *file, uint32_t core,
                                        const char *name)
{
    const struct scn_attr *attr;

    REQUIRE(core < file->core_count);
    attr = scn_attrs_find(&file->cores[core].attrs, name);
    if (attr != NULL || scn_pipe_find("lease_ttl|lease_renew", name) < 0) return attr;
    return scn_attrs_find(&file->store, name);
}
