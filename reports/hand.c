/* The prompt: an execution is run, and where it has to choose a person does. To go back is to run
 * it again, with fewer choices made. */
#include "hand.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "harness/check/require.h"
#include "reports/threads.h"
#include "reports/trail.h"

enum { LINE_BYTES = 256, FIND_RUNS = 1000, FIND_RUNS_MAX = 1000000, LENGTH_HINT = 256 };

/* Why an execution was ended at the prompt. */
enum why { GO_ON, BACK, FIND, QUIT };

struct session {
    struct strategy strategy;     /* first: it is the chooser */
    const struct hand *hand;
    struct explore_subject subject;
    uint16_t *made;               /* the choices, */
    uint32_t count, at;           /* so many, and where the execution is among them */
    uint32_t seen, shown;         /* choices that were shown, and steps before the last of them */
    struct strategy *rest;        /* decides what is left; NULL: a person does, */
    bool by_default;              /* unless it is left to option 0 */
    enum why why;
    uint32_t runs, way;           /* to find something in, and which one it is */
};

const char hand_commands[] =
    "  0, 1, ...  take that option         (nothing: option 0, which is what happens by default)\n"
    "  b [N]      back by a choice, or by N\n"
    "  c          continue by default to the end\n"
    "  f [N]      find a failure from here on: at most N random ways to go on (1000)\n"
    "  w          where every thread stands\n"
    "  t          the token of the choices made so far\n"
    "  q          quit: give the execution up\n"
    "  ?          this text\n";

/* --- commands --- */

static void print_token(const struct session *session)
{
    char *token = token_write(session->made, session->at);
    REQUIRE(token != NULL);
    fprintf(session->hand->out, "%s\n", token);
    free(token);
}

/* A line without its spaces at both ends; false at the end of input. */
static bool read_line(const struct session *session, char *line)
{
    const struct hand *hand = session->hand;
    fprintf(hand->out, "> ");
    fflush(hand->out);
    char *got = fgets(line, LINE_BYTES, hand->in);
    if (got == NULL) {
        fprintf(hand->out, "(end of input)\n");
        return false;
    }
    if (strchr(line, '\n') == NULL && !feof(hand->in)) {
        for (int c = fgetc(hand->in); c != EOF && c != '\n';) c = fgetc(hand->in);
    }
    size_t from = strspn(line, " \t"), length = strlen(line);
    while (length > from && isspace((unsigned char)line[length - 1])) length--;
    memmove(line, line + from, length - from);
    line[length - from] = '\0';
    if (hand->echo) fprintf(hand->out, "%s\n", line);
    return true;
}

static bool read_number(const char *text, uint32_t least, uint32_t most, uint32_t *number)
{
    char *end;
    unsigned long long value = strtoull(text, &end, 10);
    if (!isdigit((unsigned char)text[0]) || *end != '\0' || value < least || value > most)
        return false;
    *number = (uint32_t)value;
    return true;
}

/* The number behind a letter, if there is one. */
static bool read_optional(const char *line, uint32_t standard, uint32_t most, uint32_t *number)
{
    const char *text = line + 1 + strspn(line + 1, " \t");
    *number = standard;
    return *text == '\0' || read_number(text, 1, most, number);
}

static bool leave(struct session *session, enum why why)
{
    session->why = why;
    return true;
}

/* Commands that end the execution. False: it is none. */
static bool obey_leaving(struct session *session, const char *line)
{
    uint32_t number;
    if (strcmp(line, "q") == 0) return leave(session, QUIT);
    if (line[0] == 'b' && session->at > 0 && read_optional(line, 1, session->at, &number)) {
        session->count = session->at - number;
        return leave(session, BACK);
    }
    if (line[0] == 'f' && read_optional(line, FIND_RUNS, FIND_RUNS_MAX, &session->runs)) {
        session->count = session->at;
        return leave(session, FIND);
    }
    return false;
}

/* Commands that only show something. */
static bool obey_showing(const struct session *session, const char *line)
{
    FILE *out = session->hand->out;
    if (strcmp(line, "?") == 0 || strcmp(line, "h") == 0 || strcmp(line, "help") == 0) {
        fputs(hand_commands, out);
    } else if (strcmp(line, "t") == 0) {
        print_token(session);
    } else if (strcmp(line, "w") == 0) {
        threads_print(out);
    } else {
        return false;
    }
    return true;
}

/* Until an option is chosen, or the execution left. */
static uint32_t ask(struct session *session, uint32_t count)
{
    char line[LINE_BYTES];
    uint32_t number;
    for (;;) {
        if (!read_line(session, line) || strcmp(line, "c") == 0) {
            session->by_default = true;
            session->seen = session->at;
            return 0;
        }
        if (line[0] == '\0') return 0;
        if (read_number(line, 0, count - 1, &number)) return number;
        if (obey_showing(session, line)) continue;
        if (obey_leaving(session, line)) world_stop("left at the prompt");
        if (line[0] == 'b' && session->at == 0) {
            fprintf(session->hand->out,
                    "this is the first choice: there is nothing to go back to\n");
        } else {
            fprintf(session->hand->out, "'%s' is none of the options 0 to %u, and no command; "
                    "? lists them\n", line, count - 1);
        }
    }
}

/* --- the strategy --- */

