/* What a dotted name means where it stands. */
#include "harness/scenario/internal.h"

#include <string.h>

/* One name being resolved. */
struct query {
    struct scn_parser *parser;
    struct scn_ref *ref;
    enum scn_role role;
    int32_t own;
};

static const struct scn_part *last_part(const struct scn_ref *ref)
{
    return &ref->parts[ref->part_count - 1];
}

static int32_t find_actor(const struct scn_file *file, const char *name)
{
    for (uint32_t i = 0; i < file->actor_count; i++)
        if (strcmp(file->actors[i].name, name) == 0) return (int32_t)i;
    return -1;
}

static int32_t find_step(const struct scn_actor *actor, const char *label)
{
    for (uint32_t i = 0; i < actor->step_count; i++)
        if (actor->steps[i].label != NULL && strcmp(actor->steps[i].label, label) == 0)
            return (int32_t)i;
    return -1;
}

static int32_t find_fault(const struct scn_file *file, const char *name)
{
    for (uint32_t i = 0; i < file->fault_count; i++)
        if (file->faults[i].name != NULL && strcmp(file->faults[i].name, name) == 0)
            return (int32_t)i;
    return -1;
}

/* `core` means the only one, or any of several (-1). */
static bool find_core(const struct scn_parser *parser, const char *name, int32_t *core)
{
    const struct scn_file *file = parser->file;

    *core = parser->cores_named && file->core_count > 1 ? -1 : 0;
    if (strcmp(name, "core") == 0) return true;
    if (!parser->cores_named) return false;
    for (uint32_t i = 0; i < file->core_count; i++)
        if (strcmp(file->cores[i].name, name) == 0) {
            *core = (int32_t)i;
            return true;
        }
    return false;
}

static bool fail(const struct query *query, const char *hint, const char *message)
{
    return scn_error_at(query->parser, query->ref->place, hint, "%s", message);
}

/* The message followed by the name in quotes. */
static const char *text(const struct query *query, const char *message, const char *name)
{
    return scn_arena_format(query->parser->arena, "%s'%s'", message, name);
}

/* Nobody has that name. If a block was skipped, the name may have been in there: then silence. */
static bool unknown_name(const struct query *query)
{
    const struct scn_file *file = query->parser->file;
    const char *name = query->ref->parts[0].name;
    struct scn_near near;

    if (query->parser->skipped) return false;
    scn_near_begin(&near, name);
    for (uint32_t i = 0; i < file->actor_count; i++) scn_near_offer(&near, file->actors[i].name);
    if (query->parser->cores_named)
        for (uint32_t i = 0; i < file->core_count; i++) scn_near_offer(&near, file->cores[i].name);
    for (uint32_t i = 0; i < file->fault_count; i++)
        if (file->faults[i].label != NULL) scn_near_offer(&near, file->faults[i].label);
    if (query->own >= 0) {
        const struct scn_actor *actor = &file->actors[query->own];
        for (uint32_t i = 0; i < actor->step_count; i++)
            if (actor->steps[i].label != NULL) scn_near_offer(&near, actor->steps[i].label);
    }
    scn_near_offer_pipe(&near, "core|store|clock");
    return fail(query, scn_near_hint(&near, query->parser->arena),
                text(query, "nothing is called ", name));
}

static bool set_step(const struct query *query, int32_t actor, int32_t step)
{
    const struct scn_actor *owner = &query->parser->file->actors[actor];
    const struct scn_step *found = &owner->steps[step];
    struct scn_ref *ref = query->ref;

    ref->kind = SCN_REF_STEP;
    ref->actor = actor;
    ref->step = step;
    ref->occurrence = last_part(ref)->index;
    if (last_part(ref)->filters.count > 0)
        return fail(query, "a step is picked by number: [3]", "a step has no fields to select by");
    /* A step whose own line is wrong may have lost its `times`. */
    if (ref->occurrence > found->occurrences &&
        !scn_diagnostics_has(query->parser->diagnostics, found->place.line))
        return scn_error_at(query->parser, ref->place, NULL,
                            "'%s.%s' happens %u time(s); [%u] never happens", owner->name,
                            found->label, found->occurrences, ref->occurrence);
    return true;
}

