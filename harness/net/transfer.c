#include "transfer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "net.h"

static net_pipe_signal *pipe_signal;

void net_on_broken_pipe(net_pipe_signal *signal)
{
    pipe_signal = signal;
}

static void tell(const void *context, char *out, size_t bytes)
{
    const struct transfer *transfer = context;
    char what[160];
    description_tell(transfer->self, what, sizeof what);
    snprintf(out, bytes, "%s on %s", transfer->verb, what);
}

static void abandon(const void *context)
{
    const struct transfer *transfer = context;
    description_drop(transfer->self);
}

bool transfer_pass(struct transfer *transfer, const struct transfer_gate *gate)
{
    uint64_t limit = transfer->timeout_ns;
    bool passed;
    if (gate->waits) {
        struct world_gate wait = {
            .open = gate->open, .context = transfer, .place = gate->place, .tell = tell,
            .abandon = abandon, .op = gate->op, .gates = gate->gates,
            .restarts = limit == 0,
            .deadline_ns = limit == 0 ? WORLD_NEVER : world_now_ns() + limit};
        passed = gate_pass(&wait);
    } else {
        if (place_searching()) place_point(gate->place, WORLD_WRITE);
        passed = gate->open(transfer);
    }
    if (passed) return true;
    transfer->why = gate->waits && gate_interrupted() ? -EINTR : -EAGAIN;
    transfer_say(transfer, transfer->why);
    place_step(gate->place, gate->op, WORLD_READ, (uint32_t)-transfer->why);
    return false;
}

void transfer_say(const struct transfer *transfer, ssize_t result)
{
    if (result < 0) {
        place_say("%s %d  %s", transfer->verb, transfer->number, strerrorname_np((int)-result));
    } else {
        place_say("%s %d  %zd byte%s", transfer->verb, transfer->number, result,
                  result == 1 ? "" : "s");
    }
}

ssize_t transfer_broken(const struct transfer *transfer)
{
    char what[160];
    if ((transfer->flags & MSG_NOSIGNAL) || (pipe_signal && pipe_signal())) return -EPIPE;
    description_tell(transfer->self, what, sizeof what);
    world_fail(WORLD_FOUND_CRASH, "SIGPIPE: %s on %s, which nobody reads any more", transfer->verb,
               what);
}
