/* Between cores: what a client of one core says to a run of another one is taken there by a thread
 * of the program that the other core is linked with. */
#include "fakes/inspect.h"

struct passed {
    struct instance *to;
    const char *session, *message;
    size_t length;
};

static void carry(void *argument)
{
    struct passed *passed = argument;
    struct instance *to = passed->to;

    if (!to->alive) return;
    world_group_enter(to->group);
    world_acquire(&to->started);
    if (ws_type_of(passed->message, passed->length) == record_intern("cancel"))
        RECORD(CANCEL_CALL, to->party, to->party, to->party, 0,
               .session = record_intern(passed->session));
    to->callers++;
    (void)to->play->api->session_pass(to->core, passed->session, passed->message, passed->length);
    to->callers--;
    world_wake(&to->changed);
}

static bool is_session(const struct play *play, const char *name)
{
    const struct stage *stage = play->stage;

    for (uint32_t i = 0; i < stage->session_count; i++)
        if (strcmp(stage->sessions[i].name, name) == 0) return true;
    return false;
}

void relay_pass(void *context, const char *session, const char *message, size_t length)
{
    struct instance *from = instance_called(context);
    struct play *play = from->play;

    inspect_tell(from, "whether a message is passed on for a session", is_session(play, session),
                 true, true);
    inspect_tell(from, "the length of a message that is passed on", length, strlen(message),
                 strlen(message));
    for (uint32_t i = 0; i < play->file->core_count; i++) {
        struct instance *to = &play->instances[i];
        if (to == from) continue;
        struct passed *passed = scratch_alloc(sizeof *passed);
        *passed = (struct passed){ .to = to, .session = scratch_copy(session, strlen(session)),
                                   .message = scratch_copy(message, length), .length = length };
        (void)world_spawn(to->relay_name, WORLD_ACTOR, carry, passed);
    }
}