static bool set_fault(const struct query *query, int32_t fault)
{
    const struct scn_fault *found = &query->parser->file->faults[fault];
    struct scn_ref *ref = query->ref;

    ref->kind = SCN_REF_FAULT;
    ref->fault = fault;
    ref->occurrence = last_part(ref)->index;
    if (last_part(ref)->filters.count > 0)
        return fail(query, "a fault is picked by number: [2]",
                    "a fault has no fields to select by");
    if (ref->occurrence > found->up_to &&
        !scn_diagnostics_has(query->parser->diagnostics, found->place.line))
        return scn_error_at(query->parser, ref->place, "'up to N' lets it happen more often",
                            "'%s' happens %u time(s) at most; [%u] never happens", found->name,
                            found->up_to, ref->occurrence);
    return true;
}

static bool known_kind(const struct scn_file *file, const char *kind)
{
    for (uint32_t i = 0; i < file->actor_count; i++)
        for (uint32_t j = 0; j < file->actors[i].step_count; j++) {
            const struct scn_step *step = &file->actors[i].steps[j];
            if ((step->verb == SCN_VERB_EMIT || step->verb == SCN_VERB_PUBLISH ||
                 step->verb == SCN_VERB_POST) &&
                step->kind != NULL && strcmp(step->kind, kind) == 0) return true;
        }
    return scn_table_find(&scn_frame_table, kind) != NULL;
}

static bool check_filter(const struct query *query, const struct scn_word *row,
                         const struct scn_attr *filter)
{
    struct scn_near near;

    if (scn_pipe_find(row->arguments, filter->name) < 0) {
        scn_near_begin(&near, filter->name);
        scn_near_offer_pipe(&near, row->arguments);
        return scn_error_at(query->parser, filter->place,
                            scn_near_hint(&near, query->parser->arena),
                            "'%s' cannot be selected by '%s'", row->word, filter->name);
    }
    if (strcmp(filter->name, "kind") == 0 && !query->parser->skipped &&
        !known_kind(query->parser->file, filter->value.text))
        return scn_error_at(query->parser, filter->value_place, NULL,
                            "nobody emits '%s' in this scenario", filter->value.text);
    if (row->shape == SCN_SUBJECT_LOCKS) return scn_check_lock_key(query->parser, filter);
    return true;
}

static bool set_gauge(const struct query *query, const struct scn_word *row)
{
    struct scn_ref *ref = query->ref;

    ref->kind = SCN_REF_GAUGE;
    ref->gauge = row->id;
    ref->occurrence = last_part(ref)->index;
    ref->filters = last_part(ref)->filters;
    for (uint32_t i = 0; i < ref->filters.count; i++)
        if (!check_filter(query, row, &ref->filters.items[i])) return false;
    if (query->role == SCN_ROLE_WAIT)
        return fail(query, "it waits for steps (left.open) and labelled faults",
                    text(query, "'after' and 'during' cannot wait for ", ref->text));
    if (query->role != SCN_ROLE_COUNT && query->role != SCN_ROLE_TERM)
        return fail(query, NULL, text(query, "this place cannot take ", ref->text));
    if (!row->set && (query->role == SCN_ROLE_COUNT || ref->occurrence > 0))
        return fail(query, "compare it: always X <= 1",
                    text(query, "a value, not an event that is counted: ", ref->text));
    return true;
}

static const struct scn_word *find_gauge(unsigned subject, const char *word)
{
    for (uint32_t i = 0; i < scn_gauge_table.count; i++)
        if (scn_gauge_table.words[i].shape == subject &&
            strcmp(scn_gauge_table.words[i].word, word) == 0) return &scn_gauge_table.words[i];
    return NULL;
}

