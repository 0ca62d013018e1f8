/* What one shard of an exploration found out, as its JSON report carries it, and how shards are put
 * together again. */
#ifndef REPORTS_SHARD_H
#define REPORTS_SHARD_H

#include <jansson.h>

#include "harness/check/check.h"
#include "harness/explore/distinct.h"
#include "harness/explore/explore.h"
#include "harness/explore/shard.h"

/* The executions that were the first of their class in this shard, in order. */
struct shard_class {
    uint64_t run, hash;
};

struct report_shard {
    struct shard shard;
    const char *key;          /* what has to be the same in all shards */
    uint64_t first_run;
    struct explore_stats stats;
    struct check_stats checks;
    struct distinct distinct; /* see shard_count() */
    struct shard_class *classes;
    uint64_t class_count, class_room;
    uint64_t counted;         /* executions */
};

bool shard_begin(struct report_shard *shard);
void shard_end(struct report_shard *shard);

/* The next execution has that class. */
void shard_count(void *shard, uint64_t class_hash);

/* As a member of a scenario's object. */
json_t *shard_write(const struct report_shard *shard);

/* False: *problem names what is missing or wrong. shard->key points into the object. */
bool shard_take(const json_t *object, struct report_shard *shard, char *problem, size_t bytes);

/* Adds the next shard to a sum that began with shard_begin(). */
void shard_add(struct report_shard *sum, const struct report_shard *next);

/* The statistics of the sum, as one exploration would have counted them. */
void shard_finish(struct report_shard *sum);

#endif
