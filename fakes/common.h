/* Shared by all files of fakes/: limits, names that everybody refers to, and time. */
#ifndef FAKES_COMMON_H
#define FAKES_COMMON_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "fakes/core_api.h"
#include "fakes/scratch.h"
#include "harness/check/record.h"
#include "harness/check/require.h"
#include "harness/scenario/ast.h"
#include "harness/world/world.h"

enum {
    SOCKETS_MAX = 1024,     /* of one execution */
    SESSIONS_MAX = SCN_ACTORS_MAX,
    PROMPTS_MAX = 64,       /* that one tab has heard of */
    RUNS_NOTED = 32,        /* whose keys one tab remembers */
    LOCKS_MAX = 24,
    SANDBOXES_MAX = 32,
    PROCESSES_MAX = 64,     /* of one sandbox */
    POINTS_MAX = 128,
    PROBLEM_MAX = 1024,      /* characters of what is wrong with a scenario's settings */
    KINDS_MAX = 32,         /* of events, from one producer */
    LINK_WINDOW = 8,        /* frames that fit into a socket */
};

struct play;
struct actor;
struct tab;
struct fault;
struct socket;
struct instance;

static inline uint64_t us_ns(uint64_t time_us)
{
    return time_us > WORLD_NEVER / 1000 ? WORLD_NEVER : time_us * 1000;
}

static inline uint64_t now_us(void)
{
    return world_now_ns() / 1000;
}

/* The time that lies so far ahead. */
static inline uint64_t ahead_ns(uint64_t time_us)
{
    return world_now_ns() + us_ns(time_us);
}

/* Joins three texts, cut to what a name of the world may have. */
const char *name_of(char name[WORLD_NAME_MAX], const char *one, const char *two, const char *three);

#endif
