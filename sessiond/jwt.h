/* Signed tokens: JSON Web Tokens (RFC 7519) with HMAC SHA-256 (HS256) and no other algorithm. */
#ifndef SESSIOND_JWT_H
#define SESSIOND_JWT_H

#include "sessiond/auth.h"

struct jwt_claims {
    struct identity identity;   /* sub, and session: absent or "*" is every one */
    int64_t until;              /* exp: seconds since 1970; a token without it is refused */
};

/* Is the signature right, and are the claims there? Does not look at the time. */
bool jwt_verify(const char *token, const unsigned char *key, size_t key_length,
                struct jwt_claims *claims);

/* False if it does not fit. */
bool jwt_sign(const struct jwt_claims *claims, const unsigned char *key, size_t key_length,
              char token[AUTH_TOKEN_MAX]);

#endif
