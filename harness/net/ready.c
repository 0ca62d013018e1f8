#include "ready.h"

enum { WHOLE_S = 1000000000 };

short ready_events(const struct description *self, short wanted)
{
    short always = POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM;
    short events = self->kind->ready ? self->kind->ready(self) : always;
    return (short)(events & (wanted | POLLERR | POLLHUP));
}

static uint32_t places_of(struct description *self, struct world_place **out)
{
    return self->kind->places ? self->kind->places(self, out) : 0;
}

void ready_step(struct description *self, bool passed)
{
    struct world_place *places[PLACES_MAX];
    uint32_t count = places_of(self, places);
    passed = passed && count == 1;
    for (uint32_t i = 0; i < count; i++) {
        place_step(places[i], WORLD_OP_POLL, WORLD_READ,
                   WORLD_PASSED(passed ? WORLD_GATE_IN | WORLD_GATE_OUT : 0));
    }
}

bool ready_pending(struct description *self, uint32_t *index, struct world_step *step)
{
    struct world_place *places[PLACES_MAX];
    uint32_t count = places_of(self, places);
    if (*index >= count) {
        *index -= count;
        return false;
    }
    *step = (struct world_step){.op = WORLD_OP_POLL, .access = WORLD_READ,
                                .object = places[*index]->object};
    return true;
}

bool ready_deadline(const struct timespec *span, uint64_t *deadline_ns)
{
    *deadline_ns = WORLD_NEVER;
    if (span == NULL) return true;
    if (span->tv_sec < 0 || span->tv_nsec < 0 || span->tv_nsec >= WHOLE_S) return false;
    *deadline_ns = world_now_ns() + (uint64_t)span->tv_sec * WHOLE_S + (uint64_t)span->tv_nsec;
    return true;
}
