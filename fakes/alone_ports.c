#include "fakes/alone_ports.h"

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
