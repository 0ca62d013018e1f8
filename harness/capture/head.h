/* Texts inside heads of HTTP (RFC 9110, RFC 9112). Pure functions. Internal to harness/capture. */
#ifndef HARNESS_CAPTURE_HEAD_H
#define HARNESS_CAPTURE_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Not ended by a zero. */
struct text {
    const char *at;
    size_t length;
};

/* Without blanks at both ends. */
struct text text_trimmed(const char *at, const char *end);

/* The same, whatever the case; exactly the same. */
bool text_is_word(struct text text, const char *word);
bool text_is(struct text text, const char *word);

/* Takes the next item from a list; `between` separates them. False: there is none. */
bool text_next(struct text *list, char between, struct text *item);

/* The digits that it begins with; stops growing beyond 32 bits. */
uint64_t text_number(struct text text);

/* Makes it printable, and cuts it. */
void text_copy(struct text text, char *out, size_t size);

/* The same, with %XX and, of a query, + decoded. */
void text_decode(struct text text, char *out, size_t size);

/* The value of the header of that name. */
bool head_find(struct text head, const char *name, struct text *value);

/* Whether a header, which is a list, has that item. */
bool head_has(struct text head, const char *name, const char *word);

/* The value of a parameter behind the '?' of a path. */
bool head_parameter(struct text path, const char *name, struct text *value);

#endif
