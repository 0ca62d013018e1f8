/* What each fault needs to strike, does, and takes back when it is healed. */
#include "fakes/internal.h"

#include <stdio.h>

static struct actor *target_actor(const struct fault *fault)
{
    const struct scn_ref *target = &fault->scn->target;

    if (target->kind != SCN_REF_ACTOR && fault->scn->linked) target = &fault->scn->target_to;
    REQUIRE(target->kind == SCN_REF_ACTOR);
    return &fault->play->actors[target->actor];
}

static struct tab *target_tab(const struct fault *fault)
{
    return target_actor(fault)->tab;
}

static struct box *target_box(const struct fault *fault)
{
    return target_actor(fault)->box;
}

static struct instance *target_core(const struct fault *fault)
{
    int32_t core = fault->scn->target.core;
    return &fault->play->instances[core < 0 ? 0 : core];
}

/* The named direction; of a tab as a whole, the one to it. */
static struct link *target_link(const struct fault *fault)
{
    struct tab *tab = target_tab(fault);
    bool to_core = fault->scn->linked && fault->scn->target.kind == SCN_REF_ACTOR;
    return to_core ? &tab->to_core : &tab->to_tab;
}

void fault_name_thread(struct fault *fault)
{
    const struct scn_ref *target = &fault->scn->target;
    const char *thread = scn_thread_word(target->thread);

    if (fault->scn->kind != SCN_FAULT_PAUSE || target->kind == SCN_REF_ACTOR) return;
    if (target->thread == SCN_THREAD_WS) return;
    const char *core = fault->play->file->cores[target->core < 0 ? 0 : target->core].name;
    if (target->thread_index > 0)
        (void)snprintf(fault->thread, sizeof fault->thread, "%.*s/%s[%u]", CORE_THREAD_OWNER_MAX,
                       core, thread, target->thread_index);
    else
        (void)snprintf(fault->thread, sizeof fault->thread, "%.*s/%s%s", CORE_THREAD_OWNER_MAX,
                       core, thread, target->thread == SCN_THREAD_JOBS ? "[1]" : "");
}

/* The thread to be paused, WORLD_NOBODY while there is none. */
static uint16_t target_thread(const struct fault *fault)
{
    const struct scn_ref *target = &fault->scn->target;

    if (target->kind == SCN_REF_ACTOR) return target_actor(fault)->entity;
    const struct instance *instance = target_core(fault);
    bool ws = target->thread == SCN_THREAD_WS;
    return instance_thread(instance, ws ? instance->ws_name : fault->thread);
}

static bool something_written(const struct fault *fault)
{
    if (fault->scn->target.kind == SCN_REF_LOCKS)
        return fault->play->locks.written != NULL && fault->play->locks.written->undo_valid;
    const struct stream *stream = fault->play->messages.written;
    return stream != NULL && stream->head >= stream->floor;
}

static bool box_busy(const struct box *box)
{
    return box->calls > 0 || box->process_count > 0;
}

static bool has_closed_prompt(const struct tab *tab)
{
    for (uint32_t i = 0; i < tab->prompt_count; i++) {
        if (!tab->prompts[i].open) return true;
    }
    return false;
}

static enum world_resource resource_of(const struct fault *fault)
{
    return fault->scn->kind == SCN_FAULT_REFUSE_MEMORY ? WORLD_MEMORY : WORLD_THREADS;
}

/* The library below the real transport takes a refusal for its end. */
static bool may_refuse(const struct fault *fault)
{
    const struct instance *instance = target_core(fault);

    return instance->alive && !instance->sockets &&
           !world_refusal_waits(instance->group, resource_of(fault));
}

bool fault_meets_socket(const struct fault *fault)
{
    enum scn_fault_kind kind = fault->scn->kind;
    bool result = kind == SCN_FAULT_CUT || kind == SCN_FAULT_HALFOPEN || kind == SCN_FAULT_SLOW ||
                  kind == SCN_FAULT_STALL;

    if (result) world_meet_place(place_each(PLACE_SOCKET, target_actor(fault)->index), WORLD_LOOKS);
    return result;
}

