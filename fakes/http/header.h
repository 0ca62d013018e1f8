/* Headers of HTTP/1.1 (RFC 9112), for those who read a response's head as a whole. */
#ifndef FAKES_HTTP_HEADER_H
#define FAKES_HTTP_HEADER_H

#include <stddef.h>

/*
 * The value of the first header of that name, in any case, without blanks around it: within `head`,
 * whose lines end with CR LF, and a zero after the last. *length gets its length. NULL: none.
 */
const char *http_header(const char *head, const char *name, size_t *length);

#endif
