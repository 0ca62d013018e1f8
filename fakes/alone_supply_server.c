/* The dev server of a core that a backend has for itself: its start, looks at it, and its end. */
#include "fakes/alone_supply.h"

#include <stdio.h>

enum { STARTS_MAX = 5, KILLS_MAX = 5, VERSIONS_PER_TOKEN = 1024 };

static const uint64_t STOP_US = 60000000, PROBE_FIRST_US = 100000, PROBE_LAST_US = 1000000;

/* What is to be done next, and from when on. */
enum errand_stage { LEASE, SURVEY, SPAWN, PROBE, OVER };

struct errand {
    struct supply *supply;
    struct supply_server *server;
    bool stops, closes;          /* it is to end; because its sandbox is given back */
    uint64_t grace_us;           /* between being asked to end and being killed */
    bool superseded;             /* the lease is gone, and an instance is on its way */
    enum errand_stage stage;
    uint64_t at_us;
    enum core_result rc;         /* when it is over */
};

static bool is_probed(const struct supply *supply)
{
    return supply->settings.port_probe == PORT_PROBE_ON;
}

static uint16_t own_port(const struct supply *supply)
{
    return (uint16_t)(supply->app == APP_WEB ? supply->settings.port_web
                                             : supply->settings.port_mobile);
}

static void change(struct errand *errand, enum server_state state, enum core_result rc)
{
    struct supply *supply = errand->supply;
    struct supply_server *server = errand->server;
    uint64_t least = server->fence * VERSIONS_PER_TOKEN;
    bool lives = state == SERVER_STARTING || state == SERVER_RUNNING || state == SERVER_STOPPING;

    supply->version = supply->version + 1 > least ? supply->version + 1 : least;
    server->status = (struct server_status){
        .state = state, .version = supply->version, .instance = lives ? server->instance : 0,
        .port = server->listening != 0 ? server->listening : own_port(supply), .result = rc };
    supply_note(supply);
}

/* The lease is given back. One that is lost by then is called for in vain. */
static void finish(struct errand *errand, enum core_result rc)
{
    supply_drop_lease(errand->supply);
    errand->stage = OVER;
    errand->rc = rc;
    errand->supply->due_us = now_us();
}

/* --- what runs --- */

enum core_result supply_look(struct supply *supply, uint64_t at_us)
{
    return supply_see(supply, supply_await_held(supply, SUPPLY_PROCESSES, at_us));
}

enum core_result supply_see(struct supply *supply, struct demand *demand)
{
    enum core_result rc = supply_reply(supply, demand);

    for (uint32_t i = 0; i < supply->task_count; i++) {
        struct task *task = &supply->tasks[i];
        task->seen = rc == CORE_OK && task->crate == supply->held && task->record.alive;
    }
    return rc;
}

/* An instance of this app, as the newest list has it. */
static struct task *find(const struct errand *errand, uint64_t instance)
{
    struct task *task = supply_task(errand->supply, instance);
    return task != NULL && task->seen && task->record.app == errand->supply->app ? task : NULL;
}

/* The same, begun for the present owner. */
static struct task *find_current(const struct errand *errand, uint64_t instance)
{
    struct task *task = find(errand, instance);
    return task != NULL && task->record.token == errand->supply->held->token ? task : NULL;
}

/* Who answers there: OK with the instance, NOT_FOUND, or UNKNOWN. */
static enum core_result probe(struct supply *supply, uint16_t port, uint64_t at_us,
                              uint64_t *instance)
{
    struct demand *demand = supply_await_held(supply, SUPPLY_PROBE, at_us);

    if (!supply->broken)
        supply_tell(supply, "the port that is probed", demand->port, port);
    enum core_result rc = supply_reply(supply, demand);
    if (rc == CORE_OK) *instance = *demand->answering;
    return rc;
}

/* All ports where it may be: the one where it is, or else what the first of them said. */
static enum core_result probe_all(struct errand *errand, bool any, uint64_t *instance)
{
    struct supply *supply = errand->supply;
    uint16_t first = own_port(supply);
    enum core_result first_rc = CORE_NOT_FOUND;
    uint64_t first_instance = 0;

