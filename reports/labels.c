#include "labels.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "harness/check/require.h"
#include "reports/text.h"

/* Kind, shape, phrase. {name} is a value of the record; [name?phrase] is there when that value is
 * not zero; [!name?phrase] when it is. */
#define LABELS(X) \
    X(PUB_CALL, CALL, "emits {kind}[number? {number}]") \
    X(PUB_ACK, AT, "{kind}[number? {number}]: {code}[seq?, seq {seq}]") \
    X(STORE_OPEN, EFFECT, "opens {session}, epoch {epoch}") \
    X(LOG_APPEND, EFFECT, "stores {kind}, seq {seq}") \
    X(LOG_SAYS, AT, \
      "run {run}[state? is {state}][prompt?: question {prompt}][outcome? is {outcome}]") \
    X(LOG_REFUSED, EFFECT, "refuses {kind}: {code}") \
    X(LOG_LOST, AT, "seq {seq} is lost") \
    X(LOG_TRIM, EFFECT, "trims below seq {floor}") \
    X(STORE_CALL, CALL, "{op}[key? {key}]") \
    X(STORE_REPLY, REPLY, "{op}[key? {key}]: {code}") \
    X(CLIENT_OPEN, SEND, "opens socket {conn}") \
    X(CLIENT_FRESH, AT, "is a fresh page") \
    X(CLIENT_HELLO, AT, "hello, cursor {cursor}") \
    X(CLIENT_READY, AT, "ready: head {head}[recovered?, recovered]") \
    X(CLIENT_ONLINE, AT, "online, gen {gen}") \
    X(CLIENT_OFFLINE, AT, "offline[why?: {why}][code? ({code})]") \
    X(CLIENT_SEND, SEND, "{kind}[id? {id}][port? {port}][seq? {seq}]") \
    X(CORE_INPUT, ARRIVE, "{kind}") \
    X(CORE_TAKEN, AT, "is heard (frame {frame})") \
    X(CORE_SEND, SEND, "{kind}[seq? {seq}]") \
    X(CORE_CLOSE, SEND, "closes socket {conn}[code? ({code})]") \
    X(WIRE_DROP, AT, "{kind}[seq? {seq}] is lost[why?: {why}]") \
    X(CLIENT_RECV, ARRIVE, \
      "{kind}[seq? {seq}][id? {id}][state? {state}][port? {port}][code? {code}]" \
      "[outcome? {outcome}]") \
    X(CLIENT_APPLY, AT, "applies {kind}, seq {seq}") \
    X(CLIENT_TOLD, AT, \
      "run {run}[state? is {state}][prompt?: question {prompt}][outcome? is {outcome}]") \
    X(RESYNC, AT, "resync up to {to}") \
    X(GAP_TOLD, AT, "gap {from}..{to}") \
    X(ACK, AT, "acks {seq}") \
    X(DETACH, AT, "detached[why?: {why}]") \
    X(DETACHED, AT, "forgotten by the core") \
    X(HEARTBEAT, AT, "hears head {head}, sent {sent}") \
    X(PAGE_CALL, AT, "reads after event {cursor}") \
    X(PAGE_EVENT, AT, "reads {kind}, seq {seq}") \
    X(PAGE, AT, "page ends, next after {next}[more?, more follows][trimmed?, some are gone]") \
    X(CANCEL_CALL, AT, "is about to cancel") \
    X(RUN_CALL, AT, "is about to ask for a run") \
    X(RUN_REQ, AT, "asks for a run[code?: {code}]") \
    X(RUN_START, AT, "run {run} starts") \
    X(RUN_STOP_ASKED, AT, "is asked to stop") \
    X(RUN_END, AT, "run {run} ends: {outcome}") \
    X(REPORTED, AT, "tells {what}: {told}") \
    X(CALL_REFUSED, AT, "{op} is refused: {code}") \
    X(PROMPT_OPEN, AT, "asks {id}[timeout?, {timeout}]") \
    X(PROMPT_SHOWN, AT, "is asked {id}") \
    X(ANSWER, AT, "answers {id}: {value}") \
    X(ANSWER_REFUSED, AT, "answer[id? {id}] is refused[code?: {code}]") \
    X(PROMPT_DONE, AT, "{id} is {outcome}") \
    X(LK_TRY, ATTEMPT, "acquire {key}") \
    X(LK_GRANT, EFFECT, "granted (token {token})") \
    X(LK_REFUSE, EFFECT, "refused: {op} {key}") \
    X(LK_RENEW, EFFECT, "renewed (token {token})") \
    X(LK_EXPIRE, AT, "{key} expires (token {token})") \
    X(LK_RELEASE, EFFECT, "released (token {token})") \
    X(LEASE_CALL, AT, "wants {key}[wait?, waits {wait}]") \
    X(LEASE_REFUSED, AT, "does not get {key}[code?: {code}]") \
    X(LEASE_HELD, AT, "holds {key} (token {token})") \
    X(LEASE_USED, AT, "still holds {key} (token {token})") \
    X(LEASE_LOST, AT, "is told that {key} is lost") \
    X(LEASE_RETURN, AT, "gives {key} back") \
    X(LEASE_ENDED, AT, "no longer holds {key}[why?: {why}]") \
    X(ALERT, AT, "[raised?alert: ][!raised?no more alert: ]{what} of {key} ({value})") \
    X(SB_CREATE, EFFECT, "is made") \
    X(SB_ASSIGN, EFFECT, "assigned to {owner} (token {token})") \
    X(SB_RELEASE, EFFECT, "released (token {token})") \
    X(SB_DESTROY, EFFECT, "destroyed") \
    X(SB_CRASH, AT, "crashes") \
    X(SB_REFUSE, EFFECT, "refuses {op}: {code}") \
    X(PR_SPAWN, EFFECT, "started {instance} on {port}") \
    X(PR_LISTEN, AT, "{instance} listens on {port}") \
    X(PR_SIGNAL, EFFECT, "{signal} to {instance}") \
    X(PR_EXIT, AT, "[child?child of ]{instance} ends[why?: {why}]") \
    X(PR_CHILD, AT, "{instance} has a child") \
    X(PROBE, EFFECT, "{port}: [instance?{instance} answers][!instance?nobody answers]") \
    X(SRV_STATE, AT, "server {state}[port? on {port}]") \
    X(STEP_BEGIN, AT, "") \
    X(STEP_END, AT, "") \
    X(FAULT_BEGIN, AT, "") \
    X(FAULT_END, AT, "") \
    X(CORE_STARTED, AT, "starts") \
    X(CORE_KILLED, AT, "killed: memory and threads are gone") \
    X(CORE_RESTARTED, AT, "restarts") \
    X(CORE_DRAINED, AT, "drained[code?: {code}]") \
    X(POINT, AT, "{name}") \
    X(CALM, AT, "calm begins") \
    X(QUIESCE, AT, "calm is over")

