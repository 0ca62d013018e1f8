/* Backends: the embedding program's own threads, which call the core's functions. They belong to
 * the core's process: when it is killed, so are they. */
#include "fakes/backend.h"

void reply_init(struct reply *reply, const struct actor *actor)
{
    reply->place = place_each(PLACE_REPLY, actor->index);
    reply->queue = queue_at(reply->place, actor->play->silent);
}

struct reply *reply_new(const struct actor *actor)
{
    struct reply *reply = scratch_alloc(sizeof *reply);
    reply_init(reply, actor);
    return reply;
}

void reply_await(struct actor *actor, struct reply *reply)
{
    actor_busy(actor, false);
    if (reply->done) world_stand(&reply->queue);
    while (!reply->done) (void)world_wait(&reply->queue, WORLD_NEVER, "an answer of the core");
    world_meet_place(reply->place, WORLD_TAKES);
    actor_busy(actor, true);
}

void reply_finish(struct reply *reply, enum core_result rc)
{
    reply->rc = rc;
    reply->done = true;
    world_meet_place(reply->place, WORLD_GIVES);
    world_wake(&reply->queue);
}

void reply_sandbox(void *context, enum core_result rc, struct sandbox_ref sandbox)
{
    struct reply *reply = context;
    reply->sandbox = sandbox;
    reply_finish(reply, rc);
}

static void on_lease(void *context, enum core_result rc, struct lease_ref lease, uint64_t token)
{
    struct reply *reply = context;
    reply->lease = lease;
    reply->token = token;
    reply->held_ns = world_now_ns();
    if (reply->holder != NULL)
        tally_answer(reply->holder->instance, record_text(reply->key), reply->waits, rc);
    reply_finish(reply, rc);
}

static void on_lost(void *context, struct lease_ref lease)
{
    struct reply *reply = context;

    (void)lease;
    reply->lost = true;
    tally_end(reply->holder->instance, record_text(reply->key),
              (world_now_ns() - reply->held_ns) / 1000, true);
    RECORD(LEASE_LOST, reply->holder->party, 0, 0, 0, .key = reply->key,
           .token = (int64_t)reply->token);
}

void note_refusal(struct actor *actor, const char *op, enum core_result rc)
{
    if (rc == CORE_OK) return;
    RECORD(CALL_REFUSED, actor->party, actor->instance->party, actor->party, 0,
           .op = record_intern(op),
           .code = record_intern(actor->play->api->result_word(rc)));
}

enum core_result find_session(struct actor *actor, uint32_t flags, struct session_ref *ref)
{
    uint64_t epoch;

    return actor->play->api->session_open_wait(actor->instance->core, actor->session, actor->user,
                                               flags, ref, &epoch);
}

/* --- steps --- */

static void open_session(struct actor *actor, const struct scn_step *step)
{
    bool create = strcmp(attr_text(&step->attrs, "create", "yes"), "yes") == 0;
    struct session_ref ref;

    note_refusal(actor, "open", find_session(actor, create ? SESSION_CREATE : 0, &ref));
}

const char *agent_of(const struct actor *asking)
{
    const struct play *play = asking->play;

    for (uint32_t i = 0; i < play->file->actor_count; i++) {
        const struct actor *actor = &play->actors[i];
        if (actor->scn->kind == SCN_ACTOR_AGENT && strcmp(actor->session, asking->session) == 0)
            return actor->scn->name;
    }
    return "nobody";
}

/* What the step says about this one run, beside the settings of its session. */
static void read_spec(const struct scn_step *step, struct run_spec *spec)
{
    static const char *const gates[] = { "none", "attached", "acknowledged" };
    const char *gate = attr_text(&step->attrs, "gate", "");

    for (int i = START_GATE_NONE; i <= START_GATE_ACKNOWLEDGED; i++) {
        if (strcmp(gates[i], gate) != 0) continue;
        spec->gate_given = true;
        spec->gate = (enum start_gate)i;
    }
    spec->timeout_us = (uint64_t)attr_number(&step->attrs, "timeout", 0);
}