    for (uint16_t port = first; port <= first + supply->settings.port_fallback; port++) {
        uint64_t found = 0;
        enum core_result rc = probe(supply, port, port == first ? errand->at_us : now_us(), &found);
        bool ours = rc == CORE_OK &&
                    (any ? find_current(errand, found) != NULL : found == errand->server->instance);
        if (ours) errand->server->listening = port;
        if (ours || port == first) *instance = found;
        if (ours) return CORE_OK;
        if (port == first) {
            first_rc = rc;
            first_instance = found;
        }
    }
    *instance = first_instance;
    return first_rc;
}

/* --- killing --- */

static enum core_result signal_one(struct supply *supply, uint64_t instance,
                                   enum process_signal signal, uint64_t at_us)
{
    struct demand *demand = supply_await_held(supply, SUPPLY_SIGNAL, at_us);

    if (!supply->broken) {
        supply_tell(supply, "who is signalled", demand->instance, instance);
        supply_tell(supply, "the signal", demand->signal, signal);
    }
    return supply_reply(supply, demand);
}

static enum core_result await_end(struct supply *supply, uint64_t instance, uint64_t most_us,
                                  uint64_t at_us)
{
    struct demand *demand = supply_await_held(supply, SUPPLY_WAIT, at_us);

    if (!supply->broken) {
        supply_tell(supply, "whose end is waited for", demand->instance, instance);
        supply_tell(supply, "how long an end is waited for", demand->timeout_us, most_us);
    }
    return supply_reply(supply, demand);
}

void supply_kill(struct supply *supply, uint64_t instance)
{
    (void)signal_one(supply, instance, PROCESS_KILL, now_us());
    (void)await_end(supply, instance, SUPPLY_SLICE_US, now_us());
}

/* The end of what a start has left, or of what did not end by itself. */
static void kill_own(struct errand *errand, enum core_result why)
{
    struct supply *supply = errand->supply;
    uint64_t at_us = now_us(), instance = errand->server->instance, failures = 0;
    bool ended = true;

    while (!supply->broken) {
        enum core_result rc = signal_one(supply, instance, PROCESS_KILL, at_us);
        if (rc != CORE_NOT_FOUND) rc = await_end(supply, instance, SUPPLY_SLICE_US, now_us());
        if (rc == CORE_OK || rc == CORE_NOT_FOUND) break;
        if (++failures == KILLS_MAX) {
            why = CORE_UNKNOWN;
            ended = false;
            break;
        }
        at_us = now_us() + supply_pause_us(supply, failures);
    }
    errand->server->instance = 0;
    change(errand, why == CORE_OK ? SERVER_STOPPED : SERVER_FAILED, why);
    finish(errand, errand->stops && ended ? CORE_OK : why);
}

static void fail(struct errand *errand, enum core_result rc)
{
    if (errand->server->instance != 0) {
        kill_own(errand, rc);
        return;
    }
    change(errand, SERVER_FAILED, rc);
    finish(errand, rc);
}

static void look_again(struct errand *errand, enum core_result rc)
{
    errand->stage = SURVEY;
    errand->at_us = now_us() + supply_pause_us(errand->supply, ++errand->server->failures);
    if (errand->at_us >= errand->server->deadline_us) fail(errand, rc);
}

/* --- the end --- */

static void end(struct errand *errand)
{
    struct supply *supply = errand->supply;
    uint64_t instance = errand->server->instance;

    change(errand, SERVER_STOPPING, CORE_OK);
    uint64_t until_us = now_us() + errand->grace_us;
    enum core_result rc = signal_one(supply, instance, PROCESS_TERM, now_us());
    if (rc == CORE_NOT_FOUND) until_us = 0;
    while (rc != CORE_NOT_FOUND && now_us() < until_us && !supply->broken) {
        uint64_t left_us = until_us - now_us();
        rc = await_end(supply, instance, left_us < SUPPLY_SLICE_US ? left_us : SUPPLY_SLICE_US,
                       now_us());
        if (rc == CORE_OK) rc = CORE_NOT_FOUND;
        else if (rc != CORE_EXPIRED) break;
    }
    if (rc != CORE_NOT_FOUND) {
        kill_own(errand, CORE_OK);
        return;
    }
    errand->server->instance = 0;
    change(errand, SERVER_STOPPED, CORE_OK);
    finish(errand, CORE_OK);
}

