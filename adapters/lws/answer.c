/* Answers to HTTP requests: status, headers, a body in pieces. */
#include "adapters/lws/internal.h"

#include <stdlib.h>
#include <string.h>

/* BURIED_MIN: more than libwebsockets 4.1 writes at once (pt_serv_buf_size, 4096, and a bit). */
enum { PIECE = 16384, HEADERS_MAX = 1024, BURIED_MIN = 8192 };

struct answer *answer_new(unsigned status, const char *type, char *body, size_t length)
{
    struct answer *answer = body == NULL ? NULL : calloc(1, sizeof *answer);
    if (answer == NULL) {
        free(body);
        return NULL;
    }
    *answer = (struct answer){ .status = status, .type = type, .body = body, .length = length };
    return answer;
}

struct answer *answer_json(unsigned status, json_t *object)
{
    char *body = object == NULL ? NULL : json_dumps(object, JSON_COMPACT);
    json_decref(object);
    return answer_new(status, "application/json", body, body == NULL ? 0 : strlen(body));
}

unsigned answer_status(enum core_result result)
{
    switch (result) {
    case CORE_OK: return 200;
    case CORE_INVALID: return 400;
    case CORE_REFUSED: return 403;
    case CORE_NOT_FOUND: return 404;
    case CORE_STALE:
    case CORE_CONFLICT:
    case CORE_CANCELLED:
    case CORE_PORT_IN_USE: return 409;
    case CORE_LIMIT: return 429;
    case CORE_NO_MEMORY:
    case CORE_DRAINING:
    case CORE_UNAVAILABLE:
    case CORE_UNKNOWN: return 503;
    case CORE_EXPIRED: return 504;
    case CORE_FAILED:
    case CORE_RESULT_COUNT: return 500;
    }
    return 500;
}

static struct answer *problem(unsigned status, const char *about, const char *code,
                              const char *reason)
{
    return answer_json(status, json_pack("{s:s, s:s, s:s, s:s}", "type", "error", "about", about,
                                         "code", code, "reason", reason));
}

struct answer *answer_problem(enum core_result result, const char *about, const char *reason)
{
    return problem(answer_status(result), about, core_result_word(result),
                   reason != NULL ? reason : core_result_text(result));
}

void answer_free(struct answer *answer)
{
    if (answer == NULL)
        return;
    free(answer->body);
    free(answer);
}

/* A browser on another origin reads the answer only if it is told that it may. */
static bool allow_origin(struct peer *peer, unsigned char **at, unsigned char *end)
{
    char origin[256];
    int length = lws_hdr_copy(peer->wsi, origin, sizeof origin, WSI_TOKEN_ORIGIN);
    if (length <= 0 || !gate_origin(peer))
        return true;
    return lws_add_http_header_by_name(peer->wsi,
                                       (const unsigned char *)"access-control-allow-origin:",
                                       (const unsigned char *)origin, length, at, end) == 0 &&
           lws_add_http_header_by_name(peer->wsi, (const unsigned char *)"vary:",
                                       (const unsigned char *)"origin", 6, at, end) == 0;
}

/* What goes with that status by the standard, RFC 9110. */
static bool explain(struct peer *peer, unsigned status, unsigned char **at, unsigned char *end)
{
    static const char allow[] = "GET, HEAD, POST, OPTIONS", scheme[] = "Bearer";
    if (status == 405)
        return lws_add_http_header_by_name(peer->wsi, (const unsigned char *)"allow:",
                                           (const unsigned char *)allow, sizeof allow - 1, at,
                                           end) == 0;
    if (status == 401)
        return lws_add_http_header_by_name(peer->wsi, (const unsigned char *)"www-authenticate:",
                                           (const unsigned char *)scheme, sizeof scheme - 1, at,
                                           end) == 0;
    return true;
}

bool answer_headers(struct peer *peer, unsigned status, const char *type, lws_filepos_t length,
                    unsigned char **at, unsigned char *end)
{
    return lws_add_http_common_headers(peer->wsi, status, type, length, at, end) == 0 &&
           lws_add_http_header_by_name(peer->wsi, (const unsigned char *)"cache-control:",
                                       (const unsigned char *)"no-store", 8, at, end) == 0 &&
           explain(peer, status, at, end) && allow_origin(peer, at, end);
}

