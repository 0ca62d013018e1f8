/* From events to who published them: agents with their runs and questions, backends, servers. */
#include "harness/capture/story.h"

#include <string.h>

#include "harness/scenario/ast.h"

/* The story begins that much before the first message; and so much if something had happened. */
static const uint64_t lead_us = 1, long_lead_us = 1000000;

/* When nothing happens for so long, time is what the story is about. */
enum { IDLE_US = 1000000 };

/* --- who --- */

/* NULL: there are too many. */
static struct story_actor *add_actor(struct story *story, struct story_session *session,
                                     const char *called, bool agent)
{
    if (story->actor_count == story->actors_max) return NULL;
    story->actor_count++;
    session->actors = scn_arena_grow(story->arena, session->actors, session->actor_count,
                                     &session->actor_room, sizeof *session->actors);
    struct story_actor *actor = &session->actors[session->actor_count];
    *actor = (struct story_actor){ .called = called, .agent = agent, .core = session->core };
    if (agent) story_agent_name(story, called, actor->name);
    else story_name(story, called, "program", actor->name);
    session->actor_count++;
    return actor;
}

static struct story_actor *find_actor(const struct story_session *session, const char *called,
                                      bool agent)
{
    for (uint32_t i = 0; i < session->actor_count; i++) {
        struct story_actor *actor = &session->actors[i];
        if (actor->agent == agent && strcmp(actor->called, called) == 0) return actor;
    }
    return NULL;
}

struct story_actor *story_program(struct story *story, struct story_session *session,
                                  const char *called)
{
    struct story_actor *actor = find_actor(session, called, false);
    return actor != NULL ? actor : add_actor(story, session, called, false);
}

static struct story_actor *backend_of(struct story *story, struct story_session *session)
{
    return story_program(story, session, "");
}

/* --- runs --- */

struct story_run *story_run_of(struct story *story, struct story_session *session,
                               uint64_t epoch, const json_t *payload)
{
    uint64_t number = story_number(payload, "run");
    const char *key = story_text(payload, "key"), *agent = story_text(payload, "agent");

    for (uint32_t i = 0; i < session->run_count; i++) {
        struct story_run *run = &session->runs[i];
        if (run->number == number && run->epoch == epoch) return run;
        if (run->number != 0 || strcmp(run->key, key) != 0) continue;
        run->number = number;
        run->epoch = epoch;
        run->agent = agent;
        return run;
    }
    session->runs = scn_arena_grow(story->arena, session->runs, session->run_count,
                                   &session->run_room, sizeof *session->runs);
    struct story_run *run = &session->runs[session->run_count++];
    *run = (struct story_run){ .number = number, .epoch = epoch, .agent = agent, .key = key,
                               .actor = -1, .seen_us = UINT64_MAX };
    return run;
}

static struct story_actor *actor_of_run(const struct story_session *session,
                                        const struct story_event *event)
{
    uint64_t number = story_number(event->payload, "run");

    for (uint32_t i = 0; i < session->run_count; i++) {
        const struct story_run *run = &session->runs[i];
        if (run->number == number && run->epoch == event->epoch && run->actor >= 0)
            return &session->actors[run->actor];
    }
    return NULL;
}

/* An agent has one script for all its runs, so a run after the first one that began has an agent of
 * its own, as long as there is room. */
static void cast_run(struct story *story, struct story_session *session, struct story_run *run)
{
    bool played = false;

    for (uint32_t i = 0; i < session->run_count; i++) {
        const struct story_run *other = &session->runs[i];
        if (other == run || strcmp(other->agent, run->agent) != 0 || other->actor < 0) continue;
        run->actor = other->actor;
        played = played || other->began;
    }
    if (run->actor >= 0 && !(run->began && played)) return;
    const struct story_actor *actor = add_actor(story, session, run->agent, true);
    if (actor != NULL) run->actor = (int)(actor - session->actors);
    else run->repeats = run->actor >= 0;
    story->cramped += actor == NULL;
}

static bool is_running(const struct story_event *event)
{
    return strcmp(event->type, "run_state") == 0 &&
           strcmp(story_text(event->payload, "state"), "running") == 0;
}

