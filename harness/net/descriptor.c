#include "descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "epoll.h"
#include "harness/check/require.h"
#include "net.h"
#include "store.h"

struct slot {
    struct world_place place;
    struct description *description;
    bool close_on_exec;
};

static struct slot slots[DESCRIPTORS_MAX];
static int used; /* slots touched in this execution */

static void tell_slot(const struct world_place *place, char *out, size_t bytes)
{
    snprintf(out, bytes, "descriptor %d", (int)((const struct slot *)place - slots));
}

void descriptors_begin(void)
{
    memset(slots, 0, (size_t)used * sizeof *slots);
    used = 0;
}

static bool in_range(int number)
{
    return number >= 0 && number < DESCRIPTORS_MAX;
}

struct world_place *descriptor_place(int number)
{
    if (!in_range(number)) return NULL;
    if (number >= used) used = number + 1;
    slots[number].place.tell = tell_slot;
    return &slots[number].place;
}

struct description *descriptor_look(int number)
{
    return in_range(number) ? slots[number].description : NULL;
}

bool *descriptor_close_on_exec(int number)
{
    return &slots[number].close_on_exec;
}

/* --- opening --- */

/* Which number is the lowest depends on all below it. */
static int find_free(int least)
{
    int number = least;
    for (; number < DESCRIPTORS_MAX && slots[number].description; number++) {
        if (!place_searching() || slots[number].description->kind->silent) continue;
        place_step(descriptor_place(number), WORLD_OP_USE, WORLD_READ, 0);
    }
    return number < DESCRIPTORS_MAX ? number : -EMFILE;
}

static void fill(int number, struct description *self, bool close_on_exec)
{
    struct world_place *place = descriptor_place(number);
    slots[number].description = self;
    slots[number].close_on_exec = close_on_exec;
    self->references++;
    place_say("open %s %d", self->kind->word, number);
    if (!self->kind->silent) place_step(place, WORLD_OP_OPEN, WORLD_WRITE, (uint32_t)number);
}

int descriptor_open(struct description *self, const struct description_kind *kind, int flags,
                    int least)
{
    int number = find_free(least);
    if (number < 0) return number;
    self->kind = kind;
    self->flags = flags & ~O_CLOEXEC;
    self->number = number;
    self->entity = world_self();
    self->group = self->entity == WORLD_NOBODY ? 0 : world_group_of(self->entity);
    self->site = place_site();
    fill(number, self, (flags & O_CLOEXEC) != 0);
    return number;
}

int descriptor_duplicate(struct description *self, int least, bool close_on_exec)
{
    int number = find_free(least);
    if (number >= 0) fill(number, self, close_on_exec);
    return number;
}

void descriptor_replace(int number, struct description *self, bool close_on_exec)
{
    struct description *old = slots[number].description;
    fill(number, self, close_on_exec);
    if (old) description_drop(old);
}

/* --- closing --- */

bool descriptor_close(int number)
{
    struct description *self = descriptor_look(number);
    if (self == NULL) return false;
    slots[number].description = NULL;
    if (!self->kind->silent) place_step(&slots[number].place, WORLD_OP_CLOSE, WORLD_WRITE, 0);
    description_drop(self);
    return true;
}

void description_drop(struct description *self)
{
    REQUIRE(self->references > 0);
    if (--self->references > 0) return;
    epoll_forget(self);
    self->kind->release(self);
}

static bool has_other_number(const struct description *self, int number)
{
    for (int other = 0; other < used; other++) {
        if (other != number && slots[other].description == self) return true;
    }
    return false;
}

/* Calls on the way, which hold it, have ended with the threads that made them. */
void descriptors_close_group(uint8_t group)
{
    for (int number = 0; number < used; number++) {
        struct description *self = slots[number].description;
        if (self == NULL || self->kind->silent || self->group != group) continue;
        if (!has_other_number(self, number)) self->references = 1;
        descriptor_close(number);
    }
}

uint32_t descriptors_open(int *out, uint32_t max)
{
    uint32_t count = 0;
    for (int number = 0; number < used; number++) {
        const struct description *self = slots[number].description;
        if (self == NULL || self->kind->silent) continue;
        if (count < max) out[count] = number;
        count++;
    }
    return count;
}

/* --- calls --- */

struct description *descriptor_hold(int number)
{
    struct description *self = descriptor_look(number);
    if (self == NULL) return NULL;
    self->references++;
    if (!self->kind->silent) {
        place_step(&slots[number].place, WORLD_OP_USE, WORLD_READ, 0);
    }
    return self;
}

struct description *descriptor_use(int number, const char *verb, uintptr_t site)
{
    struct description *self = descriptor_look(number);
    if (self == NULL || !self->kind->silent) {
        place_enter(site);
        place_point(descriptor_place(number), WORLD_READ);
    }
    self = descriptor_hold(number);
    if (self) return self;
    if (in_range(number)) {
        place_say("%s %d  EBADF", verb, number);
        place_step(descriptor_place(number), WORLD_OP_USE, WORLD_READ, EBADF);
    }
    errno = EBADF;
    return NULL;
}

void description_tell(const struct description *self, char *out, size_t bytes)
{
    char more[128] = "";
    if (self->kind->tell) self->kind->tell(self, more, sizeof more);
    snprintf(out, bytes, "%s %d%s%s%s", self->kind->word, self->number, more[0] ? " (" : "", more,
             more[0] ? ")" : "");
}

ssize_t result_of(ssize_t result)
{
    if (result >= 0) return result;
    errno = (int)-result;
    return -1;
}

void net_begin(void)
{
    store_begin();
    descriptors_begin();
    net_state_begin();
}
