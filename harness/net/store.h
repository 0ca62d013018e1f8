/* Memory of the simulated kernel: anew in every execution, at the same addresses, never the
 * program's own. */
#ifndef HARNESS_NET_STORE_H
#define HARNESS_NET_STORE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Forget all of it. */
void store_begin(void);

/* Zeroed; never NULL: the execution ends when 256 MiB are used up. Give it back with its size. */
void *store_take(size_t bytes);
void store_give(void *block, size_t bytes);

/* Bytes in the order in which they came. Zero-initialised is valid and empty. */
struct bytes {
    char *at; /* a ring */
    size_t room, from, count;
};

void bytes_add(struct bytes *bytes, const char *more, size_t count);
/* The first ones, at most `count`, which stay; returns how many. */
size_t bytes_look(const struct bytes *bytes, char *out, size_t count);
void bytes_drop(struct bytes *bytes, size_t count);
/* All of them, behind the others. */
void bytes_move(struct bytes *from, struct bytes *to);
void bytes_free(struct bytes *bytes);

#endif
