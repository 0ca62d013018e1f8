/* What a core's program was told of its leases, key by key: the metrics of locks say the same. */
#ifndef FAKES_TALLY_H
#define FAKES_TALLY_H

#include "fakes/common.h"

enum { TALLIES_MAX = 16 };

struct tally {
    const char *key;
    uint32_t life;              /* of its core */
    uint64_t granted, failed, refused, ended, lost, held_us;
    bool contended, stuck;      /* alerts that are up */
};

struct instance;

/* That of this life of the core, new if need be; NULL without room. `key` is kept. */
struct tally *tally_of(struct instance *instance, const char *key);
/* An acquisition was answered. `waited`: it was ready to wait. */
void tally_answer(struct instance *instance, const char *key, bool waited, enum core_result rc);
/* A lease that was held for so long is over. */
void tally_end(struct instance *instance, const char *key, uint64_t held_us, bool lost);
void tally_alert(struct instance *instance, const struct core_alert *alert);
/* In the calm: compares. */
void tally_audit(struct instance *instance);

#endif