static bool is_operation(const struct scn_parser *parser, const char *word)
{
    const char *const *list = parser->options->operations != NULL ? parser->options->operations
                                                                  : scn_operation_words;

    for (; *list != NULL; list++)
        if (strcmp(*list, word) == 0) return true;
    return false;
}

/* An implicit point: the n-th operation of that kind of one thread. */
static bool set_operation(const struct query *query)
{
    struct scn_ref *ref = query->ref;

    if (query->role != SCN_ROLE_POINT)
        return fail(query, NULL, text(query, "only 'run' goes to a point of a thread: ",
                                      ref->text));
    ref->kind = SCN_REF_THREAD_POINT;
    ref->point = last_part(ref)->name;
    ref->occurrence = last_part(ref)->index;
    return true;
}

/* X.word where nothing of that name is known: the nearest label or event is offered. */
static bool unknown_member(const struct query *query, unsigned subject,
                           const struct scn_actor *actor)
{
    const struct scn_part *parts = query->ref->parts;
    const char *name = last_part(query->ref)->name;
    char prefix[120] = "";
    struct scn_near near;

    if (actor != NULL && scn_diagnostics_has(query->parser->diagnostics, actor->place.line))
        return false;
    scn_near_begin(&near, name);
    if (actor != NULL)
        for (uint32_t i = 0; i < actor->step_count; i++)
            if (actor->steps[i].label != NULL) scn_near_offer(&near, actor->steps[i].label);
    if (query->role == SCN_ROLE_COUNT || query->role == SCN_ROLE_TERM)
        for (uint32_t i = 0; i < scn_gauge_table.count; i++)
            if (scn_gauge_table.words[i].shape == subject)
                scn_near_offer(&near, scn_gauge_table.words[i].word);
    if (query->role == SCN_ROLE_POINT)
        for (uint32_t i = 0; i < scn_event_table.count; i++)
            if (scn_event_table.words[i].shape == subject && !scn_event_table.words[i].set)
                scn_near_offer(&near, scn_event_table.words[i].word);
    for (uint32_t i = 0; i + 1 < query->ref->part_count; i++)
        snprintf(prefix + strlen(prefix), sizeof(prefix) - strlen(prefix), "%s.", parts[i].name);
    return scn_error_at(query->parser, query->ref->place,
                        near.best[0] == '\0' ? scn_near_hint(&near, query->parser->arena)
                        : scn_arena_format(query->parser->arena, "did you mean '%s%s'?", prefix,
                                           near.best),
                        actor != NULL ? "nothing is labelled '%s%s'" : "there is no '%s%s'",
                        prefix, name);
}

static bool resolve_actor_member(const struct query *query, int32_t index)
{
    const struct scn_actor *actor = &query->parser->file->actors[index];
    struct scn_ref *ref = query->ref;
    const struct scn_part *part = &ref->parts[1];
    const struct scn_word *row;
    int32_t step;

    ref->actor = index;
    if (ref->part_count > 2 || part->separator != '.')
        return fail(query, "such as left.open, or left.received[kind=token]",
                    text(query, "not a name of this language: ", ref->text));
    step = find_step(actor, part->name);
    if (step >= 0) {
        if (query->role == SCN_ROLE_TARGET || query->role == SCN_ROLE_WHO ||
            query->role == SCN_ROLE_END || query->role == SCN_ROLE_FIRE)
            return fail(query, NULL, text(query, "a step cannot stand here: ", ref->text));
        return set_step(query, index, step);
    }
    row = find_gauge((unsigned)actor->kind, part->name);
    if (row != NULL && query->role != SCN_ROLE_POINT) return set_gauge(query, row);
    if (query->role == SCN_ROLE_POINT && is_operation(query->parser, part->name))
        return set_operation(query);
    return unknown_member(query, (unsigned)actor->kind, actor);
}

