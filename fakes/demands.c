/* What of a scenario can be done to cores that are processes elsewhere, and what cannot. */
#include "fakes/internal.h"

#include <stdarg.h>
#include <stdio.h>

struct teller {
    stage_tell tell;
    void *context;
    bool foreign;
};

static void tell(const struct teller *teller, bool hard, struct scn_place place,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));

static void tell(const struct teller *teller, bool hard, struct scn_place place,
                 const char *format, ...)
{
    char text[300];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    teller->tell(teller->context, hard, place, text);
}

/* --- faults --- */

/* Why nobody can do that from outside; NULL: it can be done. */
static const char *obstacle_to(const struct scn_fault *fault, bool foreign)
{
    switch (fault->kind) {
    case SCN_FAULT_KILL: case SCN_FAULT_DRAIN:
        return foreign ? "a daemon that runs already is not ended" : NULL;
    case SCN_FAULT_CUT: case SCN_FAULT_HALFOPEN: case SCN_FAULT_SLOW: case SCN_FAULT_LOSE:
    case SCN_FAULT_DUPLICATE: case SCN_FAULT_REORDER: case SCN_FAULT_STALL:
    case SCN_FAULT_FREEZE: case SCN_FAULT_LATE_CLOSE: case SCN_FAULT_DOUBLE_HELLO:
    case SCN_FAULT_WRONG_EPOCH: case SCN_FAULT_RESET_CURSOR: case SCN_FAULT_CURSOR_AHEAD:
    case SCN_FAULT_LOSE_ACK: case SCN_FAULT_STALE_ANSWER: return NULL;
    case SCN_FAULT_PAUSE:
        return fault->target.kind == SCN_REF_ACTOR ? NULL : "threads of a daemon are its own";
    case SCN_FAULT_REPEAT_CLOSE: return "a system reports the close of a socket once";
    case SCN_FAULT_CRASH: case SCN_FAULT_FAIL_EXEC: case SCN_FAULT_LEAVE_CHILD:
    case SCN_FAULT_MOVE_PORT: case SCN_FAULT_GHOST_SERVER: case SCN_FAULT_REUSE_PID:
    case SCN_FAULT_LIST_CLIENTS: case SCN_FAULT_REFUSE_CALL: case SCN_FAULT_RETURN_STOPPED:
    case SCN_FAULT_LOSE_ANSWER: case SCN_FAULT_REVOKE: case SCN_FAULT_SURVIVE:
    case SCN_FAULT_LATE_EXEC:
        return "sandboxes of a daemon are this machine";
    case SCN_FAULT_DELAY: case SCN_FAULT_TIMEOUT: case SCN_FAULT_EXPIRE:
    case SCN_FAULT_LOSE_LAST: return "stores of a daemon are its own";
    case SCN_FAULT_REFUSE_MEMORY: case SCN_FAULT_REFUSE_THREAD:
        return "what a daemon is given is up to its machine";
    case SCN_FAULT_JUMP: return "the clock is the machine's";
    case SCN_FAULT_COUNT: break;
    }
    REQUIRE(!"a fault that is in the table");
    return NULL;
}

bool demands_fault(const struct scn_fault *fault, bool foreign)
{
    return obstacle_to(fault, foreign) == NULL;
}

static void tell_faults(const struct scn_file *file, const struct teller *teller)
{
    for (uint32_t i = 0; i < file->fault_count; i++) {
        const struct scn_fault *fault = &file->faults[i];
        const char *why = obstacle_to(fault, teller->foreign);
        if (why == NULL) continue;
        tell(teller, !fault->may, fault->place, "%s%s %s: %s", fault->may ? "may " : "",
             scn_fault_word(fault->kind), fault->target.text, why);
    }
}

/* --- actors --- */

static const char *obstacle_to_step(const struct scn_actor *actor, const struct scn_step *step)
{
    enum scn_verb verb = step->verb;

    if (verb == SCN_VERB_START && (scn_attrs_find(&step->attrs, "gate") != NULL ||
                                   scn_attrs_find(&step->attrs, "timeout") != NULL))
        return "nobody outside gives a run a gate or a limit of its own";
    if (actor->kind == SCN_ACTOR_SANDBOX)
        return verb == SCN_VERB_START || verb == SCN_VERB_STOP
            ? "sandboxes of a daemon are this machine" : NULL;
    if (actor->kind != SCN_ACTOR_BACKEND || verb == SCN_VERB_OPEN || verb == SCN_VERB_START ||
        verb == SCN_VERB_WAIT || verb == SCN_VERB_REPEAT)
        return NULL;
    return "only a program that the core is a part of can do that";
}

