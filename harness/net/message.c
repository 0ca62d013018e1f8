/* The send and recv families. */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "address.h"
#include "calls.h"
#include "parcel.h"

enum { MESSAGES_MAX = 1024 };

static ssize_t receive(int number, struct iovec *pieces, size_t count, int flags, const char *verb,
                       struct msghdr *message, uintptr_t site)
{
    struct transfer transfer = {.number = number, .verb = verb, .flags = flags,
                                .for_sockets = true, .message = message};
    return call_read(&transfer, pieces, count, site);
}

static ssize_t transmit(int number, struct iovec *pieces, size_t count, int flags,
                        const char *verb, struct msghdr *message, uintptr_t site)
{
    struct transfer transfer = {.number = number, .verb = verb, .flags = flags,
                                .for_sockets = true, .message = message};
    return call_write(&transfer, pieces, count, site);
}

ssize_t world_recv(int number, void *out, size_t count, int flags)
{
    struct iovec piece = {out, count};
    return receive(number, &piece, 1, flags, "recv", NULL, CALL_SITE);
}

ssize_t world___recv_chk(int number, void *out, size_t count, size_t room, int flags)
{
    struct iovec piece = {out, count < room ? count : room};
    return receive(number, &piece, 1, flags, "recv", NULL, CALL_SITE);
}

static ssize_t receive_from(int number, struct iovec piece, int flags, struct sockaddr *from,
                            socklen_t *length, uintptr_t site)
{
    struct address address = {.length = 0};
    struct msghdr message = {.msg_name = &address.any, .msg_namelen = sizeof address.local};
    ssize_t result = receive(number, &piece, 1, flags, "recvfrom", &message, site);
    if (result < 0 || length == NULL) return result;
    /* A connection names nobody. */
    address.length = message.msg_namelen == sizeof address.local ? 0 : message.msg_namelen;
    address_write(&address, from, length);
    return result;
}

ssize_t world_recvfrom(int number, void *out, size_t count, int flags, struct sockaddr *from,
                       socklen_t *length)
{
    return receive_from(number, (struct iovec){out, count}, flags, from, length, CALL_SITE);
}

ssize_t world___recvfrom_chk(int number, void *out, size_t count, size_t room, int flags,
                             struct sockaddr *from, socklen_t *length)
{
    struct iovec piece = {out, count < room ? count : room};
    return receive_from(number, piece, flags, from, length, CALL_SITE);
}

static ssize_t receive_message(int number, struct msghdr *message, int flags, uintptr_t site)
{
    struct address address = {.length = 0};
    struct msghdr inner = {.msg_name = &address.any, .msg_namelen = sizeof address.local,
                           .msg_control = message->msg_control,
                           .msg_controllen = message->msg_controllen};
    if (message->msg_iovlen > IOV_MAX) return result_of(-EMSGSIZE);
    struct transfer transfer = {.number = number, .verb = "recvmsg", .flags = flags,
                                .for_sockets = true, .message = &inner};
    ssize_t result = call_read(&transfer, message->msg_iov, message->msg_iovlen, site);
    if (result < 0) return result;
    address.length = inner.msg_namelen == sizeof address.local ? 0 : inner.msg_namelen;
    if (message->msg_name) {
        address_write(&address, message->msg_name, &message->msg_namelen);
    } else {
        message->msg_namelen = 0;
    }
    message->msg_flags = inner.msg_flags;
    message->msg_controllen = transfer.control;
    return result;
}

ssize_t world_recvmsg(int number, struct msghdr *message, int flags)
{
    return receive_message(number, message, flags, CALL_SITE);
}

ssize_t world_send(int number, const void *bytes, size_t count, int flags)
{
    struct iovec piece = {(void *)(uintptr_t)bytes, count};
    return transmit(number, &piece, 1, flags, "send", NULL, CALL_SITE);
}

ssize_t world_sendto(int number, const void *bytes, size_t count, int flags,
                     const struct sockaddr *to, socklen_t length)
{
    struct iovec piece = {(void *)(uintptr_t)bytes, count};
    struct msghdr message = {.msg_name = (void *)(uintptr_t)to, .msg_namelen = length};
    return transmit(number, &piece, 1, flags, "sendto", to ? &message : NULL, CALL_SITE);
}

static ssize_t transmit_message(int number, const struct msghdr *message, int flags,
                                uintptr_t site)
{
    struct msghdr inner = *message;
    struct transfer transfer = {.number = number, .verb = "sendmsg", .flags = flags,
                                .for_sockets = true, .message = &inner};
    if (message->msg_iovlen > IOV_MAX) return result_of(-EMSGSIZE);
    int rc = parcel_pack(message, &transfer.parcel);
    if (rc < 0) return result_of(rc);
    ssize_t result = call_write(&transfer, message->msg_iov, message->msg_iovlen, site);
    if (transfer.parcel) parcel_drop(transfer.parcel);
    return result;
}

ssize_t world_sendmsg(int number, const struct msghdr *message, int flags)
{
    return transmit_message(number, message, flags, CALL_SITE);
}

int world_sendmmsg(int number, struct mmsghdr *messages, unsigned count, int flags)
{
    unsigned sent = 0;
    if (count > MESSAGES_MAX) count = MESSAGES_MAX;
    for (; sent < count; sent++) {
        ssize_t result = transmit_message(number, &messages[sent].msg_hdr, flags, CALL_SITE);
        if (result < 0) return sent > 0 ? (int)sent : -1;
        messages[sent].msg_len = (unsigned)result;
    }
    return (int)sent;
}
