#include "epoll.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#include "ready.h"
#include "store.h"

enum { NESTING_MAX = 5 };
#define ALWAYS ((uint32_t)(EPOLLERR | EPOLLHUP))
#define MODES ((uint32_t)(EPOLLET | EPOLLONESHOT | EPOLLWAKEUP | EPOLLEXCLUSIVE))

struct set {
    struct description description;
    struct world_place place;
    struct watch *first;           /* what it watches, in the order it was added */
    struct watch *ready, **ready_end;
};

struct watch {
    struct set *set;
    struct description *target;
    int number;
    struct epoll_event event;
    bool candidate;
    struct watch *next, *next_ready, *next_of_target;
};

static void tell_set(const struct world_place *place, char *out, size_t bytes)
{
    const struct set *set = (const struct set *)((const char *)place - offsetof(struct set, place));
    snprintf(out, bytes, "epoll %d", set->description.number);
}

/* --- candidates ---
 *
 * As in Linux: what happens at a descriptor makes it a candidate of the sets that watch it. A wait
 * looks at the candidates in the order in which they became that, and tells of those that are
 * ready. With EPOLLET one is a candidate until it was told of, otherwise until it is not ready. */

static uint32_t ready_now(const struct watch *watch)
{
    uint32_t wanted = watch->event.events & ~MODES;
    if (wanted == 0) return 0; /* told of once */
    return (uint32_t)(uint16_t)ready_events(watch->target, (short)wanted) & (wanted | ALWAYS);
}

static bool set_is_ready(const struct set *set)
{
    for (const struct watch *watch = set->ready; watch; watch = watch->next_ready) {
        if (ready_now(watch)) return true;
    }
    return false;
}

static void push(struct watch *watch)
{
    struct set *set = watch->set;
    watch->candidate = true;
    watch->next_ready = NULL;
    *set->ready_end = watch;
    set->ready_end = &watch->next_ready;
}

static struct watch *pop(struct set *set)
{
    struct watch *watch = set->ready;
    watch->candidate = false;
    set->ready = watch->next_ready;
    if (set->ready == NULL) set->ready_end = &set->ready;
    return watch;
}

/* Whoever waits for the set depends on it: a step of the one that made it happen. */
static void nominate(struct watch *watch)
{
    struct set *set = watch->set;
    bool was_ready = set_is_ready(set);
    push(watch);
    place_step(&set->place, WORLD_OP_USE, WORLD_WRITE,
               WORLD_OPENED(was_ready ? 0 : WORLD_GATE_IN));
    description_event(&set->description, POLLIN | POLLRDNORM);
}

void description_event(struct description *self, short events)
{
    for (struct watch *watch = self->watches; watch; watch = watch->next_of_target) {
        uint32_t wanted = watch->event.events & ~MODES;
        if (watch->candidate || wanted == 0) continue;
        if (events != 0 && !((uint32_t)(uint16_t)events & (wanted | ALWAYS))) continue;
        nominate(watch);
    }
}

static void withdraw(struct watch *watch)
{
    struct set *set = watch->set;
    struct watch *left = set->ready;
    if (!watch->candidate) return;
    watch->candidate = false;
    set->ready = NULL;
    set->ready_end = &set->ready;
    while (left) {
        struct watch *next = left->next_ready;
        if (left != watch) push(left);
        left = next;
    }
}

/* --- what is watched --- */

static void remove_watch(struct watch *watch)
{
    struct watch **at = &watch->set->first;
    withdraw(watch);
    while (*at != watch) at = &(*at)->next;
    *at = watch->next;
    at = &watch->target->watches;
    while (*at != watch) at = &(*at)->next_of_target;
    *at = watch->next_of_target;
    store_give(watch, sizeof *watch);
}

void epoll_forget(struct description *self)
{
    while (self->watches) {
        place_step(&self->watches->set->place, WORLD_OP_USE, WORLD_WRITE, 0);
        remove_watch(self->watches);
    }
}

static struct watch *find(struct set *set, const struct description *target, int number)
{
    struct watch *watch = set->first;
    while (watch && (watch->target != target || watch->number != number)) watch = watch->next;
    return watch;
}

/* What that depends on is more than the place of the set. */
static short ready(const struct description *self)
{
    if (place_searching()) world_stop("the reduced search takes no epoll that is waited for");
    return set_is_ready((const struct set *)self) ? POLLIN | POLLRDNORM : 0;
}

static uint32_t places(struct description *self, struct world_place **out)
{
    *out = &((struct set *)self)->place;
    return 1;
}

static void release(struct description *self)
{
    struct set *set = (struct set *)self;
    while (set->first) remove_watch(set->first);
}

