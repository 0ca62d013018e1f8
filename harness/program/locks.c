#include "locks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#include "harness/world/world.h"
#include "streams.h"

enum { LOCKS_MAX = STREAMS_MAX };

static struct lock {
    struct file *file;
    const struct description *holder;
    bool exclusive;
} locks[LOCKS_MAX];
static uint32_t used;

void locks_begin(void)
{
    used = 0;
}

/* Who locks next knows what was done before: as when something is sent and received. */
void locks_release(const struct description *self)
{
    for (uint32_t i = 0; i < used; i++) {
        if (locks[i].holder != self) continue;
        struct file *file = locks[i].file;
        locks[i] = locks[--used];
        place_say("unlock file %s", file->path);
        place_step(&file->place, WORLD_OP_SEND, WORLD_WRITE, 0);
        gate_changed();
        return;
    }
}

struct request {
    struct description *self;
    struct file *file;
    bool exclusive;
};

static bool can_lock(const void *context)
{
    const struct request *request = context;
    for (uint32_t i = 0; i < used; i++) {
        if (locks[i].file != request->file || locks[i].holder == request->self) continue;
        if (request->exclusive || locks[i].exclusive) return false;
    }
    return true;
}

static void tell(const void *context, char *out, size_t bytes)
{
    const struct request *request = context;
    snprintf(out, bytes, "flock on file %s", request->file->path);
}

static void abandon(const void *context)
{
    description_drop(((const struct request *)context)->self);
}

/* As Linux does it, a lock that is asked for again is given back first. */
static int lock(struct request *request, bool waits)
{
    struct world_gate gate = {.open = can_lock, .context = request, .place = &request->file->place,
                              .tell = tell, .abandon = abandon, .op = WORLD_OP_RECV,
                              .gates = WORLD_GATE_IN, .restarts = true,
                              .deadline_ns = WORLD_NEVER};
    locks_release(request->self);
    if (!waits && !can_lock(request)) return -EWOULDBLOCK;
    if (waits && !gate_pass(&gate)) return -EINTR;
    locks[used++] = (struct lock){request->file, request->self, request->exclusive};
    place_say("lock file %s", request->file->path);
    place_step(&request->file->place, WORLD_OP_RECV, WORLD_WRITE, 0);
    return 0;
}

static int lock_file(struct description *self, int operation)
{
    struct request request = {self, stream_file(self), (operation & LOCK_EX) != 0};
    if (request.file == NULL) return -EINVAL;
    switch (operation & ~LOCK_NB) {
    case LOCK_UN:
        locks_release(self);
        return 0;
    case LOCK_SH:
    case LOCK_EX:
        return lock(&request, !(operation & LOCK_NB));
    default:
        return -EINVAL;
    }
}

int world_flock(int number, int operation)
{
    struct description *self = descriptor_use(number, "flock", CALL_SITE);
    if (self == NULL) return -1;
    if (place_searching()) world_stop("the reduced search takes no locks of files");
    int rc = lock_file(self, operation);
    description_drop(self);
    return (int)result_of(rc);
}

/* A process is never in its own way. */
int world_lockf(int number, int command, off_t bytes)
{
    (void)bytes;
    if (descriptor_look(number) == NULL) return (int)result_of(-EBADF);
    return command >= F_ULOCK && command <= F_TEST ? 0 : (int)result_of(-EINVAL);
}

__attribute__((alias("world_lockf"))) int world_lockf64(int number, int command, off_t bytes);