/* The provider calls the sandboxes that it makes itself sandbox_1, sandbox_2, ... */
static bool is_made_sandbox(const char *name)
{
    static const char prefix[] = "sandbox_";
    size_t length = sizeof(prefix) - 1;

    return strncmp(name, prefix, length) == 0 && name[length] != '\0' &&
           name[length + strspn(name + length, "0123456789")] == '\0';
}

/* Whose event WHO.word would be, or -1; what WHO means is kept. */
static int event_subject(const struct query *query)
{
    const struct scn_file *file = query->parser->file;
    struct scn_ref *ref = query->ref;
    const char *name = ref->parts[0].name;

    if (last_part(ref)->separator != '.') return -1;
    if (ref->part_count == 3 && ref->parts[1].separator == '.' && strcmp(name, "store") == 0) {
        if (strcmp(ref->parts[1].name, "locks") == 0) return SCN_SUBJECT_LOCKS;
        return strcmp(ref->parts[1].name, "messages") == 0 ? SCN_SUBJECT_MESSAGES : -1;
    }
    if (ref->part_count != 2) return -1;
    ref->actor = find_actor(file, name);
    if (ref->actor >= 0) return (int)file->actors[ref->actor].kind;
    if (find_core(query->parser, name, &ref->core)) return SCN_SUBJECT_CORE;
    ref->core = -1;
    ref->fault = find_fault(file, name);
    if (ref->fault >= 0) return SCN_SUBJECT_FAULT;
    if (strcmp(name, "sandboxes") == 0) return SCN_SUBJECT_SANDBOXES;
    return is_made_sandbox(name) ? SCN_SUBJECT_SANDBOX : -1;
}

/* The row of that word, among what is fired or among what is run to. */
static const struct scn_word *find_event(const struct query *query, int subject)
{
    const char *word = last_part(query->ref)->name;
    bool fired = query->role == SCN_ROLE_FIRE;

    for (uint32_t i = 0; i < scn_event_table.count; i++) {
        const struct scn_word *row = &scn_event_table.words[i];
        if ((int)row->shape == subject && row->set == fired && strcmp(row->word, word) == 0)
            return row;
    }
    return NULL;
}

static bool unknown_event(const struct query *query, int subject)
{
    struct scn_near near;
    const char *hint = NULL;

    scn_near_begin(&near, last_part(query->ref)->name);
    for (uint32_t i = 0; i < scn_event_table.count; i++) {
        const struct scn_word *row = &scn_event_table.words[i];
        if ((int)row->shape == subject && row->set) scn_near_offer(&near, row->word);
    }
    hint = scn_near_hint(&near, query->parser->arena);
    return fail(query, hint != NULL ? hint : "'harness words' prints the events of the scene",
                text(query, "only faults and events of the scene are fired, not ",
                     query->ref->text));
}

/* fire FAULT.end, fire left.reconnect */
static bool resolve_fired(const struct query *query)
{
    int subject = event_subject(query);
    struct scn_ref *ref = query->ref;
    const struct scn_word *row = subject < 0 ? NULL : find_event(query, subject);

    if (subject < 0 && ref->part_count == 2 && ref->parts[1].separator == '.' &&
        strcmp(ref->parts[0].name, "store") != 0) return unknown_name(query);
    if (row == NULL) return unknown_event(query, subject);
    if (subject == SCN_SUBJECT_CORE && ref->core < 0)
        return fail(query, NULL, "there are several cores: name one of them");
    if (last_part(ref)->index > 0 || last_part(ref)->filters.count > 0)
        return fail(query, NULL, "an event takes no brackets: it is the next one");
    ref->kind = SCN_REF_EVENT;
    ref->event = row->id;
    return true;
}

