#include "parcel.h"

#include <errno.h>
#include <string.h>

#include "harness/world/world.h"
#include "store.h"

enum { HELD_MAX = 253 /* as in Linux */ };

static size_t bytes_of(uint32_t count)
{
    return sizeof(struct parcel) + count * sizeof(struct description *);
}

static struct parcel *parcel_of(uint32_t count)
{
    struct parcel *parcel = store_take(bytes_of(count));
    parcel->count = count;
    return parcel;
}

struct parcel *parcel_empty(void)
{
    return parcel_of(0);
}

void parcel_drop(struct parcel *parcel)
{
    for (uint32_t i = 0; i < parcel->count; i++) {
        if (parcel->held[i]) description_drop(parcel->held[i]);
    }
    store_give(parcel, bytes_of(parcel->count));
}

/* --- sending --- */

static int hold(struct parcel *parcel, const unsigned char *numbers)
{
    for (uint32_t i = 0; i < parcel->count; i++) {
        int number;
        memcpy(&number, numbers + i * sizeof number, sizeof number);
        parcel->held[i] = descriptor_hold(number);
        if (parcel->held[i] == NULL) return -EBADF;
    }
    return 0;
}

static int pack_rights(const struct cmsghdr *header, struct parcel **out)
{
    size_t bytes = header->cmsg_len - CMSG_LEN(0);
    if (bytes % sizeof(int) != 0 || bytes / sizeof(int) > HELD_MAX || *out) return -EINVAL;
    if (bytes == 0) return 0;
    *out = parcel_of((uint32_t)(bytes / sizeof(int)));
    int rc = hold(*out, CMSG_DATA(header));
    if (rc == 0) return 0;
    parcel_drop(*out);
    *out = NULL;
    return rc;
}

/* Who sends is known to nobody here, so what a process says of itself goes nowhere. */
static bool is_credentials(const struct cmsghdr *header)
{
    return header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_CREDENTIALS;
}

int parcel_pack(const struct msghdr *message, struct parcel **out)
{
    struct msghdr rest = *message;
    int rc = 0;
    *out = NULL;
    if (message->msg_control == NULL) return 0;
    place_touch(message->msg_control, message->msg_controllen, false);
    for (struct cmsghdr *at = CMSG_FIRSTHDR(&rest); at && rc == 0; at = CMSG_NXTHDR(&rest, at)) {
        if (at->cmsg_len < CMSG_LEN(0)) return -EINVAL;
        if (is_credentials(at)) continue;
        if (at->cmsg_level != SOL_SOCKET || at->cmsg_type != SCM_RIGHTS) {
            world_fail(WORLD_FOUND_UNCONTROLLED,
                       "uncontrolled call: sendmsg with ancillary data %d of level %d",
                       at->cmsg_type, at->cmsg_level);
        }
        rc = pack_rights(at, out);
    }
    return rc;
}

/* --- receiving --- */

static uint32_t room_for(const struct msghdr *message, uint32_t count)
{
    if (message->msg_control == NULL || message->msg_controllen < CMSG_LEN(sizeof(int))) return 0;
    size_t room = (message->msg_controllen - CMSG_LEN(0)) / sizeof(int);
    return room < count ? (uint32_t)room : count;
}

void parcel_unpack(const struct parcel *parcel, struct transfer *transfer)
{
    uint32_t count = 0;
    struct msghdr *message = transfer->message;
    if (message == NULL || parcel->count == 0) return;
    uint32_t room = room_for(message, parcel->count);
    struct cmsghdr *header = message->msg_control;
    for (; count < room; count++) {
        bool closes = transfer->flags & MSG_CMSG_CLOEXEC;
        int number = descriptor_duplicate(parcel->held[count], 0, closes);
        if (number < 0) break;
        memcpy(CMSG_DATA(header) + count * sizeof number, &number, sizeof number);
    }
    if (count < parcel->count) message->msg_flags |= MSG_CTRUNC;
    if (count == 0) return;
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(count * sizeof(int));
    transfer->control = CMSG_SPACE(count * sizeof(int));
    if (transfer->control > message->msg_controllen) transfer->control = message->msg_controllen;
    place_touch(header, header->cmsg_len, true);
}
