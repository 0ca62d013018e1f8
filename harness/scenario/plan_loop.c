/* Whether a plan can write the loops of an actor as the steps that they stand for. */
#include "harness/scenario/internal.h"

#include <string.h>

uint32_t scn_rounds(const struct scn_step *step)
{
    return step->occurrences / step->modifiers.times;
}

static bool is_looped(const struct scn_file *file, const struct scn_ref *ref, uint32_t actor)
{
    return ref->kind == SCN_REF_STEP && ref->actor == (int32_t)actor && ref->occurrence == 0 &&
           scn_rounds(&file->actors[actor].steps[ref->step]) > 1;
}

static bool modifiers_need_loop(const struct scn_file *file, const struct scn_modifiers *modifiers,
                                uint32_t actor)
{
    /* `after` means the last round, which has a name of its own; `during` means any. */
    return modifiers->during != NULL && is_looped(file, modifiers->during, actor);
}

static bool condition_needs_loop(const struct scn_file *file, const struct scn_condition *condition,
                                 uint32_t actor)
{
    return (condition->left.kind == SCN_TERM_REF &&
            is_looped(file, &condition->left.ref, actor)) ||
           (condition->relation != SCN_RELATION_NONE &&
            condition->right.kind == SCN_TERM_REF &&
            is_looped(file, &condition->right.ref, actor));
}

static bool check_needs_loop(const struct scn_file *file, const struct scn_check *check,
                             uint32_t actor)
{
    switch (check->kind) {
    case SCN_CHECK_EXACTLY:
    case SCN_CHECK_AT_MOST:
    case SCN_CHECK_AT_LEAST:
        if (is_looped(file, &check->counted, actor)) return true;
        break;
    case SCN_CHECK_ALWAYS:
    case SCN_CHECK_NEVER:
    case SCN_CHECK_SOMETIMES:
    case SCN_CHECK_EVENTUALLY:
        if (condition_needs_loop(file, &check->condition, actor)) return true;
        break;
    case SCN_CHECK_ON:
    case SCN_CHECK_OFF:
    case SCN_CHECK_KNOWN_BUG:
    case SCN_CHECK_COUNT: return false;
    }
    return check->has_when && condition_needs_loop(file, &check->when, actor);
}

/* Would a label with a number collide with one that is written? */
static bool labels_collide(const struct scn_actor *actor)
{
    for (uint32_t i = 0; i < actor->step_count; i++) {
        const struct scn_step *step = &actor->steps[i];
        if (step->label == NULL || step->verb == SCN_VERB_REPEAT || scn_rounds(step) == 1) continue;
        for (uint32_t j = 0; j < actor->step_count; j++) {
            const char *other = actor->steps[j].label;
            size_t length = strlen(step->label);
            if (other != NULL && strncmp(other, step->label, length) == 0 && other[length] == '_')
                return true;
        }
    }
    return false;
}

static bool names_point(const struct scn_directive *directive)
{
    return directive->kind == SCN_DIRECTIVE_RUN_TO || directive->kind == SCN_DIRECTIVE_RUN_FREE_TO;
}

bool scn_can_unroll(const struct scn_file *file, uint32_t index)
{
    const struct scn_actor *actor = &file->actors[index];
    uint32_t total = 0;

    for (uint32_t i = 0; i < actor->step_count; i++)
        if (actor->steps[i].verb != SCN_VERB_REPEAT) total += scn_rounds(&actor->steps[i]);
    if (total > SCN_STEPS_MAX || labels_collide(actor)) return false;
    for (uint32_t i = 0; i < file->actor_count; i++)
        for (uint32_t j = 0; j < file->actors[i].step_count; j++)
            if (modifiers_need_loop(file, &file->actors[i].steps[j].modifiers, index))
                return false;
    for (uint32_t i = 0; i < file->fault_count; i++)
        if (modifiers_need_loop(file, &file->faults[i].modifiers, index)) return false;
    for (uint32_t i = 0; i < file->directive_count; i++)
        if (names_point(&file->directives[i]) && is_looped(file, &file->directives[i].to, index))
            return false;
    for (uint32_t i = 0; i < file->check_count; i++)
        if (check_needs_loop(file, &file->checks[i], index)) return false;
    return true;
}
