#include "adapters/redis/redis_url.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REDIS_PORT = 6379, PORT_MAX = 65535, DATABASE_MAX = 1 << 20 };

static bool copy(char part[REDIS_URL_PART_MAX], const char *text, size_t length)
{
    if (length >= REDIS_URL_PART_MAX) return false;
    memcpy(part, text, length);
    part[length] = 0;
    return true;
}

/* Digits up to the end of the text. */
static bool read_number(const char *text, int largest, int *number)
{
    char *end;
    long value = strtol(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != 0 || value > largest) return false;
    *number = (int)value;
    return true;
}

/* HOST[:PORT], or [ADDRESS][:PORT] with colons in the address. */
static const char *parse_place(char *place, struct redis_url *url)
{
    const char *host = place;
    char *end = place + strcspn(place, ":");
    if (place[0] == '[') {
        host = place + 1;
        end = strchr(place, ']');
        if (end == NULL) return "the address has no closing bracket";
        *end++ = 0;
    }
    if (*end != 0 && (*end != ':' || !read_number(end + 1, PORT_MAX, &url->port)))
        return "the port is no number up to 65535";
    *end = 0;
    if (host[0] == 0 || !copy(url->host, host, strlen(host)))
        return "the host is missing or too long";
    return NULL;
}

static const char *parse_address(const char *text, struct redis_url *url)
{
    char place[REDIS_URL_PART_MAX];
    const char *at = strrchr(text, '@');
    if (at != NULL && (text[0] != ':' || !copy(url->password, text + 1, (size_t)(at - text) - 1)))
        return "before the @ stands a colon and the password";
    text = at != NULL ? at + 1 : text;
    const char *slash = strchr(text, '/');
    if (slash != NULL && slash[1] != 0 && !read_number(slash + 1, DATABASE_MAX, &url->database))
        return "the database is no number";
    if (!copy(place, text, slash != NULL ? (size_t)(slash - text) : strlen(text)))
        return "the host is too long";
    return parse_place(place, url);
}

const char *redis_url_parse(const char *text, struct redis_url *url)
{
    static const char tcp[] = "redis://", local[] = "unix:";
    *url = (struct redis_url){.port = REDIS_PORT};
    if (strncmp(text, tcp, sizeof tcp - 1) == 0) return parse_address(text + sizeof tcp - 1, url);
    if (strncmp(text, local, sizeof local - 1) != 0)
        return "write redis://[:PASSWORD@]HOST[:PORT][/DATABASE] or unix:PATH";
    text += sizeof local - 1;
    return text[0] == '/' && copy(url->path, text, strlen(text)) ? NULL
                                                                 : "the path must begin with a /";
}
