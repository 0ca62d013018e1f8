/* SHA-1 (RFC 3174), for the accept key of WebSockets; good for nothing that must be secret. */
#ifndef FAKES_WEBSOCKET_SHA1_H
#define FAKES_WEBSOCKET_SHA1_H

#include <stddef.h>
#include <stdint.h>

enum { SHA1_BYTES = 20 };

void sha1(const void *bytes, size_t length, uint8_t digest[SHA1_BYTES]);

#endif
