/* Thread names: fifteen bytes and a terminator, one name per thread. */
#include "posix_check.h"
#include "posix_list.h"
#include "posix_support.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

enum { NAME_BYTES = 16 };

static void *name_self(void *argument)
{
    char name[NAME_BYTES];

    CHECK_OK(pthread_setname_np(pthread_self(), "core/ws"));
    CHECK_OK(pthread_getname_np(pthread_self(), name, sizeof name));
    CHECK_OK(strcmp(name, "core/ws"));
    return argument;
}

void posix_names_of_self(void)
{
    char before[NAME_BYTES];
    char after[NAME_BYTES];

    CHECK_OK(pthread_getname_np(pthread_self(), before, sizeof before));
    posix_finish(posix_start(name_self, NULL));
    CHECK_OK(pthread_getname_np(pthread_self(), after, sizeof after));
    CHECK_OK(strcmp(before, after));
}

static void *wait_for_gate(void *argument)
{
    posix_gate_wait(argument, 1);
    return NULL;
}

void posix_names_of_another(void)
{
    struct posix_gate gate;
    pthread_t thread;
    char name[NAME_BYTES];

    posix_gate_init(&gate);
    thread = posix_start(wait_for_gate, &gate);
    CHECK_OK(pthread_setname_np(thread, "first"));
    CHECK_OK(pthread_setname_np(thread, "second"));
    CHECK_OK(pthread_getname_np(thread, name, sizeof name));
    CHECK_OK(strcmp(name, "second"));
    posix_gate_raise(&gate);
    posix_finish(thread);
    posix_gate_destroy(&gate);
}

void posix_names_too_long(void)
{
    struct posix_gate gate;
    pthread_t thread;
    char name[NAME_BYTES];

    posix_gate_init(&gate);
    thread = posix_start(wait_for_gate, &gate);
    CHECK_OK(pthread_setname_np(thread, "fifteen-bytes-x"));
    CHECK_EQ(pthread_setname_np(thread, "sixteen-bytes-xy"), ERANGE);
    CHECK_OK(pthread_getname_np(thread, name, sizeof name));
    CHECK_OK(strcmp(name, "fifteen-bytes-x"));
    CHECK_OK(pthread_setname_np(thread, ""));
    CHECK_OK(pthread_getname_np(thread, name, sizeof name));
    CHECK_EQ(name[0], '\0');
    posix_gate_raise(&gate);
    posix_finish(thread);
    posix_gate_destroy(&gate);
}

void posix_names_short_buffer(void)
{
    char name[NAME_BYTES];

    CHECK_EQ(pthread_getname_np(pthread_self(), name, NAME_BYTES - 1), ERANGE);
    CHECK_OK(pthread_getname_np(pthread_self(), name, NAME_BYTES));
    CHECK(memchr(name, '\0', sizeof name) != NULL);
}
