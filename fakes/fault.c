/* Faults: when they may strike, and how that is offered to the explorer.
 *
 * A fault is a task. It is armed once its `after` and `during` hold, and shown (enabled) only while
 * it can have an effect: a cut needs a socket, a timeout a call under way. So every fault that the
 * explorer picks does something, and the instant of picking says what it hits. */
#include "fakes/internal.h"

/* --- lengths --- */

/* A few values of `by`: both ends, and the one that just outlasts the next deadline, because only
 * the order of events matters. */
static uint64_t choose_by(const struct scn_fault *scn)
{
    uint64_t low = (uint64_t)scn->by_low_us, high = (uint64_t)scn->by_high_us;
    uint64_t values[3] = { low, high, 0 };
    uint32_t count = low == high ? 1 : 2;
    uint64_t next_ns = world_next_deadline_ns();

    if (low != high) world_meet(WORLD_MET_ALL); /* anybody's deadline may be the next */
    if (next_ns != WORLD_NEVER) {
        uint64_t past_us = (next_ns - world_now_ns()) / 1000 + 1;
        if (past_us > low && past_us < high) values[count++] = past_us;
    }
    return values[world_choose(count, "fault_time")];
}

/* Which of so many: each of them, or a spread if there are many. */
enum { COUNTS_MAX = 256 };

static uint64_t spread(const struct scn_attr *range, uint32_t pick, uint64_t values)
{
    uint64_t low = (uint64_t)range->value.low;
    uint64_t span = (uint64_t)(range->value.high - range->value.low);

    return low + (values == 1 ? 0 : pick * span / (values - 1));
}

static uint64_t values_of(const struct scn_attr *range)
{
    uint64_t values = (uint64_t)(range->value.high - range->value.low) + 1;

    return values > COUNTS_MAX ? COUNTS_MAX : values;
}

static uint32_t choose_nth(const struct scn_fault *scn)
{
    const struct scn_attr *nth = scn_attrs_find(&scn->attrs, "nth");

    /* One that is written out is chosen no more than one that goes without saying. */
    if (nth == NULL || nth->value.low == nth->value.high)
        return nth == NULL ? 1 : (uint32_t)nth->value.low;
    uint64_t values = values_of(nth);
    return (uint32_t)spread(nth, world_choose((uint32_t)values, "refused"), values);
}

static void choose_lengths(struct fault *fault)
{
    const struct scn_fault *scn = fault->scn;

    if (scn->kind == SCN_FAULT_REFUSE_MEMORY || scn->kind == SCN_FAULT_REFUSE_THREAD)
        fault->nth = choose_nth(scn);
    if (!scn->has_by) return;
    if (scn->kind == SCN_FAULT_JUMP) {
        bool high = scn->by_low_us != scn->by_high_us && world_choose(2, "clock_jump") == 1;
        fault->jump_us = high ? scn->by_high_us : scn->by_low_us;
        fault->by_us = (uint64_t)(fault->jump_us < 0 ? -fault->jump_us : fault->jump_us);
        return;
    }
    fault->by_us = choose_by(scn);
}

/* How long it lasts before it is healed; 0: its effect is done at once. */
static uint64_t duration_of(const struct fault *fault)
{
    if (fault->scn->kind == SCN_FAULT_PAUSE) return fault->by_us;
    return fault->scn->has_for ? fault->scn->for_us : 0;
}

/* --- striking and healing --- */

static void set_counted(struct fault *fault, bool counted)
{
    if (fault->counted == counted) return;
    fault->counted = counted;
    play_busy(fault->play, PLACE_OTHERS, counted);
}

static void hide(struct fault *fault)
{
    if (!fault->shown && !fault->timed) return;
    fault->shown = fault->timed = false;
    world_task_disarm(fault->task);
}

/* It will not strike any more. */
static void retire(struct fault *fault)
{
    fault->left = 0;
    hide(fault);
    world_task_disarm(fault->close_task);
    set_counted(fault, false);
    if (fault->play->patient) world_wake(&fault->play->stirred);
}

static void finish(struct fault *fault)
{
    fault->ended++;
    RECORD(FAULT_END, fault->party, 0, 0, 0, .fault = fault->index, .occurrence = fault->ended);
}

