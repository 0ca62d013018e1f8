/* Sandboxes and the servers in them: one per kind, by whoever owns the sandbox, and none idle. */
#include "harness/check/internal.h"

static struct sandbox_fact *sandbox_of(struct check_set *set, int64_t sandbox)
{
    return ledger_get(&set->sandboxes, LEDGER_KEY(sandbox));
}

void check_sandbox_assign(struct check_set *set, const struct record *record)
{
    const struct record_values_SB_ASSIGN *v = &record->values.SB_ASSIGN;
    struct sandbox_fact *box = sandbox_of(set, v->sandbox);

    if (v->owner != 0) check_exercise(set, SCN_INVARIANT_NO_IDLE_SANDBOX);
    box->owner = v->owner;
    box->token = v->token;
    box->idle_us = box->given_us = set->now_us;
}

void check_sandbox_release(struct check_set *set, const struct record *record)
{
    const struct record_values_SB_RELEASE *v = &record->values.SB_RELEASE;
    struct sandbox_fact *box = sandbox_of(set, v->sandbox);
    box->owner = 0;
    if (v->token > box->token) box->token = v->token;
}

void check_sandbox_destroy(struct check_set *set, const struct record *record)
{
    sandbox_of(set, record->values.SB_DESTROY.sandbox)->gone = true;
}

/* A spawn with an old assignment or an old lease has no effect. */
static void judge_tokens(struct check_set *set, const struct record *record,
                         const struct sandbox_fact *box, const struct server_fact *server)
{
    const struct record_values_PR_SPAWN *v = &record->values.PR_SPAWN;

    if (v->token < box->token)
        check_break(set, SCN_INVARIANT_NO_DUPLICATE_SERVERS, record,
                    "instance %lld was spawned in %s with assignment token %lld; the current one "
                    "is %lld", (long long)v->instance, record_text(v->sandbox),
                    (long long)v->token, (long long)box->token);
    if (v->fence < server->fence)
        check_break(set, SCN_INVARIANT_LOCKS_EXCLUDE, record,
                    "instance %lld was spawned in %s with lease token %lld after one with token "
                    "%lld", (long long)v->instance, record_text(v->sandbox), (long long)v->fence,
                    (long long)server->fence);
}

void check_spawn(struct check_set *set, const struct record *record)
{
    const struct record_values_PR_SPAWN *v = &record->values.PR_SPAWN;
    struct sandbox_fact *box = sandbox_of(set, v->sandbox);
    struct server_fact *server = ledger_get(&set->servers, LEDGER_KEY(v->sandbox, v->app));
    struct instance_fact *instance =
        ledger_get(&set->instances, LEDGER_KEY(v->sandbox, v->instance));

    check_exercise(set, SCN_INVARIANT_NO_DUPLICATE_SERVERS);
    judge_tokens(set, record, box, server);
    /* One whose start was told to have failed may come at any time, before a look or after. */
    if (server->instance != 0 && !v->late && !server->late)
        check_break(set, SCN_INVARIANT_NO_DUPLICATE_SERVERS, record,
                    "instance %lld of the %s server was spawned in %s while instance %lld was "
                    "alive", (long long)v->instance, record_text(v->app), record_text(v->sandbox),
                    (long long)server->instance);
    if (!v->late || server->instance == 0) {
        server->instance = v->instance;
        server->late = v->late;
    }
    if (v->fence > server->fence) server->fence = v->fence;
    instance->app = v->app;
    box->alive++;
}

void check_child(struct check_set *set, const struct record *record)
{
    sandbox_of(set, record->values.PR_CHILD.sandbox)->alive++;
}

void check_exit(struct check_set *set, const struct record *record)
{
    const struct record_values_PR_EXIT *v = &record->values.PR_EXIT;
    struct sandbox_fact *box = sandbox_of(set, v->sandbox);
    struct instance_fact *instance =
        ledger_change(&set->instances, LEDGER_KEY(v->sandbox, v->instance));

    if (box->alive > 0) box->alive--;
    box->idle_us = set->now_us;
    if (v->child != 0 || instance == NULL) return;
    struct server_fact *server = ledger_get(&set->servers, LEDGER_KEY(v->sandbox, instance->app));
    if (server->instance == v->instance) server->instance = 0;
}

/* The core may keep a sandbox for its owner for a while, but not for ever. */
void check_sandboxes_used(struct check_set *set)
{
    for (uint32_t i = 0; i < set->sandboxes.count; i++) {
        const struct sandbox_fact *box = ledger_at(&set->sandboxes, i);
        if (box->gone || box->owner == 0 || box->alive > 0) continue;
        if (set->now_us - box->idle_us < set->idle_limit_us) continue;
        check_break(set, SCN_INVARIANT_NO_IDLE_SANDBOX, NULL,
                    "sandbox %s belongs to %s (token %lld), and nothing has run in it for %llds",
                    record_text(box->entry.key.at[0]), record_text(box->owner),
                    (long long)box->token, (long long)((set->now_us - box->idle_us) / 1000000));
    }
}
