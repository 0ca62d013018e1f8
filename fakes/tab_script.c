/* The script of a tab: what the user of the browser does. */
#include "fakes/internal.h"

static json_t *message(const char *type)
{
    json_t *body = json_object();
    json_object_set_new(body, "type", json_string(type));
    return body;
}

static json_t *value_of(const struct scn_value *value)
{
    switch (value->kind) {
    case SCN_VALUE_NAME:
    case SCN_VALUE_STRING: return json_string(value->text);
    case SCN_VALUE_INT:
    case SCN_VALUE_INTS:
    case SCN_VALUE_TIME:
    case SCN_VALUE_RANGE:
    case SCN_VALUE_SIGNED: break;
    }
    return json_integer((json_int_t)value->low);
}

static void set_number(json_t *body, const struct scn_attrs *attrs, const char *name,
                       uint64_t fallback)
{
    json_object_set_new(body, name,
                        json_integer((json_int_t)attr_number(attrs, name, (int64_t)fallback)));
}

/* --- answers --- */

static json_t *answer_body(const struct prompt_note *note, bool yes, const char *text)
{
    json_t *body = message(note->input ? "user_input" : "confirm");

    json_object_set_new(body, "prompt", json_integer((json_int_t)note->number));
    if (note->input) {
        json_t *values = json_object();
        json_object_set_new(values, "text", json_string(text != NULL ? text : ""));
        json_object_set_new(body, "values", values);
    } else {
        json_object_set_new(body, "value", json_boolean(yes));
    }
    return body;
}

static void answer(struct tab *tab, const struct prompt_note *note, bool yes, const char *text)
{
    const char *kind = note->input ? "user_input" : "confirm";

    RECORD(ANSWER, tab->actor->party, 0, 0, 0, .id = record_intern(note->id),
           .prompt = (int64_t)note->number,
           .value = record_intern(text != NULL ? text : yes ? "yes" : "no"));
    tab_queue(tab, answer_body(note, yes, text), kind, note->id, 0);
}

void tab_stale_answer(struct tab *tab)
{
    for (uint32_t i = tab->prompt_count; i-- > 0;) {
        if (tab->prompts[i].open) continue;
        answer(tab, &tab->prompts[i], true, NULL);
        return;
    }
}

/* --- sending --- */

static void send_start(struct tab *tab, const struct scn_step *step)
{
    json_t *body = message(step->kind), *input = json_object();
    const char *agent = attr_text(&step->attrs, "agent", agent_of(tab->actor));
    const struct scn_attr *text = scn_attrs_find(&step->attrs, "text");

    json_object_set_new(body, "agent", json_string(agent));
    json_object_set_new(body, "key", json_string(attr_text(&step->attrs, "key", agent)));
    json_object_set_new(input, "kind", json_string(step->kind));
    json_object_set_new(input, "key", json_string(attr_text(&step->attrs, "key", agent)));
    if (text != NULL) json_object_set_new(input, "text", json_string(text->value.text));
    json_object_set_new(body, "input", input);
    tab_queue(tab, body, step->kind, NULL, 0);
}

static void send_answer(struct tab *tab, const struct scn_step *step)
{
    const char *id = attr_text(&step->attrs, "id", NULL);
    const char *value = attr_text(&step->attrs, "value", "yes");
    const struct prompt_note *note = tab_prompt(tab, id, false);

    if (note == NULL) return;
    answer(tab, note, strcmp(value, "no") != 0, note->input ? value : NULL);
}

static void send_hello(struct tab *tab, const struct scn_step *step)
{
    bool greets = strcmp(attr_text(&tab->actor->scn->attrs, "greeting", "on"), "on") == 0;

    /* The first word of a page that leaves it to its script. */
    if (!greets && step->attrs.count == 0 && tab->phase == TAB_CONNECTING) {
        if (tab_is_opening(tab)) tab->hello_waits = true;
        else tab_hello(tab);
        return;
    }
    json_t *body = message("hello");

    const char *session = attr_text(&step->attrs, "session", tab->actor->session);
    json_object_set_new(body, "session",
                        json_string(session_called(tab->actor->play, session)));
    set_number(body, &step->attrs, "epoch", tab->page.epoch);
    set_number(body, &step->attrs, "cursor", tab->page.cursor);
    tab_send(tab, body, "hello");
}

static void send_with_number(struct tab *tab, const struct scn_step *step, const char *name,
                             uint64_t fallback)
{
    json_t *body = message(step->kind);

    set_number(body, &step->attrs, name, fallback);
    tab_queue(tab, body, step->kind, NULL, 0);
}

