/* What the log of a session says of the server that it watches: every change of its state, in the
 * order of changes, and the present state once more for whoever asks for a server that runs. */
#include "fakes/alone_supply.h"

enum { MOST = SUPPLY_WORDS + 1 };

void supply_open_log(struct supply *supply)
{
    uint64_t epoch = 0;

    supply->watches = true;
    supply_tell(supply, "the answer to a session that is opened",
                supply->api->session_open_wait(supply->core, supply->owner, "ann", SESSION_CREATE,
                                               &supply->session, &epoch), CORE_OK);
    supply->read = (struct history_cursor){ .epoch = epoch };
}

void supply_note(struct supply *supply)
{
    if (!supply->server.watched) return;
    REQUIRE(supply->word_count < SUPPLY_WORDS);
    supply->words[supply->word_count++] = supply->server.status;
}

static const char *text_of(const json_t *body, const char *name)
{
    const char *text = json_string_value(json_object_get(body, name));
    return text == NULL ? "" : text;
}

static uint64_t number_of(const json_t *body, const char *name)
{
    return (uint64_t)json_integer_value(json_object_get(body, name));
}

static void compare_word(const struct supply *supply, const struct history_event *event,
                         const struct server_status *due)
{
#define STATE_WORD(state, text) text,
    static const char *const states[] = { SERVER_STATES(STATE_WORD) };
#undef STATE_WORD
    const json_t *body = json_loadb(event->payload, event->length, 0, NULL);
    const char *app = supply->app == APP_WEB ? "web" : "mobile";
    const char *why = due->state == SERVER_FAILED ? supply->api->result_word(due->result) : "";

    supply_tell(supply, "whether a log tells of a server",
                strcmp(event->type, "server_state") == 0, 1);
    supply_tell(supply, "whether a log names the server", strcmp(text_of(body, "app"), app) == 0,
                1);
    supply_tell(supply, "whether a log tells the state of a server",
                strcmp(text_of(body, "state"), states[due->state]) == 0, 1);
    supply_tell(supply, "whether a log tells why a server failed",
                strcmp(text_of(body, "result"), why) == 0, 1);
    supply_tell(supply, "the port of a server in a log", number_of(body, "port"), due->port);
    supply_tell(supply, "the version of a state in a log", number_of(body, "version"),
                due->version);
}

void supply_read_log(struct supply *supply)
{
    struct history_page page;

    if (!supply->watches) return;
    enum core_result rc = supply->api->history(supply->core, supply->session, supply->read, MOST,
                                               HISTORY_FORWARD, &page);
    supply_tell(supply, "the answer to a look into a log", rc, CORE_OK);
    if (rc != CORE_OK) return;
    supply_tell(supply, "what a log tells of a server", page.count, supply->word_count);
    for (size_t i = 0; i < page.count && i < supply->word_count; i++)
        compare_word(supply, &page.events[i], &supply->words[i]);
    supply->read = page.next;
    supply->word_count = 0;
    supply->api->history_page_free(&page);
}