static void start_run(struct actor *actor, const struct scn_step *step)
{
    const struct core_api *api = actor->play->api;
    const char *agent = attr_text(&step->attrs, "agent", agent_of(actor));
    struct run_spec spec = { .agent = agent, .key = attr_text(&step->attrs, "key", agent) };
    struct session_ref ref;
    struct run_ref run = { { 0, 0 }, 0 };
    bool created = false;

    read_spec(step, &spec);
    RECORD(RUN_CALL, actor->party, actor->party, actor->instance->party, 0,
           .session = actor->session_word, .key = record_intern(spec.key));
    enum core_result rc = find_session(actor, 0, &ref);
    if (rc == CORE_OK) rc = api->run_submit(actor->instance->core, ref, &spec, &run, &created);
    if (rc == CORE_OK) actor->run = run;
    RECORD(RUN_REQ, actor->party, actor->party, actor->instance->party, 0,
           .session = actor->session_word, .key = record_intern(spec.key), .run = (int64_t)run.run,
           .created = created, .code = record_intern(api->result_word(rc)));
    note_refusal(actor, "start", rc);
}

static void publish_event(struct actor *actor, const struct scn_step *step)
{
    const struct core_api *api = actor->play->api;
    uint16_t core = actor->instance->party;
    uint64_t ordinal = count_kind(actor->published, step->kind), seq = 0;
    record_word kind = record_intern(step->kind);
    struct session_ref ref;
    size_t length;
    char *payload = event_payload(actor, step, ordinal, &length);
    int64_t digest = record_digest(payload, length);

    uint32_t call = RECORD(PUB_CALL, actor->party, actor->party, core, 0,
                           .session = actor->session_word, .kind = kind,
                           .number = (int64_t)ordinal, .digest = digest);
    enum core_result rc = find_session(actor, 0, &ref);
    if (rc == CORE_OK)
        rc = api->publish_wait(actor->instance->core, ref, step->kind, payload, length, &seq);
    RECORD(PUB_ACK, actor->party, core, actor->party, call, .session = actor->session_word,
           .kind = kind, .number = (int64_t)ordinal, .digest = digest, .seq = (int64_t)seq,
           .code = record_intern(api->result_word(rc)));
    note_refusal(actor, "publish", rc);
}

void keep_page(struct actor *actor, const struct history_page *page)
{
    for (size_t i = 0; i < page->count; i++) {
        const struct history_event *event = &page->events[i];
        RECORD(PAGE_EVENT, actor->party, 0, 0, 0, .session = actor->session_word,
               .epoch = (int64_t)page->next.epoch, .seq = (int64_t)event->seq,
               .digest = record_digest(event->payload, event->length),
               .kind = record_intern(event->type));
    }
    RECORD(PAGE, actor->party, 0, 0, 0, .session = actor->session_word,
           .epoch = (int64_t)page->next.epoch, .next = (int64_t)page->next.seq,
           .count = (int64_t)page->count, .more = page->more, .trimmed = page->trimmed,
           .renewed = page->epoch_changed);
    actor->read_epoch = page->next.epoch;
    actor->read_seq = page->next.seq;
}

struct older {
    struct reply reply;
    struct history_page page;
};

static void on_older(void *context, enum core_result rc, struct history_page *page)
{
    struct older *older = context;
    older->page = *page;
    reply_finish(&older->reply, rc);
}

/* Pages of older events: what a reader of the newest one scrolls to. What they hold is stored, and
 * stands in the order of the log below the cursor. */
static void read_back(struct actor *actor, const struct scn_step *step, struct session_ref ref,
                      enum core_result rc, struct history_cursor cursor)
{
    const struct core_api *api = actor->play->api;
    struct core *core = actor->instance->core;
    size_t limit = (size_t)attr_number(&step->attrs, "limit", 100);
    bool store = strcmp(attr_text(&step->attrs, "store", "no"), "yes") == 0;
    struct older *older = scratch_alloc(sizeof *older);

