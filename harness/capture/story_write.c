/* The story as a scenario. */
#include "harness/capture/story.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "harness/scenario/ast.h"

/* Limits of the language are 256 steps of an actor and a file of 1 MiB. */
enum { STEPS_MAX = 250, REMARKS_MAX = 300, COLUMNS_MAX = 100, NOTE_AT = 50 };

/* How far steps are moved that come at even distances: from so much to half an hour. */
static const uint64_t off_min_us = 50, off_max_us = 1800000000;

/* --- steps --- */

static int by_time(const void *one, const void *other)
{
    const struct story_step *a = one, *b = other;

    if (a->time_us != b->time_us) return a->time_us < b->time_us ? -1 : 1;
    return a->packet < b->packet ? -1 : a->packet > b->packet;
}

static bool can_repeat(const struct story_step *step)
{
    return !step->remark && (strncmp(step->text, "emit ", 5) == 0 ||
                             strncmp(step->text, "publish ", 8) == 0 ||
                             strcmp(step->text, "send pong") == 0);
}

/* Periods, in us, in which steps can be told as one: whole ones, as the language has them. */
struct periods {
    uint64_t least, most;
};

/* Whether the step that comes so many behind the first one, after `time_us`, still fits if it may
 * come `off_us` early. None comes late, or the actor would be late for the next one, too. */
static bool fits(struct periods *periods, uint32_t behind, uint64_t time_us, uint64_t off_us)
{
    uint64_t least = time_us < off_us ? 0 : time_us - off_us;
    uint64_t most = time_us / behind;

    least = (least + behind - 1) / behind;
    if (least > periods->least) periods->least = least;
    if (most < periods->most) periods->most = most;
    return periods->least <= periods->most;
}

/* How many steps from `from` on are the same, about equally far apart; `every_us`: how far, which
 * has none of them come more than `off_us` early. */
static uint32_t alike(const struct story_steps *steps, uint32_t from, uint64_t off_us,
                      uint64_t *every_us)
{
    const struct story_step *first = &steps->items[from];
    struct periods periods = { 0, UINT64_MAX }, wider = periods;
    uint32_t count = 1;

    *every_us = 0;
    if (!can_repeat(first) || first->latest_us > 0) return 1;
    while (from + count < steps->count) {
        const struct story_step *next = first + count;
        if (next->remark || strcmp(next->text, first->text) != 0 || next->latest_us > 0) break;
        if (!fits(&wider, count, next->time_us - first->time_us, off_us)) break;
        periods = wider;
        count++;
    }
    if (count > 1) *every_us = periods.least + (periods.most - periods.least) / 2;
    return count;
}

static uint32_t lines_of(const struct story_steps *steps, uint64_t off_us)
{
    uint64_t every_us;
    uint32_t lines = 0;

    for (uint32_t i = 0; i < steps->count; i += alike(steps, i, off_us, &every_us))
        lines += !steps->items[i].remark;
    return lines;
}

/* As little as it takes to have no more lines than an actor may. */
static uint64_t off_of(const struct story_steps *steps)
{
    uint64_t off_us = 0;

    while (lines_of(steps, off_us) > STEPS_MAX && off_us < off_max_us)
        off_us = off_us == 0 ? off_min_us : 2 * off_us;
    return off_us;
}

static void write_note(FILE *out, size_t column, const char *note)
{
    if (column + 4 + strlen(note) > COLUMNS_MAX) {
        (void)fputc('\n', out);
        return;
    }
    (void)fprintf(out, "%*s  # %s\n", column < NOTE_AT ? (int)(NOTE_AT - column) : 0, "", note);
}

static const char *shown_by(const struct story *story)
{
    return story->trace ? "record" : "packet";
}

/* `before_us` is when the actor can begin with it. */
static void write_step(FILE *out, struct story *story, const struct story_step *step,
                       uint32_t times, uint64_t every_us, uint64_t before_us)
{
    const char *text = step->text;
    uint64_t since_us = before_us < step->time_us ? before_us : step->time_us;
    const char *packet = step->packet == 0 ? "" : scn_arena_format(story->arena, "%s %u",
                                                                  shown_by(story), step->packet);

    if (times > 1) text = scn_arena_format(story->arena, "%s times %u", text, times);
    if (every_us > 0)
        text = scn_arena_format(story->arena, "%s every %s", text, story_time(story, every_us));
    text = step->latest_us == 0
        ? scn_arena_format(story->arena, "  %s at %s", text, story_time(story, step->time_us))
        : scn_arena_format(story->arena, "  %s within %s..%s", text,
                           story_time(story, step->time_us - since_us),
                           story_time(story, step->latest_us - since_us));
    (void)fputs(text, out);
    if (*packet == '\0') (void)fputc('\n', out);
    else write_note(out, strlen(text), packet);
}