static const struct {
    enum label_shape shape;
    const char *phrase;
} labels[RECORD_KIND_COUNT] = {
#define LABEL(kind, shape, phrase) [RECORD_##kind] = {LABEL_##shape, phrase},
    LABELS(LABEL)
#undef LABEL
};

#define COUNT(...) +1
_Static_assert(LABELS(COUNT) == RECORD_KIND_COUNT, "every kind has a phrase");

enum label_shape label_shape_of(enum record_kind kind)
{
    REQUIRE((unsigned)kind < RECORD_KIND_COUNT);
    return labels[kind].shape;
}

bool label_is_fault(enum record_kind kind)
{
    return kind == RECORD_FAULT_BEGIN || kind == RECORD_LK_EXPIRE || kind == RECORD_LOG_LOST ||
           kind == RECORD_WIRE_DROP || kind == RECORD_SB_CRASH || kind == RECORD_CORE_KILLED;
}

/* What a tab sends by itself. */
static bool is_protocol(const char *kind)
{
    static const char *const kinds[] = {"hello", "connection_acknowledged", "ack", "pong",
                                        "history"};

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kind, kinds[i]) == 0) return true;
    }
    return false;
}

bool label_is_landmark(const struct record *record)
{
    if (record->kind == RECORD_CLIENT_SEND)
        return !is_protocol(record_text(record->values.CLIENT_SEND.kind));
    return record->kind == RECORD_FAULT_BEGIN || record->kind == RECORD_SB_CRASH ||
           record->kind == RECORD_CORE_KILLED || record->kind == RECORD_CORE_RESTARTED;
}

bool label_is_noise(enum record_kind kind)
{
    return kind == RECORD_STEP_BEGIN || kind == RECORD_STEP_END || kind == RECORD_POINT ||
           kind == RECORD_CALM || kind == RECORD_QUIESCE || kind == RECORD_CORE_STARTED ||
           kind == RECORD_CORE_DRAINED || kind == RECORD_RUN_CALL || kind == RECORD_DETACHED ||
           kind == RECORD_HEARTBEAT || kind == RECORD_LOG_SAYS || kind == RECORD_CLIENT_TOLD;
}

/* --- phrases --- */

struct phrase {
    const struct record *record;
    char *out;
    size_t size, used;
};

static void put(struct phrase *phrase, const char *text, size_t length)
{
    for (size_t i = 0; i < length && phrase->used + 1 < phrase->size; i++)
        phrase->out[phrase->used++] = text[i];
    phrase->out[phrase->used] = '\0';
}