    reply_init(&older->reply, actor);
    RECORD(PAGE_CALL, actor->party, 0, 0, 0, .session = actor->session_word,
           .epoch = (int64_t)cursor.epoch, .cursor = (int64_t)cursor.seq, .back = true,
           .limit = (int64_t)limit);
    if (rc == CORE_OK && store) {
        rc = api->history_read(core, ref, cursor, limit, HISTORY_BACKWARD, on_older, older);
        if (rc == CORE_OK) reply_await(actor, &older->reply);
        if (rc == CORE_OK) rc = older->reply.rc;
    } else if (rc == CORE_OK) {
        rc = api->history(core, ref, cursor, limit, HISTORY_BACKWARD, &older->page);
    }
    if (rc == CORE_OK) keep_page(actor, &older->page);
    if (rc == CORE_OK) api->history_page_free(&older->page);
    note_refusal(actor, "history", rc);
}

/* Without a cursor of its own it reads on from where its last page ended. */
static void read_history(struct actor *actor, const struct scn_step *step)
{
    const struct core_api *api = actor->play->api;
    bool placed = scn_attrs_find(&step->attrs, "cursor") != NULL;
    uint64_t seq = placed ? (uint64_t)attr_number(&step->attrs, "cursor", 0) : actor->read_seq;
    struct history_cursor cursor = { actor->read_epoch, seq };
    int64_t limit = attr_number(&step->attrs, "limit", 100);
    struct history_page page;
    struct session_ref ref;
    uint64_t epoch = 0;

    enum core_result rc = api->session_open_wait(actor->instance->core, actor->session, actor->user,
                                                 0, &ref, &epoch);
    if (placed) cursor.epoch = epoch;
    if (strcmp(attr_text(&step->attrs, "back", "no"), "yes") == 0) {
        read_back(actor, step, ref, rc, (struct history_cursor){ epoch, placed ? seq : 0 });
        return;
    }
    RECORD(PAGE_CALL, actor->party, 0, 0, 0, .session = actor->session_word,
           .epoch = (int64_t)cursor.epoch, .cursor = (int64_t)cursor.seq, .limit = limit);
    if (rc == CORE_OK)
        rc = api->history(actor->instance->core, ref, cursor, (size_t)limit, HISTORY_FORWARD,
                          &page);
    if (rc == CORE_OK) keep_page(actor, &page);
    if (rc == CORE_OK) api->history_page_free(&page);
    note_refusal(actor, "history", rc);
}

/* Asks for the lease and waits for the answer. */
static enum core_result ask_for_lease(struct actor *actor, const struct scn_step *step,
                                      struct reply *taken)
{
    const struct core_api *api = actor->play->api;
    struct lease_options options = { .wait_us = (uint64_t)attr_number(&step->attrs, "wait", 0),
                                     .on_lost = on_lost, .context = taken };
    record_word key = record_intern(step->kind);

    uint64_t ttl_us = (uint64_t)attr_number(&step->attrs, "ttl", 0);
    uint64_t usual_us = actor->play->stage->settings[actor->instance->index].lease_ttl_us;

    taken->holder = actor;
    taken->key = key;
    taken->waits = options.wait_us > 0;
    RECORD(LEASE_CALL, actor->party, 0, 0, 0, .key = key, .wait = (int64_t)options.wait_us,
           .ttl = (int64_t)(ttl_us > 0 ? ttl_us : usual_us));
    (void)tally_of(actor->instance, record_text(key));   /* alerts may come before an answer */
    enum core_result rc = api->lease_acquire(actor->instance->core, step->kind, ttl_us, &options,
                                             on_lease, taken);
    if (rc == CORE_OK) {
        reply_await(actor, taken);
        rc = taken->rc;
    }
    if (rc == CORE_OK)
        RECORD(LEASE_HELD, actor->party, 0, 0, 0, .key = key, .token = (int64_t)taken->token);
    else
        RECORD(LEASE_REFUSED, actor->party, 0, 0, 0, .key = key,
               .wait = (int64_t)options.wait_us, .code = record_intern(api->result_word(rc)));
    return rc;
}

/* Holds the lease for as long as the step says, or until a look shows that it is gone. */
static void hold_lease(struct actor *actor, const struct scn_step *step, const struct reply *taken)
{
    uint64_t hold_us = (uint64_t)attr_number(&step->attrs, "hold", 0);
    uint64_t look_us = (uint64_t)attr_number(&step->attrs, "look", 0);
    uint64_t end_ns = ahead_ns(hold_us);

    while (look_us > 0 && ahead_ns(look_us) < end_ns) {
        world_sleep_until(ahead_ns(look_us));
        bool held = actor->play->api->lease_valid(actor->instance->core, taken->lease);
        if (!held) return;
        RECORD(LEASE_USED, actor->party, 0, 0, 0, .key = record_intern(step->kind),
               .token = (int64_t)taken->token);
    }
    world_sleep_until(end_ns);
}