/* --- the lease --- */

/* Without it nothing is begun, and nothing is ended but what the core itself has begun, or what is
 * in a sandbox that is given back. */
static void go_without(struct errand *errand)
{
    if (errand->closes) {
        errand->stage = SURVEY;
    } else if (errand->superseded || !errand->stops) {
        if (!errand->superseded) errand->server->instance = 0;
        fail(errand, CORE_EXPIRED);
    } else {
        finish(errand, CORE_EXPIRED);
    }
}

/* Somebody else has the lease: what the core has begun must not be there beside what he begins. */
static void make_way(struct errand *errand)
{
    struct supply *supply = errand->supply;
    uint64_t instance = errand->server->instance;
    enum core_result rc = signal_one(supply, instance, PROCESS_KILL, now_us());

    if (rc != CORE_NOT_FOUND) rc = await_end(supply, instance, SUPPLY_SLICE_US, now_us());
    if (rc != CORE_OK && rc != CORE_NOT_FOUND && ++errand->server->failures < KILLS_MAX) {
        errand->at_us = now_us() + supply_pause_us(supply, errand->server->failures);
        return;
    }
    errand->server->instance = 0;
    errand->superseded = false;
    errand->at_us = now_us();
}

static void lease(struct errand *errand)
{
    struct supply *supply = errand->supply;
    uint64_t deadline_us = errand->server->deadline_us;

    if (errand->at_us > now_us()) supply_rest(supply, errand->at_us);
    if (now_us() >= deadline_us) {
        go_without(errand);
        return;
    }
    if (errand->superseded && supply_is_taken(supply)) {
        make_way(errand);
        return;
    }
    enum core_result rc = supply_lease(supply, deadline_us - now_us());
    errand->at_us = now_us();
    if (rc != CORE_OK) {
        go_without(errand);
        return;
    }
    errand->superseded = false;
    errand->stage = SURVEY;
}

/* Is the lease gone? Then there must be another one first. */
static bool suspended(struct errand *errand)
{
    if (!errand->supply->lease_lost) return false;
    supply_drop_lease(errand->supply);
    errand->superseded = errand->server->status.state == SERVER_STARTING && !errand->stops &&
                         errand->server->instance != 0;
    errand->at_us = now_us();
    errand->stage = LEASE;
    return true;
}

/* --- the start --- */

static void run(struct errand *errand)
{
    change(errand, SERVER_RUNNING, CORE_OK);
    finish(errand, CORE_OK);
}

/* The one that answers, else the one that is known, else the newest. */
static struct task *choose(const struct errand *errand, uint64_t answering)
{
    struct task *own = find_current(errand, errand->server->instance), *newest = NULL;

    if (find_current(errand, answering) != NULL) return find_current(errand, answering);
    if (own != NULL) return own;
    for (uint32_t i = 0; i < errand->supply->task_count; i++) {
        uint64_t instance = errand->supply->tasks[i].record.instance;
        if (find_current(errand, instance) != NULL) newest = find_current(errand, instance);
    }
    return newest;
}

static bool kill_others(struct errand *errand, const struct task *chosen)
{
    bool others = false;
    uint32_t count = errand->supply->task_count;

    for (uint32_t i = 0; i < count; i++) {
        struct task *task = &errand->supply->tasks[i];
        if (task == chosen || find(errand, task->record.instance) == NULL) continue;
        supply_kill(errand->supply, task->record.instance);
        others = true;
    }
    return others;
}

static void take(struct errand *errand, const struct task *chosen, uint64_t answering)
{
    struct supply_server *server = errand->server;
    uint64_t instance = chosen->record.instance;
    bool known = server->instance == instance;
    bool ready = is_probed(errand->supply) ? instance == answering : known;

    if (!known) server->probes = 0;
    if (!known && !ready) server->listening = 0;
    server->instance = instance;
    if (errand->stops) {
        end(errand);
        return;
    }
    if (ready) {
        run(errand);
        return;
    }
    if (server->status.state != SERVER_STARTING || server->status.instance != instance)
        change(errand, SERVER_STARTING, CORE_OK);
    errand->stage = PROBE;
}

