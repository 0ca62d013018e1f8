/*
 * Who a bearer token stands for. Two kinds, both bound to a user, and to one session or all of the
 * user's: lines of a file, and signed tokens (JWT with HS256: sub, session, exp), which a back end
 * that knows the key can make for its clients without telling the daemon.
 */
#ifndef SESSIOND_AUTH_H
#define SESSIOND_AUTH_H

#include "session_types.h"

enum { AUTH_PROBLEM_MAX = 512, AUTH_TOKEN_MAX = 1024 };

struct identity {
    char user[CORE_NAME_MAX];
    char session[CORE_NAME_MAX];   /* "": any of the user's */
};

struct auth;

/*
 * Reads the file of tokens (lines USER SESSION TOKEN, # for comments) and the file with the key;
 * "" for none. Without either nobody is let in. NULL with a sentence in `problem` if one cannot be
 * read, is readable by others than its owner and group, or has a line that makes no sense.
 */
struct auth *auth_open(const char *tokens_path, const char *secret_path,
                       char problem[AUTH_PROBLEM_MAX]);
void auth_free(struct auth *auth);

/*
 * Whose is it? False: nobody's. `now` is the time in seconds since 1970, for expiry. Tokens are
 * compared by their SHA-256, in constant time. Any thread.
 */
bool auth_check(const struct auth *auth, const char *token, int64_t now,
                struct identity *identity);

/* Makes a signed token that is good until `until`. False without a key, or if it is too long. */
bool auth_sign(const struct auth *auth, const struct identity *identity, int64_t until,
               char token[AUTH_TOKEN_MAX]);

#endif