/* core/jobs[2], and core/jobs[2].lock[17]. */
static bool resolve_thread(const struct query *query)
{
    struct scn_ref *ref = query->ref;
    const struct scn_word *row = scn_table_find(&scn_thread_table, ref->parts[1].name);
    struct scn_near near;

    if (row == NULL) {
        scn_near_begin(&near, ref->parts[1].name);
        scn_near_offer_table(&near, &scn_thread_table);
        return fail(query, scn_near_hint(&near, query->parser->arena),
                    text(query, "the core has no thread ", ref->parts[1].name));
    }
    /* The stage is one for all cores. */
    if (row->id == SCN_THREAD_STAGE ? strcmp(ref->parts[0].name, "core") != 0 : ref->core < 0)
        return row->id == SCN_THREAD_STAGE
             ? fail(query, NULL, "all cores have one stage: core/stage")
             : fail(query, NULL, "there are several cores: name one of them");
    if (row->id == SCN_THREAD_STAGE) ref->core = 0;
    ref->thread = row->id;
    ref->thread_index = ref->parts[1].index;
    if (ref->thread_index > 0 && row->set != SCN_THREAD_POOLED)
        return fail(query, NULL, text(query, "only a pool has numbered threads, and this is none: ",
                                      row->word));
    if (ref->thread_index > SCN_CORE_THREADS_MAX)
        return fail(query, NULL, "no pool has that many threads");
    if (ref->part_count == 3 && ref->parts[2].separator == '.' &&
        is_operation(query->parser, ref->parts[2].name)) return set_operation(query);
    ref->kind = SCN_REF_THREAD;
    if (row->set == SCN_THREAD_OF_HARNESS && query->role == SCN_ROLE_TARGET)
        return fail(query, NULL, text(query, "a thread of the harness itself, no fault hits it: ",
                                      ref->text));
    if (ref->part_count == 2 &&
        (query->role == SCN_ROLE_TARGET || query->role == SCN_ROLE_WHO)) return true;
    return fail(query, NULL, text(query, "a thread cannot stand here: ", ref->text));
}

static bool resolve_core_member(const struct query *query)
{
    struct scn_ref *ref = query->ref;
    const struct scn_word *row;

    if (ref->parts[1].separator == '/') return resolve_thread(query);
    row = find_gauge(SCN_SUBJECT_CORE, ref->parts[1].name);
    if (row == NULL || ref->part_count > 2) return unknown_member(query, SCN_SUBJECT_CORE, NULL);
    return set_gauge(query, row);
}

static bool resolve_store_member(const struct query *query)
{
    struct scn_ref *ref = query->ref;
    bool locks = strcmp(ref->parts[1].name, "locks") == 0;
    const struct scn_word *row;

    if (!locks && strcmp(ref->parts[1].name, "messages") != 0)
        return fail(query, "store.locks and store.messages",
                    text(query, "the store has no part ", ref->parts[1].name));
    ref->kind = locks ? SCN_REF_LOCKS : SCN_REF_MESSAGES;
    if (ref->part_count == 2) {
        ref->filters = ref->parts[1].filters;
        if (query->role == SCN_ROLE_TARGET) return true;
        return fail(query, "such as store.locks.expired[key=dev_server]",
                    text(query, "a part of the store does not happen: ", ref->text));
    }
    row = find_gauge(locks ? SCN_SUBJECT_LOCKS : SCN_SUBJECT_MESSAGES, ref->parts[2].name);
    if (row == NULL || ref->part_count > 3)
        return unknown_member(query, locks ? SCN_SUBJECT_LOCKS : SCN_SUBJECT_MESSAGES, NULL);
    return set_gauge(query, row);
}

/* Sets `ref->point` to the dotted name, and says whether the core has such a point. */
static bool is_named_point(const struct query *query)
{
    struct scn_ref *ref = query->ref;
    const char *name = ref->parts[0].name;
    const char *const *list = query->parser->options->points;

    for (uint32_t i = 1; i < ref->part_count; i++)
        name = scn_arena_format(query->parser->arena, "%s.%s", name, ref->parts[i].name);
    ref->point = name;
    for (; list != NULL && *list != NULL; list++)
        if (strcmp(*list, name) == 0) return true;
    return false;
}