static uint32_t keep(struct session *session, uint32_t index)
{
    uint32_t count;
    if (session->at < TOKEN_CHOICES_MAX) session->made[session->at++] = (uint16_t)index;
    (void)trail_steps(&count);
    /* What nobody chose is shown at the end. */
    if (!session->by_default || session->at <= session->seen) session->shown = count;
    return index;
}

/* The choice that was made before. UINT32_MAX: there is none. */
static uint32_t follow(struct session *session, uint32_t count)
{
    if (session->at >= session->count) return session->by_default ? 0 : UINT32_MAX;
    uint32_t index = session->made[session->at];
    if (index >= count)
        world_stop("choice %u of the token asks for option %u, but there are %u",
                   session->at + 1, index, count);
    return index;
}

static uint32_t schedule(struct world_chooser *chooser, uint32_t count)
{
    struct session *session = (struct session *)chooser;
    uint32_t index = follow(session, count);
    if (index != UINT32_MAX) return keep(session, index);
    if (session->rest != NULL) {
        session->rest->chooser.plain = chooser->plain;
        return keep(session, session->rest->chooser.schedule(&session->rest->chooser, count));
    }
    hand_show_steps(session->hand->out, session->shown);
    fprintf(session->hand->out, "choice %u\n", session->at + 1);
    hand_show_options(session->hand->out, count);
    return keep(session, ask(session, count));
}

static uint32_t value(struct world_chooser *chooser, uint32_t count, const char *label)
{
    struct session *session = (struct session *)chooser;
    uint32_t index = follow(session, count);
    if (index != UINT32_MAX) return keep(session, index);
    if (session->rest != NULL)
        return keep(session, session->rest->chooser.value(&session->rest->chooser, count, label));
    hand_show_steps(session->hand->out, session->shown);
    fprintf(session->hand->out, "choice %u\n", session->at + 1);
    hand_show_values(session->hand->out, count, label);
    return keep(session, ask(session, count));
}

static bool begin(struct strategy *strategy, uint64_t n)
{
    struct session *session = (struct session *)strategy;
    (void)n;
    session->at = session->shown = 0;
    session->why = GO_ON;
    return session->rest == NULL || session->rest->begin(session->rest, session->way);
}

static void before(void *context)
{
    struct session *session = context;
    const struct explore_subject *subject = session->hand->subject;
    trail_begin();
    if (subject->before) subject->before(subject->context);
}

static void body(void *context)
{
    const struct explore_subject *subject = ((struct session *)context)->hand->subject;
    subject->body(subject->context);
}

static uint32_t judge(void *context, const struct world_result *result)
{
    const struct explore_subject *subject = ((struct session *)context)->hand->subject;
    if (subject->judge) return subject->judge(subject->context, result);
    return result->end == WORLD_FINDING ? (uint32_t)world_finding_get()->kind : EXPLORE_PASSED;
}

/* --- the session --- */

/* Looks for choices that fail; if there are some, the session goes on with them. */
static void find(struct session *session)
{
    FILE *out = session->hand->out;
    struct world_result result;
    uint32_t kept = session->count;
    struct strategy *walk = strategy_random(session->hand->seed, LENGTH_HINT, false);
    REQUIRE(walk != NULL);
    session->rest = walk;
    world_observe(NULL, NULL);
    for (session->way = 0; session->way < session->runs; session->way++) {
        if (explore_execute(&session->subject, &session->strategy, &result) == EXPLORE_PASSED)
            continue;
        fprintf(out, "way %u of %u fails\n", session->way + 1, session->runs);
        session->seen = kept;
        session->count = session->at;
        session->by_default = true;
        break;
    }
    if (session->way == session->runs) fprintf(out, "%u ways to go on: none fails\n", session->way);
    trail_watch(session->hand->words);
    session->rest = NULL;
    walk->free(walk);
}

/* True: the person is done. */
static bool ask_at_end(struct session *session)
{
    char line[LINE_BYTES];
    for (;;) {
        if (!read_line(session, line) || line[0] == '\0' || strcmp(line, "q") == 0) return true;
        if (strcmp(line, "t") == 0 || strcmp(line, "?") == 0) {
            obey_showing(session, line);
        } else if (line[0] == 'b' && obey_leaving(session, line)) {
            return false;
        } else {
            fprintf(session->hand->out, "the execution has ended: only b, t, q and ? are left\n");
        }
    }
}

static uint32_t run_session(struct session *session)
{
    const struct hand *hand = session->hand;
    struct world_result result;
    for (;;) {
        uint32_t id = explore_execute(&session->subject, &session->strategy, &result);
        if (session->why == QUIT) return EXPLORE_PASSED;
        enum why why = session->why;
        if (why == FIND) find(session);
        if (why != GO_ON) continue;
        hand_show_steps(hand->out, session->shown);
        hand->tell_end(hand->context, hand->out, id, &result);
        session->count = session->at;
        if (session->by_default && feof(hand->in)) return id;
        session->by_default = false;
        if (ask_at_end(session)) return id;
    }
}

uint32_t hand_go(const struct hand *hand, uint16_t *choices, uint32_t *count)
{
    struct session session = {
        .strategy = {.chooser = {.schedule = schedule, .value = value}, .begin = begin},
        .hand = hand,
        .subject = {NULL, hand->subject->name, body, before, judge},
        .made = choices,
        .count = *count,
    };
    session.subject.context = &session;
    trail_watch(hand->words);
    fprintf(hand->out, "? lists the commands\n");
    uint32_t id = run_session(&session);
    world_observe(NULL, NULL);
    *count = session.at;
    return id;
}
