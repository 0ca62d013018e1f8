/* The message store: one stream of events for each session. It outlives every core. */
#include "fakes/internal.h"

static struct stream *stream_find(struct messages *messages, const char *name)
{
    for (uint32_t i = 0; i < messages->count; i++) {
        if (strcmp(messages->streams[i]->name, name) == 0) return messages->streams[i];
    }
    return NULL;
}

static struct stream *stream_new(struct messages *messages, const char *name, const char *owner)
{
    struct stream *stream = scratch_alloc(sizeof *stream);

    if (messages->count == SESSIONS_MAX)
        world_stop("more than %d sessions in one execution", SESSIONS_MAX);
    messages->streams[messages->count++] = stream;
    stream->name = scratch_copy(name, strlen(name));
    stream->word = record_intern(name);
    REQUIRE(strlen(owner) < sizeof stream->owner);
    memcpy(stream->owner, owner, strlen(owner) + 1);
    stream->epoch = ++messages->epochs;
    stream->floor = 1;
    return stream;
}

/* --- opening --- */

static enum core_result open_stream(struct instance *instance, const char *name, const char *owner,
                                    bool create, struct store_meta *meta)
{
    struct messages *messages = &instance->play->messages;
    struct stream *stream = stream_find(messages, name);

    if (stream == NULL && !create) return CORE_NOT_FOUND;
    if (stream == NULL) stream = stream_new(messages, name, owner);
    stream->tenure++;
    *meta = (struct store_meta){ .epoch = stream->epoch, .tenure = stream->tenure,
                                 .head = stream->head, .floor = stream->floor };
    memcpy(meta->owner, stream->owner, sizeof meta->owner);
    RECORD(STORE_OPEN, PARTY_MESSAGES, instance->party, PARTY_MESSAGES, 0,
           .session = stream->word, .epoch = (int64_t)stream->epoch,
           .tenure = (int64_t)stream->tenure, .head = (int64_t)stream->head,
           .floor = (int64_t)stream->floor, .code = record_intern("ok"));
    return CORE_OK;
}

static enum core_result load_meta(void *context, const char *session, const char *owner,
                                  bool create, struct store_meta *meta)
{
    struct instance *instance = instance_called(context);
    struct store_call call;
    enum core_result rc = CORE_FAILED;

    store_call_begin(instance, &call, STORE_MESSAGES, "load", session);
    if (store_performed(&call)) rc = open_stream(instance, session, owner, create, meta);
    return store_end(instance, &call, rc);
}

/* --- appending --- */

static void keep(struct stream *stream, const struct store_event *event, uint64_t tenure)
{
    if (stream->head == stream->capacity) {
        uint64_t capacity = stream->capacity == 0 ? 32 : 2 * stream->capacity;
        struct stored_event *grown = scratch_alloc(capacity * sizeof *grown);
        if (stream->head > 0) memcpy(grown, stream->events, stream->head * sizeof *grown);
        stream->events = grown;
        stream->capacity = capacity;
    }
    stream->events[stream->head++] = (struct stored_event){
        event->key, tenure, scratch_copy(event->type, strlen(event->type)),
        scratch_copy(event->payload, event->length), event->length };
}

static enum core_result judge(const struct stream *stream, uint64_t epoch, uint64_t tenure,
                              const struct store_event *event)
{
    if (stream == NULL) return CORE_NOT_FOUND;
    if (stream->epoch != epoch || stream->tenure != tenure) return CORE_STALE;
    if (event->seq == 0 || event->seq > stream->head + 1) return CORE_CONFLICT;
    return CORE_OK;
}

/* Who published the event, if a fake did. */
static record_word producer_of(const struct store_event *event)
{
    static const char mark[] = "\"by\":\"";
    const char *at = memmem(event->payload, event->length, mark, sizeof mark - 1);

    if (at == NULL) return 0;
    at += sizeof mark - 1;
    return record_intern_bytes(at, strcspn(at, "\""));
}

/* What the core says of runs and questions, for a model of the session to go by. */
static void note_state(record_word session, uint64_t epoch, const struct store_event *event)
{
    static const char *const types[] = { "run_state", "prompt_closed", "request_confirmation",
                                         "request_user_input" };
    bool any = false;

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        any = any || strcmp(event->type, types[i]) == 0;
    if (!any) return;
    const json_t *payload = json_loadb(event->payload, event->length, 0, NULL);
    const char *state = json_string_value(json_object_get(payload, "state"));
    const char *outcome = json_string_value(json_object_get(payload, "outcome"));
    RECORD(LOG_SAYS, PARTY_MESSAGES, 0, 0, 0, .session = session,
           .epoch = (int64_t)epoch, .seq = (int64_t)event->seq,
           .run = json_integer_value(json_object_get(payload, "run")),
           .state = state == NULL ? 0 : record_intern(state),
           .prompt = json_integer_value(json_object_get(payload, "prompt")),
           .outcome = outcome == NULL ? 0 : record_intern(outcome));
}