static void write_remark(FILE *out, struct story *story, const struct story_step *step)
{
    const char *text = step->packet == 0
        ? scn_arena_format(story->arena, "  # %s", step->text)
        : scn_arena_format(story->arena, "  # %u: %s", step->packet, step->text);

    (void)fprintf(out, "%.*s\n", COLUMNS_MAX, text);
}

static void write_steps(FILE *out, struct story *story, struct story_steps *steps)
{
    uint32_t remarks = 0, lines = 0, left_out = 0;
    uint64_t before_us = 0, every_us;

    if (steps->count > 1) qsort(steps->items, steps->count, sizeof *steps->items, by_time);
    uint64_t off_us = off_of(steps);
    for (uint32_t i = 0; i < steps->count;) {
        const struct story_step *step = &steps->items[i];
        uint32_t times = alike(steps, i, off_us, &every_us);
        i += times;
        if (step->remark) {
            if (remarks++ < REMARKS_MAX) write_remark(out, story, step);
        } else if (lines++ < STEPS_MAX) {
            write_step(out, story, step, times, every_us, before_us);
            before_us = step->time_us + (times - 1) * every_us;
        } else {
            left_out++;
        }
    }
    if (remarks > REMARKS_MAX)
        (void)fprintf(out, "  # %u more messages\n", remarks - REMARKS_MAX);
    if (left_out > 0)
        (void)fprintf(out, "  # %u more steps are left out: an actor has at most 256\n", left_out);
}

/* --- actors --- */

static const char *via(struct story *story, uint32_t core)
{
    if (story->core_count < 2) return "";
    return scn_arena_format(story->arena, " via=%s", story->core_names[core]);
}

/* " user=NAME" where not everybody who came is the owner: he is the first who is named. */
static const char *owner_of(struct story *story, const struct story_session *session)
{
    char user[STORY_NAME_MAX];

    if (session->owner == NULL) return "";
    for (uint32_t i = 0; i < story->tab_count; i++) {
        const struct story_tab *tab = &story->tabs[i];
        if (&story->sessions[tab->session] != session || tab->user == NULL ||
            strcmp(tab->user, session->owner) == 0)
            continue;
        story_word(session->owner, "user", user);
        return scn_arena_format(story->arena, " user=%s", user);
    }
    return "";
}

static void write_agents(FILE *out, struct story *story, struct story_session *session)
{
    const char *owner = owner_of(story, session);

    for (uint32_t i = 0; i < session->actor_count; i++) {
        struct story_actor *actor = &session->actors[i];
        (void)fprintf(out, "%s %s session=%s%s%s\n", actor->agent ? "agent" : "backend",
                      actor->name, session->name, via(story, actor->core), owner);
        write_steps(out, story, &actor->steps);
        (void)fputc('\n', out);
    }
}

static void write_sandbox(FILE *out, struct story *story, const struct story_session *session)
{
    char name[STORY_NAME_MAX];

    if (!session->serves) return;
    story_name(story, "box", "box", name);
    if (story->session_count > 1) (void)snprintf(name, sizeof name, "box_%.16s", session->name);
    (void)fprintf(out, "sandbox %s project=%s", name, session->name);
    if (session->boot_us > 0)
        (void)fprintf(out, " boot=%s", story_time(story, session->boot_us));
    (void)fputs("\n\n", out);
}

static const char *reconnect_of(struct story *story, const struct story_tab *tab)
{
    if (!tab->returns) return "";
    if (tab->latest_us == tab->soonest_us)
        return scn_arena_format(story->arena, " reconnect=%s", story_time(story, tab->soonest_us));
    return scn_arena_format(story->arena, " reconnect=%s..%s", story_time(story, tab->soonest_us),
                            story_time(story, tab->latest_us));
}

static void write_tab(FILE *out, struct story *story, struct story_tab *tab)
{
    char user[STORY_NAME_MAX] = "";

    if (tab->user != NULL) story_word(tab->user, "user", user);
    const char *line = scn_arena_format(
        story->arena, "tab %s session=%s%s%s%s", tab->name, story->sessions[tab->session].name,
        via(story, tab->core), reconnect_of(story, tab), tab->shares ? " cursors=shared" : "");
    (void)fputs(line, out);
    /* A name of a user that has no room in the line is one that nothing depends on. */
    if (*user != '\0' && strlen(line) + 6 + strlen(user) <= COLUMNS_MAX)
        (void)fprintf(out, " user=%s", user);
    (void)fputc('\n', out);
    write_steps(out, story, &tab->steps);
    (void)fputc('\n', out);
}

/* --- checks --- */

/* Events of that kind that the tab must get in every run: those that happened well before it left,
 * if it did. */
