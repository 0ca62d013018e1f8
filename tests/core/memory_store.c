#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static enum core_result load_meta(void *context, const char *session, const char *owner,
                                  bool create, struct store_meta *meta)
{
    struct memory_store *store = context;
    (void)session;
    enum core_result rc = CORE_OK;
    usleep(store->slow_us);
    pthread_mutex_lock(&store->lock);
    if (store->unanswered_loads > 0) {
        store->unanswered_loads--;
        rc = CORE_UNKNOWN;
    } else if (!store->exists && !create) {
        rc = CORE_NOT_FOUND;
    } else {
        if (!store->exists) {
            store->exists = true;
            store->epoch += 100;
            snprintf(store->owner, sizeof store->owner, "%s", owner);
        }
        *meta = (struct store_meta){ .epoch = store->epoch, .tenure = ++store->tenure,
                                     .head = store->head, .floor = store->floor };
        snprintf(meta->owner, sizeof meta->owner, "%s", store->owner);
    }
    pthread_mutex_unlock(&store->lock);
    return rc;
}

static enum core_result check_append(const struct memory_store *store, uint64_t epoch,
                                     uint64_t tenure, const struct store_event *event, bool *again)
{
    *again = false;
    if (epoch != store->epoch || tenure != store->tenure)
        return CORE_STALE;
    if (event->seq == store->head && store->head > 0 &&
        store->events[event->seq].key == event->key) {
        *again = true;
        return CORE_OK;
    }
    return event->seq == store->head + 1 ? CORE_OK : CORE_CONFLICT;
}

static void keep(struct memory_store *store, const struct store_event *event)
{
    struct memory_event *kept = &store->events[event->seq];
    assert_true(event->seq < MEMORY_EVENTS);
    store->head = event->seq;
    *kept = (struct memory_event){ .seq = event->seq, .key = event->key,
                                   .length = event->length };
    kept->type = strdup(event->type);
    kept->payload = strdup(event->payload);
}

static enum core_result append(void *context, const char *session, uint64_t epoch,
                               uint64_t tenure, const struct store_event *event)
{
    struct memory_store *store = context;
    bool again;
    (void)session;
    pthread_mutex_lock(&store->lock);
    store->appends++;
    enum core_result rc = check_append(store, epoch, tenure, event, &again);
    if (rc == CORE_OK && store->refused > 0) {
        store->refused--;
        rc = CORE_LIMIT;
    }
    bool silent = rc == CORE_OK && store->unanswered > 0;
    if (rc == CORE_OK && !again && (!silent || store->applied))
        keep(store, event);
    if (silent) {
        store->unanswered--;
        rc = CORE_UNKNOWN;
    }
    pthread_mutex_unlock(&store->lock);
    return rc;
}

static enum core_result read_events(void *context, const char *session, uint64_t epoch,
                                    uint64_t from, size_t limit, store_visit visit,
                                    void *visit_context)
{
    struct memory_store *store = context;
    (void)session, (void)epoch;
    pthread_mutex_lock(&store->lock);
    from = from < store->floor ? store->floor : from;
    for (uint64_t seq = from; seq <= store->head && seq < from + limit; seq++) {
        const struct memory_event *kept = &store->events[seq];
        struct store_event event = { .seq = kept->seq, .key = kept->key, .type = kept->type,
                                     .payload = kept->payload, .length = kept->length };
        if (!visit(visit_context, &event))
            break;
    }
    pthread_mutex_unlock(&store->lock);
    return CORE_OK;
}

static enum core_result trim(void *context, const char *session, uint64_t epoch, uint64_t tenure,
                             uint64_t floor)
{
    struct memory_store *store = context;
    enum core_result rc = CORE_STALE;
    (void)session;
    pthread_mutex_lock(&store->lock);
    if (epoch == store->epoch && tenure == store->tenure) {
        assert_true(floor <= store->head + 1);
        store->floor = floor > store->floor ? floor : store->floor;
        store->trims++;
        rc = CORE_OK;
    }
    pthread_mutex_unlock(&store->lock);
    return rc;
}

void memory_store_init(struct memory_store *store)
{
    memset(store, 0, sizeof *store);
    pthread_mutex_init(&store->lock, NULL);
    store->floor = 1;
    store->port = (struct message_store_port){ .context = store, .load_meta = load_meta,
                                               .append = append, .read = read_events,
                                               .trim = trim };
}

void memory_store_free(struct memory_store *store)
{
    for (uint64_t seq = 1; seq <= store->head; seq++) {
        free(store->events[seq].type);
        free(store->events[seq].payload);
    }
    pthread_mutex_destroy(&store->lock);
}