void messages_record(record_word session, uint16_t core, uint64_t epoch, uint64_t tenure,
                     const struct store_event *event)
{
    RECORD(LOG_APPEND, PARTY_MESSAGES, core, PARTY_MESSAGES, 0, .session = session,
           .kind = record_intern(event->type), .epoch = (int64_t)epoch, .seq = (int64_t)event->seq,
           .digest = record_digest(event->payload, event->length), .key = (int64_t)event->key,
           .tenure = (int64_t)tenure, .producer = producer_of(event),
           .bytes = (int64_t)(strlen(event->type) + event->length));
    note_state(session, epoch, event);
}

static enum core_result append_event(struct instance *instance, const char *session,
                                     uint64_t epoch, uint64_t tenure,
                                     const struct store_event *event)
{
    struct messages *messages = &instance->play->messages;
    struct stream *stream = stream_find(messages, session);
    enum core_result rc = judge(stream, epoch, tenure, event);
    record_word kind = record_intern(event->type);

    if (rc == CORE_OK && event->seq <= stream->head) {
        const struct stored_event *known = &stream->events[event->seq - 1];
        return known->key == event->key && known->tenure == tenure ? CORE_OK : CORE_CONFLICT;
    }
    if (rc != CORE_OK) {
        RECORD(LOG_REFUSED, PARTY_MESSAGES, PARTY_MESSAGES, instance->party, 0,
               .session = record_intern(session), .kind = kind, .epoch = (int64_t)epoch,
               .seq = (int64_t)event->seq,
               .code = record_intern(instance->play->api->result_word(rc)));
        return rc;
    }
    keep(stream, event, tenure);
    messages->written = stream;
    messages_record(stream->word, instance->party, epoch, tenure, event);
    return CORE_OK;
}

static enum core_result append(void *context, const char *session, uint64_t epoch,
                               uint64_t tenure, const struct store_event *event)
{
    struct instance *instance = context;
    struct store_call call;
    enum core_result rc = CORE_FAILED;

    store_call_begin(instance, &call, STORE_MESSAGES, "append", session);
    if (store_performed(&call)) rc = append_event(instance, session, epoch, tenure, event);
    return store_end(instance, &call, rc);
}

/* --- reading and trimming --- */

static enum core_result visit_events(const struct stream *stream, uint64_t epoch, uint64_t from,
                                     size_t limit, store_visit visit, void *visit_context)
{
    if (stream == NULL) return CORE_NOT_FOUND;
    if (stream->epoch != epoch) return CORE_STALE;
    if (from < stream->floor) from = stream->floor;
    for (uint64_t seq = from; seq <= stream->head && limit > 0; seq++, limit--) {
        const struct stored_event *stored = &stream->events[seq - 1];
        struct store_event event = { seq, stored->key, stored->type, stored->payload,
                                     stored->length };
        if (!visit(visit_context, &event)) break;
    }
    return CORE_OK;
}

static enum core_result read_events(void *context, const char *session, uint64_t epoch,
                                    uint64_t from, size_t limit, store_visit visit,
                                    void *visit_context)
{
    struct instance *instance = context;
    struct store_call call;
    enum core_result rc = CORE_FAILED;

    store_call_begin(instance, &call, STORE_MESSAGES, "read", session);
    if (store_performed(&call))
        rc = visit_events(stream_find(&instance->play->messages, session), epoch, from, limit,
                          visit, visit_context);
    return store_end(instance, &call, rc);
}

static enum core_result trim_stream(struct stream *stream, uint64_t epoch, uint64_t tenure,
                                    uint64_t floor)
{
    if (stream == NULL) return CORE_NOT_FOUND;
    if (stream->epoch != epoch || stream->tenure != tenure) return CORE_STALE;
    if (floor > stream->head + 1) return CORE_INVALID;
    if (floor > stream->floor) stream->floor = floor;
    RECORD(LOG_TRIM, PARTY_MESSAGES, 0, 0, 0, .session = stream->word, .epoch = (int64_t)epoch,
           .floor = (int64_t)stream->floor);
    return CORE_OK;
}

static enum core_result trim(void *context, const char *session, uint64_t epoch,
                             uint64_t tenure, uint64_t floor)
{
    struct instance *instance = instance_called(context);
    struct store_call call;
    enum core_result rc = CORE_FAILED;

    store_call_begin(instance, &call, STORE_MESSAGES, "trim", session);
    if (store_performed(&call))
        rc = trim_stream(stream_find(&instance->play->messages, session), epoch, tenure, floor);
    return store_end(instance, &call, rc);
}

struct message_store_port messages_port(struct instance *instance)
{
    return (struct message_store_port){ instance, load_meta, append, read_events, trim };
}

/* --- faults --- */

/* Somebody may hold the event that exists no more. So its number is not given out again in this
 * epoch: what is left begins a new one, and whoever writes into the old one is refused. */
bool messages_lose_last(struct play *play)
{
    struct messages *messages = &play->messages;
    struct stream *stream = messages->written;

    if (stream == NULL || stream->head < stream->floor) return false;
    RECORD(LOG_LOST, PARTY_MESSAGES, 0, 0, 0, .session = stream->word,
           .epoch = (int64_t)stream->epoch, .seq = (int64_t)stream->head);
    stream->head--;
    stream->epoch = ++messages->epochs;
    return true;
}