/* All runs and agents first: an event may name its agent before the run is told of. */
static void find_runs(struct story *story, struct story_session *session)
{
    for (uint32_t i = 0; i < session->event_count; i++) {
        const struct story_event *event = &session->events[i];
        if (strcmp(event->type, "run_state") == 0)
            (void)story_run_of(story, session, event->epoch, event->payload);
    }
    for (uint32_t i = 0; i < session->event_count; i++) {
        const struct story_event *event = &session->events[i];
        if (!is_running(event)) continue;
        story_run_of(story, session, event->epoch, event->payload)->began = true;
    }
    /* Who starts them needs room, too. */
    if (story_has_starts(session)) (void)backend_of(story, session);
    for (uint32_t i = 0; i < session->event_count; i++) {
        const struct story_event *event = &session->events[i];
        if (strcmp(event->type, "run_state") != 0) continue;
        struct story_run *run = story_run_of(story, session, event->epoch, event->payload);
        if (run->agent[0] != '\0' && run->actor < 0) cast_run(story, session, run);
    }
    /* Who was asked for is there, whether or not a run of his was told of. */
    for (uint32_t i = 0; i < session->run_count; i++) {
        struct story_run *run = &session->runs[i];
        bool asked = run->asked || run->packet != 0;
        if (asked && run->agent[0] != '\0' && run->actor < 0) cast_run(story, session, run);
    }
}

/* --- times --- */

/* Whether something was published before anybody saw an event live. */
static bool was_early(const struct story_session *session)
{
    for (uint32_t i = 0; i < session->event_count && !session->events[i].live; i++) {
        if (strcmp(session->events[i].type, "run_state") != 0) return true;
    }
    return false;
}

static void delay(struct story_steps *steps, uint64_t by_us)
{
    for (uint32_t i = 0; i < steps->count; i++) steps->items[i].time_us += by_us;
}

static void delay_event(struct story_event *event, uint64_t by_us)
{
    event->time_us += by_us;
    if (event->latest_us > 0) event->latest_us += by_us;
}

/* Makes room before the first message. */
static void delay_all(struct story *story, uint64_t by_us)
{
    story->lead_us = by_us;
    story->end_us += by_us;
    delay(&story->faults, by_us);
    for (uint32_t i = 0; i < story->tab_count; i++) {
        struct story_tab *tab = &story->tabs[i];
        delay(&tab->steps, by_us);
        if (tab->gone_us != UINT64_MAX) tab->gone_us += by_us;
        for (uint32_t e = 0; e < tab->received_count; e++) tab->received[e].time_us += by_us;
    }
    for (uint32_t i = 0; i < story->session_count; i++) {
        struct story_session *session = &story->sessions[i];
        session->begin_us += by_us;
        session->missed_us += by_us;
        for (uint32_t a = 0; a < session->actor_count; a++)
            delay(&session->actors[a].steps, by_us);
        for (uint32_t e = 0; e < session->event_count; e++) delay_event(&session->events[e], by_us);
        for (uint32_t r = 0; r < session->run_count; r++) {
            if (session->runs[r].seen_us != UINT64_MAX) session->runs[r].seen_us += by_us;
        }
    }
}

/* What was only ever replayed happened between its neighbours: as early as they let it. */
static void fit_times(struct story_session *session)
{
    uint64_t before_us = 0;

    for (uint32_t i = 0; i < session->event_count; i++) {
        struct story_event *event = &session->events[i];
        if (!event->live || event->time_us < before_us) event->time_us = before_us;
        before_us = event->time_us;
    }
}

/* --- what they did --- */

/* Of a step, so that its times and its packet fit into the line. */
enum { TEXT_MAX = 56 };

