/* Who a bearer token stands for, as far as it says so itself. Internal to harness/capture. */
#ifndef HARNESS_CAPTURE_BEARER_H
#define HARNESS_CAPTURE_BEARER_H

#include <stdbool.h>
#include <stddef.h>

/* Reads `sub` of a JSON Web Token (RFC 7519), whose signature is nobody's business here. False,
 * with "" in `user`: it is none, or names nobody. Longer names are cut. */
bool bearer_user(const char *token, size_t length, char *user, size_t size);

#endif