static void tell(const struct description *self, char *out, size_t bytes)
{
    size_t used = (size_t)snprintf(out, bytes, "watching");
    const char *between = " ";
    const struct watch *watch = ((const struct set *)self)->first;
    for (; watch && used + 1 < bytes; watch = watch->next) {
        used += (size_t)snprintf(out + used, bytes - used, "%s%d", between, watch->number);
        between = ", ";
    }
    if (((const struct set *)self)->first == NULL) snprintf(out, bytes, "watching nothing");
}

static const struct description_kind kind = {
    .word = "epoll", .ready = ready, .places = places, .release = release, .tell = tell,
};

static int make(int flags, uintptr_t site)
{
    place_enter(site);
    if (flags & ~EPOLL_CLOEXEC) return -EINVAL;
    struct set *set = store_take(sizeof *set);
    set->place.tell = tell_set;
    set->ready_end = &set->ready;
    place_point(NULL, WORLD_NONE);
    return descriptor_open(&set->description, &kind, O_RDWR | (flags & O_CLOEXEC), 0);
}

int world_epoll_create1(int flags)
{
    return (int)result_of(make(flags, CALL_SITE));
}

int world_epoll_create(int size)
{
    return (int)result_of(size > 0 ? make(0, CALL_SITE) : -EINVAL);
}

/* --- epoll_ctl --- */

/* Whether what is watched there leads back to the set. */
static bool leads_to(const struct description *self, const struct set *set, int depth)
{
    if (self == &set->description || depth > NESTING_MAX) return true;
    if (self->kind != &kind) return false;
    for (const struct watch *watch = ((const struct set *)self)->first; watch;
         watch = watch->next) {
        if (leads_to(watch->target, set, depth + 1)) return true;
    }
    return false;
}

static int add(struct set *set, struct description *target, int number,
               const struct epoll_event *event)
{
    if (leads_to(target, set, 1)) return -ELOOP;
    struct watch **at = &set->first, *watch = store_take(sizeof *watch);
    *watch = (struct watch){.set = set, .target = target, .number = number, .event = *event,
                            .next_of_target = target->watches};
    watch->event.events |= ALWAYS;
    target->watches = watch;
    while (*at) at = &(*at)->next;
    *at = watch;
    if (ready_now(watch)) nominate(watch);
    return 0;
}

static int change(struct watch *watch, const struct epoll_event *event)
{
    watch->event = *event;
    watch->event.events |= ALWAYS;
    if (!watch->candidate && ready_now(watch)) nominate(watch);
    return 0;
}

static int control(struct set *set, int operation, struct description *target, int number,
                   const struct epoll_event *event)
{
    if (set->description.kind != &kind || target == &set->description) return -EINVAL;
    if (target->kind->ready == NULL) return -EPERM;
    struct watch *watch = find(set, target, number);
    if (operation == EPOLL_CTL_ADD) return watch ? -EEXIST : add(set, target, number, event);
    if (operation != EPOLL_CTL_MOD && operation != EPOLL_CTL_DEL) return -EINVAL;
    if (watch == NULL) return -ENOENT;
    if (operation == EPOLL_CTL_MOD) return change(watch, event);
    remove_watch(watch);
    return 0;
}

static const char *operation_word(int operation)
{
    return operation == EPOLL_CTL_ADD ? "add" : operation == EPOLL_CTL_MOD ? "modify" : "delete";
}

int world_epoll_ctl(int number, int operation, int file, struct epoll_event *event)
{
    struct description *self = descriptor_use(number, "epoll_ctl", CALL_SITE);
    if (self == NULL) return -1;
    struct description *target = descriptor_hold(file);
    struct world_place *place = target ? NULL : descriptor_place(file);
    int result = target ? 0 : -EBADF;
    if (place) place_step(place, WORLD_OP_USE, WORLD_READ, EBADF);
    if (place_searching()) place_point(NULL, WORLD_NONE);
    if (target) {
        result = control((struct set *)self, operation, target, file, event);
        if (target->kind->ready) ready_step(target, false);
    }
    if (self->kind == &kind) {
        place_say("epoll_ctl %d  %s %d%s%s", number, operation_word(operation), file,
                  result < 0 ? "  " : "", result < 0 ? strerrorname_np(-result) : "");
        place_step(&((struct set *)self)->place, WORLD_OP_CONTROL, WORLD_WRITE, 0);
    }
    gate_changed();
    if (target) description_drop(target);
    description_drop(self);
    return (int)result_of(result);
}

/* --- epoll_wait --- */

struct wait {
    struct set *set;
    struct epoll_event *out;
    int room, count;
    const uint64_t *mask; /* signals blocked meanwhile, or NULL */
    char names[48];
};

static bool is_open(const void *context)
{
    return set_is_ready(((const struct wait *)context)->set);
}

static void abandon(const void *context)
{
    description_drop(&((const struct wait *)context)->set->description);
}

