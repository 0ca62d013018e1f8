/* Writes what passed between tabs and cores as a packet capture: Ethernet, IP, TCP, HTTP upgrade,
 * WebSocket frames. The format is pcap with nanoseconds, written by libpcap.
 *
 * The capture shows what an observer at the core would have seen: a message of a tab at the moment
 * when the core takes it, one of the core when it leaves, acknowledged when it has arrived. All of
 * it is determined by what is told: ports, sequence numbers and masks are counted, never drawn.
 *
 * One thread at a time. Functions that write keep their first problem for export_close.
 */
#ifndef HARNESS_CAPTURE_EXPORT_H
#define HARNESS_CAPTURE_EXPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct export;

enum { EXPORT_PROBLEM_MAX = 512 };

/* Who connects to whom. Client n has the address 10.0.1.n (IPv6: fd00::1:n) and the ports from
 * 40001 on, server n has 10.0.0.n (fd00::n), port 8080; both count from 1. */
struct export_ends {
    uint32_t client, server;            /* at most 254 */
    uint32_t serial;                    /* connections of that client, from 1 */
    const char *client_name;            /* User-Agent: tab/NAME */
    const char *server_name;            /* Host: NAME:8080 */
    const char *user;                   /* X-Forwarded-User: NAME */
};

/* Creates the file. `begin_ns` is added to all times: nanoseconds since 1970. NULL: `problem` is a
 * sentence that names the file. */
struct export *export_open(const char *path, uint64_t begin_ns, bool six,
                           char problem[EXPORT_PROBLEM_MAX]);

/* Connection `id` (any number but those before) was opened: TCP and HTTP handshakes. */
void export_connection(struct export *export, uint64_t time_ns, uint64_t id,
                       const struct export_ends *ends);

/* A message of the client reached the server. */
void export_from_client(struct export *export, uint64_t time_ns, uint64_t id, const char *bytes,
                        size_t length);

/* Message `number` (from 1) of the server left it. */
void export_from_server(struct export *export, uint64_t time_ns, uint64_t id, uint32_t number,
                        const char *bytes, size_t length);

/* That message reached the client: everything up to it is acknowledged. */
void export_arrived(struct export *export, uint64_t time_ns, uint64_t id, uint32_t number);

/* The server closes; its close frame reached the client; the client closes; its connection breaks
 * off; the server's process is gone, and its kernel says so. What comes after the end of a
 * connection is ignored. */
void export_server_closes(struct export *export, uint64_t time_ns, uint64_t id, uint32_t code,
                          const char *reason);
void export_close_arrived(struct export *export, uint64_t time_ns, uint64_t id);
void export_client_closes(struct export *export, uint64_t time_ns, uint64_t id);
void export_cut(struct export *export, uint64_t time_ns, uint64_t id);
void export_server_gone(struct export *export, uint64_t time_ns, uint64_t id);

/* The same where bytes are known and not messages: the connection begins with TCP alone, bytes
 * leave one side (those of the client are at the server then), so many bytes of the server have
 * reached the client (SIZE_MAX: all there were), a side says that it will send no more. */
void export_stream(struct export *export, uint64_t time_ns, uint64_t id,
                   const struct export_ends *ends);
void export_bytes(struct export *export, uint64_t time_ns, uint64_t id, bool from_client,
                  const char *bytes, size_t length);
void export_taken(struct export *export, uint64_t time_ns, uint64_t id, size_t length);
void export_finish(struct export *export, uint64_t time_ns, uint64_t id, bool by_client);

/* Ends the capture. False: `problem` is a sentence that names the file. */
bool export_close(struct export *export, char problem[EXPORT_PROBLEM_MAX]);

#endif
