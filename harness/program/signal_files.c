/* signalfd: what is pending, as something to be read. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>

#include "harness/net/epoll.h"
#include "harness/net/store.h"
#include "harness/net/transfer.h"
#include "signals.h"

struct signal_file {
    struct description description;
    struct world_place place;
    uint64_t set;
    uint16_t reader; /* the last one */
    struct signal_file *next; /* of all that are open */
};

static struct signal_file *files;

void signal_files_begin(void)
{
    files = NULL;
}

void signal_files_changed(void)
{
    for (struct signal_file *at = files; at; at = at->next) {
        description_event(&at->description, POLLIN);
    }
}

static void tell_file(const struct world_place *place, char *out, size_t bytes)
{
    const struct signal_file *file =
        (const struct signal_file *)((const char *)place - offsetof(struct signal_file, place));
    snprintf(out, bytes, "signalfd %d", file->description.number);
}

/* For the process, or for whoever reads it: others may ask on his behalf. */
static bool has_some(const struct signal_file *file)
{
    return (signals_pending(file->reader) & file->set) != 0;
}

static bool can_read(const void *context)
{
    const struct transfer *transfer = context;
    return has_some((const struct signal_file *)transfer->self);
}

static struct signalfd_siginfo entry_of(const siginfo_t *info)
{
    return (struct signalfd_siginfo){
        .ssi_signo = (uint32_t)info->si_signo, .ssi_code = info->si_code,
        .ssi_pid = (uint32_t)info->si_pid, .ssi_uid = info->si_uid, .ssi_int = info->si_int,
        .ssi_ptr = (uintptr_t)info->si_ptr};
}

static ssize_t read_signals(struct transfer *transfer)
{
    struct signal_file *file = (struct signal_file *)transfer->self;
    struct transfer_gate gate = {.place = &file->place, .open = can_read, .op = WORLD_OP_RECV,
                                 .gates = WORLD_GATE_IN,
                                 .waits = description_waits(transfer->self, 0)};
    struct signalfd_siginfo entry;
    siginfo_t info;
    if (transfer->count < sizeof entry) return -EINVAL;
    file->reader = world_self();
    if (!transfer_pass(transfer, &gate)) return transfer->why;
    while (transfer->count - transfer->done >= sizeof entry && signal_take(file->set, &info)) {
        entry = entry_of(&info);
        memcpy(transfer->bytes + transfer->done, &entry, sizeof entry);
        transfer->done += sizeof entry;
    }
    place_touch(transfer->bytes, transfer->done, true);
    transfer_say(transfer, (ssize_t)transfer->done);
    place_step(&file->place, WORLD_OP_RECV, WORLD_WRITE, (uint32_t)transfer->done);
    return (ssize_t)transfer->done;
}

static short ready(const struct description *self)
{
    return has_some((const struct signal_file *)self) ? POLLIN | POLLRDNORM : 0;
}

static uint32_t places(struct description *self, struct world_place **out)
{
    *out = &((struct signal_file *)self)->place;
    return 1;
}

static void release(struct description *self)
{
    struct signal_file **at = &files;
    while (*at && &(*at)->description != self) at = &(*at)->next;
    if (*at) *at = (*at)->next;
}

static const struct description_kind kind = {
    .word = "signalfd", .read = read_signals, .ready = ready, .places = places,
    .release = release,
};

static int make(uint64_t set, int flags)
{
    struct signal_file *file = store_take(sizeof *file);
    file->place.tell = tell_file;
    file->set = set;
    file->reader = world_self();
    place_point(NULL, WORLD_NONE);
    int number = descriptor_open(&file->description, &kind, O_RDWR | flags, 0);
    if (number < 0) return number;
    file->next = files;
    files = file;
    return number;
}

static int change(int number, uint64_t set)
{
    struct description *self = descriptor_look(number);
    if (self == NULL) return -EBADF;
    if (self->kind != &kind) return -EINVAL;
    ((struct signal_file *)self)->set = set;
    if (has_some((struct signal_file *)self)) signal_files_changed();
    gate_changed();
    return number;
}

int world_signalfd(int number, const sigset_t *set, int flags)
{
    place_enter(CALL_SITE);
    if (flags & ~(SFD_CLOEXEC | SFD_NONBLOCK)) return (int)result_of(-EINVAL);
    uint64_t wanted = signal_set(set) & ~(signal_bit(SIGKILL) | signal_bit(SIGSTOP));
    return (int)result_of(number == -1 ? make(wanted, flags) : change(number, wanted));
}
