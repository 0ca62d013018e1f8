/* Whether what a core says to a tab is what docs/PROTOCOL.md says it says: each frame has its
 * fields, numbers agree with each other, and pages answer what was asked. What is wrong becomes a
 * record; the checks judge. */
#include "fakes/internal.h"

#include <stdio.h>

enum { FIELDS_MAX = 7, CLIENT_PAGE_MAX = 100 };

enum sort { NONE, NUMBER, TEXT, FLAG, LIST };

struct field {
    const char *name;
    enum sort sort;
};

static const struct form {
    const char *type;
    struct field fields[FIELDS_MAX];
} forms[] = {
    { "connection_ready", { { "session", TEXT }, { "epoch", NUMBER }, { "head", NUMBER },
                            { "floor", NUMBER }, { "gen", NUMBER }, { "recovered", FLAG },
                            { "runs", LIST } } },
    { "gap", { { "from", NUMBER }, { "to", NUMBER } } },
    { "initial_state", { { "epoch", NUMBER }, { "mode", TEXT }, { "from", NUMBER },
                         { "to", NUMBER }, { "count", NUMBER } } },
    { "state_replay_complete", { { "to", NUMBER } } },
    { "heartbeat", { { "head", NUMBER }, { "sent", NUMBER } } },
    { "accepted", { { "run", NUMBER }, { "key", TEXT }, { "state", TEXT } } },
    { "history_page", { { "events", LIST }, { "epoch", NUMBER }, { "next", NUMBER },
                        { "more", FLAG }, { "trimmed", FLAG }, { "epoch_changed", FLAG } } },
    { "taken_over", { { NULL, NONE } } },
    { "error", { { "about", TEXT }, { "code", TEXT }, { "reason", TEXT } } },
    { "run_state", { { "run", NUMBER }, { "key", TEXT }, { "agent", TEXT }, { "state", TEXT } } },
    { "request_confirmation", { { "prompt", NUMBER }, { "id", TEXT }, { "run", NUMBER },
                                { "timeout_us", NUMBER } } },
    { "request_user_input", { { "prompt", NUMBER }, { "id", TEXT }, { "run", NUMBER },
                              { "timeout_us", NUMBER } } },
    { "prompt_closed", { { "prompt", NUMBER }, { "id", TEXT }, { "run", NUMBER },
                         { "outcome", TEXT } } },
    { "server_state", { { "app", TEXT }, { "port", NUMBER }, { "state", TEXT },
                        { "version", NUMBER } } },
};

/* The core said something wrong: `told` where `least` to `most` would be right. */
static void object(const struct tab *tab, const char *type, const char *what, uint64_t told,
                   uint64_t least, uint64_t most)
{
    char text[100];

    if (told >= least && told <= most) return;
    (void)snprintf(text, sizeof text, "%s of %s", what, type);
    RECORD(REPORTED, tab->actor->instance->party, tab->actor->instance->party, 0, 0,
           .what = record_intern(text), .told = (int64_t)told, .least = (int64_t)least,
           .most = (int64_t)most);
}

static uint64_t number_of(const json_t *body, const char *name)
{
    return (uint64_t)json_integer_value(json_object_get(body, name));
}

static const char *text_of(const json_t *body, const char *name)
{
    const char *text = json_string_value(json_object_get(body, name));
    return text == NULL ? "" : text;
}

/* An error need not be about a request. Every other name has letters. */
static bool is_of(const json_t *value, enum sort sort, const char *name)
{
    switch (sort) {
    case NONE: return true;
    case NUMBER: return json_is_integer(value) && json_integer_value(value) >= 0;
    case TEXT:
        return json_is_string(value) &&
               (json_string_length(value) > 0 || strcmp(name, "about") == 0);
    case FLAG: return json_is_boolean(value);
    case LIST: return json_is_array(value);
    }
    return false;
}

static const struct form *form_of(const char *type)
{
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        if (strcmp(forms[i].type, type) == 0) return &forms[i];
    }
    return NULL;
}