bool fault_meets_life(const struct fault *fault)
{
    bool result = fault->scn->kind == SCN_FAULT_KILL || fault->scn->kind == SCN_FAULT_DRAIN;

    if (result) world_meet_place(PLACE_CALLERS, WORLD_LOOKS);
    return result;
}

bool fault_available(const struct fault *fault)
{
    const struct scn_fault *scn = fault->scn;
    const struct play *play = fault->play;

    switch (scn->kind) {
    case SCN_FAULT_CUT:
    case SCN_FAULT_HALFOPEN:
    case SCN_FAULT_SLOW:
    case SCN_FAULT_STALL: return target_tab(fault)->socket != NULL;
    case SCN_FAULT_LOSE:
    case SCN_FAULT_DUPLICATE:
        return link_has_message(target_link(fault), scn_attrs_find(&scn->attrs, "kind"));
    case SCN_FAULT_REORDER: return link_can_reorder(target_link(fault));
    case SCN_FAULT_FREEZE: return !target_tab(fault)->frozen;
    case SCN_FAULT_LATE_CLOSE:
        return target_tab(fault)->socket != NULL && target_tab(fault)->late_close_us == 0;
    case SCN_FAULT_REPEAT_CLOSE:
    case SCN_FAULT_DOUBLE_HELLO: return target_tab(fault)->socket == NULL;
    case SCN_FAULT_WRONG_EPOCH:
    case SCN_FAULT_RESET_CURSOR:
    case SCN_FAULT_CURSOR_AHEAD:
        return target_tab(fault)->socket == NULL && tab_knows_cursor(target_tab(fault));
    case SCN_FAULT_LOSE_ACK:
        return target_tab(fault)->phase == TAB_CONNECTING || target_tab(fault)->phase == TAB_READY;
    case SCN_FAULT_STALE_ANSWER:
        return target_tab(fault)->phase == TAB_ONLINE && has_closed_prompt(target_tab(fault));
    case SCN_FAULT_CRASH: return !target_box(fault)->down;
    case SCN_FAULT_FAIL_EXEC:
    case SCN_FAULT_LATE_EXEC:
    case SCN_FAULT_REFUSE_CALL:
    case SCN_FAULT_RETURN_STOPPED: return target_box(fault)->calls > 0;
    case SCN_FAULT_LOSE_ANSWER: return target_box(fault)->calls > 0 || play->provider.calls > 0;
    case SCN_FAULT_REVOKE: return target_box(fault)->owner[0] != '\0';
    case SCN_FAULT_SURVIVE: return box_busy(target_box(fault)) && !target_box(fault)->surviving;
    case SCN_FAULT_LEAVE_CHILD:
    case SCN_FAULT_MOVE_PORT:
    case SCN_FAULT_GHOST_SERVER:
    case SCN_FAULT_REUSE_PID:
    case SCN_FAULT_LIST_CLIENTS: return box_busy(target_box(fault));
    case SCN_FAULT_KILL:
    case SCN_FAULT_DRAIN: return target_core(fault)->alive;
    case SCN_FAULT_REFUSE_MEMORY:
    case SCN_FAULT_REFUSE_THREAD: return may_refuse(fault);
    case SCN_FAULT_PAUSE: return target_thread(fault) != WORLD_NOBODY;
    case SCN_FAULT_DELAY:
    case SCN_FAULT_TIMEOUT: return store_call_open(play, &scn->target);
    case SCN_FAULT_EXPIRE: return locks_expirable(play, &scn->target);
    case SCN_FAULT_LOSE_LAST: return something_written(fault);
    case SCN_FAULT_JUMP: return true;
    case SCN_FAULT_COUNT: break;
    }
    REQUIRE(!"a fault that is in the table");
    return false;
}

/* --- acting --- */

static void slow(struct fault *fault, uint64_t by_us)
{
    struct tab *tab = target_tab(fault);

    if (!fault->scn->linked) {
        tab->to_core.slow_us = tab->to_tab.slow_us = by_us;
        return;
    }
    target_link(fault)->slow_us = by_us;
}

