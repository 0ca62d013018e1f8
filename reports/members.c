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