void tab_checks_fields(const struct tab *tab, const char *type, const json_t *fields)
{
    const struct form *form = form_of(type);

    for (size_t i = 0; form != NULL && i < FIELDS_MAX && form->fields[i].name != NULL; i++) {
        const struct field *field = &form->fields[i];
        object(tab, type, field->name,
               is_of(json_object_get(fields, field->name), field->sort, field->name), 1, 1);
    }
}

/* --- runs --- */

static bool has_agent(const struct tab *tab, const char *name)
{
    const struct play *play = tab->actor->play;

    for (uint32_t i = 0; i < play->file->actor_count; i++) {
        const struct actor *actor = &play->actors[i];
        if (actor->scn->kind == SCN_ACTOR_AGENT && strcmp(actor->scn->name, name) == 0)
            return true;
    }
    return strcmp(name, agent_of(tab->actor)) == 0; /* nobody, where there is none */
}

/* A run has one key for ever, whoever tells of it. Unless it is new to the tab. */
static bool is_its_key(struct tab *tab, uint64_t run, record_word key)
{
    for (uint32_t i = 0; i < tab->run_note_count; i++) {
        const struct run_note *note = &tab->run_notes[i];
        if (note->run == run && note->epoch == tab->page.epoch) return note->key == key;
    }
    if (tab->run_note_count < RUNS_NOTED)
        tab->run_notes[tab->run_note_count++] = (struct run_note){ run, tab->page.epoch, key };
    return true;
}

/* Agents of the fakes end as cancelled only if they were asked to stop, and that has a reason. */
void tab_checks_run(struct tab *tab, const char *type, const json_t *fields)
{
    const char *agent = text_of(fields, "agent");
    bool reason = json_string_length(json_object_get(fields, "reason")) > 0;

    object(tab, type, "the key of a run",
           is_its_key(tab, number_of(fields, "run"), record_intern(text_of(fields, "key"))), 1, 1);
    if (json_object_get(fields, "agent") != NULL)
        object(tab, type, "whether the agent is one", has_agent(tab, agent), 1, 1);
    if (strcmp(type, "run_state") == 0 && strcmp(text_of(fields, "state"), "cancelled") == 0)
        object(tab, type, "whether being cancelled has a reason", reason, 1, 1);
}

/* A question keeps its number, its name and its run. */
void tab_checks_prompt(const struct tab *tab, const struct prompt_note *note,
                       const json_t *fields)
{
    if (note->epoch != tab->page.epoch) return;
    object(tab, "a question", "whether it has its name",
           strcmp(text_of(fields, "id"), note->id) == 0, 1, 1);
    object(tab, "a question", "the run", number_of(fields, "run"), note->run, note->run);
}

/* The longest time that an agent gives a question of that name. */
static uint64_t longest_us(const struct tab *tab, const char *id, bool input)
{
    const struct play *play = tab->actor->play;
    const struct core_settings *settings = &play->stage->settings[tab->actor->instance->index];
    uint64_t longest = 0;

    for (uint32_t i = 0; i < play->file->actor_count; i++) {
        const struct scn_actor *actor = &play->file->actors[i];
        for (uint32_t s = 0; s < actor->step_count; s++) {
            const struct scn_step *step = &actor->steps[s];
            if (step->verb != SCN_VERB_ASK || strcmp(step->kind, id) != 0) continue;
            uint64_t us = (uint64_t)attr_number(&step->attrs, "timeout", 0);
            if (us == 0) us = input ? settings->input_timeout_us : settings->confirm_timeout_us;
            if (us > longest) longest = us;
        }
    }
    return longest;
}

/* Confirmations say what is to be confirmed, requests for input nothing (agent.c). */
void tab_checks_question(const struct tab *tab, bool input, const json_t *fields)
{
    const json_t *text = json_object_get(fields, "text");
    const char *id = text_of(fields, "id"), *asked = text_of(fields, "text");
    size_t length = strlen(id);

    /* Agents of a core that runs elsewhere have their own way to ask. */
    if (tab->actor->play->stage->hooks.live != NULL) return;
    object(tab, "a question", "the time that is left", number_of(fields, "timeout_us"), 0,
           longest_us(tab, id, input));
    object(tab, "a question", "whether the text is what was asked",
           input ? text == NULL
                 : strncmp(asked, id, length) == 0 && strcmp(asked + length, "?") == 0, 1, 1);
}