static void cut(struct fault *fault)
{
    struct tab *tab = target_tab(fault);

    if (fault->scn->has_for) tab->away_until_ns = ahead_ns(fault->scn->for_us);
    tab_cut(tab, "cut");
}

static void delay(struct fault *fault, bool begin)
{
    struct play *play = fault->play;
    enum scn_ref_kind kind = fault->scn->target.kind;

    if (begin) store_call_delay(play, &fault->scn->target, fault->by_us);
    if (!fault->scn->has_for) return;
    if (kind != SCN_REF_MESSAGES)
        play->stores.delay_us[STORE_LOCKS] = begin ? fault->by_us : 0;
    if (kind != SCN_REF_LOCKS)
        play->stores.delay_us[STORE_MESSAGES] = begin ? fault->by_us : 0;
}

static void time_out(struct fault *fault)
{
    const char *applied = attr_text(&fault->scn->attrs, "applied", "either");
    bool yes = strcmp(applied, "yes") == 0;

    if (strcmp(applied, "either") == 0) yes = world_choose(2, "applied") == 0;
    store_call_timeout(fault->play, &fault->scn->target, yes);
}

static void pause_target(struct fault *fault)
{
    const struct scn_ref *target = &fault->scn->target;

    fault->paused = target_thread(fault);
    world_hold_back(fault->paused, ahead_ns(fault->by_us));
    if (target->kind != SCN_REF_ACTOR) return;
    if (target_actor(fault)->scn->kind == SCN_ACTOR_SANDBOX)
        target_box(fault)->paused_until_ns = ahead_ns(fault->by_us);
    if (target_actor(fault)->scn->kind != SCN_ACTOR_TAB) return;
    /* A tab is more than its script: nothing that arrives is looked at, nothing leaves. */
    struct tab *tab = target_tab(fault);
    tab->frozen_until_ns = ahead_ns(fault->by_us);
    link_stall(&tab->to_tab, true);
    link_stall(&tab->to_core, true);
}

