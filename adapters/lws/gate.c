/* Who may come in: origin, token, and the session that a token is good for. */
#include "adapters/lws/internal.h"

#include <string.h>
#include <strings.h>

enum { TOKEN_MAX = 1024, ORIGIN_MAX = 256 };

bool gate_origin(struct peer *peer)
{
    const char *const *allowed = peer->transport->config.origins;
    char origin[ORIGIN_MAX];
    if (allowed == NULL || lws_hdr_total_length(peer->wsi, WSI_TOKEN_ORIGIN) == 0)
        return true;
    if (lws_hdr_copy(peer->wsi, origin, sizeof origin, WSI_TOKEN_ORIGIN) <= 0)
        return false;
    for (; *allowed != NULL; allowed++) {
        if (strcasecmp(*allowed, origin) == 0)
            return true;
    }
    return false;
}

bool gate_parameter(struct lws *wsi, const char *name, char *value, size_t size)
{
    char part[TOKEN_MAX + 32];
    size_t length = strlen(name);
    value[0] = '\0';
    for (int i = 0;; i++) {
        int copied = lws_hdr_copy_fragment(wsi, part, sizeof part, WSI_TOKEN_HTTP_URI_ARGS, i);
        if (copied == -1)
            return true;
        if (copied < 0)
            return false;
        if (strncmp(part, name, length) != 0 || part[length] != '=')
            continue;
        size_t rest = (size_t)copied - length - 1;
        if (rest >= size || memchr(part + length + 1, '\0', rest) != NULL)
            return false;
        memcpy(value, part + length + 1, rest);
        value[rest] = '\0';
        return true;
    }
}

/* "Authorization: Bearer TOKEN", or else the parameter `token`, for browsers cannot set headers of
 * a WebSocket. */
static bool read_token(struct lws *wsi, char token[TOKEN_MAX])
{
    static const char scheme[] = "Bearer ";
    char header[TOKEN_MAX + sizeof scheme];
    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_AUTHORIZATION) == 0)
        return gate_parameter(wsi, "token", token, TOKEN_MAX);
    int length = lws_hdr_copy(wsi, header, sizeof header, WSI_TOKEN_HTTP_AUTHORIZATION);
    if (length <= 0 || strncasecmp(header, scheme, sizeof scheme - 1) != 0)
        return false;
    size_t rest = (size_t)length - (sizeof scheme - 1);
    if (rest >= TOKEN_MAX)
        return false;
    memcpy(token, header + sizeof scheme - 1, rest);
    token[rest] = '\0';
    return true;
}

static bool is_closed(const char *text, size_t size)
{
    return memchr(text, '\0', size) != NULL;
}

bool gate_identify(struct peer *peer)
{
    const struct ws_transport_config *config = &peer->transport->config;
    char token[TOKEN_MAX];
    struct ws_identity identity = { .user = "" };
    bool known = read_token(peer->wsi, token) &&
                 config->authenticate(config->context, token, &identity);
    explicit_bzero(token, sizeof token);
    if (!known || identity.user[0] == '\0' || !is_closed(identity.user, sizeof identity.user) ||
        !is_closed(identity.session, sizeof identity.session))
        return false;
    peer->identity = identity;
    return true;
}

bool gate_session(const struct peer *peer, const char *session)
{
    const char *only = peer->identity.session;
    return only[0] == '\0' || strcmp(only, session) == 0;
}
