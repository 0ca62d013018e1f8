#include "fakes/witness.h"

#include "fakes/internal.h"

/* --- the message store --- */

void witness_opened(struct stage *stage, uint32_t core, const char *session, uint64_t epoch,
                    uint64_t tenure, uint64_t head, uint64_t floor)
{
    RECORD(STORE_OPEN, PARTY_MESSAGES, (uint16_t)(PARTY_CORE + core), PARTY_MESSAGES, 0,
           .session = record_intern(session), .epoch = (int64_t)epoch, .tenure = (int64_t)tenure,
           .head = (int64_t)head, .floor = (int64_t)floor, .code = record_intern("ok"));
    (void)stage;
}

void witness_stored(struct stage *stage, uint32_t core, const char *session, uint64_t epoch,
                    uint64_t tenure, const struct store_event *event)
{
    (void)stage;
    messages_record(record_intern(session), (uint16_t)(PARTY_CORE + core), epoch, tenure, event);
}

void witness_trimmed(struct stage *stage, const char *session, uint64_t epoch, uint64_t floor)
{
    (void)stage;
    RECORD(LOG_TRIM, PARTY_MESSAGES, 0, 0, 0, .session = record_intern(session),
           .epoch = (int64_t)epoch, .floor = (int64_t)floor);
}

/* --- sandboxes --- */

/* The scenario's own name for it, as long as it has names left. */
static struct box *box_seen(struct play *play, const char *sandbox)
{
    for (uint32_t i = 0; i < play->provider.count; i++) {
        struct box *box = play->provider.boxes[i];
        if (box->request != NULL && strcmp(box->request, sandbox) == 0) return box;
    }
    for (uint32_t i = 0; i < play->provider.count; i++) {
        struct box *box = play->provider.boxes[i];
        if (box->request != NULL) continue;
        box->request = scratch_copy(sandbox, strlen(sandbox));
        box->token = 0;
        return box;
    }
    return NULL;
}

void witness_assigned(struct stage *stage, const char *sandbox, const char *owner, uint64_t token,
                      enum app_type app)
{
    struct play *play = stage->play;
    struct box *box = box_seen(play, sandbox);
    bool given = owner[0] != '\0';

    if (box == NULL || box->token == token || strlen(owner) >= sizeof box->owner) return;
    record_word owner_word = record_intern(given ? owner : box->owner);
    box->token = token;
    box->app = app;
    memcpy(box->owner, owner, strlen(owner) + 1);
    if (given)
        RECORD(SB_ASSIGN, box->party, 0, box->party, 0, .sandbox = box->word, .owner = owner_word,
               .token = (int64_t)token);
    else
        RECORD(SB_RELEASE, box->party, 0, box->party, 0, .sandbox = box->word, .owner = owner_word,
               .token = (int64_t)token);
    box_tell(box, given ? "assign" : "release", json_pack("{s:I}", "token", (json_int_t)token));
}

static struct process *process_of(struct box *box, uint64_t group)
{
    for (uint32_t i = 0; box != NULL && i < box->process_count; i++) {
        if (box->processes[i].pgid == group) return &box->processes[i];
    }
    return NULL;
}

uint64_t witness_spawned(struct stage *stage, const char *sandbox, enum app_type app,
                         uint64_t group, uint16_t port, uint64_t fence)
{
    struct box *box = box_seen(stage->play, sandbox);
    const char *word = app == APP_WEB ? "web" : "mobile";

    if (box == NULL) return 0;
    if (box->process_count == PROCESSES_MAX)
        world_stop("more than %d processes in one sandbox", PROCESSES_MAX);
    struct process *process = &box->processes[box->process_count++];
    *process = (struct process){
        .instance = ++stage->play->provider.instances, .pgid = group, .token = box->token,
        .fence = fence, .request = "", .app_word = record_intern(word), .app = app, .port = port,
        .alive = true, .listen_ns = WORLD_NEVER };
    RECORD(PR_SPAWN, box->party, 0, 0, 0, .port = port, .instance = (int64_t)process->instance,
           .pgid = (int64_t)group, .app = process->app_word, .token = (int64_t)box->token,
           .fence = (int64_t)fence, .sandbox = box->word);
    box_tell(box, "spawn", json_pack("{s:i, s:s, s:I}", "port", (int)port, "app", word, "token",
                                     (json_int_t)box->token));
    uint64_t span_us = box->boot_high_us - box->boot_low_us;
    if (span_us == 0) return box->boot_low_us;
    return box->boot_low_us + span_us * world_choose(1001, "boot_time") / 1000;
}

void witness_listens(struct stage *stage, const char *sandbox, uint64_t group, uint16_t port)
{
    struct box *box = box_seen(stage->play, sandbox);
    struct process *process = process_of(box, group);

    if (process == NULL || !process->alive) return;
    process->listening = port;
    RECORD(PR_LISTEN, box->party, 0, 0, 0, .port = port, .instance = (int64_t)process->instance,
           .sandbox = box->word);
}

void witness_ended(struct stage *stage, const char *sandbox, uint64_t group, const char *why)
{
    struct box *box = box_seen(stage->play, sandbox);
    struct process *process = process_of(box, group);

    if (process != NULL) process_end(box, process, why);
}