static const char *emit_text(struct story *story, const char *verb, const struct story_event *event)
{
    const char *text = scn_arena_format(story->arena, "%s %s", verb, event->type), *name;
    size_t bytes = 0;
    json_t *value;

    const char *said = story_attr(story, "text", json_object_get(event->payload, "text"));
    const char *quoted = strchr(said, '=') == NULL ? "" : strchr(said, '=') + 1;
    if (*quoted != '\0' && strlen(text) + strlen(quoted) + 2 > TEXT_MAX) quoted = "";
    if (*quoted != '\0')
        text = scn_arena_format(story->arena, *quoted == '"' ? "%s %s" : "%s \"%s\"", text, quoted);
    json_object_foreach((json_t *)(uintptr_t)event->payload, name, value) {
        bool said_already = strcmp(name, "text") == 0 && *quoted != '\0';
        if (said_already || strcmp(name, "by") == 0 || strcmp(name, "n") == 0) continue;
        const char *attr = strcmp(name, "bytes") == 0 ? "" : story_attr(story, name, value);
        if (strlen(text) + strlen(attr) > TEXT_MAX) attr = "";
        text = scn_arena_format(story->arena, "%s%s", text, attr);
        if (*attr != '\0') continue;
        char *dumped = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        if (dumped == NULL) continue;
        /* Without the quotes, if it is a text. */
        bytes += strlen(dumped) - (json_is_string(value) ? 2 : 0);
        free(dumped);
    }
    return bytes == 0 ? text : scn_arena_format(story->arena, "%s bytes=%zu", text, bytes);
}

static void on_run_state(struct story *story, struct story_session *session,
                         const struct story_event *event)
{
    struct story_actor *agent = actor_of_run(session, event);
    struct story_run *run = story_run_of(story, session, event->epoch, event->payload);
    const char *state = story_text(event->payload, "state");

    run->live = is_running(event);
    if (agent == NULL) return;
    if (strcmp(state, "completed") == 0 && !run->repeats)
        story_add(story, &agent->steps, event->time_us, event->packet, "finish");
    else
        story_remark(story, &agent->steps, event->time_us, event->packet,
                     scn_arena_format(story->arena, "its run is %.20s", state));
}

/* Whether the agent went on while its question was open: it asked or published something, or ended.
 * Who waits does none of that before the outcome. */
static bool goes_on(const struct story_session *session, uint32_t at)
{
    const struct story_event *question = &session->events[at];
    uint64_t prompt = story_number(question->payload, "prompt");
    uint64_t run = story_number(question->payload, "run");
    const struct story_actor *agent = actor_of_run(session, question);
    bool cancelled = false;

    for (uint32_t i = at + 1; i < session->event_count; i++) {
        const struct story_event *event = &session->events[i];
        const char *by = story_text(event->payload, "by");
        bool own = story_number(event->payload, "run") == run;
        if (strcmp(event->type, "prompt_closed") == 0) {
            if (story_number(event->payload, "prompt") != prompt) continue;
            cancelled = strcmp(story_text(event->payload, "outcome"), "cancelled") == 0;
            if (!cancelled) return false;
        } else if (strcmp(event->type, "run_state") == 0) {
            if (own) return strcmp(story_text(event->payload, "state"), "completed") == 0;
        } else if (cancelled) {
            continue;
        } else if (strncmp(event->type, "request_", 8) == 0) {
            if (own) return true;
        } else if (story_can_emit(event->type) && agent != NULL &&
                   (*by == '\0' || strcmp(by, agent->called) == 0)) {
            return true;
        }
    }
    return false;
}

static void on_question(struct story *story, struct story_session *session, uint32_t at)
{
    const struct story_event *event = &session->events[at];
    struct story_actor *agent = actor_of_run(session, event);
    uint64_t timeout_us = story_number(event->payload, "timeout_us");
    bool input = strcmp(event->type, "request_user_input") == 0;
    char name[STORY_NAME_MAX];

    if (agent == NULL || story_run_of(story, session, event->epoch, event->payload)->repeats)
        return;
    story_word(story_text(event->payload, "id"), "question", name);
    const char *timeout = timeout_us == 0 ? "" : scn_arena_format(story->arena, " timeout=%s",
                                                                 story_time(story, timeout_us));
    story_add(story, &agent->steps, event->time_us, event->packet,
              scn_arena_format(story->arena, "ask %s%s%s%s", name, timeout,
                               input ? " input=yes" : "",
                               goes_on(session, at) ? " wait=no" : ""));
}

