/* The log of a daemon that runs already, read as a client polls it: page by page, whenever
 * something has come from it. What was stored before that was said is in what is read. */
#include "harness/live/internal.h"

#include "fakes/scratch.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void read_event(struct live *live, struct followed *followed, const json_t *event)
{
    const char *type = json_string_value(json_object_get(event, "type"));
    char *payload = json_dumps(json_object_get(event, "payload"), JSON_COMPACT | JSON_ENCODE_ANY);
    if (type == NULL || payload == NULL) return;
    struct store_event stored = {.seq = (uint64_t)json_integer_value(json_object_get(event, "seq")),
                                 .type = scratch_copy(type, strlen(type)),
                                 .payload = payload, .length = strlen(payload)};
    followed->head = stored.seq;
    witness_stored(live->stage, 0, followed->name, followed->epoch, 1, &stored);
    store_tell_agents(live, followed->name, &stored);
}

/* Where it begins later than it was asked to, the rest was trimmed. */
static void read_page(struct live *live, struct followed *followed, const json_t *page)
{
    uint64_t epoch = (uint64_t)json_integer_value(json_object_get(page, "epoch"));
    const json_t *event, *events = json_object_get(page, "events");
    size_t i;
    if (epoch != followed->epoch) {
        followed->head = 0;
        followed->epoch = epoch;
        witness_opened(live->stage, 0, followed->name, epoch, 1, 0, 1);
    }
    if (json_is_true(json_object_get(page, "trimmed")) && json_array_size(events) > 0)
        witness_trimmed(live->stage, followed->name, epoch,
                        (uint64_t)json_integer_value(
                            json_object_get(json_array_get(events, 0), "seq")));
    json_array_foreach(events, i, event) read_event(live, followed, event);
}

/* False: there is nothing more now. */
static bool follow(struct live *live, struct followed *followed, uint32_t at)
{
    char path[256], cursor[64] = "";
    json_t *page;
    if (followed->epoch > 0)
        (void)snprintf(cursor, sizeof cursor, "&epoch=%" PRIu64 "&cursor=%" PRIu64,
                       followed->epoch, followed->head);
    (void)snprintf(path, sizeof path, "/sessions/%s/history?limit=100%s",
                   live_session(live, followed->name), cursor);
    int status = elsewhere_ask(elsewhere_address(live->elsewhere),
                               live_token(live, live->owners[at]), path, live->loop.until_ns,
                               &page, NULL);
    if (status == 404) return false; /* nobody has opened it yet */
    if (status != 200 || page == NULL)
        live_give_up(live, "GET %s: %s (status %d)", path,
                     status == 0 ? "the daemon does not answer any more" : "its log is not told",
                     status);
    read_page(live, followed, page);
    return json_is_true(json_object_get(page, "more"));
}

void history_look(struct live *live)
{
    for (uint32_t i = 0; i < live->session_count; i++) {
        live->followed[i].name = live->sessions[i];
        while (follow(live, &live->followed[i], i)) {}
    }
}
