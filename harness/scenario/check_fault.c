/* Faults: their names, and whether they can hit what they are aimed at. */
#include "harness/scenario/internal.h"

#include <string.h>

static const struct { unsigned target; const char *text; } targets[] = {
    { SCN_TARGET_LINK, "a direction such as core->left" },
    { SCN_TARGET_TAB, "a tab" },
    { SCN_TARGET_SANDBOX, "a sandbox" },
    { SCN_TARGET_CORE, "a core" },
    { SCN_TARGET_STORE, "store, store.locks or store.messages" },
    { SCN_TARGET_STORE_PART, "store.locks or store.messages" },
    { SCN_TARGET_LOCKS, "store.locks" },
    { SCN_TARGET_CLOCK, "clock" },
    { SCN_TARGET_ACTOR, "an actor" },
    { SCN_TARGET_THREAD, "a thread such as core/ws" },
};

static bool name_taken(const struct scn_file *file, const char *name)
{
    for (uint32_t i = 0; i < file->actor_count; i++)
        if (strcmp(file->actors[i].name, name) == 0) return true;
    for (uint32_t i = 0; i < file->core_count; i++)
        if (strcmp(file->cores[i].name, name) == 0) return true;
    for (uint32_t i = 0; i < file->fault_count; i++)
        if (file->faults[i].name != NULL && strcmp(file->faults[i].name, name) == 0) return true;
    return false;
}

/* `may cut left` without a label is called cut_left, a second one cut_left_2. */
static const char *make_name(struct scn_parser *parser, const struct scn_fault *fault)
{
    const struct scn_ref *ends[2] = { &fault->target, &fault->target_to };
    const char *base = scn_fault_word(fault->kind);
    const char *name;

    for (uint32_t i = 0; i < (fault->linked ? 2 : 1); i++)
        for (uint32_t j = 0; j < ends[i]->part_count; j++) {
            const struct scn_part *part = &ends[i]->parts[j];
            base = part->index == 0
                 ? scn_arena_format(parser->arena, "%s_%s", base, part->name)
                 : scn_arena_format(parser->arena, "%s_%s_%u", base, part->name, part->index);
        }
    name = base;
    for (uint32_t n = 2; name_taken(parser->file, name); n++)
        name = scn_arena_format(parser->arena, "%s_%u", base, n);
    return name;
}

void scn_name_faults(struct scn_parser *parser)
{
    struct scn_file *file = parser->file;

    for (uint32_t i = 0; i < file->fault_count; i++)
        file->faults[i].name = file->faults[i].label;
    for (uint32_t i = 0; i < file->fault_count; i++)
        if (file->faults[i].name == NULL && file->faults[i].kind != SCN_FAULT_COUNT)
            file->faults[i].name = make_name(parser, &file->faults[i]);
}

/* Frames are handed over whole: between two bytes of one there is nothing to be cut. */
static bool check_byte(struct scn_parser *parser, const struct scn_fault *fault)
{
    const struct scn_ref *tab = fault->target.kind == SCN_REF_ACTOR ? &fault->target
                                                                    : &fault->target_to;
    const struct scn_attr *byte = scn_attrs_find(&fault->attrs, "byte"), *transport;

    if (byte == NULL) return true;
    transport = scn_core_setting(parser->file, (uint32_t)parser->file->actors[tab->actor].core,
                                 "transport");
    if (transport != NULL && strcmp(transport->value.text, "sockets") == 0) return true;
    return scn_error_at(parser, byte->place, "frame= cuts after a whole message",
                        "'byte' needs transport=sockets: without it, messages arrive whole");
}

static bool check_nth(struct scn_parser *parser, const struct scn_fault *fault)
{
    const struct scn_attr *nth = scn_attrs_find(&fault->attrs, "nth");

    if (nth == NULL || nth->value.low > 0) return true;
    return scn_error_at(parser, nth->place, NULL, "'nth' begins with 1");
}

static unsigned target_of(const struct scn_file *file, const struct scn_ref *ref)
{
    switch (ref->kind) {
    case SCN_REF_ACTOR:
        switch (file->actors[ref->actor].kind) {
        case SCN_ACTOR_TAB: return SCN_TARGET_ACTOR | SCN_TARGET_TAB;
        case SCN_ACTOR_SANDBOX: return SCN_TARGET_ACTOR | SCN_TARGET_SANDBOX;
        case SCN_ACTOR_AGENT:
        case SCN_ACTOR_BACKEND:
        case SCN_ACTOR_COUNT: return SCN_TARGET_ACTOR;
        }
        return 0;
    case SCN_REF_CORE: return SCN_TARGET_CORE;
    case SCN_REF_STORE: return SCN_TARGET_STORE;
    case SCN_REF_LOCKS: return SCN_TARGET_STORE | SCN_TARGET_STORE_PART | SCN_TARGET_LOCKS;
    case SCN_REF_MESSAGES: return SCN_TARGET_STORE | SCN_TARGET_STORE_PART;
    case SCN_REF_CLOCK: return SCN_TARGET_CLOCK;
    case SCN_REF_THREAD: return SCN_TARGET_THREAD;
    case SCN_REF_STEP:
    case SCN_REF_FAULT:
    case SCN_REF_GAUGE:
    case SCN_REF_POINT:
    case SCN_REF_THREAD_POINT:
    case SCN_REF_EVENT: return 0;
    }
    return 0;
}

