/* The end of a core that a backend has for itself, in the midst of something. From here on calls of
 * the provider are answered as they come, and well: so what was begun is ended, and told. */
#include "fakes/alone_supply.h"
#include "fakes/alone_ports.h"

enum { DEEDS_MAX = 3 };

/* A procedure waits for a slice of a call, then pauses once, at most. */
static const uint64_t drain_us = 2 * SUPPLY_SLICE_US + SUPPLY_PAUSE_MAX_US;

enum deed_kind { ACQUIRE, START, STOP, RELEASE };

/* Something that was asked for, and its answers. */
struct deed {
    struct supply *supply;
    enum deed_kind kind;
    bool accepted;
    uint32_t answers;
    enum core_result rc;
};

struct ending {
    struct supply *supply;
    struct deed deeds[DEEDS_MAX];
    uint32_t count;
    uint64_t mine;               /* sandboxes of the owner, before that */
    uint32_t tasks;              /* processes that had been begun */
};

/* --- what is asked for --- */

static void note(struct deed *deed, enum core_result rc)
{
    deed->answers++;
    deed->rc = rc;
}

static void on_sandbox(void *context, enum core_result rc, struct sandbox_ref ref)
{
    struct deed *deed = context;

    note(deed, rc);
    if (deed->kind == ACQUIRE && rc == CORE_OK) deed->supply->ref = ref;
}

static void on_server(void *context, enum core_result rc, const struct server_status *status)
{
    (void)status;
    note(context, rc);
}

static enum core_result ask(struct deed *deed)
{
    static const struct session_ref nobody = { 0, 0 };
    struct supply *supply = deed->supply;
    const struct core_api *api = supply->api;

    switch (deed->kind) {
    case ACQUIRE:
        return api->sandbox_acquire(supply->core, supply->owner, supply->app, on_sandbox, deed);
    case START:
        return api->server_ensure(supply->core, supply->ref, supply->app, nobody, on_server, deed);
    case STOP:
        return api->server_stop(supply->core, supply->ref, supply->app, 0, on_server, deed);
    case RELEASE:
        return api->sandbox_release(supply->core, supply->ref, on_sandbox, deed);
    }
    return CORE_INVALID;
}

static void wait_some(void)
{
    static const uint64_t pauses_us[] = { 0, 200000, 1700000, 6000000 };
    uint64_t pause_us = pauses_us[world_choose(4, "a_pause")];

    if (pause_us > 0) world_sleep_until(ahead_ns(pause_us));
}

static void do_some(struct ending *ending)
{
    struct supply *supply = ending->supply;

    ending->count = world_choose(DEEDS_MAX + 1, "what_a_drain_meets");
    for (uint32_t i = 0; i < ending->count; i++) {
        struct deed *deed = &ending->deeds[i];
        *deed = (struct deed){ .supply = supply, .kind = world_choose(4, "what_to_do") };
        deed->accepted = ask(deed) == CORE_OK;
        wait_some();
    }
}

/* --- what has come of it --- */

static bool was_accepted(const struct ending *ending, enum deed_kind kind)
{
    for (uint32_t i = 0; i < ending->count; i++)
        if (ending->deeds[i].kind == kind && ending->deeds[i].accepted) return true;
    return false;
}

/* The last of either kind that was accepted; NULL: none. */
static const struct deed *last_of(const struct ending *ending, enum deed_kind one,
                                  enum deed_kind other)
{
    const struct deed *last = NULL;

    for (uint32_t i = 0; i < ending->count; i++) {
        const struct deed *deed = &ending->deeds[i];
        if (deed->accepted && (deed->kind == one || deed->kind == other)) last = deed;
    }
    return last;
}

/* In the next sandbox of its owner a server may start by itself. */
static bool was_stopped_last(const struct ending *ending)
{
    const struct deed *last = last_of(ending, START, STOP);
    return last != NULL && last->kind == STOP && !was_accepted(ending, RELEASE);
}

