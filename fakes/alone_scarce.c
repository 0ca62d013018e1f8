/* A core that a backend makes on a machine that has nothing more to give: what it cannot have it
 * says, and leaves nothing behind. */
#include "fakes/alone.h"

/* So that nobody else is refused anything. */
enum { GROUP = GROUP_SCARCE };

/* Somewhat more than a core asks for. */
static const uint32_t asked_most[WORLD_RESOURCES] = {
    [WORLD_MEMORY] = 16, [WORLD_THREADS] = 6, [WORLD_LOCKS] = 28,
};

static void configure(struct alone *alone, struct core_config *config,
                      struct lock_store_port *locks)
{
    *locks = (struct lock_store_port){ .context = alone };   /* nobody asks for a lease */
    alone->api->config_default(config);
    config->name = "scarce";
    config->hash_seed = config->jitter_seed = 1;
    config->transport = alone_transport(alone);
    config->locks = locks;
    alone->port = alone_store(alone);
    config->messages = &alone->port;
}

static void use(struct alone *alone, struct core *core, enum world_resource what)
{
    const struct core_api *api = alone->api;
    enum core_result rc = api->start(core);
    bool refused = !world_refusal_waits(GROUP, what);

    alone_tell(alone, "the answer to a start without a thread", rc,
               refused ? CORE_NO_MEMORY : CORE_OK);
    alone_tell(alone, "the health of a core that may lack a thread", api->health(core),
               refused ? CORE_STOPPED : CORE_HEALTHY);
    alone_tell(alone, "the drain of a core that may lack a thread", api->drain(core, 1000000),
               CORE_OK);
    api->destroy(core);
}

static void make(struct alone *alone, enum world_resource what)
{
    struct core_config config;
    struct lock_store_port locks;
    struct core *core = NULL;

    configure(alone, &config, &locks);
    world_refuse(GROUP, what, 1 + world_choose(asked_most[what], "which_is_refused"));
    enum core_result rc = alone->api->create(&config, &core);
    bool refused = !world_refusal_waits(GROUP, what);
    alone_tell(alone, "the answer of a machine that is full", rc,
               refused ? CORE_NO_MEMORY : CORE_OK);
    alone_tell(alone, "whether a core that was refused is there", core != NULL, !refused);
    if (core != NULL) use(alone, core, what);
    world_refuse(GROUP, what, 0);
}

void alone_scarce(struct alone *alone)
{
    struct play *play = alone->actor->play;
    uint8_t own = world_group_of(world_self());

    if (play->scarce != NULL) return;
    play->scarce = alone->actor;
    world_group_enter(GROUP);
    make(alone, (enum world_resource)world_choose(WORLD_RESOURCES, "what_is_refused"));
    world_group_enter(own);
    play->scarce = NULL;
    alone_tell(alone, "blocks of a core that is gone", world_blocks_live(GROUP, NULL, 0), 0);
    alone_tell(alone, "locks of a core that is gone", world_objects_live(GROUP), 0);
}
