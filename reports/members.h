/* Members of JSON objects, in the order in which they are set. */
#ifndef REPORTS_MEMBERS_H
#define REPORTS_MEMBERS_H

#include <jansson.h>

#include "reports/no_return.h"

/* Takes the value. */
void member_set(json_t *object, const char *name, json_t *value);

/* A string; bytes that are not UTF-8, which JSON cannot hold, become question marks. */
json_t *member_text(const char *text);

/* The object "no_return" of docs/TRACE.md. */
json_t *member_no_return(const struct no_return *no_return);

#endif