/* How often tabs of the session asked for that until then. */
static uint32_t requests(const struct story *story, uint32_t session, const char *text,
                         uint64_t until_us)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < story->tab_count; i++) {
        const struct story_steps *steps = &story->tabs[i].steps;
        if (story->tabs[i].session != session) continue;
        for (uint32_t s = 0; s < steps->count; s++) {
            if (!steps->items[s].remark && steps->items[s].time_us <= until_us &&
                strcmp(steps->items[s].text, text) == 0)
                count++;
        }
    }
    return count;
}

/* What was done so far by those who asked, and by others. */
struct servers {
    uint64_t starting_us;
    uint32_t done[2][2];        /* by application, then starts and stops */
};

static void on_server_state(struct story *story, uint32_t index, const struct story_event *event,
                            struct servers *servers)
{
    struct story_session *session = &story->sessions[index];
    const char *state = story_text(event->payload, "state");
    /* An application is known by its port, too, which may have moved up. */
    bool mobile = strcmp(story_text(event->payload, "app"), "mobile") == 0 ||
                  story_number(event->payload, "port") >= 8081;
    const char *port = mobile ? "8081" : "3000";
    bool starts = strcmp(state, "starting") == 0, stops = strcmp(state, "stopping") == 0;
    const char *request =
        scn_arena_format(story->arena, "send server_%s port=%s", starts ? "start" : "stop", port);

    session->serves = true;
    if (starts) servers->starting_us = event->time_us;
    if (strcmp(state, "running") == 0 && servers->starting_us > 0 && session->boot_us == 0)
        session->boot_us = event->time_us - servers->starting_us;
    if (!starts && !stops) return;
    if (++servers->done[mobile][stops] <= requests(story, index, request, event->time_us)) return;
    struct story_actor *backend = backend_of(story, session);
    if (backend == NULL) return;
    story_add(story, &backend->steps, event->time_us, event->packet,
              scn_arena_format(story->arena, "%s port=%s", starts ? "ensure" : "stop", port));
}

/* The newest run that is running, of that agent or, "", of any. NULL: none is. */
static const struct story_run *at_work(const struct story_session *session, const char *called)
{
    for (uint32_t i = session->run_count; i-- > 0;) {
        const struct story_run *run = &session->runs[i];
        if (!run->live || run->actor < 0) continue;
        if (*called == '\0' || strcmp(run->agent, called) == 0) return run;
    }
    return NULL;
}

/* The first agent of whose runs the log does not tell when they began. */
static struct story_actor *began_before(const struct story_session *session)
{
    for (uint32_t i = 0; i < session->run_count; i++) {
        const struct story_run *run = &session->runs[i];
        if (!run->began && run->actor >= 0) return &session->actors[run->actor];
    }
    return NULL;
}

/* Who published it: whom its payload names, else an agent at work, else a backend. NULL: a run that
 * repeats another one, or nobody there is room for. */
static struct story_actor *publisher_of(struct story *story, struct story_session *session,
                                        const struct story_event *event)
{
    const char *by = story_text(event->payload, "by");
    const struct story_run *run = at_work(session, by);
    struct story_actor *actor = NULL;

    if (run != NULL) return run->repeats ? NULL : &session->actors[run->actor];
    if (*by != '\0') {
        actor = find_actor(session, by, true);
        if (actor == NULL) actor = find_actor(session, by, false);
        if (actor != NULL) return actor;
        actor = add_actor(story, session, by, false);
        /* Who follows the stream at another core is told later. */
        if (actor != NULL) actor->core = event->core;
        return actor;
    }
    actor = began_before(session);
    return actor != NULL ? actor : backend_of(story, session);
}

/* Of what a client found when it came, the last one may have been published at that moment: who
 * knows. 0: it is not the last one. */
static uint64_t latest_of(const struct story_session *session, uint32_t at)
{
    const struct story_event *event = &session->events[at], *next = event + 1;

    if (event->live) return 0;
    bool last = at + 1 == session->event_count || next->live || next->latest_us > event->latest_us;
    return last && event->latest_us > event->time_us ? event->latest_us : 0;
}

static void publish(struct story *story, const struct story_session *session,
                    struct story_actor *actor, uint32_t at)
{
    const struct story_event *event = &session->events[at];