static void put_text(struct phrase *phrase, const char *text)
{
    put(phrase, text, strlen(text));
}

/* Position of the value called by these bytes; a phrase that names none is a mistake here. */
static uint32_t field_at(const struct phrase *phrase, const char *name, size_t length)
{
    char copy[32];
    REQUIRE(length < sizeof copy);
    memcpy(copy, name, length);
    copy[length] = '\0';
    int index = record_field_find(phrase->record->kind, copy);
    REQUIRE(index >= 0);
    return (uint32_t)index;
}

static void put_value(struct phrase *phrase, uint32_t index)
{
    int64_t value = phrase->record->values.at[index];
    char text[32];

    switch (record_info_of(phrase->record->kind)->fields[index].type) {
    case RECORD_WORD:
        put_text(phrase, record_text(value));
        return;
    case RECORD_TIME:
    case RECORD_SPAN:
        text_time(value, text, sizeof text);
        put_text(phrase, text);
        return;
    case RECORD_INT:
    case RECORD_FLAG:
        snprintf(text, sizeof text, "%" PRId64, value);
        put_text(phrase, text);
        return;
    }
}

/* Brackets do not nest. */
static void put_phrase(struct phrase *phrase, const char *text, const char *end)
{
    while (text < end) {
        if (*text == '{') {
            size_t length = strcspn(text + 1, "}");
            put_value(phrase, field_at(phrase, text + 1, length));
            text += length + 2;
        } else if (*text == '[') {
            bool when_zero = text[1] == '!';
            const char *name = text + 1 + when_zero;
            size_t length = strcspn(name, "?");
            const char *close = strchr(name, ']');
            REQUIRE(close != NULL);
            int64_t value = phrase->record->values.at[field_at(phrase, name, length)];
            if ((value == 0) == when_zero) put_phrase(phrase, name + length + 1, close);
            text = close + 1;
        } else {
            put(phrase, text++, 1);
        }
    }
}

/* --- what refers to the scenario --- */

static const struct scn_step *step_of(const struct record *record)
{
    const struct scn_file *file = record_scenario_get();
    uint32_t actor = (uint32_t)record->subject - PARTY_ACTOR;
    int64_t step = record->values.STEP_BEGIN.step;

    if (file == NULL || record->subject < PARTY_ACTOR || actor >= file->actor_count) return NULL;
    if (step < 0 || step >= file->actors[actor].step_count) return NULL;
    return &file->actors[actor].steps[step];
}

static void put_step(struct phrase *phrase, const char *ended)
{
    const struct scn_step *step = step_of(phrase->record);
    char text[96];

    if (step == NULL) {
        snprintf(text, sizeof text, "step %" PRId64, phrase->record->values.STEP_BEGIN.step + 1);
    } else if (step->label != NULL) {
        snprintf(text, sizeof text, "%s: %s", step->label, scn_verb_word(step->verb));
    } else {
        snprintf(text, sizeof text, "%s (line %u)", scn_verb_word(step->verb), step->place.line);
    }
    put_text(phrase, text);
    put_text(phrase, ended);
}

static void put_fault(struct phrase *phrase, const char *ended)
{
    const struct scn_file *file = record_scenario_get();
    int64_t index = phrase->record->values.FAULT_BEGIN.fault;
    char span[32];

    if (file == NULL || index < 0 || index >= file->fault_count) {
        put_text(phrase, "fault");
    } else {
        const struct scn_fault *fault = &file->faults[index];
        put_text(phrase, scn_fault_word(fault->kind));
        put_text(phrase, " ");
        put_text(phrase, fault->target.text);
        if (fault->linked) {
            put_text(phrase, "->");
            put_text(phrase, fault->target_to.text);
        }
    }
    if (phrase->record->kind == RECORD_FAULT_BEGIN && phrase->record->values.FAULT_BEGIN.by != 0) {
        text_time(phrase->record->values.FAULT_BEGIN.by, span, sizeof span);
        put_text(phrase, " by ");
        put_text(phrase, span);
    }
    put_text(phrase, ended);
}

void label_write(const struct record *record, char *out, size_t size)
{
    struct phrase phrase = {record, out, size, 0};

    REQUIRE(size > 0);
    out[0] = '\0';
    if (record->kind == RECORD_STEP_BEGIN || record->kind == RECORD_STEP_END) {
        put_step(&phrase, record->kind == RECORD_STEP_END ? " ends" : "");
    } else if (record->kind == RECORD_FAULT_BEGIN || record->kind == RECORD_FAULT_END) {
        put_fault(&phrase, record->kind == RECORD_FAULT_END ? " is over" : "");
    } else {
        const char *text = labels[record->kind].phrase;
        put_phrase(&phrase, text, text + strlen(text));
    }
}
