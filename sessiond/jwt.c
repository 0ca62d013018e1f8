#include "sessiond/jwt.h"

#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIGNATURE_BYTES = 32, SIGNATURE_LETTERS = 43 };

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* base64url without padding; `text` has room for 4 letters for each 3 bytes begun, and a zero. */
static size_t encode(const unsigned char *bytes, size_t length, char *text)
{
    size_t used = 0;
    for (size_t i = 0; i < length; i += 3) {
        size_t have = length - i < 3 ? length - i : 3;
        uint32_t bits = (uint32_t)bytes[i] << 16;
        bits |= have > 1 ? (uint32_t)bytes[i + 1] << 8 : 0;
        bits |= have > 2 ? (uint32_t)bytes[i + 2] : 0;
        for (size_t k = 0; k <= have; k++) text[used++] = alphabet[bits >> (18 - 6 * k) & 63];
    }
    text[used] = 0;
    return used;
}

/* `bytes` has room for 3 for each 4 letters begun. False for letters of no such text. */
static bool decode(const char *text, size_t length, unsigned char *bytes, size_t *used)
{
    uint32_t bits = 0;
    *used = 0;
    for (size_t i = 0; i < length; i++) {
        const char *at = text[i] == 0 ? NULL : strchr(alphabet, text[i]);
        if (at == NULL) return false;
        bits = bits << 6 | (uint32_t)(at - alphabet);
        if (i % 4 != 0) bytes[(*used)++] = (unsigned char)(bits >> (6 - 2 * (i % 4)) & 255);
    }
    return length % 4 != 1;
}

static void sign(const char *text, size_t length, const unsigned char *key, size_t key_length,
                 char letters[SIGNATURE_LETTERS + 2])
{
    unsigned char signature[SIGNATURE_BYTES];
    unsigned size = sizeof signature;
    HMAC(EVP_sha256(), key, (int)key_length, (const unsigned char *)text, length, signature, &size);
    encode(signature, sizeof signature, letters);
}

/* The JSON object of one part; NULL if it is none. */
static json_t *read_part(const char *text, size_t length)
{
    unsigned char bytes[AUTH_TOKEN_MAX];
    size_t used;
    if (length >= AUTH_TOKEN_MAX || !decode(text, length, bytes, &used)) return NULL;
    json_t *part = json_loadb((const char *)bytes, used, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(part)) return part;
    json_decref(part);
    return NULL;
}

static bool read_name(const json_t *part, const char *field, char name[CORE_NAME_MAX])
{
    const char *text = json_string_value(json_object_get(part, field));
    size_t length = text == NULL ? 0 : strlen(text);
    if (length == 0 || length >= CORE_NAME_MAX) return false;
    memcpy(name, text, length + 1);
    return true;
}

static bool read_claims(const json_t *part, struct jwt_claims *claims)
{
    struct identity *identity = &claims->identity;
    const json_t *until = json_object_get(part, "exp");
    *claims = (struct jwt_claims){.until = (int64_t)json_number_value(until)};
    if (!json_is_number(until) || !read_name(part, "sub", identity->user)) return false;
    if (json_object_get(part, "session") != NULL && !read_name(part, "session", identity->session))
        return false;
    if (strcmp(identity->session, "*") == 0) identity->session[0] = 0;
    return true;
}

bool jwt_verify(const char *token, const unsigned char *key, size_t key_length,
                struct jwt_claims *claims)
{
    char expected[SIGNATURE_LETTERS + 2];
    size_t header = strcspn(token, ".");
    if (token[header] == 0) return false;
    const char *payload = token + header + 1;
    size_t length = strcspn(payload, ".");
    if (payload[length] == 0 || strlen(payload + length + 1) != SIGNATURE_LETTERS) return false;
    sign(token, header + 1 + length, key, key_length, expected);
    if (CRYPTO_memcmp(expected, payload + length + 1, SIGNATURE_LETTERS) != 0) return false;
    json_t *head = read_part(token, header), *body = read_part(payload, length);
    const char *algorithm = json_string_value(json_object_get(head, "alg"));
    bool fine = algorithm != NULL && strcmp(algorithm, "HS256") == 0 && body != NULL &&
                read_claims(body, claims);
    json_decref(head);
    json_decref(body);
    return fine;
}

bool jwt_sign(const struct jwt_claims *claims, const unsigned char *key, size_t key_length,
              char token[AUTH_TOKEN_MAX])
{
    static const char header[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
    const char *session = claims->identity.session;
    json_t *body = json_pack("{s:s, s:s, s:I}", "sub", claims->identity.user, "session",
                             session[0] != 0 ? session : "*", "exp", (json_int_t)claims->until);
    char *text = body == NULL ? NULL : json_dumps(body, JSON_COMPACT);
    size_t length = text == NULL ? 0 : strlen(text);
    bool fits =
        text != NULL && (sizeof header + length) * 4 / 3 + SIGNATURE_LETTERS + 16 < AUTH_TOKEN_MAX;
    if (fits) {
        size_t used = encode((const unsigned char *)header, sizeof header - 1, token);
        token[used++] = '.';
        used += encode((const unsigned char *)text, length, token + used);
        char letters[SIGNATURE_LETTERS + 2];
        sign(token, used, key, key_length, letters);
        snprintf(token + used, AUTH_TOKEN_MAX - used, ".%s", letters);
    }
    free(text);
    json_decref(body);
    return fits;
}
