#include "core/sandbox_pool.h"

#include <stdlib.h>

enum { LIST_FIRST = 16 };

static const struct sandbox_provider_port *provider(const struct box *box)
{
    return &box->core->sandbox_provider;
}

/* ---- what there is ---- */

static void begin_look(struct turn *turn, struct pool_look *look)
{
    struct sandboxes *sandboxes = turn->core->sandboxes;
    turn_lock(turn, &sandboxes->lock);
    *look = (struct pool_look){ .making = sandboxes->making, .makes = sandboxes->makes };
    turn_unlock(turn, &sandboxes->lock);
}

struct sandbox_record *pool_list(struct turn *turn, const struct box *box, struct pool_look *look,
                                 enum core_result *result)
{
    const struct sandbox_provider_port *port = provider(box);
    size_t capacity = LIST_FIRST;
    struct sandbox_record *records = NULL;
    begin_look(turn, look);
    for (;;) {
        free(records);
        records = calloc(capacity, sizeof *records);
        *result = CORE_NO_MEMORY;
        if (!records)
            return NULL;
        *result = port->list(port->context, records, capacity, &look->count);
        if (*result == CORE_OK && look->count <= capacity)
            return records;
        if (*result != CORE_OK)
            break;
        capacity = look->count;
    }
    free(records);
    return NULL;
}

/* ---- one more ---- */

/*
 * Several procedures look and make at the same time. Those that were being made when the look began
 * may be in its list or not, those begun later are not.
 */
static enum core_result reserve(struct turn *turn, const struct pool_look *look)
{
    struct sandboxes *sandboxes = turn->core->sandboxes;
    uint64_t total = turn->core->settings.pool_total;
    enum core_result result = look->count < total ? CORE_OK : CORE_LIMIT;
    turn_lock(turn, &sandboxes->lock);
    uint64_t unseen = look->making + (sandboxes->makes - look->makes);
    if (result == CORE_OK && look->count + unseen >= total)
        result = CORE_CONFLICT;
    if (result == CORE_OK) {
        sandboxes->making++;
        sandboxes->makes++;
    }
    turn_unlock(turn, &sandboxes->lock);
    return result;
}

enum core_result pool_create(struct turn *turn, const struct box *box,
                             const struct pool_look *look, const char *request,
                             struct sandbox_record *record)
{
    const struct sandbox_provider_port *port = provider(box);
    struct sandboxes *sandboxes = turn->core->sandboxes;
    enum core_result result = reserve(turn, look);
    if (result != CORE_OK)
        return result;
    result = port->create(port->context, request, box->app, record);
    turn_lock(turn, &sandboxes->lock);
    sandboxes->making--;
    turn_unlock(turn, &sandboxes->lock);
    return result;
}

/* ---- warm ones ---- */

/* What one list says of the sandboxes of this app. */
struct pool {
    size_t all, pooled;
};

static struct pool count_pool(const struct box *box, const struct sandbox_record *records,
                              size_t count)
{
    struct pool pool = { 0, 0 };
    for (size_t i = 0; i < count; i++) {
        bool same = records[i].app == box->app;
        pool.all += same;
        pool.pooled += same && !records[i].owner[0];
    }
    return pool;
}

/* How many of the app are to be kept warm: twice pool_warm while most of what exists is in use. */
static size_t warm_wanted(const struct box *box, struct pool pool)
{
    const struct core_settings *settings = &box->core->settings;
    bool busy = (pool.all - pool.pooled) * 100 > pool.all * settings->pool_grow_percent;
    return (size_t)settings->pool_warm * (busy ? 2 : 1);
}

bool pool_wants(const struct box *box, const struct sandbox_record *records, size_t count)
{
    struct pool pool = count_pool(box, records, count);
    return pool.pooled < warm_wanted(box, pool);
}

void pool_refill(struct turn *turn, const struct box *box)
{
    struct pool_look look;
    enum core_result result = CORE_OK;
    if (box->core->settings.pool_warm == 0)
        return;
    struct sandbox_record *records = pool_list(turn, box, &look, &result);
    if (!records)
        return;
    struct pool pool = count_pool(box, records, look.count);
    free(records);
    while (result == CORE_OK && pool.pooled < warm_wanted(box, pool)) {
        struct sandbox_record made;
        char request[CORE_NAME_MAX];
        box_request_name(box->core, request);
        result = pool_create(turn, box, &look, request, &made);
        pool.all++;
        pool.pooled++;
    }
}
