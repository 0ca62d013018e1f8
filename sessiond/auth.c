#include "sessiond/auth.h"

#include "sessiond/jwt.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { SECRET_MIN = 32, SECRET_MAX = 1024, TOKEN_MIN = 16 };

struct known {
    struct known *next;
    unsigned char digest[SHA256_DIGEST_LENGTH];
    struct identity identity;
};

struct auth {
    struct known *known;
    unsigned char secret[SECRET_MAX];
    size_t secret_length;
};

static void digest_of(const char *token, unsigned char digest[SHA256_DIGEST_LENGTH])
{
    SHA256((const unsigned char *)token, strlen(token), digest);
}

/* ---- reading ---- */

/* A file of secrets that everybody may read has none. */
static FILE *open_private(const char *path, char *problem)
{
    struct stat status;
    FILE *file = fopen(path, "re");
    if (file == NULL || fstat(fileno(file), &status) != 0) {
        snprintf(problem, AUTH_PROBLEM_MAX, "%s: %s", path, strerror(errno));
    } else if ((status.st_mode & S_IRWXO) != 0) {
        snprintf(problem, AUTH_PROBLEM_MAX, "%s: others may read it; chmod o= %s", path, path);
    } else {
        return file;
    }
    if (file != NULL) fclose(file);
    return NULL;
}

static bool copy_name(char name[CORE_NAME_MAX], const char *text)
{
    size_t length = strlen(text);
    if (length == 0 || length >= CORE_NAME_MAX) return false;
    memcpy(name, text, length + 1);
    return true;
}

static bool add_known(struct auth *auth, char *text)
{
    char *rest = NULL;
    const char *user = strtok_r(text, " \t\n", &rest);
    if (user == NULL || user[0] == '#') return true;
    const char *session = strtok_r(NULL, " \t\n", &rest);
    const char *token = strtok_r(NULL, " \t\n", &rest);
    struct known *known = calloc(1, sizeof *known);
    if (known == NULL || session == NULL || token == NULL || strtok_r(NULL, " \t\n", &rest) ||
        strlen(token) < TOKEN_MIN || !copy_name(known->identity.user, user) ||
        !copy_name(known->identity.session, session)) {
        free(known);
        return false;
    }
    if (strcmp(session, "*") == 0) known->identity.session[0] = 0;
    digest_of(token, known->digest);
    known->next = auth->known;
    auth->known = known;
    return true;
}

static bool read_tokens(struct auth *auth, const char *path, char *problem)
{
    FILE *file = open_private(path, problem);
    char *text = NULL;
    size_t capacity = 0, line = 0;
    bool fine = file != NULL;
    while (fine && getline(&text, &capacity, file) >= 0) {
        line++;
        fine = add_known(auth, text);
        if (!fine)
            snprintf(problem, AUTH_PROBLEM_MAX,
                     "%s:%zu: write USER SESSION TOKEN, the token at least %d letters long", path,
                     line, TOKEN_MIN);
    }
    if (text != NULL) OPENSSL_cleanse(text, capacity);
    free(text);
    if (file != NULL) fclose(file);
    return fine;
}

static bool read_secret(struct auth *auth, const char *path, char *problem)
{
    FILE *file = open_private(path, problem);
    if (file == NULL) return false;
    size_t length = fread(auth->secret, 1, sizeof auth->secret, file);
    fclose(file);
    while (length > 0 && (auth->secret[length - 1] == '\n' || auth->secret[length - 1] == '\r'))
        length--;
    auth->secret_length = length;
    if (length >= SECRET_MIN && length < SECRET_MAX) return true;
    snprintf(problem, AUTH_PROBLEM_MAX,
             "%s: a key has %d to %d bytes; make one: openssl rand -hex 32 > %s", path, SECRET_MIN,
             SECRET_MAX - 1, path);
    return false;
}

struct auth *auth_open(const char *tokens_path, const char *secret_path,
                       char problem[AUTH_PROBLEM_MAX])
{
    struct auth *auth = calloc(1, sizeof *auth);
    if (auth == NULL) {
        snprintf(problem, AUTH_PROBLEM_MAX, "out of memory");
        return NULL;
    }
    if ((tokens_path[0] == 0 || read_tokens(auth, tokens_path, problem)) &&
        (secret_path[0] == 0 || read_secret(auth, secret_path, problem)))
        return auth;
    auth_free(auth);
    return NULL;
}

void auth_free(struct auth *auth)
{
    if (auth == NULL) return;
    while (auth->known != NULL) {
        struct known *known = auth->known;
        auth->known = known->next;
        free(known);
    }
    OPENSSL_cleanse(auth->secret, sizeof auth->secret);
    free(auth);
}

/* ---- checking ---- */

/* All of them are looked at, whichever it is. */
static const struct known *find(const struct auth *auth, const char *token)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    const struct known *found = NULL;
    digest_of(token, digest);
    for (const struct known *known = auth->known; known != NULL; known = known->next) {
        if (CRYPTO_memcmp(known->digest, digest, sizeof digest) == 0) found = known;
    }
    return found;
}

bool auth_check(const struct auth *auth, const char *token, int64_t now, struct identity *identity)
{
    const struct known *known = find(auth, token);
    if (known != NULL) {
        *identity = known->identity;
        return true;
    }
    struct jwt_claims claims;
    if (auth->secret_length == 0 ||
        !jwt_verify(token, auth->secret, auth->secret_length, &claims) || claims.until <= now)
        return false;
    *identity = claims.identity;
    return true;
}

bool auth_sign(const struct auth *auth, const struct identity *identity, int64_t until,
               char token[AUTH_TOKEN_MAX])
{
    struct jwt_claims claims = {.identity = *identity, .until = until};
    return auth->secret_length > 0 && jwt_sign(&claims, auth->secret, auth->secret_length, token);
}
