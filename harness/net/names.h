/* Names of sockets in the file system. */
#ifndef HARNESS_NET_NAMES_H
#define HARNESS_NET_NAMES_H

#include <stdbool.h>

/* The path is free again. False: no socket was ever bound to it. */
bool names_unlink(const char *path);

#endif