static void send_server(struct tab *tab, const struct scn_step *step)
{
    json_t *body = message(step->kind);
    uint64_t port = (uint64_t)attr_number(&step->attrs, "port", 3000);

    json_object_set_new(body, "port", json_integer((json_int_t)port));
    tab_queue(tab, body, step->kind, NULL, port);
}

static void send_history(struct tab *tab, const struct scn_step *step)
{
    json_t *body = message("history");

    json_object_set_new(body, "epoch", json_integer((json_int_t)tab->page.epoch));
    set_number(body, &step->attrs, "cursor", tab->page.cursor);
    if (scn_attrs_find(&step->attrs, "limit") != NULL)
        set_number(body, &step->attrs, "limit", 1);
    tab_queue(tab, body, "history", NULL, 0);
}

/* A message that the table below does not treat: its attributes as they are. */
static void send_plain(struct tab *tab, const struct scn_step *step)
{
    json_t *body = message(step->kind);

    for (uint32_t i = 0; i < step->attrs.count; i++)
        json_object_set_new(body, step->attrs.items[i].name,
                            value_of(&step->attrs.items[i].value));
    tab_queue(tab, body, step->kind, NULL, 0);
}

static void send_step(struct tab *tab, const struct scn_step *step)
{
    const char *kind = step->kind;

    if (strcmp(kind, "start_agent") == 0 || strcmp(kind, "user_message") == 0)
        send_start(tab, step);
    else if (strcmp(kind, "server_start") == 0 || strcmp(kind, "server_stop") == 0)
        send_server(tab, step);
    else if (strcmp(kind, "confirm") == 0 || strcmp(kind, "user_input") == 0)
        send_answer(tab, step);
    else if (strcmp(kind, "cancel") == 0)
        send_with_number(tab, step, "run", tab->run);
    else if (strcmp(kind, "ack") == 0)
        send_with_number(tab, step, "seq", tab->page.cursor);
    else if (strcmp(kind, "connection_acknowledged") == 0)
        send_with_number(tab, step, "gen", tab->gen);
    else if (strcmp(kind, "history") == 0)
        send_history(tab, step);
    else if (strcmp(kind, "hello") == 0)
        send_hello(tab, step);
    else
        send_plain(tab, step);
}

/* Nothing but the socket is asked: nonsense is said to a core in any state. */
static void say(struct tab *tab, const char *text)
{
    size_t length = strlen(text);
    char *bytes = scratch_copy(text, length);

    for (size_t i = 0; i < length; i++) {
        if (bytes[i] == '\'') bytes[i] = '"';
    }
    tab_say(tab, bytes, length);
}

/* --- the script --- */

static bool perform(struct actor *actor, const struct scn_step *step)
{
    struct tab *tab = actor->tab;
    const struct prompt_note *note;

    switch (step->verb) {
    case SCN_VERB_RELOAD:
        tab_close(tab);
        tab_fresh(tab);
        inbox_forget(actor);
        tab_connect(tab);
        return true;
    case SCN_VERB_CONNECT:
    case SCN_VERB_RECONNECT:
        tab_connect(tab);
        return true;
    case SCN_VERB_CLOSE:
        tab_close(tab);
        return true;
    case SCN_VERB_SEND:
        send_step(tab, step);
        return true;
    case SCN_VERB_SAY:
        say(tab, step->text);
        return true;
    case SCN_VERB_EXPECT:
        expect_step(actor, step);
        return true;
    case SCN_VERB_ANSWER:
        meet_each(PLACE_PAGE, actor->index);
        note = tab_prompt(tab, step->kind, false);
        if (note != NULL) answer(tab, note, step->yes, step->text);
        return true;
    case SCN_VERB_WAIT:
        script_sleep(actor, ahead_ns(step->wait_us));
        return true;
    case SCN_VERB_EMIT:
    case SCN_VERB_ASK:
    case SCN_VERB_FINISH:
    case SCN_VERB_START:
    case SCN_VERB_STOP:
    case SCN_VERB_OPEN:
    case SCN_VERB_PUBLISH:
    case SCN_VERB_HISTORY:
    case SCN_VERB_PAUSE:
    case SCN_VERB_POST:
    case SCN_VERB_CANCEL:
    case SCN_VERB_CONFIGURE:
    case SCN_VERB_RELEASE: case SCN_VERB_INSPECT:
    case SCN_VERB_ENSURE:
    case SCN_VERB_LEASE:
    case SCN_VERB_MISUSE: case SCN_VERB_ALONE:
    case SCN_VERB_DRAIN:
    case SCN_VERB_REPEAT:
    case SCN_VERB_COUNT: break;
    }
    REQUIRE(!"a verb of tabs");
    return false;
}

void tab_body(void *argument)
{
    struct actor *actor = argument;

    tab_fresh(actor->tab);
    script_run(actor, perform);
}