static void tell_wait(const void *context, char *out, size_t bytes)
{
    char what[160];
    description_tell(&((const struct wait *)context)->set->description, what, sizeof what);
    snprintf(out, bytes, "epoll_wait on %s", what);
}

static void hand_out(struct wait *wait, struct watch *watch, uint32_t events)
{
    size_t used = strlen(wait->names);
    place_touch(&wait->out[wait->count], sizeof *wait->out, true);
    wait->out[wait->count++] = (struct epoll_event){.events = events, .data = watch->event.data};
    snprintf(wait->names + used, sizeof wait->names - used, "%s%d", used ? ", " : "",
             watch->number);
    if (watch->event.events & EPOLLONESHOT) {
        watch->event.events &= MODES;
    } else if (!(watch->event.events & EPOLLET)) {
        push(watch);
    }
}

/* Candidates that are not ready any more may become so again, which is no step at the set. */
static bool pending(const void *context, uint32_t index, struct world_step *step)
{
    const struct set *set = ((const struct wait *)context)->set;
    if (index-- == 0) {
        *step = (struct world_step){.op = WORLD_OP_POLL, .access = WORLD_WRITE,
                                    .object = set->place.object,
                                    .result = WORLD_PASSED(WORLD_GATE_IN)};
        return set->place.object != 0;
    }
    for (const struct watch *at = set->ready; at; at = at->next_ready) {
        if (ready_pending(at->target, &index, step)) return true;
    }
    return false;
}

/* Whether it waits depends on those for which there is no room, too. */
static void look_at_rest(const struct set *set)
{
    for (const struct watch *at = set->ready; at; at = at->next_ready) {
        ready_step(at->target, false);
    }
}

/* Each candidate once; those for which there is no room stay in front. */
static void collect(struct wait *wait)
{
    uint32_t left = 0;
    for (const struct watch *at = wait->set->ready; at; at = at->next_ready) left++;
    while (left-- > 0 && wait->count < wait->room) {
        struct watch *watch = pop(wait->set);
        uint32_t events = ready_now(watch);
        ready_step(watch->target, false);
        if (events != 0) hand_out(wait, watch, events);
    }
    if (place_searching()) look_at_rest(wait->set);
}

static int wait_for(struct wait *wait, const struct timespec *length)
{
    struct set *set = wait->set;
    struct world_gate gate = {.open = is_open, .context = wait, .place = &set->place,
                              .tell = tell_wait, .abandon = abandon, .pending = pending,
                              .op = WORLD_OP_POLL, .gates = WORLD_GATE_IN, .mask = wait->mask};
    bool passed = true;
    if (set->description.kind != &kind || wait->room <= 0) return -EINVAL;
    if (!ready_deadline(length, &gate.deadline_ns)) return -EINVAL;
    bool blocks = wait->mask || gate.deadline_ns > world_now_ns();
    if (blocks) {
        passed = gate_pass(&gate);
    } else if (place_searching()) {
        place_point(&set->place, WORLD_WRITE);
    }
    collect(wait);
    place_say("epoll_wait %d  %s", set->description.number,
              wait->count > 0 ? wait->names : "nothing");
    place_step(&set->place, WORLD_OP_POLL, WORLD_WRITE,
               WORLD_PASSED(gate.deadline_ns == WORLD_NEVER ? WORLD_GATE_IN : 0));
    gate_changed();
    return wait->count == 0 && !passed && gate_interrupted() ? -EINTR : wait->count;
}

static int wait_at(int number, struct epoll_event *out, int room, const struct timespec *length,
                   const sigset_t *mask, uintptr_t site)
{
    struct description *self = descriptor_use(number, "epoll_wait", site);
    if (self == NULL) return -1;
    struct wait wait = {.set = (struct set *)self, .out = out, .room = room,
                        .mask = (const uint64_t *)mask};
    int result = wait_for(&wait, length);
    description_drop(self);
    return (int)result_of(result);
}

static int wait_ms(int number, struct epoll_event *out, int room, int ms, const sigset_t *mask,
                   uintptr_t site)
{
    struct timespec length = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    return wait_at(number, out, room, ms < 0 ? NULL : &length, mask, site);
}

int world_epoll_wait(int number, struct epoll_event *out, int room, int ms)
{
    return wait_ms(number, out, room, ms, NULL, CALL_SITE);
}

int world_epoll_pwait(int number, struct epoll_event *out, int room, int ms, const sigset_t *mask)
{
    return wait_ms(number, out, room, ms, mask, CALL_SITE);
}

int world_epoll_pwait2(int number, struct epoll_event *out, int room,
                       const struct timespec *length, const sigset_t *mask)
{
    return wait_at(number, out, room, length, mask, CALL_SITE);
}