/* The sandbox has booted, as a start has to know first; then who lives in it. */
static enum core_result look_round(struct errand *errand)
{
    struct supply *supply = errand->supply;
    enum core_result rc = CORE_OK;

    if (!errand->stops)
        rc = supply_reply(supply, supply_await_held(supply, SUPPLY_AWAIT, errand->at_us));
    if (rc == CORE_OK) rc = supply_look(supply, errand->at_us);
    errand->server->fence = supply->server_fence;   /* it has its lease since a moment */
    return rc;
}

static void survey(struct errand *errand)
{
    struct supply *supply = errand->supply;
    uint64_t answering = 0;

    if (errand->at_us > now_us()) supply_rest(supply, errand->at_us);
    if (suspended(errand)) return;
    if (look_round(errand) != CORE_OK) {
        look_again(errand, CORE_UNKNOWN);
        return;
    }
    bool asks = is_probed(supply) && (!errand->stops || errand->closes);
    if (asks && probe_all(errand, true, &answering) != CORE_OK) answering = 0;
    struct task *chosen = choose(errand, answering);
    if (kill_others(errand, chosen)) {
        errand->server->instance = chosen == NULL ? 0 : chosen->record.instance;
        look_again(errand, CORE_UNKNOWN);
        return;
    }
    errand->at_us = now_us();
    if (chosen != NULL) {
        take(errand, chosen, answering);
        return;
    }
    errand->server->instance = 0;
    if (errand->stops) {
        change(errand, SERVER_STOPPED, CORE_OK);
        finish(errand, CORE_OK);
    }
    errand->stage = errand->stops ? OVER : SPAWN;
}

static void judge_spawn(struct errand *errand, const struct demand *demand)
{
    struct supply *supply = errand->supply;
    char name[CORE_NAME_MAX];

    if (supply->broken) return;
    (void)snprintf(name, sizeof name, "%s-%llu-%llu", supply->app == APP_WEB ? "web" : "mobile",
                   (unsigned long long)errand->server->fence,
                   (unsigned long long)++errand->server->spawns);
    supply_tell(supply, "the name of a spawn", strcmp(demand->spawn->request, name) == 0, 1);
    supply_tell(supply, "the app of a spawn", demand->spawn->app, supply->app);
    supply_tell(supply, "the port of a spawn", demand->spawn->port, own_port(supply));
    supply_tell(supply, "the fence of a spawn", demand->spawn->fence, errand->server->fence);
}

static void spawn(struct errand *errand)
{
    struct supply *supply = errand->supply;
    struct supply_server *server = errand->server;

    if (server->failures >= STARTS_MAX) {
        fail(errand, CORE_FAILED);
        return;
    }
    if (server->status.state != SERVER_STARTING) change(errand, SERVER_STARTING, CORE_OK);
    struct demand *demand = supply_await_held(supply, SUPPLY_SPAWN, errand->at_us);
    judge_spawn(errand, demand);
    if (supply_reply(supply, demand) != CORE_OK) {
        look_again(errand, CORE_UNKNOWN);
        return;
    }
    server->instance = server->status.instance = demand->processes->instance;
    server->listening = 0;
    server->probes = 0;
    errand->stage = PROBE;
}

static void probe_later(struct errand *errand)
{
    uint64_t pause_us = PROBE_FIRST_US;

    for (uint64_t i = 0; i < errand->server->probes && pause_us < PROBE_LAST_US; i++) pause_us *= 2;
    errand->server->probes++;
    errand->at_us = now_us() + (pause_us < PROBE_LAST_US ? pause_us : PROBE_LAST_US);
}

/* Somebody else answers: another one of this app, or a stranger. */
static void meet_other(struct errand *errand, uint64_t instance)
{
    if (supply_look(errand->supply, now_us()) != CORE_OK) probe_later(errand);
    else if (find(errand, instance) != NULL) look_again(errand, CORE_PORT_IN_USE);
    else if (errand->supply->settings.port_fallback > 0) probe_later(errand);
    else fail(errand, CORE_PORT_IN_USE);
}

