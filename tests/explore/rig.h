/* What the tests of exploration share: the world with the small programs in it. */
#ifndef TESTS_EXPLORE_RIG_H
#define TESTS_EXPLORE_RIG_H

#include "harness/explore/explore.h"
#include "programs.h"

/* Under a sanitizer an execution costs a hundred times as much. */
#if defined(__SANITIZE_ADDRESS__)
#define SMALLER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SMALLER 1
#endif
#endif
#ifndef SMALLER
#define SMALLER 0
#endif

enum { ORDERS_MAX = 64, ORDER_MAX = 16 };

/* The orders of critical sections that were seen, each once: "1212"; and how often. */
struct rig_orders {
    uint32_t count;
    uint32_t times[ORDERS_MAX];
    char of[ORDERS_MAX][ORDER_MAX];
};
extern struct rig_orders rig_orders;

extern const struct explore_programs *rig_programs;

/* CMocka group set-up: the world is one for the process. */
int rig_begin(void **state);
/* A subject that runs the program and keeps its order of sections in rig_orders, which is
 * emptied now. */
struct explore_subject rig_subject(void (*program)(void));

#endif
