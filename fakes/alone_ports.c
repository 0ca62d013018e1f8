#include "fakes/alone_ports.h"

#include "fakes/inspect.h"

static enum core_result renew(void *context, const char *key, const char *owner, uint64_t token,
                              uint64_t ttl_us)
{
    (void)context, (void)key, (void)owner, (void)token, (void)ttl_us;
    return CORE_OK;
}

static enum core_result give_back(void *context, const char *key, const char *owner,
                                  uint64_t token)
{
    (void)context, (void)key, (void)owner, (void)token;
    return CORE_OK;
}

static enum core_result read_grant(void *context, const char *key, struct lock_grant *grant)
{
    (void)context, (void)key;
    *grant = (struct lock_grant){ .held = false };
    return CORE_OK;
}

struct lock_store_port alone_lasting_locks(
    void *context, enum core_result (*try_acquire)(void *context, const char *key,
                                                   const char *owner, uint64_t ttl_us,
                                                   uint64_t *token))
{
    return (struct lock_store_port){ context, try_acquire, renew, give_back, read_grant };
}

/* --- no tabs --- */

static void write_nothing(void *context, uint64_t handle, struct conn_ref conn)
{
    const struct actor *actor = context;

    (void)handle, (void)conn;
    inspect_tell(actor->instance, "connections of a core without any", 1, 0, 0);
}

static void close_nothing(void *context, uint64_t handle, struct conn_ref conn,
                          enum core_close_code code)
{
    (void)code;
    write_nothing(context, handle, conn);
}

struct transport_port alone_no_tabs(struct actor *actor)
{
    return (struct transport_port){ actor, write_nothing, close_nothing };
}

/* --- the end --- */

/* Calls of the ports that are under way take less. */
static const uint64_t longest_us = 60000000;

static void overdue(void *context)
{
    const struct actor *actor = context;
    if (actor->dead) return;    /* with its core, in the midst of the drain */
    inspect_tell(actor->instance, "whether a drain comes to an end", 0, 1, 1);
}

enum core_result alone_drain(struct actor *actor, struct core *core, uint64_t deadline_us)
{
    char name[WORLD_NAME_MAX];
    uint16_t task = world_task(name_of(name, actor->scn->name, ".overdue", ""), WORLD_FAULT,
                               overdue, actor);

    world_task_arm(task, ahead_ns(deadline_us + longest_us));
    enum core_result rc = actor->play->api->drain(core, deadline_us);
    world_task_disarm(task);
    return rc;
}