void fault_act(struct fault *fault)
{
    struct play *play = fault->play;
    const struct scn_fault *scn = fault->scn;

    switch (scn->kind) {
    case SCN_FAULT_CUT: cut(fault); return;
    case SCN_FAULT_HALFOPEN:
        tab_halfopen(target_tab(fault), scn->has_for ? ahead_ns(scn->for_us) : world_now_ns());
        return;
    case SCN_FAULT_SLOW: slow(fault, fault->by_us); return;
    case SCN_FAULT_LOSE: link_lose_head(target_link(fault)); return;
    case SCN_FAULT_DUPLICATE: link_duplicate_head(target_link(fault)); return;
    case SCN_FAULT_REORDER: link_reorder(target_link(fault)); return;
    case SCN_FAULT_STALL: link_stall(&target_tab(fault)->to_tab, true); return;
    case SCN_FAULT_FREEZE:
        tab_freeze(target_tab(fault), scn->has_for ? ahead_ns(scn->for_us) : WORLD_NEVER);
        return;
    case SCN_FAULT_LATE_CLOSE: target_tab(fault)->late_close_us = fault->by_us; return;
    case SCN_FAULT_REPEAT_CLOSE: target_tab(fault)->repeat_close = true; return;
    case SCN_FAULT_DOUBLE_HELLO: target_tab(fault)->double_hello = true; return;
    case SCN_FAULT_WRONG_EPOCH: target_tab(fault)->wrong_epoch = true; return;
    case SCN_FAULT_RESET_CURSOR: target_tab(fault)->reset_cursor = true; return;
    case SCN_FAULT_CURSOR_AHEAD: target_tab(fault)->cursor_ahead = true; return;
    case SCN_FAULT_LOSE_ACK: target_tab(fault)->lose_ack = true; return;
    case SCN_FAULT_STALE_ANSWER: tab_stale_answer(target_tab(fault)); return;
    case SCN_FAULT_CRASH: box_crash(target_box(fault)); return;
    case SCN_FAULT_FAIL_EXEC: target_box(fault)->fail_exec = true; return;
    case SCN_FAULT_LATE_EXEC: target_box(fault)->late_exec_us = fault->by_us; return;
    case SCN_FAULT_LEAVE_CHILD: target_box(fault)->leave_child = true; return;
    case SCN_FAULT_SURVIVE: target_box(fault)->surviving = true; return;
    case SCN_FAULT_MOVE_PORT: target_box(fault)->move_port = true; return;
    case SCN_FAULT_GHOST_SERVER: target_box(fault)->ghost_server = true; return;
    case SCN_FAULT_REUSE_PID: target_box(fault)->reuse_pid = true; return;
    case SCN_FAULT_LIST_CLIENTS: target_box(fault)->list_clients = true; return;
    case SCN_FAULT_REFUSE_CALL: target_box(fault)->refuse_call = true; return;
    case SCN_FAULT_RETURN_STOPPED: target_box(fault)->return_stopped = true; return;
    case SCN_FAULT_LOSE_ANSWER: target_box(fault)->lose_answer = true; return;
    case SCN_FAULT_REVOKE: box_revoke(target_box(fault)); return;
    case SCN_FAULT_KILL:
        instance_kill(target_core(fault), scn->has_for ? scn->for_us : WORLD_NEVER);
        return;
    case SCN_FAULT_DRAIN:
        instance_drain_aside(target_core(fault), 10000000, scn->has_for ? scn->for_us
                                                                         : WORLD_NEVER);
        return;
    case SCN_FAULT_REFUSE_MEMORY:
    case SCN_FAULT_REFUSE_THREAD:
        world_refuse(target_core(fault)->group, resource_of(fault), fault->nth);
        return;
    case SCN_FAULT_PAUSE: pause_target(fault); return;
    case SCN_FAULT_DELAY: delay(fault, true); return;
    case SCN_FAULT_TIMEOUT: time_out(fault); return;
    case SCN_FAULT_EXPIRE: locks_expire(play, &scn->target); return;
    case SCN_FAULT_LOSE_LAST:
        if (scn->target.kind == SCN_REF_LOCKS) (void)locks_lose_last(play);
        else (void)messages_lose_last(play);
        return;
    case SCN_FAULT_JUMP: world_wall_jump(fault->jump_us * 1000); return;
    case SCN_FAULT_COUNT: break;
    }
    REQUIRE(!"a fault that is in the table");
}

static void unstall(struct tab *tab)
{
    link_stall(&tab->to_tab, false);
    link_stall(&tab->to_core, false);
}

/* Whoever stood still goes on at once. */
static void resume_target(struct fault *fault)
{
    const struct scn_ref *target = &fault->scn->target;

    world_resume(fault->paused);
    if (target->kind != SCN_REF_ACTOR) return;
    if (target_actor(fault)->scn->kind == SCN_ACTOR_TAB) unstall(target_tab(fault));
    if (target_actor(fault)->scn->kind == SCN_ACTOR_SANDBOX) box_resume(target_box(fault));
}

/* Only faults that last have something to take back; a core's return is its keeper's business. */
void fault_undo(struct fault *fault)
{
    enum scn_fault_kind kind = fault->scn->kind;

    if (kind == SCN_FAULT_SLOW) slow(fault, 0);
    else if (kind == SCN_FAULT_STALL) link_stall(&target_tab(fault)->to_tab, false);
    else if (kind == SCN_FAULT_CRASH) box_recover(target_box(fault));
    else if (kind == SCN_FAULT_SURVIVE) box_succumb(target_box(fault));
    else if (kind == SCN_FAULT_LOSE_ANSWER) target_box(fault)->lose_answer = false;
    else if (kind == SCN_FAULT_DELAY) delay(fault, false);
    else if (kind == SCN_FAULT_REFUSE_MEMORY || kind == SCN_FAULT_REFUSE_THREAD)
        world_refuse(target_core(fault)->group, resource_of(fault), 0);
    else if (kind == SCN_FAULT_PAUSE) resume_target(fault);
    else if (kind == SCN_FAULT_FREEZE) tab_thaw(target_tab(fault));
    else if (kind == SCN_FAULT_CUT || kind == SCN_FAULT_HALFOPEN) tab_back(target_tab(fault));
}