/* One line for each verb of an actor. */
static void tell_actors(const struct scn_file *file, const struct teller *teller)
{
    for (uint32_t i = 0; i < file->actor_count; i++) {
        const struct scn_actor *actor = &file->actors[i];
        bool told[SCN_VERB_COUNT] = { false };
        const struct scn_attr *speaks = scn_attrs_find(&actor->attrs, "speaks");
        if (speaks != NULL && strcmp(speaks->value.text, "websocket") != 0)
            tell(teller, true, speaks->place, "%s: speaks=%s: live tabs speak WebSocket",
                 actor->name, speaks->value.text);
        if (actor->kind == SCN_ACTOR_SANDBOX && teller->foreign)
            tell(teller, true, actor->place, "sandbox %s: a daemon that runs already has its own",
                 actor->name);
        for (uint32_t s = 0; s < actor->step_count; s++) {
            enum scn_verb verb = actor->steps[s].verb;
            const char *why = obstacle_to_step(actor, &actor->steps[s]);
            if (why == NULL || told[verb]) continue;
            told[verb] = true;
            tell(teller, true, actor->steps[s].place, "%s: %s: %s", actor->name,
                 scn_verb_word(verb), why);
        }
    }
}

/* --- checks --- */

static const char *obstacle_to_term(const struct scn_ref *ref)
{
    if (ref->kind == SCN_REF_POINT || ref->kind == SCN_REF_THREAD_POINT)
        return "points are inside the core";
    if (ref->kind != SCN_REF_GAUGE) return NULL;
    switch (ref->gauge) {
    case SCN_GAUGE_LOCKS_GRANTED: case SCN_GAUGE_LOCKS_REFUSED: case SCN_GAUGE_LOCKS_RELEASED:
    case SCN_GAUGE_LOCKS_EXPIRED: case SCN_GAUGE_LOCKS_HELD: case SCN_GAUGE_MESSAGES_REFUSED:
        return "stores of a daemon are its own";
    case SCN_GAUGE_CORE_ALERTS: return "alerts of a daemon are in its log";
    default: return NULL;
    }
}

static const char *obstacle_to_condition(const struct scn_condition *condition)
{
    const char *why = NULL;

    if (condition->left.kind == SCN_TERM_REF) why = obstacle_to_term(&condition->left.ref);
    if (why == NULL && condition->relation != SCN_RELATION_NONE &&
        condition->right.kind == SCN_TERM_REF)
        why = obstacle_to_term(&condition->right.ref);
    return why;
}

/* A `sometimes` asks nothing of a live run; what is never is not broken where nobody looks. */
static void tell_checks(const struct scn_file *file, const struct teller *teller)
{
    for (uint32_t i = 0; i < file->check_count; i++) {
        const struct scn_check *check = &file->checks[i];
        const char *why = NULL;
        bool counts = check->kind == SCN_CHECK_EXACTLY || check->kind == SCN_CHECK_AT_LEAST ||
                      check->kind == SCN_CHECK_AT_MOST;
        if (counts) why = obstacle_to_term(&check->counted);
        if (check->kind == SCN_CHECK_ALWAYS || check->kind == SCN_CHECK_EVENTUALLY)
            why = obstacle_to_condition(&check->condition);
        if (why == NULL && check->has_when) why = obstacle_to_condition(&check->when);
        if (why != NULL) tell(teller, true, check->place, "%s: %s", check->text, why);
    }
}

/* --- the system --- */

static void tell_cores(const struct scn_file *file, const struct teller *teller)
{
    static const char *const own[] = { "core", "races" };

    if (file->core_count > 1)
        tell(teller, true, file->cores[1].place, "core %s: only one daemon is started",
             file->cores[1].name);
    for (uint32_t i = 0; i < file->core_count; i++) {
        const struct scn_attr *image = scn_attrs_find(&file->cores[i].attrs, "image");
        if (image == NULL || strcmp(image->value.text, own[0]) == 0 ||
            strcmp(image->value.text, own[1]) == 0)
            continue;
        tell(teller, true, image->place, "image=%s: the daemon is what it is", image->value.text);
    }
}

static void tell_rest(const struct scn_file *file, const struct teller *teller)
{
    const struct scn_attr *latency = scn_attrs_find(&file->store, "latency");
    const struct scn_attr *wall = scn_attrs_find(&file->clock, "wall");

    if (file->has_schedule && file->directive_count > 0)
        tell(teller, true, file->directives[0].place, "schedule: its steps are inside the core");
    if (latency != NULL)
        tell(teller, false, latency->place, "store latency: stores of a daemon are its own");
    if (wall != NULL)
        tell(teller, false, wall->place, "clock wall: the clock is the machine's");
    if (file->explore.spurious_max > 0)
        tell(teller, false, file->explore.place, "bound spurious: threads of a daemon are its own");
    if (file->explore.stalls_max > 0)
        tell(teller, false, file->explore.place, "bound stalls: threads of a daemon are its own");
}

void stage_live_demands(const struct scn_file *file, bool foreign, stage_tell told, void *context)
{
    struct teller teller = { told, context, foreign };

    tell_cores(file, &teller);
    tell_actors(file, &teller);
    tell_faults(file, &teller);
    tell_checks(file, &teller);
    tell_rest(file, &teller);
}