static void meet_nobody(struct errand *errand)
{
    if (supply_look(errand->supply, now_us()) != CORE_OK ||
        find_current(errand, errand->server->instance) != NULL) {
        probe_later(errand);
        return;
    }
    errand->server->instance = 0;
    look_again(errand, CORE_FAILED);
}

static void probe_once(struct errand *errand)
{
    uint64_t instance = 0;

    /* A pause has passed before anything is asked. */
    if (errand->at_us > now_us()) supply_rest(errand->supply, errand->at_us);
    if (suspended(errand)) return;
    if (now_us() >= errand->server->deadline_us) {
        fail(errand, CORE_EXPIRED);
        return;
    }
    if (!is_probed(errand->supply)) {
        errand->stage = SURVEY;
        return;
    }
    enum core_result rc = probe_all(errand, false, &instance);
    if (rc == CORE_OK && instance == errand->server->instance) {
        errand->stage = SURVEY;
        errand->at_us = now_us();
    } else if (rc == CORE_OK) {
        meet_other(errand, instance);
    } else if (rc == CORE_NOT_FOUND) {
        meet_nobody(errand);
    } else {
        probe_later(errand);
    }
}

static enum core_result go_through(struct errand *errand)
{
    while (errand->stage != OVER && !errand->supply->broken) {
        if (errand->stage == LEASE) lease(errand);
        else if (errand->stage == SURVEY) survey(errand);
        else if (errand->stage == SPAWN) spawn(errand);
        else probe_once(errand);
    }
    return errand->rc;
}

static void know(struct supply *supply)
{
    if (supply->server.known) return;
    supply->server = (struct supply_server){
        .known = true, .status = { .state = SERVER_STOPPED, .port = own_port(supply) } };
}

static struct errand begin(struct supply *supply, uint64_t most_us)
{
    struct supply_server *server = &supply->server;

    know(supply);
    server->deadline_us = now_us() + most_us;
    server->failures = server->probes = 0;
    server->poll_us = 0;
    return (struct errand){ .supply = supply, .server = server, .at_us = now_us() };
}

/* --- a server that runs --- */

static bool answers_now(struct supply *supply)
{
    struct errand errand = { .supply = supply, .server = &supply->server };
    uint64_t instance = 0;

    if (supply_look(supply, now_us()) != CORE_OK ||
        find_current(&errand, errand.server->instance) == NULL)
        return false;
    if (!is_probed(supply)) return true;
    uint16_t port = errand.server->listening != 0 ? errand.server->listening : own_port(supply);
    return probe(supply, port, now_us(), &instance) == CORE_OK &&
           instance == errand.server->instance;
}

void supply_poll(struct supply *supply, uint64_t at_us)
{
    struct errand errand = { .supply = supply, .server = &supply->server };

    supply->server.poll_us = 0;
    if (supply->server.status.state != SERVER_RUNNING) return;
    bool well = supply_look(supply, at_us) == CORE_OK;
    if (well && find_current(&errand, errand.server->instance) == NULL) {
        errand.server->instance = 0;
        change(&errand, SERVER_FAILED, CORE_FAILED);
        return;
    }
    if (supply->settings.status_poll_us > 0)
        supply->server.poll_us = now_us() + supply->settings.status_poll_us;
}

enum core_result supply_start(struct supply *supply, bool watched)
{
    struct supply_server *server = &supply->server;
    bool runs = server->known && server->status.state == SERVER_RUNNING;
    enum core_result rc = CORE_OK;

    know(supply);
    server->watched |= watched;
    if (runs && answers_now(supply)) {
        supply_note(supply);
        supply->due_us = now_us();
    } else {
        struct errand errand = begin(supply, SUPPLY_START_US);
        rc = go_through(&errand);
    }
    supply_poll(supply, now_us());
    return rc;
}

enum core_result supply_stop(struct supply *supply, uint64_t grace_us)
{
    struct errand errand = begin(supply, STOP_US);

    errand.stops = true;
    errand.closes = grace_us == 0;
    errand.grace_us = errand.closes ? SUPPLY_GRACE_US : grace_us;
    enum core_result rc = go_through(&errand);
    if (!errand.closes) supply_poll(supply, now_us());   /* of one that was not stopped */
    return rc;
}
