#include "harness/capture/bearer.h"

#include <jansson.h>
#include <nettle/base64.h>
#include <stdio.h>
#include <string.h>

enum { ENCODED_MAX = 4096 };

/* The text between the first two dots, decoded; NULL: there is none, or it is no object. */
static json_t *read_claims(const char *token, size_t length)
{
    uint8_t bytes[BASE64_DECODE_LENGTH(ENCODED_MAX)];
    const char *first = memchr(token, '.', length), *end = token + length;
    struct base64_decode_ctx decoder;
    size_t used;

    if (first == NULL) return NULL;
    const char *second = memchr(first + 1, '.', (size_t)(end - first - 1));
    if (second == NULL || second - first > ENCODED_MAX) return NULL;
    /* It comes without padding, so there is no end to be checked. */
    base64url_decode_init(&decoder);
    if (!base64_decode_update(&decoder, &used, bytes, (size_t)(second - first - 1), first + 1))
        return NULL;
    return json_loadb((const char *)bytes, used, 0, NULL);
}

bool bearer_user(const char *token, size_t length, char *user, size_t size)
{
    json_t *claims = read_claims(token, length);
    const char *subject = json_string_value(json_object_get(claims, "sub"));

    (void)snprintf(user, size, "%s", subject == NULL ? "" : subject);
    json_decref(claims);
    return user[0] != '\0';
}