static uint32_t sure_of(const struct story *story, const struct story_tab *tab, const char *type)
{
    static const uint64_t margin_us = 1000000;
    const struct story_session *session = &story->sessions[tab->session];
    uint32_t count = 0;

    for (uint32_t i = 0; i < tab->received_count; i++) {
        const struct story_event *event = &tab->received[i];
        if (event->epoch != session->events[session->event_count - 1].epoch) continue;
        if (strcmp(event->type, type) != 0) continue;
        if (tab->gone_us != UINT64_MAX && event->time_us + margin_us > tab->gone_us &&
            tab->gone_us < story->end_us)
            continue;
        count++;
    }
    return count;
}

static bool first_of_kind(const struct story_tab *tab, uint32_t index)
{
    for (uint32_t i = 0; i < index; i++) {
        if (strcmp(tab->received[i].type, tab->received[index].type) == 0) return false;
    }
    return true;
}

/* How many events of that kind the actor publishes. */
static uint32_t published_by(const struct story_actor *actor, const char *type)
{
    const struct story_steps *steps = &actor->steps;
    size_t length = strlen(type);
    uint32_t count = 0;

    for (uint32_t i = 0; i < steps->count && story_can_emit(type); i++) {
        const char *word = strchr(steps->items[i].text, ' ');
        count += can_repeat(&steps->items[i]) && strncmp(word + 1, type, length) == 0 &&
                 (word[1 + length] == ' ' || word[1 + length] == '\0');
    }
    return count;
}

/* Who publishes it; NULL: nobody does. What a core says of itself depends on the order of things,
 * what was published does not. */
static const struct story_actor *publisher_of(const struct story_session *session,
                                              const char *type, bool *alone)
{
    const struct story_actor *found = NULL;

    *alone = true;
    for (uint32_t a = 0; a < session->actor_count; a++) {
        if (published_by(&session->actors[a], type) == 0) continue;
        if (found != NULL) *alone = false;
        found = &session->actors[a];
    }
    return found;
}

/* Limits among the settings may refuse what is published at another moment, and a cancel may come
 * before it: what was accepted arrives. Left out where the line would be too long for the language:
 * no_lost_events says it, too. */
static void write_promise(FILE *out, struct story *story, const struct story_tab *tab,
                          const char *type, uint32_t sure, const struct story_actor *publisher)
{
    const char *when = publisher == NULL ? "" : scn_arena_format(
        story->arena, " when %s.%s[kind=%s] >= %u", publisher->name,
        publisher->agent ? "emitted" : "published", type, published_by(publisher, type));
    const char *line = scn_arena_format(story->arena,
                                        "  eventually %s.received[kind=%s] >= %u%s within 0..5s",
                                        tab->name, type, sure, when);

    if (strlen(line) <= COLUMNS_MAX) (void)fprintf(out, "%s\n", line);
}

static void write_promises(FILE *out, struct story *story, const struct story_tab *tab,
                           bool limited)
{
    const struct story_session *session = &story->sessions[tab->session];
    bool alone;

    limited = limited || session->cancels;
    for (uint32_t i = 0; i < tab->received_count; i++) {
        const char *type = tab->received[i].type;
        if (!first_of_kind(tab, i)) continue;
        const struct story_actor *publisher = publisher_of(session, type, &alone);
        if (publisher == NULL || (limited && !alone)) continue;
        uint32_t sure = sure_of(story, tab, type);
        if (sure > 0) write_promise(out, story, tab, type, sure, limited ? publisher : NULL);
    }
}

/* Those that have something to judge: an order has more than one event. */
static void write_judges(FILE *out, const struct story *story, bool events)
{
    bool ordered = false;

    for (uint32_t t = 0; t < story->tab_count; t++)
        ordered = ordered || story->tabs[t].received_count > 1;
    (void)fputs("check\n", out);
    if (!events)
        (void)fputs("  off no_lost_events \"nothing was published\"\n", out);
    else if (story->tab_count == 0)
        (void)fputs("  off no_lost_events \"nobody was attached\"\n", out);
    else
        (void)fputs("  on  no_lost_events\n", out);
    if (ordered) (void)fputs("  on  events_in_order\n", out);
}

static void write_checks(FILE *out, struct story *story, bool limited)
{
    bool events = false, serves = false;

    for (uint32_t i = 0; i < story->session_count; i++) {
        events = events || story->sessions[i].event_count > 0;
        serves = serves || story->sessions[i].serves;
    }
    write_judges(out, story, events);
    if (serves)
        (void)fputs("  off no_idle_sandbox \"a capture does not tell who keeps a sandbox\"\n", out);
    for (uint32_t t = 0; t < story->tab_count; t++) {
        const struct story_tab *tab = &story->tabs[t];
        /* What others of its user have read, it need not read; and with several cores, which of
         * them has a session at what time is not in a capture. */
        if (tab->shares || story->core_count > 1) continue;
        write_promises(out, story, tab, limited);
    }
}

/* --- the file --- */