static bool write_headers(struct peer *peer)
{
    unsigned char buffer[LWS_PRE + HEADERS_MAX], *start = buffer + LWS_PRE, *at = start;
    unsigned char *end = buffer + sizeof buffer - 1;
    const struct answer *answer = &peer->answer;
    return answer_headers(peer, answer->status, answer->type, answer->length, &at, end) &&
           lws_finalize_write_http_header(peer->wsi, start, &at, end) == 0;
}

int answer_begin(struct peer *peer, struct answer *answer)
{
    if (answer == NULL)
        return -1;
    free(peer->answer.body);
    peer->answer = *answer;
    free(answer);
    peer->answer.begun = write_headers(peer);
    if (!peer->answer.begun)
        return -1;
    lws_callback_on_writable(peer->wsi);
    return 0;
}

int answer_await(struct peer *peer)
{
    if (peer->answer.begun)
        return 0;
    peer->awaiting = true;
    return lws_rx_flow_control(peer->wsi, 0) != 0 ? -1 : 0;
}

static int finish(struct peer *peer)
{
    free(peer->answer.body);
    peer->answer = (struct answer){ .status = 0 };
    peer->kind = PEER_NEW;
    peer->identity = (struct ws_identity){ .tag = 0 };
    return lws_http_transaction_completed(peer->wsi) != 0 ? -1 : 0;
}

int answer_write(struct peer *peer)
{
    unsigned char buffer[LWS_PRE + PIECE];
    struct answer *answer = &peer->answer;
    if (!answer->begun) {
        struct answer *given = peer_take_answer(peer);
        return given == NULL ? 0 : answer_begin(peer, given);
    }
    if (peer->headless)
        return finish(peer);
    size_t rest = answer->length - answer->written, piece = rest < PIECE ? rest : PIECE;
    bool last = piece == rest;
    memcpy(buffer + LWS_PRE, answer->body + answer->written, piece);
    int written = lws_write(peer->wsi, buffer + LWS_PRE, piece,
                            last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP);
    if (written < (int)piece)
        return -1;
    answer->written += piece;
    if (last)
        return finish(peer);
    lws_callback_on_writable(peer->wsi);
    return 0;
}

static const char *word_of(unsigned status)
{
    switch (status) {
    case 401:
    case 403: return core_result_word(CORE_REFUSED);
    case 404: return core_result_word(CORE_NOT_FOUND);
    case 413: return core_result_word(CORE_LIMIT);
    case 503: return core_result_word(CORE_UNAVAILABLE);
    default: return core_result_word(CORE_INVALID);
    }
}

static struct answer *refusal(struct peer *peer, unsigned status, const char *reason)
{
    watch_refused(peer->transport, peer->identity.user, status, reason);
    return problem(status, "request", word_of(status), reason);
}

int answer_refuse(struct peer *peer, unsigned status, const char *reason)
{
    return answer_begin(peer, refusal(peer, status, reason));
}

int answer_at_once(struct peer *peer, struct answer *answer)
{
    unsigned char buffer[LWS_PRE + BURIED_MIN];
    if (answer_begin(peer, answer) != 0)
        return -1;
    size_t length = peer->answer.length;
    bool fits = length <= BURIED_MIN;
    if (fits)
        memcpy(buffer + LWS_PRE, peer->answer.body, length);
    free(peer->answer.body);
    peer->answer = (struct answer){ .status = 0 };
    if (peer->headless)
        return 1;
    if (!fits || lws_write(peer->wsi, buffer + LWS_PRE, length, LWS_WRITE_HTTP_FINAL) < 0)
        return -1;
    return 1;
}

int answer_refuse_at_once(struct peer *peer, unsigned status, const char *reason)
{
    return answer_at_once(peer, refusal(peer, status, reason));
}

int answer_refuse_buried(struct peer *peer, unsigned status, const char *reason)
{
    struct answer *answer = refusal(peer, status, reason);
    char *body = answer == NULL ? NULL : realloc(answer->body, BURIED_MIN);
    if (body == NULL) {
        answer_free(answer);
        return -1;
    }
    memset(body + answer->length, ' ', BURIED_MIN - answer->length);
    answer->body = body;
    answer->length = BURIED_MIN;
    return answer_at_once(peer, answer);
}