static void strike(struct fault *fault)
{
    choose_lengths(fault);
    fault->begun++;
    fault->left--;
    RECORD(FAULT_BEGIN, fault->party, 0, 0, 0, .fault = fault->index, .occurrence = fault->begun,
           .by = (int64_t)fault->by_us);
    if (fault->left == 0) retire(fault);
    uint64_t duration_us = duration_of(fault);
    fault->active = duration_us > 0;
    fault->lasting = true;
    fault_act(fault);
    if (fault->active)
        world_task_arm(fault->end_task, ahead_ns(duration_us));
    else
        finish(fault);
    progress(fault->play, NULL);
}

/* A fault without `for` has ended as soon as it struck; what it did lasts until the calm. */
static void heal(struct fault *fault)
{
    bool was_active = fault->active;

    if (!fault->lasting) return;
    fault->active = fault->lasting = false;
    fault_undo(fault);
    if (was_active) finish(fault);
}

static void run_fault(void *argument)
{
    struct fault *fault = argument;

    fault->shown = fault->timed = false;
    if (fault->left > 0 && !fault->play->calm && fault_available(fault)) strike(fault);
    faults_refresh(fault->play);
}

static void end_fault(void *argument)
{
    struct fault *fault = argument;

    heal(fault);
    progress(fault->play, NULL);
}

/* The window of an optional fault is over. */
static void close_fault(void *argument)
{
    struct fault *fault = argument;

    retire(fault);
    progress(fault->play, NULL);
}

/* --- offering --- */

static bool cuts_by_count(const struct scn_fault *scn)
{
    return scn_attrs_find(&scn->attrs, "frame") != NULL ||
           scn_attrs_find(&scn->attrs, "byte") != NULL;
}

static uint64_t choose_count(const struct fault *fault, const char *name)
{
    const struct scn_attr *attr = scn_attrs_find(&fault->scn->attrs, name);

    if (attr == NULL) return 0;
    uint64_t values = values_of(attr);
    uint32_t pick = world_choose((uint32_t)values + fault->scn->may, "cut_at");
    if (fault->scn->may && pick == 0) return WORLD_NEVER;
    if (fault->scn->may) pick--;
    return spread(attr, pick, values);
}

static void arm_window(struct fault *fault)
{
    const struct scn_modifiers *modifiers = &fault->scn->modifiers;
    uint64_t from_ns = ahead_ns(modifiers->within.low_us);
    uint64_t until_ns = ahead_ns(modifiers->within.high_us);

    fault->timed = true;
    if (!fault->scn->may) {
        world_task_window(fault->task, from_ns, until_ns);
        return;
    }
    world_task_arm(fault->task, from_ns);
    world_task_arm(fault->close_task, until_ns);
}

static void arm(struct fault *fault)
{
    const struct scn_modifiers *modifiers = &fault->scn->modifiers;

    fault->armed = true;
    if (fault->by_count) {
        fault->cut_frame = choose_count(fault, "frame");
        fault->cut_byte = choose_count(fault, "byte");
    } else if (modifiers->has_at) {
        fault->timed = true;
        world_task_arm(fault->task, us_ns(modifiers->at_us));
    } else if (modifiers->has_within) {
        arm_window(fault);
    }
}

/* Faults of a single message, call or greeting: a mandatory one hits the first it can, because what
 * it hits is gone before a task of its own would run. */
static bool strikes_at_once(const struct fault *fault)
{
    switch (fault->scn->kind) {
    case SCN_FAULT_LOSE: case SCN_FAULT_DUPLICATE: case SCN_FAULT_REORDER:
    case SCN_FAULT_REPEAT_CLOSE: case SCN_FAULT_DOUBLE_HELLO: case SCN_FAULT_WRONG_EPOCH:
    case SCN_FAULT_RESET_CURSOR:
    case SCN_FAULT_CURSOR_AHEAD: case SCN_FAULT_LOSE_ACK: case SCN_FAULT_LATE_CLOSE:
    case SCN_FAULT_FAIL_EXEC: case SCN_FAULT_LATE_EXEC: case SCN_FAULT_LEAVE_CHILD:
    case SCN_FAULT_MOVE_PORT:
    case SCN_FAULT_GHOST_SERVER: case SCN_FAULT_REUSE_PID: case SCN_FAULT_LIST_CLIENTS:
    case SCN_FAULT_REFUSE_CALL: case SCN_FAULT_RETURN_STOPPED: case SCN_FAULT_LOSE_ANSWER:
    case SCN_FAULT_DELAY: case SCN_FAULT_TIMEOUT: return !fault->scn->may;
    case SCN_FAULT_CUT: case SCN_FAULT_HALFOPEN: case SCN_FAULT_SLOW: case SCN_FAULT_STALL:
    case SCN_FAULT_FREEZE: case SCN_FAULT_STALE_ANSWER: case SCN_FAULT_CRASH: case SCN_FAULT_REVOKE:
    case SCN_FAULT_SURVIVE: case SCN_FAULT_KILL: case SCN_FAULT_DRAIN: case SCN_FAULT_PAUSE:
    case SCN_FAULT_REFUSE_MEMORY: case SCN_FAULT_REFUSE_THREAD: case SCN_FAULT_EXPIRE:
    case SCN_FAULT_LOSE_LAST: case SCN_FAULT_JUMP: case SCN_FAULT_COUNT: return false;
    }
    return false;
}

