/* TLS of a connection, as a filter for its bytes: who moves them is somebody else. */
#include "harness/live/internal.h"

#include "harness/check/require.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct secure {
    SSL *ssl;
    BIO *in, *out;          /* owned by ssl: what came, and what has to go */
    char *plain;            /* to be said once the handshake is over */
    size_t plain_length;
    bool broken, ended;
};

/* --- whom to believe --- */

static SSL_CTX *context;

bool secure_trust(const char *ca, char problem[LIVE_PROBLEM_MAX])
{
    if (context == NULL) context = SSL_CTX_new(TLS_client_method());
    REQUIRE(context != NULL);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    (void)SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    ERR_clear_error();
    int rc = ca == NULL ? SSL_CTX_set_default_verify_paths(context)
                        : SSL_CTX_load_verify_locations(context, ca, NULL);
    if (rc == 1) return true;
    unsigned long error = ERR_get_error();
    const char *why = ERR_reason_error_string(error); /* the system's errors have none */
    if (why == NULL) why = strerror(ERR_GET_REASON(error));
    (void)snprintf(problem, LIVE_PROBLEM_MAX, "--ca %.300s: %s", ca == NULL ? "" : ca, why);
    return false;
}

/* Certificates name hosts, or addresses. */
static void expect_name(SSL *ssl, const char *host)
{
    unsigned char bytes[sizeof(struct in6_addr)];
    char name[256];
    bool number = inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
    if (number) {
        REQUIRE(X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1);
        return;
    }
    (void)snprintf(name, sizeof name, "%s", host);
    REQUIRE(SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1);
}

struct secure *secure_new(const char *host)
{
    struct secure *secure = calloc(1, sizeof *secure);
    REQUIRE(secure != NULL && context != NULL);
    secure->ssl = SSL_new(context);
    secure->in = BIO_new(BIO_s_mem());
    secure->out = BIO_new(BIO_s_mem());
    REQUIRE(secure->ssl != NULL && secure->in != NULL && secure->out != NULL);
    SSL_set_bio(secure->ssl, secure->in, secure->out);
    SSL_set_connect_state(secure->ssl);
    expect_name(secure->ssl, host);
    (void)SSL_do_handshake(secure->ssl);
    return secure;
}

void secure_free(struct secure *secure)
{
    if (secure == NULL) return;
    SSL_free(secure->ssl);
    free(secure->plain);
    free(secure);
}

/* --- bytes --- */

/* What the last call met: nothing but that it has to wait? */
static void judge(struct secure *secure, int rc)
{
    int error = SSL_get_error(secure->ssl, rc);
    if (rc > 0 || error == SSL_ERROR_WANT_READ) return;
    secure->ended = true;
    secure->broken = error != SSL_ERROR_ZERO_RETURN;
}

static void say(struct secure *secure)
{
    if (secure->plain_length == 0 || !SSL_is_init_finished(secure->ssl)) return;
    ERR_clear_error();
    int rc = SSL_write(secure->ssl, secure->plain, (int)secure->plain_length);
    judge(secure, rc);
    if (rc > 0) secure->plain_length = 0;
}

void secure_write(struct secure *secure, const char *bytes, size_t count)
{
    char *plain = realloc(secure->plain, secure->plain_length + count + 1);
    REQUIRE(plain != NULL);
    memcpy(plain + secure->plain_length, bytes, count);
    secure->plain = plain;
    secure->plain_length += count;
    say(secure);
}

bool secure_take(struct secure *secure, const char *bytes, size_t count)
{
    REQUIRE(BIO_write(secure->in, bytes, (int)count) == (int)count);
    ERR_clear_error();
    if (!SSL_is_init_finished(secure->ssl)) judge(secure, SSL_do_handshake(secure->ssl));
    say(secure);
    return !secure->broken;
}

size_t secure_read(struct secure *secure, char *bytes, size_t room)
{
    if (!SSL_is_init_finished(secure->ssl) || secure->broken) return 0;
    ERR_clear_error();
    int rc = SSL_read(secure->ssl, bytes, (int)room);
    judge(secure, rc);
    return rc > 0 ? (size_t)rc : 0;
}

size_t secure_sends(struct secure *secure, char *bytes, size_t room)
{
    int rc = BIO_read(secure->out, bytes, (int)room);
    return rc > 0 ? (size_t)rc : 0;
}

bool secure_ended(const struct secure *secure)
{
    return secure->ended;
}

const char *secure_problem(const struct secure *secure)
{
    long verdict = SSL_get_verify_result(secure->ssl);
    if (!secure->broken) return NULL;
    return verdict == X509_V_OK ? "it does not speak TLS" : X509_verify_cert_error_string(verdict);
}
