/*
 * The core's transport over libwebsockets, as the harness uses it: compiled into an image of its
 * own, so that one build of it serves every build of the core. Its calls to the core go through the
 * table that `begin` is given; its calls to libc are the world's.
 */
#ifndef FAKES_SERVER_API_H
#define FAKES_SERVER_API_H

#include "adapters/lws/ws_transport.h"
#include "fakes/core_api.h"

struct server_api {
    /* Once in every execution, before all others. */
    void (*begin)(const struct core_api *core);
    __typeof__(ws_transport_config_default) *config_default;
    __typeof__(ws_transport_create) *create;
    __typeof__(ws_transport_port) *port;
    __typeof__(ws_transport_start) *start;
    __typeof__(ws_transport_stop) *stop;
    __typeof__(ws_transport_destroy) *destroy;
};

/* The ENTRY symbol of the image. */
extern const struct server_api server_api;

#endif