static bool unknown_point(const struct query *query)
{
    struct scn_near near;
    const char *const *list = query->parser->options->points;

    scn_near_begin(&near, query->ref->point);
    for (; list != NULL && *list != NULL; list++) scn_near_offer(&near, *list);
    return fail(query, near.best[0] != '\0' ? scn_near_hint(&near, query->parser->arena)
                                            : "'harness points' prints them all",
                text(query, "no point is called ", query->ref->point));
}

static bool set_point(const struct query *query)
{
    query->ref->kind = SCN_REF_POINT;
    query->ref->occurrence = last_part(query->ref)->index;
    if (last_part(query->ref)->filters.count == 0) return true;
    return fail(query, "such as log.appended[4]", "a point is picked by number");
}

/* The fakes pass points too, when the core calls them. */
static bool is_call(const struct query *query)
{
    int subject = event_subject(query);

    query->ref->fault = -1;
    return subject >= 0 && find_event(query, subject) != NULL;
}

/* A name of one part. */
static bool resolve_single(const struct query *query)
{
    const struct scn_file *file = query->parser->file;
    struct scn_ref *ref = query->ref;
    const char *name = ref->parts[0].name;
    int32_t step = query->own >= 0 ? find_step(&file->actors[query->own], name) : -1;

    if (query->role == SCN_ROLE_WAIT && step >= 0) return set_step(query, query->own, step);
    ref->fault = find_fault(file, name);
    if (ref->fault >= 0 && query->role != SCN_ROLE_TARGET && query->role != SCN_ROLE_WHO &&
        query->role != SCN_ROLE_END) return set_fault(query, ref->fault);
    ref->fault = -1;
    ref->actor = find_actor(file, name);
    if (ref->actor >= 0) ref->kind = SCN_REF_ACTOR;
    else if (find_core(query->parser, name, &ref->core)) ref->kind = SCN_REF_CORE;
    else if (strcmp(name, "store") == 0) ref->kind = SCN_REF_STORE;
    else if (strcmp(name, "clock") == 0) ref->kind = SCN_REF_CLOCK;
    else return unknown_name(query);
    ref->filters = ref->parts[0].filters;
    if (query->role == SCN_ROLE_TARGET || query->role == SCN_ROLE_END) return true;
    if (query->role == SCN_ROLE_WHO && ref->kind == SCN_REF_ACTOR) return true;
    if (query->role == SCN_ROLE_FIRE)
        return fail(query, "give the fault a label", text(query, "no fault is called ", name));
    return fail(query, "name a step or an event of it, such as left.open",
                text(query, "it is not something that happens: ", name));
}

bool scn_resolve(struct scn_parser *parser, struct scn_ref *ref, enum scn_role role, int32_t own)
{
    struct query query = { parser, ref, role, own };
    const char *name;

    /* A line that is wrong left no name behind; it was reported. */
    if (ref->text == NULL) return false;
    name = ref->parts[0].name;
    if (role == SCN_ROLE_POINT && is_named_point(&query)) return set_point(&query);
    if (ref->part_count == 1) return resolve_single(&query);
    if (ref->parts[0].index > 0 || ref->parts[0].filters.count > 0)
        return fail(&query, NULL, text(&query, "brackets belong at the end of a name: ",
                                       ref->text));
    if (role == SCN_ROLE_FIRE) return resolve_fired(&query);
    if (role == SCN_ROLE_POINT && is_call(&query)) return set_point(&query);
    ref->actor = find_actor(parser->file, name);
    if (ref->actor >= 0) return resolve_actor_member(&query, ref->actor);
    if (find_core(parser, name, &ref->core)) return resolve_core_member(&query);
    ref->core = -1;
    if (role == SCN_ROLE_POINT) {
        if (parser->options->points == NULL) return set_point(&query);
        return unknown_point(&query);
    }
    if (strcmp(name, "store") == 0) return resolve_store_member(&query);
    return unknown_name(&query);
}