static void take_lease(struct actor *actor, const struct scn_step *step)
{
    const struct core_api *api = actor->play->api;
    struct core *core = actor->instance->core;
    struct reply *taken = reply_new(actor), *given = reply_new(actor);

    enum core_result rc = ask_for_lease(actor, step, taken);
    note_refusal(actor, "lease", rc);
    if (rc != CORE_OK) return;
    hold_lease(actor, step, taken);
    RECORD(LEASE_RETURN, actor->party, 0, 0, 0, .key = record_intern(step->kind),
           .token = (int64_t)taken->token);
    rc = api->lease_release(core, taken->lease, on_lease, given);
    if (rc == CORE_OK) {
        tally_end(actor->instance, record_text(taken->key),
                  (world_now_ns() - taken->held_ns) / 1000, false);
        reply_await(actor, given);
        rc = given->rc;
    }
    RECORD(LEASE_ENDED, actor->party, 0, 0, 0, .key = record_intern(step->kind),
           .token = (int64_t)taken->token,
           .why = record_intern(rc == CORE_OK ? "released" : api->result_word(rc)));
}

static void drain_core(struct actor *actor, const struct scn_step *step)
{
    struct instance *instance = actor->instance;

    instance_drain_aside(instance, (uint64_t)attr_number(&step->attrs, "deadline", 10000000),
                         WORLD_NEVER);
    while (instance->core != NULL)
        (void)world_wait(&instance->changed, WORLD_NEVER, "the end of the core");
}

static void call_core(struct actor *actor, const struct scn_step *step)
{
    if (step->verb == SCN_VERB_OPEN) open_session(actor, step);
    else if (step->verb == SCN_VERB_START) start_run(actor, step);
    else if (step->verb == SCN_VERB_PUBLISH) publish_event(actor, step);
    else if (step->verb == SCN_VERB_HISTORY) read_history(actor, step);
    else if (step->verb == SCN_VERB_ENSURE) use_server(actor, step, true);
    else if (step->verb == SCN_VERB_STOP) use_server(actor, step, false);
    else if (step->verb == SCN_VERB_LEASE) take_lease(actor, step);
    else backend_more(actor, step);
}

/* Calls may begin and return in any order, unless the core's end waits for them. */
static bool core_can_be_called(const struct instance *instance)
{
    world_meet_place(PLACE_CALLERS, WORLD_LOOKS);
    return instance->alive;
}

static void call_returns(struct instance *instance)
{
    instance->callers--;
    world_meet_place(PLACE_CALLERS, WORLD_LOOKS);
    if (instance->changed.head != 0) world_wake(&instance->changed);
    else world_release(&instance->changed);
}

static bool perform(struct actor *actor, const struct scn_step *step)
{
    struct instance *instance = actor->instance;

    if (step->verb == SCN_VERB_WAIT) {
        world_sleep_until(ahead_ns(step->wait_us));
    } else if (!core_can_be_called(instance)) {
        note_refusal(actor, "call", CORE_UNAVAILABLE);
    } else if (step->verb == SCN_VERB_DRAIN) {
        drain_core(actor, step);
    } else {
        instance->callers++;
        world_acquire(&instance->started);
        call_core(actor, step);
        call_returns(instance);
    }
    return true;
}

void backend_body(void *argument)
{
    struct actor *actor = argument;

    /* Its core may have been killed, and this backend with it, before it did anything. */
    if (actor->dead) return;
    actor->published = scratch_alloc(KINDS_MAX * sizeof *actor->published);
    world_group_enter(actor->instance->group);
    script_run(actor, perform);
}

void backend_killed(struct actor *actor)
{
    if (actor->play->scarce == actor) {
        world_group_kill(GROUP_SCARCE);
        actor->play->scarce = NULL;
    }
    actor_queues_init(actor);
    actor->entity = WORLD_NOBODY;
    actor_abandon(actor);
}