    if (event->unseen && (at == 0 || !event[-1].unseen))
        story_remark(story, &actor->steps, event->time_us, 0,
                     "nobody was sent what comes now, up to what has a packet again");
    story_add(story, &actor->steps, event->time_us, event->packet,
              emit_text(story, actor->agent ? "emit" : "publish", event));
    /* An agent begins when its run does, which may be at any time: its steps have their own. */
    if (!actor->agent)
        actor->steps.items[actor->steps.count - 1].latest_us = latest_of(session, at);
}

static void act(struct story *story, uint32_t index)
{
    struct story_session *session = &story->sessions[index];
    struct servers servers = { 0, { { 0 } } };

    for (uint32_t i = 0; i < session->event_count; i++) {
        const struct story_event *event = &session->events[i];
        const char *type = event->type;
        if (strcmp(type, "run_state") == 0) on_run_state(story, session, event);
        else if (strcmp(type, "request_confirmation") == 0 ||
                 strcmp(type, "request_user_input") == 0)
            on_question(story, session, i);
        else if (strcmp(type, "server_state") == 0)
            on_server_state(story, index, event, &servers);
        else if (story_can_emit(type)) {
            struct story_actor *actor = publisher_of(story, session, event);
            if (actor == NULL) continue;
            publish(story, session, actor, i);
        }
    }
}

/* --- answers --- */

/* Whether somebody asks the question that this step, "answer NAME ...", is about. */
static bool is_asked(const struct story_session *session, const char *answer)
{
    const char *name = answer + strlen("answer ");
    size_t length = strcspn(name, " ");

    for (uint32_t a = 0; a < session->actor_count; a++) {
        const struct story_steps *steps = &session->actors[a].steps;
        for (uint32_t i = 0; i < steps->count; i++) {
            const char *text = steps->items[i].text;
            if (steps->items[i].remark || strncmp(text, "ask ", 4) != 0) continue;
            if (strncmp(text + 4, name, length) == 0 && strchr(" ", text[4 + length])) return true;
        }
    }
    return false;
}

/* A question of a run that nobody told of is nobody's: its answer, and waiting for it, are
 * remarks. */
static void drop_answers(struct story *story)
{
    for (uint32_t t = 0; t < story->tab_count; t++) {
        struct story_tab *tab = &story->tabs[t];
        for (uint32_t i = 0; i < tab->steps.count; i++) {
            struct story_step *step = &tab->steps.items[i];
            if (step->remark || strncmp(step->text, "answer ", 7) != 0) continue;
            if (is_asked(&story->sessions[tab->session], step->text)) continue;
            step->remark = true;
            if (i > 0 && strncmp(step[-1].text, "expect ", 7) == 0) step[-1].remark = true;
        }
    }
}

/* What a core does when nobody does anything takes its time: the scenario goes on until the last
 * message. */
static void last_as_long(struct story *story)
{
    const struct story_message *last = &story->messages[story->message_count - 1];
    uint64_t acted_us = 0;

    if (story->tab_count == 0) return;
    for (uint32_t t = 0; t < story->tab_count; t++) {
        const struct story_steps *steps = &story->tabs[t].steps;
        for (uint32_t i = 0; i < steps->count; i++) {
            if (!steps->items[i].remark && steps->items[i].time_us > acted_us)
                acted_us = steps->items[i].time_us;
        }
    }
    if (story->end_us <= acted_us + IDLE_US) return;
    story_add(story, &story->tabs[0].steps, story->end_us, last->message->packet, "wait 1us");
}

void story_act(struct story *story)
{
    bool early = false;
    uint32_t others = story->tab_count + story->session_count;

    if (SCN_ACTORS_MAX - others > story->actors_max) story->actors_max = SCN_ACTORS_MAX - others;

    for (uint32_t i = 0; i < story->session_count; i++) {
        story_fill(story, &story->sessions[i]);
        early = early || was_early(&story->sessions[i]);
    }
    delay_all(story, early ? long_lead_us : lead_us);
    for (uint32_t i = 0; i < story->session_count; i++) {
        struct story_session *session = &story->sessions[i];
        fit_times(session);
        session->missing = story_was_missing(session);
        find_runs(story, session);
        act(story, i);
        story_start_runs(story, session);
        story_open(story, session);
    }
    last_as_long(story);
    drop_answers(story);
}