/* What runs must have waited for, as a setting; NULL: the default. */
static const char *gate_of(const struct story *story)
{
    const char *gate = NULL;

    for (uint32_t i = 0; i < story->session_count; i++) {
        if (story->sessions[i].early) return "none";
        if (story->sessions[i].attached) gate = "attached";
    }
    return gate;
}

static void write_settings(FILE *out, const struct story *story, const char *settings)
{
    const char *gate = gate_of(story);

    if (settings != NULL) {
        (void)fprintf(out, "%s\n", settings);
        return;
    }
    if (story->core_count < 2 && strcmp(story->core_names[0], "core") == 0 && gate == NULL)
        return;
    (void)fputs("core", out);
    for (uint32_t i = 0; i < story->core_count; i++) {
        if (strcmp(story->core_names[i], "core") != 0 || story->core_count > 1)
            (void)fprintf(out, " %s", story->core_names[i]);
    }
    if (gate != NULL) (void)fprintf(out, " start_gate=%s", gate);
    (void)fputs("\n\n", out);
}

/* Lines of remarks, none of them too long for the language. */
static void write_remarks(FILE *out, const char *text)
{
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        size_t part = length < COLUMNS_MAX ? length : COLUMNS_MAX;
        while (part < length && part > 2 && text[part] != ' ') part--;
        (void)fprintf(out, "%.*s\n", (int)part, text);
        text += part;
        if (*text == '\n') text++;
        else if (*text != '\0') (void)fputs("#  ", out);
    }
}

static void write_summary(FILE *out, const struct story *story, const struct capture *capture)
{
    char *text = NULL;
    size_t size;
    FILE *summary = open_memstream(&text, &size);

    if (summary == NULL) abort();
    capture_summary(summary, capture, "# ");
    if (story->homeless > 0)
        (void)fprintf(summary, "# left out: %u connection%s: a scenario has room for %d tabs in %d "
                      "sessions\n", story->homeless, story->homeless == 1 ? "" : "s",
                      STORY_TABS_MAX, STORY_SESSIONS_MAX);
    if (story->cramped > 0)
        (void)fprintf(summary, "# left out: what %u run%s did: a scenario has room for %d actors; "
                      "they do what others did\n", story->cramped, story->cramped == 1 ? "" : "s",
                      SCN_ACTORS_MAX);
    if (story->speechless > 0)
        (void)fprintf(summary, "# left out: %u connection%s without a hello that makes sense\n",
                      story->speechless, story->speechless == 1 ? "" : "s");
    (void)fclose(summary);
    write_remarks(out, text);
    free(text);
}

/* What is long gets the bounds that it needs: each message is some steps of several threads, and
 * after the last one the core's deadlines are waited for. */
static void write_explore(FILE *out, struct story *story)
{
    enum { STEPS = 20000, STEPS_OF_MESSAGE = 50, MINUTES = 10 };
    static const uint64_t minute_us = 60000000;
    uint64_t steps = (uint64_t)story->message_count * STEPS_OF_MESSAGE;
    uint64_t minutes = (story->lead_us + story->end_us) / minute_us * 3 + MINUTES;

    (void)fputs("\nexplore\n", out);
    if (steps > STEPS || minutes > MINUTES)
        (void)fprintf(out, "  bound  steps=%" PRIu64 " time=%" PRIu64 "m\n",
                      steps > STEPS ? steps : STEPS, minutes);
    (void)fputs("  budget runs=1000\n", out);
}

void story_write(FILE *out, struct story *story, const struct capture *capture, const char *name,
                 const char *source, const char *settings)
{
    (void)fprintf(out, "# From %.80s, by 'harness import'.\n"
                  "# Times count from %s before the first message; numbers in remarks are "
                  "%s. Steps stand where\n"
                  "# they were seen: 'within' makes them a place to explore from.\n",
                  source, story_time(story, story->lead_us), story->trace ? "records" : "packets");
    write_summary(out, story, capture);
    (void)fprintf(out, "scenario %s \"what a %s showed: %u tab%s, %u connection%s\"\n\n", name,
                  story->trace ? "trace" : "capture", story->tab_count,
                  story->tab_count == 1 ? "" : "s", story->link_count,
                  story->link_count == 1 ? "" : "s");
    write_settings(out, story, settings);
    for (uint32_t i = 0; i < story->session_count; i++) {
        write_agents(out, story, &story->sessions[i]);
        write_sandbox(out, story, &story->sessions[i]);
    }
    for (uint32_t i = 0; i < story->tab_count; i++) write_tab(out, story, &story->tabs[i]);
    if (story->faults.count > 0) {
        (void)fputs("faults\n", out);
        write_steps(out, story, &story->faults);
        (void)fputc('\n', out);
    }
    write_checks(out, story, settings != NULL);
    write_explore(out, story);
}
