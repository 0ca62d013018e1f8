#include "members.h"

#include <stdlib.h>
#include <string.h>

#include "harness/check/require.h"

void member_set(json_t *object, const char *name, json_t *value)
{
    REQUIRE(value != NULL && json_object_set_new(object, name, value) == 0);
}

json_t *member_text(const char *text)
{
    json_t *value = json_string(text);
    if (value != NULL) return value;

    char *copy = strdup(text);
    REQUIRE(copy != NULL);
    for (char *at = copy; *at != '\0'; at++) {
        if ((unsigned char)*at >= 0x80) *at = '?';
    }
    value = json_string(copy);
    free(copy);
    return value;
}

json_t *member_no_return(const struct no_return *no_return)
{
    json_t *object = json_object();

    member_set(object, "tried", json_integer(no_return->tried));
    if (no_return->from_start) return object;
    member_set(object, "step", json_integer(no_return->step));
    member_set(object, "time_ns", json_integer((json_int_t)no_return->time_ns));
    member_set(object, "thread", member_text(no_return->thread));
    member_set(object, "what", member_text(no_return->what));
    member_set(object, "place", member_text(no_return->place));
    return object;
}
