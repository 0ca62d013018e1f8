/* What a tab can do that is told of events otherwise than by a WebSocket. */
#include "harness/scenario/internal.h"

#include <string.h>

static const char *text_of(const struct scn_actor *tab, const char *name, const char *fallback)
{
    const struct scn_attr *attr = scn_attrs_find(&tab->attrs, name);

    return attr == NULL ? fallback : attr->value.text;
}

/* Bytes go where a core is served by its real server. */
static void check_transport(struct scn_parser *parser, const struct scn_actor *tab,
                            const struct scn_attr *speaks)
{
    const struct scn_attr *transport =
        scn_core_setting(parser->file, (uint32_t)tab->core, "transport");

    if (transport != NULL && strcmp(transport->value.text, "sockets") == 0) return;
    scn_error_at(parser, speaks->place, "say 'core transport=sockets'",
                 "'speaks=%s' needs transport=sockets: without it there is no HTTP",
                 speaks->value.text);
}

static void check_steps(struct scn_parser *parser, const struct scn_actor *tab, const char *speech)
{
    for (uint32_t i = 0; i < tab->step_count; i++) {
        const struct scn_step *step = &tab->steps[i];
        if (step->verb != SCN_VERB_SEND && step->verb != SCN_VERB_SAY &&
            step->verb != SCN_VERB_ANSWER)
            continue;
        scn_error_at(parser, step->place, "give it to a tab that speaks websocket",
                     "'%s' cannot '%s': with speaks=%s it is told, and says nothing", tab->name,
                     scn_verb_word(step->verb), speech);
    }
}

/* Who asks again without a pause would ask for ever at one moment. A plan says it of every tab, as
 * the default that it is. */
static void check_poll(struct scn_parser *parser, const struct scn_actor *tab, const char *speech)
{
    enum { LEAST_US = 1000, DEFAULT_US = 1000000 };
    const struct scn_attr *poll = scn_attrs_find(&tab->attrs, "poll");

    if (poll == NULL) return;
    if (strcmp(speech, "polling") != 0 && poll->value.low != DEFAULT_US)
        scn_error_at(parser, poll->place, "say speaks=polling",
                     "'poll=%s' is for a tab that polls, and '%s' does not", poll->value.text,
                     tab->name);
    else if (poll->value.low < LEAST_US)
        scn_error_at(parser, poll->place, "wait for 1ms at least",
                     "'poll=%s' leaves no time between two questions", poll->value.text);
}

void scn_check_tab(struct scn_parser *parser, const struct scn_actor *tab)
{
    const struct scn_attr *speaks = scn_attrs_find(&tab->attrs, "speaks");
    const struct scn_attr *greeting = scn_attrs_find(&tab->attrs, "greeting");
    const char *speech = text_of(tab, "speaks", "websocket");

    if (tab->kind != SCN_ACTOR_TAB) return;
    check_poll(parser, tab, speech);
    if (strcmp(speech, "websocket") == 0) return;
    check_transport(parser, tab, speaks);
    check_steps(parser, tab, speech);
    if (greeting != NULL && strcmp(greeting->value.text, "off") == 0)
        scn_error_at(parser, greeting->place, "leave it out",
                     "'greeting=off' is for a tab that says hello itself");
}

/* The end of a link that is a tab; NULL: neither is. */
static const struct scn_actor *tab_of(const struct scn_parser *parser,
                                      const struct scn_fault *fault)
{
    const struct scn_ref *ends[2] = { &fault->target, &fault->target_to };

    for (uint32_t i = 0; i < (fault->linked ? 2 : 1); i++) {
        if (ends[i]->kind != SCN_REF_ACTOR) continue;
        const struct scn_actor *actor = &parser->file->actors[ends[i]->actor];
        if (actor->kind == SCN_ACTOR_TAB) return actor;
    }
    return NULL;
}

/* What such a tab never says cannot be lost, doubled or wrong. */
static bool can_strike(const struct scn_fault *fault, const char *speech)
{
    bool events = strcmp(speech, "events") == 0;

    switch (fault->kind) {
    case SCN_FAULT_LOSE: case SCN_FAULT_DUPLICATE: case SCN_FAULT_REORDER:
        return events && fault->target.kind == SCN_REF_CORE;
    case SCN_FAULT_CUT:
        return events || scn_attrs_find(&fault->attrs, "frame") == NULL;
    case SCN_FAULT_DOUBLE_HELLO: case SCN_FAULT_LOSE_ACK: case SCN_FAULT_STALE_ANSWER:
        return false;
    case SCN_FAULT_REPEAT_CLOSE: return events;
    default: return true;
    }
}

bool scn_check_tab_fault(struct scn_parser *parser, const struct scn_fault *fault)
{
    const struct scn_actor *tab = tab_of(parser, fault);
    const char *speech = tab == NULL ? "websocket" : text_of(tab, "speaks", "websocket");

    if (strcmp(speech, "websocket") == 0 || can_strike(fault, speech)) return true;
    return scn_error_at(parser, fault->place, "it is for a tab that speaks websocket",
                        "'%s' cannot strike '%s', which says speaks=%s",
                        scn_fault_word(fault->kind), tab->name, speech);
}
