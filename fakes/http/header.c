#include "fakes/http/header.h"

#include <string.h>
#include <strings.h>

const char *http_header(const char *head, const char *name, size_t *length)
{
    size_t named = strlen(name);

    for (const char *line = strstr(head, "\r\n"); line != NULL; line = strstr(line + 2, "\r\n")) {
        const char *value = line + 2;
        if (strncasecmp(value, name, named) != 0 || value[named] != ':') continue;
        value += named + 1;
        value += strspn(value, " \t");
        *length = strcspn(value, "\r");
        while (*length > 0 && strchr(" \t", value[*length - 1]) != NULL) --*length;
        return value;
    }
    return NULL;
}
