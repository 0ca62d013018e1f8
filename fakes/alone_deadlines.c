/* Many deadlines at a time: a core of a backend's own, a run that asks a dozen questions, some of
 * them twice, without waiting, and another one that asks the same. Nobody answers. Each expires at
 * its own moment, is superseded, or is cancelled with its run; and so many deadlines as are left
 * are waited for. */
#include "fakes/alone.h"

#include "fakes/alone_ports.h"
#include "fakes/inspect.h"

#include <stdio.h>

enum { QUESTIONS = 12, AGAIN = 4, LEAVE_US = 1500000, STEP_US = 100000, STEPS = 20 };

struct asked {
    struct many *many;
    char id[8];
    uint64_t due_us, told_us;
    enum prompt_outcome due, told;
    uint32_t outcomes;
};

struct many {
    struct actor *actor;
    struct core *core;
    struct asked asked[QUESTIONS + AGAIN + 1];
    uint32_t count;
    uint64_t begun_us;
};

static void tell(const struct many *many, const char *what, uint64_t told, uint64_t right)
{
    inspect_tell(many->actor->instance, what, told, right, right);
}

/* --- the agent --- */

static void on_outcome(void *context, const struct prompt_answer *answer)
{
    struct asked *asked = context;

    asked->outcomes++;
    asked->told = answer->outcome;
    asked->told_us = now_us();
}

static void ask(struct many *many, struct run_context *run, const char *id)
{
    struct asked *asked = &many->asked[many->count++];
    /* No two at one moment: they have no order. */
    uint64_t timeout_us = STEP_US * (1 + (uint64_t)world_choose(STEPS, "how_long")) + many->count;
    struct prompt_request request = { .id = asked->id, .timeout_us = timeout_us };

    asked->many = many;
    (void)snprintf(asked->id, sizeof asked->id, "%s", id);
    asked->due = PROMPT_EXPIRED;
    asked->due_us = now_us() + timeout_us;
    tell(many, "the answer to one of many questions",
         many->actor->play->api->run_ask_async(run, &request, on_outcome, asked), CORE_OK);
}

static void ask_again(struct many *many, struct run_context *run)
{
    /* The first one is of another run. */
    struct asked *before = &many->asked[1 + world_choose(many->count - 1, "which_again")];

    if (before->due == PROMPT_SUPERSEDED) return;
    before->due = PROMPT_SUPERSEDED;
    before->due_us = now_us();
    ask(many, run, before->id);
}

static enum core_result run_many(struct many *many, struct run_context *run)
{
    const struct prompt_request more = { .id = "one more" };
    char id[8];

    many->begun_us = now_us();
    for (uint32_t i = 0; i < QUESTIONS; i++) {
        (void)snprintf(id, sizeof id, "q%u", i);
        ask(many, run, id);
    }
    tell(many, "the answer to one question too many",
         many->actor->play->api->run_ask_async(run, &more, on_outcome, NULL), CORE_LIMIT);
    world_sleep_until(ahead_ns(STEP_US / 2));
    for (uint32_t i = 0; i < AGAIN; i++) ask_again(many, run);
    world_sleep_until(us_ns(many->begun_us + LEAVE_US));
    for (uint32_t i = 0; i < many->count; i++) {
        struct asked *asked = &many->asked[i];
        if (asked->due_us <= now_us()) continue;
        asked->due = PROMPT_CANCELLED;
        asked->due_us = now_us();
    }
    return CORE_OK;
}

/* A question of the same name is another one, if another run asks it. */
static enum core_result run_other(struct many *many, struct run_context *run)
{
    struct asked *asked = &many->asked[many->count];

    ask(many, run, "q0");
    world_sleep_until(ahead_ns(LEAVE_US));
    if (asked->due_us > now_us()) {
        asked->due = PROMPT_CANCELLED;
        asked->due_us = now_us();
    }
    return CORE_OK;
}

