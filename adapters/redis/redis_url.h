/* Where a Redis is: private to this folder. */
#ifndef ADAPTERS_REDIS_URL_H
#define ADAPTERS_REDIS_URL_H

#include <stddef.h>

enum { REDIS_URL_PART_MAX = 256 };

struct redis_url {
    char path[REDIS_URL_PART_MAX];   /* of a socket in the file system, or "" */
    char host[REDIS_URL_PART_MAX];
    char password[REDIS_URL_PART_MAX];
    int port, database;
};

/* NULL if the text could be read, else one sentence (static memory). */
const char *redis_url_parse(const char *text, struct redis_url *url);

#endif