/* --- the handshake --- */

static void check_ready(struct tab *tab, const json_t *body)
{
    const json_t *run;
    size_t i;

    object(tab, "connection_ready", "whose session it is",
           strcmp(text_of(body, "session"),
                  session_called(tab->actor->play, tab->actor->session)) == 0, 1, 1);
    object(tab, "connection_ready", "the floor", number_of(body, "floor"), 1,
           number_of(body, "head") + 1);
    json_array_foreach(json_object_get(body, "runs"), i, run)
        tab_checks_fields(tab, "run_state", run);
}

/* Counting needs no knowledge of what came before. */
static void check_initial_state(const struct tab *tab, const json_t *body)
{
    uint64_t from = number_of(body, "from"), to = number_of(body, "to");

    object(tab, "initial_state", "the beginning", from, 1, to + 1);
    object(tab, "initial_state", "the count", number_of(body, "count"), to + 1 - from,
           to + 1 - from);
}

/* --- pages --- */

static bool says_history(const char *about)
{
    return strcmp(about, "history") == 0;
}

static int64_t page_limit(const json_t *body)
{
    uint64_t limit = number_of(body, "limit");
    return limit == 0 || limit > CLIENT_PAGE_MAX ? CLIENT_PAGE_MAX : (int64_t)limit;
}

void tab_asks_page(struct tab *tab, const char *bytes, size_t length)
{
    struct socket *socket = tab->socket;
    const json_t *body = json_loadb(bytes, length, 0, NULL);

    /* Which of two questions a page answers nobody can tell, nor what comes of half a question. */
    if (socket->pages_asked != socket->pages_got || body == NULL) socket->pages_unclear = true;
    socket->pages_asked++;
    RECORD(PAGE_CALL, tab->actor->party, 0, 0, 0, .session = tab->actor->session_word,
           .epoch = (int64_t)number_of(body, "epoch"), .cursor = (int64_t)number_of(body, "cursor"),
           .back = json_is_true(json_object_get(body, "backward")),
           .limit = page_limit(body));
}

static void check_page(const struct tab *tab, const json_t *body)
{
    const json_t *events = json_object_get(body, "events"), *event;
    int64_t epoch = (int64_t)number_of(body, "epoch");
    size_t i;

    json_array_foreach(events, i, event) {
        char *payload = json_dumps(json_object_get(event, "payload"), JSON_COMPACT);
        RECORD(PAGE_EVENT, tab->actor->party, 0, 0, 0, .session = tab->actor->session_word,
               .epoch = epoch, .seq = (int64_t)number_of(event, "seq"),
               .digest = payload == NULL ? 0 : record_digest(payload, strlen(payload)),
               .kind = record_intern(text_of(event, "type")));
    }
    RECORD(PAGE, tab->actor->party, 0, 0, 0, .session = tab->actor->session_word, .epoch = epoch,
           .next = (int64_t)number_of(body, "next"), .count = (int64_t)json_array_size(events),
           .more = json_is_true(json_object_get(body, "more")),
           .trimmed = json_is_true(json_object_get(body, "trimmed")),
           .renewed = json_is_true(json_object_get(body, "epoch_changed")));
}

static void note_answer(const struct tab *tab, const json_t *body, bool page)
{
    struct socket *socket = tab->socket;

    if (socket->pages_got == socket->pages_asked || socket->lossy) socket->pages_unclear = true;
    socket->pages_got++;
    if (page && !socket->pages_unclear) check_page(tab, body);
}

/* --- all of them --- */

void tab_checks_frame(struct tab *tab, const char *type, const json_t *body,
                      const json_t *fields)
{
    tab_checks_fields(tab, type, fields);
    if (strcmp(type, "connection_ready") == 0) check_ready(tab, body);
    else if (strcmp(type, "accepted") == 0) tab_checks_run(tab, type, body);
    else if (strcmp(type, "initial_state") == 0) check_initial_state(tab, body);
    else if (strcmp(type, "history_page") == 0) note_answer(tab, body, true);
    else if (strcmp(type, "error") == 0 && says_history(text_of(body, "about")))
        note_answer(tab, body, false);
}