static void show(struct fault *fault, bool shown)
{
    if (shown == fault->shown) return;
    if (shown && strikes_at_once(fault)) {
        strike(fault);
        return;
    }
    fault->shown = shown;
    meet_each(PLACE_FAULT, fault->index);
    if (shown)
        world_task_arm(fault->task, world_now_ns());
    else
        world_task_disarm(fault->task);
}

/* What decides whether it may strike is told for those that may do so at any moment while a tab has
 * a socket, or a core lives. For all others it may be anything. */
static void meet(const struct fault *fault)
{
    const struct scn_modifiers *modifiers = &fault->scn->modifiers;
    bool any = modifiers->after.count == 0 && modifiers->during == NULL && !modifiers->has_at &&
               !modifiers->has_within && !fault->by_count;

    world_meet_place(place_each(PLACE_FAULT, fault->index), WORLD_LOOKS);
    if (any && fault_meets_socket(fault)) return;
    if (any && fault_meets_life(fault)) return;
    world_meet(WORLD_MET_FAKES);
}

static void refresh(struct fault *fault)
{
    meet(fault);
    if (fault->left == 0) return;
    enum readiness ready = modifiers_ready(fault->play, &fault->scn->modifiers);
    if (ready == NEVER) {
        retire(fault);
        return;
    }
    if (ready == READY && !fault->armed) {
        meet_each(PLACE_FAULT, fault->index);
        arm(fault);
    }
    if (fault->armed && !fault->timed && !fault->by_count)
        show(fault, ready == READY && !fault->active && fault_available(fault));
    /* It will strike by itself. One that waits for its chance is waited for as scripts are. */
    set_counted(fault, !fault->scn->may && (fault->timed || fault->shown));
}

void faults_refresh(struct play *play)
{
    if (play->setting_up || play->calm) return;
    for (uint32_t i = 0; i < play->file->fault_count; i++) refresh(&play->faults[i]);
}

/* --- cuts at the k-th frame or byte --- */

static bool counts(const struct fault *fault, const struct socket *socket, bool to_tab)
{
    const struct scn_ref *tab = fault->scn->target.kind == SCN_REF_ACTOR ? &fault->scn->target
                                                                          : &fault->scn->target_to;

    if ((uint32_t)tab->actor != socket->tab->actor->index) return false;
    if (!fault->scn->linked) return true;
    return (fault->scn->target.kind == SCN_REF_CORE) == to_tab;
}

static bool reached(const struct fault *fault, const struct socket *socket, bool to_tab)
{
    uint64_t frames = socket->delivered[to_tab], bytes = socket->bytes[to_tab];

    if (!fault->scn->linked) {
        frames = socket->delivered[0] + socket->delivered[1];
        bytes = socket->bytes[0] + socket->bytes[1];
    }
    return (fault->cut_frame > 0 && frames >= fault->cut_frame) ||
           (fault->cut_byte > 0 && bytes >= fault->cut_byte);
}

/* What is on its way of a socket that the tab has left is not cut: the cut would hit the next. */
static bool may_cut(const struct fault *fault, const struct socket *socket, bool to_tab)
{
    return socket->tab->socket == socket && fault->scn->kind == SCN_FAULT_CUT && fault->left > 0 &&
           fault->armed && fault->by_count && counts(fault, socket, to_tab) && !socket->cut;
}

