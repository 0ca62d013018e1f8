/* What an error says: it is about a request, has a code, and the sentence that docs/PROTOCOL.md has
 * for the two. A client's user reads that one, so it must not tell of something else. */
#include "fakes/internal.h"

static void object(const struct tab *tab, const char *what, bool told)
{
    if (told) return;
    RECORD(REPORTED, tab->actor->instance->party, tab->actor->instance->party, 0, 0,
           .what = record_intern(what), .told = 0, .least = 1, .most = 1);
}

static const char *text_of(const json_t *body, const char *name)
{
    const char *text = json_string_value(json_object_get(body, name));
    return text == NULL ? "" : text;
}

static bool is_one_of(const char *word, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(words[i], word) == 0) return true;
    return false;
}

/* --- sentences --- */

/* What is said in place of the code's own sentence. NULL: about any request. */
static const struct reason {
    const char *about, *code, *sentence;
} reasons[] = {
    { "", "invalid", "a message is one JSON object" },
    { "", "invalid", "a message has a \"type\"" },
    { "", "invalid", "this message type is not known" },
    { "", "invalid", "a message this long is not taken" },
    { "", "limit", "these are too many messages" },
    { NULL, "refused", "say hello first, and wait for connection_ready" },
    { "hello", "invalid",
      "hello names a session, and an epoch and a cursor together or neither" },
    { "hello", "invalid", "this connection has said hello already" },
    { "connection_acknowledged", "stale", "\"gen\" is not the generation of this connection" },
    { "ack", "invalid", "ack names the \"seq\" of an event" },
    { "ack", "invalid", "this event was not sent to you" },
    { "confirm", "invalid", "confirm has a \"prompt\" number and a \"value\" true or false" },
    { "user_input", "invalid", "user_input has a \"prompt\" number and an object \"values\"" },
    { "cancel", "invalid", "cancel names the number of a \"run\"" },
    { "start_agent", "invalid", "a start names an \"agent\" and its idempotency \"key\"" },
    { "start_agent", "invalid", "\"input\" is an object" },
    { "user_message", "invalid", "a start names an \"agent\" and its idempotency \"key\"" },
    { "user_message", "invalid", "\"input\" is an object" },
    { "server_start", "invalid", "a server is named by its \"port\" or its \"app\"" },
    { "server_stop", "invalid", "a server is named by its \"port\" or its \"app\"" },
    { "history", "invalid", "a history cursor is a \"cursor\" and its \"epoch\"" },
    { "history", "invalid", "\"limit\" is a number above 0" },
    { "history", "invalid", "\"backward\" is true or false" },
    { "history", "limit", "a page is being read for you already" },
};

static bool is_answer(const char *about)
{
    return strcmp(about, "confirm") == 0 || strcmp(about, "user_input") == 0;
}

/* Of a question: it is another server's, or over. */
static const char *sentence_on_prompt(const char *code)
{
    static const char *const over[] = { "not_found", "invalid", "conflict", "expired" };

    if (strcmp(code, "unavailable") == 0) return "another server asks this, and takes the answer";
    return is_one_of(code, over, sizeof over / sizeof over[0])
        ? "this prompt does not take that answer any more" : NULL;
}

static const char *sentence_of_code(const char *code)
{
    static const char *const codes[] = {
#define RESULT_WORD(name, word, text) word,
        CORE_RESULTS(RESULT_WORD)
    };
    static const char *const sentences[] = {
#define RESULT_SENTENCE(name, word, text) text,
        CORE_RESULTS(RESULT_SENTENCE)
    };

    for (size_t i = CORE_OK + 1; i < sizeof codes / sizeof codes[0]; i++)
        if (strcmp(codes[i], code) == 0) return sentences[i];
    return NULL;
}

static bool is_same(const char *sentence, const char *due)
{
    return due != NULL && strcmp(sentence, due) == 0;
}

static bool is_sentence(const char *about, const char *code, const char *sentence)
{
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        const struct reason *reason = &reasons[i];
        if (reason->about != NULL && strcmp(reason->about, about) != 0) continue;
        if (strcmp(reason->code, code) == 0 && strcmp(reason->sentence, sentence) == 0)
            return true;
    }
    return is_same(sentence, sentence_of_code(code)) ||
           (is_answer(about) && is_same(sentence, sentence_on_prompt(code)));
}

/* --- the error --- */

void tab_checks_error(const struct tab *tab, const json_t *body)
{
    static const char *const requests[] = {
        "",
#define REQUEST_WORD(name, word) word,
        WIRE_REQUESTS(REQUEST_WORD)
    };
    const char *about = text_of(body, "about"), *code = text_of(body, "code");

    object(tab, "whether an error is about a request",
           is_one_of(about, requests, sizeof requests / sizeof requests[0]));
    object(tab, "whether the code of an error is one", sentence_of_code(code) != NULL);
    object(tab, "whether the reason of an error is that of its code",
           is_sentence(about, code, text_of(body, "reason")));
}