static bool wrong_target(struct scn_parser *parser, const struct scn_fault *fault)
{
    const struct scn_word *row = &scn_fault_table.words[fault->kind];
    const char *list = "";

    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
        if ((row->set & targets[i].target) != 0)
            list = scn_arena_format(parser->arena, "%s%s%s", list, *list != '\0' ? ", or " : "",
                                    targets[i].text);
    return scn_error_at(parser, fault->target.place,
                        scn_arena_format(parser->arena, "it takes %s", list),
                        "'%s' cannot hit '%s%s%s'", row->word, fault->target.text,
                        fault->linked ? "->" : "", fault->linked ? fault->target_to.text : "");
}

/* One end is a tab, the other its core. */
bool scn_check_link(struct scn_parser *parser, const struct scn_ref *from,
                    const struct scn_ref *to)
{
    const struct scn_file *file = parser->file;
    const struct scn_ref *core = from->kind == SCN_REF_CORE ? from : to;
    const struct scn_ref *tab = from->kind == SCN_REF_CORE ? to : from;
    const struct scn_actor *actor;

    if (core->kind != SCN_REF_CORE || tab->kind != SCN_REF_ACTOR ||
        file->actors[tab->actor].kind != SCN_ACTOR_TAB)
        return scn_error_at(parser, from->place, "such as core->left or left->core",
                            "'%s->%s' is not a link: a link joins a tab and its core", from->text,
                            to->text);
    actor = &file->actors[tab->actor];
    if (core->core < 0 || core->core == actor->core) return true;
    return scn_error_at(parser, core->place, NULL, "'%s' talks to '%s', not to '%s'", actor->name,
                        file->cores[actor->core].name, core->text);
}

static bool check_one_core(struct scn_parser *parser, const struct scn_ref *ref)
{
    if (ref->kind != SCN_REF_CORE || ref->core >= 0) return true;
    return scn_error_at(parser, ref->place,
                        scn_arena_format(parser->arena, "such as '%s'",
                                         parser->file->cores[0].name),
                        "there are several cores: name one of them");
}

bool scn_check_lock_key(struct scn_parser *parser, const struct scn_attr *filter)
{
    const struct scn_file *file = parser->file;
    const char *key = filter->value.text;
    struct scn_near near;

    scn_near_begin(&near, key);
    for (uint32_t i = 0; i < file->actor_count; i++)
        for (uint32_t j = 0; j < file->actors[i].step_count; j++) {
            const struct scn_step *step = &file->actors[i].steps[j];
            if (step->verb != SCN_VERB_LEASE || step->kind == NULL) continue;
            if (strcmp(step->kind, key) == 0) return true;
            scn_near_offer(&near, step->kind);
        }
    if (filter->value.kind == SCN_VALUE_STRING || scn_pipe_find(SCN_LOCKS_OF_CORE, key) >= 0 ||
        parser->skipped) return true;
    scn_near_offer_pipe(&near, SCN_LOCKS_OF_CORE);
    return scn_error_at(parser, filter->value_place, scn_near_hint(&near, parser->arena),
                        "nobody takes a lock '%s' in this scenario", key);
}

/* Only locks have a key; nothing else can be narrowed down in brackets. */
static bool check_filters(struct scn_parser *parser, const struct scn_ref *ref)
{
    bool locks = ref->kind == SCN_REF_LOCKS;

    if (ref->kind != SCN_REF_THREAD && ref->parts[ref->part_count - 1].index > 0)
        return scn_error_at(parser, ref->place, NULL, "'%s' has no number", ref->text);
    for (uint32_t i = 0; i < ref->filters.count; i++)
        if (!locks || strcmp(ref->filters.items[i].name, "key") != 0)
            return scn_error_at(parser, ref->filters.items[i].place,
                                locks ? "such as store.locks[key=dev_server]" : NULL,
                                "'%s' cannot be narrowed down by '%s'", ref->parts[0].name,
                                ref->filters.items[i].name);
        else if (!scn_check_lock_key(parser, &ref->filters.items[i]))
            return false;
    return true;
}

void scn_check_fault(struct scn_parser *parser, struct scn_fault *fault)
{
    const struct scn_word *row;
    unsigned target;

    if (fault->kind == SCN_FAULT_COUNT) return;
    row = &scn_fault_table.words[fault->kind];
    if (!scn_resolve(parser, &fault->target, fault->linked ? SCN_ROLE_END : SCN_ROLE_TARGET, -1))
        return;
    if (fault->linked) {
        if (!scn_resolve(parser, &fault->target_to, SCN_ROLE_END, -1)) return;
        if ((row->set & SCN_TARGET_LINK) == 0) {
            wrong_target(parser, fault);
            return;
        }
        if (scn_check_link(parser, &fault->target, &fault->target_to) &&
            scn_check_tab_fault(parser, fault))
            check_byte(parser, fault);
        return;
    }
    /* `expire store[key=K]`: only locks expire, so the part need not be named. */
    if (fault->kind == SCN_FAULT_EXPIRE && fault->target.kind == SCN_REF_STORE)
        fault->target.kind = SCN_REF_LOCKS;
    target = target_of(parser->file, &fault->target);
    if ((row->set & target) == 0) {
        wrong_target(parser, fault);
        return;
    }
    if (check_one_core(parser, &fault->target) && check_filters(parser, &fault->target) &&
        scn_check_tab_fault(parser, fault) && check_byte(parser, fault))
        check_nth(parser, fault);
}