static enum core_result run_agent(void *context, const char *agent, struct run_context *run)
{
    struct many *many = context;
    bool many_wanted = strcmp(many->actor->play->api->run_input(run), "{}") == 0;

    (void)agent;
    world_meet(WORLD_MET_FAKES);
    return many_wanted ? run_many(many, run) : run_other(many, run);
}

/* --- the program --- */

static void make_core(struct many *many)
{
    const struct core_api *api = many->actor->play->api;
    struct core_config config;

    api->config_default(&config);
    config.name = "many";
    config.settings.start_gate = START_GATE_NONE;
    config.settings.prompt_clock = PROMPT_CLOCK_ALWAYS;
    config.settings.max_prompts_per_session = QUESTIONS + 1;
    config.settings.max_runs_per_session = 2;
    config.hash_seed = config.jitter_seed = 1;
    config.transport = alone_no_tabs(many->actor);
    config.agents = (struct agent_runner_port){ many, run_agent, NULL };
    tell(many, "the answer to a configuration", api->create(&config, &many->core), CORE_OK);
    tell(many, "the answer to a start", api->start(many->core), CORE_OK);
}

static void begin_run(struct many *many)
{
    const char *agent = agent_of(many->actor);
    const struct run_spec other = { .agent = agent, .key = "other", .input = "{\"one\":1}" };
    const struct run_spec spec = { .agent = agent, .key = "many" };
    const struct run_spec third = { .agent = agent, .key = "third" };
    const struct core_api *api = many->actor->play->api;
    struct session_ref session;

    tell(many, "the answer to an open",
         api->session_open_wait(many->core, "m", "ann", SESSION_CREATE, &session, NULL), CORE_OK);
    tell(many, "the answer to another run that asks",
         api->run_submit(many->core, session, &other, NULL, NULL), CORE_OK);
    world_sleep_until(ahead_ns(ALONE_SETTLE_US));
    tell(many, "the answer to a run that asks much",
         api->run_submit(many->core, session, &spec, NULL, NULL), CORE_OK);
    tell(many, "the answer to one run too many",
         api->run_submit(many->core, session, &third, NULL, NULL), CORE_LIMIT);
    world_sleep_until(ahead_ns(ALONE_SETTLE_US));
}

/* At a moment at which nothing is due. */
static void compare_deadlines(const struct many *many)
{
    struct core_stats stats;
    uint64_t open = 0;

    for (uint32_t i = 0; i < many->count; i++) open += many->asked[i].due_us > now_us();
    many->actor->play->api->stats(many->core, &stats);
    tell(many, "questions that are open at a time", stats.prompts, open);
    tell(many, "deadlines of many questions", stats.timers, open);
}

static void compare_outcomes(const struct many *many)
{
    struct core_stats stats;

    for (uint32_t i = 0; i < many->count; i++) {
        const struct asked *asked = &many->asked[i];
        tell(many, "outcomes of one of many questions", asked->outcomes, 1);
        tell(many, "the outcome of one of many questions", asked->told, asked->due);
        tell(many, "when one of many questions was settled", asked->told_us, asked->due_us);
    }
    many->actor->play->api->stats(many->core, &stats);
    tell(many, "questions of a run that has ended", stats.prompts, 0);
    tell(many, "deadlines when a run has ended", stats.timers, 1);   /* of its session */
}

void alone_deadline_many(struct actor *actor)
{
    struct many *many = scratch_alloc(sizeof *many);

    *many = (struct many){ .actor = actor };
    make_core(many);
    begin_run(many);
    for (uint64_t at_us = STEP_US + STEP_US / 2; at_us < LEAVE_US; at_us += STEP_US) {
        world_sleep_until(us_ns(many->begun_us + at_us));
        compare_deadlines(many);
    }
    world_sleep_until(us_ns(many->begun_us + LEAVE_US + ALONE_SETTLE_US));
    compare_outcomes(many);
    tell(many, "the answer to a drain", actor->play->api->drain(many->core, 1000000), CORE_OK);
    actor->play->api->destroy(many->core);
}