size_t faults_let_pass(const struct play *play, const struct socket *socket, bool to_tab,
                       size_t length)
{
    if (play->calm || socket->ends == NULL) return length;
    for (uint32_t i = 0; i < play->file->fault_count; i++) {
        const struct fault *fault = &play->faults[i];
        uint64_t passed = socket->bytes[to_tab] + (fault->scn->linked ? 0 : socket->bytes[!to_tab]);
        if (fault->cut_byte == 0 || !may_cut(fault, socket, to_tab)) continue;
        if (fault->cut_byte - passed < length) length = (size_t)(fault->cut_byte - passed);
    }
    return length;
}

void faults_delivered(struct play *play, const struct frame *frame, bool to_tab)
{
    struct socket *socket = frame->socket;

    if (frame->kind != FRAME_MESSAGE && socket->ends == NULL) return;
    if (frame->kind == FRAME_MESSAGE) socket->delivered[to_tab]++;
    socket->bytes[to_tab] += frame->length;
    if (play->calm) return;
    for (uint32_t i = 0; i < play->file->fault_count; i++) {
        struct fault *fault = &play->faults[i];
        if (may_cut(fault, socket, to_tab) && reached(fault, socket, to_tab)) strike(fault);
    }
}

/* --- all of them --- */

static uint16_t party_of(const struct play *play, const struct scn_fault *scn)
{
    const struct scn_ref *ref = scn->linked && scn->target.kind == SCN_REF_CORE ? &scn->target_to
                                                                                 : &scn->target;

    switch (ref->kind) {
    case SCN_REF_ACTOR: return play->actors[ref->actor].party;
    case SCN_REF_CORE:
    case SCN_REF_THREAD: return (uint16_t)(PARTY_CORE + (ref->core < 0 ? 0 : ref->core));
    case SCN_REF_MESSAGES: return PARTY_MESSAGES;
    case SCN_REF_STORE:
    case SCN_REF_LOCKS: return PARTY_LOCKS;
    case SCN_REF_CLOCK: return PARTY_CLOCK;
    case SCN_REF_STEP:
    case SCN_REF_FAULT:
    case SCN_REF_GAUGE:
    case SCN_REF_POINT:
    case SCN_REF_THREAD_POINT:
    case SCN_REF_EVENT: break;
    }
    return PARTY_NOBODY;
}

static uint32_t at_least_1(uint32_t value)
{
    return value > 0 ? value : 1;
}

void faults_init(struct play *play)
{
    char name[WORLD_NAME_MAX];

    for (uint32_t i = 0; i < play->file->fault_count; i++) {
        struct fault *fault = &play->faults[i];
        const struct scn_fault *scn = &play->file->faults[i];
        uint32_t times = at_least_1(scn->modifiers.times), up_to = at_least_1(scn->up_to);
        fault->play = play;
        fault->scn = scn;
        fault->index = i;
        fault->party = party_of(play, scn);
        fault->by_count = cuts_by_count(scn);
        fault_name_thread(fault);
        fault->left = times > up_to ? times : up_to;
        const struct stage_live *live = play->stage->hooks.live;
        if (live != NULL && !demands_fault(scn, live->foreign)) fault->left = 0;
        fault->task = world_task(scn->name, scn->may ? WORLD_OPTIONAL : WORLD_FAULT, run_fault,
                                 fault);
        fault->end_task = world_task(name_of(name, scn->name, ".end", ""), WORLD_FAULT, end_fault,
                                     fault);
        fault->close_task = world_task(name_of(name, scn->name, ".close", ""), WORLD_FAULT,
                                       close_fault, fault);
    }
}

bool faults_owed(const struct play *play)
{
    for (uint32_t i = 0; i < play->file->fault_count; i++) {
        const struct fault *fault = &play->faults[i];
        if (!fault->scn->may && fault->left > 0 &&
            modifiers_ready(play, &fault->scn->modifiers) != NEVER)
            return true;
    }
    return false;
}

uint64_t faults_patience_us(const struct play *play)
{
    bool owed = faults_owed(play);
    uint64_t result = 0;

    for (uint32_t i = 0; i < play->file->fault_count; i++) {
        const struct fault *fault = &play->faults[i];
        if (!fault->active || (!owed && fault->scn->kind != SCN_FAULT_PAUSE)) continue;
        if (duration_of(fault) > result) result = duration_of(fault);
    }
    return result;
}

void faults_heal(struct play *play)
{
    play->calm = true;
    if (play->file->fault_count == 0) return;
    for (uint32_t i = 0; i < play->file->fault_count; i++) {
        struct fault *fault = &play->faults[i];
        retire(fault);
        world_task_disarm(fault->end_task);
        heal(fault);
    }
    progress(play, NULL);
}