static bool may_end_so(const struct ending *ending, const struct deed *deed)
{
    switch (deed->kind) {
    case ACQUIRE:
        return deed->rc == CORE_OK || deed->rc == CORE_DRAINING || deed->rc == CORE_LIMIT;
    case START:
        return deed->rc == CORE_OK || deed->rc == CORE_CANCELLED ||
               deed->rc == CORE_PORT_IN_USE || deed->rc == CORE_FAILED ||
               (deed->rc == CORE_DRAINING && !was_stopped_last(ending)) ||
               (deed->rc == CORE_STALE && was_accepted(ending, RELEASE));
    default:
        return deed->rc == CORE_OK;
    }
}

static void judge_deed(const struct ending *ending, const struct deed *deed)
{
    const struct supply *supply = deed->supply;

    supply_tell(supply, "answers to what a drain met", deed->answers, deed->accepted);
    if (deed->answers > 0)
        supply_tell(supply, "whether what a drain met can end so", may_end_so(ending, deed), 1);
}

static uint64_t count_mine(const struct supply *supply)
{
    uint64_t mine = 0;

    for (uint32_t i = 0; i < supply->crate_count; i++)
        mine += supply->crates[i].exists && strcmp(supply->crates[i].owner, supply->owner) == 0;
    return mine;
}

/* What was given back is nobody's; so is what nobody was told of. */
static void judge_boxes(const struct ending *ending)
{
    uint64_t most = ending->mine - was_accepted(ending, RELEASE);
    const struct deed *last = last_of(ending, ACQUIRE, RELEASE);

    for (uint32_t i = 0; i < ending->count; i++)
        most += ending->deeds[i].kind == ACQUIRE && ending->deeds[i].answers > 0 &&
                ending->deeds[i].rc == CORE_OK;
    supply_tell(ending->supply, "whether a drain leaves no sandbox that nobody was told of",
                count_mine(ending->supply) <= most, 1);
    if (last != NULL && last->kind == ACQUIRE && last->rc == CORE_OK)
        supply_tell(ending->supply, "whether who was told of a sandbox has one",
                    count_mine(ending->supply) > 0, 1);
}

static uint64_t count_left(const struct ending *ending)
{
    const struct supply *supply = ending->supply;
    uint64_t left = 0;

    for (uint32_t i = was_accepted(ending, STOP) ? 0 : ending->tasks; i < supply->task_count; i++)
        left += supply->tasks[i].record.alive && supply->tasks[i].crate->exists &&
                supply->tasks[i].record.app == supply->app;
    return left;
}

/* A server runs, or nothing is left of it: neither a start nor a stop is left half done. */
static void judge_server(const struct ending *ending)
{
    const struct supply *supply = ending->supply;
    struct server_status told = { .state = SERVER_STOPPED };

    (void)supply->api->server_status(supply->core, supply->ref, supply->app, &told);
    supply_tell(supply, "whether a drain leaves a server between two states",
                told.state == SERVER_STARTING || told.state == SERVER_STOPPING, 0);
    supply_tell(supply, "whether a server runs that was stopped last",
                was_stopped_last(ending) && told.state == SERVER_RUNNING, 0);
    if (told.state != SERVER_RUNNING)
        supply_tell(supply, "processes that a drain leaves behind", count_left(ending), 0);
}

void supply_drain(struct supply *supply)
{
    struct ending ending = { .supply = supply, .tasks = supply->task_count };

    ending.mine = count_mine(supply);
    supply->serves = true;
    for (uint32_t i = 0; i < supply->task_count; i++)
        supply->tasks[i].begin_us = supply->tasks[i].undying = 0;
    do_some(&ending);
    uint64_t begun_us = now_us();
    supply_tell(supply, "the answer to a drain", alone_drain(supply->actor, supply->core, 1000000),
                CORE_OK);
    supply_tell(supply, "whether a drain ends in time", now_us() - begun_us <= drain_us, 1);
    for (uint32_t i = 0; i < ending.count; i++) judge_deed(&ending, &ending.deeds[i]);
    judge_boxes(&ending);
    judge_server(&ending);
    supply_tell(supply, "leases that a drain leaves behind", supply->grants, 0);
}
